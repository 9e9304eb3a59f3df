//! Guests of WASI on other engines: each is a process, started by a command that says what the
//! guest is given.
//!
//! | file | is |
//! |---|---|
//! | `template` | commands by templates, with words for folders, variables and arguments |
//! | `adapter` | commands by adapters of the official test suite |
//! | `expectations` | what the official test suite expects of an engine |
//! | `running` | a guest that runs |
//! | `task` | what a guest needs, and what it is started with |

mod adapter;
pub mod expectations;
mod running;
mod task;
mod template;

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use wassay_script::embed::Identity;

pub use self::adapter::{Adapter, AdapterError};
pub use self::expectations::Expectations;
pub use self::running::{End, Output, Running};
pub use self::task::{Folder, Need, Task};
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

/// Where an adapter or a file of expectations is, from the folder of the description that names it.
pub fn place(folder: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { folder.join(path) }
}
