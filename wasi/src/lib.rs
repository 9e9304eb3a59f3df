//! WASI preview 1 (`wasi_snapshot_preview1`) and preview 0 (`wasi_unstable`) as host functions of
//! [`wassay_engine`].
//!
//! Guests are sandboxed: a guest can access only the directories, environment variables and
//! descriptors that its [`WasiCtx`] contains.
//!
//! - A *preview* is a version of the WASI interface. Preview 1 is the usual one.
//! - A *guest* is an instance of a program that imports these functions.
//! - A *descriptor* is the guest's number for an open file, directory, socket or standard stream.
//! - A *preopened* directory is one that the guest gets at the start, with a name of its own.
//! - *Rights* say which calls a descriptor allows; *inheriting* rights, which ones a directory
//!   passes on to what is opened through it.
//! - A *cookie* is a position in a directory, for `fd_readdir`.
//!
//! ```
//! use wassay_engine::{Config, Engine, Extern, Linker, Module, Store};
//! use wassay_wasi::{Capture, Exit, WasiCtx, add_to_linker};
//!
//! let bytes = wat::parse_str(r#"(module
//!     (import "wasi_snapshot_preview1" "fd_write"
//!         (func $fd_write (param i32 i32 i32 i32) (result i32)))
//!     (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 8) "hello\n")
//!     (func (export "_start")
//!         (i32.store (i32.const 0) (i32.const 8))
//!         (i32.store (i32.const 4) (i32.const 6))
//!         (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
//!         (call $proc_exit (i32.const 3))))"#).unwrap();
//!
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::new(&engine, &bytes)?;
//! let (mut store, mut linker, out) = (Store::new(&engine), Linker::new(), Capture::new(1 << 20));
//! let ctx = WasiCtx::builder().capture_stdout(&out).build().unwrap();
//! add_to_linker(&mut store, &mut linker, ctx)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let Some(Extern::Func(start)) = instance.export(&store, "_start") else {
//!     panic!("`_start` is exported")
//! };
//! let error = start.invoke(&mut store, &[]).unwrap_err();
//! assert_eq!(error.into_payload::<Exit>().unwrap().code(), 3);
//! assert_eq!(out.take(), b"hello\n");
//! # Ok::<(), wassay_engine::Error>(())
//! ```

mod abi;
mod call;
mod calling;
mod cookies;
mod ctx;
mod define;
mod entry;
mod errno;
mod exit;
mod guest;
mod preview0;
mod stdio;
mod table;
mod trace;

use wassay_engine::{Linker, Module, Result, StoreState};

pub use abi::flags::ClockId;
pub use call::takes_addresses;
pub use ctx::{Clocks, WasiCtx, WasiCtxBuilder};
pub use entry::Access;
pub use errno::Errno;
pub use exit::Exit;
pub use stdio::Capture;
pub use trace::CallRecord;

use define::Definer;

/// The module name that guests import preview 1 from.
pub const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// The module name that guests import preview 0 from.
pub const PREVIEW_0: &str = "wasi_unstable";

/// Defines all functions of both previews in a linker, and stores the context as the store's data.
///
/// The functions access the memory that the calling instance exports as `memory`. `proc_exit` and
/// `proc_raise` make the host's call into the guest return an error whose payload is an [`Exit`].
///
/// # Errors
///
/// Returns an error if there is no room for the code of the host functions.
pub fn add_to_linker(store: &mut StoreState, linker: &mut Linker, ctx: WasiCtx) -> Result<()> {
    store.set_data(ctx);
    define(store, linker, None)
}

/// Defines those functions of both previews that a module imports and that the linker does not
/// contain yet.
///
/// The functions are those of [`add_to_linker`]. They use the [`WasiCtx`] that is the store's
/// [data](StoreState::set_data) at the time of the call. A small module starts faster this way,
/// because each definition takes time.
///
/// # Errors
///
/// As for [`add_to_linker`].
pub fn add_imports_to_linker(store: &mut StoreState, linker: &mut Linker, module: &Module) -> Result<()> {
    define(store, linker, Some(module))
}

/// Defines all functions, or those that `importer` imports and that the linker does not contain
/// yet.
fn define(store: &mut StoreState, linker: &mut Linker, importer: Option<&Module>) -> Result<()> {
    for preview in [PREVIEW_1, PREVIEW_0] {
        let wanted = importer.map(|module| {
            let imports = module.imports().filter(|import| import.module == preview);
            imports
                .filter(|import| linker.get(preview, import.name).is_none())
                .map(|import| import.name)
                .collect()
        });
        let mut to = Definer { store, linker, module: preview, wanted };
        if to.is_empty() {
            continue;
        }
        call::define_common(&mut to)?;
        match preview {
            PREVIEW_1 => call::define_preview1(&mut to)?,
            _ => preview0::define(&mut to)?,
        }
    }
    Ok(())
}
