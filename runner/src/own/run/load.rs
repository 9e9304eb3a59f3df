//! Loads and compiles a module in binary or text format.

use std::io;
use std::path::Path;
use std::time::Instant;

use wassay_engine::{Engine, Module};
use wassay_script::quoted;
use wassay_script::source::Source;

use crate::exit::Error;

/// The magic number of binaries.
const MAGIC: &[u8] = b"\0asm";

/// The layer field of a component, after the version (component model, "Binary").
const COMPONENT_LAYER: &[u8] = &[1, 0];

/// Loads a module. A file without the magic number is treated as text.
pub(super) fn module(engine: &Engine, file: &Path) -> Result<Module, Error> {
    let begun = Instant::now();
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    if bytes.is_empty() {
        return Err(of_module(file, "the file is empty; expected a module in binary or text format"));
    }
    let bytes = if bytes.starts_with(MAGIC) { bytes } else { encode(file, bytes)? };
    if bytes.get(6..8) == Some(COMPONENT_LAYER) {
        return Err(component(file));
    }
    tracing::debug!(file = %file.display(), bytes = bytes.len(), took = ?begun.elapsed(), "loaded a module");
    Module::new(engine, &bytes).map_err(|error| of_module(file, error))
}

/// An error about the module in a file.
pub(super) fn of_module(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::Module(format!("{}: {what}", file.display()))
}

fn encode(file: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let text = String::from_utf8(bytes).map_err(|_| {
        of_module(file, "not a WebAssembly module: it does not begin with `\\0asm` and is not UTF-8 text")
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
    let what = "this is a component (WASI preview 2), and wassay runs core modules only: build it for preview 1 \
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
