//! Splits modules into raw sections and joins them without parsing their contents, which keeps the
//! encoding.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wasm_encoder::Encode;

/// The first eight bytes of a module (core spec, section 5.5.16).
pub(super) const PREAMBLE: &[u8; 8] = b"\0asm\x01\0\0\0";

/// The ids of sections (core spec, section 5.5.2).
pub(super) mod id {
    pub(in crate::selfcheck) const TYPE: u8 = 1;
    pub(in crate::selfcheck) const IMPORT: u8 = 2;
    pub(in crate::selfcheck) const FUNCTION: u8 = 3;
    pub(in crate::selfcheck) const TABLE: u8 = 4;
    pub(in crate::selfcheck) const MEMORY: u8 = 5;
    pub(in crate::selfcheck) const GLOBAL: u8 = 6;
    pub(in crate::selfcheck) const EXPORT: u8 = 7;
    pub(in crate::selfcheck) const START: u8 = 8;
    pub(in crate::selfcheck) const ELEMENT: u8 = 9;
    pub(in crate::selfcheck) const CODE: u8 = 10;
    pub(in crate::selfcheck) const DATA: u8 = 11;
}

/// The sections in the order in which a module has them (core spec, section 5.5.16): tags before
/// globals, the count of data before code.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/// A raw section.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    pub(super) id: u8,
    pub(super) body: Cow<'a, [u8]>,
}

/// Entries to add before and after those of a section that begins with their number.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    before: (u32, Vec<u8>),
    after: (u32, Vec<u8>),
}

/// The entries to add to a module, by section id.
pub(super) type Additions = BTreeMap<u8, Entries>;

impl Entries {
    pub(super) fn lead(&mut self, entry: impl Encode) {
        self.before.0 += 1;
        entry.encode(&mut self.before.1);
    }

    pub(super) fn add(&mut self, entry: impl Encode) {
        self.after.0 += 1;
        entry.encode(&mut self.after.1);
    }

    /// Adds encoded entries.
    pub(super) fn add_written(&mut self, count: u32, bytes: &[u8]) {
        self.after.0 += count;
        self.after.1.extend_from_slice(bytes);
    }

    /// The new body of a section with this old body; `None` if that does not begin with a number.
    fn body(&self, old: &[u8]) -> Option<Vec<u8>> {
        let (count, entries) = if old.is_empty() { (0, old) } else { number(old)? };
        let mut body = Vec::with_capacity(old.len() + self.before.1.len() + self.after.1.len() + 5);
        count.checked_add(self.before.0)?.checked_add(self.after.0)?.encode(&mut body);
        body.extend_from_slice(&self.before.1);
        body.extend_from_slice(entries);
        body.extend_from_slice(&self.after.1);
        Some(body)
    }
}

/// Raw bytes.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl Encode for Raw<'_> {
    fn encode(&self, sink: &mut Vec<u8>) {
        sink.extend_from_slice(self.0);
    }
}

/// Splits a module; `None` if its preamble or the size of a section is invalid.
pub(super) fn split(module: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = module.strip_prefix(PREAMBLE)?;
    let mut sections = Vec::new();
    while let Some((id, tail)) = rest.split_first() {
        let (size, tail) = number(tail)?;
        let (body, tail) = tail.split_at_checked(usize::try_from(size).ok()?)?;
        sections.push(Section { id: *id, body: Cow::Borrowed(body) });
        rest = tail;
    }
    Some(sections)
}

/// Inserts a new section at its position: after earlier sections, and before custom sections that
/// follow them, since engines expect names last.
pub(super) fn place<'a>(sections: &mut Vec<Section<'a>>, section: Section<'a>) {
    let rank = |id: u8| ORDER.iter().position(|known| *known == id);
    let is_before = |other: &Section<'_>| rank(other.id).is_some_and(|other| Some(other) < rank(section.id));
    let at = sections.iter().rposition(is_before).map_or(0, |at| at + 1);
    sections.insert(at, section);
}

/// Joins a module with additions. `None` if an extended section does not begin with a number.
pub(super) fn join(mut sections: Vec<Section<'_>>, mut additions: Additions) -> Option<Vec<u8>> {
    for id in additions.keys() {
        if !sections.iter().any(|section| section.id == *id) {
            place(&mut sections, Section { id: *id, body: Cow::Borrowed(&[]) });
        }
    }
    let mut module = PREAMBLE.to_vec();
    for section in &sections {
        module.push(section.id);
        match additions.remove(&section.id) {
            Some(added) => added.body(&section.body)?.as_slice().encode(&mut module),
            None => (*section.body).encode(&mut module),
        }
    }
    Some(module)
}

/// Parses an unsigned number of at most 32 bits (core spec, section 5.2.2); also returns the rest.
pub(super) fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (mut value, mut rest) = (0u64, bytes);
    for shift in (0..35).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_are_inserted_in_order() {
        let module = crate::quoted(b"(module (memory 1) (tag) (func (export \"f\")) (data \"a\"))").unwrap();
        let sections = split(&module).unwrap();
        assert_eq!(join(sections.clone(), Additions::new()).unwrap(), module);
        let mut additions = Additions::new();
        additions.entry(id::GLOBAL).or_default().add(Raw(b"\x7f\0\x41\0\x0b"));
        additions.entry(id::FUNCTION).or_default().lead(0u32);
        additions.entry(id::CODE).or_default().lead(Raw(b"\x02\0\x0b"));
        let longer = join(sections, additions).unwrap();
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&longer)
            .unwrap();
        let ids: Vec<u8> = split(&longer).unwrap().iter().map(|section| section.id).collect();
        assert_eq!(ids, [1, 3, 5, 13, 6, 7, 10, 11]);
        // Names stay last.
        let named = crate::quoted(b"(module $m (type $t (func)))").unwrap();
        let mut additions = Additions::new();
        additions.entry(id::FUNCTION).or_default().add(0u32);
        additions.entry(id::CODE).or_default().add(Raw(b"\x02\0\x0b"));
        let longer = join(split(&named).unwrap(), additions).unwrap();
        let ids: Vec<u8> = split(&longer).unwrap().iter().map(|section| section.id).collect();
        assert_eq!(ids, [1, 3, 10, 0]);
    }

    #[test]
    fn numbers_are_of_32_bits_and_five_bytes() {
        assert_eq!(number(b"\xff\xff\xff\xff\x0fx"), Some((u32::MAX, &b"x"[..])));
        assert_eq!(number(b"\x80\x80\x80\x80\0"), Some((0, &b""[..])));
        for bad in [&b""[..], b"\x80", b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\0"] {
            assert_eq!(number(bad), None);
        }
        assert!(split(b"").is_none() && split(b"\0asm\x01\0\0\0\x01\x05\0").is_none());
    }
}
