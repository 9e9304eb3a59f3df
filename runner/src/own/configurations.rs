//! The configurations of the engine that `wassay fuzz` compares.

use std::fmt;

use wassay_engine::{Compilation, Config};

/// A way to configure the engine. Modules have the same results in all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configuration {
    compilation: &'static Setting,
    checks: Option<&'static Setting>,
}

/// A setting on top of the environment.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    set: fn(Config) -> Config,
}

/// When and how functions are compiled; the first one is the default of the engine.
static COMPILATIONS: [Setting; 5] = [
    Setting { name: "tiered", set: tiered },
    Setting { name: "lazy", set: |config| config.compilation(Compilation::Lazy).speculation(false) },
    Setting { name: "eager", set: |config| config.compilation(Compilation::Eager) },
    Setting { name: "tier-up", set: |config| tiered(config).tier_up_always(true) },
    Setting { name: "unoptimized", set: |config| config.optimize(false) },
];

/// What is checked or done more often than by default.
static CHECKS: [Setting; 3] = [
    Setting { name: "no-guard-pages", set: |config| config.guard_pages(false) },
    Setting { name: "stress", set: |config| config.collect_always(true) },
    Setting { name: "verifier", set: |config| config.verifier(true) },
];

fn tiered(config: Config) -> Config {
    config.compilation(Compilation::Tiered)
}

impl Configuration {
    /// The settings of an engine with these settings in this configuration.
    pub(super) fn set(self, config: Config) -> Config {
        let config = (self.compilation.set)(config);
        match self.checks {
            Some(checks) => (checks.set)(config),
            None => config,
        }
    }
}

/// The names of the settings, for `wassay adapter --configuration` and findings of `wassay fuzz`.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.compilation.name)?;
        self.checks.map_or(Ok(()), |checks| write!(f, "+{}", checks.name))
    }
}

/// All configurations; the first one is the default of the engine.
pub(crate) fn all() -> impl Iterator<Item = Configuration> {
    let checks = || [None].into_iter().chain(CHECKS.iter().map(Some));
    COMPILATIONS
        .iter()
        .flat_map(move |compilation| checks().map(move |checks| Configuration { compilation, checks }))
}

/// The configuration with a name.
pub(super) fn named(name: &str) -> Result<Configuration, String> {
    all().find(|configuration| configuration.to_string() == name).ok_or_else(|| {
        let names: Vec<String> = all().map(|configuration| configuration.to_string()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_compile_is_combined_with_every_check() {
        let names: Vec<String> = all().map(|configuration| configuration.to_string()).collect();
        assert_eq!(names.len(), 20);
        assert_eq!((&*names[0], &*names[5]), ("tiered", "lazy+no-guard-pages"));
        for name in &names {
            assert_eq!(named(name).unwrap().to_string(), *name);
        }
        let config = || Config::new().verifier(false);
        let shown: Vec<String> = all().map(|one| format!("{:?}", one.set(config()))).collect();
        // Nothing else distinguishes them than these settings.
        assert!((0..20).all(|at| !shown[..at].contains(&shown[at])), "{shown:#?}");
        assert!(named("tiered+nothing").unwrap_err().contains("eager+stress"));
    }
}
