//! Observers: modules that read the memories and tables of an instance, for scripts to compare, and
//! that change them by bulk instructions, which are rare in generated functions.

use wasm_encoder::{
    BlockType, CodeSection, Encode, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    HeapType, ImportSection, InstructionSink, MemArg, MemArgTarget, Module, ValType,
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
    /// The exports of type `[i64 i64 i64] -> [i64]` that change something.
    pub(super) changes: Vec<String>,
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
    let (mut hashes, mut changes): (Bodies, Bodies) = (Vec::new(), Vec::new());
    for (index, memory) in shape.memories.iter().enumerate().skip(shape.imported.memories) {
        let export = format!("m{index}");
        imports.import(name, &export, EntityType::Memory((*memory).into()));
        let imported = hashes.len() as u32;
        changes.extend(changes_of_memory(imported, memory, &export, features));
        hashes.push((export, hash_of_memory(imported, memory)));
    }
    let memories = hashes.len();
    // Without reference types nothing reads a table.
    let readable = if features.contains("reference-types") { shape.tables.len() } else { 0 };
    for (index, table) in shape.tables.iter().enumerate().take(readable).skip(shape.imported.tables) {
        let Ok(ty) = (*table).try_into() else { continue };
        let export = format!("t{index}");
        imports.import(name, &export, EntityType::Table(ty));
        let imported = (hashes.len() - memories) as u32;
        changes.extend(changes_of_table(imported, table, &export, features));
        hashes.push((export, hash_of_table(imported, table)));
    }
    if hashes.is_empty() {
        return None;
    }
    let ty = |parameters: usize| {
        let mut ty = vec![0x60];
        vec![ValType::I64; parameters].as_slice().encode(&mut ty);
        [ValType::I64].as_slice().encode(&mut ty);
        ty
    };
    let (mut functions, mut exports, mut code) =
        (FunctionSection::new(), ExportSection::new(), CodeSection::new());
    let types = shape.types.len() as u32;
    let typed = hashes.iter().map(|body| (types, body)).chain(changes.iter().map(|body| (types + 1, body)));
    for (index, (ty, (export, body))) in typed.enumerate() {
        functions.function(ty);
        exports.export(export, ExportKind::Func, index as u32);
        code.function(body);
    }
    let mut module = Module::new();
    shape.add_types(&[ty(2), ty(3)], &mut module);
    module.section(&imports).section(&functions).section(&exports).section(&code);
    let ranges = hashes.into_iter().map(|(export, _)| (export, END)).collect();
    let changes = changes.into_iter().map(|(export, _)| export).collect();
    Some(Observer { bytes: module.finish(), ranges, changes })
}

/// Functions with the names of their exports.
type Bodies = Vec<(String, Function)>;

/// Functions that fill, copy within and grow a memory.
fn changes_of_memory(memory: u32, ty: &MemoryType, name: &str, features: Features) -> Bodies {
    let is_64 = ty.memory64;
    let mut bodies = vec![(
        format!("grow-{name}"),
        change(&|code| {
            address(code, 0, is_64);
            code.memory_grow(memory);
            extend(code, is_64);
        }),
    )];
    if features.contains("bulk-memory") {
        let fill = change(&|code| {
            address(code, 0, is_64);
            address(code, 1, false);
            address(code, 2, is_64);
            code.memory_fill(memory).i64_const(0);
        });
        let copy = change(&|code| {
            (0..3).for_each(|local| address(code, local, is_64));
            code.memory_copy(memory, memory).i64_const(0);
        });
        bodies.extend([(format!("fill-{name}"), fill), (format!("copy-{name}"), copy)]);
    }
    bodies
}

/// Functions that fill with nulls, copy within and grow a table, as far as its type allows it.
fn changes_of_table(table: u32, ty: &TableType, name: &str, features: Features) -> Bodies {
    let is_64 = ty.table64;
    let mut bodies = Vec::new();
    if let (true, Ok(heap)) = (ty.element_type.is_nullable(), HeapType::try_from(ty.element_type.heap_type()))
    {
        let grow = change(&|code| {
            code.ref_null(heap);
            address(code, 0, is_64);
            code.table_grow(table);
            extend(code, is_64);
        });
        let fill = change(&|code| {
            address(code, 0, is_64);
            code.ref_null(heap);
            address(code, 2, is_64);
            code.table_fill(table).i64_const(0);
        });
        bodies.extend([(format!("grow-{name}"), grow), (format!("fill-{name}"), fill)]);
    }
    if features.contains("bulk-memory") {
        let copy = change(&|code| {
            (0..3).for_each(|local| address(code, local, is_64));
            code.table_copy(table, table).i64_const(0);
        });
        bodies.push((format!("copy-{name}"), copy));
    }
    bodies
}

fn change(body: &dyn Fn(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    body(&mut code);
    code.end();
    function
}

/// Pushes a parameter as an address or a length.
fn address(code: &mut InstructionSink<'_>, local: u32, is_64: bool) {
    code.local_get(local);
    wrap(code, is_64);
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
