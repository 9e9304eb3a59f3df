//! A module as a list of sections, which can be read, replaced and written.

use wasm_encoder::Encode;
use wasmparser::{
    BinaryReader, CompositeInnerType, ConstExpr, DataKind, DataSectionReader, ElementItems, ElementKind,
    ElementSectionReader, FunctionSectionReader, GlobalSectionReader, ImportSectionReader, OperatorsReader,
    TableInit, TableSectionReader, TypeRef, TypeSectionReader,
};

/// The id of the type section (core spec, section 5.5.2).
pub(crate) const TYPE: u8 = 1;
/// The id of the import section.
pub(crate) const IMPORT: u8 = 2;
/// The id of the function section.
pub(crate) const FUNCTION: u8 = 3;
/// The id of the table section.
pub(crate) const TABLE: u8 = 4;
/// The id of the memory section.
pub(crate) const MEMORY: u8 = 5;
/// The id of the global section.
pub(crate) const GLOBAL: u8 = 6;
/// The id of the export section.
pub(crate) const EXPORT: u8 = 7;
/// The id of the start section.
pub(crate) const START: u8 = 8;
/// The id of the element section.
pub(crate) const ELEMENT: u8 = 9;
/// The id of the code section.
pub(crate) const CODE: u8 = 10;
/// The id of the data section.
pub(crate) const DATA: u8 = 11;
/// The id of the data count section.
pub(crate) const DATA_COUNT: u8 = 12;
/// The id of the tag section.
pub(crate) const TAG: u8 = 13;

/// The sections in the order in which a module has them (core spec, section 5.5.17).
const ORDER: [u8; 13] =
    [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, TAG, GLOBAL, EXPORT, START, ELEMENT, DATA_COUNT, CODE, DATA];

/// The header of a module: `\0asm` and the version.
pub(crate) const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// The sections of a module without custom sections, whose contents (names, debugging information)
/// would not match the rewritten code.
#[derive(Clone, Debug)]
pub(crate) struct Sections<'a> {
    sections: Vec<(u8, std::borrow::Cow<'a, [u8]>)>,
}

impl<'a> Sections<'a> {
    /// Reads the sections of a valid module.
    pub(crate) fn read(module: &'a [u8]) -> Option<Sections<'a>> {
        let mut reader = BinaryReader::new(module.strip_prefix(HEADER)?, 0);
        let mut sections = Vec::new();
        while !reader.eof() {
            let id = reader.read_u8().ok()?;
            let size = reader.read_var_u32().ok()?;
            let bytes = reader.read_bytes(size as usize).ok()?;
            if id != 0 {
                sections.push((id, bytes.into()));
            }
        }
        Some(Sections { sections })
    }

    /// Returns the contents of a section.
    pub(crate) fn get(&self, id: u8) -> Option<&[u8]> {
        self.sections.iter().find(|(other, _)| *other == id).map(|(_, bytes)| &**bytes)
    }

    /// Replaces, adds or (with `None`) removes a section.
    pub(crate) fn set(&mut self, id: u8, contents: Option<Vec<u8>>) {
        self.sections.retain(|(other, _)| *other != id);
        let Some(contents) = contents else { return };
        let rank = |id: u8| ORDER.iter().position(|other| *other == id);
        let at = self.sections.iter().position(|(other, _)| rank(*other) > rank(id));
        self.sections.insert(at.unwrap_or(self.sections.len()), (id, contents.into()));
    }

    /// Replaces or adds a section that was encoded with its size.
    pub(crate) fn set_encoded(&mut self, id: u8, section: &impl Encode) {
        let mut sized = Vec::new();
        section.encode(&mut sized);
        let contents = BinaryReader::new(&sized, 0).read_reader().ok().map(|reader| {
            let at = sized.len() - reader.bytes_remaining();
            sized.get(at..).unwrap_or_default().to_vec()
        });
        self.set(id, contents);
    }

    /// Encodes the module.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut module = HEADER.to_vec();
        for (id, contents) in &self.sections {
            module.push(*id);
            contents.encode(&mut module);
        }
        module
    }

    fn reader(&self, id: u8) -> Option<BinaryReader<'_>> {
        self.get(id).map(|contents| BinaryReader::new(contents, 0))
    }

    /// Returns the number of parameters of each type, or `None` for types that are not function
    /// types.
    pub(crate) fn parameters(&self) -> Option<Vec<Option<u32>>> {
        let mut parameters = Vec::new();
        let Some(reader) = self.reader(TYPE) else { return Some(parameters) };
        for group in TypeSectionReader::new(reader).ok()? {
            for ty in group.ok()?.types() {
                parameters.push(match &ty.composite_type.inner {
                    CompositeInnerType::Func(ty) => u32::try_from(ty.params().len()).ok(),
                    _ => None,
                });
            }
        }
        Some(parameters)
    }

    /// Returns the type indices of the functions that the module defines.
    pub(crate) fn defined_functions(&self) -> Option<Vec<u32>> {
        let Some(reader) = self.reader(FUNCTION) else { return Some(Vec::new()) };
        FunctionSectionReader::new(reader).ok()?.into_iter().collect::<Result<_, _>>().ok()
    }

    /// Returns the imports: module name, item name and type.
    pub(crate) fn imports(&self) -> Option<Vec<(String, String, TypeRef)>> {
        let Some(reader) = self.reader(IMPORT) else { return Some(Vec::new()) };
        let imports = ImportSectionReader::new(reader).ok()?.into_imports();
        imports
            .map(|import| import.map(|import| (import.module.to_owned(), import.name.to_owned(), import.ty)))
            .collect::<Result<_, _>>()
            .ok()
    }

    /// Returns the section and the range in its contents of each instruction in constant
    /// expressions.
    pub(crate) fn constant_operators(&self) -> Option<Vec<(u8, std::ops::Range<usize>)>> {
        let mut found = Vec::new();
        let mut add = |id: u8, expression: &ConstExpr<'_>| {
            let mut reader = expression.get_operators_reader();
            each_operator(&mut reader, |range| found.push((id, range)))
        };
        if let Some(reader) = self.reader(TABLE) {
            for table in TableSectionReader::new(reader).ok()? {
                if let TableInit::Expr(expression) = table.ok()?.init {
                    add(TABLE, &expression)?;
                }
            }
        }
        if let Some(reader) = self.reader(GLOBAL) {
            for global in GlobalSectionReader::new(reader).ok()? {
                add(GLOBAL, &global.ok()?.init_expr)?;
            }
        }
        if let Some(reader) = self.reader(ELEMENT) {
            for element in ElementSectionReader::new(reader).ok()? {
                let element = element.ok()?;
                if let ElementKind::Active { offset_expr, .. } = &element.kind {
                    add(ELEMENT, offset_expr)?;
                }
                if let ElementItems::Expressions(_, items) = element.items {
                    for item in items {
                        add(ELEMENT, &item.ok()?)?;
                    }
                }
            }
        }
        if let Some(reader) = self.reader(DATA) {
            for data in DataSectionReader::new(reader).ok()? {
                if let DataKind::Active { offset_expr, .. } = data.ok()?.kind {
                    add(DATA, &offset_expr)?;
                }
            }
        }
        Some(found)
    }
}

/// Calls a function with the range of each remaining operator of a reader.
pub(crate) fn each_operator(
    reader: &mut OperatorsReader<'_>,
    mut each: impl FnMut(std::ops::Range<usize>),
) -> Option<()> {
    let position = |reader: &OperatorsReader<'_>| usize::try_from(reader.original_position()).ok();
    while !reader.eof() {
        let start = position(reader)?;
        reader.read().ok()?;
        each(start..position(reader)?);
    }
    Some(())
}
