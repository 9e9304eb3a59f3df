//! Renders the matrix in the format of webassembly.org's `features.json`, with added evidence.
//!
//! Except for the field `evidence`, the document has the fields of that file: `features`, and
//! `browsers` with a status for each feature. It lacks what tests cannot determine: an engine's
//! URL, logo and category, and features without scripts. A status is `null` if unknown, `false`,
//! `true`, the version since which the feature is supported, `"flag"` if it must be enabled, or one
//! of these with a note. The schema is `schema/features.schema.json` of this crate.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assess::{bad, good};
use super::json::document;
use super::proposals::{PROPOSALS, Proposal, Standard};
use super::{Cell, Column, Matrix, Ran, SetAside, Since, State, version};
use crate::aside::Aside;
use crate::model::Engine;
use crate::outcome::Counts;
use crate::text::{counted, grouped};

/// The features that engines support, with evidence.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Features {
    /// The features, by key.
    features: BTreeMap<&'static str, Info>,
    /// The engines, by name.
    browsers: BTreeMap<String, Browser>,
    /// The evidence for each status, by engine name and feature key.
    evidence: BTreeMap<String, Evidence>,
}

/// A feature.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Info {
    /// Its name.
    description: &'static str,
    /// The URL of its proposal.
    url: &'static str,
    /// The phase of its proposal.
    phase: Phase,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Phase {
    Number(u8),
    /// `inactive`
    Word(&'static str),
}

/// An engine.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Browser {
    /// The status of each feature.
    features: BTreeMap<&'static str, Status>,
}

/// The status of a feature.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Status {
    Plain(Plain),
    /// With a note.
    Noted(Plain, String),
}

/// The status of a feature without a note.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Plain {
    /// Whether it is supported, since an unknown version; null if unknown.
    Supported(Option<bool>),
    /// The version since which it is supported, or `flag`.
    Text(String),
}

/// The evidence for the statuses of an engine.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Evidence {
    /// The version that was tested.
    version: String,
    /// The configurations, with their runs.
    configurations: Vec<Configuration>,
    /// The results of the directives that depend on a feature, by key, for each configuration.
    features: BTreeMap<&'static str, Vec<Found>>,
}

/// A tested configuration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Configuration {
    /// The engine, with its flags.
    engine: Engine,
    /// The host that it ran on.
    host: String,
    /// The suites that ran, with their sources.
    suites: Vec<Ran>,
    /// When the newest of its runs started.
    started: String,
    /// Notes.
    notes: Vec<String>,
}

/// The results for a feature in a configuration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Found {
    /// The state of support.
    state: State,
    /// The results of the relevant directives.
    directives: Counts,
    /// Of these, the modules that should compile.
    modules: Counts,
    /// Directives that say nothing about the engine, or less than they could.
    aside: Aside,
    /// The other directives that depend on it.
    set_aside: Vec<SetAside>,
    /// Since when it is supported, if known from reports of other versions.
    since: Option<Since>,
}

/// Renders the document as indented JSON with a final line feed.
pub fn render(matrix: &Matrix) -> String {
    let known: Vec<&Proposal> = PROPOSALS.iter().filter(|proposal| !proposal.key.is_empty()).collect();
    let cells = |feature: &str| {
        let mut rows = matrix
            .groups
            .iter()
            .filter(|group| group.standard != Standard::Wasi)
            .flat_map(|group| &group.rows);
        rows.find(|row| row.feature == feature).map(|row| row.cells.as_slice())
    };
    let rows: Vec<(&Proposal, &[Cell])> =
        known.into_iter().filter_map(|proposal| Some((proposal, cells(proposal.feature)?))).collect();
    let info = |proposal: &Proposal| Info {
        description: proposal.title,
        url: proposal.url,
        phase: match proposal.standard {
            Standard::Inactive => Phase::Word("inactive"),
            standard => Phase::Number(standard.phase().unwrap_or(1)),
        },
    };
    let (mut browsers, mut evidence) = (BTreeMap::new(), BTreeMap::new());
    for (name, columns) in engines(&matrix.columns) {
        let of = |cells: &[Cell]| -> Vec<(&Column, Cell)> {
            let cell = |at: &usize| Some((matrix.columns.get(*at)?, cells.get(*at)?.clone()));
            columns.iter().filter_map(cell).collect()
        };
        let features = rows.iter().map(|(proposal, cells)| (proposal.key, status(&of(cells)))).collect();
        browsers.insert(name.clone(), Browser { features });
        let found = |(_, cell): (&Column, Cell)| {
            let Cell { state, directives, modules, aside, set_aside, since, .. } = cell;
            Found { state, directives, modules, aside, set_aside, since }
        };
        let shown: Vec<&Column> = columns.iter().filter_map(|at| matrix.columns.get(*at)).collect();
        evidence.insert(
            name,
            Evidence {
                version: shown.first().map(|column| column.engine.version.clone()).unwrap_or_default(),
                configurations: shown.into_iter().map(configuration).collect(),
                features: rows
                    .iter()
                    .map(|(proposal, cells)| (proposal.key, of(cells).into_iter().map(found).collect()))
                    .collect(),
            },
        );
    }
    let features = rows.iter().map(|(proposal, _)| (proposal.key, info(proposal))).collect();
    document(&Features { features, browsers, evidence })
}

/// The columns of the newest version of each engine, by name; a repackaged engine is a different
/// engine.
fn engines(columns: &[Column]) -> BTreeMap<String, Vec<usize>> {
    let mut engines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        let Engine { name, package, .. } = &column.engine;
        let name = package.as_ref().map_or_else(|| name.clone(), |package| format!("{name} ({package})"));
        let known = engines.entry(name).or_default();
        // Columns of an engine are sorted by version.
        let is_newer = |other: &usize| {
            let other = columns.get(*other).map(|other| other.engine.version.as_str());
            version::compare(&column.engine.version, other.unwrap_or_default()).is_gt()
        };
        if known.first().is_some_and(is_newer) {
            known.clear();
        }
        known.push(at);
    }
    engines
}

fn configuration(column: &Column) -> Configuration {
    Configuration {
        engine: column.engine.clone(),
        host: column.host.clone(),
        suites: column.runs.iter().flat_map(|run| run.suites.clone()).collect(),
        started: column.runs.iter().map(|run| run.started.clone()).max().unwrap_or_default(),
        notes: column.notes.clone(),
    }
}

/// Whether a column is the default configuration of an engine.
fn is_default(column: &Column) -> bool {
    match column.engine.configuration.as_deref() {
        Some(name) => name == "default",
        None => column.engine.flags.is_empty(),
    }
}

/// The status of a feature, from the results in each configuration.
fn status(cells: &[(&Column, Cell)]) -> Status {
    let best = |default: bool| {
        let cells = cells.iter().filter(|(column, _)| is_default(column) == default);
        cells.max_by_key(|(_, cell)| cell.state)
    };
    let (default, flagged) = (best(true), best(false));
    let by_flag = flagged.filter(|(_, cell)| cell.state.is_supported());
    match (default, by_flag) {
        (Some((_, cell)), _) if cell.state.is_supported() => {
            let since = cell.since.as_ref().filter(|since| since.not_in.is_some());
            let plain =
                since.map_or(Plain::Supported(Some(true)), |since| Plain::Text(since.version.clone()));
            noted(plain, failures(cell))
        }
        (_, Some((column, cell))) => {
            let flags = column.engine.flags.join(" ");
            let requires = match flags.as_str() {
                "" => format!("Requires the configuration `{}`", column.title()),
                flags => format!("Requires `{flags}`"),
            };
            let note = failures(cell).map_or_else(|| requires.clone(), |more| format!("{requires}; {more}"));
            noted(Plain::Text("flag".to_owned()), Some(note))
        }
        (Some((_, cell)), None) if cell.state == State::Partly => {
            noted(Plain::Supported(Some(false)), Some(partly(cell)))
        }
        (Some((_, cell)), None) if cell.state == State::No => Status::Plain(Plain::Supported(Some(false))),
        _ => Status::Plain(Plain::Supported(None)),
    }
}

fn noted(plain: Plain, note: Option<String>) -> Status {
    match note {
        Some(note) => Status::Noted(plain, note),
        None => Status::Plain(plain),
    }
}

fn failures(cell: &Cell) -> Option<String> {
    let (failed, passed) = (bad(&cell.directives), good(&cell.directives));
    let judged = passed.saturating_add(failed);
    (failed > 0).then(|| format!("{} of {} fail", grouped(failed), counted(judged, "directive")))
}

fn partly(cell: &Cell) -> String {
    let (compiled, refused) = (good(&cell.modules), bad(&cell.modules));
    let modules = counted(compiled.saturating_add(refused), "module");
    let compile = format!("{} of {modules} compile", grouped(compiled));
    failures(cell).map_or_else(|| compile.clone(), |failures| format!("{compile}; {failures}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_file_is_up_to_date() {
        super::super::json::tests::assert_schema::<Features>("features.schema.json");
    }
}
