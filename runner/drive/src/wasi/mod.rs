//! Guests of WASI on other engines: each is a process, started by a command that says what the
//! guest is given.
//!
//! | file | is |
//! |---|---|
//! | `template` | commands by templates, with words for folders, variables and arguments |
//! | `adapter` | commands by adapters of the official test suite |
//! | `expectations` | what the official test suite expects of an engine |
//! | `running` | a guest that runs |

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
    /// How its command is made.
    pub way: Way,
    /// What it cannot give a guest.
    pub cannot: Vec<Need>,
    /// The exit codes by which it says that the guest trapped.
    pub traps: Vec<i32>,
    /// How many bytes of writable memory the process of a guest may have.
    pub memory: Option<u64>,
    /// What the official suite expects of it.
    pub expectations: Expectations,
    /// What reports call it.
    pub identity: Identity,
}

/// How the command of a guest is made.
#[derive(Clone, Debug)]
pub enum Way {
    /// From templates.
    Template(Template),
    /// By an adapter of the official test suite.
    Adapter(Adapter),
}

/// What a guest may need that not every engine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Arguments.
    Args,
    /// Variables of the environment.
    Env,
    /// A folder.
    Folders,
    /// A folder under another name than `/`, or several.
    NamedFolders,
    /// A folder in which nothing can be changed.
    ReadOnly,
    /// Sockets that listen.
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

    /// The word for it in descriptions.
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

    /// What is said of an engine that does not have it.
    fn lacking(self) -> &'static str {
        match self {
            Need::Args => "the engine gives guests no arguments",
            Need::Env => "the engine gives guests no variables of the environment",
            Need::Folders => "the engine gives guests no folders",
            Need::NamedFolders => "the engine gives guests one folder only, under the name `/`",
            Need::ReadOnly => "the engine gives guests no folders in which nothing can be changed",
            Need::Sockets => "the engine gives guests no sockets that listen",
            Need::Stdin => "the engine gives guests no standard input",
            Need::Preview0 => "the engine does not have preview 0",
        }
    }
}

/// What a guest is started with.
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
    /// The proposals that the case names, for adapters of the official suite.
    pub proposals: &'a [String],
}

/// A folder that a guest is given.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    /// Where it is.
    pub host: &'a Path,
    /// Its name in the guest.
    pub guest: &'a str,
    /// Whether nothing can be changed in it.
    pub read_only: bool,
}

impl Runtime {
    /// Why a guest with these needs cannot be run; `None` where it can.
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
    /// What an adapter of the official suite has to say, in words.
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

/// Writes a module to a folder, under the name that the guest is to have, and gives its path.
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

/// Where an adapter or a file of expectations is, from the folder of the description that names it.
pub fn place(folder: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { folder.join(path) }
}
