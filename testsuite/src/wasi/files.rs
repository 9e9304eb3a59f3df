//! The files of cases: on disk, or embedded in the binary.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;

use include_dir::Dir;

use super::tree::Tree;
use crate::access::{Budget, Root};

/// Where the files of a case are.
#[derive(Debug, Clone)]
pub(crate) enum Files {
    /// In the folder of a suite.
    Disk(Arc<Root>),
    /// In an embedded folder.
    Embedded(&'static Dir<'static>),
}

impl Files {
    /// The folder of the suite, if it is on disk.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        match self {
            Files::Disk(root) => Some(root),
            Files::Embedded(_) => None,
        }
    }

    /// The name of a file in messages.
    pub(super) fn label(&self, path: &Path) -> String {
        match self {
            Files::Disk(root) => root.join(path).display().to_string(),
            Files::Embedded(_) => path.display().to_string(),
        }
    }

    /// Reads a file.
    pub(super) fn read(&self, path: &Path, budget: &mut Budget) -> io::Result<Cow<'static, [u8]>> {
        match self {
            Files::Disk(root) => root.read(path, budget).map(Cow::Owned),
            Files::Embedded(dir) => {
                let file = dir.get_file(path).ok_or(io::ErrorKind::NotFound)?;
                Ok(Cow::Borrowed(file.contents()))
            }
        }
    }

    /// The length of a file in bytes.
    pub(super) fn length(&self, path: &Path) -> io::Result<u64> {
        match self {
            Files::Disk(root) => Ok(root.find(path)?.length),
            Files::Embedded(dir) => {
                Ok(dir.get_file(path).ok_or(io::ErrorKind::NotFound)?.contents().len() as u64)
            }
        }
    }

    /// Whether anything exists at the path, of any kind: what is not a file must be reported, not
    /// ignored.
    pub(super) fn has(&self, path: &Path) -> io::Result<bool> {
        match self {
            Files::Disk(root) => root.has(path),
            Files::Embedded(dir) => Ok(dir.get_entry(path).is_some()),
        }
    }

    /// Lists the contents of a folder.
    pub(super) fn tree(&self, path: &Path, budget: &mut Budget) -> io::Result<Tree> {
        match self {
            Files::Disk(root) => Tree::read(&Arc::new(root.folder(path)?), budget),
            Files::Embedded(dir) => Ok(Tree::embedded(dir.get_dir(path).ok_or(io::ErrorKind::NotFound)?)),
        }
    }
}
