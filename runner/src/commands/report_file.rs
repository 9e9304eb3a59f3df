//! Reports as files: `--report FORMAT=FILE`, and reading them again.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wassay_reports::audit::{self, Audit};
use wassay_reports::diff::Diff;
use wassay_reports::{Report, badge, html, json, junit, markdown};
use wassay_testsuite::text::without_bom;

use super::Error;
use super::destination::{self, Destination, Key};
use crate::printer::{self, Stream};
use crate::suggest::did_you_mean;

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportFile {
    format: Format,
    path: PathBuf,
}

/// What a report can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For other programs; the only one that can be read again.
    Json,
    /// What CI servers collect.
    Junit,
    /// For a comment, or the summary of a step.
    Markdown,
    /// A page.
    Html,
    /// A picture; as a file whose name ends in `.json` what shields.io makes one of.
    Badge,
}

impl Format {
    const ALL: [(&'static str, Format); 5] = [
        ("json", Format::Json),
        ("junit", Format::Junit),
        ("markdown", Format::Markdown),
        ("html", Format::Html),
        ("badge", Format::Badge),
    ];

    /// The report as text. `path` is where it goes; what changed since another one is told where
    /// there is a place for it.
    pub(crate) fn render(self, report: &Report, changes: Option<&Diff>, path: Option<&Path>) -> String {
        let is_json = path.and_then(Path::extension).is_some_and(|extension| extension == "json");
        match self {
            Format::Json => json::render(report),
            Format::Junit => junit::render(report),
            Format::Markdown => markdown::render(report, changes),
            Format::Html => html::render(report),
            Format::Badge if is_json => badge::shields(report),
            Format::Badge => badge::svg(report),
        }
    }
}

impl Format {
    /// An audit as text. The formats that know cases alone have a case for each fault.
    fn render_audit(self, audit: &Audit, path: &Path) -> String {
        match self {
            Format::Json => audit::json(audit),
            Format::Markdown => audit::markdown(audit),
            Format::Html => audit::html(audit),
            Format::Junit | Format::Badge => self.render(&audit.to_report(), None, Some(path)),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let found = Format::ALL.iter().find(|(name, _)| *name == text);
        let names = || Format::ALL.map(|(name, _)| name).join(", ");
        found.map(|(_, format)| *format).ok_or_else(|| {
            let meant = did_you_mean(text, Format::ALL.map(|(name, _)| name));
            format!("unknown format `{text}`; known are {}{meant}", names())
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Format::ALL.iter().find(|(_, format)| format == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportFile, String> {
        let (format, path) =
            text.split_once('=').ok_or("expected a format and a file, as in `json=report.json`")?;
        let format = format.parse()?;
        if path.is_empty() {
            return Err("expected a file after `=`".to_owned());
        }
        Ok(ReportFile { format, path: path.into() })
    }
}

impl ReportFile {
    /// What it is written as.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The same in another file.
    pub(crate) fn at(&self, path: PathBuf) -> ReportFile {
        ReportFile { format: self.format, path }
    }

    /// Where it is written.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is written to standard output, by whatever name.
    pub(crate) fn takes_stdout(&self) -> bool {
        matches!(Destination::of(&self.path), Ok(Destination::Stream(Stream::Out)))
    }

    /// Writes an audit: whole, or not at all.
    ///
    /// # Errors
    ///
    /// The system refused; what was there before is still there.
    pub(crate) fn write_audit(&self, audit: &Audit) -> Result<(), Error> {
        write(&self.path, &self.format.render_audit(audit, &self.path))
    }

    /// Writes the report, with what changed since another one where that is known: whole, or not at
    /// all.
    ///
    /// # Errors
    ///
    /// The system refused; what was there before is still there.
    pub(crate) fn write(&self, report: &Report, changes: Option<&Diff>) -> Result<(), Error> {
        write(&self.path, &self.format.render(report, changes, Some(&self.path)))
    }
}

/// Makes sure, before a run, that there are places for all of these reports, and for each another.
///
/// # Errors
///
/// Wrong usage: there is none, or two are for one file, however it is named.
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

/// Writes all of these reports, as many as can be written.
///
/// # Errors
///
/// The first that could not be written; the others are said on standard error.
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

/// The path that means standard input.
const STDIN: &str = "-";

/// Reads a report; from standard input where the path is `-`.
///
/// # Errors
///
/// Wrong usage: there is no such file, or what is in it is no report.
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

/// Makes sure that standard input is read once only.
///
/// # Errors
///
/// Wrong usage: it is named twice.
pub(crate) fn check_stdin(files: &[&Path]) -> Result<(), Error> {
    match files.iter().filter(|path| **path == Path::new(STDIN)).count() {
        0 | 1 => Ok(()),
        _ => Err(Error::Usage("standard input (`-`) is given twice; it can be one report only".to_owned())),
    }
}

/// Makes sure that a file can be written, and gives where.
///
/// # Errors
///
/// Wrong usage: it cannot.
pub(crate) fn check(path: &Path) -> Result<Destination, Error> {
    let refused = |error: io::Error| Error::Usage(format!("{}: {error}", what(path)));
    let destination = Destination::of(path).map_err(refused)?;
    destination.check().map_err(refused)?;
    Ok(destination)
}

/// Writes a report: whole, or not at all; to standard output where the path is `-`.
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
        for (name, format) in Format::ALL {
            assert_eq!((name.parse(), format.to_string().as_str()), (Ok(format), name));
        }
    }

    #[test]
    fn each_format_is_written_as_itself() {
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
    fn what_is_no_report_is_said_with_its_file_and_place() {
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
    fn a_byte_order_mark_before_a_report_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        fs::write(&path, format!("\u{feff}{}", json::render(&report()))).unwrap();
        assert_eq!(read(&path).unwrap(), report());
    }
}
