//! wassay's own engine: everything that links `wassay_engine` and `wassay_wasi`, except for the
//! WASI cases in [`wasi_case`](crate::wasi_case).
//!
//! A build without the feature `engine` uses `absent/own.rs` instead, which has the same items and
//! rejects the commands that need an engine.

mod adapter;
pub(crate) mod configurations;
mod embed;
mod fuzzed;
pub(crate) mod run;
pub(crate) mod serve;

use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;
use wassay_engine::{Compilation, Config, Engine, Features, HashedBytes, Module};

use self::configurations::Configuration;
pub use self::embed::EngineEmbedder;
use self::embed::limited;
pub(crate) use self::fuzzed::{object, run_object, run_wasi};
use self::run::load;

/// The version that `wassay --version` prints.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The environment variable that switches Cranelift's verifier: `1` on, `0` off. Without it the
/// verifier is on in debug builds.
pub const VERIFIER: &str = "WASSAY_VERIFIER";

/// The environment variable that stresses the garbage collector: with `1` every allocation of an
/// object collects first.
pub const STRESS: &str = "WASSAY_STRESS";

/// The environment variable for when functions are compiled, with the values of `wassay run
/// --compile`.
pub const COMPILE: &str = "WASSAY_COMPILE";

/// Creates an embedder of our engine, with settings from the environment.
pub fn embedder() -> EngineEmbedder {
    EngineEmbedder::new(environment())
}

/// Creates an embedder of our engine in a configuration.
pub(crate) fn embedder_in(configuration: Configuration) -> EngineEmbedder {
    EngineEmbedder::new(configuration.set(environment()))
}

/// Determines which rule a module violates; `None` in a build without the engine.
pub(crate) const CLASSIFY: Option<wassay_audit::Classify> = Some(wassay_engine::classify);

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

/// Compiles a module to an object file, and calls `progress` with the number of functions that are
/// compiled, and of all functions.
pub(crate) fn compile(
    file: &Path,
    features: Features,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<u8>, crate::exit::Error> {
    let bytes = HashedBytes::new(load::bytes(file)?);
    let object = Engine::new(&Config::new().features(features))
        .and_then(|engine| Module::compile_to_object(&engine, &bytes, progress));
    object.map_err(|error| load::of_module(file, error))
}

/// The engine settings from the environment.
fn environment() -> Config {
    let variable = |name| std::env::var_os(name);
    config(variable(VERIFIER).as_deref(), variable(STRESS).as_deref(), variable(COMPILE).as_deref())
}

/// The engine settings for values of [`VERIFIER`], [`STRESS`] and [`COMPILE`].
fn config(verifier: Option<&OsStr>, stress: Option<&OsStr>, compile: Option<&OsStr>) -> Config {
    let switch = |value: Option<&OsStr>| value.filter(|value| !value.is_empty()).map(|value| value != "0");
    let mut config = Config::new().collect_always(switch(stress).unwrap_or(false));
    if let Some(Ok(when)) = compile.and_then(OsStr::to_str).map(|name| When::from_str(name, false)) {
        config = when.set(config);
    }
    match switch(verifier) {
        Some(on) => config.verifier(on),
        None => config,
    }
}

/// When and how functions are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// Each as fast as possible when it is first called, and again, optimised, when it runs often
    Tiered,
    /// Each when it is first called, optimised
    Lazy,
    /// Each when it is first called, as fast as possible
    Quick,
    /// All when a module is loaded, optimised
    Eager,
    /// Like `tiered`, but each is optimised by its first call and in its first loop, for tests
    Stressed,
}

impl When {
    /// Changes the settings of an engine to this.
    fn set(self, config: Config) -> Config {
        match self {
            When::Tiered => config.compilation(Compilation::Tiered),
            When::Lazy => config.compilation(Compilation::Lazy),
            When::Quick => config.compilation(Compilation::Lazy).optimize(false),
            When::Eager => config.compilation(Compilation::Eager),
            When::Stressed => config.compilation(Compilation::Tiered).tier_up_always(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_and_the_stress_are_switched_by_variables() {
        let settings = |verifier: Option<&str>, stress: Option<&str>| {
            let shown = format!("{:?}", config(verifier.map(OsStr::new), stress.map(OsStr::new), None));
            (shown.contains("verifier: true"), shown.contains("collect_always: true"))
        };
        assert_eq!(settings(Some("1"), Some("1")), (true, true));
        assert_eq!(settings(Some("0"), Some("0")), (false, false));
        let default = (cfg!(debug_assertions), false);
        assert_eq!((settings(None, None), settings(Some(""), Some(""))), (default, default));
    }

    #[test]
    fn the_time_of_compilation_is_set_by_a_variable() {
        let shown = |value: Option<&str>| format!("{:?}", config(None, None, value.map(OsStr::new)));
        assert!(shown(Some("lazy")).contains("compilation: Lazy"));
        assert!(shown(Some("eager")).contains("compilation: Eager"));
        assert!(shown(Some("tiered")).contains("compilation: Tiered"));
        assert!(shown(Some("quick")).contains("optimize: false"));
        assert!(shown(Some("stressed")).contains("tier_up_always: true"));
        assert_eq!((shown(Some("")), shown(Some("soon"))), (shown(None), shown(None)));
    }
}
