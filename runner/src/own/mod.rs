//! wassay's own engine: everything that links `wassay_engine` and `wassay_wasi`, but for the cases
//! of WASI in [`wasi_case`](crate::wasi_case).
//!
//! A build without the feature `engine` has `absent/own.rs` in its place, which offers the same
//! names to the rest of the crate and refuses the commands that need an engine.

mod adapter;
mod embed;
pub(crate) mod run;
pub(crate) mod serve;

use std::ffi::OsStr;

use wassay_engine::{Config, Engine, Features};

pub use self::embed::EngineEmbedder;
use self::embed::limited;

/// The version that `wassay --version` prints.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The environment variable that switches Cranelift's verifier: `1` on, `0` off. Without it the
/// verifier is on in debug builds.
pub const VERIFIER: &str = "WASSAY_VERIFIER";

/// The environment variable that stresses the collector: `1` has every allocation of an object
/// collect first.
pub const STRESS: &str = "WASSAY_STRESS";

/// Makes embedders of our engine, with the settings that the environment has.
pub fn embedder() -> EngineEmbedder {
    EngineEmbedder::new(environment())
}

/// What says which rule a module violates; `None` in a build without the engine.
pub(crate) const CLASSIFY: Option<wassay_audit::Classify> = Some(wassay_engine::classify);

/// What makes engines where no other is named; `None` in a build without one.
pub(crate) fn maker() -> Option<fn() -> EngineEmbedder> {
    Some(embedder)
}

/// Prepares the process, before it starts threads.
pub(crate) fn prepare() {
    wassay_engine::save_address_space();
}

/// An engine with these features and the settings that the environment has, whose stores may use
/// this many bytes.
pub(crate) fn engine(features: Features, max_memory: Option<u64>) -> wassay_engine::Result<Engine> {
    let config = environment().features(features);
    Engine::new(&match max_memory {
        Some(bytes) => limited(config, bytes),
        None => config,
    })
}

/// The settings of the engine that the environment has.
fn environment() -> Config {
    config(std::env::var_os(VERIFIER).as_deref(), std::env::var_os(STRESS).as_deref())
}

/// The settings of the engine, by the values of [`VERIFIER`] and [`STRESS`].
fn config(verifier: Option<&OsStr>, stress: Option<&OsStr>) -> Config {
    let switch = |value: Option<&OsStr>| value.filter(|value| !value.is_empty()).map(|value| value != "0");
    let config = Config::new().collect_always(switch(stress).unwrap_or(false));
    match switch(verifier) {
        Some(on) => config.verifier(on),
        None => config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_and_the_stress_are_switched_by_variables() {
        let settings = |verifier: Option<&str>, stress: Option<&str>| {
            let shown = format!("{:?}", config(verifier.map(OsStr::new), stress.map(OsStr::new)));
            (shown.contains("verifier: true"), shown.contains("collect_always: true"))
        };
        assert_eq!(settings(Some("1"), Some("1")), (true, true));
        assert_eq!(settings(Some("0"), Some("0")), (false, false));
        let default = (cfg!(debug_assertions), false);
        assert_eq!((settings(None, None), settings(Some(""), Some(""))), (default, default));
    }
}
