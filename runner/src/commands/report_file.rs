//! Reports as files: `--report FORMAT=FILE`, and reading them again.

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;
use wassay_reports::diff::Diff;
use wassay_reports::{Report, badge, html, json, junit, markdown};

use super::Error;
use super::output::print;
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

    /// The report as text. `path` is where it goes; what changed since another one is told where there is a place for it.
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

/// The path that means standard output.
const STDOUT: &str = "-";

impl ReportFile {
    /// Where it is written; `None` for standard output.
    pub(crate) fn path(&self) -> Option<&Path> {
        Some(self.path.as_path()).filter(|path| *path != Path::new(STDOUT))
    }

    /// Makes sure, before a run, that there will be a place to write to after it.
    ///
    /// # Errors
    ///
    /// Wrong usage: there is none.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check(&self.path)
    }

    /// Writes the report, with what changed since another one where that is known: whole, or not at all.
    ///
    /// # Errors
    ///
    /// The system refused; what was there before is still there.
    pub(crate) fn write(&self, report: &Report, changes: Option<&Diff>) -> Result<(), Error> {
        write(&self.path, &self.format.render(report, changes, Some(&self.path)))
    }
}

/// Makes sure that there are places for all of these reports, and for each another.
///
/// # Errors
///
/// Wrong usage: there is none, or two are for one file.
pub(crate) fn check_all(files: &[ReportFile]) -> Result<(), Error> {
    for (at, file) in files.iter().enumerate() {
        file.check()?;
        let target = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let regular = |path: &Path| path.metadata().map_or(true, |metadata| metadata.is_file());
        if files.iter().take(at).any(|other| target(&other.path) == target(&file.path)) && regular(&file.path)
        {
            let path = file.path.display();
            return Err(Error::Usage(format!(
                "--report: {path} is named twice; expected a file for each report"
            )));
        }
    }
    Ok(())
}

/// Reads a report.
///
/// # Errors
///
/// Wrong usage: there is no such file, or what is in it is no report.
pub(crate) fn read(path: &Path) -> Result<Report, Error> {
    let unusable = |what: String| Error::Usage(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unusable(format!("cannot read the report: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count()
                + 1;
        unusable(format!("line {line}: not a report: not UTF-8"))
    })?;
    json::parse(&text).map_err(|error| unusable(error.to_string()))
}

/// Makes sure that a file can be written.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let tried = match target(path) {
        _ if path == Path::new(STDOUT) => Ok(()),
        _ if path.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Target::Replaced(path) => temporary(&path).map(drop),
        Target::WrittenTo => File::options().write(true).open(path).map(drop),
    };
    tried.map_err(|error| Error::Usage(format!("{}: {error}", what(path))))
}

/// Writes a report: whole, or not at all; to standard output where the path is `-`.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    if path == Path::new(STDOUT) {
        return print(text);
    }
    replace(path, text).map_err(|error| Error::System { what: what(path), error })
}

/// Writes a file: whole, or not at all.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    match target(path) {
        Target::Replaced(path) => temporary(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        }),
        Target::WrittenTo => {
            File::options().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()))
        }
    }
}

fn what(path: &Path) -> String {
    format!("{}: cannot write the report", path.display())
}

fn target(path: &Path) -> Target {
    match path.metadata() {
        // A pipe or a device is no place for a file of that name.
        Ok(metadata) if !metadata.is_file() => Target::WrittenTo,
        // What a link leads to is replaced, not the link.
        Ok(_) => Target::Replaced(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
        Err(_) => Target::Replaced(path.to_owned()),
    }
}

/// How a path is written to.
enum Target {
    /// By a file beside it that then takes its name.
    Replaced(PathBuf),
    /// As it is.
    WrittenTo,
}

/// A file in the folder of `path`, which goes away again unless it is given that name.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What the process creates is readable by others as far as the umask says.
    tempfile::Builder::new().prefix(".wassay-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
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

    fn at(path: &Path) -> ReportFile {
        format!("json={}", path.display()).parse().unwrap()
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
    fn a_report_replaces_what_was_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        fs::write(&path, "older and longer than a report".repeat(1000)).unwrap();
        at(&path).check().unwrap();
        at(&path).write(&report(), None).unwrap();
        assert_eq!(json::parse(&fs::read_to_string(&path).unwrap()), Ok(report()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("r.json"), folder.path().join("link"));
        fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        at(&link).write(&report(), None).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&path).unwrap().contains("schema"));
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let path = Path::new("/dev/null");
        at(path).check().unwrap();
        at(path).write(&report(), None).unwrap();
        assert!(!path.metadata().unwrap().is_file());
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_wrong_usage_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("gone/r.json"), folder.path().to_owned()] {
            let error = at(&path).check().unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error}");
            assert!(error.to_string().starts_with(&format!("{}: cannot", path.display())), "{error}");
        }
        assert!(matches!(
            at(&folder.path().join("gone/r.json")).write(&report(), None),
            Err(Error::System { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
