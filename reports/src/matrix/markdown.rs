//! Renders the matrix as Markdown, for a README or a CI step summary.
//!
//! It uses GitHub's dialect. Names are in code spans, so that they are not interpreted as markup.
//! The output has at most [`MAX_LENGTH`] bytes, and what is left out is counted.

use super::{Cell, Column, Disagreement, Kind, Matrix, State, Verdict};
pub use crate::markdown::MAX_LENGTH;
use crate::markdown::{MAX_SHOWN, Page, code, fence, in_table, linked};
use crate::text::{at, counted, cut, grouped};

/// The maximum number of columns.
const MAX_COLUMNS: usize = 16;

/// The maximum number of lines of a directive to show.
const MAX_LINES: usize = 8;

/// The maximum number of directives of each kind to show.
const MAX_DIRECTIVES: usize = 20;

/// Renders the table, notes on its columns, and the directives on which engines differ.
pub fn render(matrix: &Matrix) -> String {
    let mut page = Page::new();
    page.push("## Engines and proposals\n\n");
    for warning in &matrix.warnings {
        page.push(&format!("⚠️ {}\n\n", code(warning)));
    }
    push_table(&mut page, matrix);
    push_columns(&mut page, matrix);
    push_disagreements(&mut page, matrix);
    if !matrix.left_out.is_empty() {
        page.push("\n### Not shown\n\n");
        page.list(&matrix.left_out, 40, "more report", |left| {
            format!("- {}, of {}: {}\n", code(&left.name), code(&left.engine), code(&left.why))
        });
    }
    page.finish()
}

fn push_table(page: &mut Page, matrix: &Matrix) {
    let columns = matrix.columns.get(..MAX_COLUMNS).unwrap_or(&matrix.columns);
    page.push("| |");
    for column in columns {
        let repackaged = if column.engine.package.is_some() { ", repackaged" } else { "" };
        page.push(&format!(" {}{repackaged} |", in_table(&column.title())));
    }
    page.push("\n|:--|");
    page.push(&":--|".repeat(columns.len()));
    page.push("\n");
    let mut left = 0;
    for group in &matrix.groups {
        let mut head = format!("| **{}** |", group.standard.title());
        for summary in group.summaries.iter().take(columns.len()) {
            let of = if group.standard.is_version() && summary.known > 0 {
                format!("**{} of {}**", summary.supported, summary.known)
            } else {
                String::new()
            };
            head.push_str(&format!(" {of} |"));
        }
        page.fits(&(head + "\n"));
        for row in &group.rows {
            let name = if row.feature.is_empty() { "nothing beyond 1.0" } else { &row.feature };
            let mut line = format!("| {} |", in_table(name));
            row.cells.iter().take(columns.len()).for_each(|one| line.push_str(&format!(" {} |", cell(one))));
            left += u64::from(!page.fits(&(line + "\n")));
        }
    }
    page.push("\n");
    let more = matrix.columns.len() - columns.len();
    if more > 0 || left > 0 {
        let (more, left) = (counted(more as u64, "column"), counted(left, "row"));
        page.push(&format!("The table leaves out {more} and {left}.\n\n"));
    }
    page.push(
        "✅ all modules that need it compile, and every judged directive passes; ⚠️ all compile, but some directives fail; \
        🟨 some modules do not compile; ❌ none compiles; – not run; ? unknown.\n\n",
    );
}

fn cell(cell: &Cell) -> String {
    let mark = match cell.state {
        State::Full => "✅",
        State::Deviates => "⚠️",
        State::Partly => "🟨",
        State::No => "❌",
        State::Unknown => "?",
        State::NotRun => return "–".to_owned(),
    };
    let since =
        cell.since.as_ref().map(|since| format!(", {}", in_table(&since.words()))).unwrap_or_default();
    format!("{mark} {}{since}", cell.words())
}

fn push_columns(page: &mut Page, matrix: &Matrix) {
    page.push("### Engines\n\n");
    page.list(&matrix.columns, usize::MAX, "more engine", |column: &Column| {
        let engine = &column.engine;
        let mut line = format!("- {} on {}", code(&column.title()), code(&column.host));
        let said = [
            ("flags", Some(engine.flags.join(" ")).filter(|flags| !flags.is_empty())),
            ("command", engine.command.clone()),
            ("adapter", engine.adapter.clone()),
        ];
        for (word, text) in said {
            line.push_str(&text.map_or_else(String::new, |text| format!(", {word} {}", code(&text))));
        }
        for note in &column.notes {
            line.push_str(&format!("; **{}**", code(note)));
        }
        line.push('\n');
        for run in &column.runs {
            let started = code(&run.started);
            for suite in &run.suites {
                let (name, source) = (linked(&suite.name, suite.url.clone()), code(&suite.source));
                let (passed, total) =
                    (grouped(suite.directives.passed), counted(suite.directives.total(), "directive"));
                line.push_str(&format!(
                    "  - {started}: {name} from {source}, contents {}: {passed} of {total} passed\n",
                    code(&suite.digest)
                ));
            }
        }
        line
    });
}

fn push_disagreements(page: &mut Page, matrix: &Matrix) {
    let found = &matrix.disagreements;
    if matrix.columns.len() < 2 {
        return;
    }
    page.push("\n### Disagreements\n\n");
    page.push(&format!(
        "{} compared: {} that only one engine fails, {} that all fail, {} others on which engines differ.\n\n",
        counted(found.compared, "directive"),
        grouped(found.one_fails),
        grouped(found.all_fail),
        grouped(found.differ),
    ));
    for (kind, title) in [
        (Kind::OneFails, "Only one engine fails"),
        (Kind::AllFail, "All engines fail, which suggests a problem of the test"),
        (Kind::Differ, "Engines differ"),
    ] {
        let of: Vec<&Disagreement> = found.directives.iter().filter(|one| one.kind == kind).collect();
        if !of.is_empty() && page.fits(&format!("#### {title}\n\n")) {
            page.list(&of, MAX_DIRECTIVES, "more directive", |one| disagreement(matrix, one));
            page.push("\n");
        }
    }
    let uncompared = found.uncompared.len() as u64 + found.uncompared_left;
    if uncompared > 0 {
        page.push(&format!("{} could not be compared for every engine.\n", counted(uncompared, "script")));
    }
}

fn disagreement(matrix: &Matrix, one: &Disagreement) -> String {
    let place = linked(&at(&one.case, one.line, one.column), one.url.clone());
    let mut block = format!("- {place} in {}", code(&one.suite));
    for (column, verdict) in matrix.columns.iter().zip(&one.verdicts) {
        if let Verdict::Failed { kind, .. } = verdict {
            block.push_str(&format!("; {} fails: {}", code(&column.title()), code(kind)));
        }
    }
    block.push('\n');
    let first: Vec<&str> = one.source.lines().take(MAX_LINES).collect();
    let source = cut(&first.join("\n"), MAX_SHOWN).into_owned();
    let source = if source.len() < one.source.len() { source + "\n;; …" } else { source };
    for line in fence("wasm", &source).lines() {
        block.push_str(&format!("  {line}\n"));
    }
    block
}
