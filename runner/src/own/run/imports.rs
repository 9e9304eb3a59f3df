//! Checks for missing imports, with advice for common toolchains.

use std::path::Path;

use wassay_engine::{ExportType, ExternType, Linker, Module};
use wassay_wasi::{PREVIEW_0, PREVIEW_1, takes_addresses};

use super::load::of_module;
use crate::exit::Error;

/// Reports imports that are not defined, and memories that WASI cannot use.
pub(super) fn check(file: &Path, module: &Module, linker: &Linker) -> Result<(), Error> {
    let threads = |export: ExportType<'_>| matches!(export.ty, ExternType::Memory(ty) if ty.shared);
    if module.imports().any(|import| [PREVIEW_1, PREVIEW_0].contains(&import.module))
        && module.exports().any(threads)
    {
        let what = "its memory is shared, which this host's WASI does not support: build it without threads";
        return Err(of_module(file, what));
    }
    let mut missing = module.imports().filter(|import| linker.get(import.module, import.name).is_none());
    let Some(first) = missing.next() else { return Ok(()) };
    let more = match missing.count() {
        0 => String::new(),
        count => format!(" (nor {count} more of its imports)"),
    };
    let (advice, sort) = (advice(first.module, first.name), first.ty.sort());
    // Names come from the module: escape them.
    let (name, field) = (first.module.escape_debug(), first.name.escape_debug());
    Err(of_module(
        file,
        format!("imports the {sort} `{name}` `{field}`, which this host does not provide{more}: {advice}"),
    ))
}

/// The warning for a module that imports WASI functions that need a memory but exports none.
pub(super) fn want_of_memory(file: &Path, module: &Module) -> Option<String> {
    let memory = module.exports().find(|export| export.name == "memory");
    if memory.as_ref().is_some_and(|export| matches!(export.ty, ExternType::Memory(_))) {
        return None;
    }
    let mut imports = module.imports();
    let function = imports
        .find(|import| [PREVIEW_1, PREVIEW_0].contains(&import.module) && takes_addresses(import.name))?;
    let found = match memory {
        Some(export) => format!("the export `memory` is a {}, not a memory", export.ty.sort()),
        None => "exports no memory named `memory`".to_owned(),
    };
    Some(format!(
        "{}: {found}; WASI functions that take pointers, such as `{}`, will fail with FAULT",
        file.display(),
        function.name
    ))
}

/// Advice for a missing import, by the toolchain that generates such imports.
fn advice(module: &str, field: &str) -> String {
    match module {
        PREVIEW_1 | PREVIEW_0 => format!("`{module}` of WASI does not define it"),
        "gojs" | "go" => {
            "it was built with GOOS=js, for a JavaScript host; build it with GOOS=wasip1 GOARCH=wasm \
            (TinyGo: -target=wasip1)"
                .to_owned()
        }
        // Emscripten's optimiser shortens `env` to `a`.
        "env" | "a" if is_emscripten(module, field) => {
            "it was built by emscripten for a JavaScript host; link it \
            with `-sSTANDALONE_WASM`, or build it with wasi-sdk"
                .to_owned()
        }
        "env" => format!(
            "C and C++ import undefined symbols from `env`; define `{}` when linking, or \
            provide a module that exports it with `--preload env=FILE`",
            field.escape_debug()
        ),
        "wbg" | "__wbindgen_placeholder__" | "__wbindgen_externref_xform__" => {
            "it was built by wasm-bindgen for a JavaScript host; build it with `--target wasm32-wasip1`"
                .to_owned()
        }
        "wasi" if field == "thread-spawn" => {
            "it was built for wasi-threads, which this host does not support; build it without threads"
                .to_owned()
        }
        _ if module.starts_with("wasi:") => {
            "it is the core module of a component (WASI preview 2); build it \
            for preview 1 (Rust: `--target wasm32-wasip1`)"
                .to_owned()
        }
        _ => format!("provide a module that exports it with `--preload {}=FILE`", module.escape_debug()),
    }
}

/// Whether an import belongs to emscripten's runtime, and is not just an undefined symbol.
fn is_emscripten(module: &str, field: &str) -> bool {
    let prefixes = ["emscripten_", "_emscripten_", "__syscall_", "invoke_", "_embind_", "_emval_", "__cxa_"];
    module == "a" || field.starts_with("_abort_js") || prefixes.iter().any(|prefix| field.starts_with(prefix))
}
