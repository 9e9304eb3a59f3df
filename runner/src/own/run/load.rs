//! Loads and compiles a module in binary or text format, or machine code.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::time::Instant;

use wassay_engine::{Engine, Module, ModuleBytes};
use wassay_script::quoted;
use wassay_script::source::Source;

use super::cached::{self, Cached};
use crate::exit::Error;

/// The magic number of binaries.
const MAGIC: &[u8] = b"\0asm";

/// The magic number of object files (System V ABI, "ELF Identification").
const OBJECT: &[u8] = b"\x7fELF";

/// The layer field of a component, after the version (component model, "Binary").
const COMPONENT_LAYER: &[u8] = &[1, 0];

/// Loads a module, with code from the cache. A file without the magic number is treated as text; an
/// object file is rejected unless machine code is allowed.
pub(super) fn module(
    engine: &Engine,
    file: &Path,
    cached: &mut Cached,
    allow_precompiled: bool,
) -> Result<Module, Error> {
    let begun = Instant::now();
    if let Some(object) = object(file)? {
        if !allow_precompiled {
            return Err(Error::Usage(format!(
                "{}: this is machine code, which is not sandboxed; if you trust the file, run it with \
                --allow-precompiled",
                file.display()
            )));
        }
        return cached::precompiled(engine, object).map_err(|error| of_module(file, error));
    }
    let bytes = bytes(file)?;
    tracing::debug!(file = %file.display(), bytes = bytes.len(), took = ?begun.elapsed(), "loaded a module");
    cached.module(engine, bytes).map_err(|error| of_module(file, error))
}

/// Opens a file if it is an object file.
fn object(path: &Path) -> Result<Option<File>, Error> {
    // What is not a regular file can be read only once.
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut magic = [0; OBJECT.len()];
    let is_object = file.read_exact(&mut magic).is_ok() && magic == *OBJECT;
    Ok((is_object && file.rewind().is_ok()).then_some(file))
}

/// Reads a module in binary or text format, as a binary.
pub(in crate::own) fn bytes(file: &Path) -> Result<ModuleBytes, Error> {
    let bytes = ModuleBytes::read(file).map_err(|error| unreadable(file, &error))?;
    if bytes.is_empty() {
        return Err(of_module(file, "the file is empty; expected a module in binary or text format"));
    }
    let bytes = if bytes.starts_with(MAGIC) { bytes } else { encode(file, &bytes)?.into() };
    if bytes.get(6..8) == Some(COMPONENT_LAYER) {
        return Err(component(file));
    }
    Ok(bytes)
}

/// An error about the module in a file.
pub(in crate::own) fn of_module(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::Module(format!("{}: {what}", file.display()))
}

fn encode(file: &Path, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let text = str::from_utf8(bytes).map_err(|_| {
        of_module(file, "not a WebAssembly module: it does not begin with `\\0asm` and is not UTF-8 text")
    })?;
    quoted(text.as_bytes()).map_err(|error| {
        let name = file.display().to_string();
        if text.get(error.offset..).is_some_and(|rest| rest.starts_with("component")) {
            return component(file);
        }
        let place = Source::new(name.clone(), text).place(error.offset);
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
