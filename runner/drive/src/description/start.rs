//! Turns descriptions into commands.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wassay_script::suggest::did_you_mean;

use super::model::{Column, DEFAULT_COLUMN, Description};
use crate::command::Command;
use crate::driver::Published;
use crate::template::{Placeholder, Template};

/// The values of placeholders on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The folder of the adapters that wassay ships.
    pub adapters: PathBuf,
    /// The folder of the description; empty if it is built in.
    pub dir: PathBuf,
    /// The wassay executable.
    pub wassay: PathBuf,
}

/// Why a described engine cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unstartable {
    /// Its program is not installed.
    #[error("{name} is not installed: {} not found{}", listed(looked), how(install.as_deref()))]
    NotInstalled {
        /// The engine.
        name: String,
        /// The paths that were tried.
        looked: Vec<String>,
        /// How to install it.
        install: Option<String>,
    },
    /// It has no column of that name.
    #[error("{name} has no column `{column}`{}; expected one of {}", did_you_mean(column, known.iter().map(String::as_str)), known.join(", "))]
    NoColumn {
        /// The engine.
        name: String,
        /// The requested column.
        column: String,
        /// Its columns.
        known: Vec<String>,
    },
    /// It has no adapter.
    #[error("{name} has no adapter: its description has no table `[protocol]`")]
    NoAdapter {
        /// The engine.
        name: String,
    },
}

fn listed(looked: &[String]) -> String {
    looked.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(" or ")
}

fn how(install: Option<&str>) -> String {
    install.map_or_else(String::new, |how| format!("; to install it: {how}"))
}

impl Description {
    /// Finds a column; without a name the column `default`, or else the first one.
    ///
    /// # Errors
    ///
    /// There is no column of that name.
    pub fn column(&self, name: Option<&str>) -> Result<(&str, &Column), Unstartable> {
        let found = match name {
            Some(name) => self.columns.get_key_value(name),
            None => self.columns.get_key_value(DEFAULT_COLUMN).or_else(|| self.columns.first_key_value()),
        };
        found.map(|(name, column)| (name.as_str(), column)).ok_or_else(|| Unstartable::NoColumn {
            name: self.name.clone(),
            column: name.unwrap_or(DEFAULT_COLUMN).to_owned(),
            known: self.columns.keys().cloned().collect(),
        })
    }

    /// The command that starts its adapter in a column, and its identity in reports.
    ///
    /// # Errors
    ///
    /// It has no adapter, or its program is not installed.
    pub fn adapter(&self, column: &str, places: &Places) -> Result<(Command, Published), Unstartable> {
        let (column, configured) = self.column(Some(column))?;
        let no_adapter = || Unstartable::NoAdapter { name: self.name.clone() };
        let protocol = self.protocol.as_ref().ok_or_else(no_adapter)?;
        let words = self.filled(&protocol.command, configured, places)?;
        let value = |placeholder| places.value(placeholder);
        let env = protocol.env.iter();
        let env = env.map(|(name, value_of)| (name.clone(), value_of.fill(&value).concat())).collect();
        let command = Command::new(words, env).map_err(|_| no_adapter())?;
        let published = self.published(column, configured, self.shown(&protocol.command, configured));
        Ok((command, published))
    }

    /// The command that prints its version, if the description has one.
    ///
    /// # Errors
    ///
    /// Its program is not installed.
    pub fn version_command(&self, column: &Column, places: &Places) -> Result<Option<Command>, Unstartable> {
        let Some(version) = &self.version else { return Ok(None) };
        let words = self.filled(version, column, places)?;
        Ok(Command::new(words, BTreeMap::new()).ok())
    }

    /// Its identity in reports, in a column and with this command.
    pub(super) fn published(&self, column: &str, configured: &Column, command: String) -> Published {
        Published {
            name: self.name.clone(),
            version: String::new(),
            configuration: (self.columns.len() > 1).then(|| column.to_owned()),
            flags: configured.flags.clone(),
            features: configured.features.clone(),
            package: self.package.clone(),
            command,
        }
    }

    /// The words of a command, with the installed program.
    fn filled(
        &self,
        template: &Template,
        column: &Column,
        places: &Places,
    ) -> Result<Vec<String>, Unstartable> {
        let needs_program = template.placeholders().any(|placeholder| placeholder == Placeholder::Program);
        let program = if needs_program { self.program_on(places)? } else { String::new() };
        let words = template.fill(&|placeholder| match placeholder {
            Placeholder::Flags => column.flags.clone(),
            Placeholder::Program => vec![program.clone()],
            other => places.value(other),
        });
        self.find_program(&words)?;
        Ok(words)
    }

    /// Checks that the program of a command is installed.
    pub(super) fn find_program(&self, words: &[String]) -> Result<(), Unstartable> {
        match words.first() {
            Some(first) if find(first).is_none() => Err(self.not_installed(vec![first.clone()])),
            _ => Ok(()),
        }
    }

    /// The first of its programs that is installed.
    ///
    /// # Errors
    ///
    /// None is installed.
    pub fn program_on(&self, places: &Places) -> Result<String, Unstartable> {
        let value = |placeholder| places.value(placeholder);
        let candidates = self.program.iter().flat_map(|word| word.fill(&value));
        candidates.into_iter().find(|candidate| find(candidate).is_some()).ok_or_else(|| {
            let shown = self.program.iter().flat_map(|word| word.fill(&named));
            self.not_installed(shown.collect())
        })
    }

    fn not_installed(&self, looked: Vec<String>) -> Unstartable {
        Unstartable::NotInstalled { name: self.name.clone(), looked, install: self.install.clone() }
    }

    /// A command for reports, without paths of this machine.
    pub(super) fn shown(&self, template: &Template, column: &Column) -> String {
        let program = self.program.first().map(|word| word.fill(&named)).unwrap_or_default();
        let words = template.fill(&|placeholder| match placeholder {
            Placeholder::Flags => column.flags.clone(),
            Placeholder::Program => program.clone(),
            other => named(other),
        });
        words.join(" ")
    }
}

/// A placeholder by its name.
fn named(placeholder: Placeholder) -> Vec<String> {
    vec![format!("{{{}}}", placeholder.name())]
}

impl Places {
    /// The value of a path placeholder.
    pub(super) fn value(&self, placeholder: Placeholder) -> Vec<String> {
        let path = match placeholder {
            Placeholder::Adapters => &self.adapters,
            Placeholder::Dir => &self.dir,
            Placeholder::Wassay => &self.wassay,
            _ => return Vec::new(),
        };
        vec![path.display().to_string()]
    }
}

/// Finds a program: the path itself if it is one, else the first match in `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(OsStr::new(&folders)).filter(|folder| !folder.as_os_str().is_empty());
    folders.map(|folder| folder.join(program)).find(|path| is_program(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"name = "shell"
install = "apt install it"
program = ["no-such-program-anywhere", "sh"]
version = ["{program}", "-c", "echo 1"]
[protocol]
command = ["{program}", "{flags}", "{adapters}/a", "{dir}/b"]
env = { A = "{dir}" }
[columns.default]
[columns.all]
flags = ["-x", "-y"]
features = ["3.0"]
"#;

    fn description(from: &str, to: &str) -> Description {
        assert!(TEXT.contains(from));
        Description::parse("e.toml", &TEXT.replace(from, to)).unwrap()
    }

    fn places() -> Places {
        let path = |path: &str| PathBuf::from(path);
        Places { adapters: path("/adapters"), dir: path("/dir"), wassay: path("/wassay") }
    }

    #[test]
    fn a_command_has_the_program_that_is_there_and_is_published_without_paths() {
        let (command, published) = description("shell", "shell").adapter("all", &places()).unwrap();
        assert_eq!(command.words(), ["sh", "-x", "-y", "/adapters/a", "/dir/b"]);
        assert_eq!(command.env().get("A").map(String::as_str), Some("/dir"));
        assert_eq!(published.command, "no-such-program-anywhere -x -y {adapters}/a {dir}/b");
        assert_eq!(published.configuration.as_deref(), Some("all"));
        assert_eq!((published.flags.len(), published.features.len()), (2, 1));
        let one = description("[columns.all]\nflags = [\"-x\", \"-y\"]\nfeatures = [\"3.0\"]\n", "");
        assert_eq!(one.adapter("default", &places()).unwrap().1.configuration, None);
        let version = one.version_command(&Column::default(), &places()).unwrap().unwrap();
        assert_eq!(version.words(), ["sh", "-c", "echo 1"]);
    }

    #[test]
    fn what_is_not_there_is_named_with_how_to_get_it() {
        let absent = description("\"sh\"", "\"{dir}/gone\"").adapter("all", &places()).unwrap_err();
        assert_eq!(
            absent.to_string(),
            "shell is not installed: `no-such-program-anywhere` or `{dir}/gone` not found; to install it: apt install it"
        );
        let absent = description("\"{program}\", \"{flags}\"", "\"/gone/x\", \"{flags}\"");
        let absent = absent.adapter("all", &places()).unwrap_err().to_string();
        assert!(absent.starts_with("shell is not installed: `/gone/x` not found"), "{absent}");
        let column = description("shell", "shell").adapter("alll", &places()).unwrap_err().to_string();
        assert_eq!(column, "shell has no column `alll`; did you mean `all`?; expected one of all, default");
    }

    #[test]
    fn without_a_name_the_default_column_is_meant_or_the_first() {
        assert_eq!(description("shell", "shell").column(None).unwrap().0, "default");
        assert_eq!(description("[columns.default]\n", "").column(None).unwrap().0, "all");
    }

    #[test]
    fn programs_are_files_that_can_be_run() {
        assert!(find("sh").is_some() && find("/bin/sh").is_some());
        for absent in ["", ".", "..", "/", "/etc/passwd", "no-such-program-anywhere", "/bin/sh/x"] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }
}
