//! The suites pass under every way to generate code and to collect, not only the default one.

mod common;

use common::{pass_suites, with_stack};
use wassay_engine::Config;

/// Between them they use every instruction of 3.0.
const SUITES: [&str; 5] = ["scripts", "spec-v2", "spec-v3", "proposals/gc", "proposals/exceptions"];

#[test]
fn with_every_memory_access_checked() {
    with_stack(|| pass_suites(&SUITES, Config::new().verifier(true).guard_pages(false)));
}

#[test]
fn without_optimisation() {
    with_stack(|| pass_suites(&SUITES, Config::new().verifier(true).optimize(false)));
}

#[test]
fn collecting_at_every_allocation() {
    with_stack(|| pass_suites(&SUITES, Config::new().collect_always(true)));
}

#[test]
fn from_object_files() {
    with_stack(|| pass_suites(&SUITES, Config::new().through_objects(true)));
}
