//! What `wassay fuzz` runs on the engine and WASI directly.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use wassay_engine::{Config, Engine, ErrorKind, Extern, HashedBytes, Linker, Module, Store, Val, ValType};
use wassay_wasi::{Access, Capture, WasiCtx, add_imports_to_linker};

use super::run::cached::precompiled;

/// How long a program may run.
const TIME: Duration = Duration::from_secs(2);

/// Defines what a module imports.
type Define = fn(&mut Store<WasiCtx>, &mut Linker, &Module) -> wassay_engine::Result<()>;
/// Compiles a module.
type Compile = fn(&Engine, &[u8]) -> wassay_engine::Result<Module>;

/// Runs a WASI program with a folder as its only directory. It may end in any way, except by a
/// trap of its own code, by which it reports a result that is not an errno.
pub(crate) fn run_wasi(bytes: &[u8], folder: &Path) -> Result<(), String> {
    run_wasi_as(add_imports_to_linker, bytes, folder)
}

/// Likewise, with the functions that `define` defines.
fn run_wasi_as(define: Define, bytes: &[u8], folder: &Path) -> Result<(), String> {
    let engine = Engine::new(&Config::new()).map_err(|error| error.to_string())?;
    let module = Module::new(&engine, bytes).map_err(|error| error.to_string())?;
    let (out, err) = (Capture::new(1 << 16), Capture::new(1 << 16));
    let ctx = WasiCtx::builder()
        .arg("fuzz")
        .env("A", "b")
        .stdin_bytes("input")
        .capture_stdout(&out)
        .capture_stderr(&err)
        .preopen(folder, "/", Access::ReadWrite)
        .and_then(|builder| builder.build())
        .map_err(|error| format!("cannot open the folder: {error}"))?;
    let mut store = Store::with_data(&engine, ctx);
    store.set_deadline(Some(Instant::now() + TIME));
    let mut linker = Linker::new();
    define(&mut store, &mut linker, &module).map_err(|error| error.to_string())?;
    let instance = linker.instantiate(&mut store, &module).map_err(|error| error.to_string())?;
    let Some(Extern::Func(start)) = instance.export(&store, "_start") else {
        return Err("the module has no `_start`".to_owned());
    };
    match start.invoke(&mut store, &[]) {
        Err(error) if matches!(error.kind(), ErrorKind::Trap(_)) => {
            Err(format!("a function of WASI trapped or returned no errno: {error}"))
        }
        _ => Ok(()),
    }
}

/// Compiles a module to an object file.
pub(crate) fn object(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let engine = Engine::new(&Config::new()).map_err(|error| error.to_string())?;
    let object = Module::compile_to_object(&engine, &HashedBytes::new(bytes.to_vec()), &|_, _| ());
    object.map_err(|error| error.to_string())
}

/// Runs the module in an object file, which may be damaged: it is refused, or does what the module
/// in it does when it is compiled again.
pub(crate) fn run_object(object: &[u8], folder: &Path) -> Result<(), String> {
    run_object_as(Module::new, object, folder)
}

/// Likewise, with `compile` to compile the module again.
fn run_object_as(compile: Compile, object: &[u8], folder: &Path) -> Result<(), String> {
    let path = folder.join("module.o");
    std::fs::write(&path, object).map_err(|error| error.to_string())?;
    let file = File::open(&path).map_err(|error| error.to_string())?;
    let engine = Engine::new(&Config::new()).map_err(|error| error.to_string())?;
    let Ok(module) = precompiled(&engine, file) else { return Ok(()) };
    let compiled = compile(&engine, module.bytes())
        .map_err(|error| format!("the object file has an invalid module: {error}"))?;
    let (one, other) = (outcome(&engine, &module), outcome(&engine, &compiled));
    if one == other { Ok(()) } else { Err(format!("the object file's code: {one}; compiled again: {other}")) }
}

/// What the exported functions of a module return for zeros.
fn outcome(engine: &Engine, module: &Module) -> String {
    let mut store = Store::new(engine);
    store.set_deadline(Some(Instant::now() + TIME));
    let instance = match Linker::new().instantiate(&mut store, module) {
        Ok(instance) => instance,
        Err(error) => return format!("{:?}", error.kind()),
    };
    let exports: Vec<(String, Extern)> =
        instance.exports(&store).map(|(name, export)| (name.to_owned(), export)).collect();
    let mut outcome = String::new();
    for (name, export) in exports {
        let Extern::Func(function) = export else { continue };
        let zero = |ty: &ValType| match ty {
            ValType::I32 => Some(Val::I32(0)),
            ValType::I64 => Some(Val::I64(0)),
            ValType::F32 => Some(Val::F32(0)),
            ValType::F64 => Some(Val::F64(0)),
            ValType::V128 => Some(Val::V128(0)),
            ValType::Ref(_) => None,
        };
        let Some(arguments) = function.ty(&store).params().iter().map(zero).collect::<Option<Vec<Val>>>()
        else {
            continue;
        };
        match function.invoke(&mut store, &arguments) {
            Ok(results) => {
                let numbers = results.into_iter().map(|value| match value {
                    Val::Ref(_) => "a reference".to_owned(),
                    number => format!("{number:?}"),
                });
                outcome.push_str(&format!("{name}: {}; ", numbers.collect::<Vec<_>>().join(", ")));
            }
            Err(error) => outcome.push_str(&format!("{name}: {:?}; ", error.kind())),
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use wassay_engine::{ExternType, Func, FuncType};
    use wassay_fuzz::{Random, wasi_module};

    use super::*;
    use crate::scratch;

    /// Defines the functions that a module imports: each returns what is not an errno.
    fn no_errno(
        store: &mut Store<WasiCtx>,
        linker: &mut Linker,
        module: &Module,
    ) -> wassay_engine::Result<()> {
        for import in module.imports() {
            let ExternType::Func(function) = import.ty else { continue };
            let function = Func::alloc(store, FuncType::clone(&function.ty), |_, _, results| {
                results.fill(Val::I32(77));
                Ok(())
            })?;
            linker.define(import.module, import.name, function)?;
        }
        Ok(())
    }

    #[test]
    fn a_result_of_wasi_that_is_not_an_errno_is_noticed() {
        let (folder, module) = (scratch::folder().unwrap(), wasi_module(&mut Random::of_case(1, 1)));
        assert_eq!(run_wasi(&module, folder.path()), Ok(()));
        let why = run_wasi_as(no_errno, &module, folder.path()).unwrap_err();
        assert!(why.contains("returned no errno"), "{why}");
    }

    #[test]
    fn code_of_an_object_file_that_does_something_else_is_noticed() {
        fn module(constant: i32) -> Vec<u8> {
            let text = format!("(module (func (export \"f\") (result i32) (i32.const {constant})))");
            wassay_script::quoted(text.as_bytes()).unwrap()
        }
        let (folder, object) = (scratch::folder().unwrap(), object(&module(7)).unwrap());
        assert_eq!(run_object(&object, folder.path()), Ok(()));
        let compile: Compile = |engine, _| Module::new(engine, &module(8));
        let why = run_object_as(compile, &object, folder.path()).unwrap_err();
        assert_eq!(why, "the object file's code: f: I32(7); ; compiled again: f: I32(8); ");
    }
}
