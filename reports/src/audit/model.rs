//! The results of an audit.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Case, Engine, Failure, Note, Report, Suite};
use crate::outcome::{Counts, Outcome};
use crate::text::{counted, grouped};

/// An audit of suites.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The engine on which the scripts ran.
    pub engine: Engine,
    /// The program that injected the faults.
    pub harness: Engine,
    /// The machine: operating system and architecture.
    pub host: String,
    /// The start time, in RFC 3339 format.
    pub started: String,
    /// The elapsed time.
    pub duration: Duration,
    /// Whether the audit was interrupted, so that some scripts did not run with every fault.
    pub interrupted: bool,
    /// The audited suites.
    pub suites: Vec<Audited>,
    /// The faults, in the order of their tables.
    pub faults: Vec<Fault>,
}

/// A suite that was audited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Audited {
    /// The name of the suite.
    pub name: String,
    /// The origin of the suite, such as a release and its version.
    pub source: String,
    /// The number of scripts.
    pub scripts: u64,
    /// The number of directives in the scripts.
    pub directives: u64,
    /// The number of directives that fail without any fault. They cannot kill one.
    pub failing: u64,
}

/// A fault and its results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Fault"))]
pub struct Fault {
    /// The family: the name of the table that defines the fault.
    pub family: String,
    /// The subject: an instruction, a rule, or another part of an engine.
    pub subject: String,
    /// What the faulty engine does instead.
    pub what: String,
    /// Why no test can detect the fault; absent if a test could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equivalent: Option<String>,
    /// The number of scripts that ran with the fault.
    pub scripts: u64,
    /// The number of scripts in which every rewritten module was invalid.
    pub invalid: u64,
    /// The first directive that failed, for each script that detected the fault.
    pub kills: Vec<Kill>,
}

/// The first directive of a script that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kill {
    /// The script, as `suite::script`.
    pub script: String,
    /// The line of the directive, starting at 1.
    pub line: u32,
    /// The kind of the failure.
    pub kind: String,
}

/// The result for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A directive failed.
    Killed,
    /// No directive failed, or no script is affected by the fault.
    Survived,
    /// No test can detect the fault.
    Equivalent,
    /// The fault could not be injected: every rewritten module was invalid.
    NotApplicable,
}

/// The number of faults in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tally {
    /// All faults.
    pub total: u64,
    /// Killed faults.
    pub killed: u64,
    /// Survivors.
    pub survived: u64,
    /// Faults that no test can detect.
    pub equivalent: u64,
    /// Faults that could not be injected.
    pub not_applicable: u64,
}

impl Fault {
    /// The name of the fault: family, subject and wrong behaviour.
    pub fn name(&self) -> String {
        format!("{}/{}: {}", self.family, self.subject, self.what)
    }

    /// The result for this fault.
    pub fn state(&self) -> State {
        match (self.equivalent.is_some(), self.kills.is_empty()) {
            (true, _) => State::Equivalent,
            (false, false) => State::Killed,
            (false, true) if self.scripts == 0 && self.invalid > 0 => State::NotApplicable,
            (false, true) => State::Survived,
        }
    }
}

impl State {
    /// The name of the state in reports.
    pub fn name(self) -> &'static str {
        match self {
            State::Killed => "killed",
            State::Survived => "survived",
            State::Equivalent => "equivalent",
            State::NotApplicable => "not applicable",
        }
    }
}

impl Tally {
    fn add(&mut self, state: State) {
        self.total += 1;
        *match state {
            State::Killed => &mut self.killed,
            State::Survived => &mut self.survived,
            State::Equivalent => &mut self.equivalent,
            State::NotApplicable => &mut self.not_applicable,
        } += 1;
    }

    /// The two parts of a summary: the faults that were judged, and the others.
    pub(super) fn summary(&self) -> (String, String) {
        let (killed, survived) = (grouped(self.killed), grouped(self.survived));
        let (equivalent, not_applicable) = (grouped(self.equivalent), grouped(self.not_applicable));
        (
            format!("{killed} of {} killed, {survived} survive", counted(self.total, "fault")),
            format!("{equivalent} equivalent, {not_applicable} not applicable"),
        )
    }
}

/// The faults that a script kills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScriptKills {
    /// The number of faults that the script kills.
    pub kills: u64,
    /// The faults that no other script kills.
    pub alone: Vec<String>,
}

impl Audit {
    /// The number of faults in each state.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.faults.iter().for_each(|fault| tally.add(fault.state()));
        tally
    }

    /// Counts the faults in each state by family, in the order of the tables.
    pub fn families(&self) -> Vec<(&str, Tally)> {
        let mut families: Vec<(&str, Tally)> = Vec::new();
        for fault in &self.faults {
            if families.last().is_none_or(|(family, _)| *family != fault.family) {
                families.push((&fault.family, Tally::default()));
            }
            families.iter_mut().rev().take(1).for_each(|(_, tally)| tally.add(fault.state()));
        }
        families
    }

    /// Returns the survivors, in the order of the tables.
    pub fn survivors(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| fault.state() == State::Survived)
    }

    /// Returns the faults that each script kills, by name; scripts that kill none are absent.
    pub fn scripts(&self) -> BTreeMap<&str, ScriptKills> {
        let mut scripts: BTreeMap<&str, ScriptKills> = BTreeMap::new();
        for fault in self.faults.iter().filter(|fault| fault.state() == State::Killed) {
            for kill in &fault.kills {
                let worth = scripts.entry(&kill.script).or_default();
                worth.kills += 1;
                if fault.kills.len() == 1 {
                    worth.alone.push(fault.name());
                }
            }
        }
        scripts
    }

    /// Converts the audit to a report of cases, for formats that only have cases: a suite for each
    /// family, and a case for each fault, which passes if the fault is killed.
    pub fn to_report(&self) -> Report {
        let mut suites: Vec<Suite> = Vec::new();
        for fault in &self.faults {
            if suites.last().is_none_or(|suite| suite.name != fault.family) {
                suites.push(Suite::new(fault.family.clone(), "faults".to_owned(), Vec::new()));
            }
            suites.iter_mut().rev().take(1).for_each(|suite| suite.cases.push(case(fault)));
        }
        let Audit { engine, harness, host, started, duration, interrupted, .. } = self.clone();
        let report = Report::new(engine, host, started, duration, suites);
        Report { harness: Some(harness), interrupted, ..report }
    }
}

fn case(fault: &Fault) -> Case {
    let name = format!("{}: {}", fault.subject, fault.what);
    let one = |outcome| {
        let mut counts = Counts::default();
        counts.record(outcome);
        Case::new(name.clone(), outcome, Duration::ZERO, counts)
    };
    let note = |reason: String| Note {
        line: 0,
        column: 0,
        outcome: Outcome::Skipped,
        reason,
        apart: None,
        key: None,
    };
    match fault.state() {
        State::Killed => one(Outcome::Passed),
        State::Survived => {
            let message =
                format!("no directive fails in {} with the fault", counted(fault.scripts, "script"));
            let failure = Failure { kind: "survived".to_owned(), message, ..Failure::default() };
            Case { failures: vec![failure], ..one(Outcome::Failed) }
        }
        State::Equivalent => {
            let reason = fault.equivalent.clone().unwrap_or_default();
            Case { notes: vec![note(reason)], ..one(Outcome::Skipped) }
        }
        State::NotApplicable => {
            let reason = "every module rewritten for the fault is invalid".to_owned();
            Case { notes: vec![note(reason)], ..one(Outcome::Skipped) }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn audit() -> Audit {
        let fault = |family: &str, subject: &str, scripts, kills: &[(&str, u32)]| Fault {
            family: family.to_owned(),
            subject: subject.to_owned(),
            what: "does <nothing>".to_owned(),
            equivalent: None,
            scripts,
            invalid: 0,
            kills: kills
                .iter()
                .map(|(script, line)| Kill {
                    script: (*script).to_owned(),
                    line: *line,
                    kind: "wrong-value".to_owned(),
                })
                .collect(),
        };
        Audit {
            engine: Engine::new("e", "1"),
            harness: Engine::new("wassay", "1"),
            host: "h".to_owned(),
            started: "2026-01-01T00:00:00.000Z".to_owned(),
            duration: Duration::from_secs(3),
            interrupted: false,
            suites: vec![Audited {
                name: "s".to_owned(),
                source: "here".to_owned(),
                scripts: 2,
                directives: 9,
                failing: 1,
            }],
            faults: vec![
                fault("f", "one", 2, &[("s::a.wast", 3), ("s::b.wast", 1)]),
                fault("f", "two", 2, &[("s::a.wast", 4)]),
                fault("f", "three", 1, &[]),
                Fault { equivalent: Some("why".to_owned()), ..fault("g", "four", 0, &[]) },
                Fault { invalid: 1, ..fault("g", "five", 0, &[]) },
                fault("g", "six", 0, &[]),
            ],
        }
    }

    #[test]
    fn states_are_computed_from_the_recorded_runs() {
        let audit = audit();
        let states: Vec<State> = audit.faults.iter().map(Fault::state).collect();
        use State::{Equivalent, Killed, NotApplicable, Survived};
        assert_eq!(states, [Killed, Killed, Survived, Equivalent, NotApplicable, Survived]);
        let tally = Tally { total: 6, killed: 2, survived: 2, equivalent: 1, not_applicable: 1 };
        assert_eq!(audit.tally(), tally);
        let families: Vec<(&str, u64)> =
            audit.families().iter().map(|(family, tally)| (*family, tally.survived)).collect();
        assert_eq!(families, [("f", 1), ("g", 1)]);
    }

    #[test]
    fn scripts_list_the_faults_that_only_they_kill() {
        let audit = audit();
        let scripts = audit.scripts();
        assert_eq!(
            scripts["s::a.wast"],
            ScriptKills { kills: 2, alone: vec!["f/two: does <nothing>".to_owned()] }
        );
        assert_eq!(scripts["s::b.wast"], ScriptKills { kills: 1, alone: Vec::new() });
    }

    #[test]
    fn a_survivor_is_a_case_that_fails() {
        let report = audit().to_report();
        let outcomes: Vec<Outcome> =
            report.suites.iter().flat_map(|suite| &suite.cases).map(|case| case.outcome).collect();
        use Outcome::{Failed, Passed, Skipped};
        assert_eq!(outcomes, [Passed, Passed, Failed, Skipped, Skipped, Failed]);
    }
}
