//! Adds entries to sections that are lists.

use wasm_encoder::Encode;
use wasmparser::BinaryReader;

use crate::module::Sections;

/// Returns the number of entries of a section.
pub(super) fn count(sections: &Sections<'_>, id: u8) -> u32 {
    sections.get(id).and_then(|contents| BinaryReader::new(contents, 0).read_var_u32().ok()).unwrap_or(0)
}

/// Appends an entry.
pub(crate) fn append(sections: &mut Sections<'_>, id: u8, entry: &[u8]) {
    extend(sections, id, 1, |entries| [entries, entry].concat());
}

/// Prepends entries.
pub(super) fn prepend(sections: &mut Sections<'_>, id: u8, added: &[Vec<u8>]) {
    let number = u32::try_from(added.len()).unwrap_or(u32::MAX);
    extend(sections, id, number, |entries| [&added.concat(), entries].concat());
}

fn extend(sections: &mut Sections<'_>, id: u8, more: u32, join: impl FnOnce(&[u8]) -> Vec<u8>) {
    let contents = sections.get(id).unwrap_or(&[0]);
    let mut reader = BinaryReader::new(contents, 0);
    let count = reader.read_var_u32().unwrap_or(0);
    let entries = contents.get(reader.current_position()..).unwrap_or_default();
    let mut extended = Vec::new();
    count.saturating_add(more).encode(&mut extended);
    extended.extend(join(entries));
    sections.set(id, Some(extended));
}
