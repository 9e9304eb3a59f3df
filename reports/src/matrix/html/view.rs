//! The table and the engines, for the template.

use serde::Serialize;

use super::super::{Column, Group, Matrix, Standard};
use super::cell::{CellView, cell_view, short_version};
use super::details::{Differences, Evidence, differences, evidence};
use crate::html::shown::{cost, name, shown};
use crate::text::{counted, grouped};

/// The maximum size of report data on the page, in bytes; the rest is for the template.
const ROOM: usize = 2_900_000;

/// The maximum number of columns.
const MAX_COLUMNS: usize = 40;

/// The maximum number of other lines of each kind.
const MAX_LINES: usize = 100;

#[derive(Serialize)]
pub(super) struct View {
    pub(super) summary: String,
    warnings: Vec<String>,
    columns: Vec<ColumnView>,
    columns_left: usize,
    groups: Vec<GroupView>,
    compared: String,
    differences: Differences,
    uncompared: Vec<Line>,
    uncompared_left: u64,
    evidence: Vec<Evidence>,
    failing_left: u64,
    left_out: Vec<Line>,
    left_out_more: usize,
}

/// The heading of a column, and details of its engine.
#[derive(Serialize)]
struct ColumnView {
    name: String,
    version: String,
    /// The rest of the version, such as the version of a component.
    build: String,
    /// The configuration.
    configuration: String,
    title: String,
    flags: String,
    command: String,
    adapter: String,
    host: String,
    totals: String,
    notes: Vec<String>,
    runs: Vec<RunView>,
}

#[derive(Serialize)]
struct RunView {
    started: String,
    harness: String,
    suites: Vec<SuiteView>,
}

#[derive(Serialize)]
struct SuiteView {
    name: String,
    url: Option<String>,
    source: String,
    digest: String,
    counts: String,
}

#[derive(Serialize)]
struct GroupView {
    title: &'static str,
    /// For each column.
    summaries: Vec<String>,
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RowView {
    feature: String,
    title: String,
    url: Option<String>,
    cells: Vec<CellView>,
}

/// A list item: a subject and a text.
#[derive(Serialize)]
struct Line {
    what: String,
    text: String,
}

impl View {
    pub(super) fn of(matrix: &Matrix) -> View {
        let shown_columns = matrix.columns.get(..MAX_COLUMNS).unwrap_or(&matrix.columns);
        let columns: Vec<ColumnView> = shown_columns.iter().map(column).collect();
        let groups: Vec<GroupView> = matrix
            .groups
            .iter()
            .enumerate()
            .map(|(at, group)| group_view(at, group, columns.len()))
            .collect();
        let warnings: Vec<String> = matrix.warnings.iter().take(MAX_LINES).map(|line| shown(line)).collect();
        let found = &matrix.disagreements;
        let uncompared = found.uncompared.iter().take(MAX_LINES).map(|one| Line {
            what: name(&format!("{}::{}", one.suite, one.case)),
            text: shown(&format!("{}: {}", one.columns.join(", "), one.why)),
        });
        let left_out = matrix.left_out.iter().take(MAX_LINES).map(|left| Line {
            what: name(&left.name),
            text: shown(&format!("{}: {}", left.engine, left.why)),
        });
        let (uncompared, left_out): (Vec<Line>, Vec<Line>) = (uncompared.collect(), left_out.collect());
        let lines =
            |lines: &[Line]| lines.iter().map(|line| 80 + cost(&line.what) + cost(&line.text)).sum::<usize>();
        let taken = columns.iter().map(ColumnView::cost).sum::<usize>()
            + groups.iter().map(|group| group.cost(&columns)).sum::<usize>()
            + warnings.iter().map(|line| 40 + cost(line)).sum::<usize>()
            + lines(&uncompared)
            + lines(&left_out);
        let room = ROOM.saturating_sub(taken);
        // Differences between engines matter most: they get half of the space, evidence the rest.
        let mut half = room / 2;
        let differences = differences(matrix, columns.len(), &mut half);
        let (evidence, failing_left) = evidence(matrix, columns.len(), room / 2 + half);
        View {
            summary: summary(matrix),
            warnings,
            columns_left: matrix.columns.len() - columns.len(),
            columns,
            groups,
            compared: compared(found.compared, matrix),
            differences,
            uncompared_left: found.uncompared_left
                + found.uncompared.len().saturating_sub(uncompared.len()) as u64,
            uncompared,
            evidence,
            failing_left,
            left_out_more: matrix.left_out.len().saturating_sub(left_out.len()),
            left_out,
        }
    }
}

/// Describes how much was compared.
fn compared(count: u64, matrix: &Matrix) -> String {
    let has_guests = matrix.groups.iter().any(|group| group.standard == Standard::Wasi);
    format!("{}{}", counted(count, "directive"), if has_guests { " and WASI cases" } else { "" })
}

fn summary(matrix: &Matrix) -> String {
    let rows = |wasi: bool| {
        let groups = matrix.groups.iter().filter(|group| (group.standard == Standard::Wasi) == wasi);
        groups.map(|group| group.rows.len() as u64).sum::<u64>()
    };
    let engines = counted(matrix.columns.len() as u64, "column");
    let suites =
        if rows(true) > 0 { format!(", {}", counted(rows(true), "WASI suite")) } else { String::new() };
    format!("{engines}, {}{suites}", counted(rows(false), "feature"))
}

fn column(column: &Column) -> ColumnView {
    let engine = &column.engine;
    let or_empty = |text: &Option<String>| text.as_deref().map_or_else(String::new, name);
    let counts = &column.directives;
    let by_reader = (column.reader_only, "of them judged by the parser alone");
    let more = column.aside.counts().chain([by_reader]).filter(|(count, _)| *count > 0);
    let more: String = more.map(|(count, what)| format!(", {} {what}", grouped(count))).collect();
    ColumnView {
        name: name(&engine.name),
        version: name(short_version(&engine.version)),
        build: name(engine.version.strip_prefix(short_version(&engine.version)).unwrap_or_default().trim()),
        configuration: or_empty(&engine.configuration),
        title: name(&column.title()),
        flags: shown(&engine.flags.join(" ")),
        command: engine.command.as_deref().map_or_else(String::new, shown),
        adapter: or_empty(&engine.adapter),
        host: name(&column.host),
        totals: format!(
            "{} of {} passed{more}",
            grouped(counts.passed),
            counted(counts.total(), "directive")
        ),
        notes: column.notes.iter().map(|note| shown(note)).collect(),
        runs: column.runs.iter().take(MAX_LINES).map(run).collect(),
    }
}

fn run(run: &super::super::Run) -> RunView {
    let suite = |ran: &super::super::Ran| SuiteView {
        name: name(&ran.name),
        url: ran.url.clone().filter(|url| url.len() < 2000),
        source: name(&ran.source),
        digest: ran.digest.clone(),
        counts: format!(
            "{}, {} of {} passed",
            counted(ran.cases, "case"),
            grouped(ran.directives.passed),
            counted(ran.directives.total(), "directive")
        ),
    };
    let harness = run
        .harness
        .as_ref()
        .map_or_else(|| "an unknown version".to_owned(), |harness| name(&harness.title()));
    let kind =
        run.match_kind.map_or_else(String::new, |kind| format!(", error texts compared by {}", kind.word()));
    RunView {
        started: name(&run.started),
        harness: harness + &kind,
        suites: run.suites.iter().take(MAX_LINES).map(suite).collect(),
    }
}

impl ColumnView {
    fn cost(&self) -> usize {
        let ColumnView {
            name,
            version,
            build,
            configuration,
            title,
            flags,
            command,
            adapter,
            host,
            totals,
            notes,
            runs,
        } = self;
        let texts = [name, version, build, configuration, title, flags, command, adapter, host, totals];
        let suite = |suite: &SuiteView| {
            let url = suite.url.as_ref().map_or(0, |url| cost(url));
            300 + url
                + [&suite.name, &suite.source, &suite.counts].map(|text| cost(text)).iter().sum::<usize>()
        };
        let run = |run: &RunView| {
            300 + cost(&run.started) + cost(&run.harness) + run.suites.iter().map(suite).sum::<usize>()
        };
        2000 + 2 * texts.iter().map(|text| cost(text)).sum::<usize>()
            + 2 * notes.iter().map(|note| 60 + cost(note)).sum::<usize>()
            + runs.iter().map(run).sum::<usize>()
    }
}

fn group_view(number: usize, group: &Group, columns: usize) -> GroupView {
    let summary = |summary: &super::super::Summary| {
        if summary.known == 0 { String::new() } else { format!("{} of {}", summary.supported, summary.known) }
    };
    let rows = group.rows.iter().enumerate().map(|(at, row)| RowView {
        feature: name(&row.feature),
        title: name(&row.title),
        url: row.url.clone(),
        cells: row
            .cells
            .iter()
            .take(columns)
            .enumerate()
            .map(|(column, cell)| cell_view(number, at, column, cell))
            .collect(),
    });
    GroupView {
        title: group.standard.title(),
        summaries: group.summaries.iter().take(columns).map(summary).collect(),
        rows: rows.collect(),
    }
}

impl GroupView {
    fn cost(&self, columns: &[ColumnView]) -> usize {
        let cell = |cell: &CellView| 350 + cost(&cell.since);
        let row = |row: &RowView| {
            600 + 2 * cost(&row.feature) + 2 * cost(&row.title) + row.cells.iter().map(cell).sum::<usize>()
        };
        400 + 60 * columns.len() + self.rows.iter().map(row).sum::<usize>()
    }
}
