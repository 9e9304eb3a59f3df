//! `wassay matrix`: combines reports of several engines into a table by proposal.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wassay_reports::matrix::{Matrix, Named, features_json, html, json, markdown};

use super::report_file::{self, read};
use super::{Error, Exit, protect};
use crate::printer;

const EXAMPLES: &str = "\
Examples:
  wassay matrix wassay.json node.json wasmi.json -o matrix.html
  wassay matrix *.json -o matrix.md
  wassay matrix node-26.json --history node-24.json --history node-20.json -o matrix.html
  wassay matrix *.json -o features.json --format features-json

Reports are in JSON, as `--report json=FILE` writes them. Each version and configuration of an
engine is a column. Only complete runs count: if the newest is incomplete, the last complete one is used.";

/// Combine reports into a table of engines and proposals
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The reports, in JSON
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// An older JSON report of one of the engines, to show since when a feature is supported. It is
    /// used as the column if no newer run is complete. Repeatable
    #[arg(long, value_name = "REPORT")]
    history: Vec<PathBuf>,
    /// Output file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Output format [default: by the suffix of FILE, else html]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// The format of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A page with the evidence for every cell
    Html,
    /// A table for a readme
    Markdown,
    /// Everything, for other programs
    Json,
    /// In the form of webassembly.org's `features.json`
    FeaturesJson,
}

impl Format {
    /// The format for a file name.
    fn of(path: &Path) -> Format {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("md" | "markdown") => Format::Markdown,
            Some("json") => Format::Json,
            _ => Format::Html,
        }
    }

    pub(super) fn render(self, matrix: &Matrix) -> String {
        match self {
            Format::Html => html::render(matrix),
            Format::Markdown => markdown::render(matrix),
            Format::Json => json::render(matrix),
            Format::FeaturesJson => features_json::render(matrix),
        }
    }
}

/// Prints notes about runs that a matrix leaves out, and warnings about it.
pub(super) fn tell(matrix: &Matrix) {
    for left in &matrix.left_out {
        printer::note(&format!("{}: not shown ({}): {}", left.name, left.engine, left.why));
    }
    for warning in &matrix.warnings {
        printer::warning(warning);
    }
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    let files: Vec<PathBuf> = args.reports.iter().chain(&args.history).cloned().collect();
    protect::refuse_overwrites(&[&args.output], &files, &[])?;
    report_file::check(&args.output)?;
    let named = |paths: &[PathBuf]| {
        let named = |path: &PathBuf| Ok(Named { name: path.display().to_string(), report: read(path)? });
        paths.iter().map(named).collect::<Result<Vec<Named>, Error>>()
    };
    let matrix = Matrix::of(&named(&args.reports)?, &named(&args.history)?);
    tell(&matrix);
    if matrix.columns.is_empty() {
        return Err(Error::Usage("expected at least one report of a complete run".to_owned()));
    }
    let format = args.format.unwrap_or_else(|| Format::of(&args.output));
    report_file::write(&args.output, &format.render(&matrix))?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use wassay_reports::matrix::proposal;
    use wassay_terms::Features;

    use super::*;

    #[test]
    fn every_feature_of_the_engine_has_its_row() {
        for name in Features::names() {
            assert!(proposal(name).is_some(), "{name}: add it to `matrix/proposals.rs`");
        }
    }

    #[test]
    fn the_format_follows_the_file_name_unless_it_is_given() {
        for (file, format) in [
            ("a.html", Format::Html),
            ("a.md", Format::Markdown),
            ("a.json", Format::Json),
            ("-", Format::Html),
            ("a", Format::Html),
        ] {
            assert_eq!(Format::of(Path::new(file)), format, "{file}");
        }
        assert_eq!(Format::from_str("features-json", false), Ok(Format::FeaturesJson));
    }
}
