//! What the cases in `testsuite/guests/wat` cannot say: a guest whose standard input and output are sockets, and that together they call each
//! function of both previews.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use wassay_engine::{Config, Engine, Extern, Linker, Module, Store};
use wassay_wasi::{Access, Exit, PREVIEW_0, PREVIEW_1, WasiCtx, WasiCtxBuilder, add_to_linker};

fn text(name: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/wat"));
    fs::read_to_string(folder.join(format!("{name}.wat"))).unwrap()
}

/// Runs a guest that has an empty directory as descriptor 3 and gives the code that it ends with.
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
    let (mut store, mut linker) = (Store::new(&engine), Linker::new());
    add_to_linker(&mut store, &mut linker, more(builder).build().unwrap()).unwrap();
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
        assert_eq!(code, 0, "the check of that number failed:\n{}", calls.join("\n"));
        let mut sent = Vec::new();
        from_output.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"he");
    }
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
            assert!(all.contains(&format!("(call ${function}")), "{function} is called by no guest");
        }
    }
}
