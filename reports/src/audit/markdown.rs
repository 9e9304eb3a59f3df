//! Renders an audit as Markdown for the summary of a CI step: the survivors, and the faults that
//! only one script kills.

use super::model::{Audit, Tally};
use crate::markdown::{Page, code, in_table};
use crate::text::{counted, grouped, seconds};

/// The maximum number of survivors listed.
const MOST_SURVIVORS: usize = 500;

/// The maximum number of scripts listed.
const MOST_SCRIPTS: usize = 400;

/// Renders the table of families, the survivors, and the faults that only one script kills.
pub fn render(audit: &Audit) -> String {
    let mut page = Page::new();
    let (judged, rest) = audit.tally().summary();
    page.push(&format!("## Audit on {}\n\n", code(&audit.engine.title_with_configuration())));
    for suite in &audit.suites {
        page.push(&format!(
            "- {} from {}: {}, {}\n",
            code(&suite.name),
            code(&suite.source),
            counted(suite.scripts, "script"),
            counted(suite.directives, "directive"),
        ));
    }
    page.push(&format!(
        "\n**{judged}**, {rest}; {}.{}\n\n",
        seconds(audit.duration),
        if audit.interrupted { " **Interrupted: some scripts did not run with every fault.**" } else { "" },
    ));
    page.push(
        "| family | faults | killed | survive | equivalent | not applicable |\n|:--|--:|--:|--:|--:|--:|\n",
    );
    for (family, tally) in audit.families() {
        page.fits(&row(&in_table(family), tally));
    }
    page.push("\n### Survivors\n\n");
    let survivors: Vec<_> = audit.survivors().collect();
    page.list(&survivors, MOST_SURVIVORS, "more fault", |fault| {
        format!("- {} (not noticed by {})\n", code(&fault.name()), counted(fault.scripts, "script"))
    });
    if survivors.is_empty() {
        page.push("None.\n");
    }
    page.push("\n### Faults that only one script kills\n\n");
    let scripts: Vec<_> = audit.scripts().into_iter().filter(|(_, worth)| !worth.alone.is_empty()).collect();
    page.list(&scripts, MOST_SCRIPTS, "more script", |(script, worth)| {
        let first: Vec<String> = worth.alone.iter().take(3).map(|fault| code(fault)).collect();
        let more = worth.alone.len().saturating_sub(first.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("- {}: {}{more}\n", code(script), first.join(", "))
    });
    page.finish()
}

fn row(family: &str, tally: Tally) -> String {
    format!(
        "| {family} | {} | {} | {} | {} | {} |\n",
        grouped(tally.total),
        grouped(tally.killed),
        grouped(tally.survived),
        grouped(tally.equivalent),
        grouped(tally.not_applicable),
    )
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::audit;
    use super::*;

    #[test]
    fn the_page_has_families_survivors_and_scripts() {
        let page = render(&audit());
        assert!(page.contains("**2 of 6 faults killed, 2 survive**"), "{page}");
        assert!(page.contains("| `f` | 3 | 2 | 1 | 0 | 0 |"), "{page}");
        assert!(page.contains("- `f/three: does <nothing>` (not noticed by 1 script)"), "{page}");
        assert!(page.contains("- `s::a.wast`: `f/two: does <nothing>`"), "{page}");
    }
}
