//! `--report FORMAT=FILE`.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;
use wassay_reports::{Report, json};

use super::Error;

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportFile {
    format: Format,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportFile, String> {
        let (format, path) =
            text.split_once('=').ok_or("expected a format and a file, as in `json=report.json`")?;
        let format = match format {
            "json" => Format::Json,
            _ => return Err(format!("unknown format `{format}`; known is `json`")),
        };
        if path.is_empty() {
            return Err("expected a file after `=`".to_owned());
        }
        Ok(ReportFile { format, path: path.into() })
    }
}

impl ReportFile {
    /// Makes sure, before a run, that there will be a place to write to after it.
    ///
    /// # Errors
    ///
    /// Wrong usage: there is none.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let tried = match self.target() {
            _ if self.path.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Target::Replaced(path) => temporary(&path).map(drop),
            Target::WrittenTo => File::options().write(true).open(&self.path).map(drop),
        };
        tried.map_err(|error| Error::Usage(format!("{}: {error}", self.what())))
    }

    /// Writes the report: whole, or not at all.
    ///
    /// # Errors
    ///
    /// The system refused; what was there before is still there.
    pub(crate) fn write(&self, report: &Report) -> Result<(), Error> {
        let text = match self.format {
            Format::Json => json::render(report),
        };
        let written = match self.target() {
            Target::Replaced(path) => temporary(&path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            }),
            Target::WrittenTo => File::options()
                .write(true)
                .open(&self.path)
                .and_then(|mut file| file.write_all(text.as_bytes())),
        };
        written.map_err(|error| Error::System { what: self.what(), error })
    }

    fn what(&self) -> String {
        format!("{}: cannot write the report", self.path.display())
    }

    fn target(&self) -> Target {
        match self.path.metadata() {
            // A pipe or a device is no place for a file of that name.
            Ok(metadata) if !metadata.is_file() => Target::WrittenTo,
            // What a link leads to is replaced, not the link.
            Ok(_) => Target::Replaced(self.path.canonicalize().unwrap_or_else(|_| self.path.clone())),
            Err(_) => Target::Replaced(self.path.clone()),
        }
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
        Report {
            engine: Engine { name: "e".into(), version: "1".into() },
            host: "h".into(),
            started: "s".into(),
            duration: Duration::ZERO,
            suites: Vec::new(),
        }
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
    }

    #[test]
    fn a_report_replaces_what_was_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        fs::write(&path, "older and longer than a report".repeat(1000)).unwrap();
        at(&path).check().unwrap();
        at(&path).write(&report()).unwrap();
        assert_eq!(json::parse(&fs::read_to_string(&path).unwrap()), Ok(report()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("r.json"), folder.path().join("link"));
        fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        at(&link).write(&report()).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&path).unwrap().contains("schema"));
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let path = Path::new("/dev/null");
        at(path).check().unwrap();
        at(path).write(&report()).unwrap();
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
        assert!(matches!(at(&folder.path().join("gone/r.json")).write(&report()), Err(Error::System { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
