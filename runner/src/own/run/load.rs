//! Reads a module from a file, in the binary or in the text format, and compiles it.

use std::io;
use std::path::Path;
use std::time::Instant;

use wassay_engine::{Engine, Module};
use wassay_script::quoted;
use wassay_script::source::Source;

use crate::exit::Error;

/// What every binary begins with.
const MAGIC: &[u8] = b"\0asm";

/// How a component's binary goes on: its version, and layer 1 (component model, "Binary").
const COMPONENT_LAYER: &[u8] = &[1, 0];

/// The module in a file. What does not begin as binaries do is text.
pub(super) fn module(engine: &Engine, file: &Path) -> Result<Module, Error> {
    let begun = Instant::now();
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    if bytes.is_empty() {
        return Err(of_module(file, "the file is empty: expected a module in the binary or the text format"));
    }
    let bytes = if bytes.starts_with(MAGIC) { bytes } else { encode(file, bytes)? };
    if bytes.get(6..8) == Some(COMPONENT_LAYER) {
        return Err(component(file));
    }
    tracing::debug!(file = %file.display(), bytes = bytes.len(), took = ?begun.elapsed(), "loaded a module");
    Module::new(engine, &bytes).map_err(|error| of_module(file, error))
}

/// What is wrong with the module in a file.
pub(super) fn of_module(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::Module(format!("{}: {what}", file.display()))
}

fn encode(file: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let text = String::from_utf8(bytes).map_err(|_| {
        of_module(file, "no WebAssembly module: neither does it begin with `\\0asm`, nor is it text in UTF-8")
    })?;
    quoted(text.as_bytes()).map_err(|error| {
        let name = file.display().to_string();
        if text.get(error.offset..).is_some_and(|rest| rest.starts_with("component")) {
            return component(file);
        }
        let place = Source::new(name.clone(), &text).place(error.offset);
        Error::Module(format!("{name}:{place}: {}", error.message))
    })
}

fn component(file: &Path) -> Error {
    let what = "this is a component, as WASI preview 2 has them, and wassay runs core modules: build it for preview 1 \
        (Rust: `--target wasm32-wasip1`; C: `--target=wasm32-wasip1`; TinyGo: `-target=wasip1`)";
    of_module(file, what)
}

fn unreadable(file: &Path, error: &io::Error) -> Error {
    let file = file.display();
    Error::Usage(match error.kind() {
        io::ErrorKind::NotFound => format!("{file}: no such file; `wassay help` shows the commands"),
        _ => format!("{file}: cannot read the module: {error}"),
    })
}
