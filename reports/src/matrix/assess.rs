//! Assesses which features an engine supports, from the results of the directives that depend on
//! each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::Serialize;

use super::proposals::rank;
use crate::aside::Aside;
use crate::model::{Case, Needs};
use crate::outcome::Counts;

/// How well an engine supports a feature, judged by the directives for which it is the newest
/// feature. Directives that also need a feature that the engine does not support at all are
/// ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No directive that depends on it ran.
    NotRun,
    /// Unknown: no module that needs it should compile, or the report is of a version that does not
    /// count modules.
    Unknown,
    /// No module that needs it compiles.
    No,
    /// Some modules that need it do not compile, or all compile but nothing else passes.
    Partly,
    /// All modules that need it compile, but some directives fail.
    Deviates,
    /// All modules that need it compile, and every directive that was judged passes.
    Full,
}

impl State {
    /// Whether it counts as supported: all modules that need it compile.
    pub fn is_supported(self) -> bool {
        self >= State::Deviates
    }

    /// Whether the state is known.
    pub fn is_known(self) -> bool {
        self >= State::No
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::NotRun => "not run",
            State::Unknown => "unknown",
            State::No => "no",
            State::Partly => "partly",
            State::Deviates => "yes, with failures",
            State::Full => "yes",
        }
    }
}

/// Directives that are ignored for a feature because they also need one that the engine lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SetAside {
    /// The feature that the engine lacks.
    pub feature: String,
    /// The number of directives.
    pub directives: u64,
}

/// The results of directives, and of the modules among them that should compile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) directives: Counts,
    pub(super) modules: Counts,
    pub(super) aside: Aside,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.directives += other.directives;
        self.modules += other.modules;
        self.aside += other.aside;
    }
}

/// Those that passed, expected or not.
pub(super) fn good(counts: &Counts) -> u64 {
    counts.passed.saturating_add(counts.xpassed)
}

/// Those that failed, expected or not.
pub(super) fn bad(counts: &Counts) -> u64 {
    counts.failed.saturating_add(counts.xfailed)
}

/// The assessment of a feature.
pub(super) struct Assessed {
    pub(super) state: State,
    /// The results of the relevant directives.
    pub(super) tally: Tally,
    /// The other directives that depend on it.
    pub(super) set_aside: Vec<SetAside>,
}

/// The results of the directives of some cases, by the features that each depends on.
#[derive(Default)]
pub(super) struct Assessment<'a> {
    groups: BTreeMap<Vec<&'a str>, Tally>,
    absent: BTreeSet<&'a str>,
}

impl<'a> Assessment<'a> {
    pub(super) fn of(cases: impl Iterator<Item = &'a Case>) -> Assessment<'a> {
        let mut groups: BTreeMap<Vec<&str>, Tally> = BTreeMap::new();
        for Needs { features, directives, modules, aside, .. } in cases.flat_map(|case| &case.needs) {
            let features: BTreeSet<&str> = features.iter().map(String::as_str).collect();
            *groups.entry(features.into_iter().collect()).or_default() +=
                Tally { directives: *directives, modules: *modules, aside: *aside };
        }
        let mut by_feature: BTreeMap<&str, Counts> = BTreeMap::new();
        for (features, tally) in &groups {
            for feature in features {
                *by_feature.entry(feature).or_default() += tally.modules;
            }
        }
        let lacks = |modules: &Counts| good(modules) == 0 && bad(modules) > 0;
        let absent = by_feature.iter().filter(|(_, modules)| lacks(modules)).map(|(feature, _)| *feature);
        Assessment { absent: absent.collect(), groups }
    }

    /// The features that some directive depends on.
    pub(super) fn features(&self) -> BTreeSet<&'a str> {
        self.groups.keys().flatten().copied().collect()
    }

    /// The first of these features that the engine does not support at all.
    pub(super) fn lacking<'b>(&self, mut features: impl Iterator<Item = &'b str>) -> Option<&'b str> {
        features.find(|feature| self.absent.contains(feature))
    }

    /// Whether directives that need these features are relevant to `feature`, which is empty for
    /// directives that need none.
    pub(super) fn is_about(&self, features: &[String], feature: &str) -> bool {
        let features = || features.iter().map(String::as_str);
        let lacks_feature = self.absent.contains(feature);
        newest(features()) == feature
            && (lacks_feature || self.lacking(features().filter(|other| *other != feature)).is_none())
    }

    /// Assesses a feature; an empty name means directives that need none.
    pub(super) fn feature(&self, feature: &str) -> Assessed {
        let (mut tally, mut aside) = (Tally::default(), BTreeMap::<&str, u64>::new());
        for (features, group) in &self.groups {
            if newest(features.iter().copied()) != feature {
                continue;
            }
            let others = features.iter().copied().filter(|other| *other != feature);
            match self.lacking(others).filter(|_| !self.absent.contains(feature)) {
                Some(lacking) => {
                    let count = aside.entry(lacking).or_default();
                    *count = count.saturating_add(group.directives.total());
                }
                None => tally += *group,
            }
        }
        let set_aside = aside.into_iter();
        let set_aside =
            set_aside.map(|(feature, directives)| SetAside { feature: feature.to_owned(), directives });
        Assessed { state: state(&tally), set_aside: set_aside.collect(), tally }
    }
}

/// The newest of these features, or an empty name. A directive counts only for this one, since
/// later features build on earlier ones.
fn newest<'a>(features: impl Iterator<Item = &'a str>) -> &'a str {
    features.max_by_key(|feature| (rank(feature), *feature)).unwrap_or_default()
}

fn state(Tally { directives, modules, .. }: &Tally) -> State {
    // The results besides modules. A module that compiles but cannot be instantiated fails as a
    // directive.
    let good_beside = good(directives).saturating_sub(good(modules));
    let judged = |counts: &Counts| good(counts).saturating_add(bad(counts));
    let judged_beside = judged(directives).saturating_sub(judged(modules));
    if directives.is_none() {
        State::NotRun
    } else if good(modules) == 0 && bad(modules) == 0 {
        State::Unknown
    } else if good(modules) == 0 {
        State::No
    } else if bad(modules) > 0 || (judged_beside > 0 && good_beside == 0) {
        State::Partly
    } else if bad(directives) > 0 {
        State::Deviates
    } else {
        State::Full
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aside::Apart;
    use crate::outcome::Outcome;

    /// A case whose directives need these features, with the numbers of directives that pass and
    /// fail, and of modules that compile and do not.
    fn case(needs: &[(&[&str], [u64; 2], [u64; 2])]) -> Case {
        let counts = |[passed, failed]: [u64; 2]| Counts { passed, failed, ..Counts::default() };
        let of = |(features, directives, modules): &(&[&str], [u64; 2], [u64; 2])| Needs {
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
            directives: counts(*directives),
            modules: counts(*modules),
            ..Needs::default()
        };
        let needs = needs.iter().map(of).collect();
        Case { needs, ..Case::new("a".into(), Outcome::Failed, Duration::ZERO, Counts::default()) }
    }

    fn states(needs: &[(&[&str], [u64; 2], [u64; 2])], features: &[&str]) -> Vec<State> {
        let case = case(needs);
        let assessment = Assessment::of([&case].into_iter());
        features.iter().map(|feature| assessment.feature(feature).state).collect()
    }

    #[test]
    fn an_engine_that_rejects_everything_supports_nothing() {
        // Four hundred assertions of errors pass.
        let refused: &[(&[&str], _, _)] = &[(&["gc"], [400, 90], [0, 40])];
        assert_eq!(states(refused, &["gc", "simd", ""]), [State::No, State::NotRun, State::NotRun]);
    }

    #[test]
    fn one_module_that_does_not_compile_makes_it_partly() {
        let state = |directives, modules| states(&[(&["gc"], directives, modules)], &["gc"])[0];
        assert_eq!(state([400, 0], [40, 0]), State::Full);
        assert_eq!(state([399, 1], [40, 0]), State::Deviates);
        assert_eq!(state([399, 1], [39, 1]), State::Partly);
        // Everything compiles, but every result is wrong.
        assert_eq!(state([40, 360], [40, 0]), State::Partly);
        assert_eq!(state([400, 0], [0, 0]), State::Unknown);
        assert!(State::Deviates.is_supported() && !State::Partly.is_supported());
    }

    #[test]
    fn a_feature_is_not_affected_by_another_missing_one() {
        let needs: &[(&[&str], _, _)] = &[
            (&[], [10, 0], [2, 0]),
            (&["memory64"], [60, 0], [6, 0]),
            (&["memory64", "multi-memory"], [5, 15], [0, 4]),
            (&["multi-memory"], [50, 40], [0, 9]),
        ];
        let expected = [State::Full, State::Full, State::No];
        assert_eq!(states(needs, &["", "memory64", "multi-memory"]), expected);
        let case = case(needs);
        let assessed = Assessment::of([&case].into_iter()).feature("memory64");
        assert_eq!(assessed.tally.directives.total(), 60);
        let aside = SetAside { feature: "multi-memory".to_owned(), directives: 20 };
        assert_eq!(assessed.set_aside, [aside]);
    }

    #[test]
    fn a_directive_counts_for_the_newest_of_its_features() {
        // Exceptions of 3.0 compile partly, since some of them are legacy exceptions.
        let needs: &[(&[&str], _, _)] = &[
            (&["multi-value"], [50, 0], [9, 0]),
            (&["exceptions", "multi-value"], [0, 3], [0, 3]),
            (&["exceptions"], [30, 0], [12, 0]),
            (&["exceptions", "teleport"], [5, 0], [2, 0]),
        ];
        let expected = [State::Full, State::Partly, State::Full];
        assert_eq!(states(needs, &["multi-value", "exceptions", "teleport"]), expected);
        let total: u64 = {
            let case = case(needs);
            let assessment = Assessment::of([&case].into_iter());
            let of = |feature: &&str| assessment.feature(feature).tally.directives.total();
            assessment.features().iter().map(of).sum()
        };
        assert_eq!(total, 88, "each is counted once");
    }

    #[test]
    fn what_is_blocked_or_beyond_a_limit_is_not_failed() {
        let mut one = case(&[(&["memory64"], [60, 0], [6, 0])]);
        let needs = &mut one.needs[0];
        for _ in 0..3 {
            needs.modules.record(Outcome::Skipped);
            for apart in [Apart::Limit, Apart::Blocked, Apart::Superseded] {
                needs.directives.record(Outcome::Skipped);
                needs.aside.record(apart);
            }
        }
        let assessed = Assessment::of([&one].into_iter()).feature("memory64");
        let aside = Aside { limit: 3, blocked: 3, superseded: 3, ..Aside::default() };
        assert_eq!((assessed.state, assessed.tally.aside), (State::Full, aside));
        // If all of it is set aside, nothing is known.
        let needs = &mut one.needs[0];
        (needs.directives.passed, needs.modules.passed) = (0, 0);
        assert_eq!(Assessment::of([&one].into_iter()).feature("memory64").state, State::Unknown);
    }

    #[test]
    fn contradictory_counts_do_not_panic() {
        for (directives, modules) in
            [([0, 1], [u64::MAX, u64::MAX]), ([u64::MAX, u64::MAX], [0, 1]), ([0, 0], [1, 0])]
        {
            states(&[(&["gc", "gc"], directives, modules)], &["gc"]);
        }
    }
}
