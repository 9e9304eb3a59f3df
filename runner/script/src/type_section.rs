//! The entries of a type section, which new modules begin their own with.

use wasm_encoder::Encode;
use wasmparser::TypeSectionReader;

/// The encoded entries of a type section: recursive groups (core spec, section 5.5.4).
#[derive(Clone, Debug, Default)]
pub struct TypeEntries {
    count: u32,
    bytes: Vec<u8>,
}

impl TypeEntries {
    /// Takes the entries of a section of this module. `None` if the section is not inside of it.
    pub fn of(section: &TypeSectionReader<'_>, module: &[u8]) -> Option<TypeEntries> {
        let begin = usize::try_from(section.original_position()).ok()?;
        let end = usize::try_from(section.range().end).ok()?;
        Some(TypeEntries { count: section.count(), bytes: module.get(begin..end)?.to_vec() })
    }

    /// The number of entries.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The contents of a type section with these entries, and then `count` others, which are
    /// already encoded.
    pub fn and(&self, count: usize, others: &[u8]) -> Vec<u8> {
        let mut section = Vec::with_capacity(self.bytes.len() + others.len() + 5);
        (self.count + count as u32).encode(&mut section);
        section.extend_from_slice(&self.bytes);
        section.extend_from_slice(others);
        section
    }
}
