//! Renders the report as Markdown, for a comment on a pull request or a CI step summary: totals,
//! changes, failures.
//!
//! It uses GitHub's dialect, which GitLab supports as well. Names and messages are in code spans,
//! so that they cannot mention anyone or be interpreted as markup. The output has at most
//! [`MAX_LENGTH`] bytes, and what is left out is counted.

mod changes;
mod page;

use self::changes::push_changes;
pub use self::changes::render as changes;
pub use self::page::MAX_LENGTH;
use self::page::{MAX_ROWS, html};
pub(crate) use self::page::{MAX_SHOWN, Page, code, fence, in_table, linked};
use crate::apart::{Sum, groups, sums};
use crate::aside::COARSELY;
use crate::describe::{attempts, caveats, has_reservations, headline, link, verdict};
use crate::diff::{Diff, Verdict};
use crate::model::{Case, Failure, Report, Suite, Totals};
use crate::outcome::{Counts, Outcome};
use crate::text::{at, counted, cut, grouped, percent_passed, plural, seconds};

/// Renders the report, with the changes since an older one if given.
pub fn render(report: &Report, changes: Option<&Diff>) -> String {
    let mut page = Page::new();
    let totals = report.totals();
    let is_good = report.is_expected() && !report.is_unjudged();
    let is_worse = changes.is_some_and(|changes| changes.is_failure(true));
    let is_odd = changes.is_some_and(|changes| changes.verdict != Verdict::Good);
    let mark = match is_good && !is_worse {
        false => "❌",
        true if is_odd || has_reservations(report, &totals) => "⚠️",
        true => "✅",
    };
    page.push(&format!("## {mark} Conformance: {}\n\n", verdict(report, &totals)));
    for caveat in caveats(report) {
        page.push(&format!("**{}**\n\n", code(&caveat)));
    }
    let engine = report.engine.title();
    page.push(&format!("{} on {}, {}\n\n", code(&engine), code(&report.host), code(&report.started)));
    push_totals(&mut page, report);
    if let Some(diff) = changes {
        page.push(&format!("### Changes: {}\n\n", crate::diff::verdict(diff)));
        // New failures are in both lists.
        page.limit = MAX_LENGTH / 2;
        push_changes(&mut page, diff);
        page.limit = MAX_LENGTH;
    }
    push_apart(&mut page, report);
    push_failures(&mut page, report);
    push_flaky(&mut page, report);
    page.finish()
}

/// A column of the table of totals: its title and its count.
type Column = (&'static str, fn(&Totals) -> u64);

/// The columns that are shown only if one of their counts is not zero.
const EXTRA: [Column; 10] = [
    ("by the parser alone", |totals| totals.reader_only),
    (COARSELY, |totals| totals.aside.coarse),
    ("blocked", |totals| totals.aside.blocked),
    ("not applicable", |totals| totals.aside.not_applicable),
    ("limit", |totals| totals.aside.limit),
    ("unsupported", |totals| totals.aside.unsupported),
    ("superseded", |totals| totals.aside.superseded),
    ("skipped", |totals| totals.aside.rest_of(totals.directives.skipped)),
    ("xfailed", |totals| totals.directives.xfailed),
    ("xpassed", |totals| totals.directives.xpassed),
];

fn push_totals(page: &mut Page, report: &Report) {
    let totals = report.totals();
    if report.suites.is_empty() {
        return;
    }
    let extra: Vec<&Column> = EXTRA.iter().filter(|(_, count)| count(&totals) > 0).collect();
    page.push("| suite | cases | directives | passed | failed |");
    extra.iter().for_each(|(title, _)| page.push(&format!(" {title} |")));
    page.push(" time |\n|:--|--:|--:|--:|--:|");
    page.push(&"--:|".repeat(extra.len() + 1));
    page.push("\n");
    let row = |name: &str, totals: &Totals, time: &str| {
        let counts = &totals.directives;
        let passed = percent_passed(counts).map_or_else(String::new, |percent| format!(" ({percent})"));
        let mut row = format!(
            "| {name} | {} | {} | {}{passed} | {} |",
            cell(&totals.cases),
            grouped(counts.total()),
            grouped(counts.passed),
            strong(counts.failed),
        );
        extra.iter().for_each(|(_, count)| row.push_str(&format!(" {} |", grouped(count(totals)))));
        row + &format!(" {time} |\n")
    };
    let mut suites: Vec<&Suite> = report.suites.iter().collect();
    if suites.len() > MAX_ROWS {
        // Failed suites come first, so that they are not left out.
        suites.sort_by_key(|suite| suite.outcomes().outcome().is_expected());
    }
    let shown = suites.len().min(MAX_ROWS);
    for suite in &suites[..shown] {
        let name = in_table(&suite.name);
        page.fits(&row(&name, &suite.totals(), &seconds(suite.duration())));
    }
    if suites.len() > 1 {
        page.push(&row("total", &totals, &seconds(report.duration)));
    }
    page.push("\n");
    if suites.len() > shown {
        page.push(&format!("The table leaves out {}.\n\n", plural((suites.len() - shown) as u64, "suite")));
    }
}

/// The number of scripts, and of failed ones.
fn cell(cases: &Counts) -> String {
    let failed = cases.failed.saturating_add(cases.xpassed);
    let odd = if failed > 0 { format!(", {} not as expected", strong(failed)) } else { String::new() };
    grouped(cases.total()) + &odd
}

fn strong(count: u64) -> String {
    if count > 0 { format!("**{}**", grouped(count)) } else { count.to_string() }
}

/// A script and its failures.
struct Failed<'a> {
    suite: &'a Suite,
    case: &'a Case,
}

fn push_failures(page: &mut Page, report: &Report) {
    let failed: Vec<Failed<'_>> = report
        .suites
        .iter()
        .flat_map(|suite| suite.cases.iter().map(move |case| Failed { suite, case }))
        .filter(|failed| !failed.case.outcome.is_expected())
        .collect();
    if !failed.is_empty() {
        page.push("### Not as expected\n\n");
        page.list(&failed, usize::MAX, "more case", Failed::render);
    }
}

/// Adds the reasons for setting directives aside.
fn push_apart(page: &mut Page, report: &Report) {
    let sums = sums(report);
    if sums.is_empty() {
        return;
    }
    page.push("### Set aside\n\nThese directives say nothing about the engine and count neither as passed nor as failed.\n\n");
    page.list(&sums, MAX_ROWS, "more reason", |Sum { apart, reason, directives, cases }| {
        let (directives, cases) = (counted(*directives, "directive"), counted(*cases, "case"));
        format!("- {}: {directives} in {cases}: {}\n", apart.word(), code(reason))
    });
    page.push("\n");
}

/// Adds the cases that passed on retry.
fn push_flaky(page: &mut Page, report: &Report) {
    let cases = report.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
    let flaky: Vec<(&Suite, &Case)> = cases.filter(|(_, case)| case.is_flaky()).collect();
    if !flaky.is_empty() {
        page.push("### Flaky\n\n");
        page.list(&flaky, MAX_ROWS, "more case", |(suite, case)| {
            let name = code(&format!("{}::{}", suite.name, case.name));
            let mut block = format!("- {name}: passed on attempt {}\n", case.attempts.len() + 1);
            attempts(case)
                .take(MAX_FAILURES)
                .for_each(|line| block.push_str(&format!("  - {}\n", code(&line))));
            block
        });
    }
}

/// The maximum number of failures of a script to show.
const MAX_FAILURES: usize = 10;

/// The approximate maximum size for a script in bytes.
const ENOUGH: usize = 8000;

impl Failed<'_> {
    fn render(&self) -> String {
        let Failed { suite, case } = self;
        let counts = &case.directives;
        let unexpected = counts.failed.saturating_add(counts.xpassed);
        let name = html(&format!("{}::{}", suite.name, case.name));
        let mut block = format!(
            "<details><summary><code>{name}</code>: {}, {unexpected} of {}</summary>\n\n",
            case.outcome,
            plural(counts.total(), "directive"),
        );
        let mut shown = 0;
        for failure in case.failures.iter().take(MAX_FAILURES) {
            if block.len() < ENOUGH {
                block.push_str(&self.failure(failure));
                shown += 1;
            }
        }
        let xpassed = case.notes.iter().filter(|note| note.outcome == Outcome::XPassed);
        for note in xpassed.take(MAX_FAILURES) {
            let place = self.place(note.line, note.column);
            let reason = code(&format!("expected to fail: {}", cut(&note.reason, MAX_SHOWN)));
            block.push_str(&format!("{place}: passed, {reason}\n\n"));
        }
        for group in groups(case).iter().take(MAX_FAILURES) {
            if block.len() >= ENOUGH {
                break;
            }
            let first = group.notes.first().map_or((0, 0), |note| (note.line, note.column));
            let place = self.place(first.0, first.1);
            block.push_str(&format!("{place}: {}: {}\n\n", group.apart.word(), code(&group.description())));
        }
        let left = (case.failures.len() - shown) as u64;
        if left > 0 {
            block.push_str(&format!("… and {}\n\n", plural(left, "more failure")));
        }
        block + "</details>\n\n"
    }

    fn failure(&self, failure: &Failure) -> String {
        let place = self.place(failure.line, failure.column);
        let mut block = format!("{place}: {}\n\n", code(&cut(&headline(failure), MAX_SHOWN)));
        let mut lines = cut(&failure.source, MAX_SHOWN).into_owned();
        for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
            if let Some(value) = value {
                lines.push_str(&format!("\n;; {label} {}", cut(value, MAX_SHOWN)));
            }
        }
        block.push_str(&fence("wasm", lines.trim_start_matches('\n')));
        if let Some(diff) = &failure.diff {
            block.push_str(&fence("diff", &cut(diff, MAX_SHOWN)));
        }
        block.push_str(&fence("text", &cut(&failure.last_calls().join("\n"), MAX_SHOWN)));
        block
    }

    /// The position of a failure, as a link if possible.
    fn place(&self, line: u32, column: u32) -> String {
        linked(&at(&self.case.name, line, column), link(self.suite, &self.case.name, line))
    }
}
