//! `wassay report`: renders, merges and compares reports.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use wassay_reports::diff::{self, Diff};
use wassay_reports::{markdown, merge};

use super::report_file::{self, Format, check_stdin, read};
use super::{Error, Exit, print_document, protect, show};
use crate::printer::{self, Stream};

const EXAMPLES: &str = "\
Examples:
  wassay report render report.json --to html -o report.html
  wassay report merge shard-*.json -o report.json
  wassay report merge --partial shard-*.json -o report.json
  wassay report diff main.json report.json --format markdown

Input reports are in JSON, as `--report json=FILE` writes them; `-` is standard input.";

/// Render, merge and compare reports
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Convert a JSON report to another format
    Render {
        /// The report, in JSON
        file: PathBuf,
        /// Output format
        #[arg(long, value_name = "FORMAT")]
        to: Format,
        /// Output file; `-` is standard output [default: -]
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
    },
    /// Combine the reports of a run's shards
    ///
    /// Reports of `--shard K/N` must be from the same run, and complete. Reports without shards are
    /// simply combined.
    Merge {
        /// The reports of the shards, in JSON
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Allow missing shards; the result is marked as incomplete
        #[arg(long)]
        partial: bool,
        /// Output file; `-` is standard output [default: -]
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
    },
    /// Compare two reports; exit with 1 if anything got worse
    ///
    /// Worse means: regressions, failures of new or edited directives, and less judged than before
    /// (suites, cases or directives that were removed or are skipped, an incomplete report, texts
    /// that are compared less strictly).
    Diff {
        /// The older report, in JSON
        old: PathBuf,
        /// The newer report, in JSON
        new: PathBuf,
        /// Accept that less is judged than before
        #[arg(long)]
        allow_less: bool,
        /// Output format
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: DiffFormat,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DiffFormat {
    /// For people
    Text,
    /// For a comment on a pull request
    Markdown,
    /// For other programs
    Json,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    match args.command {
        Command::Render { file, to, output } => {
            let text = to.render(&read(&file)?, None, output.as_deref());
            put(output.as_deref(), &[file], &text)?;
            Ok(Exit::Success)
        }
        Command::Merge { files, partial, output } => {
            check_stdin(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
            let shards = files.iter().map(|file| Ok((file.display().to_string(), read(file)?)));
            let shards = shards.collect::<Result<Vec<_>, Error>>()?;
            let merged = merge::merge(shards, partial).map_err(|error| Error::Usage(error.to_string()))?;
            put(output.as_deref(), &files, &Format::Json.render(&merged, None, None))?;
            Ok(Exit::Success)
        }
        Command::Diff { old, new, allow_less, format } => {
            check_stdin(&[&old, &new])?;
            let diff = diff::compare(&read(&old)?, &read(&new)?);
            match format {
                DiffFormat::Text => show(&diff::text(&diff, Stream::Out.has_colour()))?,
                DiffFormat::Markdown => print_document(&markdown::changes(&diff))?,
                DiffFormat::Json => print_document(&diff.json())?,
            }
            Ok(if is_worse(&diff, allow_less) { Exit::Failure } else { Exit::Success })
        }
    }
}

/// Whether a comparison fails the command; prints a hint if the only problem is that less was
/// judged.
pub(crate) fn is_worse(diff: &Diff, allow_less: bool) -> bool {
    if diff.is_failure(allow_less) && !diff.is_failure(true) {
        printer::note("fewer directives were judged than before; --allow-less accepts this");
    }
    diff.is_failure(allow_less)
}

/// Writes the result for these input files.
fn put(output: Option<&Path>, files: &[PathBuf], text: &str) -> Result<(), Error> {
    match output {
        None => print_document(text),
        Some(path) => {
            protect::refuse_overwrites(&[path], files, &[])?;
            report_file::check(path)?;
            report_file::write(path, text)
        }
    }
}
