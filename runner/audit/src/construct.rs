//! Constructs of valid modules, for faults in which an engine rejects one of them.

use std::collections::BTreeSet;

use serde::Deserialize;
use wasmparser::{
    BinaryReader, BlockType, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind,
    ExternalKind, FunctionBody, MemoryType, Operator, Parser, Payload, RefType, StorageType, SubType,
    TableInit, TableType, TypeRef, ValType, WasmFeatures,
};

use crate::opcode::Opcode;

/// A construct that occurs in valid modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Construct {
    /// A function type with several results.
    SeveralResults,
    /// A recursive group of several types.
    SeveralTypesInGroup,
    /// A recursive group without types.
    EmptyGroup,
    /// A type that is not final.
    OpenType,
    /// A type with a supertype.
    Supertype,
    /// A struct type without fields.
    EmptyStructure,
    /// A packed field or element.
    Packed,
    /// A field or element that is a vector.
    VectorField,
    /// An imported mutable global.
    ImportedVariable,
    /// An imported tag.
    ImportedTag,
    /// An exported mutable global.
    ExportedVariable,
    /// An exported tag.
    ExportedTag,
    /// An import or export whose name is empty.
    EmptyName,
    /// An import or export whose name is not ASCII.
    ForeignName,
    /// An item exported under two names.
    ExportedTwice,
    /// An exported import.
    ExportedImport,
    /// A start function.
    Start,
    /// A start function that is imported.
    ImportedStart,
    /// A second table.
    SecondTable,
    /// A table with an initial value.
    TableValue,
    /// An empty table with maximum 0.
    EmptyTable,
    /// A table with the largest maximum that is allowed.
    LargestTable,
    /// A table with 64-bit indices.
    Table64,
    /// A second memory.
    SecondMemory,
    /// An empty memory with maximum 0.
    EmptyMemory,
    /// A memory with the largest maximum that is allowed.
    LargestMemory,
    /// A memory with 64-bit addresses.
    Memory64,
    /// A shared memory.
    SharedMemory,
    /// A memory with a custom page size.
    PageSize,
    /// A global initialised with another global.
    GlobalOfGlobal,
    /// A constant expression with arithmetic.
    ComputedConstant,
    /// A global of type `v128`.
    VectorGlobal,
    /// A global of a non-null reference type.
    NonNullGlobal,
    /// A passive element segment.
    PassiveElements,
    /// A declarative element segment.
    DeclaredElements,
    /// An element segment of expressions.
    ElementExpressions,
    /// An active element segment for a table other than 0.
    OtherTableElements,
    /// An element segment without elements.
    NoElements,
    /// A passive data segment.
    PassiveData,
    /// An active data segment for a memory other than 0.
    OtherMemoryData,
    /// A data segment without bytes.
    NoData,
    /// An active data segment whose offset is a global.
    DataAtGlobal,
    /// A data count section.
    DataCount,
    /// A custom section.
    CustomSection,
    /// A custom section with an empty name.
    UnnamedCustomSection,
    /// A section size in a longer LEB128 encoding than necessary.
    LongInteger,
    /// An empty section.
    EmptySection,
    /// A block with a type index.
    BlockOfType,
    /// A loop with a type index.
    LoopOfType,
    /// An `if` without `else`.
    NoElse,
    /// Unreachable instructions.
    DeadCode,
    /// A `br_table` with only a default label.
    EmptyTableOfLabels,
    /// A `select` with a type.
    TypedSelect,
    /// A memory access with an alignment below its width.
    SmallAlignment,
    /// A memory access with an offset of more than 31 bits.
    LargeOffset,
    /// A memory access with an offset of more than 32 bits.
    HugeOffset,
    /// A local of a non-null reference type.
    NonNullLocal,
    /// A group of zero locals.
    NoLocals,
    /// Several groups of locals of one type.
    SameLocals,
    /// A `try_table` without clauses.
    NoClauses,
    /// A function without instructions.
    EmptyFunction,
    /// A parameter of type `v128`.
    VectorParameter,
    /// A parameter of type `exnref`.
    ExceptionParameter,
}

/// The maximum number of pages of a 32-bit memory.
const LARGEST_MEMORY: u64 = 1 << 16;

/// The maximum number of elements of a table with 32-bit indices.
const LARGEST_TABLE: u64 = (1 << 32) - 1;

impl Construct {
    /// Returns the constructs of a valid module.
    pub(crate) fn of(module: &[u8]) -> BTreeSet<Construct> {
        let mut seen = Seen::default();
        let mut parser = Parser::new(0);
        parser.set_features(WasmFeatures::all());
        for payload in parser.parse_all(module) {
            // Constructs after an unreadable part are not found.
            if payload.map_or(None, |payload| seen.payload(module, payload)).is_none() {
                break;
            }
        }
        seen.sizes(module);
        seen.found
    }
}

#[derive(Default)]
struct Seen {
    found: BTreeSet<Construct>,
    imported_functions: u32,
    imported: [u32; 5],
    mutable: Vec<bool>,
    tables: u32,
    memories: u32,
    exported: BTreeSet<(u8, u32)>,
}

impl Seen {
    fn note(&mut self, construct: Construct, is_so: bool) {
        if is_so {
            self.found.insert(construct);
        }
    }

    fn payload(&mut self, module: &[u8], payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::TypeSection(types) => {
                for group in types {
                    let group = group.ok()?;
                    self.note(Construct::SeveralTypesInGroup, group.types().len() > 1);
                    self.note(Construct::EmptyGroup, group.types().len() == 0);
                    group.types().for_each(|ty| self.ty(ty));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.ok()?;
                    self.name(import.module);
                    self.name(import.name);
                    self.import(import.ty);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    let table = table.ok()?;
                    self.note(Construct::TableValue, matches!(table.init, TableInit::Expr(_)));
                    self.table(table.ty);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memory(memory.ok()?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global.ok()?;
                    self.mutable.push(global.ty.mutable);
                    self.note(Construct::VectorGlobal, global.ty.content_type == ValType::V128);
                    self.note(Construct::NonNullGlobal, is_non_null(global.ty.content_type));
                    self.constant(&global.init_expr, true)?;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.ok()?;
                    self.name(export.name);
                    self.export(export.kind, export.index);
                }
            }
            Payload::StartSection { func, .. } => {
                self.note(Construct::Start, true);
                self.note(Construct::ImportedStart, func < self.imported_functions);
            }
            Payload::DataCountSection { .. } => self.note(Construct::DataCount, true),
            Payload::CustomSection(section) => {
                self.note(Construct::CustomSection, true);
                self.note(Construct::UnnamedCustomSection, section.name().is_empty());
            }
            Payload::CodeSectionEntry(body) => self.body(module, &body)?,
            other => self.segments(other)?,
        }
        Some(())
    }

    fn segments(&mut self, payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::ElementSection(elements) => {
                for element in elements {
                    let element = element.ok()?;
                    self.note(Construct::PassiveElements, matches!(element.kind, ElementKind::Passive));
                    self.note(Construct::DeclaredElements, matches!(element.kind, ElementKind::Declared));
                    if let ElementKind::Active { table_index, offset_expr } = &element.kind {
                        self.note(Construct::OtherTableElements, table_index.unwrap_or(0) > 0);
                        self.constant(offset_expr, false)?;
                    }
                    let count = match &element.items {
                        ElementItems::Functions(functions) => functions.count(),
                        ElementItems::Expressions(_, expressions) => {
                            self.note(Construct::ElementExpressions, true);
                            expressions.count()
                        }
                    };
                    self.note(Construct::NoElements, count == 0);
                }
            }
            Payload::DataSection(data) => {
                for data in data {
                    let data = data.ok()?;
                    self.note(Construct::NoData, data.data.is_empty());
                    match &data.kind {
                        DataKind::Passive => self.note(Construct::PassiveData, true),
                        DataKind::Active { memory_index, offset_expr } => {
                            self.note(Construct::OtherMemoryData, *memory_index > 0);
                            let first = offset_expr.get_operators_reader().read().ok()?;
                            self.note(Construct::DataAtGlobal, matches!(first, Operator::GlobalGet { .. }));
                            self.constant(offset_expr, false)?;
                        }
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn ty(&mut self, ty: &SubType) {
        self.note(Construct::OpenType, !ty.is_final);
        self.note(Construct::Supertype, !ty.supertype_idxs.is_empty());
        let mut field = |ty: StorageType| {
            self.note(Construct::Packed, matches!(ty, StorageType::I8 | StorageType::I16));
            self.note(Construct::VectorField, ty == StorageType::Val(ValType::V128));
        };
        match &ty.composite_type.inner {
            CompositeInnerType::Func(ty) => {
                let exception = |ty: &ValType| matches!(ty, ValType::Ref(ty) if *ty == RefType::EXNREF);
                self.note(Construct::SeveralResults, ty.results().len() > 1);
                self.note(Construct::VectorParameter, ty.params().contains(&ValType::V128));
                self.note(Construct::ExceptionParameter, ty.params().iter().any(exception));
            }
            CompositeInnerType::Array(ty) => field(ty.0.element_type),
            CompositeInnerType::Struct(ty) => {
                ty.fields.iter().for_each(|one| field(one.element_type));
                self.note(Construct::EmptyStructure, ty.fields.is_empty());
            }
            CompositeInnerType::Cont(_) => {}
        }
    }

    fn name(&mut self, name: &str) {
        self.note(Construct::EmptyName, name.is_empty());
        self.note(Construct::ForeignName, !name.is_ascii());
    }

    fn import(&mut self, ty: TypeRef) {
        let space = match ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => {
                self.imported_functions += 1;
                0
            }
            TypeRef::Table(ty) => {
                self.table(ty);
                1
            }
            TypeRef::Memory(ty) => {
                self.memory(ty);
                2
            }
            TypeRef::Global(ty) => {
                self.mutable.push(ty.mutable);
                self.note(Construct::ImportedVariable, ty.mutable);
                3
            }
            TypeRef::Tag(_) => {
                self.note(Construct::ImportedTag, true);
                4
            }
        };
        if let Some(count) = self.imported.get_mut(space) {
            *count += 1;
        }
    }

    fn export(&mut self, kind: ExternalKind, index: u32) {
        let space = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => 0_u8,
            ExternalKind::Table => 1,
            ExternalKind::Memory => 2,
            ExternalKind::Global => 3,
            ExternalKind::Tag => 4,
        };
        let is_mutable = space == 3 && self.mutable.get(index as usize) == Some(&true);
        self.note(Construct::ExportedVariable, is_mutable);
        self.note(Construct::ExportedTag, space == 4);
        let imported = self.imported.get(usize::from(space)).copied().unwrap_or(0);
        self.note(Construct::ExportedImport, index < imported);
        let is_new = self.exported.insert((space, index));
        self.note(Construct::ExportedTwice, !is_new);
    }

    fn table(&mut self, ty: TableType) {
        self.tables += 1;
        self.note(Construct::SecondTable, self.tables > 1);
        self.note(Construct::Table64, ty.table64);
        self.note(Construct::EmptyTable, ty.maximum == Some(0));
        self.note(Construct::LargestTable, ty.maximum == Some(LARGEST_TABLE));
    }

    fn memory(&mut self, ty: MemoryType) {
        self.memories += 1;
        self.note(Construct::SecondMemory, self.memories > 1);
        self.note(Construct::Memory64, ty.memory64);
        self.note(Construct::SharedMemory, ty.shared);
        self.note(Construct::PageSize, ty.page_size_log2.is_some());
        self.note(Construct::EmptyMemory, ty.maximum == Some(0));
        self.note(Construct::LargestMemory, ty.maximum == Some(LARGEST_MEMORY));
    }

    fn constant(&mut self, expression: &ConstExpr<'_>, is_global: bool) -> Option<()> {
        let mut reader = expression.get_operators_reader();
        while !reader.eof() {
            let operator = reader.read().ok()?;
            let is_get = matches!(operator, Operator::GlobalGet { .. });
            self.note(Construct::GlobalOfGlobal, is_global && is_get);
            let computes = matches!(
                operator,
                Operator::I32Add
                    | Operator::I32Sub
                    | Operator::I32Mul
                    | Operator::I64Add
                    | Operator::I64Sub
                    | Operator::I64Mul
            );
            self.note(Construct::ComputedConstant, computes);
        }
        Some(())
    }

    fn body(&mut self, module: &[u8], body: &FunctionBody<'_>) -> Option<()> {
        let mut locals = body.get_locals_reader().ok()?;
        let mut last = None;
        for _ in 0..locals.get_count() {
            let (count, ty) = locals.read().ok()?;
            self.note(Construct::NoLocals, count == 0);
            self.note(Construct::NonNullLocal, is_non_null(ty));
            self.note(Construct::SameLocals, last == Some(ty));
            last = Some(ty);
        }
        let mut reader = body.get_operators_reader().ok()?;
        self.note(Construct::EmptyFunction, reader.is_end_then_eof());
        let (mut ifs, mut is_dead) = (Vec::new(), false);
        while !reader.eof() {
            let start = usize::try_from(reader.original_position()).ok()?;
            let operator = reader.read().ok()?;
            let (opcode, _) = module.get(start..).and_then(Opcode::read)?;
            let ends = matches!(operator, Operator::End | Operator::Else);
            self.note(Construct::DeadCode, is_dead && !ends);
            is_dead = matches!(
                operator,
                Operator::Unreachable | Operator::Br { .. } | Operator::Return | Operator::BrTable { .. }
            );
            match &operator {
                Operator::If { .. } => ifs.push(Some(true)),
                Operator::Block { .. } | Operator::Loop { .. } | Operator::TryTable { .. } => ifs.push(None),
                Operator::Else => {
                    if let Some(open) = ifs.last_mut() {
                        *open = None;
                    }
                }
                Operator::End => {
                    let lacks = ifs.pop().flatten() == Some(true);
                    self.note(Construct::NoElse, lacks);
                }
                _ => {}
            }
            self.operator(&operator, opcode, module.get(start..)?);
        }
        Some(())
    }

    fn operator(&mut self, operator: &Operator<'_>, opcode: Opcode, bytes: &[u8]) {
        match operator {
            Operator::Block { blockty: BlockType::FuncType(_) }
            | Operator::If { blockty: BlockType::FuncType(_) } => {
                self.note(Construct::BlockOfType, true);
            }
            Operator::Loop { blockty: BlockType::FuncType(_) } => self.note(Construct::LoopOfType, true),
            Operator::BrTable { targets } => {
                self.note(Construct::EmptyTableOfLabels, targets.is_empty());
            }
            Operator::TypedSelect { .. } => self.note(Construct::TypedSelect, true),
            Operator::TryTable { try_table } => {
                self.note(Construct::NoClauses, try_table.catches.is_empty());
            }
            _ => {}
        }
        if opcode.is_access() {
            self.access(opcode, bytes);
        }
    }

    fn access(&mut self, opcode: Opcode, bytes: &[u8]) {
        let Some((_, length)) = Opcode::read(bytes) else { return };
        let mut reader = BinaryReader::new(bytes.get(length..).unwrap_or_default(), 0);
        let Ok(flags) = reader.read_var_u32() else { return };
        if flags & 0x40 != 0 && reader.read_var_u32().is_err() {
            return;
        }
        let Ok(offset) = reader.read_var_u64() else { return };
        self.note(Construct::LargeOffset, offset >= 1 << 31);
        self.note(Construct::HugeOffset, offset >= 1 << 32);
        // One-byte accesses cannot have a smaller alignment.
        let of_one_byte = matches!(opcode.first, 0x2c | 0x2d | 0x30 | 0x31 | 0x3a | 0x3c);
        let plain = (0x28..=0x3e).contains(&opcode.first);
        self.note(Construct::SmallAlignment, plain && !of_one_byte && flags & 0x3f == 0);
    }

    /// Finds section sizes in a longer encoding than necessary.
    fn sizes(&mut self, module: &[u8]) {
        let mut reader = BinaryReader::new(module.get(8..).unwrap_or_default(), 0);
        while !reader.eof() {
            let (Ok(id), start) = (reader.read_u8(), reader.current_position()) else { return };
            let Ok(size) = reader.read_var_u32() else { return };
            let needed = (32 - size.leading_zeros()).max(1).div_ceil(7) as usize;
            let is_long = reader.current_position() - start > needed;
            let Ok(contents) = reader.read_bytes(size as usize) else { return };
            self.note(Construct::LongInteger, is_long);
            self.note(Construct::EmptySection, id != 0 && id != 8 && contents == [0]);
        }
    }
}

fn is_non_null(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if !ty.is_nullable())
}

#[cfg(test)]
mod tests {
    use wassay_script::quoted;

    use super::*;

    #[test]
    fn constructs_are_found() {
        for (module, construct) in [
            ("(module (func (result i32 i32) unreachable))", Construct::SeveralResults),
            ("(module (rec (type (func)) (type (struct))))", Construct::SeveralTypesInGroup),
            ("(module (type (array (mut i8))))", Construct::Packed),
            ("(module (func (export \"\")))", Construct::EmptyName),
            (
                "(module (func $f) (export \"a\" (func $f)) (export \"b\" (func $f)))",
                Construct::ExportedTwice,
            ),
            ("(module (import \"a\" \"b\" (func $f)) (start $f))", Construct::ImportedStart),
            ("(module (memory 0 65536))", Construct::LargestMemory),
            ("(module (global i32 (i32.add (i32.const 1) (i32.const 2))))", Construct::ComputedConstant),
            ("(module (func (if (i32.const 0) (then))))", Construct::NoElse),
            ("(module (func (unreachable) (nop)))", Construct::DeadCode),
            ("(module (memory 1) (func (drop (i32.load align=1 (i32.const 0)))))", Construct::SmallAlignment),
            (
                "(module (memory 1) (func (drop (i32.load offset=0x8000_0000 (i32.const 0)))))",
                Construct::LargeOffset,
            ),
            ("(module binary \"\\00asm\\01\\00\\00\\00\\01\\81\\00\\00\")", Construct::LongInteger),
        ] {
            let bytes = match module.contains("binary") {
                true => b"\0asm\x01\0\0\0\x01\x81\x00\x00".to_vec(),
                false => quoted(module.as_bytes()).unwrap(),
            };
            assert!(Construct::of(&bytes).contains(&construct), "{module}");
        }
        assert_eq!(Construct::of(b"\0asm\x01\0\0\0"), BTreeSet::new());
        let with_else = quoted(b"(module (func (if (i32.const 0) (then) (else))))").unwrap();
        assert!(!Construct::of(&with_else).contains(&Construct::NoElse));
    }
}
