//! Checks that ten thousand different modules in one engine use no more memory than one thousand.
//! This is the only test in its process, because it measures the process's memory.

// The test prints its results.
#![allow(clippy::disallowed_macros)]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::numbered::{engine, run};

/// The resident memory of the process in bytes. `statm` would be off by up to a megabyte.
fn resident() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[test]
fn ten_thousand_modules_use_the_memory_of_one_thousand() {
    let engine = engine();
    (0..1000).for_each(|number| run(&engine, number));
    let (before, stats) = (resident(), engine.stats());
    assert_eq!(stats.types, 0, "{stats:?}");
    (1000..10_000).for_each(|number| run(&engine, number));
    let after = resident();
    println!("resident bytes: {before} after 1,000 modules, {after} after 10,000");
    assert_eq!(engine.stats().types, 0);
    assert!(engine.stats().trampolines <= 2 * 128, "{:?}", engine.stats());
    assert!(after <= before + (2 << 20), "resident bytes: {before}, then {after}");
}
