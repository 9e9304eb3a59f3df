//! Decoding and validation of a module's sections (core spec, section 5.5).

pub(crate) mod bodies;
pub(crate) mod const_expr;
mod continuations;
pub(crate) mod custom;
pub(crate) mod info;
mod limits;
pub(crate) mod refused;
pub(crate) mod segments;
pub(crate) mod symbols;
mod type_section;

use std::sync::Arc;

use wasmparser::{
    BinaryReader, Encoding, ExternalKind, Parser, Payload, TableInit, TypeRef, ValidPayload, Validator,
};

use crate::error::{Error, Result};
use crate::time::{Deadline, STEPS, in_time};
use crate::types::{ExternType, HeldTypes, TagType, TypeConverter, TypeRegistry};
pub(crate) use bodies::PendingBody;
use const_expr::ConstExpr;
use info::{Export, ExportKind, Import, ModuleInfo};
use refused::{invalid, malformed};
use segments::{DataMode, DataSegment, ElementItems, ElementSegment, SegmentMode};
use wassay_terms::Features;

/// A module whose sections have been decoded and validated, except for the function bodies.
pub(crate) struct Decoded<'a> {
    pub(crate) info: ModuleInfo,
    /// Keeps the module's types in the registry.
    pub(crate) held: HeldTypes,
    pub(crate) bodies: Vec<PendingBody<'a>>,
}

/// Decodes and validates everything except the function bodies, unless the deadline passes.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    features: Features,
    registry: &Arc<TypeRegistry>,
    deadline: Option<Deadline>,
) -> Result<Decoded<'a>> {
    decode_payloads(bytes, features, registry, deadline, |_| true)
}

/// Like [`decode`], for a module that was validated before. Data segments, of which some modules
/// have tens of thousands, are not validated again. The validator needs the other sections to
/// compile functions.
pub(crate) fn decode_again<'a>(
    bytes: &'a [u8],
    features: Features,
    registry: &Arc<TypeRegistry>,
    deadline: Option<Deadline>,
) -> Result<Decoded<'a>> {
    // At the end, the validator counts the data segments that it has seen.
    let is_needed = |payload: &Payload<'_>| !matches!(payload, Payload::DataSection(_) | Payload::End(_));
    decode_payloads(bytes, features, registry, deadline, is_needed)
}

/// Decodes a module, and validates the parts that `is_validated` returns true for.
fn decode_payloads<'a>(
    bytes: &'a [u8],
    features: Features,
    registry: &Arc<TypeRegistry>,
    deadline: Option<Deadline>,
    is_validated: impl Fn(&Payload<'a>) -> bool,
) -> Result<Decoded<'a>> {
    let mut parser = Parser::new(0);
    parser.set_features(features.library_flags());
    let mut validator = Validator::new_with_features(features.library_flags());
    let mut info = ModuleInfo::default();
    let mut held = HeldTypes::new(registry);
    let mut bodies = Vec::new();
    for (number, payload) in parser.parse_all(bytes).enumerate() {
        if number.is_multiple_of(STEPS) {
            in_time(deadline)?;
        }
        let payload = payload.map_err(malformed)?;
        if is_validated(&payload) {
            bodies.extend(validate(&mut validator, &payload, features, || registry.clone())?);
        }
        info.read_payload(bytes, payload, &mut held, deadline)?;
    }
    info.find_escaping_functions();
    Ok(Decoded { info, held, bodies })
}

/// Validates a part of a module. Returns the body if it is a function, which must be validated
/// separately.
pub(crate) fn validate<'a>(
    validator: &mut Validator,
    payload: &Payload<'a>,
    features: Features,
    registry: impl FnOnce() -> Arc<TypeRegistry>,
) -> Result<Option<PendingBody<'a>>> {
    if let Payload::Version { encoding: Encoding::Component, range, .. } = payload {
        return Err(Error::malformed("unknown binary version", range.start));
    }
    match (validator.payload(payload), payload) {
        (Ok(ValidPayload::Func(func, body)), _) => Ok(Some((func, body))),
        (Err(refusal), Payload::TypeSection(section)) if type_section::is_outdated(&refusal) => {
            let validated = type_section::validate(validator, section, refusal, features, &registry());
            validated.map(|()| None).map_err(invalid)
        }
        (Err(refusal), Payload::TypeSection(section)) => Err(type_section::refused(refusal, section)),
        (validated, _) => validated.map(|_| None).map_err(invalid),
    }
}

impl ModuleInfo {
    /// Adds what a part of the module with these bytes says.
    fn read_payload(
        &mut self,
        bytes: &[u8],
        payload: Payload<'_>,
        held: &mut HeldTypes,
        deadline: Option<Deadline>,
    ) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for (number, group) in section.into_iter().enumerate() {
                    if number.is_multiple_of(STEPS) {
                        in_time(deadline)?;
                    }
                    let group = group.map_err(malformed)?;
                    let ids = TypeConverter::new(&self.types).intern(&group, held)?;
                    self.push_types(&ids, held.registry());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.read_import(import.map_err(malformed)?)?;
                }
                self.imported = self.counts();
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    self.functions.push(index.map_err(malformed)?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.read_table(&table.map_err(malformed)?)?;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory.map_err(malformed)?.into());
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.push_tag(tag.map_err(malformed)?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global.map_err(malformed)?;
                    let types = TypeConverter::new(&self.types);
                    let (ty, init) = (types.global_type(global.ty)?, ConstExpr::read(&global.init_expr)?);
                    self.globals.push(ty);
                    self.global_inits.push(init);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.read_export(export.map_err(malformed)?);
                }
            }
            Payload::CustomSection(section) => self.branch_hints.take(&section),
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.read_element(&element.map_err(malformed)?)?;
                }
            }
            Payload::DataSection(section) => {
                // The section has at least one byte for each segment.
                let range = section.range();
                let count = u64::from(section.count()).min(range.end - range.start);
                self.data.reserve_exact(count as usize);
                let start = section.original_position();
                let mut reader = BinaryReader::new(&bytes[start as usize..range.end as usize], start);
                for _ in 0..section.count() {
                    match DataSegment::read_simple(&mut reader) {
                        Some(segment) => self.data.push(segment),
                        None => self.read_data(&reader.read().map_err(malformed)?)?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read_import(&mut self, import: wasmparser::Import<'_>) -> Result<()> {
        let types = TypeConverter::new(&self.types);
        let ty = match import.ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                let exact = matches!(import.ty, TypeRef::FuncExact(_));
                if exact {
                    self.exact_imports.push(self.functions.len() as u32);
                }
                self.functions.push(index);
                self.func_extern_type(index, exact)
            }
            TypeRef::Table(ty) => {
                let ty = types.table_type(ty)?;
                self.tables.push(ty);
                ExternType::Table(ty)
            }
            TypeRef::Memory(ty) => {
                self.memories.push(ty.into());
                ExternType::Memory(ty.into())
            }
            TypeRef::Global(ty) => {
                let ty = types.global_type(ty)?;
                self.globals.push(ty);
                ExternType::Global(ty)
            }
            TypeRef::Tag(ty) => ExternType::Tag(self.push_tag(ty)),
        };
        self.imports.push(Import { module: import.module.into(), name: import.name.into(), ty });
        Ok(())
    }

    fn push_tag(&mut self, tag: wasmparser::TagType) -> TagType {
        let ty = TagType { ty: self.types[tag.func_type_idx as usize] };
        self.tags.push(ty);
        self.tag_types.push(tag.func_type_idx);
        ty
    }

    fn read_table(&mut self, table: &wasmparser::Table<'_>) -> Result<()> {
        let types = TypeConverter::new(&self.types);
        let ty = types.table_type(table.ty)?;
        self.table_inits.push(match &table.init {
            TableInit::RefNull => None,
            TableInit::Expr(expr) => Some(ConstExpr::read(expr)?),
        });
        self.tables.push(ty);
        Ok(())
    }

    fn read_export(&mut self, export: wasmparser::Export<'_>) {
        let kind = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Function,
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
        };
        let name: Arc<str> = export.name.into();
        self.export_index.insert(Arc::clone(&name), self.exports.len());
        self.exports.push(Export { name, kind, index: export.index });
    }

    fn read_element(&mut self, element: &wasmparser::Element<'_>) -> Result<()> {
        let mode = match &element.kind {
            wasmparser::ElementKind::Passive => SegmentMode::Passive,
            wasmparser::ElementKind::Declared => SegmentMode::Declared,
            wasmparser::ElementKind::Active { table_index, offset_expr } => SegmentMode::Active {
                target: table_index.unwrap_or(0),
                offset: ConstExpr::read(offset_expr)?,
            },
        };
        let items = match element.items.clone() {
            wasmparser::ElementItems::Functions(section) => {
                ElementItems::Functions(section.into_iter().collect::<Result<_, _>>().map_err(malformed)?)
            }
            wasmparser::ElementItems::Expressions(_, section) => {
                let read =
                    |expr: Result<wasmparser::ConstExpr<'_>, _>| ConstExpr::read(&expr.map_err(malformed)?);
                ElementItems::Expressions(section.into_iter().map(read).collect::<Result<_>>()?)
            }
        };
        self.elements.push(ElementSegment { mode, items });
        Ok(())
    }

    fn read_data(&mut self, data: &wasmparser::Data<'_>) -> Result<()> {
        let mode = match &data.kind {
            wasmparser::DataKind::Passive => DataMode::Passive,
            wasmparser::DataKind::Active { memory_index, offset_expr } => {
                DataMode::Active(Box::new((*memory_index, ConstExpr::read(offset_expr)?)))
            }
        };
        // The segment's range ends with its bytes, which follow the mode and the length.
        let end = data.range.end as usize;
        self.data.push(DataSegment::new(mode, end - data.data.len()..end));
        Ok(())
    }
}
