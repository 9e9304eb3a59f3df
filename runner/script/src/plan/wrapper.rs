//! Wrapper modules: assertions as exported functions `[] -> [i32]`.
//!
//! A wrapper is a separate module for an instance under test. It has the types of the instance's
//! module, imports the functions and globals under test, has the arguments as constants and
//! compares the results bit by bit. So no values need to be passed through the engine's interface,
//! which may not support vectors, exceptions or NaN payloads.

use std::collections::HashMap;

use wasm_encoder::{
    BlockType, Catch, CodeSection, ConstExpr, Encode, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, Ieee32, Ieee64, ImportSection, InstructionSink, Module,
    RawSection, SectionId, ValType,
};

use crate::value::{HeapType, Pattern, Reference, Value};

use super::check::{self, Check, HIGH, LOW, reference};
use super::module::{self, Info, Passed};

/// The module name of the instance's exports in a wrapper.
const INSTANCE: &str = "m";
/// The module name of the two host functions.
pub(crate) const HOST: &str = "$h";

/// A call or a read of a global, with its expected result.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) export: &'a str,
    pub(super) call: Call<'a>,
    pub(super) wanted: Wanted<'a>,
}

/// The action of an item.
#[derive(Debug)]
pub(super) enum Call<'a> {
    Function(module::Function, &'a [Value]),
    Global(module::Global),
}

/// When an item returns 0.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// The results match these patterns; otherwise it returns the number of the first mismatch,
    /// from 1.
    Results(&'a [Pattern]),
    /// It returns.
    Return,
    /// Never: it returns 1 if the call returns.
    NoReturn,
    /// The call throws an exception; 1 if it returns.
    Exception,
}

/// The requirements of an item beyond those of the instance's module. Items with different
/// requirements are in different wrappers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needs {
    /// The host functions that create and compare references.
    pub(super) host: bool,
    /// Catching exceptions.
    pub(super) catch: bool,
}

impl Item<'_> {
    pub(super) fn needs(&self) -> Needs {
        let host_value =
            |value: &Value| matches!(value, Value::Ref(Reference::Extern(Some(_)) | Reference::Host(_)));
        let arguments = match &self.call {
            Call::Function(_, arguments) => arguments.iter().any(host_value),
            Call::Global(_) => false,
        };
        let compared = match self.wanted {
            Wanted::Results(patterns) => self.results().iter().zip(patterns).any(|(ty, pattern)| {
                alternatives(pattern)
                    .any(|pattern| check::check(*ty, pattern).is_some_and(|(check, _)| check.needs_host()))
            }),
            _ => false,
        };
        Needs { host: arguments || compared, catch: matches!(self.wanted, Wanted::Exception) }
    }

    /// The types of its results.
    pub(super) fn results(&self) -> &[Passed] {
        match &self.call {
            Call::Function(function, _) => &function.results,
            Call::Global(global) => std::slice::from_ref(&global.content),
        }
    }
}

/// The patterns that a value may match.
fn alternatives(pattern: &Pattern) -> Box<dyn Iterator<Item = &Pattern> + '_> {
    match pattern {
        Pattern::Either(patterns) => Box::new(patterns.iter().flat_map(alternatives)),
        one => Box::new(std::iter::once(one)),
    }
}

/// The exports that return the bits of the last unexpected value, 32 each, the lowest first.
pub(super) const NOTED: [&str; 4] = ["a0", "a1", "a2", "a3"];

/// Builds the wrapper of items with the same requirements, which exports this number of the words
/// in [`NOTED`]. Item `k` is its export `k`. `legacy` selects which of the two proposals is used to
/// catch exceptions.
pub(super) fn build(
    info: &Info,
    items: &[Item<'_>],
    (needs, words): (Needs, usize),
    legacy: bool,
) -> Vec<u8> {
    let noted = NOTED.get(..words).unwrap_or(&NOTED);
    let mut builder = Builder::new(info, needs, noted);
    items.iter().for_each(|item| builder.import(item));
    builder.first_check = builder.imported + items.len() as u32 + noted.len() as u32;
    let bodies: Vec<Function> = items.iter().map(|item| builder.item(item, legacy)).collect();
    builder.finish(bodies)
}

struct Builder<'a> {
    info: &'a Info,
    needs: Needs,
    /// The exports that return the last unexpected value.
    noted: &'static [&'static str],
    imports: ImportSection,
    /// The number of imported functions, and the index of each.
    imported: u32,
    functions: HashMap<Box<str>, u32>,
    /// The index of each imported global.
    globals: HashMap<Box<str>, u32>,
    /// The index of the first check.
    first_check: u32,
    checks: Vec<Check>,
}

impl<'a> Builder<'a> {
    fn new(info: &'a Info, needs: Needs, noted: &'static [&'static str]) -> Self {
        let (mut imports, mut imported) = (ImportSection::new(), 0);
        if needs.host {
            imports.import(HOST, "host", EntityType::Function(info.types()));
            imports.import(HOST, "eq", EntityType::Function(info.types() + 1));
            imported = 2;
        }
        let (functions, globals) = (HashMap::new(), HashMap::new());
        let (first_check, checks) = (0, Vec::new());
        Builder { info, needs, noted, imports, imported, functions, globals, first_check, checks }
    }

    fn import(&mut self, item: &Item<'_>) {
        match &item.call {
            Call::Function(function, _) if !self.functions.contains_key(item.export) => {
                self.imports.import(INSTANCE, item.export, EntityType::Function(function.type_index));
                self.functions.insert(item.export.into(), self.imported);
                self.imported += 1;
            }
            Call::Global(global) if !self.globals.contains_key(item.export) => {
                self.imports.import(INSTANCE, item.export, global.ty);
                self.globals.insert(item.export.into(), self.globals.len() as u32);
            }
            _ => {}
        }
    }

    fn item(&mut self, item: &Item<'_>, legacy: bool) -> Function {
        let results = item.results();
        let patterns = match item.wanted {
            Wanted::Results(patterns) if patterns.len() == results.len() => Some(patterns),
            _ => None,
        };
        let in_locals = patterns.is_some_and(|patterns| {
            results.len() > 1 || patterns.iter().any(|pattern| matches!(pattern, Pattern::Either(_)))
        });
        let locals = if in_locals { results.iter().map(|ty| local(*ty)).collect() } else { Vec::new() };
        let mut function = Function::new_with_locals_types(locals);
        let mut code = function.instructions();
        match (item.wanted, patterns) {
            (Wanted::Exception, _) if legacy => {
                code.try_(BlockType::Empty);
                self.returns(&mut code, item, 1);
                code.catch_all().i32_const(0).return_().end().unreachable();
            }
            (Wanted::Exception, _) => {
                code.block(BlockType::Empty).try_table(BlockType::Empty, [Catch::All { label: 0 }]);
                self.returns(&mut code, item, 1);
                code.end().end().i32_const(0);
            }
            (Wanted::Return, _) => self.returns(&mut code, item, 0),
            (_, Some(patterns)) if in_locals => {
                self.call(&mut code, item);
                (0..results.len() as u32).rev().for_each(|index| {
                    code.local_set(index);
                });
                for (index, (ty, pattern)) in results.iter().zip(patterns).enumerate() {
                    self.compare_local(&mut code, index as u32, *ty, pattern);
                    code.if_(BlockType::Empty).i32_const(index as i32 + 1).return_().end();
                }
                code.i32_const(0);
            }
            (_, Some([pattern])) => {
                self.call(&mut code, item);
                self.compare(&mut code, results[0], pattern);
            }
            (_, Some(_)) => self.returns(&mut code, item, 0),
            // An unexpected return, or a different number of results: record the first.
            (_, None) => {
                self.call(&mut code, item);
                (1..results.len()).for_each(|_| {
                    code.drop();
                });
                match results.first() {
                    Some(ty) => self.note(&mut code, *ty),
                    None => {
                        code.i32_const(1);
                    }
                }
            }
        }
        code.end();
        function
    }

    /// Emits code that calls, drops the results, and returns a number.
    fn returns(&self, code: &mut InstructionSink<'_>, item: &Item<'_>, number: i32) {
        self.call(code, item);
        item.results().iter().for_each(|_| {
            code.drop();
        });
        code.i32_const(number).return_();
    }

    fn call(&self, code: &mut InstructionSink<'_>, item: &Item<'_>) {
        match &item.call {
            Call::Function(function, arguments) => {
                for (ty, value) in function.parameters.iter().zip(*arguments) {
                    argument(code, *ty, *value);
                }
                code.call(self.functions.get(item.export).copied().unwrap_or_default());
            }
            Call::Global(_) => {
                code.global_get(self.globals.get(item.export).copied().unwrap_or_default());
            }
        }
    }

    /// Emits code that compares the value on the stack, and leaves 0 if it is as expected, else 1.
    fn compare(&mut self, code: &mut InstructionSink<'_>, ty: Passed, pattern: &Pattern) {
        match check::check(ty, pattern) {
            Some((check, constants)) => {
                as_bits(code, ty);
                constants.push(code);
                let check = self.check(check);
                code.call(check);
            }
            None => self.note(code, ty),
        }
    }

    /// Emits code that compares the value in a local with each of the alternatives.
    fn compare_local(&mut self, code: &mut InstructionSink<'_>, local: u32, ty: Passed, pattern: &Pattern) {
        for (index, pattern) in alternatives(pattern).enumerate() {
            code.local_get(local);
            self.compare(code, ty, pattern);
            if index > 0 {
                code.i32_and();
            }
        }
    }

    fn note(&mut self, code: &mut InstructionSink<'_>, ty: Passed) {
        as_bits(code, ty);
        let check = self.check(check::noted(ty));
        code.call(check);
    }

    /// The index of the function of a check.
    fn check(&mut self, check: Check) -> u32 {
        let at = self.checks.iter().position(|known| *known == check).unwrap_or_else(|| {
            self.checks.push(check);
            self.checks.len() - 1
        });
        self.first_check + at as u32
    }

    fn finish(self, bodies: Vec<Function>) -> Vec<u8> {
        let types = Types::new(self.info, self.needs, &self.checks);
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (index, body) in bodies.iter().enumerate() {
            functions.function(types.item);
            exports.export(&index.to_string(), ExportKind::Func, self.imported + index as u32);
            code.function(body);
        }
        for (index, name) in self.noted.iter().enumerate() {
            functions.function(types.item);
            exports.export(name, ExportKind::Func, self.imported + (bodies.len() + index) as u32);
            code.function(&noted_word(self.globals.len() as u32, index as u32));
        }
        for (index, check) in self.checks.iter().enumerate() {
            functions.function(types.first_check + index as u32);
            // The host's comparison is the second import.
            code.function(&check.body(1, self.globals.len() as u32));
        }
        let mut module = Module::new();
        module.section(&RawSection { id: SectionId::Type.into(), data: &types.section });
        module.section(&self.imports).section(&functions);
        module.section(&noted_globals()).section(&exports).section(&code);
        module.finish()
    }
}

/// The type section of a wrapper: the types of the module, then its own.
struct Types {
    section: Vec<u8>,
    /// The type of items.
    item: u32,
    /// The type of the first check.
    first_check: u32,
}

impl Types {
    fn new(info: &Info, needs: Needs, checks: &[Check]) -> Types {
        let host: &[(&[ValType], ValType)] = match needs.host {
            true => {
                &[(&[ValType::I32], ValType::EXTERNREF), (&[ValType::EXTERNREF, ValType::I32], ValType::I32)]
            }
            false => &[],
        };
        let own = host.len() + 1 + checks.len();
        let mut entries = Vec::with_capacity(8 * own);
        for (parameters, result) in host {
            function_type(&mut entries, parameters, *result);
        }
        function_type(&mut entries, &[], ValType::I32);
        for check in checks {
            function_type(&mut entries, &check.parameters(), ValType::I32);
        }
        let section = info.type_entries.and(own, &entries);
        let item = info.types() + host.len() as u32;
        Types { section, item, first_check: item + 1 }
    }
}

/// Appends a function type with one result (core spec, section 5.3.7).
fn function_type(entries: &mut Vec<u8>, parameters: &[ValType], result: ValType) {
    entries.push(0x60);
    parameters.encode(entries);
    [result].as_slice().encode(entries);
}

/// Pushes an argument.
fn argument(code: &mut InstructionSink<'_>, ty: Passed, value: Value) {
    match (value, ty) {
        (Value::I32(value), _) => code.i32_const(value),
        (Value::I64(value), _) => code.i64_const(value),
        (Value::F32(bits), _) => code.f32_const(Ieee32::new(bits)),
        (Value::F64(bits), _) => code.f64_const(Ieee64::new(bits)),
        (Value::V128(bits), _) => code.v128_const(bits.cast_signed()),
        (Value::Ref(Reference::Extern(Some(number)) | Reference::Host(number)), ty) => {
            let code = code.i32_const(number.cast_signed()).call(0);
            let code = match value {
                Value::Ref(Reference::Host(_)) => code.any_convert_extern(),
                _ => code,
            };
            match ty {
                Passed::Ref { nullable: false, .. } => code.ref_as_non_null(),
                _ => code,
            }
        }
        (Value::Ref(_), Passed::Ref { heap, .. }) => code.ref_null(heap),
        (Value::Ref(_), _) => code.unreachable(),
    };
}

/// Converts a float on the stack to its bits.
fn as_bits(code: &mut InstructionSink<'_>, ty: Passed) {
    match ty {
        Passed::F32 => code.i32_reinterpret_f32(),
        Passed::F64 => code.i64_reinterpret_f64(),
        _ => code,
    };
}

/// The type of a local for a value: references as nullable ones of their hierarchy.
fn local(ty: Passed) -> ValType {
    match ty {
        Passed::I32 => ValType::I32,
        Passed::I64 => ValType::I64,
        Passed::F32 => ValType::F32,
        Passed::F64 => ValType::F64,
        Passed::V128 => ValType::V128,
        Passed::Ref { top, .. } => reference(top),
    }
}

/// The globals with the bits of the last unexpected value.
fn noted_globals() -> GlobalSection {
    let mut globals = GlobalSection::new();
    for _ in [LOW, HIGH] {
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(0));
    }
    globals
}

/// A function that returns 32 bits of these globals, of which the first has this index.
fn noted_word(globals: u32, word: u32) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.global_get(globals + if word < 2 { LOW } else { HIGH });
    if word % 2 == 1 {
        code.i64_const(32).i64_shr_u();
    }
    code.i32_wrap_i64().end();
    function
}

/// Whether an argument may be passed for a parameter.
pub(super) fn accepts(ty: Passed, value: Value) -> bool {
    match (ty, value) {
        (Passed::I32, Value::I32(_))
        | (Passed::I64, Value::I64(_))
        | (Passed::F32, Value::F32(_))
        | (Passed::F64, Value::F64(_))
        | (Passed::V128, Value::V128(_)) => true,
        (Passed::Ref { top, nullable, .. }, Value::Ref(Reference::Null(heap))) => {
            nullable && heap.top() == top
        }
        (Passed::Ref { top: HeapType::Extern, heap, .. }, Value::Ref(Reference::Extern(Some(_)))) => {
            heap == wasm_encoder::HeapType::EXTERN
        }
        (Passed::Ref { top: HeapType::Any, heap, .. }, Value::Ref(Reference::Host(_))) => {
            heap == wasm_encoder::HeapType::ANY
        }
        _ => false,
    }
}
