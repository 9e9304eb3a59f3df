//! One report of the shards of a run.

use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;

use crate::model::{Case, Engine, Report, Suite};
use crate::text::printable;

/// The reports of the shards of a run as the report of one run. Each comes with the name that messages call it by.
///
/// Suites stand in the order in which they are first met; the cases of a suite that was sharded in the order of their names,
/// as they stand in a run of all. The shards are taken to have run side by side: the merged run began with the first of
/// them and took as long as the longest.
///
/// # Errors
///
/// There is no report, two of them are of different engines, a suite came from different places, or a case is in two of them or
/// in one twice.
pub fn merge(shards: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let mut shards = shards.into_iter();
    let (first_name, Report { engine, host, started, duration, suites }) =
        shards.next().ok_or(MergeError::Nothing)?;
    let mut merged = Merging { hosts: vec![host], ..Merging::default() };
    merged.add(&first_name, suites)?;
    let (mut started, mut duration) = (started, duration);
    for (name, shard) in shards {
        if shard.engine != engine {
            let engines = Box::new([engine, shard.engine]);
            return Err(MergeError::Engines { files: [first_name, name], engines });
        }
        // Dates as in RFC 3339 and of one time zone sort as texts do.
        started = started.min(shard.started);
        duration = Duration::max(duration, shard.duration);
        if !merged.hosts.contains(&shard.host) {
            merged.hosts.push(shard.host);
        }
        merged.add(&name, shard.suites)?;
    }
    let host = merged.hosts.join(", ");
    Ok(Report { engine, host, started, duration, suites: merged.finish() })
}

/// Why reports cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is none.
    #[error("no report to merge")]
    Nothing,
    /// They are of different engines.
    #[error(
        "{}: tested {}, but {} tested {}: merge only the shards of one run, and compare runs with `report diff`",
        files[1], engine_name(&engines[1]), files[0], engine_name(&engines[0])
    )]
    Engines {
        /// The names of the two.
        files: [String; 2],
        /// Their engines.
        engines: Box<[Engine; 2]>,
    },
    /// Suites of one name are not the same.
    #[error(
        "{}: the suite `{}` comes from `{}`, but in {} from `{}`: merge only the shards of one run",
        files[1], printable(suite), printable(&sources[1]), files[0], printable(&sources[0])
    )]
    Sources {
        /// The names of the two.
        files: [String; 2],
        /// The suite.
        suite: String,
        /// Where it came from.
        sources: [String; 2],
    },
    /// A case is in two reports, or in one twice.
    #[error(
        "{}: the case `{}::{}` is already in {}: merge each shard once",
        files[1], printable(suite), printable(case), files[0]
    )]
    Duplicate {
        /// The names of the two; the same where it is in one twice.
        files: [String; 2],
        /// The suite.
        suite: String,
        /// The case.
        case: String,
    },
}

fn engine_name(engine: &Engine) -> String {
    printable(&format!("{} {}", engine.name, engine.version)).into_owned()
}

/// What was taken in so far.
#[derive(Default)]
struct Merging {
    hosts: Vec<String>,
    suites: Vec<Part>,
    /// Where each suite stands.
    places: HashMap<String, usize>,
}

/// A suite, the report it was first met in, and the reports that its cases are from.
struct Part {
    file: String,
    suite: Suite,
    cases: HashMap<String, String>,
    sharded: bool,
}

impl Merging {
    fn add(&mut self, file: &str, suites: Vec<Suite>) -> Result<(), MergeError> {
        for Suite { name, source, url, cases } in suites {
            let at = *self.places.entry(name.clone()).or_insert(self.suites.len());
            if at == self.suites.len() {
                let suite = Suite { name, source, url: None, cases: Vec::new() };
                self.suites.push(Part {
                    file: file.to_owned(),
                    suite,
                    cases: HashMap::new(),
                    sharded: false,
                });
            } else if let Some(part) = self.suites.get(at).filter(|part| part.suite.source != source) {
                let sources = [part.suite.source.clone(), source];
                return Err(MergeError::Sources {
                    files: [part.file.clone(), file.to_owned()],
                    suite: name,
                    sources,
                });
            }
            if let Some(part) = self.suites.get_mut(at) {
                // A shard without a case of a suite does not know where they can be read.
                part.suite.url = part.suite.url.take().or(url);
                part.add(file, cases)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Suite> {
        let finish = |part: Part| {
            let mut suite = part.suite;
            if part.sharded {
                suite.cases.sort_by(|a, b| a.name.cmp(&b.name));
            }
            suite
        };
        self.suites.into_iter().map(finish).collect()
    }
}

impl Part {
    fn add(&mut self, file: &str, cases: Vec<Case>) -> Result<(), MergeError> {
        self.sharded |= file != self.file;
        for case in cases {
            if let Some(other) = self.cases.insert(case.name.clone(), file.to_owned()) {
                let (suite, case) = (self.suite.name.clone(), case.name);
                return Err(MergeError::Duplicate { files: [other, file.to_owned()], suite, case });
            }
            self.suite.cases.push(case);
        }
        Ok(())
    }
}
