//! The suites pass under every way to generate code, not only the default one.

#![allow(clippy::unwrap_used)]

use wassay::script::{EngineEmbedder, Options, run_script};
use wassay_engine::Config;

/// Runs need more stack than a test thread has.
const STACK: usize = 8 << 20;

fn passes(config: Config) {
    let run = move || {
        let mut embedder = EngineEmbedder::new(config.verifier(true));
        for script in wassay_testsuite::catalogue::find("spec-v2").unwrap().scripts() {
            let options = Options { features: script.features().parse().unwrap(), ..Options::default() };
            let result = run_script(script.name(), &script.read().unwrap(), &options, &mut embedder).unwrap();
            assert!(result.is_success(), "{}", result.render_failures(false));
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
}

#[test]
fn with_every_memory_access_checked() {
    passes(Config::new().guard_pages(false));
}

#[test]
fn without_optimisation() {
    passes(Config::new().optimize(false));
}
