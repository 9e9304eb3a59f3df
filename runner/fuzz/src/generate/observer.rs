//! Observers: modules that read the memories and tables of an instance, for scripts to compare.

use wasm_encoder::{
    BlockType, CodeSection, Encode, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstructionSink, MemArg, MemArgTarget, Module, ValType,
};
use wasmparser::{MemoryType, TableType};
use wassay_terms::Features;

use crate::shape::Shape;

/// An observer, and what to call in it.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    pub(super) bytes: Vec<u8>,
    /// The exports of type `[i64 i64] -> [i64]`, with the range to pass.
    pub(super) ranges: Vec<(String, u64)>,
}

/// The maximum number of bytes or elements of a range. Modules have smaller memories and tables,
/// and what is beyond the end is not read.
const END: u64 = 1 << 20;

/// The observer of what a module defines, whose instance is registered under a name; `None` if
/// there is nothing to observe.
///
/// For the memory `m0` and the table `t0` it exports functions of the same names, which return a
/// hash of the bytes, or of which elements are null, in a range, and of the size. So a difference
/// can be searched by halving the range.
pub(super) fn observer(shape: &Shape, name: &str, features: Features) -> Option<Observer> {
    let mut imports = ImportSection::new();
    let mut bodies: Vec<(String, Function)> = Vec::new();
    for (index, memory) in shape.memories.iter().enumerate().skip(shape.imported.memories) {
        let export = format!("m{index}");
        imports.import(name, &export, EntityType::Memory((*memory).into()));
        bodies.push((export, hash_of_memory(bodies.len() as u32, memory)));
    }
    let tables = bodies.len();
    // Without reference types nothing reads a table.
    let readable = if features.contains("reference-types") { shape.tables.len() } else { 0 };
    for (index, table) in shape.tables.iter().enumerate().take(readable).skip(shape.imported.tables) {
        let Ok(ty) = (*table).try_into() else { continue };
        let export = format!("t{index}");
        imports.import(name, &export, EntityType::Table(ty));
        bodies.push((export, hash_of_table((bodies.len() - tables) as u32, table)));
    }
    if bodies.is_empty() {
        return None;
    }
    let mut ty = vec![0x60];
    [ValType::I64, ValType::I64].as_slice().encode(&mut ty);
    [ValType::I64].as_slice().encode(&mut ty);
    let (mut functions, mut exports, mut code) =
        (FunctionSection::new(), ExportSection::new(), CodeSection::new());
    let mut ranges = Vec::new();
    for (index, (export, body)) in bodies.iter().enumerate() {
        functions.function(shape.types.len() as u32);
        exports.export(export, ExportKind::Func, index as u32);
        code.function(body);
        ranges.push((export.clone(), END));
    }
    let mut module = Module::new();
    shape.types_and(&[ty]).add_to(&mut module);
    module.section(&imports).section(&functions).section(&exports).section(&code);
    Some(Observer { bytes: module.finish(), ranges })
}

/// The locals of a hash function.
const FROM: u32 = 0;
const TO: u32 = 1;
const HASH: u32 = 2;

fn hash_of_memory(memory: u32, ty: &MemoryType) -> Function {
    // The length in bytes; memory 0 of the imports comes first.
    let page = ty.page_size_log2.unwrap_or(16);
    let length = |code: &mut InstructionSink<'_>| {
        code.memory_size(memory);
        extend(code, ty.memory64);
        code.i64_const(i64::from(page)).i64_shl();
    };
    let load = |code: &mut InstructionSink<'_>| {
        code.local_get(FROM);
        wrap(code, ty.memory64);
        code.i64_load8_u(MemArg {
            offset: 0,
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        });
    };
    hash(&length, &load)
}

fn hash_of_table(table: u32, ty: &TableType) -> Function {
    let length = |code: &mut InstructionSink<'_>| {
        code.table_size(table);
        extend(code, ty.table64);
    };
    let load = |code: &mut InstructionSink<'_>| {
        code.local_get(FROM);
        wrap(code, ty.table64);
        code.table_get(table).ref_is_null().i64_extend_i32_u();
    };
    hash(&length, &load)
}

fn extend(code: &mut InstructionSink<'_>, is_64: bool) {
    if !is_64 {
        code.i64_extend_i32_u();
    }
}

fn wrap(code: &mut InstructionSink<'_>, is_64: bool) {
    if !is_64 {
        code.i32_wrap_i64();
    }
}

/// A function that combines the length with what `load` pushes at each index of a range, as far as
/// the length goes.
fn hash(length: &dyn Fn(&mut InstructionSink<'_>), load: &dyn Fn(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    // The hash begins with the length; the range ends there.
    length(&mut code);
    code.local_tee(HASH).local_get(TO).i64_lt_u().if_(BlockType::Empty);
    code.local_get(HASH).local_set(TO).end();
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(FROM).local_get(TO).i64_ge_u().br_if(1);
    code.local_get(HASH);
    load(&mut code);
    code.i64_xor().i64_const(0x0100_0000_01b3).i64_mul().local_set(HASH);
    code.local_get(FROM).i64_const(1).i64_add().local_set(FROM).br(0);
    code.end().end().local_get(HASH).end();
    function
}
