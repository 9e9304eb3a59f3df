//! One report of the shards of a run.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use thiserror::Error;

use crate::model::{Case, Engine, Report, Suite};
use crate::shards::Shards;
use crate::terminal::printable;

/// The reports of the shards of a run as the report of one run. Each comes with the name that
/// messages call it by.
///
/// Reports that say which shard they are have to be of one run, and all of its shards have to be
/// there; with `partial` some may be missing, which the result [says](Report::incomplete). Reports
/// that are of no shard are merged as they are: their cases together, whatever may be missing.
///
/// Suites stand in the order in which they are first met; the cases of a suite that was sharded in
/// the order of their names, as they stand in a run of all. The shards are taken to have run side
/// by side: the merged run began with the first of them and took as long as the longest.
///
/// # Errors
///
/// There is no report, two of them are of different engines or were judged in different ways, a
/// suite came from different places, a case is in two of them or in one twice, or the shards are
/// not all, or not those, of one run.
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
        // Dates as in RFC 3339 and of one time zone sort as texts do.
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

/// The shards of all reports together; `None` where none of them says that it is one.
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

/// What is said of shards in the merged report: nothing where it has them all.
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
    /// There is none.
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
    #[error("{}: error texts were compared in another way (--match) than in {}: merge only the shards of one run", files[1], files[0])]
    Judging {
        /// The names of the two.
        files: [String; 2],
    },
    /// One is of a shard, the other is not.
    #[error("{}: is the report of a shard, and {} is not: merge only the shards of one run", files[0], files[1])]
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
        /// How many shards each says there are.
        counts: [u32; 2],
    },
    /// They are shards of runs of other cases.
    #[error(
        "{}: is a shard of another selection than {}: expected the same suites, filters, features, --match and --timings in all shards",
        files[1], files[0]
    )]
    Selections {
        /// The names of the two.
        files: [String; 2],
    },
    /// One shard is there twice.
    #[error("{}: shard {number} of {count} is already in {}: merge each shard once", files[1], files[0])]
    Twice {
        /// The names of the two.
        files: [String; 2],
        /// The number of the shard.
        number: u32,
        /// How many there are.
        count: u32,
    },
    /// Shards are missing.
    #[error(
        "shard {missing} of {count} is missing: add its report, or use --partial for a report that is marked as partial"
    )]
    Missing {
        /// The numbers of the missing shards, in words.
        missing: String,
        /// How many shards there are.
        count: u32,
    },
    /// All shards are there, and not all cases.
    #[error("the shards have {found} cases together, but their run has {expected}: run them again")]
    Cases {
        /// How many cases the run has.
        expected: u64,
        /// How many the shards have.
        found: u64,
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
    printable(&engine.title()).into_owned()
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
