//! The suites pass under every way to generate code, not only the default one.

mod common;

use common::{pass_spec_v2, with_stack};
use wassay_engine::Config;

#[test]
fn with_every_memory_access_checked() {
    with_stack(|| pass_spec_v2(Config::new().verifier(true).guard_pages(false)));
}

#[test]
fn without_optimisation() {
    with_stack(|| pass_spec_v2(Config::new().verifier(true).optimize(false)));
}
