//! `wassay test` with several engines: one run per engine, and a matrix of all.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use wassay_drive::Way;
use wassay_reports::matrix::{Matrix, Named};
use wassay_reports::terminal::Text;

use super::described::as_described;
use super::driven::{Driven, choose};
use super::report_file::{self, Format, ReportFile, check_all};
use super::{Console, Error, Exit, matrix, plural, test};
use crate::engines::Chosen;
use crate::printer;
use crate::verdict::STRONG;

/// An engine whose identity is known.
struct Asked {
    chosen: Chosen,
    way: Way,
    /// Its name in file names.
    label: String,
}

/// Runs the suites on each of these engines in turn.
pub(super) fn run(args: &test::Args, words: &[String]) -> Result<Exit, Error> {
    check(args, words)?;
    let asked = ask(args, words)?;
    let (of_all, of_each) = files(&args.reports, &asked);
    check_all(&of_all.iter().chain(of_each.iter().flatten()).cloned().collect::<Vec<_>>())?;
    let driven = Driven {
        written: of_all.iter().map(|file| file.path().to_owned()).collect(),
        takes_stdout: of_all.iter().any(ReportFile::takes_stdout),
        ..Driven::default()
    };
    let console = Console::new(driven.takes_stdout);
    let (mut runs, mut exit) = (Vec::new(), Exit::Success);
    for (asked, reports) in asked.iter().zip(of_each) {
        if !args.list {
            console.show(&heading(asked, console))?;
        }
        let (mut args, way) = (args.clone(), asked.way.clone());
        (args.reports, args.driven) = (reports, driven.clone());
        let (ended, report) = test::run_reporting(as_described(args, &asked.chosen), move || way.driver())?;
        let Some(report) = report else { return Ok(ended) };
        runs.push(Named { name: asked.label.clone(), report });
        match ended {
            Exit::Success => {}
            Exit::Interrupted => {
                exit = ended;
                break;
            }
            failed => exit = failed,
        }
    }
    if exit == Exit::Interrupted && runs.len() < asked.len() {
        let all = plural(asked.len(), "engine");
        printer::warning(&format!("interrupted: {} of {all} completed", runs.len() - 1));
    }
    write(&of_all, &runs, console)?;
    Ok(exit)
}

/// Rejects options that are not supported for several engines.
fn check(args: &test::Args, words: &[String]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    if let Some(word) = words.iter().find(|word| !seen.insert(word.as_str())) {
        return Err(Error::Usage(format!(
            "--engine {word}: given twice; to select another column write for example `{word}:all`"
        )));
    }
    let of_one = [
        ("--baseline", args.baseline.is_some()),
        ("--bless-expectations", args.bless_expectations),
        ("--fail-fast", args.fail_fast),
    ];
    match of_one.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => {
            Err(Error::Usage(format!("{option}: not supported with more than one --engine")))
        }
        None => Ok(()),
    }
}

/// Starts each engine once, so that an unusable one is reported before any run.
fn ask(args: &test::Args, words: &[String]) -> Result<Vec<Asked>, Error> {
    let mut labels = HashSet::new();
    let mut asked = Vec::with_capacity(words.len());
    for word in words {
        let chosen = choose(word)?;
        let way = chosen.ask(args.max_memory)?;
        let identity = way.identity();
        let mut label = identity.name;
        // As on the command line: without a column it is the default.
        if let Some(column) = identity.configuration.filter(|column| word.ends_with(&format!(":{column}"))) {
            label = format!("{label}-{column}");
        }
        let label = label.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.+".contains(c), "-");
        let labels_of_it =
            (1..).map(|number| if number == 1 { label.clone() } else { format!("{label}-{number}") });
        let label = labels_of_it.into_iter().find(|label| labels.insert(label.clone())).unwrap_or(label);
        asked.push(Asked { chosen, way, label });
    }
    Ok(asked)
}

/// The files of the matrix, and those of each engine's report.
fn files(reports: &[ReportFile], asked: &[Asked]) -> (Vec<ReportFile>, Vec<Vec<ReportFile>>) {
    let of_all = reports.iter().filter(|file| matrix_format(file.format()).is_some()).cloned().collect();
    // Standard output takes only one document.
    let in_files: Vec<&ReportFile> = reports.iter().filter(|file| !file.takes_stdout()).collect();
    let of_each = asked.iter().map(|Asked { label, .. }| {
        let of_engine = |file: &&ReportFile| file.at(with_label(file.path(), label));
        in_files.iter().map(of_engine).collect()
    });
    (of_all, of_each.collect())
}

/// The matrix format for a report format, if there is one.
fn matrix_format(format: Format) -> Option<matrix::Format> {
    match format {
        Format::Json => Some(matrix::Format::Json),
        Format::Markdown => Some(matrix::Format::Markdown),
        Format::Html => Some(matrix::Format::Html),
        Format::Junit | Format::Badge => None,
    }
}

/// The path of an engine's report beside the matrix: `out.html` is `out.node.html`.
fn with_label(path: &Path, label: &str) -> PathBuf {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}.{label}{}", extension.unwrap_or_default()))
}

fn heading(asked: &Asked, console: Console) -> Text {
    let mut text = Text::new(console.has_colour());
    text.paint(STRONG, format_args!("engine {}", asked.way.identity().title_with_configuration())).end();
    text
}

/// Prints the result of each engine, and writes the matrix.
fn write(files: &[ReportFile], runs: &[Named], console: Console) -> Result<(), Error> {
    let mut text = Text::new(console.has_colour());
    for Named { report, .. } in runs {
        let directives = report.totals().directives;
        text.paint(STRONG, report.engine.title_with_configuration());
        text.line(format_args!(
            ": {} of {} passed, {} failed, {} skipped, in {:.1} s{}",
            directives.passed,
            plural(usize::try_from(directives.total()).unwrap_or(usize::MAX), "directive"),
            directives.failed,
            directives.skipped,
            report.duration.as_secs_f64(),
            if report.interrupted { "; interrupted" } else { "" },
        ));
    }
    console.show(&text)?;
    if files.is_empty() {
        return Ok(());
    }
    let matrix = Matrix::of(runs, &[]);
    matrix::tell(&matrix);
    if matrix.columns.is_empty() {
        printer::warning("no run is complete; the matrix is not written");
        return Ok(());
    }
    for file in files {
        if let Some(format) = matrix_format(file.format()) {
            report_file::write(file.path(), &format.render(&matrix))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_an_engine_is_beside_the_matrix() {
        for (path, expected) in
            [("out.html", "out.node.html"), ("a.b/out", "a.b/out.node"), ("/a/b.tar.gz", "/a/b.tar.node.gz")]
        {
            assert_eq!(with_label(Path::new(path), "node"), Path::new(expected));
        }
    }
}
