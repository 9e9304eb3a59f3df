//! Tests that code, memories, tables and objects are freed with their store: after ten more runs of
//! suites, memory and mappings have not grown.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::{pass_suites, with_stack};
use wassay_engine::Config;

/// How many runs it takes until the process keeps nothing new.
const SETTLING: usize = 4;

/// How many mappings the process has, and how many bytes of it are in memory.
fn footprint() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (maps, pages * 4096)
}

fn run_suite() {
    pass_suites(&["spec-v2", "proposals/gc", "proposals/exceptions"], Config::new().verifier(false));
}

#[test]
fn ten_more_runs_leave_what_a_few_left() {
    let run = || {
        // The first runs also pay for what the process keeps: the code space, buffers of the
        // compiler, and the allocator's heap, which takes a few rounds to reach the size that it
        // then stays at.
        (0..SETTLING).for_each(|_| run_suite());
        let (maps, bytes) = footprint();
        (0..10).for_each(|_| run_suite());
        (maps, bytes, footprint())
    };
    let (maps, bytes, (maps_after, bytes_after)) = with_stack(run);
    println!("mappings {maps} -> {maps_after}, bytes in memory {bytes} -> {bytes_after}");
    assert!(maps_after <= maps + 8, "mappings: {maps} after {SETTLING} runs, {maps_after} after ten more");
    // A page for each of the suite's modules, left behind once a run, would be 16 MiB a run.
    // The allocator may still take one step of some megabytes.
    let allowed = bytes + (24 << 20);
    assert!(
        bytes_after <= allowed,
        "bytes in memory: {bytes} after {SETTLING} runs, {bytes_after} after ten more"
    );
}
