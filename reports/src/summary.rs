//! Renders the table at the end of a run as plain text.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::aside::Aside;
use crate::describe::{caveats, verdict};
use crate::model::{Report, Suite, Totals};
use crate::terminal::{Text, printable};
use crate::text::{plural, seconds};

const PLAIN: Style = Style::new();
const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Renders a table with one row per suite, and a row of totals if there are several; then a line
/// with the number of scripts that were not as expected.
///
/// Counts other than passed and failed have a column only if one of them is not zero. The time of a
/// suite is the sum of its scripts; the time in the last line is wall-clock time.
pub fn render(report: &Report, colour: bool) -> Text {
    let mut out = Text::new(colour);
    let totals = report.totals();
    let rows = rows(report, totals);
    if !rows.is_empty() {
        let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_shown(&totals)).collect();
        table(&columns, &rows, &mut out);
        out.end();
    }
    out.append(&closing(report, colour));
    if totals.reader_only > 0 {
        let count = plural(totals.reader_only, "directive");
        out.line(format_args!("{count} passed by the parser alone"));
    }
    // The verdict has those that reached a limit.
    for (count, what) in (Aside { limit: 0, ..totals.aside }).counts() {
        out.paint(ODD, format_args!("{} {what}", plural(count, "directive"))).end();
    }
    let flaky = report.flaky();
    if flaky > 0 {
        let cases = plural(flaky, "case");
        out.paint(ODD, format_args!("{cases} flaky: failed, then passed on retry")).end();
    }
    let unknown = report.text_not_compared();
    if unknown > 0 {
        out.paint(ODD, format_args!("{} not compared", plural(unknown, "error text"))).end();
    }
    out
}

/// Renders the verdict, with caveats if there are any, one line each.
pub fn closing(report: &Report, colour: bool) -> Text {
    let mut out = Text::new(colour);
    let totals = report.totals();
    out.paint(style(report, &totals), verdict(report, &totals)).end();
    for caveat in caveats(report) {
        out.paint(ODD, caveat).end();
    }
    out
}

/// A row of the table.
struct Row<'a> {
    name: Cow<'a, str>,
    totals: Totals,
    time: Duration,
}

struct Column {
    title: &'static str,
    cell: Cell,
    /// Whether it is shown even if all its counts are zero.
    always: bool,
}

enum Cell {
    Name,
    Time,
    /// A count, and its style if it is not zero.
    Count(fn(&Totals) -> u64, Style),
}

const COLUMNS: [Column; 11] = [
    Column { title: "suite", cell: Cell::Name, always: true },
    Column { title: "cases", cell: Cell::Count(|t| t.cases.total(), PLAIN), always: true },
    // A script may fail without a failing directive, such as an unreadable one.
    Column { title: "cases failed", cell: Cell::Count(|t| t.cases.failed, BAD), always: false },
    Column { title: "directives", cell: Cell::Count(|t| t.directives.total(), PLAIN), always: true },
    Column { title: "passed", cell: Cell::Count(|t| t.directives.passed, GOOD), always: true },
    // These are included in passed.
    Column { title: "parser only", cell: Cell::Count(|t| t.reader_only, PLAIN), always: false },
    Column { title: "failed", cell: Cell::Count(|t| t.directives.failed, BAD), always: true },
    Column { title: "skipped", cell: Cell::Count(|t| t.directives.skipped, ODD), always: false },
    Column { title: "xfailed", cell: Cell::Count(|t| t.directives.xfailed, ODD), always: false },
    Column { title: "xpassed", cell: Cell::Count(|t| t.directives.xpassed, BAD), always: false },
    Column { title: "time", cell: Cell::Time, always: true },
];

impl Column {
    fn is_shown(&self, totals: &Totals) -> bool {
        self.always || matches!(self.cell, Cell::Count(count, _) if count(totals) > 0)
    }

    /// The text of the column's cell in `row`, and its style.
    fn cell<'a>(&self, row: &'a Row<'_>) -> (Cow<'a, str>, Style) {
        match self.cell {
            Cell::Name => (Cow::Borrowed(&row.name), PLAIN),
            Cell::Time => (Cow::Owned(seconds(row.time)), PLAIN),
            Cell::Count(count, style) => {
                let count = count(&row.totals);
                (Cow::Owned(count.to_string()), if count > 0 { style } else { PLAIN })
            }
        }
    }
}

fn rows(report: &Report, totals: Totals) -> Vec<Row<'_>> {
    fn row(suite: &Suite) -> Row<'_> {
        Row { name: printable(&suite.name), totals: suite.totals(), time: suite.duration() }
    }
    let mut rows: Vec<Row<'_>> = report.suites.iter().map(row).collect();
    if rows.len() > 1 {
        let time = rows.iter().fold(Duration::ZERO, |sum, row| sum.saturating_add(row.time));
        rows.push(Row { name: Cow::Borrowed("total"), totals, time });
    }
    rows
}

/// Names are left-aligned, numbers right-aligned, with two blanks between columns.
fn table(columns: &[&Column], rows: &[Row<'_>], out: &mut Text) {
    let head = columns.iter().map(|column| (Cow::Borrowed(column.title), HEAD)).collect();
    let body = rows.iter().map(|row| columns.iter().map(|column| column.cell(row)).collect());
    let lines: Vec<Vec<(Cow<'_, str>, Style)>> = std::iter::once(head).chain(body).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.0.width()).max().unwrap_or(0))
        .collect();
    for cells in &lines {
        for (at, ((text, style), width)) in cells.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(width - text.width());
            if at == 0 {
                out.paint(*style, text);
                out.put(&blanks);
            } else {
                out.put("  ");
                out.put(&blanks);
                out.paint(*style, text);
            }
        }
        out.end();
    }
}

/// The style of the last line.
fn style(report: &Report, totals: &Totals) -> Style {
    match totals.cases.outcome() {
        _ if report.is_unjudged() => ODD,
        outcome if outcome.is_expected() && totals.aside.limit > 0 => ODD,
        outcome if outcome.is_expected() => GOOD,
        _ => BAD,
    }
}
