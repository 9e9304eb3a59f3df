//! Builds self-checking modules from their parts.

use std::borrow::Cow;

use wasm_encoder::{BlockType, ConstExpr, DataSection, ElementSection, Elements, Encode, Function, reencode};
use wasmparser::{DataKind, ElementKind, WasmFeatures};

use super::sections::{Raw, Section, id, join, number, place};
use super::subject::{Entry, Subject, body};
use super::wrapper::{Bases, Wrapper};

/// A call by the entry function.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The index of the wrapper.
    pub wrapper: usize,
    /// The export to call.
    pub export: &'a str,
    /// The check of the returned number.
    pub check: Check,
}

/// A check of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It equals this number.
    Is(i32),
    /// Any number: the call must only return.
    Any,
}

/// Which parts of a module to include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All parts.
    Whole,
    /// Without parts that can fail on instantiation: no start function, and empty active segments.
    Still,
    /// Like `Still`, and the body of every function is `unreachable`.
    Hollow,
}

/// Builds a module. Calls of exports that a wrapper does not have are omitted.
pub fn build(
    subject: &Subject<'_>,
    form: Form,
    wrappers: &[Wrapper<'_>],
    calls: &[Call<'_>],
    entry: &Entry,
) -> Vec<u8> {
    let mut additions = subject.definitions.clone();
    let mut bases = Bases { types: subject.types, functions: subject.functions, globals: subject.globals };
    let mut places = Vec::with_capacity(wrappers.len());
    for wrapper in wrappers {
        wrapper.move_to(subject, bases, &mut additions);
        places.push(bases);
        bases = wrapper.after(bases);
    }
    let start = subject.start.filter(|_| form == Form::Whole);
    let first = start.filter(|_| *entry == Entry::Start);
    let made = calls.iter().filter_map(|call| {
        let (wrapper, place) = (wrappers.get(call.wrapper)?, places.get(call.wrapper)?);
        Some((wrapper.exported(*place, call.export)?, call.check))
    });
    let function = entry_function(first, made);
    // A type without parameters and results (core spec, section 5.3.7).
    additions.entry(id::TYPE).or_default().add(Raw(b"\x60\0\0"));
    additions.entry(id::FUNCTION).or_default().add(bases.types);
    additions.entry(id::CODE).or_default().add(&function);
    let mut sections: Vec<Section<'_>> = subject.sections.clone();
    match entry {
        Entry::Export(name) => {
            let mut export = Vec::new();
            name.as_str().encode(&mut export);
            export.push(0);
            bases.functions.encode(&mut export);
            additions.entry(id::EXPORT).or_default().add(Raw(&export));
            if start.is_none() {
                sections.retain(|section| section.id != id::START);
            }
        }
        Entry::Start => {
            let mut body = Vec::new();
            bases.functions.encode(&mut body);
            match sections.iter_mut().find(|section| section.id == id::START) {
                Some(section) => section.body = Cow::Owned(body),
                None => place(&mut sections, Section { id: id::START, body: Cow::Owned(body) }),
            }
        }
    }
    if form != Form::Whole {
        sections.iter_mut().for_each(|section| empty(subject, form, section));
    }
    // All extended sections were parsed, so they begin with a number.
    join(sections, additions).unwrap_or_default()
}

/// A module with only an entry function, which traps or does nothing.
pub(super) fn minimal(entry: &Entry, traps: bool) -> Vec<u8> {
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let (mut functions, mut code) = (wasm_encoder::FunctionSection::new(), wasm_encoder::CodeSection::new());
    functions.function(0);
    let mut function = Function::new([]);
    if traps {
        function.instructions().unreachable();
    }
    function.instructions().end();
    code.function(&function);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions);
    match entry {
        Entry::Export(name) => {
            let mut exports = wasm_encoder::ExportSection::new();
            exports.export(name, wasm_encoder::ExportKind::Func, 0);
            module.section(&exports);
        }
        Entry::Start => {
            module.section(&wasm_encoder::StartSection { function_index: 0 });
        }
    }
    module.section(&code);
    module.finish()
}

fn entry_function(first: Option<u32>, calls: impl Iterator<Item = (u32, Check)>) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    if let Some(start) = first {
        code.call(start);
    }
    for (callee, check) in calls {
        code.call(callee);
        match check {
            Check::Is(0) => code.if_(BlockType::Empty).unreachable().end(),
            Check::Is(number) => code.i32_const(number).i32_ne().if_(BlockType::Empty).unreachable().end(),
            Check::Any => code.drop(),
        };
    }
    code.end();
    function
}

/// Removes the parts of a section that a module of this form does not have. An unparsable section
/// is unchanged.
fn empty(subject: &Subject<'_>, form: Form, section: &mut Section<'_>) {
    let emptied = match section.id {
        id::ELEMENT => elements(subject, &section.body),
        id::DATA => data(subject, &section.body),
        id::CODE if form == Form::Hollow => number(&section.body).map(|(count, _)| {
            let mut body = Vec::new();
            count.encode(&mut body);
            // Three bytes: no locals, `unreachable`, `end`.
            (0..count).for_each(|_| body.extend_from_slice(b"\x03\0\0\x0b"));
            body
        }),
        _ => None,
    };
    if let Some(emptied) = emptied {
        section.body = Cow::Owned(emptied);
    }
}

fn offset(is_64: bool) -> ConstExpr {
    if is_64 { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) }
}

fn data(subject: &Subject<'_>, section: &[u8]) -> Option<Vec<u8>> {
    let reader = wasmparser::BinaryReader::new_features(section, 0, WasmFeatures::all());
    let mut written = DataSection::new();
    for segment in wasmparser::DataSectionReader::new(reader).ok()? {
        let segment = segment.ok()?;
        match segment.kind {
            DataKind::Passive => written.passive(segment.data.iter().copied()),
            DataKind::Active { memory_index, .. } => {
                let is_64 = subject.memories.get(memory_index as usize).copied().unwrap_or_default();
                written.active(memory_index, &offset(is_64), [])
            }
        };
    }
    Some(body(&written))
}

fn elements(subject: &Subject<'_>, section: &[u8]) -> Option<Vec<u8>> {
    use wasm_encoder::reencode::utils;
    let reader = wasmparser::BinaryReader::new_features(section, 0, WasmFeatures::all());
    let mut written = ElementSection::new();
    let mut same = reencode::RoundtripReencoder;
    for segment in wasmparser::ElementSectionReader::new(reader).ok()? {
        let segment = segment.ok()?;
        let ElementKind::Active { table_index, .. } = segment.kind else {
            utils::parse_element(&mut same, &mut written, segment).ok()?;
            continue;
        };
        let is_64 = subject.tables.get(table_index.unwrap_or(0) as usize).copied().unwrap_or_default();
        let none = match utils::element_items(&mut same, segment.items).ok()? {
            Elements::Functions(_) => Elements::Functions((&[]).into()),
            Elements::Expressions(ty, _) => Elements::Expressions(ty, (&[]).into()),
        };
        written.active(table_index, &offset(is_64), none);
    }
    Some(body(&written))
}
