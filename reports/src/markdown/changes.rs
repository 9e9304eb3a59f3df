//! What changed, as Markdown.

use super::{MAX_ROWS, MAX_SHOWN, Page, code, fence, linked};
use crate::diff::{CaseDrift, Change, Diff, Run};
use crate::text::{at, cut, grouped, percent_passed, plural, seconds};

/// What changed, as a comment of its own.
pub fn render(diff: &Diff) -> String {
    let mut page = Page::default();
    page.push(&match diff.regressed.len() as u64 {
        0 => "## ✅ Conformance: nothing regressed\n\n".to_owned(),
        count => format!("## ❌ Conformance: {} regressed\n\n", plural(count, "result")),
    });
    push_changes(&mut page, diff);
    page.text
}

/// The changes without a title.
pub(super) fn push_changes(page: &mut Page, diff: &Diff) {
    page.push("| | cases | directives | passed | failed | time |\n|:--|--:|--:|--:|--:|--:|\n");
    page.push(&row("before", &diff.old));
    page.push(&row("now", &diff.new));
    page.push("\n");
    if diff.is_empty() {
        page.push("The engine does what it did.\n\n");
    }
    for (title, open, changes) in [
        ("regressed", true, &diff.regressed),
        ("fixed", false, &diff.fixed),
        ("changed otherwise", false, &diff.changed),
    ] {
        section(page, title, open, changes, change);
    }
    section(page, "slower", false, &diff.slower, |slower| {
        let name = code(&format!("{}::{}", slower.suite, slower.case));
        format!("- {name}: {} → {}\n", seconds(slower.before), seconds(slower.after))
    });
    if !diff.drift.is_empty() {
        page.push("Drift of the suites, which is no change of the engine:\n\n");
        let suites = &diff.drift.suites;
        page.list(suites, MAX_ROWS, "more suite", |drift| {
            format!("- {}\n", code(&crate::diff::suite_drift(drift)))
        });
        page.list(&diff.drift.cases, MAX_ROWS, "more case", case_drift);
        page.push("\n");
    }
}

fn row(name: &str, run: &Run) -> String {
    let (cases, counts) = (&run.totals.cases, &run.totals.directives);
    let engine = format!("{} {}", run.engine.name, run.engine.version);
    format!(
        "| {name}: {} | {} | {} | {} ({}) | {} | {} |\n",
        super::in_table(&engine),
        grouped(cases.total()),
        grouped(counts.total()),
        grouped(counts.passed),
        percent_passed(counts).unwrap_or_else(|| "none".to_owned()),
        grouped(counts.failed),
        seconds(run.duration)
    )
}

fn section<T>(page: &mut Page, title: &str, open: bool, items: &[T], block: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    page.push(&format!("<details{open}><summary>{} {title}</summary>\n\n", items.len()));
    page.list(items, MAX_ROWS, "more", block);
    page.push("\n</details>\n\n");
}

fn change(change: &Change) -> String {
    let name = format!("{}::{}", change.suite, change.case);
    let place = linked(&at(&name, change.line, change.column), change.url.clone());
    let mut block = format!("{place}: {}", code(&cut(&crate::diff::state(&change.after), MAX_SHOWN)));
    if let Some(before) = crate::diff::was(change) {
        block.push_str(&format!(", was {}", code(&before)));
    }
    block.push_str("\n\n");
    let mut lines = cut(&change.source, MAX_SHOWN).into_owned();
    for (label, value) in [("expected", &change.after.expected), ("actual  ", &change.after.actual)] {
        if let Some(value) = value {
            lines.push_str(&format!("\n;; {label} {}", cut(value, MAX_SHOWN)));
        }
    }
    block + &fence("wasm", lines.trim_start_matches('\n'))
}

fn case_drift(drift: &CaseDrift) -> String {
    let name = code(&format!("{}::{}", drift.suite, drift.case));
    format!("- {name} {}\n", code(&crate::diff::case_drift(drift)))
}
