//! Reading a module's sections (core spec, section 5.5), and telling malformed modules from invalid ones.

use std::sync::Arc;

use wasmparser::{
    BinaryReader, Encoding, ExternalKind, FunctionBody, Parser, Payload, TableInit, TypeRef, ValidPayload,
    Validator, ValidatorResources,
};

use super::const_expr::ConstExpr;
use super::info::{Export, ExportKind, Import, ModuleInfo};
use super::limits::is_limit;
use super::segments::{DataSegment, ElementItems, ElementSegment, SegmentMode};
use super::type_section;
use crate::error::{Error, ErrorKind, Result};
use crate::features::Features;
use crate::types::{ExternType, HeldTypes, TagType, TypeConverter, TypeRegistry};

/// A function body that waits for validation and translation.
pub(crate) type PendingBody<'a> = (wasmparser::FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// A module whose sections are read and valid, and whose function bodies are still to be looked at.
pub(crate) struct Decoded<'a> {
    pub(crate) info: ModuleInfo,
    /// Keeps the module's types in the registry.
    pub(crate) held: HeldTypes,
    pub(crate) bodies: Vec<PendingBody<'a>>,
}

/// Reads and validates everything but the function bodies.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    features: Features,
    registry: &Arc<TypeRegistry>,
) -> Result<Decoded<'a>> {
    let mut parser = Parser::new(0);
    parser.set_features(features.flags());
    let mut validator = Validator::new_with_features(features.flags());
    let mut info = ModuleInfo::default();
    let mut held = HeldTypes::new(registry);
    let mut bodies = Vec::new();
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(malformed)?;
        if let Payload::Version { encoding: Encoding::Component, range, .. } = &payload {
            return Err(Error::unsupported("this is a component, not a module").at(range.start));
        }
        match (validator.payload(&payload), &payload) {
            (Ok(ValidPayload::Func(func, body)), _) => bodies.push((func, body)),
            (Err(refusal), Payload::TypeSection(section)) if type_section::is_outdated(&refusal) => {
                type_section::validate(&mut validator, section, refusal, features, registry)
                    .map_err(invalid)?;
            }
            (validated, _) => drop(validated.map_err(invalid)?),
        }
        info.read_payload(payload, &mut held)?;
    }
    info.find_escaping_functions();
    Ok(Decoded { info, held, bodies })
}

/// The error that a module which the fast path refused really has.
///
/// The fast path reads and validates in one pass, leaves function bodies for last, and says `invalid` for all that the validator
/// reports. This reads the whole module again in the order of its bytes and without the validator: the first thing that the binary
/// grammar does not derive makes the module malformed, whatever else is wrong with it.
pub(crate) fn classify(bytes: &[u8], features: Features, error: Error) -> Error {
    match read_all(bytes, features) {
        Err(found) if found.kind() != ErrorKind::Limit => found,
        _ => error,
    }
}

/// An error of the binary grammar.
pub(crate) fn malformed(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::malformed(error.message(), error.offset()))
}

/// An error of validation.
pub(crate) fn invalid(error: wasmparser::Error) -> Error {
    beyond_limits(&error).unwrap_or_else(|| Error::invalid(error.message(), error.offset()))
}

/// The error where it says that a module is too large for the decoder.
fn beyond_limits(error: &wasmparser::Error) -> Option<Error> {
    is_limit(error.message()).then(|| Error::limit(error.message()).at(error.offset()))
}

/// Reads every section and every instruction, and checks the side conditions of the binary grammar (section 5.5.16): equal
/// lengths of the function and the code section, and of the data count and the data section.
pub(super) fn read_all(bytes: &[u8], features: Features) -> Result<()> {
    let mut parser = Parser::new(0);
    parser.set_features(features.flags());
    let (mut functions, mut codes, mut data_count, mut data) = (0, 0, None, 0);
    let (mut needs_data_count, mut at) = (None, 0);
    for payload in parser.parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::TypeSection(section) => drain(section)?,
            Payload::ImportSection(section) => drain(section)?,
            Payload::FunctionSection(section) => {
                functions = section.count();
                drain(section)?;
            }
            Payload::TableSection(section) => drain(section)?,
            Payload::MemorySection(section) => drain(section)?,
            Payload::TagSection(section) => drain(section)?,
            Payload::GlobalSection(section) => drain(section)?,
            Payload::ExportSection(section) => drain(section)?,
            Payload::ElementSection(section) => drain(section)?,
            Payload::DataCountSection { count, .. } => data_count = Some(count),
            Payload::DataSection(section) => {
                data = section.count();
                drain(section)?;
            }
            Payload::CodeSectionStart { count, .. } => codes = count,
            Payload::CodeSectionEntry(body) => read_body(&body, features, &mut needs_data_count)?,
            Payload::UnknownSection { id, range, .. } => {
                return Err(Error::malformed(format!("malformed section id: {id}"), range.start));
            }
            Payload::End(offset) => at = offset,
            _ => {}
        }
    }
    if functions != codes {
        return Err(Error::malformed("function and code section have inconsistent lengths", at));
    }
    if data_count.is_some_and(|count| count != data) {
        return Err(Error::malformed("data count and data section have inconsistent lengths", at));
    }
    match needs_data_count {
        Some(offset) if data_count.is_none() => Err(Error::malformed("data count section required", offset)),
        _ => Ok(()),
    }
}

fn drain<'a, T: wasmparser::FromReader<'a>>(section: wasmparser::SectionLimited<'a, T>) -> Result<()> {
    section.into_iter().try_for_each(|item| item.map(drop)).map_err(malformed)
}

/// Reads a body's locals and instructions; notes the first instruction that takes a data index.
fn read_body(body: &FunctionBody<'_>, features: Features, takes_data: &mut Option<u64>) -> Result<()> {
    use wasmparser::Operator as Op;
    let mut locals: u64 = 0;
    let mut reader: BinaryReader<'_> = body.get_binary_reader();
    reader.set_features(features.flags());
    for _ in 0..reader.read_var_u32().map_err(malformed)? {
        let at = reader.original_position();
        locals += u64::from(reader.read_var_u32().map_err(malformed)?);
        reader.read::<wasmparser::ValType>().map_err(malformed)?;
        if locals > u64::from(u32::MAX) {
            return Err(Error::malformed("too many locals", at));
        }
    }
    let mut operators = wasmparser::OperatorsReader::new(reader);
    while !operators.eof() {
        let (op, offset) = operators.read_with_offset().map_err(malformed)?;
        if matches!(
            op,
            Op::MemoryInit { .. } | Op::DataDrop { .. } | Op::ArrayNewData { .. } | Op::ArrayInitData { .. }
        ) {
            takes_data.get_or_insert(offset);
        }
    }
    operators.finish().map_err(malformed)
}

impl ModuleInfo {
    fn read_payload(&mut self, payload: Payload<'_>, held: &mut HeldTypes) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
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
                for data in section {
                    self.read_data(&data.map_err(malformed)?)?;
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
            wasmparser::DataKind::Passive => SegmentMode::Passive,
            wasmparser::DataKind::Active { memory_index, offset_expr } => {
                SegmentMode::Active { target: *memory_index, offset: ConstExpr::read(offset_expr)? }
            }
        };
        // The segment's range ends with its bytes, which follow the mode and the length.
        let end = data.range.end as usize;
        self.data.push(DataSegment { mode, bytes: end - data.data.len()..end });
        Ok(())
    }
}
