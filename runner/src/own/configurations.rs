//! The configurations of our engine that must not make a difference.

use wassay_engine::{Compilation, Config};

/// A way to configure the engine. Modules have the same results in all of them.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Its name, for `wassay adapter --configuration` and findings of `wassay fuzz`.
    pub(crate) name: &'static str,
    /// Sets it, on top of the environment.
    pub(super) set: fn(Config) -> Config,
}

/// All configurations; the first one is the default of the engine.
pub(crate) const ALL: [Configuration; 8] = [
    Configuration { name: "tiered", set: tiered },
    Configuration { name: "lazy", set: |config| config.compilation(Compilation::Lazy).speculation(false) },
    Configuration { name: "eager", set: |config| config.compilation(Compilation::Eager) },
    Configuration { name: "tier-up", set: |config| tiered(config).tier_up_always(true) },
    Configuration { name: "unoptimized", set: |config| config.optimize(false) },
    Configuration { name: "no-guard-pages", set: |config| config.guard_pages(false) },
    Configuration { name: "stress", set: |config| config.collect_always(true) },
    Configuration { name: "verifier", set: |config| config.verifier(true) },
];

fn tiered(config: Config) -> Config {
    config.compilation(Compilation::Tiered)
}

/// The configuration with a name.
pub(super) fn named(name: &str) -> Result<&'static Configuration, String> {
    static TABLE: &[Configuration] = &ALL;
    TABLE.iter().find(|configuration| configuration.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|configuration| configuration.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}
