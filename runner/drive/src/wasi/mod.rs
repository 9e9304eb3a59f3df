//! Runs WASI guests on other engines, each as a process started by a command.
//!
//! | file | is |
//! |---|---|
//! | `template` | commands from templates, with words for folders, variables and arguments |
//! | `adapter` | commands from adapters of the official test suite |
//! | `expectations` | expectations of the official test suite |
//! | `running` | a running guest |

mod adapter;
pub mod expectations;
mod running;
mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use wassay_script::embed::Identity;

pub use self::adapter::{Adapter, AdapterError};
pub use self::expectations::Expectations;
pub use self::running::{End, Output, Running};
pub use self::template::Template;

/// An engine that runs guests.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// How to create its command.
    pub way: Way,
    /// What it cannot provide to a guest.
    pub cannot: Vec<Need>,
    /// Its exit codes for a trap.
    pub traps: Vec<i32>,
    /// The limit for writable memory of a guest's process in bytes.
    pub memory: Option<u64>,
    /// The official suite's expectations for it.
    pub expectations: Expectations,
    /// Its identity in reports.
    pub identity: Identity,
}

/// How to create the command of a guest.
#[derive(Clone, Debug)]
pub enum Way {
    /// From templates.
    Template(Template),
    /// By an adapter of the official test suite.
    Adapter(Adapter),
}

/// A requirement of a guest that not every engine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Arguments.
    Args,
    /// Environment variables.
    Env,
    /// A folder.
    Folders,
    /// A folder with another name than `/`, or several folders.
    NamedFolders,
    /// A read-only folder.
    ReadOnly,
    /// Listening sockets.
    Sockets,
    /// Standard input.
    Stdin,
    /// Preview 0.
    Preview0,
}

impl Need {
    /// All of them.
    pub const ALL: [Need; 8] = [
        Need::Args,
        Need::Env,
        Need::Folders,
        Need::NamedFolders,
        Need::ReadOnly,
        Need::Sockets,
        Need::Stdin,
        Need::Preview0,
    ];

    /// Its word in descriptions.
    pub fn word(self) -> &'static str {
        match self {
            Need::Args => "args",
            Need::Env => "env",
            Need::Folders => "folders",
            Need::NamedFolders => "named-folders",
            Need::ReadOnly => "read-only",
            Need::Sockets => "sockets",
            Need::Stdin => "stdin",
            Need::Preview0 => "preview0",
        }
    }

    /// The message for an engine that does not support it.
    fn lacking(self) -> &'static str {
        match self {
            Need::Args => "the engine does not support arguments",
            Need::Env => "the engine does not support environment variables",
            Need::Folders => "the engine does not support folders",
            Need::NamedFolders => "the engine supports only one folder, with the name `/`",
            Need::ReadOnly => "the engine does not support read-only folders",
            Need::Sockets => "the engine does not support listening sockets",
            Need::Stdin => "the engine does not support standard input",
            Need::Preview0 => "the engine does not support preview 0",
        }
    }
}

/// The setup of a guest.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The file of its module.
    pub module: &'a Path,
    /// Its arguments, after its own name.
    pub args: &'a [String],
    /// Its environment.
    pub env: &'a BTreeMap<String, String>,
    /// Its folders.
    pub folders: Vec<Folder<'a>>,
    /// The proposals of the case, for adapters of the official suite.
    pub proposals: &'a [String],
}

/// A folder of a guest.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    /// Its host path.
    pub host: &'a Path,
    /// Its name in the guest.
    pub guest: &'a str,
    /// Whether it is read-only.
    pub read_only: bool,
}

impl Runtime {
    /// Why a guest with these needs cannot run, if so.
    pub fn lacks(&self, needs: &[Need]) -> Option<&'static str> {
        let cannot = |need: &&Need| {
            self.cannot.contains(need)
                || match &self.way {
                    Way::Template(template) => template.cannot(**need),
                    Way::Adapter(_) => matches!(need, Need::NamedFolders | Need::ReadOnly | Need::Sockets),
                }
        };
        needs.iter().find(cannot).map(|need| need.lacking())
    }

    /// The command that runs a guest.
    ///
    /// # Errors
    ///
    /// The message of an adapter of the official suite.
    pub fn command(&self, task: &Task<'_>) -> Result<Process, String> {
        let (words, env) = match &self.way {
            Way::Template(template) => (template.words(task), template.env()),
            Way::Adapter(adapter) => (adapter.words(task).map_err(|error| error.to_string())?, adapter.env()),
        };
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let mut command = Process::new(program.ok_or("the command of the engine has no program")?);
        command.args(words).envs(env);
        Ok(command)
    }
}

/// Writes a module to a folder, under the name of the guest, and returns its path.
///
/// # Errors
///
/// Those of the system.
pub fn write_module(folder: &Path, name: &str, module: &[u8]) -> std::io::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, module)?;
    Ok(path)
}

/// A path as a word of a command.
fn word_of(path: &Path) -> String {
    path.display().to_string()
}

/// The path of an adapter or a file of expectations, relative to the folder of the description.
pub fn place(folder: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { folder.join(path) }
}
