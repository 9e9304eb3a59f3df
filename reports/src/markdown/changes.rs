//! Renders a comparison as Markdown.

use super::page::{MAX_ROWS, MAX_SHOWN, Page, code, fence, linked};
use crate::diff::{CaseDrift, Change, Diff, Run, Verdict};
use crate::text::{at, cut, grouped, percent_passed, seconds};

/// Renders a comparison as a separate comment.
pub fn render(diff: &Diff) -> String {
    let mut page = Page::new();
    let mark = match diff.verdict {
        Verdict::Good => "✅",
        Verdict::Attention => "⚠️",
        Verdict::Bad => "❌",
    };
    page.push(&format!("## {mark} Conformance: {}\n\n", crate::diff::verdict(diff)));
    push_changes(&mut page, diff);
    page.finish()
}

/// The changes without a title.
pub(super) fn push_changes(page: &mut Page, diff: &Diff) {
    page.push("| | cases | directives | passed | by the parser alone | failed | time |\n|:--|--:|--:|--:|--:|--:|--:|\n");
    page.push(&row("before", &diff.old));
    page.push(&row("now", &diff.new));
    page.push("\n");
    let notes = crate::diff::notes(diff);
    page.list(&notes, MAX_ROWS, "more note", |note| format!("- {}\n", code(note)));
    if !notes.is_empty() {
        page.push("\n");
    }
    if diff.is_empty() {
        page.push("No changes of the engine.\n\n");
    }
    section(page, "regressed", true, &diff.regressed, change);
    section(
        page,
        "new failures, of directives that were not judged before",
        true,
        &diff.new_failures,
        change,
    );
    section(page, "no longer judged", true, &diff.unjudged, change);
    let ways = if diff.less.len() == 1 { "way" } else { "ways" };
    let less = format!("{ways} in which less is judged than before");
    section(page, &less, true, &diff.less, |less| format!("- {}\n", code(&less.describe())));
    section(page, "expected to fail now", false, &diff.excused, change);
    section(page, "fixed", false, &diff.fixed, change);
    section(page, "changed otherwise", false, &diff.changed, change);
    section(page, "slower", false, &diff.slower, |slower| {
        let name = code(&format!("{}::{}", slower.suite, slower.case));
        format!("- {name}: {} → {}\n", seconds(slower.before), seconds(slower.after))
    });
    if !diff.drift.is_empty() {
        page.push("Changes of the suites, not of the engine:\n\n");
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
    let engine = run.engine.title();
    format!(
        "| {name}: {} | {} | {} | {} ({}) | {} | {} | {} |\n",
        super::page::in_table(&engine),
        grouped(cases.total()),
        grouped(counts.total()),
        grouped(counts.passed),
        percent_passed(counts).unwrap_or_else(|| "none".to_owned()),
        grouped(run.totals.reader_only),
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
