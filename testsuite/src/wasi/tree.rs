//! What is in a folder: to give a guest a copy of it, and to compare what the guest leaves behind.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use include_dir::Dir;
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
    /// The contents of a folder that is part of the binary.
    pub(super) fn embedded(folder: &'static Dir<'static>) -> Tree {
        let mut tree = Tree::default();
        tree.add(folder, folder.path());
        tree
    }

    fn add(&mut self, folder: &'static Dir<'static>, root: &Path) {
        let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
        for file in folder.files().filter(|file| file.path().file_name().is_none_or(|name| name != KEEPS)) {
            let entry = Entry::File { bytes: file.contents().to_vec(), mode: 0o644 };
            self.entries.insert(below(file.path()), entry);
        }
        for folder in folder.dirs() {
            self.entries.insert(below(folder.path()), Entry::Folder);
            self.add(folder, root);
        }
    }

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
    /// Something cannot be written, or lies below what is no folder of the tree: nothing is written through a link.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, entry) in &self.entries {
            let parent = path.parent().unwrap_or(Path::new(""));
            if parent != Path::new("") && self.entries.get(parent) != Some(&Entry::Folder) {
                let message = format!("`{}` lies below what is no folder", path.display());
                return Err(io::Error::other(message));
            }
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

    /// Adds the contents of another folder, below a name of their own where it is not empty.
    pub fn add_below(&mut self, name: &Path, tree: Tree) {
        for folder in name.ancestors().filter(|folder| *folder != Path::new("")) {
            self.entries.insert(folder.to_owned(), Entry::Folder);
        }
        self.entries.extend(tree.entries.into_iter().map(|(path, entry)| (name.join(path), entry)));
    }

    /// An entry by its path.
    pub fn get(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Lets everyone do the same with all files.
    #[cfg(test)]
    pub(crate) fn set_modes(&mut self, all: u32) {
        for entry in self.entries.values_mut() {
            if let Entry::File { mode, .. } = entry {
                *mode = all;
            }
        }
    }

    /// Whether both have the same entries, whoever may do what with their files.
    pub fn has_same_contents(&self, other: &Tree) -> bool {
        let same = |((path, entry), (other_path, other)): ((&PathBuf, &Entry), (&PathBuf, &Entry))| {
            let same = match (entry, other) {
                (Entry::File { bytes, .. }, Entry::File { bytes: other, .. }) => bytes == other,
                (entry, other) => entry == other,
            };
            path == other_path && same
        };
        self.entries.len() == other.entries.len() && self.entries.iter().zip(&other.entries).all(same)
    }

    /// Puts a file into each empty folder of a tree that was written there, the whole of it too, since git keeps no empty ones. The file
    /// is none of the contents.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep_in_git(&self, folder: &Path) -> io::Result<()> {
        let is_empty = |path: &Path| !self.entries.keys().any(|other| other.parent() == Some(path));
        let folders =
            self.entries.iter().filter(|(_, entry)| **entry == Entry::Folder).map(|(path, _)| path.as_path());
        for path in folders.chain([Path::new("")]).filter(|path| is_empty(path)) {
            fs::write(folder.join(path).join(KEEPS), "")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["outside", "inside"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut tree = Tree::default();
        tree.entries.insert("l".into(), Entry::Link { target: folder.path().join("outside") });
        let mut evil = Tree::default();
        evil.entries.insert("evil".into(), Entry::File { bytes: Vec::new(), mode: 0o600 });
        tree.entries.extend(evil.entries.into_iter().map(|(path, entry)| (Path::new("l").join(path), entry)));
        let error = tree.write(&folder.path().join("inside")).unwrap_err();
        assert!(error.to_string().contains("`l/evil` lies below what is no folder"), "{error}");
        assert_eq!(fs::read_dir(folder.path().join("outside")).unwrap().count(), 0);
    }
}
