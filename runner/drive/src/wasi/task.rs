//! What a guest needs, and what it is started with.

use std::collections::BTreeMap;
use std::path::Path;

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
    pub(super) fn lacking(self) -> &'static str {
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

/// A path as a word of a command.
pub(super) fn word_of(path: &Path) -> String {
    path.display().to_string()
}
