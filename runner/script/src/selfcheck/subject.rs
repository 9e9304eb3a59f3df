//! The module under test.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use thiserror::Error;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{ConstExpr, ElementSection, Encode, ExportSection, Instruction};
use wasmparser::{
    Chunk, CompositeInnerType, ExternalKind, FuncType, Operator, Parser, Payload, TableInit, TypeRef,
    ValType, WasmFeatures,
};

use super::effects::Effects;
use super::sections::{Additions, Raw, Section, id, split};
use crate::spectest::binary as definitions;
use crate::spectest::{self, Item, Param};
use crate::value::Value;

/// How an engine runs a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It calls the export of this name.
    Export(String),
    /// It instantiates the module, which runs the start function.
    Start,
}

impl Default for Entry {
    fn default() -> Entry {
        Entry::Export("_start".to_owned())
    }
}

/// Why a module cannot be made self-checking.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// It cannot be parsed.
    #[error("the module cannot be parsed")]
    Unreadable,
    /// It depends on another module, as the message says.
    #[error("{0}")]
    Linked(String),
}

impl From<wasmparser::Error> for Unfit {
    fn from(_: wasmparser::Error) -> Unfit {
        Unfit::Unreadable
    }
}

/// A module under test.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its sections except the import section.
    pub(super) sections: Vec<Section<'a>>,
    /// Definitions that replace its imports.
    pub(super) definitions: Additions,
    /// The number of its types, and the size of the entries of its type section.
    pub(super) types: u32,
    pub(super) type_bytes: usize,
    pub(super) functions: u32,
    pub(super) globals: u32,
    /// Whether each table and memory has 64-bit indices.
    pub(super) tables: Vec<bool>,
    pub(super) memories: Vec<bool>,
    /// Its start function.
    pub(super) start: Option<u32>,
    exports: HashMap<Box<str>, (ExternalKind, u32)>,
    /// Whether each global is mutable.
    mutable: Vec<bool>,
    /// Whether each function may change the state.
    changing: Vec<bool>,
    shares: Vec<Box<str>>,
    may_trap_early: bool,
}

impl<'a> Subject<'a> {
    /// Parses a module with this entry.
    ///
    /// # Errors
    ///
    /// It cannot be parsed, or has imports that `spectest` does not provide.
    pub fn read(module: &'a [u8], entry: &Entry) -> Result<Subject<'a>, Unfit> {
        let mut reader = Reader::default();
        reader.read(module)?;
        let mut sections = split(module).ok_or(Unfit::Unreadable)?;
        sections.retain(|section| section.id != id::IMPORT);
        if !reader.constants.0.is_empty() {
            sections.iter_mut().try_for_each(|section| reader.constants.replace(section))?;
        }
        let types = sections.iter().find(|section| section.id == id::TYPE);
        let types = types.and_then(|section| super::sections::number(&section.body));
        let type_bytes = types.map_or(0, |(_, entries)| entries.len());
        let mut subject = Subject {
            sections,
            definitions: reader.definitions,
            types: reader.types.len() as u32,
            type_bytes,
            functions: reader.functions,
            globals: reader.mutable.len() as u32,
            mutable: reader.mutable,
            tables: reader.tables,
            memories: reader.memories,
            start: reader.start,
            exports: reader.exports,
            changing: reader.effects.changing(),
            shares: reader.shares,
            may_trap_early: reader.may_trap_early,
        };
        if let Entry::Export(name) = entry {
            subject.free(name);
        }
        Ok(subject)
    }

    /// The memories and tables of `spectest` that it imports and shares with other instances.
    pub fn shares(&self) -> impl Iterator<Item = &str> {
        self.shares.iter().map(|name| &**name)
    }

    /// Whether it has a start function.
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Whether initialising its globals and tables may trap: arrays may be too large, and
    /// descriptors null.
    pub fn may_trap_early(&self) -> bool {
        self.may_trap_early
    }

    /// Whether its functions or segments may change shared state.
    pub fn changes(&self) -> bool {
        let is_written = |section: &Section<'_>| matches!(section.id, id::DATA | id::ELEMENT);
        self.has_changing_functions() || self.sections.iter().any(is_written)
    }

    /// Whether a module that imports from an instance of it may change its state.
    pub fn exposes(&self) -> bool {
        self.exports.values().any(|(kind, index)| match kind {
            ExternalKind::Func | ExternalKind::FuncExact => self.changes_by(*index),
            ExternalKind::Global => self.mutable.get(*index as usize).copied().unwrap_or(true),
            ExternalKind::Memory | ExternalKind::Table => true,
            ExternalKind::Tag => false,
        })
    }

    /// Whether one of its functions may change state.
    pub fn has_changing_functions(&self) -> bool {
        self.changing.contains(&true)
    }

    /// Whether a function may change the state of the instance.
    pub(super) fn changes_by(&self, function: u32) -> bool {
        self.changing.get(function as usize).copied().unwrap_or(true)
    }

    pub(super) fn exported_function(&self, export: &str) -> Option<u32> {
        let (kind, index) = self.exports.get(export)?;
        matches!(kind, ExternalKind::Func | ExternalKind::FuncExact).then_some(*index)
    }

    pub(super) fn exported_global(&self, export: &str) -> Option<u32> {
        let (kind, index) = self.exports.get(export)?;
        matches!(kind, ExternalKind::Global).then_some(*index)
    }

    /// Renames an export that has the name of the entry.
    fn free(&mut self, name: &str) {
        if !self.exports.contains_key(name) {
            return;
        }
        let Some(section) = self.sections.iter_mut().find(|section| section.id == id::EXPORT) else { return };
        let mut other = format!("{name}'");
        while self.exports.contains_key(&*other) {
            other.push('\'');
        }
        let reader = wasmparser::BinaryReader::new(&section.body, 0);
        let exports =
            wasmparser::ExportSectionReader::new(reader).into_iter().flat_map(IntoIterator::into_iter);
        let mut written = ExportSection::new();
        for export in exports.flatten() {
            let kind = utils::export_kind(&mut reencode::RoundtripReencoder, export.kind);
            written.export(if export.name == name { &other } else { export.name }, kind, export.index);
        }
        section.body = Cow::Owned(body(&written));
    }
}

/// The body of an encoded section, without its size.
pub(super) fn body(section: &impl wasm_encoder::Section) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.encode(&mut bytes);
    super::sections::number(&bytes).map(|(_, body)| body.to_vec()).unwrap_or_default()
}

/// The constants that replace imported globals.
#[derive(Debug, Default)]
struct Constants(Vec<Value>);

impl Constants {
    /// Replaces reads of the globals in constant expressions: before 3.0 these may only read
    /// imported globals (core spec, section 3.4.13), which are now definitions.
    fn replace(&mut self, section: &mut Section<'_>) -> Result<(), Unfit> {
        let reader = wasmparser::BinaryReader::new_features(&section.body, 0, WasmFeatures::all());
        let written = match section.id {
            id::TABLE => {
                let mut tables = wasm_encoder::TableSection::new();
                self.parse_table_section(&mut tables, wasmparser::TableSectionReader::new(reader)?)
                    .map_err(|_| Unfit::Unreadable)?;
                body(&tables)
            }
            id::GLOBAL => {
                let mut globals = wasm_encoder::GlobalSection::new();
                self.parse_global_section(&mut globals, wasmparser::GlobalSectionReader::new(reader)?)
                    .map_err(|_| Unfit::Unreadable)?;
                body(&globals)
            }
            id::ELEMENT => {
                let mut elements = ElementSection::new();
                self.parse_element_section(&mut elements, wasmparser::ElementSectionReader::new(reader)?)
                    .map_err(|_| Unfit::Unreadable)?;
                body(&elements)
            }
            id::DATA => {
                let mut data = wasm_encoder::DataSection::new();
                self.parse_data_section(&mut data, wasmparser::DataSectionReader::new(reader)?)
                    .map_err(|_| Unfit::Unreadable)?;
                body(&data)
            }
            _ => return Ok(()),
        };
        section.body = Cow::Owned(written);
        Ok(())
    }
}

impl Reencode for Constants {
    type Error = Infallible;

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<Instruction<'a>, reencode::Error<Infallible>> {
        let global =
            if let Operator::GlobalGet { global_index } = operator { Some(global_index) } else { None };
        let value = global.and_then(|global| self.0.get(global as usize));
        Ok(match value {
            Some(Value::I32(value)) => Instruction::I32Const(*value),
            Some(Value::I64(value)) => Instruction::I64Const(*value),
            Some(Value::F32(bits)) => Instruction::F32Const(wasm_encoder::Ieee32::new(*bits)),
            Some(Value::F64(bits)) => Instruction::F64Const(wasm_encoder::Ieee64::new(*bits)),
            _ => utils::instruction(self, operator)?,
        })
    }
}

#[derive(Default)]
struct Reader {
    /// The parameters of types without results, `None` for any other type.
    types: Vec<Option<FuncType>>,
    definitions: Additions,
    constants: Constants,
    functions: u32,
    mutable: Vec<bool>,
    tables: Vec<bool>,
    memories: Vec<bool>,
    start: Option<u32>,
    exports: HashMap<Box<str>, (ExternalKind, u32)>,
    effects: Effects,
    shares: Vec<Box<str>>,
    may_trap_early: bool,
}

impl Reader {
    fn read(&mut self, module: &[u8]) -> Result<(), Unfit> {
        let mut parser = Parser::new(0);
        parser.set_features(WasmFeatures::all());
        let mut rest = module;
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
                return Err(Unfit::Unreadable);
            };
            match payload {
                Payload::End(_) => return Ok(()),
                payload => self.section(payload)?,
            }
            rest = rest.get(consumed..).ok_or(Unfit::Unreadable)?;
        }
    }

    fn section(&mut self, payload: Payload<'_>) -> Result<(), Unfit> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types.extend(group?.into_types().map(|ty| match ty.composite_type.inner {
                        CompositeInnerType::Func(ty) if ty.results().is_empty() => Some(ty),
                        _ => None,
                    }));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.import(import.module, import.name, import.ty)?;
                }
            }
            Payload::FunctionSection(section) => self.functions += section.count(),
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    self.tables.push(table.ty.table64);
                    if let TableInit::Expr(value) = &table.init {
                        self.initialised(value)?;
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory?.memory64);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.mutable.push(global.ty.mutable);
                    self.initialised(&global.init_expr)?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.insert(export.name.into(), (export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::CodeSectionEntry(body) => self.effects.push(&body),
            _ => {}
        }
        Ok(())
    }

    fn initialised(&mut self, value: &wasmparser::ConstExpr<'_>) -> Result<(), Unfit> {
        for operator in value.get_operators_reader() {
            let operator = operator?;
            self.may_trap_early |= matches!(
                operator,
                Operator::ArrayNew { .. }
                    | Operator::ArrayNewDefault { .. }
                    | Operator::StructNewDesc { .. }
                    | Operator::StructNewDefaultDesc { .. }
            );
        }
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str, ty: TypeRef) -> Result<(), Unfit> {
        if module != spectest::NAME {
            let why =
                format!("it imports from `{}`, but a command runs a single module", module.escape_debug());
            return Err(Unfit::Linked(why));
        }
        let item = spectest::items(true, true).find(|(known, _)| *known == name).map(|(_, item)| item);
        let item = item.filter(|item| self.matches(*item, ty));
        let Some(item) = item else {
            let why = format!("its import `{}` does not match spectest", name.escape_debug());
            return Err(Unfit::Linked(why));
        };
        self.define(name, item, ty);
        Ok(())
    }

    /// Whether an item of `spectest` can be imported with a type (core spec, section 3.3.7).
    fn matches(&self, item: Item, ty: TypeRef) -> bool {
        let within = |minimum: u64, maximum: u64, (least, most): (u64, Option<u64>)| {
            minimum >= least && most.is_none_or(|most| maximum <= most)
        };
        match (item, ty) {
            (Item::Function(params), TypeRef::Func(ty)) => {
                let ty = self.types.get(ty as usize).and_then(Option::as_ref);
                ty.is_some_and(|ty| {
                    ty.params().iter().copied().eq(params.iter().map(|param| parameter(*param)))
                })
            }
            (Item::Global(value), TypeRef::Global(ty)) => {
                !ty.mutable && !ty.shared && Some(ty.content_type) == number_type(value)
            }
            (Item::Table { minimum, maximum, index64 }, TypeRef::Table(ty)) => {
                let limits = (ty.initial, ty.maximum);
                ty.table64 == index64
                    && ty.element_type == wasmparser::RefType::FUNCREF
                    && within(minimum, maximum, limits)
            }
            (Item::Memory { minimum, maximum, shared }, TypeRef::Memory(ty)) => {
                let is_plain = !ty.memory64 && ty.page_size_log2.is_none_or(|log2| log2 == 16);
                is_plain && ty.shared == shared && within(minimum, maximum, (ty.initial, ty.maximum))
            }
            _ => false,
        }
    }

    fn define(&mut self, name: &str, item: Item, ty: TypeRef) {
        let mut lead = |section: u8, entry: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            entry(&mut bytes);
            self.definitions.entry(section).or_default().lead(Raw(&bytes));
        };
        match item {
            Item::Function(_) => {
                let type_index = if let TypeRef::Func(ty) = ty { ty } else { 0 };
                lead(id::FUNCTION, &|bytes| type_index.encode(bytes));
                // A body of two bytes: no locals, and its end.
                lead(id::CODE, &|bytes| bytes.extend_from_slice(b"\x02\0\x0b"));
                self.functions += 1;
                self.effects.push_imported();
            }
            Item::Global(value) => {
                let (ty, value): (_, ConstExpr) = definitions::global(value);
                lead(id::GLOBAL, &|bytes| {
                    ty.encode(bytes);
                    value.encode(bytes);
                });
                self.mutable.push(false);
            }
            Item::Table { index64, .. } => {
                lead(id::TABLE, &|bytes| definitions::table(item).encode(bytes));
                self.tables.push(index64);
                self.shares.push(name.into());
            }
            Item::Memory { .. } => {
                lead(id::MEMORY, &|bytes| definitions::memory(item).encode(bytes));
                self.memories.push(false);
                self.shares.push(name.into());
            }
        }
        if let Item::Global(value) = item {
            self.constants.0.push(value);
        }
    }
}

fn parameter(param: Param) -> ValType {
    match param {
        Param::I32 => ValType::I32,
        Param::I64 => ValType::I64,
        Param::F32 => ValType::F32,
        Param::F64 => ValType::F64,
    }
}

fn number_type(value: Value) -> Option<ValType> {
    Some(match value {
        Value::I32(_) => ValType::I32,
        Value::I64(_) => ValType::I64,
        Value::F32(_) => ValType::F32,
        Value::F64(_) => ValType::F64,
        Value::V128(_) | Value::Ref(_) => return None,
    })
}
