//! Object files with the machine code of modules: the code cache, and modules that are compiled
//! ahead of time.
//!
//! Both have the same format, an ELF object. The section `.text` has the code of functions,
//! `.wassay.tables` their tables ([`tables`]), and `.wassay.index` says where each function is and
//! what it depends on ([`index`]). A module that was compiled ahead of time is in
//! `.wassay.module`, and its functions have symbols. A file of the code cache has the code between
//! the module and the host in `.wassay.glue` ([`glue`]).
//!
//! The index has a checksum, and so has each function: a file is opened by reading its index, and a
//! function is read and checked when it is called for the first time. Nothing is mapped, so that
//! changes of the file cannot affect code that was loaded.

mod elf;
mod glue;
mod index;
mod tables;

use std::borrow::Cow;
use std::io::{Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::error::{Error, Result};
use crate::vm::artifact::CompiledFunction;
use crate::vm::sys::read::{ModuleBytes, read_up_to};
use crate::vm::trusted::TrustedFile;
use elf::Sections;
pub(crate) use elf::{Artifact, Contents};
pub(crate) use glue::{Glue, GlueKey, GlueKind};
pub use index::ModuleHash;
use index::{Entry, Index, checksum};
pub(crate) use index::{Fingerprint, Key};

/// The bytes of a module with their hash, which identifies the machine code of the module.
#[derive(Clone, Debug)]
pub struct HashedBytes {
    bytes: ModuleBytes,
    hash: ModuleHash,
}

impl HashedBytes {
    /// Computes the hash of a module.
    pub fn new(bytes: impl Into<ModuleBytes>) -> HashedBytes {
        let bytes = bytes.into();
        let hash = ModuleHash(*blake3::hash(&bytes).as_bytes());
        HashedBytes { bytes, hash }
    }

    /// The hash.
    pub fn hash(&self) -> ModuleHash {
        self.hash
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_parts(self) -> (ModuleBytes, ModuleHash) {
        (self.bytes, self.hash)
    }
}

/// Machine code of a module in an object file, created by
/// [`Module::object`](crate::Module::object) or
/// [`Module::compile_to_object`](crate::Module::compile_to_object).
#[derive(Debug)]
pub struct Precompiled {
    file: TrustedFile,
    sections: Sections,
    index: Index,
    /// The sections of code and tables, each if it is small.
    small: [Option<Vec<u8>>; 2],
}

/// The size of a section up to which it is read when the file is opened. To read a larger one takes
/// longer than to read some hundred functions one by one, since it needs memory of its own.
const SMALL: u64 = 1 << 20;

impl Precompiled {
    /// Opens an object file and checks its index.
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed) if the file is not an object file of the engine,
    /// is damaged, or cannot be read.
    pub fn open(file: TrustedFile) -> Result<Precompiled> {
        let sections = Sections::find(file.file())?;
        let index = read(&file, &sections.index, "index")?;
        let size = |range: &Range<u64>| range.end - range.start;
        let index = Index::decode(&index, size(&sections.code), size(&sections.tables))?;
        let if_small = |range: &Range<u64>, what| -> Result<Option<Vec<u8>>> {
            if size(range) <= SMALL { read(&file, range, what).map(Some) } else { Ok(None) }
        };
        let small = [if_small(&sections.code, "code")?, if_small(&sections.tables, "tables")?];
        Ok(Precompiled { file, sections, index, small })
    }

    /// Checks that the code is for engines with this fingerprint.
    pub(crate) fn admit(&self, engine: &Fingerprint) -> Result<()> {
        self.index.fingerprint.admit(engine)
    }

    /// The hash of the module.
    pub(crate) fn hash(&self) -> ModuleHash {
        self.index.module
    }

    /// The number of functions that the module defines.
    pub(crate) fn count(&self) -> u32 {
        self.index.functions
    }

    /// The module that was compiled.
    pub(crate) fn module(&self) -> Result<HashedBytes> {
        let Some(range) = &self.sections.module else {
            return Err(Error::malformed("the object file does not contain its module", 0));
        };
        let module = HashedBytes::new(read(&self.file, range, "module")?);
        if module.hash != self.index.module {
            return Err(Error::malformed("the checksum of the module in the object file does not match", 0));
        }
        Ok(module)
    }

    /// The code between the module and the host; nothing if the file does not have it, or has it
    /// damaged.
    pub(crate) fn glue(&self) -> Vec<(GlueKey, CompiledFunction)> {
        let Some(range) = &self.sections.glue else { return Vec::new() };
        let decoded = read(&self.file, range, "glue").ok().and_then(|bytes| glue::decode(&bytes));
        if decoded.is_none() {
            tracing::debug!("the code between the module and the host is damaged");
        }
        decoded.unwrap_or_default()
    }

    /// The keys of the functions in the file, each with its tier.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Key, u8)> {
        self.index.entries.iter().map(|entry| (entry.key, entry.tier))
    }

    /// The tier of a function, if the file has it.
    pub(crate) fn tier(&self, key: Key) -> Option<u8> {
        Some(self.index.find(key)?.tier)
    }

    /// Reads a function. `None` if the file does not have it, or has it damaged.
    pub(crate) fn function(&self, key: Key) -> Option<CompiledFunction> {
        let entry = self.index.find(key)?;
        let function = self.read_function(entry);
        if function.is_none() {
            tracing::debug!(position = key.position, "the code of a function is damaged");
        }
        function
    }

    fn read_function(&self, entry: &Entry) -> Option<CompiledFunction> {
        let code = self.part(0, entry.code_offset, entry.code_length)?;
        let encoded = self.part(1, entry.tables_offset, entry.tables_length)?;
        if checksum(&code, &encoded) != entry.checksum {
            return None;
        }
        tables::decode(code.into_owned(), &encoded, self.index.functions)
    }

    /// Reads a part of the section of code (0) or tables (1).
    fn part(&self, section: usize, offset: u64, length: u32) -> Option<Cow<'_, [u8]>> {
        let length = length as usize;
        if let Some(small) = &self.small[section] {
            let start = usize::try_from(offset).ok()?;
            return small.get(start..start.checked_add(length)?).map(Cow::Borrowed);
        }
        let range = [&self.sections.code, &self.sections.tables][section];
        let mut bytes = vec![0; length];
        self.file.file().read_exact_at(&mut bytes, range.start + offset).ok()?;
        Some(Cow::Owned(bytes))
    }
}

/// Reads a range of a file, which is inside of it.
fn read(file: &TrustedFile, range: &Range<u64>, what: &str) -> Result<Vec<u8>> {
    let bad =
        |error: String| Error::malformed(format!("cannot read the {what} of the object file: {error}"), 0);
    let length = usize::try_from(range.end - range.start).map_err(|error| bad(error.to_string()))?;
    let mut file = file.file();
    file.seek(SeekFrom::Start(range.start)).map_err(|error| bad(error.to_string()))?;
    let bytes = read_up_to(file, length).map_err(|error| bad(error.to_string()))?;
    if bytes.len() < length {
        return Err(bad("the file was cut off while it was read".to_owned()));
    }
    Ok(bytes)
}
