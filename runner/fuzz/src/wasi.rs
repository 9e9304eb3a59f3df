//! Modules that call the functions of WASI preview 1 with random arguments.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use crate::random::Random;

/// The functions with their parameters: `i` for 32 bits, `I` for 64 bits. All return an errno.
/// Those that end the guest, and `poll_oneoff`, which waits, are left out.
const FUNCTIONS: [(&str, &str); 43] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// The largest errno of preview 1 (`notcapable`).
const LAST_ERRNO: i32 = 76;

/// Paths in the memory of the guest, each at a multiple of [`SLOT`].
const PATHS: [&str; 12] =
    ["a", "b/c", ".", "..", "../x", "/etc/passwd", "a/../../x", "a/", "//", "", "b", "a\0b"];
const SLOT: u32 = 16;

/// A module whose `_start` calls functions of WASI, and traps if one returns no errno.
pub fn wasi_module(random: &mut Random) -> Vec<u8> {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    for (index, (name, parameters)) in FUNCTIONS.iter().enumerate() {
        let parameters: Vec<ValType> =
            parameters.chars().map(|c| if c == 'I' { ValType::I64 } else { ValType::I32 }).collect();
        types.ty().function(parameters, [ValType::I32]);
        imports.import("wasi_snapshot_preview1", name, EntityType::Function(index as u32));
    }
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(FUNCTIONS.len() as u32);
    let mut memories = MemorySection::new();
    let one_page =
        MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None };
    memories.memory(one_page);
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("_start", ExportKind::Func, FUNCTIONS.len() as u32);
    let mut body = Function::new([]);
    let mut code = body.instructions();
    for _ in 0..random.between(1, 40) {
        let index = random.below(FUNCTIONS.len());
        let (name, parameters) = FUNCTIONS[index];
        for (at, parameter) in parameters.chars().enumerate() {
            match parameter {
                'I' => _ = code.i64_const(wide(random)),
                _ => _ = code.i32_const(narrow(random, name, at)),
            }
        }
        code.call(index as u32);
        code.i32_const(LAST_ERRNO).i32_gt_u().if_(wasm_encoder::BlockType::Empty).unreachable().end();
    }
    code.end();
    let mut bodies = CodeSection::new();
    bodies.function(&body);
    let mut data = DataSection::new();
    for (index, path) in PATHS.iter().enumerate() {
        data.active(0, &ConstExpr::i32_const(index as i32 * SLOT as i32), path.bytes());
    }
    // Vectors of buffers, some of which end after the memory.
    let vectors = random.bytes(128).into_iter().enumerate();
    data.active(
        0,
        &ConstExpr::i32_const(256),
        vectors.map(|(at, byte)| if at % 4 > 1 { byte & 1 } else { byte }),
    );
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories);
    module.section(&exports).section(&bodies).section(&data);
    module.finish()
}

/// An argument of 64 bits: offsets, sizes, rights and times.
fn wide(random: &mut Random) -> i64 {
    match random.below(4) {
        0 => random.below(4096) as i64,
        1 => -1,
        2 => random.bits().cast_signed(),
        _ => 1 << random.below(64),
    }
}

/// An argument of 32 bits. The first one is mostly a descriptor, others are addresses or lengths.
fn narrow(random: &mut Random, name: &str, at: usize) -> i32 {
    let is_descriptor =
        at == 0 && (name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_"));
    match random.below(10) {
        _ if is_descriptor && random.chance(90) => random.below(8) as i32,
        0..4 => (random.below(PATHS.len() + 1) as u32 * SLOT) as i32,
        4..6 => random.below(16) as i32,
        6 => 256 + 8 * random.below(12) as i32,
        7 => 0xfff0 + random.below(32) as i32,
        8 => -1 - random.below(8) as i32,
        _ => random.bits() as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_valid() {
        for number in 0..50 {
            let module = wasi_module(&mut Random::of_case(2, number));
            wasmparser::validate(&module).unwrap();
        }
    }
}
