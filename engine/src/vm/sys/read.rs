//! Files that are read into memory, without a fault for each page of the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::populate::populate;

/// How many bytes get memory at once before a file is read. The rest gets it page by page, since a
/// file may be shorter than expected.
const POPULATED: usize = 16 << 20;

/// Reads a whole file, as [`std::fs::read`] does, but quicker if it is large.
///
/// # Errors
///
/// Returns the errors of opening and reading the file, and an error of kind
/// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if there is not enough memory for it.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let expected = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = buffer(usize::try_from(expected).unwrap_or(usize::MAX))?;
    // The file can grow meanwhile, and not every file has a size.
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads at most `length` bytes from the position of a file: fewer at its end.
pub(crate) fn read_up_to(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = buffer(length)?;
    // This does not write zeros first, unlike `read_exact`.
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An empty buffer for so many bytes.
fn buffer(length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file with holes can be larger than the memory.
    bytes.try_reserve_exact(length)?;
    let spare = bytes.spare_capacity_mut();
    let soon = length.min(POPULATED).min(spare.len());
    populate(&mut spare[..soon]);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Seek, SeekFrom, Write};

    use super::*;

    #[test]
    fn files_of_all_sizes_are_read_whole_and_in_part() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for size in [0, 1, 5 << 12, (5 << 12) + 7] {
            let bytes: Vec<u8> = (0..size).map(|byte| (byte % 251) as u8).collect();
            file.as_file().set_len(0).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!(read_file(file.path()).unwrap(), bytes);
            let middle = size / 2;
            file.seek(SeekFrom::Start(middle)).unwrap();
            assert_eq!(read_up_to(file.as_file(), size as usize).unwrap(), bytes[middle as usize..]);
        }
    }

    #[test]
    fn files_without_a_size_are_read_too() {
        let expected = std::fs::read("/proc/self/cmdline").unwrap();
        assert!(!expected.is_empty());
        assert_eq!(read_file("/proc/self/cmdline".as_ref()).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_absent_or_larger_than_the_memory_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read_file(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let Ok(()) = File::create(&path).unwrap().set_len(1 << 46) else { return };
        assert_eq!(read_file(&path).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
}
