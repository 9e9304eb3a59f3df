//! The cases of suites, embedded or on disk.

use crate::case::Case;
use crate::embedded;
use crate::script::Script;
use crate::suite::{Origin, Suite};

impl Suite {
    /// The cases, sorted by name, with the expectations for scripts. Names are unique.
    pub fn cases(&self) -> Vec<Case> {
        let embedded = |scripts: Vec<Script>| {
            let expected = |mut script: Script| {
                script.expect(embedded::expectations().of(self, script.name()));
                Case::Script(script)
            };
            scripts.into_iter().map(expected).collect()
        };
        let mut cases: Vec<Case> = match &self.origin {
            Origin::Spec(version) => embedded(embedded::spec(*version, self.features)),
            Origin::Proposal(proposal) => embedded(embedded::proposal(*proposal, self.features)),
            Origin::Own => embedded(embedded::own(self.features)),
            Origin::Guests => embedded::guests().into_iter().map(Case::Guest).collect(),
            Origin::Folder(cases) => cases.clone(),
        };
        for expectations in &self.expectations {
            for script in cases.iter_mut().filter_map(Case::script_mut) {
                script.expect(expectations.of(self, script.name()));
            }
        }
        cases.sort_by(|a, b| a.name().cmp(b.name()));
        if let Some(variant) = self.variant {
            cases.retain_mut(|case| case.set_variant(variant));
        }
        cases
    }

    /// The [cases](Suite::cases) that are scripts.
    pub fn scripts(&self) -> Vec<Script> {
        let script = |case| match case {
            Case::Script(script) => Some(script),
            Case::Guest(_) | Case::Unreadable(_) => None,
        };
        self.cases().into_iter().filter_map(script).collect()
    }
}
