//! wassay's own engine: everything that links `wassay_engine` and `wassay_wasi`, except for the
//! WASI cases in [`wasi_case`](crate::wasi_case).
//!
//! A build without the feature `engine` uses `absent/own.rs` instead, which has the same items and
//! rejects the commands that need an engine.

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

/// The environment variable that stresses the garbage collector: with `1` every allocation of an
/// object collects first.
pub const STRESS: &str = "WASSAY_STRESS";

/// Creates an embedder of our engine, with settings from the environment.
pub fn embedder() -> EngineEmbedder {
    EngineEmbedder::new(environment())
}

/// The default engine factory; `None` in a build without an engine.
pub(crate) fn maker() -> Option<fn() -> EngineEmbedder> {
    Some(embedder)
}

/// Prepares the process before it starts threads.
pub(crate) fn prepare() {
    wassay_engine::save_address_space();
}

/// Creates an engine with these features, a memory limit for its stores, and settings from the
/// environment.
pub(crate) fn engine(features: Features, max_memory: Option<u64>) -> wassay_engine::Result<Engine> {
    let config = environment().features(features);
    Engine::new(&match max_memory {
        Some(bytes) => limited(config, bytes),
        None => config,
    })
}

/// The engine settings from the environment.
fn environment() -> Config {
    config(std::env::var_os(VERIFIER).as_deref(), std::env::var_os(STRESS).as_deref())
}

/// The engine settings for values of [`VERIFIER`] and [`STRESS`].
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
