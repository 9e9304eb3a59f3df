//! Renders an audit as an HTML page: survivors by family, and the faults that each script kills.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::model::{Audit, Fault, State, Tally};
use crate::html::{STYLE, fill};
use crate::text::{counted, grouped, seconds};

const PAGE: &str = include_str!("page.html");

/// The maximum number of faults listed per family and state, and of scripts listed.
const MOST: usize = 2000;

/// The values that the template uses.
#[derive(Serialize)]
struct View {
    engine: String,
    summary: String,
    suites: Vec<String>,
    interrupted: bool,
    families: Vec<Family>,
    scripts: Vec<Script>,
    scripts_left: usize,
}

#[derive(Serialize)]
struct Family {
    name: String,
    counts: [String; 5],
    survivors: Vec<Line>,
    left: usize,
    others: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    subject: String,
    what: String,
    note: String,
}

#[derive(Serialize)]
struct Script {
    name: String,
    kills: String,
    alone: Vec<String>,
    left: usize,
}

/// Renders the audit as one self-contained HTML document without JavaScript.
pub fn render(audit: &Audit) -> String {
    let view = minijinja::Value::from(Serde(View::of(audit)));
    fill(PAGE, STYLE, context! { ..view })
}

impl View {
    fn of(audit: &Audit) -> View {
        let (judged, rest) = audit.tally().summary();
        let summary = format!("{judged}, {rest}, in {}", seconds(audit.duration));
        let suites = audit.suites.iter().map(|suite| {
            let (scripts, directives) =
                (counted(suite.scripts, "script"), counted(suite.directives, "directive"));
            format!("{}, from {}: {scripts}, {directives}", suite.name, suite.source)
        });
        let scripts = audit.scripts();
        let scripts_left = scripts.len().saturating_sub(MOST);
        let scripts = scripts.into_iter().take(MOST).map(|(name, worth)| Script {
            name: name.to_owned(),
            kills: grouped(worth.kills),
            left: worth.alone.len().saturating_sub(MOST),
            alone: worth.alone.into_iter().take(MOST).collect(),
        });
        View {
            engine: audit.engine.title_with_configuration(),
            summary,
            suites: suites.collect(),
            interrupted: audit.interrupted,
            families: families(audit),
            scripts: scripts.collect(),
            scripts_left,
        }
    }
}

fn families(audit: &Audit) -> Vec<Family> {
    let family = |(name, tally): (&str, Tally)| {
        let of_family = |state: State| {
            audit.faults.iter().filter(move |fault| fault.family == name && fault.state() == state)
        };
        let line = |note: String, fault: &Fault| Line {
            subject: fault.subject.clone(),
            what: fault.what.clone(),
            note,
        };
        let survivors = of_family(State::Survived)
            .take(MOST)
            .map(|fault| line(format!("not noticed by {}", counted(fault.scripts, "script")), fault));
        let equivalent = of_family(State::Equivalent).map(|fault| {
            line(format!("equivalent: {}", fault.equivalent.as_deref().unwrap_or_default()), fault)
        });
        let not_applicable =
            of_family(State::NotApplicable).map(|fault| line("not applicable".to_owned(), fault));
        Family {
            name: name.to_owned(),
            counts: [tally.total, tally.killed, tally.survived, tally.equivalent, tally.not_applicable]
                .map(grouped),
            left: of_family(State::Survived).count().saturating_sub(MOST),
            survivors: survivors.collect(),
            others: equivalent.chain(not_applicable).take(MOST).collect(),
        }
    };
    audit.families().into_iter().map(family).collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::audit;
    use super::*;

    #[test]
    fn the_page_escapes_what_it_shows() {
        let page = render(&audit());
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains("does &lt;nothing&gt;") && !page.contains("does <nothing>"), "{page}");
        assert!(page.contains("2 of 6 faults killed, 2 survive"), "{page}");
    }
}
