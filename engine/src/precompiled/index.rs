//! The index of an object file: what the file was compiled from, by what, and where its functions
//! are.
//!
//! Numbers are little-endian. The sequence is: [`MAGIC`]; the checksum of everything that follows;
//! the three texts of the fingerprint, each with its length; the hash of the module; the number of
//! functions that the module defines; the number of entries; the entries.

use std::fmt;

use super::tables::Cursor;
use crate::error::{Error, Result};

/// The first bytes of an index. The last one is the version of the format.
const MAGIC: [u8; 8] = *b"wassay\0\x02";

/// The size of an entry.
const ENTRY: usize = 36;

/// The maximum size of the code, or of the tables, of one function.
const MAX_PART: u32 = 1 << 30;

/// A hash of a module's bytes: BLAKE3, since it is infeasible to create two modules with the same
/// hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleHash(pub(super) [u8; 32]);

impl fmt::Display for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// What machine code depends on apart from the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// The version and the build of the engine.
    pub(crate) build: String,
    /// The architecture, and the features of the processor that code can use.
    pub(crate) machine: String,
    /// The settings of the engine that affect code or validation.
    pub(crate) settings: String,
}

impl Fingerprint {
    /// A short name of the fingerprint.
    pub(crate) fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for text in [&self.build, &self.machine, &self.settings] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Checks that code with this fingerprint can run in an engine with another one.
    pub(super) fn admit(&self, engine: &Fingerprint) -> Result<()> {
        let parts = [
            ("engine", &self.build, &engine.build),
            ("machine", &self.machine, &engine.machine),
            ("settings", &self.settings, &engine.settings),
        ];
        match parts.iter().find(|(_, own, other)| own != other) {
            None => Ok(()),
            Some((part, own, other)) => Err(Error::unsupported(format!(
                "the machine code is for another {part}, `{own}`, and this is `{other}`; compile the module again"
            ))),
        }
    }
}

/// The identity of a function's code in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Whether the code relies on guard pages.
    pub(crate) guard_pages: bool,
    /// The position among the functions that the module defines.
    pub(crate) position: u32,
}

/// Where a function is in the sections of code and tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// How well the function is optimised: of two, the higher one replaces the other.
    pub(super) tier: u8,
    pub(super) code_offset: u64,
    pub(super) code_length: u32,
    pub(super) tables_offset: u64,
    pub(super) tables_length: u32,
    pub(super) checksum: u32,
}

/// The checksum of a function, against damage: a CRC, because a program loads thousands of small
/// functions.
pub(super) fn checksum(code: &[u8], tables: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(code);
    hasher.update(tables);
    hasher.finalize()
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) fingerprint: Fingerprint,
    pub(super) module: ModuleHash,
    /// The number of functions that the module defines.
    pub(super) functions: u32,
    /// The entries, in the order of their keys.
    pub(super) entries: Vec<Entry>,
}

impl Index {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::with_capacity(256 + ENTRY * self.entries.len());
        let Fingerprint { build, machine, settings } = &self.fingerprint;
        for text in [build, machine, settings] {
            rest.extend_from_slice(&(text.len() as u32).to_le_bytes());
            rest.extend_from_slice(text.as_bytes());
        }
        rest.extend_from_slice(&self.module.0);
        rest.extend_from_slice(&self.functions.to_le_bytes());
        rest.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            rest.extend_from_slice(&entry.key.position.to_le_bytes());
            rest.extend_from_slice(&[entry.key.guard_pages.into(), entry.tier, 0, 0]);
            rest.extend_from_slice(&entry.code_offset.to_le_bytes());
            rest.extend_from_slice(&entry.code_length.to_le_bytes());
            rest.extend_from_slice(&entry.tables_length.to_le_bytes());
            rest.extend_from_slice(&entry.tables_offset.to_le_bytes());
            rest.extend_from_slice(&entry.checksum.to_le_bytes());
        }
        [MAGIC.as_slice(), blake3::hash(&rest).as_bytes(), &rest].concat()
    }

    /// Reads an index for sections of code and tables with these sizes.
    pub(super) fn decode(bytes: &[u8], code: u64, tables: u64) -> Result<Index> {
        let bad = |what: &str| Error::malformed(format!("not an object file of wassay: {what}"), 0);
        let rest = bytes.strip_prefix(&MAGIC).ok_or_else(|| bad("its index has another format"))?;
        let (sum, rest) = rest.split_first_chunk::<32>().ok_or_else(|| bad("its index is truncated"))?;
        if blake3::hash(rest).as_bytes() != sum {
            return Err(bad("the checksum of its index does not match"));
        }
        let index = Index::read(rest).ok_or_else(|| bad("its index is inconsistent"))?;
        let inside = |offset: u64, length: u32, size: u64| {
            length <= MAX_PART && offset.checked_add(length.into()).is_some_and(|end| end <= size)
        };
        let valid = |entry: &Entry| {
            entry.key.position < index.functions
                && inside(entry.code_offset, entry.code_length, code)
                && inside(entry.tables_offset, entry.tables_length, tables)
        };
        if !index.entries.iter().all(valid) || !index.entries.is_sorted_by(|a, b| a.key < b.key) {
            return Err(bad("its index is inconsistent"));
        }
        Ok(index)
    }

    fn read(bytes: &[u8]) -> Option<Index> {
        let mut cursor = Cursor(bytes);
        let mut text = || {
            let length = cursor.u32()? as usize;
            String::from_utf8(cursor.slice(length)?.to_vec()).ok()
        };
        let fingerprint = Fingerprint { build: text()?, machine: text()?, settings: text()? };
        let (module, functions) = (ModuleHash(cursor.take()?), cursor.u32()?);
        let entries = cursor.list(ENTRY, |cursor| {
            let position = cursor.u32()?;
            let [guard_pages, tier, ..] = cursor.take::<4>()?;
            Some(Entry {
                key: Key { guard_pages: guard_pages != 0, position },
                tier,
                code_offset: cursor.u64()?,
                code_length: cursor.u32()?,
                tables_length: cursor.u32()?,
                tables_offset: cursor.u64()?,
                checksum: cursor.u32()?,
            })
        })?;
        cursor.0.is_empty().then_some(Index { fingerprint, module, functions, entries })
    }

    /// The entry of a function.
    pub(super) fn find(&self, key: Key) -> Option<&Entry> {
        let found = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.get(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let fingerprint =
            Fingerprint { build: "b".to_owned(), machine: "m".to_owned(), settings: "s".to_owned() };
        let entry = |position, code_offset| Entry {
            key: Key { guard_pages: true, position },
            tier: 1,
            code_offset,
            code_length: 10,
            tables_offset: 0,
            tables_length: 20,
            checksum: 7,
        };
        let entries = vec![entry(1, 0), entry(3, 16)];
        Index { fingerprint, module: ModuleHash([5; 32]), functions: 4, entries }
    }

    #[test]
    fn an_index_is_the_same_after_decoding() {
        let index = index();
        assert_eq!(Index::decode(&index.encode(), 26, 20).unwrap(), index);
        let key = |position| Key { guard_pages: true, position };
        assert_eq!(index.find(key(3)).map(|entry| entry.code_offset), Some(16));
        assert_eq!(index.find(key(2)), None);
    }

    #[test]
    fn every_change_of_an_index_is_noticed() {
        let bytes = index().encode();
        for end in 0..bytes.len() {
            assert!(Index::decode(&bytes[..end], 26, 20).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Index::decode(&bytes, 26, 20).is_err(), "{at}");
        }
    }

    #[test]
    fn an_index_with_a_valid_checksum_is_checked() {
        let spoiled: [&dyn Fn(&mut Index); 5] = [
            &|index| index.functions = 3,
            &|index| index.entries.reverse(),
            &|index| index.entries[1].key.position = 1,
            &|index| index.entries[1].code_offset = u64::MAX,
            &|index| index.entries[1].tables_length = 21,
        ];
        for (number, spoil) in spoiled.iter().enumerate() {
            let mut index = index();
            spoil(&mut index);
            assert!(Index::decode(&index.encode(), 26, 20).is_err(), "{number}");
        }
    }

    #[test]
    fn the_error_for_foreign_code_names_the_part_that_differs() {
        let own = index().fingerprint;
        assert!(own.admit(&own).is_ok());
        for (part, other) in [
            ("engine", Fingerprint { build: "x".to_owned(), ..own.clone() }),
            ("machine", Fingerprint { machine: "x".to_owned(), ..own.clone() }),
            ("settings", Fingerprint { settings: "x".to_owned(), ..own.clone() }),
        ] {
            let error = own.admit(&other).unwrap_err();
            assert!(error.message().contains(&format!("another {part}")), "{error}");
            assert_ne!(own.key(), other.key());
        }
    }
}
