//! Merges the reports of the shards of a run.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use thiserror::Error;

use crate::model::{Case, Engine, Report, Suite};
use crate::shards::Shards;
use crate::terminal::printable;

/// Merges the reports of the shards of a run into one. Each comes with its name in messages.
///
/// Reports of shards must be from the same run and complete; with `partial` some may be missing,
/// which the result [records](Report::incomplete). Reports without shards are simply combined.
///
/// Suites are in the order of first occurrence; the cases of a sharded suite are sorted by name, as
/// in a complete run. The shards are assumed to have run in parallel: the merged run starts with
/// the first of them and takes as long as the longest.
///
/// # Errors
///
/// There is no report, two of them are of different engines or were judged differently, a suite has
/// different sources, a case occurs twice, or the shards are incomplete or from different runs.
pub fn merge(reports: Vec<(String, Report)>, partial: bool) -> Result<Report, MergeError> {
    let shards = merged_shards(&reports)?;
    let mut reports = reports.into_iter();
    let (first_name, first) = reports.next().ok_or(MergeError::Nothing)?;
    let Report { engine, harness, match_kind, host, started, duration, interrupted, suites, .. } = first;
    let mut merged = Merging { hosts: vec![host], ..Merging::default() };
    merged.add(&first_name, suites)?;
    let (mut started, mut duration, mut interrupted) = (started, duration, interrupted);
    for (name, report) in reports {
        if report.engine != engine {
            let engines = Box::new([engine, report.engine]);
            return Err(MergeError::Engines { files: [first_name, name], engines });
        }
        if report.match_kind != match_kind {
            return Err(MergeError::Judging { files: [first_name, name] });
        }
        // RFC 3339 dates in the same time zone sort as text.
        started = started.min(report.started);
        duration = Duration::max(duration, report.duration);
        interrupted |= report.interrupted;
        if !merged.hosts.contains(&report.host) {
            merged.hosts.push(report.host);
        }
        merged.add(&name, report.suites)?;
    }
    let host = merged.hosts.join(", ");
    let suites = merged.finish();
    let shards = whole(shards, &suites, partial)?;
    Ok(Report { engine, harness, match_kind, shards, interrupted, host, started, duration, suites })
}

/// The combined shards of all reports; `None` if none is of a shard.
fn merged_shards(reports: &[(String, Report)]) -> Result<Option<Shards>, MergeError> {
    let Some((first_name, first)) =
        reports.iter().find_map(|(name, report)| Some((name, report.shards.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut from: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, report) in reports {
        let files = || [first_name.clone(), name.clone()];
        let Some(shards) = &report.shards else { return Err(MergeError::NoShard { files: files() }) };
        if shards.count != first.count {
            let counts = [first.count, shards.count];
            return Err(MergeError::Counts { files: files(), counts });
        }
        if (&shards.selection, shards.cases) != (&first.selection, first.cases) {
            return Err(MergeError::Selections { files: files() });
        }
        for number in &shards.numbers {
            if let Some(other) = from.insert(*number, name) {
                let files = [other.to_owned(), name.clone()];
                return Err(MergeError::Twice { files, number: *number, count: first.count });
            }
        }
    }
    Ok(Some(Shards { numbers: from.into_keys().collect(), ..first.clone() }))
}

/// The shards of the merged report; `None` if it is complete.
fn whole(shards: Option<Shards>, suites: &[Suite], partial: bool) -> Result<Option<Shards>, MergeError> {
    let Some(shards) = shards else { return Ok(None) };
    if !shards.is_complete() {
        let (missing, count) = (shards.missing_listed(), shards.count);
        return if partial { Ok(Some(shards)) } else { Err(MergeError::Missing { missing, count }) };
    }
    let found = suites.iter().map(|suite| suite.cases.len() as u64).sum();
    if found != shards.cases {
        return Err(MergeError::Cases { expected: shards.cases, found });
    }
    Ok(None)
}

/// Why reports cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There are no reports.
    #[error("there are no reports to merge")]
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
    /// Their error texts were compared in different ways.
    #[error("{}: error texts were compared differently (--match) than in {}: merge only the shards of one run", files[1], files[0])]
    Judging {
        /// The names of the two.
        files: [String; 2],
    },
    /// One is of a shard and the other is not.
    #[error("{}: is the report of a shard, but {} is not: merge only the shards of one run", files[0], files[1])]
    NoShard {
        /// The name of the first that is, and of one that is not.
        files: [String; 2],
    },
    /// They are of runs that were split into different numbers of shards.
    #[error(
        "{}: is of {} shards, but {} of {}: merge only the shards of one run",
        files[1], counts[1], files[0], counts[0]
    )]
    Counts {
        /// The names of the two.
        files: [String; 2],
        /// The number of shards in each.
        counts: [u32; 2],
    },
    /// They are shards of runs with different selections.
    #[error(
        "{}: is a shard of a different selection than {}: expected the same suites, filters, features, --match and --timings in all shards",
        files[1], files[0]
    )]
    Selections {
        /// The names of the two.
        files: [String; 2],
    },
    /// A shard occurs twice.
    #[error("{}: shard {number} of {count} is already in {}: merge each shard once", files[1], files[0])]
    Twice {
        /// The names of the two.
        files: [String; 2],
        /// The number of the shard.
        number: u32,
        /// The number of shards.
        count: u32,
    },
    /// Shards are missing.
    #[error(
        "shard {missing} of {count} is missing: add its report, or use --partial for a report that is marked as partial"
    )]
    Missing {
        /// The numbers of the missing shards, in words.
        missing: String,
        /// The number of shards.
        count: u32,
    },
    /// All shards are present, but not all cases.
    #[error("the shards have {found} cases together, but their run has {expected}: run them again")]
    Cases {
        /// The number of cases of the run.
        expected: u64,
        /// The number of cases in the shards.
        found: u64,
    },
    /// Suites of the same name have different sources.
    #[error(
        "{}: the suite `{}` comes from `{}`, but in {} from `{}`: merge only the shards of one run",
        files[1], printable(suite), printable(&sources[1]), files[0], printable(&sources[0])
    )]
    Sources {
        /// The names of the two.
        files: [String; 2],
        /// The suite.
        suite: String,
        /// Its sources.
        sources: [String; 2],
    },
    /// A case occurs twice.
    #[error(
        "{}: the case `{}::{}` is already in {}: merge each shard once",
        files[1], printable(suite), printable(case), files[0]
    )]
    Duplicate {
        /// The names of the two, which may be the same.
        files: [String; 2],
        /// The suite.
        suite: String,
        /// The case.
        case: String,
    },
}

fn engine_name(engine: &Engine) -> String {
    printable(&engine.title()).into_owned()
}

/// The merged reports so far.
#[derive(Default)]
struct Merging {
    hosts: Vec<String>,
    suites: Vec<Part>,
    /// The index of each suite.
    places: HashMap<String, usize>,
}

/// A suite, the report of its first occurrence, and the reports of its cases.
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
                // A shard without cases of a suite has no URL for it.
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
