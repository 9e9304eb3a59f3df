//! Report files: `--report FORMAT=FILE`, and reading them.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use wassay_reports::audit::{self, Audit, Coverage};
use wassay_reports::diff::Diff;
use wassay_reports::{Report, badge, html, json, junit, markdown};
use wassay_script::suggest::did_you_mean;
use wassay_testsuite::text::without_bom;

use super::Error;
use super::destination::{self, Destination, Key};
use crate::printer::{self, Stream};

/// A requested report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportFile {
    format: Format,
    path: PathBuf,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON, for other programs; the only format that can be read
    Json,
    /// JUnit XML, for CI servers
    Junit,
    /// Markdown, for a comment or a step summary
    Markdown,
    /// An HTML page
    Html,
    /// An SVG badge; in a `.json` file, an endpoint for shields.io
    Badge,
}

impl Format {
    /// The names of all formats.
    fn names() -> impl Iterator<Item = String> {
        Format::value_variants().iter().map(Format::to_string)
    }

    /// Renders the report. `path` is its destination; `changes` since another report are included
    /// if the format supports it.
    pub(crate) fn render(self, report: &Report, changes: Option<&Diff>, path: Option<&Path>) -> String {
        match self {
            Format::Json => json::render(report),
            Format::Junit => junit::render(report),
            Format::Markdown => markdown::render(report, changes),
            Format::Html => html::render(report),
            Format::Badge if is_json(path) => badge::shields(report),
            Format::Badge => badge::svg(report),
        }
    }
}

impl Format {
    /// Renders an audit. JUnit has a case for each fault.
    fn render_audit(self, audit: &Audit, path: &Path) -> String {
        match self {
            Format::Json => audit::json(audit),
            Format::Markdown => audit::markdown(audit),
            Format::Html => audit::html(audit),
            Format::Badge if is_json(Some(path)) => audit::shields(audit),
            Format::Badge => audit::svg(audit),
            Format::Junit => junit::render(&audit.to_report()),
        }
    }
}

fn is_json(path: Option<&Path>) -> bool {
    path.and_then(Path::extension).is_some_and(|extension| extension == "json")
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// The help of the option `--report`.
pub(crate) fn help() -> String {
    let names: Vec<String> = Format::names().collect();
    let names = names.split_last().map(|(last, others)| format!("{} or {last}", others.join(", ")));
    format!("Write a report in a format: {}. `-` is standard output. Repeatable", names.unwrap_or_default())
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportFile, String> {
        let (format, path) =
            text.split_once('=').ok_or("expected a format and a file, as in `json=report.json`")?;
        let format = Format::from_str(format, false).map_err(|_| {
            let names: Vec<String> = Format::names().collect();
            let meant = did_you_mean(format, names.iter().map(String::as_str));
            format!("unknown format `{format}`: expected {}{meant}", names.join(", "))
        })?;
        if path.is_empty() {
            return Err("expected a file after `=`".to_owned());
        }
        Ok(ReportFile { format, path: path.into() })
    }
}

impl ReportFile {
    /// Its format.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The same report in another file.
    pub(crate) fn at(&self, path: PathBuf) -> ReportFile {
        ReportFile { format: self.format, path }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is written to standard output, under any name.
    pub(crate) fn takes_stdout(&self) -> bool {
        matches!(Destination::of(&self.path), Ok(Destination::Stream(Stream::Out)))
    }

    /// Writes an audit atomically.
    ///
    /// # Errors
    ///
    /// It cannot be written; an existing file is unchanged.
    pub(crate) fn write_audit(&self, audit: &Audit) -> Result<(), Error> {
        write(&self.path, &self.format.render_audit(audit, &self.path))
    }

    /// Writes the coverage of suites atomically.
    ///
    /// # Errors
    ///
    /// It cannot be written, or the format is one for cases; an existing file is unchanged.
    pub(crate) fn write_coverage(&self, coverage: &Coverage) -> Result<(), Error> {
        let text = match self.format {
            Format::Json => coverage.json(),
            Format::Markdown => coverage.markdown(),
            Format::Html => coverage.html(),
            other => {
                return Err(Error::Usage(format!(
                    "--report {other}: not a format for coverage; expected json, markdown or html"
                )));
            }
        };
        write(&self.path, &text)
    }

    /// Writes the report atomically, with the changes since another one if given.
    ///
    /// # Errors
    ///
    /// It cannot be written; an existing file is unchanged.
    pub(crate) fn write(&self, report: &Report, changes: Option<&Diff>) -> Result<(), Error> {
        write(&self.path, &self.format.render(report, changes, Some(&self.path)))
    }
}

/// Checks, before a run, that all reports can be written, each to its own file.
///
/// # Errors
///
/// Wrong usage: a report cannot be written, or two have the same file under any path.
pub(crate) fn check_all(files: &[ReportFile]) -> Result<(), Error> {
    let mut taken: HashMap<Key, &Path> = HashMap::new();
    for ReportFile { path, .. } in files {
        let destination = check(path)?;
        let is_file = matches!(destination, Destination::File { .. });
        for key in destination.keys() {
            if let Some(other) = taken.insert(key.clone(), path) {
                let (path, other) = (path.display(), other.display());
                return Err(Error::Usage(match path.to_string() == other.to_string() {
                    true => format!("--report: {path} is named twice; expected a file for each report"),
                    false => {
                        format!("--report: {path} is the same as {other}; expected a file for each report")
                    }
                }));
            }
            for (stream, name) in [(Stream::Out, "output"), (Stream::Err, "error")] {
                if is_file && Destination::Stream(stream).keys().contains(&key) {
                    return Err(Error::Usage(format!(
                        "{}: standard {name} goes to this file too; choose another file for the report",
                        path.display()
                    )));
                }
            }
        }
    }
    Ok(())
}

/// Writes all reports that can be written.
///
/// # Errors
///
/// The first failure; further ones are printed to standard error.
pub(crate) fn write_all(files: &[ReportFile], report: &Report, changes: Option<&Diff>) -> Result<(), Error> {
    let mut first = Ok(());
    for file in files {
        match file.write(report, changes) {
            Err(error) if first.is_ok() => first = Err(error),
            Err(error) => printer::error(&error.to_string()),
            Ok(()) => {}
        }
    }
    first
}

/// The path that denotes standard input.
const STDIN: &str = "-";

/// Reads a report, from standard input if the path is `-`.
///
/// # Errors
///
/// Wrong usage: the file does not exist, or is not a report.
pub(crate) fn read(path: &Path) -> Result<Report, Error> {
    let is_stdin = path == Path::new(STDIN);
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let unusable = |what: String| Error::Usage(format!("{name}: {what}"));
    let bytes = match is_stdin {
        true => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => std::fs::read(path),
    };
    let bytes = bytes.map_err(|error| unusable(format!("cannot read the report: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count()
                + 1;
        unusable(format!("line {line}: not a report: not UTF-8"))
    })?;
    json::parse(without_bom(&text)).map_err(|error| unusable(error.to_string()))
}

/// Checks that standard input is used only once.
///
/// # Errors
///
/// Wrong usage: it is used twice.
pub(crate) fn check_stdin(files: &[&Path]) -> Result<(), Error> {
    match files.iter().filter(|path| **path == Path::new(STDIN)).count() {
        0 | 1 => Ok(()),
        _ => Err(Error::Usage(
            "standard input (`-`) is given twice; it can be used for one report only".to_owned(),
        )),
    }
}

/// Checks that a file can be written, and returns its destination.
///
/// # Errors
///
/// Wrong usage: it cannot be written.
pub(crate) fn check(path: &Path) -> Result<Destination, Error> {
    let refused = |error: io::Error| Error::Usage(format!("{}: {error}", what(path)));
    let destination = Destination::of(path).map_err(refused)?;
    destination.check().map_err(refused)?;
    Ok(destination)
}

/// Writes a report atomically, or to standard output if the path is `-`.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    destination::write(path, text.as_bytes()).map_err(|error| Error::System { what: what(path), error })
}

fn what(path: &Path) -> String {
    match path == Path::new(destination::STDOUT) {
        true => "standard output: cannot write the report".to_owned(),
        false => format!("{}: cannot write the report", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use wassay_reports::Engine;

    use super::*;

    fn report() -> Report {
        let engine = Engine::new("e", "1");
        Report::new(engine, "h".into(), "s".into(), Duration::ZERO, Vec::new())
    }

    #[test]
    fn the_option_names_a_format_and_a_file() {
        let parsed: ReportFile = "json=a=b.json".parse().unwrap();
        assert_eq!(parsed.path, Path::new("a=b.json"));
        for bad in ["json", "a.json", "xml=a", "=a", "json="] {
            assert!(bad.parse::<ReportFile>().is_err(), "{bad}");
        }
        let error = "jsn=a".parse::<ReportFile>().unwrap_err();
        assert!(error.ends_with("; did you mean `json`?"), "{error}");
        assert!(help().starts_with("Write a report in a format: json, junit, markdown, html or badge. "));
    }

    #[test]
    fn each_format_has_its_renderer() {
        let begins = |format: Format, file: &str| format.render(&report(), None, Some(Path::new(file)));
        assert!(begins(Format::Json, "a").starts_with("{\n  \"schema\""));
        assert!(begins(Format::Junit, "a").starts_with("<?xml"));
        assert!(begins(Format::Markdown, "a").starts_with("## "));
        assert!(begins(Format::Html, "a").starts_with("<!doctype html>"));
        assert!(begins(Format::Badge, "a.svg").starts_with("<svg"));
        assert!(begins(Format::Badge, "a.json").contains("\"schemaVersion\": 1"));
    }

    #[test]
    fn two_reports_do_not_go_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = |format: &str, name: &str| -> ReportFile {
            format!("{format}={}", folder.path().join(name).display()).parse().unwrap()
        };
        assert!(check_all(&[file("json", "a"), file("html", "b")]).is_ok());
        assert!(matches!(check_all(&[file("json", "a"), file("html", "a")]), Err(Error::Usage(_))));
        let null = || "json=/dev/null".parse().unwrap();
        assert!(check_all(&[null(), null()]).is_ok());
    }

    #[test]
    fn an_invalid_report_is_an_error_with_file_and_position() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path).unwrap_err().to_string()
        };
        let name = path.display();
        assert!(refused(b"{\n!").starts_with(&format!("{name}: line 2, column 1: not a report: ")));
        assert_eq!(refused(b"{\n\n\xff"), format!("{name}: line 3: not a report: not UTF-8"));
        let gone = folder.path().join("gone");
        assert!(
            read(&gone).unwrap_err().to_string().starts_with(&format!("{}: cannot read", gone.display()))
        );
        assert_eq!(read(&gone).unwrap_err().exit().code(), 2);
    }

    #[test]
    fn a_byte_order_mark_before_a_report_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        fs::write(&path, format!("\u{feff}{}", json::render(&report()))).unwrap();
        assert_eq!(read(&path).unwrap(), report());
    }
}
