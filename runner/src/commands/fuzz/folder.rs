//! The folder with findings and the corpus.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use wassay_fuzz::{Finding, Uses};

use crate::commands::Error;

/// A folder that keeps what fuzzing found. Nothing in it is overwritten.
#[derive(Debug)]
pub(super) struct Folder {
    findings: PathBuf,
    corpus: PathBuf,
}

impl Folder {
    /// Opens or creates a folder.
    pub(super) fn open(path: &Path) -> Result<Folder, Error> {
        let folder = Folder { findings: path.join("findings"), corpus: path.join("corpus") };
        for part in [&folder.findings, &folder.corpus] {
            fs::create_dir_all(part).map_err(|error| Error::System {
                what: format!("cannot create {}", part.display()),
                error,
            })?;
        }
        Ok(folder)
    }

    /// What the scripts of the corpus use. A script that cannot be read uses nothing.
    pub(super) fn uses(&self) -> Result<Uses, Error> {
        let mut uses = Uses::default();
        let entries = fs::read_dir(&self.corpus).map_err(|error| Error::System {
            what: format!("cannot read {}", self.corpus.display()),
            error,
        })?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "wast")
                && let Ok(text) = fs::read_to_string(&path)
            {
                uses.add(Uses::of_script(&text));
            }
        }
        Ok(uses)
    }

    /// Writes the script of a finding, and returns its path.
    pub(super) fn keep_finding(&self, finding: &Finding, case: &str) -> Result<PathBuf, Error> {
        write(&self.findings, &format!("{}-{case}", finding.class.word()), "wast", finding.script.as_bytes())
    }

    /// Writes the script of a case to the corpus.
    pub(super) fn keep_case(&self, script: &str, case: &str) -> Result<PathBuf, Error> {
        write(&self.corpus, case, "wast", script.as_bytes())
    }

    /// Writes the input of a finding, and returns its path.
    pub(super) fn keep_input(&self, input: &[u8], case: &str, extension: &str) -> Result<PathBuf, Error> {
        write(&self.findings, case, extension, input)
    }
}

/// Writes a new file with this name; if there is one with other content, a number is added.
fn write(folder: &Path, name: &str, extension: &str, content: &[u8]) -> Result<PathBuf, Error> {
    for number in 1.. {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}{suffix}.{extension}"));
        if fs::read(&path).is_ok_and(|there| there == content) {
            return Ok(path);
        }
        let made = fs::File::create_new(&path).and_then(|mut file| file.write_all(content));
        match made {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => {}
            Err(error) => {
                return Err(Error::System { what: format!("cannot write {}", path.display()), error });
            }
        }
    }
    unreachable!("the loop returns")
}
