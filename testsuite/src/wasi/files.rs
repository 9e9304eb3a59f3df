//! Where the files of cases lie: on disk, or in the binary.

use std::borrow::Cow;
use std::path::Path;
use std::{fs, io};

use include_dir::Dir;

use super::tree::Tree;

/// Where the files of a case lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Files {
    /// On disk.
    Disk,
    /// In a folder that is part of the binary.
    Embedded(&'static Dir<'static>),
}

/// How large a file of a case may be, in bytes.
const LARGEST: u64 = 1 << 30;

impl Files {
    pub(super) fn are_on_disk(self) -> bool {
        matches!(self, Files::Disk)
    }

    /// The contents of a file.
    pub(super) fn read(self, path: &Path) -> io::Result<Cow<'static, [u8]>> {
        match self {
            Files::Disk => read_regular(path).map(Cow::Owned),
            Files::Embedded(dir) => {
                let file = dir.get_file(path).ok_or(io::ErrorKind::NotFound)?;
                Ok(Cow::Borrowed(file.contents()))
            }
        }
    }

    /// Whether there is such a file.
    pub(super) fn has(self, path: &Path) -> bool {
        match self {
            Files::Disk => path.is_file(),
            Files::Embedded(dir) => dir.get_file(path).is_some(),
        }
    }

    /// Whether a folder has a JSON file in it.
    pub(super) fn has_json_in(self, folder: &Path) -> bool {
        let is_json = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
        match self {
            Files::Disk => fs::read_dir(folder)
                .is_ok_and(|entries| entries.flatten().any(|entry| is_json(&entry.path()))),
            Files::Embedded(dir) => {
                dir.get_dir(folder).is_some_and(|dir| dir.files().any(|file| is_json(file.path())))
            }
        }
    }

    /// The contents of a folder.
    pub(super) fn tree(self, path: &Path) -> io::Result<Tree> {
        match self {
            Files::Disk if fs::metadata(path)?.is_dir() => Tree::read(path),
            Files::Disk => Err(io::ErrorKind::NotADirectory.into()),
            Files::Embedded(dir) => Ok(Tree::embedded(dir.get_dir(path).ok_or(io::ErrorKind::NotFound)?)),
        }
    }
}

/// Reads a file. What is none, as a pipe or a device, could keep its reader waiting for ever.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("expected a regular file, found a folder, device, socket or pipe"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!(
            "{} bytes: more than the {LARGEST} that are read",
            metadata.len()
        )));
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_read_for_ever_is_refused() {
        for path in ["/dev/zero", "/"] {
            let error = Files::Disk.read(Path::new(path)).unwrap_err();
            assert!(error.to_string().starts_with("expected a regular file"), "{error}");
        }
        let none = Files::Disk.read(Path::new("/no/such/file")).unwrap_err();
        assert!(matches!(none.kind(), io::ErrorKind::NotFound));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        fs::File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(Files::Disk.read(&path).unwrap_err().to_string().contains("more than"));
    }
}
