//! The contents of a folder: to give a guest a copy, and to compare what the guest leaves.
//!
//! A tree has the names of files and says where their contents are. The contents themselves are not
//! loaded, since they may be large.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::Dir;

use crate::access::{Budget, Kind, Root, Target};

/// A file that keeps an otherwise empty folder in git. It is not part of the folder's contents.
const GIT_KEEP: &str = ".gitkeep";

/// How many characters of a path appear in an error.
const SHOWN: usize = 200;

/// How many bytes of two files are compared between two checks of the deadline.
const PIECE: usize = 256 << 10;

/// The entries of a folder, by their paths in it, with `/` between names. A folder comes before its
/// contents.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    entries: BTreeMap<PathBuf, Entry>,
}

/// An entry of a tree.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file.
    File(Content),
    /// A symbolic link.
    Link {
        /// The target, as written.
        target: PathBuf,
    },
}

/// The contents of a file in a tree.
#[derive(Debug, Clone)]
pub struct Content {
    source: Source,
    length: u64,
    is_executable: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Embedded(&'static [u8]),
    Disk { folder: Arc<Root>, path: PathBuf },
}

/// A reader of a file's contents.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

impl Content {
    /// The length in bytes when the file was listed.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// Returns an error if it is unreadable, or no longer a regular file.
    pub fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match &self.source {
            Source::Embedded(bytes) => Box::new(Cursor::new(*bytes)),
            Source::Disk { folder, path } => Box::new(folder.open_plain(path)?),
        })
    }

    /// The offset of the first difference between two files; `None` if they are equal.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is unreadable, or the deadline has passed.
    pub fn first_difference(&self, other: &Content, budget: &Budget) -> io::Result<Option<u64>> {
        let (mut one, mut two) = (self.open()?, other.open()?);
        let (mut left, mut right) = (Vec::with_capacity(PIECE), Vec::with_capacity(PIECE));
        let mut at = 0;
        loop {
            budget.check_time()?;
            left.clear();
            right.clear();
            one.by_ref().take(PIECE as u64).read_to_end(&mut left)?;
            two.by_ref().take(PIECE as u64).read_to_end(&mut right)?;
            if left != right {
                let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
                return Ok(Some(at + same as u64));
            }
            if left.is_empty() {
                return Ok(None);
            }
            at += left.len() as u64;
        }
    }
}

impl Tree {
    /// The contents of an embedded folder.
    pub(super) fn embedded(folder: &'static Dir<'static>) -> Tree {
        let mut tree = Tree::default();
        tree.add(folder, folder.path());
        tree
    }

    fn add(&mut self, folder: &'static Dir<'static>, root: &Path) {
        let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
        for file in folder.files().filter(|file| file.path().file_name().is_none_or(|name| name != GIT_KEEP))
        {
            let (bytes, is_executable) = (file.contents(), false);
            let content =
                Content { source: Source::Embedded(bytes), length: bytes.len() as u64, is_executable };
            self.entries.insert(below(file.path()), Entry::File(content));
        }
        for folder in folder.dirs() {
            self.entries.insert(below(folder.path()), Entry::Folder);
            self.add(folder, root);
        }
    }

    /// Lists the contents of a folder. Symbolic links are not followed. Entries count towards the
    /// budget.
    ///
    /// # Errors
    ///
    /// Returns an error if something is unreadable or is not a folder, file or link, or if the
    /// budget is exceeded.
    pub fn read(folder: &Arc<Root>, budget: &mut Budget) -> io::Result<Tree> {
        let mut tree = Tree::default();
        // Each folder is opened by its path from the root, so that no descriptors stay open,
        // however deep it is.
        let mut pending = vec![PathBuf::new()];
        while let Some(below) = pending.pop() {
            let listed = folder.list(&below, budget).map_err(|error| about(&below, error))?;
            for entry in listed {
                let path = below.join(&entry.name);
                // The tree has a second copy of the path.
                budget.spend_entry(&path)?;
                let found = match entry.kind {
                    Kind::Folder => {
                        pending.push(path.clone());
                        Entry::Folder
                    }
                    _ if entry.name == GIT_KEEP => continue,
                    Kind::Link => {
                        let target = folder.read_link(&path).map_err(|error| about(&path, error))?;
                        Entry::Link { target }
                    }
                    Kind::File => {
                        let (length, is_executable) =
                            folder.measure(&path).map_err(|error| about(&path, error))?;
                        let source = Source::Disk { folder: Arc::clone(folder), path: path.clone() };
                        Entry::File(Content { source, length, is_executable })
                    }
                    other => {
                        let message = format!("expected a folder, a file or a link, found {other}");
                        return Err(about(&path, io::Error::other(message)));
                    }
                };
                tree.entries.insert(path, found);
            }
        }
        Ok(tree)
    }

    /// Writes all entries into an empty folder. The contents of files count towards the budget.
    ///
    /// # Errors
    ///
    /// Returns an error if an entry cannot be read or written, is not below a folder of the tree,
    /// or is a link that leads out of the folder, or if the budget is exceeded.
    pub fn write(&self, into: &Target, budget: &mut Budget) -> io::Result<()> {
        for (path, entry) in &self.entries {
            let parent = path.parent().unwrap_or(Path::new(""));
            if parent != Path::new("") && !matches!(self.entries.get(parent), Some(Entry::Folder)) {
                return Err(about(path, io::Error::other("its parent is not a folder")));
            }
            budget.check_time()?;
            let written = match entry {
                Entry::Folder => into.make_folder(path),
                Entry::Link { target } => into.make_link(path, target),
                Entry::File(content) => budget.allow(content.length).and_then(|()| {
                    let file = content.open()?;
                    into.make_file(path, file, content.is_executable, budget).map(drop)
                }),
            };
            written.map_err(|error| about(path, error))?;
        }
        Ok(())
    }

    /// Adds the contents of another folder below `name`, which may be empty.
    pub fn add_below(&mut self, name: &Path, tree: Tree) {
        for folder in name.ancestors().filter(|folder| *folder != Path::new("")) {
            self.entries.insert(folder.to_owned(), Entry::Folder);
        }
        self.entries.extend(tree.entries.into_iter().map(|(path, entry)| (name.join(path), entry)));
    }

    /// The entry at a path.
    pub fn get(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Whether both have the same entries. Permissions are not compared.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is unreadable, or the deadline has passed.
    pub fn has_same_contents(&self, other: &Tree, budget: &Budget) -> io::Result<bool> {
        if self.entries.len() != other.entries.len() {
            return Ok(false);
        }
        for ((path, entry), (other_path, other)) in self.entries.iter().zip(&other.entries) {
            let same = match (entry, other) {
                _ if path != other_path => false,
                (Entry::Folder, Entry::Folder) => true,
                (Entry::Link { target }, Entry::Link { target: other }) => target == other,
                (Entry::File(content), Entry::File(other)) => {
                    let differs = content.first_difference(other, budget);
                    differs.map_err(|error| about(path, error))?.is_none()
                }
                _ => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a file to each empty folder that was written, including the root, because git does not
    /// keep empty folders. The file is not part of the contents.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn keep_in_git(&self, into: &Target) -> io::Result<()> {
        let has_entries: std::collections::HashSet<&Path> =
            self.entries.keys().filter_map(|path| path.parent()).collect();
        let folders = self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Folder));
        let folders = folders.map(|(path, _)| path.as_path()).chain([Path::new("")]);
        for path in folders.filter(|path| !has_entries.contains(path)) {
            into.make_file(&path.join(GIT_KEEP), io::empty(), false, &mut Budget::default())?;
        }
        Ok(())
    }

    /// Removes leftovers, by the naming convention of the official suite: entries whose name ends
    /// in `.cleanup`, with everything below them.
    pub fn clean_up(&mut self) {
        let is_left_over = |path: &Path| {
            path.iter()
                .any(|name| Path::new(name).extension().is_some_and(|extension| extension == "cleanup"))
        };
        self.entries.retain(|path, _| !is_left_over(path));
    }

    /// The entries, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_path(), entry))
    }
}

/// Adds a path to an error.
fn about(path: &Path, error: io::Error) -> io::Error {
    if path.as_os_str().is_empty() {
        return error;
    }
    let path = path.display().to_string();
    let shown = match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", path.get(..end).unwrap_or_default(), path.len()),
        None => path,
    };
    io::Error::new(error.kind(), format!("{shown}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["outside", "inside"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut tree = Tree::default();
        tree.entries.insert("l".into(), Entry::Link { target: "inside".into() });
        let content = Content { source: Source::Embedded(b""), length: 0, is_executable: false };
        tree.entries.insert("l/evil".into(), Entry::File(content));
        let into = Target::open(&folder.path().join("inside")).unwrap();
        let error = tree.write(&into, &mut Budget::default()).unwrap_err();
        assert!(error.to_string().contains("l/evil: its parent is not a folder"), "{error}");
        assert_eq!(fs::read_dir(folder.path().join("outside")).unwrap().count(), 0);
    }
}
