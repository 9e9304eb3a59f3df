//! What a guest needs, and what it is started with.

use std::collections::BTreeMap;
use std::path::Path;

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
    pub(super) fn lacking(self) -> &'static str {
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

/// A path as a word of a command.
pub(super) fn word_of(path: &Path) -> String {
    path.display().to_string()
}
