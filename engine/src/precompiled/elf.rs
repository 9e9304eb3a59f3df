//! Object files: sections, symbols and relocations of ELF (System V ABI, "Object Files").

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;

use object::elf::{FileHeader64, R_X86_64_64};
use object::read::elf::{FileHeader, SectionHeader};
use object::write::{Object, Relocation, SectionId, StandardSection, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, LittleEndian, ReadCache, RelocationFlags, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope,
};

use cranelift_codegen::binemit::Reloc;

use super::glue::{self, GlueKey};
use super::index::{Entry, Fingerprint, Index, Key, ModuleHash, checksum};
use super::tables;
use crate::error::{Error, Result};
use crate::vm::artifact::{CompiledFunction, MAX_ALIGN, RelocTarget};

const CODE: &[u8] = b".text";
const INDEX: &[u8] = b".wassay.index";
const TABLES: &[u8] = b".wassay.tables";
const GLUE: &[u8] = b".wassay.glue";
const MODULE: &[u8] = b".wassay.module";

/// A compiled function, and how well it is optimised.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) tier: u8,
    pub(crate) function: CompiledFunction,
}

/// The contents of an object file.
pub(crate) struct Contents<'a> {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) hash: ModuleHash,
    /// The module, for a file that can be run by itself.
    pub(crate) module: Option<&'a [u8]>,
    /// The number of functions that the module defines.
    pub(crate) count: u32,
    pub(crate) functions: BTreeMap<Key, Artifact>,
    /// The code between the module and the host.
    pub(crate) glue: Vec<(GlueKey, CompiledFunction)>,
    /// The names of functions, by their position; none for a file without symbols.
    pub(crate) names: Option<&'a dyn Fn(u32) -> String>,
}

impl Contents<'_> {
    /// The bytes of the object file.
    ///
    /// # Errors
    ///
    /// Returns an error if the format lacks a relocation, or if the file is too large.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        let starts = self.starts();
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let text = object.section_id(StandardSection::Text);
        let (mut code, mut tables, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for (key, Artifact { tier, function }) in &self.functions {
            let start = starts.get(key).copied().unwrap_or_default();
            // Breakpoints, as in the memory for code.
            code.resize(start, 0xcc);
            let bytes = resolved(function, *key, start, &starts);
            let encoded = tables::encode(function)
                .ok_or_else(|| Error::unsupported("object files do not have a relocation of the module"))?;
            entries.push(Entry {
                key: *key,
                tier: *tier,
                code_offset: start as u64,
                code_length: bytes.len() as u32,
                tables_offset: tables.len() as u64,
                tables_length: encoded.len() as u32,
                checksum: checksum(&bytes, &encoded),
            });
            code.extend_from_slice(&bytes);
            tables.extend_from_slice(&encoded);
        }
        object.set_section_data(text, code, MAX_ALIGN.into());
        self.add_symbols(&mut object, text, &starts)?;
        let (fingerprint, module, functions) = (self.fingerprint.clone(), self.hash, self.count);
        let index = Index { fingerprint, module, functions, entries }.encode();
        for (name, data) in [(INDEX, index), (TABLES, tables)] {
            add_section(&mut object, name, data);
        }
        if let Some(glue) = glue::encode(&self.glue).filter(|_| !self.glue.is_empty()) {
            add_section(&mut object, GLUE, glue);
        }
        if let Some(module) = self.module {
            add_section(&mut object, MODULE, module.to_vec());
        }
        object.write().map_err(|error| Error::limit(format!("cannot create an object file: {error}")))
    }

    /// Where each function begins in the section of code.
    fn starts(&self) -> HashMap<Key, usize> {
        let mut end = 0usize;
        let place = |(key, Artifact { function, .. }): (&Key, &Artifact)| {
            let start = function.placement.first_from(end);
            end = start + function.bytes.len();
            (*key, start)
        };
        self.functions.iter().map(place).collect()
    }

    /// Adds a symbol for each function, and the relocations to functions outside of the file.
    fn add_symbols(
        &self,
        object: &mut Object<'_>,
        section: SectionId,
        starts: &HashMap<Key, usize>,
    ) -> Result<()> {
        let Some(names) = self.names else { return Ok(()) };
        let mut outside = HashMap::new();
        for (key, Artifact { function, .. }) in &self.functions {
            let start = starts.get(key).copied().unwrap_or_default() as u64;
            object.add_symbol(Symbol {
                name: names(key.position).into_bytes(),
                value: start,
                size: function.bytes.len() as u64,
                kind: SymbolKind::Text,
                // Names need not be unique.
                scope: SymbolScope::Compilation,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            });
            for reloc in &function.relocs {
                let (RelocTarget::LibCall(call), Reloc::Abs8) = (reloc.target, reloc.kind) else { continue };
                let symbol = *outside.entry(call.to_string()).or_insert_with_key(|name| {
                    object.add_symbol(Symbol {
                        name: name.clone().into_bytes(),
                        value: 0,
                        size: 0,
                        kind: SymbolKind::Text,
                        scope: SymbolScope::Dynamic,
                        weak: false,
                        section: SymbolSection::Undefined,
                        flags: SymbolFlags::None,
                    })
                });
                let flags = RelocationFlags::Elf { r_type: R_X86_64_64 };
                let offset = start + u64::from(reloc.offset);
                let added = object
                    .add_relocation(section, Relocation { offset, symbol, addend: reloc.addend, flags });
                added.map_err(|error| Error::unsupported(format!("a relocation: {error}")))?;
            }
        }
        Ok(())
    }
}

fn add_section(object: &mut Object<'_>, name: &[u8], data: Vec<u8>) {
    let id = object.add_section(Vec::new(), name.to_vec(), SectionKind::Metadata);
    object.set_section_data(id, data, 8);
}

/// The code of a function with its calls of other functions in the file, as disassemblers show
/// them. Loading the function replaces them.
fn resolved(function: &CompiledFunction, key: Key, start: usize, starts: &HashMap<Key, usize>) -> Vec<u8> {
    let mut bytes = function.bytes.clone();
    for reloc in &function.relocs {
        let RelocTarget::Function(position) = reloc.target else { continue };
        let (Some(target), false) = (starts.get(&Key { position, ..key }), reloc.kind == Reloc::Abs8) else {
            continue;
        };
        let offset = reloc.offset as usize;
        let distance = *target as i64 + reloc.addend - (start + offset) as i64;
        if let (Ok(near), Some(place)) = (i32::try_from(distance), bytes.get_mut(offset..offset + 4)) {
            place.copy_from_slice(&near.to_le_bytes());
        }
    }
    bytes
}

/// The sections of an object file, as ranges of the file.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    pub(super) code: Range<u64>,
    pub(super) tables: Range<u64>,
    pub(super) index: Range<u64>,
    pub(super) glue: Option<Range<u64>>,
    pub(super) module: Option<Range<u64>>,
}

impl Sections {
    /// Finds the sections of a file.
    pub(super) fn find(file: &File) -> Result<Sections> {
        let bad = |what: String| Error::malformed(format!("not an object file of wassay: {what}"), 0);
        let length = file.metadata().map_err(|error| bad(error.to_string()))?.len();
        let cache = ReadCache::new(file);
        let (data, endian) = (&cache, LittleEndian);
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(|error| bad(error.to_string()))?;
        let sections = header.sections(endian, data).map_err(|error| bad(error.to_string()))?;
        let range = |name: &[u8]| {
            let (_, section) = sections.section_by_name(endian, name)?;
            let (start, size) = section.file_range(endian)?;
            let end = start.checked_add(size).filter(|end| *end <= length)?;
            Some(start..end)
        };
        let needed = |name: &[u8]| {
            let what = || format!("it has no section {}", String::from_utf8_lossy(name));
            range(name).ok_or_else(|| bad(what()))
        };
        let (code, tables, index) = (needed(CODE)?, needed(TABLES)?, needed(INDEX)?);
        Ok(Sections { code, tables, index, glue: range(GLUE), module: range(MODULE) })
    }
}
