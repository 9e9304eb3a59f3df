//! Runs WASI guests on other engines, each as a process started by a command.
//!
//! | file | is |
//! |---|---|
//! | `template` | commands from templates, with words for folders, variables and arguments |
//! | `adapter` | commands from adapters of the official test suite |
//! | `expectations` | expectations of the official test suite |
//! | `running` | a running guest |
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

/// The path of an adapter or a file of expectations, relative to the folder of the description.
pub fn place(folder: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { folder.join(path) }
}
