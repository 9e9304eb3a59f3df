//! An audit as Markdown, for the summary of a CI step: what survives, and what scripts alone kill.

use super::model::{Audit, Tally};
use crate::markdown::{Page, code, in_table};
use crate::text::{counted, grouped, seconds};

/// So many survivors are listed.
const MOST_SURVIVORS: usize = 500;

/// So many scripts are listed.
const MOST_SCRIPTS: usize = 400;

/// The families, the faults that survive, and the scripts that alone kill some.
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
        if audit.interrupted { " **Interrupted: not every fault was played to every script.**" } else { "" },
    ));
    page.push(
        "| family | faults | killed | survive | equivalent | not applicable |\n|:--|--:|--:|--:|--:|--:|\n",
    );
    for (family, tally) in audit.families() {
        page.fits(&row(&in_table(family), tally));
    }
    page.push("\n### What survives\n\n");
    let survivors: Vec<_> = audit.survivors().collect();
    page.list(&survivors, MOST_SURVIVORS, "more fault", |fault| {
        format!("- {} ({} played)\n", code(&fault.name()), counted(fault.scripts, "script"))
    });
    if survivors.is_empty() {
        page.push("Nothing.\n");
    }
    page.push("\n### What one script alone kills\n\n");
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
        assert!(page.contains("- `f/three: does <nothing>` (1 script played)"), "{page}");
        assert!(page.contains("- `s::a.wast`: `f/two: does <nothing>`"), "{page}");
    }
}
