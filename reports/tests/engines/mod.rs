//! Reports of engines that were never run, all of one suite.

use std::time::Duration;

use wassay_reports::matrix::Named;
use wassay_reports::{Apart, Aside, Case, Counts, Engine, Failure, Key, Needs, Note, Outcome, Report, Suite};

/// The kinds of directives in the suite.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// A module that is to compile.
    Module,
    Returns,
    /// Says that a module is invalid.
    Refused,
}

const DIRECTIVES: [Does; 5] = [Does::Module, Does::Returns, Does::Returns, Does::Refused, Does::Module];

/// The scripts of the suite, with the features that their directives need.
const SCRIPTS: [(&str, &[&str]); 4] = [
    ("plain.wast", &[]),
    ("simd.wast", &["simd"]),
    ("gc.wast", &["gc"]),
    ("teleport.wast", &["teleport", "simd"]),
];

/// The suite that all of them ran.
pub(crate) struct Official;

pub(crate) fn official() -> Official {
    Official
}

impl Official {
    pub(crate) fn directives(&self) -> u64 {
        (SCRIPTS.len() * DIRECTIVES.len()) as u64
    }
}

/// An engine and what it does wrong; directives are named by script and line, from 1.
#[derive(Clone)]
pub(crate) struct Ran {
    engine: Engine,
    started: String,
    lacks: Vec<String>,
    fails: Vec<(String, u32)>,
    apart: Vec<(String, u32, Apart)>,
    guests: Vec<Case>,
}

impl Ran {
    pub(crate) fn of(name: &str, version: &str) -> Ran {
        let (engine, started) = (Engine::new(name, version), "2026-01-02T03:04:05Z".to_owned());
        Ran { engine, started, lacks: Vec::new(), fails: Vec::new(), apart: Vec::new(), guests: Vec::new() }
    }

    pub(crate) fn configured(mut self, name: &str, flags: &[&str]) -> Ran {
        self.engine.configuration = Some(name.to_owned());
        self.engine.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self
    }

    pub(crate) fn on(mut self, started: &str) -> Ran {
        self.started = started.to_owned();
        self
    }

    /// No module that needs the feature compiles, so that what runs is blocked; what is to be
    /// refused is.
    pub(crate) fn lacks(mut self, feature: &str) -> Ran {
        self.lacks.push(feature.to_owned());
        self
    }

    pub(crate) fn fails(mut self, script: &str, line: u32) -> Ran {
        self.fails.push((script.to_owned(), line));
        self
    }

    pub(crate) fn apart(mut self, script: &str, line: u32, apart: Apart) -> Ran {
        self.apart.push((script.to_owned(), line, apart));
        self
    }

    /// Ran guests of WASI too, of three steps each, which ended so.
    pub(crate) fn guests(mut self, outcomes: &[Outcome]) -> Ran {
        self.guests = (0..).zip(outcomes).map(|(number, outcome)| guest(number, *outcome)).collect();
        self
    }

    fn case(&self, number: u8) -> Case {
        let (name, features) = SCRIPTS[usize::from(number)];
        let lacks = self.lacks.iter().any(|feature| features.contains(&feature.as_str()));
        let mut needs =
            Needs { features: features.iter().map(|name| (*name).to_owned()).collect(), ..Needs::default() };
        let (mut failures, mut notes, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (line, does) in (1..).zip(DIRECTIVES) {
            let key = Key::from_digest(&[number * 10 + u8::try_from(line).unwrap(); 32]);
            keys.push(key);
            let said = self.apart.iter().find(|(script, at, _)| (script.as_str(), *at) == (name, line));
            let apart =
                said.map(|(.., apart)| *apart).or((lacks && does == Does::Returns).then_some(Apart::Blocked));
            let fails = self.fails.contains(&(name.to_owned(), line)) || (lacks && does == Does::Module);
            let outcome = match apart {
                Some(_) => Outcome::Skipped,
                None if fails => Outcome::Failed,
                None => Outcome::Passed,
            };
            needs.directives.record(outcome);
            if does == Does::Module {
                needs.modules.record(outcome);
            }
            if outcome != Outcome::Passed {
                needs.not_passed.push(key);
            }
            if let Some(apart) = apart {
                needs.aside.record(apart);
                let reason = format!("{}: why", apart.word());
                notes.push(Note {
                    line,
                    column: 1,
                    apart: Some(apart),
                    key: Some(key),
                    ..Note::new(outcome, reason)
                });
            } else if fails {
                failures.push(failure(does, line, key));
            }
        }
        let counts: Counts = needs.directives;
        Case {
            aside: Aside { ..needs.aside },
            features: needs.features.clone(),
            judged_under: Some("3.0".to_owned()),
            needs: vec![needs],
            failures,
            notes,
            keys,
            ..Case::new(name.to_owned(), counts.outcome(), Duration::from_millis(1), counts)
        }
    }

    fn report(&self) -> Report {
        let cases = (0..).take(SCRIPTS.len()).map(|number| self.case(number)).collect();
        let suite = Suite {
            url: Some("https://example.org/suite".to_owned()),
            ..Suite::new("spec".to_owned(), "commit 98cf7a0c".to_owned(), cases)
        };
        let guests = Suite::new("wasi".to_owned(), "commit 7".to_owned(), self.guests.clone());
        let suites = [suite, guests].into_iter().filter(|suite| !suite.cases.is_empty()).collect();
        let (host, started) = ("x86_64-linux".to_owned(), self.started.clone());
        Report::new(self.engine.clone(), host, started, Duration::from_secs(1), suites)
    }
}

fn guest(number: u8, outcome: Outcome) -> Case {
    let name = format!("guest-{number}.wasm");
    let counts = match outcome {
        Outcome::Passed => Counts { passed: 3, ..Counts::default() },
        Outcome::Skipped => Counts { skipped: 3, ..Counts::default() },
        _ => Counts { passed: 2, failed: 1, ..Counts::default() },
    };
    let mut case = Case::new(name, outcome, Duration::from_millis(1), counts);
    case.guest = Some(Key::from_digest(&[200 + number; 32]));
    if outcome.is_failure() {
        let (kind, message) = ("wrong-exit-code".to_owned(), "it ended with exit code 71".to_owned());
        case.failures = vec![Failure { kind, message, ..Failure::default() }];
    }
    case
}

fn failure(does: Does, line: u32, key: Key) -> Failure {
    let (kind, source) = match does {
        Does::Module => ("unexpected-invalid", "(module (type (struct)))".to_owned()),
        Does::Returns => ("wrong-value", format!("(assert_return (invoke \"f{line}\") (i32.const 1))")),
        Does::Refused => {
            ("missed-invalid", "(assert_invalid (module (func (result i32))) \"type mismatch\")".to_owned())
        }
    };
    Failure {
        line,
        column: 1,
        kind: kind.to_owned(),
        message: "result 0 has the wrong value".to_owned(),
        expected: Some("i32 1 (0x00000001)".to_owned()),
        actual: Some("i32 2 (0x00000002)".to_owned()),
        source,
        key: Some(key),
        ..Failure::default()
    }
}

/// The report of a run, by the name of its engine.
pub(crate) fn named(ran: &Ran) -> Named {
    Named { name: format!("{}.json", ran.engine.name), report: ran.report() }
}
