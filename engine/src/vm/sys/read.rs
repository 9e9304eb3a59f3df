//! Files that are read into memory, without a fault for each page of the memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::mmap::{Mapping, round_up};
use super::populate::populate;

/// How many bytes get memory at once before a file is read. The rest gets it page by page, since a
/// file may be shorter than expected.
const POPULATED: usize = 16 << 20;

/// The size of a large page of x86-64. Files of this size and more are read into such pages.
const LARGE_PAGE: usize = 2 << 20;

/// The bytes of a module, which clones share.
///
/// ```
/// use wassay_engine::{Config, Engine, HashedBytes, Module, ModuleBytes};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("module.wasm");
/// # std::fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
/// let bytes = ModuleBytes::read(&path).unwrap();
/// assert_eq!(bytes[..4], *b"\0asm");
/// let engine = Engine::new(&Config::new())?;
/// let module = Module::with_code(&engine, HashedBytes::new(bytes), None)?;
/// assert_eq!(module.bytes().len(), 8);
/// # Ok::<(), wassay_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct ModuleBytes(Arc<Owner>);

enum Owner {
    Vec(Vec<u8>),
    Mapped(Mapped),
}

/// A range of a mapping, which is open.
struct Mapped {
    map: Mapping,
    start: usize,
    length: usize,
}

impl ModuleBytes {
    /// Reads a whole file, as [`std::fs::read`] does, but quicker if it is large.
    ///
    /// # Errors
    ///
    /// Returns the errors of opening and reading the file, and an error of kind
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if there is not enough memory for it.
    pub fn read(path: &Path) -> io::Result<ModuleBytes> {
        let mut file = File::open(path)?;
        let expected = file.metadata().map_or(0, |metadata| metadata.len());
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        if expected < LARGE_PAGE {
            let mut bytes = buffer(expected)?;
            // The file can grow meanwhile, and not every file has a size.
            file.read_to_end(&mut bytes)?;
            return Ok(bytes.into());
        }
        let mapped = Mapped::read(&mut file, expected)?;
        let mut more = Vec::new();
        if mapped.length == expected && file.read_to_end(&mut more)? > 0 {
            return Ok([mapped.bytes(), &more].concat().into());
        }
        Ok(ModuleBytes(Arc::new(Owner::Mapped(mapped))))
    }
}

impl Deref for ModuleBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Owner::Vec(bytes) => bytes,
            Owner::Mapped(mapped) => mapped.bytes(),
        }
    }
}

impl From<Vec<u8>> for ModuleBytes {
    fn from(bytes: Vec<u8>) -> ModuleBytes {
        ModuleBytes(Arc::new(Owner::Vec(bytes)))
    }
}

impl From<&[u8]> for ModuleBytes {
    fn from(bytes: &[u8]) -> ModuleBytes {
        bytes.to_vec().into()
    }
}

impl fmt::Debug for ModuleBytes {
    /// Leaves out the bytes, which can be megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleBytes").field("len", &self.len()).finish()
    }
}

impl Mapped {
    /// Reads up to `length` bytes into large pages, if the system has some.
    fn read(file: &mut File, length: usize) -> io::Result<Mapped> {
        let size = round_up(length).ok_or(io::ErrorKind::OutOfMemory)?;
        let map = Mapping::reserve(size.saturating_add(LARGE_PAGE))?;
        let start = map.base().align_offset(LARGE_PAGE);
        map.open(start, size)?;
        map.prefer_large_pages(start, size)?;
        // SAFETY: the range was just opened, so it is readable, writable and zero, and nothing else
        // refers to it.
        let bytes = unsafe { std::slice::from_raw_parts_mut(map.base().add(start), length) };
        populate(&mut bytes[..length.min(POPULATED)]);
        let mut read = 0;
        while read < length {
            match file.read(&mut bytes[read..]) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Mapped { map, start, length: read })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `read` has opened the range in the mapping, which is not changed afterwards.
        unsafe { std::slice::from_raw_parts(self.map.base().add(self.start), self.length) }
    }
}

/// Reads at most `length` bytes from the position of a file: fewer at its end.
pub(crate) fn read_up_to(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = buffer(length)?;
    // This does not write zeros first, unlike `read_exact`.
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns an empty buffer with room for `length` bytes.
fn buffer(length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file with holes can be larger than the memory.
    bytes.try_reserve_exact(length)?;
    let spare: &mut [MaybeUninit<u8>] = bytes.spare_capacity_mut();
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
        for size in [0, 1, (5 << 12) + 7, 2 << 20, (5 << 20) + 7] {
            let bytes: Vec<u8> = (0..size).map(|byte| (byte % 251) as u8).collect();
            file.as_file().set_len(0).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!(*ModuleBytes::read(file.path()).unwrap(), bytes);
            let middle = size / 2;
            file.seek(SeekFrom::Start(middle)).unwrap();
            assert_eq!(read_up_to(file.as_file(), size as usize).unwrap(), bytes[middle as usize..]);
        }
    }

    #[test]
    fn files_without_a_size_are_read_too() {
        let expected = std::fs::read("/proc/self/cmdline").unwrap();
        assert!(!expected.is_empty());
        assert_eq!(*ModuleBytes::read("/proc/self/cmdline".as_ref()).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_absent_or_larger_than_the_memory_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(ModuleBytes::read(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let Ok(()) = File::create(&path).unwrap().set_len(1 << 46) else { return };
        assert_eq!(ModuleBytes::read(&path).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
}
