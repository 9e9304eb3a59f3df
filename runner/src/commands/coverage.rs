//! `wassay audit --coverage`: the table of what suites cover, and its reports.

use wassay_audit::coverage::{Coverage, ItemKind};
use wassay_reports::Report;
use wassay_reports::audit::{Coverage as Reported, Covered};
use wassay_reports::terminal::Text;

use super::report_file::ReportFile;
use super::{Console, Error};

/// How many missed items the terminal shows.
const MOST: usize = 60;

/// The coverage for reports; the rest is that of the report of the same run.
pub(super) fn collected(all: &Coverage, report: Report, suites: Vec<String>, interrupted: bool) -> Reported {
    let items = all.items().map(|(item, uses)| Covered {
        kind: match item.kind {
            ItemKind::Instruction => "instruction",
            ItemKind::Construct => "construct",
            ItemKind::Rule => "rule",
        }
        .to_owned(),
        group: item.group.to_owned(),
        name: item.name.clone(),
        modules: uses.modules,
        executed: uses.executed,
        trapped: uses.trapped,
        asserted: uses.asserted,
    });
    Reported {
        engine: report.engine,
        harness: report.harness.unwrap_or_default(),
        started: report.started,
        duration: report.duration,
        interrupted,
        suites,
        items: items.collect(),
    }
}

/// Prints the groups and what is missed, and writes the reports.
pub(super) fn show(coverage: &Reported, reports: &[ReportFile]) -> Result<(), Error> {
    let console = Console::new(reports.iter().any(ReportFile::takes_stdout));
    console.show(&table(coverage))?;
    for file in reports {
        file.write_coverage(coverage)?;
    }
    Ok(())
}

fn table(coverage: &Reported) -> Text {
    let groups = coverage.groups();
    let width = groups.iter().map(|group| group.name.len()).max().unwrap_or(0).max("group".len());
    let mut text = Text::new(false);
    text.line(format_args!(
        "{:width$}  {:>5}  {:>10}  {:>8}  {:>8}  {:>8}",
        "group", "items", "in modules", "executed", "trapping", "asserted"
    ));
    for group in &groups {
        text.line(format_args!(
            "{:width$}  {:>5}  {:>10}  {:>8}  {:>8}  {:>8}",
            group.name, group.items, group.occurring, group.executed, group.trapped, group.asserted
        ));
    }
    let missed: Vec<&Covered> = coverage.missed().collect();
    for item in missed.iter().take(MOST) {
        text.line(format_args!("missed: {} {}", item.kind, item.name));
    }
    if missed.len() > MOST {
        text.line(format_args!("and {} more: write a report to see them", missed.len() - MOST));
    }
    text.line(format_args!("{} missed, in {:.1} s", missed.len(), coverage.duration.as_secs_f64()));
    text
}
