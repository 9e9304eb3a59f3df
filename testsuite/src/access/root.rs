//! The folder of a suite, from which all its files are opened.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cap_fs_ext::FollowSymlinks;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::deep::descend;
use super::file::{Kind, open_regular, read_all};

/// A folder, by its path and identity. No descriptor is kept: the folder is opened each time, and
/// must be the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    folder: Folder,
    /// The folders outside of it that links may lead into, by their canonical paths.
    allowed: Vec<Folder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Folder {
    #[serde(with = "as_os_string")]
    path: PathBuf,
    identity: Identity,
}

/// The identity of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// Resolves a path to a destination.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The kind of file, after following all links.
    pub kind: Kind,
    /// The length of a file in bytes.
    pub length: u64,
    pub(crate) identity: Identity,
}

/// An entry of a folder.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name of the entry.
    pub name: OsString,
    /// Its kind; links are not followed.
    pub kind: Kind,
}

impl Root {
    /// Opens a folder that the user named. Symbolic links in its path are followed.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such folder.
    pub fn open(path: &Path) -> io::Result<Root> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Root { folder: Folder::open(path)?, allowed: Vec::new() })
    }

    /// Allows links to lead into a folder outside.
    pub(super) fn allow(&mut self, folder: &Path) -> io::Result<()> {
        self.allowed.push(Folder::open(&folder.canonicalize()?)?);
        Ok(())
    }

    /// The path of the folder, as the user wrote it.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    /// The path of something below the folder, for messages.
    pub fn join(&self, below: &Path) -> PathBuf {
        self.folder.path.join(below)
    }

    /// Opens the folder at a path below this one.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such folder, or a link leads out of this one.
    pub fn folder(&self, below: &Path) -> io::Result<Root> {
        let found = self.find(below)?;
        if found.kind != Kind::Folder {
            return Err(io::Error::other(format!("expected a folder, found {}", found.kind)));
        }
        // When it is opened later, the path must lead to the same folder.
        let folder = Folder { path: self.join(below), identity: found.identity };
        Ok(Root { folder, allowed: Vec::new() })
    }

    /// Whether something exists at a path, even if it is a broken link.
    ///
    /// # Errors
    ///
    /// Returns an error if the path cannot be checked.
    pub fn has(&self, below: &Path) -> io::Result<bool> {
        match self.look(below) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The kind of what is at a path, without following a link at its end.
    pub(super) fn look(&self, below: &Path) -> io::Result<Kind> {
        let Some(name) = below.file_name() else { return Ok(Kind::Folder) };
        let folder = below.parent().unwrap_or(Path::new(""));
        self.within(folder, |dir, folder| {
            dir.symlink_metadata(folder.join(name)).map(|metadata| Kind::of(metadata.mode()))
        })
    }

    /// Returns what a path leads to, after following all links.
    ///
    /// # Errors
    ///
    /// Returns an error if it leads nowhere or out of the folder.
    pub fn find(&self, below: &Path) -> io::Result<Found> {
        let found = self.within(below, |dir, path| {
            let metadata = dir.metadata(path)?;
            let identity = Identity { device: metadata.dev(), inode: metadata.ino() };
            Ok(Found { kind: Kind::of(metadata.mode()), length: metadata.len(), identity })
        });
        found.map_err(|error| self.describe_link(below, error))
    }

    /// Reads a regular file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is missing, is not a regular file or exceeds the budget, or if
    /// a link leads out of the folder.
    pub fn read(&self, below: &Path, budget: &mut Budget) -> io::Result<Vec<u8>> {
        let file = self.within(below, |dir, path| open_regular(dir, path, FollowSymlinks::Yes));
        read_all(file.map_err(|error| self.describe_link(below, error))?, budget)
    }

    /// Opens a regular file. A link at the end of its path is not followed.
    pub(crate) fn open_plain(&self, below: &Path) -> io::Result<std::fs::File> {
        self.within(below, |dir, path| open_regular(dir, path, FollowSymlinks::No))
    }

    /// The target of a symbolic link, as written.
    pub(crate) fn read_link(&self, below: &Path) -> io::Result<PathBuf> {
        self.within(below, |dir, path| dir.read_link_contents(path))
    }

    /// The length of a file, and whether anyone may execute it. Links are not followed.
    pub(crate) fn measure(&self, below: &Path) -> io::Result<(u64, bool)> {
        let metadata = self.within(below, |dir, path| dir.symlink_metadata(path))?;
        Ok((metadata.len(), metadata.mode() & 0o111 != 0))
    }

    /// Lists the entries of a folder in no particular order. They count towards the budget.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder is unreadable or exceeds the budget.
    pub fn list(&self, below: &Path, budget: &mut Budget) -> io::Result<Vec<Listed>> {
        self.list_identified(below, budget).map(|(_, listed)| listed)
    }

    /// Lists the entries of a folder, and returns its identity.
    pub(crate) fn list_identified(
        &self,
        below: &Path,
        budget: &mut Budget,
    ) -> io::Result<(Identity, Vec<Listed>)> {
        let listed = self.within(below, |dir, path| {
            let (dir, mut listed) = (dir.open_dir(path)?, Vec::new());
            for entry in dir.entries()? {
                let entry = entry?;
                let (name, file_type) = (entry.file_name(), entry.file_type()?);
                budget.spend_entry(&below.join(&name))?;
                let kind = match file_type {
                    kind if kind.is_file() => Kind::File,
                    kind if kind.is_dir() => Kind::Folder,
                    kind if kind.is_symlink() => Kind::Link,
                    // Not every file system returns the kind with the name.
                    _ => Kind::of(entry.metadata()?.mode()),
                };
                listed.push(Listed { name, kind });
            }
            Ok((Identity::of(&dir)?, listed))
        });
        listed.map_err(|error| self.describe_link(below, error))
    }

    /// Calls `act` with an open folder and a path below it: this folder, or an allowed one that
    /// links lead into.
    pub(super) fn within<T>(
        &self,
        below: &Path,
        mut act: impl FnMut(&Dir, &Path) -> io::Result<T>,
    ) -> io::Result<T> {
        match act_below(&self.folder, below, &mut act) {
            Err(error) if leads_out(&error) => {}
            done => return done,
        }
        // The canonical path only serves to choose the folder; the access itself again goes through
        // a path that cannot leave it.
        let real = self.join(below).canonicalize().map_err(|_| outside())?;
        let own = Folder { path: self.folder.path.canonicalize()?, ..self.folder.clone() };
        for folder in std::iter::once(&own).chain(&self.allowed) {
            if let Ok(rest) = real.strip_prefix(&folder.path) {
                let done = act_below(folder, rest, &mut act);
                return done.map_err(|error| if leads_out(&error) { outside() } else { error });
            }
        }
        Err(outside())
    }

    /// Replaces a "not found" error by a better one if the path is a broken link.
    fn describe_link(&self, below: &Path, error: io::Error) -> io::Error {
        match error.kind() {
            ErrorKind::NotFound if matches!(self.look(below), Ok(Kind::Link)) => {
                io::Error::other("broken symbolic link")
            }
            _ => error,
        }
    }
}

/// Calls `act` with a path below one folder.
fn act_below<T>(
    folder: &Folder,
    below: &Path,
    act: &mut impl FnMut(&Dir, &Path) -> io::Result<T>,
) -> io::Result<T> {
    let dir = folder.reopen()?;
    let (deep, rest) = descend(&dir, below)?;
    act(deep.as_ref().unwrap_or(&dir), or_dot(rest))
}

impl Folder {
    fn open(path: &Path) -> io::Result<Folder> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Folder { path: path.to_owned(), identity: Identity::of(&dir)? })
    }

    /// Opens the folder again and checks its identity.
    fn reopen(&self) -> io::Result<Dir> {
        let dir = Dir::open_ambient_dir(&self.path, ambient_authority())?;
        if Identity::of(&dir)? != self.identity {
            return Err(io::Error::other("the suite's folder was replaced during the run"));
        }
        Ok(dir)
    }
}

impl Identity {
    fn of(dir: &Dir) -> io::Result<Identity> {
        let metadata = dir.dir_metadata()?;
        Ok(Identity { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// The path, or `.` if it is empty.
fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Whether cap-std refused a path that leads out of a folder. Such an error has no system error
/// number.
fn leads_out(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_none() && !is_outside(error)
}

/// The message for a link that leads out of a suite.
const OUTSIDE: &str =
    "symbolic link leads out of the suite; use --allow-links=DIR to allow links into the folder DIR";

fn outside() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, OUTSIDE)
}

fn is_outside(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string() == OUTSIDE)
}

/// Serialises paths, which need not be UTF-8.
mod as_os_string {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(deserializer).map(PathBuf::from)
    }
}
