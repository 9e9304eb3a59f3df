//! Faults in sharing: imports and exports are copies.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    ConstExpr, Encode, EntityType, ExportSection, HeapType, ImportSection, TableSection, ValType,
};
use wasmparser::{
    BinaryReader, ExportSectionReader, ExternalKind, GlobalSectionReader, MemorySectionReader, TableInit,
    TableSectionReader, TagSectionReader, TypeRef,
};

use super::append::{append, prepend};
use crate::module::{EXPORT, GLOBAL, IMPORT, MEMORY, Sections, TABLE, TAG};

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Memory,
    Table,
    Global,
    Tag,
}

impl Kind {
    fn section(self) -> u8 {
        match self {
            Kind::Memory => MEMORY,
            Kind::Table => TABLE,
            Kind::Global => GLOBAL,
            Kind::Tag => TAG,
        }
    }

    fn is(self, ty: &TypeRef) -> bool {
        matches!(
            (self, ty),
            (Kind::Memory, TypeRef::Memory(_))
                | (Kind::Table, TypeRef::Table(_))
                | (Kind::Global, TypeRef::Global(_))
                | (Kind::Tag, TypeRef::Tag(_))
        )
    }

    fn exported(self) -> ExternalKind {
        match self {
            Kind::Memory => ExternalKind::Memory,
            Kind::Table => ExternalKind::Table,
            Kind::Global => ExternalKind::Global,
            Kind::Tag => ExternalKind::Tag,
        }
    }
}

/// Replaces all imports of a kind by definitions. Returns `None` if there are none, or if the type
/// of one has no default value.
pub(super) fn imported_copied(sections: &mut Sections<'_>, kind: Kind) -> Option<()> {
    let (mut imports, mut definitions) = (ImportSection::new(), Vec::new());
    for (module, name, ty) in sections.imports()? {
        if kind.is(&ty) {
            if matches!(ty, TypeRef::Global(ty) if !ty.mutable) {
                return None;
            }
            definitions.push(definition(&ty)?);
        } else {
            imports.import(&module, &name, RoundtripReencoder.entity_type(ty).ok()?);
        }
    }
    if definitions.is_empty() {
        return None;
    }
    match imports.is_empty() {
        true => sections.set(IMPORT, None),
        false => sections.set_encoded(IMPORT, &imports),
    }
    prepend(sections, kind.section(), &definitions);
    Some(())
}

/// Replaces each exported item of a kind by a new one. Returns `None` if there are none, or if
/// there is no initial value for a new one.
pub(super) fn exported_copied(sections: &mut Sections<'_>, kind: Kind) -> Option<()> {
    let mut originals: Vec<Vec<u8>> = Vec::new();
    for (_, _, ty) in sections.imports()?.iter().filter(|(_, _, ty)| kind.is(ty)) {
        // The value of an imported global is not known here.
        originals.push(if kind == Kind::Global { Vec::new() } else { definition(ty)? });
    }
    originals.extend(defined(sections, kind)?);
    let mut exports = ExportSection::new();
    let (mut next, mut copies) = (u32::try_from(originals.len()).ok()?, Vec::new());
    for export in ExportSectionReader::new(BinaryReader::new(sections.get(EXPORT)?, 0)).ok()? {
        let export = export.ok()?;
        let mut index = export.index;
        if export.kind == kind.exported() {
            let original = originals.get(index as usize)?;
            if !original.is_empty() {
                copies.push(original.clone());
                index = next;
                next += 1;
            }
        }
        exports.export(export.name, RoundtripReencoder.export_kind(export.kind).ok()?, index);
    }
    if copies.is_empty() {
        return None;
    }
    sections.set_encoded(EXPORT, &exports);
    copies.iter().for_each(|copy| append(sections, kind.section(), copy));
    Some(())
}

/// Replaces the initial values of tables by null. Returns `None` if there is no such table.
pub(super) fn table_value_ignored(sections: &mut Sections<'_>) -> Option<()> {
    let (mut tables, mut is_changed) = (TableSection::new(), false);
    for table in TableSectionReader::new(BinaryReader::new(sections.get(TABLE)?, 0)).ok()? {
        let table = table.ok()?;
        let ty = RoundtripReencoder.table_type(table.ty).ok()?;
        match table.init {
            TableInit::Expr(expression) if !table.ty.element_type.is_nullable() => {
                tables.table_with_init(ty, &RoundtripReencoder.const_expr(expression).ok()?);
            }
            TableInit::Expr(_) => {
                is_changed = true;
                tables.table(ty);
            }
            TableInit::RefNull => {
                tables.table(ty);
            }
        }
    }
    sections.set_encoded(TABLE, &tables);
    is_changed.then_some(())
}

/// Encodes a definition of the type of an import.
fn definition(ty: &TypeRef) -> Option<Vec<u8>> {
    let mut entry = Vec::new();
    match RoundtripReencoder.entity_type(*ty).ok()? {
        EntityType::Memory(ty) => ty.encode(&mut entry),
        EntityType::Table(ty) => {
            if !ty.element_type.nullable {
                return None;
            }
            ty.encode(&mut entry);
        }
        EntityType::Global(ty) => {
            let value = match ty.val_type {
                ValType::I32 => ConstExpr::i32_const(0),
                ValType::I64 => ConstExpr::i64_const(0),
                ValType::F32 => ConstExpr::f32_const(0.0.into()),
                ValType::F64 => ConstExpr::f64_const(0.0.into()),
                ValType::V128 => ConstExpr::v128_const(0),
                ValType::Ref(ty) if ty.nullable => ConstExpr::ref_null(match ty.heap_type {
                    HeapType::Exact(index) => HeapType::Concrete(index),
                    other => other,
                }),
                ValType::Ref(_) => return None,
            };
            ty.encode(&mut entry);
            value.encode(&mut entry);
        }
        EntityType::Tag(ty) => ty.encode(&mut entry),
        EntityType::Function(_) | EntityType::FunctionExact(_) => return None,
    }
    Some(entry)
}

/// Returns the entries of the section that defines items of a kind.
fn defined(sections: &Sections<'_>, kind: Kind) -> Option<Vec<Vec<u8>>> {
    let Some(contents) = sections.get(kind.section()) else { return Some(Vec::new()) };
    let reader = BinaryReader::new(contents, 0);
    let ranges: Vec<std::ops::Range<u64>> = match kind {
        Kind::Memory => starts(MemorySectionReader::new(reader).ok()?.into_iter_with_offsets(), contents)?,
        Kind::Table => starts(TableSectionReader::new(reader).ok()?.into_iter_with_offsets(), contents)?,
        Kind::Global => starts(GlobalSectionReader::new(reader).ok()?.into_iter_with_offsets(), contents)?,
        Kind::Tag => starts(TagSectionReader::new(reader).ok()?.into_iter_with_offsets(), contents)?,
    };
    let entry = |range: &std::ops::Range<u64>| {
        let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        contents.get(range).map(<[u8]>::to_vec)
    };
    ranges.iter().map(entry).collect()
}

/// Returns the ranges of the entries of a section, from their start offsets.
fn starts<T>(
    entries: impl Iterator<Item = wasmparser::Result<(u64, T)>>,
    contents: &[u8],
) -> Option<Vec<std::ops::Range<u64>>> {
    let starts = entries.map(|entry| entry.map(|(start, _)| start)).collect::<Result<Vec<u64>, _>>().ok()?;
    let ends = starts.iter().skip(1).copied().chain([contents.len() as u64]);
    Some(starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect())
}
