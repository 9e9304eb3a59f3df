//! What is in a folder: to give a guest a copy of it, and to compare what the guest leaves behind.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A file that only keeps a folder in git which is empty otherwise. It is none of the folder's contents.
const KEEPS: &str = ".gitkeep";

/// The contents of a folder, by their paths in it, with `/` between names; a folder comes before what it contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<PathBuf, Entry>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// What is in it.
        bytes: Vec<u8>,
        /// Who may do what with it, in the system's bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// What it says.
        target: PathBuf,
    },
}

impl Tree {
    /// Reads a folder. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// Something cannot be read, or is neither a folder nor a file nor a link.
    pub fn read(folder: &Path) -> io::Result<Tree> {
        let mut tree = Tree::default();
        for entry in WalkDir::new(folder).min_depth(1) {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type());
            let name =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            let contents = if kind.is_dir() {
                Entry::Folder
            } else if kind.is_symlink() {
                Entry::Link { target: fs::read_link(path).map_err(name)? }
            } else if kind.is_file() {
                let mode = entry.metadata()?.permissions().mode() & 0o7777;
                Entry::File { bytes: fs::read(path).map_err(name)?, mode }
            } else {
                return Err(name(io::Error::other("expected a folder, a file or a link")));
            };
            if entry.file_name() != KEEPS {
                tree.entries.insert(path.strip_prefix(folder).unwrap_or(path).to_owned(), contents);
            }
        }
        Ok(tree)
    }

    /// Writes everything into a folder that is there and empty.
    ///
    /// # Errors
    ///
    /// Something cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, entry) in &self.entries {
            let path = folder.join(path);
            match entry {
                Entry::Folder => fs::create_dir(&path)?,
                Entry::Link { target } => symlink(target, &path)?,
                Entry::File { bytes, mode } => {
                    fs::write(&path, bytes)?;
                    fs::set_permissions(&path, Permissions::from_mode(*mode))?;
                }
            }
        }
        Ok(())
    }

    /// Takes away what the names of the official suite call left over: entries whose name ends in `.cleanup`, and all below them.
    pub fn clean_up(&mut self) {
        let is_left_over = |path: &Path| {
            path.iter()
                .any(|name| Path::new(name).extension().is_some_and(|extension| extension == "cleanup"))
        };
        self.entries.retain(|path, _| !is_left_over(path));
    }

    /// The entries, sorted by their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_path(), entry))
    }
}
