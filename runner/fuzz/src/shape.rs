//! What a module declares: its types, and the entities in its index spaces.

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection, SectionId};
use wasmparser::{CompositeInnerType, FuncType, GlobalType, MemoryType, Parser, Payload, TableType, TypeRef};
use wassay_script::type_section::TypeEntries;

/// The types and the index spaces of a valid module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// The entries of the type section: recursive groups.
    type_entries: TypeEntries,
    /// The function types by type index; `None` for other types.
    pub(crate) types: Vec<Option<FuncType>>,
    /// The type index of each function.
    pub(crate) functions: Vec<u32>,
    /// The tables.
    pub(crate) tables: Vec<TableType>,
    /// The memories.
    pub(crate) memories: Vec<MemoryType>,
    /// The globals.
    pub(crate) globals: Vec<GlobalType>,
    /// The type index of each tag.
    pub(crate) tags: Vec<u32>,
    /// The number of imported tables, memories and globals.
    pub(crate) imported: Imported,
}

/// The number of imported entities of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imported {
    pub(crate) tables: usize,
    pub(crate) memories: usize,
    pub(crate) globals: usize,
}

impl Shape {
    /// Reads a module; `None` if it cannot be parsed.
    pub(crate) fn read(bytes: &[u8]) -> Option<Shape> {
        let mut shape = Shape::default();
        for payload in Parser::new(0).parse_all(bytes) {
            shape.section(payload.ok()?, bytes)?;
        }
        Some(shape)
    }

    fn section(&mut self, payload: Payload<'_>, bytes: &[u8]) -> Option<()> {
        match payload {
            Payload::TypeSection(section) => {
                self.type_entries = TypeEntries::of(&section, bytes)?;
                for group in section {
                    self.types.extend(group.ok()?.into_types().map(|ty| match ty.composite_type.inner {
                        CompositeInnerType::Func(ty) => Some(ty),
                        _ => None,
                    }));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.ok()?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
                        TypeRef::Table(ty) => self.tables.push(ty),
                        TypeRef::Memory(ty) => self.memories.push(ty),
                        TypeRef::Global(ty) => self.globals.push(ty),
                        TypeRef::Tag(ty) => self.tags.push(ty.func_type_idx),
                    }
                }
                self.imported = Imported {
                    tables: self.tables.len(),
                    memories: self.memories.len(),
                    globals: self.globals.len(),
                };
            }
            Payload::FunctionSection(section) => {
                self.functions.extend(section.into_iter().map_while(Result::ok));
            }
            Payload::TableSection(section) => {
                self.tables.extend(section.into_iter().map_while(Result::ok).map(|table| table.ty));
            }
            Payload::MemorySection(section) => {
                self.memories.extend(section.into_iter().map_while(Result::ok))
            }
            Payload::GlobalSection(section) => {
                self.globals.extend(section.into_iter().map_while(Result::ok).map(|global| global.ty));
            }
            Payload::TagSection(section) => {
                self.tags.extend(section.into_iter().map_while(Result::ok).map(|tag| tag.func_type_idx));
            }
            _ => {}
        }
        Some(())
    }

    /// The type of a function.
    pub(crate) fn function(&self, index: usize) -> Option<&FuncType> {
        self.types.get(usize::try_from(*self.functions.get(index)?).ok()?)?.as_ref()
    }

    /// Every entity with the name under which [`export_all`] exports it.
    pub(crate) fn exports(&self) -> impl Iterator<Item = (String, ExportKind, u32)> {
        let spaces = [
            ("f", ExportKind::Func, self.functions.len()),
            ("t", ExportKind::Table, self.tables.len()),
            ("m", ExportKind::Memory, self.memories.len()),
            ("g", ExportKind::Global, self.globals.len()),
            ("e", ExportKind::Tag, self.tags.len()),
        ];
        spaces.into_iter().flat_map(|(letter, kind, count)| {
            (0..count as u32).map(move |index| (format!("{letter}{index}"), kind, index))
        })
    }

    /// Adds a type section to a module: the types of this one, and then others, given as encoded
    /// entries.
    pub(crate) fn add_types(&self, others: &[Vec<u8>], module: &mut Module) {
        let data = self.type_entries.and(others.len(), &others.concat());
        module.section(&RawSection { id: SectionId::Type.into(), data: &data });
    }
}

/// Replaces the exports of a module: every entity is exported, as a letter for its kind and its
/// index, such as `f0`. `None` if the module cannot be parsed.
pub(crate) fn export_all(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut exports = ExportSection::new();
    for (name, kind, index) in Shape::read(bytes)?.exports() {
        exports.export(&name, kind, index);
    }
    let mut module = Module::new();
    let mut exports = Some(exports);
    for payload in Parser::new(0).parse_all(bytes) {
        let Some((id, range)) = payload.ok()?.as_section() else { continue };
        if id == SectionId::Export as u8 {
            continue;
        }
        let is_after =
            [SectionId::Start, SectionId::Element, SectionId::DataCount, SectionId::Code, SectionId::Data];
        if is_after.iter().any(|after| *after as u8 == id)
            && let Some(exports) = exports.take()
        {
            module.section(&exports);
        }
        let data = bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)?;
        module.section(&RawSection { id, data });
    }
    if let Some(exports) = exports {
        module.section(&exports);
    }
    Some(module.finish())
}
