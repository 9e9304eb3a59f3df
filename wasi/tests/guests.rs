//! Tests that the cases in `testsuite/guests/wat` cannot express: a guest whose standard input and
//! output are sockets, and a check that the guests together call every function of both previews.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use wassay_engine::{Config, Engine, Extern, Linker, Module, Store};
use wassay_wasi::{
    Access, Capture, Exit, PREVIEW_0, PREVIEW_1, WasiCtx, WasiCtxBuilder, add_imports_to_linker,
    add_to_linker,
};

fn text(name: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/wat"));
    fs::read_to_string(folder.join(format!("{name}.wat"))).unwrap()
}

/// Runs a guest with an empty directory as descriptor 3, and returns its exit code and the observed
/// calls.
fn run(text: &str, more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder) -> (u32, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let builder = WasiCtx::builder()
        .preopen(root.path(), "/", Access::ReadWrite)
        .unwrap()
        .observer(move |call| seen.lock().unwrap().push(call.to_string()));
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let context = more(builder).build().unwrap();
    let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
    add_to_linker(&mut store, &mut linker).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let Some(Extern::Func(start)) = instance.export(&store, "_start") else { panic!("no _start") };
    let code = match start.invoke(&mut store, &[]) {
        Ok(_) => 0,
        Err(error) => error.into_payload::<Exit>().unwrap().code(),
    };
    let calls = calls.lock().unwrap().clone();
    (code, calls)
}

#[test]
fn sockets() {
    let text = text("sockets");
    for preview in [PREVIEW_1, PREVIEW_0] {
        let ((input, mut to_input), (output, mut from_output)) =
            (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        to_input.write_all(b"hello").unwrap();
        let text = text.replace(PREVIEW_1, preview);
        let (code, calls) = run(&text, |builder| builder.stdin_file(input).stdout_file(output));
        assert_eq!(code, 0, "exit code is the number of the failed check:\n{}", calls.join("\n"));
        let mut sent = Vec::new();
        from_output.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"he");
    }
}

#[test]
fn add_imports_to_linker_defines_only_what_is_imported() {
    let engine = Engine::new(&Config::new()).unwrap();
    let close = r#"(import "wasi_unstable" "fd_close" (func (param i32) (result i32))) (memory"#;
    let text = text("hooray").replace("(memory", close);
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let (mut linker, out) = (Linker::new(), Capture::new(100));
    let context = WasiCtx::builder().capture_stdout(&out).build().unwrap();
    let mut store = Store::with_data(&engine, context);
    add_imports_to_linker(&mut store, &mut linker, &module).unwrap();
    let known = |linker: &Linker, module: &str, name: &str| linker.get(module, name).is_some();
    for (preview, name, defined) in [
        (PREVIEW_1, "fd_write", true),
        (PREVIEW_1, "proc_exit", true),
        (PREVIEW_0, "fd_close", true),
        (PREVIEW_0, "fd_write", false),
        (PREVIEW_1, "fd_close", false),
        (PREVIEW_1, "fd_read", false),
    ] {
        assert_eq!(known(&linker, preview, name), defined, "{preview} {name}");
    }
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let Some(Extern::Func(start)) = instance.export(&store, "_start") else { panic!("no _start") };
    start.invoke(&mut store, &[]).unwrap();
    assert_eq!(out.take(), b"Hooray it's WASI\n");
}

#[test]
fn a_shared_memory_is_refused() {
    let text = text("hooray").replace("(export \"memory\") 1)", "(export \"memory\") 1 1 shared)");
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let context = WasiCtx::builder().build().unwrap();
    let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
    add_to_linker(&mut store, &mut linker).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let Some(Extern::Func(start)) = instance.export(&store, "_start") else { panic!("no _start") };
    let error = start.invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the guest exports a shared memory, which WASI calls do not support");
}

#[test]
fn every_function_is_called() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/wat"));
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_text = path.extension().is_some_and(|extension| extension == "wat");
        if is_text && !path.file_stem().unwrap().to_str().unwrap().starts_with("all_") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    for (name, count) in [("all_preview1", 46), ("all_preview0", 45)] {
        let text = text(name);
        let functions: Vec<_> =
            text.lines().filter_map(|line| line.trim().strip_prefix("(import ")).collect();
        assert_eq!(functions.len(), count);
        for function in functions {
            let function = function.split('"').nth(3).unwrap();
            assert!(all.contains(&format!("(call ${function}")), "no guest calls {function}");
        }
    }
}
