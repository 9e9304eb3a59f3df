//! WASI preview 1 (`wasi_snapshot_preview1`) and preview 0 (`wasi_unstable`) as host functions of
//! [`wassay_engine`].
//!
//! ```
//! use wassay_engine::{Config, Engine, Linker, Module, Store};
//! use wassay_wasi::{Capture, WasiCtx, add_to_linker};
//!
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::new(&engine, &wat::parse_str(r#"(module
//!     (import "wasi_snapshot_preview1" "fd_write"
//!         (func $fd_write (param i32 i32 i32 i32) (result i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
//!     (func (export "_start")
//!         (drop (call $fd_write
//!             (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#)?)?;
//! let out = Capture::new(1 << 20);
//! let context = WasiCtx::builder().capture_stdout(&out).build()?;
//! let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
//! add_to_linker(&mut store, &mut linker)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
//! assert_eq!(out.take(), b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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

use std::any::Any;

use wassay_engine::{Linker, Module, Result, Store, StoreState};

pub use abi::flags::ClockId;
pub use call::takes_addresses;
pub use ctx::{Clocks, WasiCtx, WasiCtxBuilder};
pub use entry::Access;
pub use errno::Errno;
pub use exit::Exit;
pub use stdio::Capture;
pub use trace::CallRecord;

use define::Definer;
use define::host_fn::{Enter, enter};

/// The module name that guests import preview 1 from.
pub const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// The module name that guests import preview 0 from.
pub const PREVIEW_0: &str = "wasi_unstable";

/// Defines all functions of both previews in a linker.
///
/// The store's data is a [`WasiCtx`], or contains one and says so by [`AsMut`]:
///
/// ```
/// # use wassay_engine::{Config, Engine, Linker, Store};
/// # use wassay_wasi::{WasiCtx, add_to_linker};
/// struct State {
///     wasi: WasiCtx,
///     requests: u32,
/// }
///
/// impl AsMut<WasiCtx> for State {
///     fn as_mut(&mut self) -> &mut WasiCtx {
///         &mut self.wasi
///     }
/// }
///
/// # let engine = Engine::new(&Config::new())?;
/// let state = State { wasi: WasiCtx::builder().build()?, requests: 0 };
/// let (mut store, mut linker) = (Store::with_data(&engine, state), Linker::new());
/// add_to_linker(&mut store, &mut linker)?;
/// # assert_eq!(store.data().requests, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The functions access the memory that the calling instance exports as `memory`. `proc_exit` and
/// `proc_raise` make the host's call into the guest return an error whose payload is an [`Exit`].
///
/// # Errors
///
/// Returns an error if the linker contains one of the functions, or if there is no room for the
/// code of the host functions.
pub fn add_to_linker<T>(store: &mut Store<T>, linker: &mut Linker) -> Result<()>
where
    T: AsMut<WasiCtx> + Any + Send,
{
    define(store, linker, None, enter::<T>)
}

/// Defines those functions of both previews that a module imports and that the linker does not
/// contain yet.
///
/// The functions are those of [`add_to_linker`]. A small module starts faster this way, because
/// each definition takes time.
///
/// # Errors
///
/// Returns an error if there is no room for the code of the host functions.
pub fn add_imports_to_linker<T>(store: &mut Store<T>, linker: &mut Linker, module: &Module) -> Result<()>
where
    T: AsMut<WasiCtx> + Any + Send,
{
    define(store, linker, Some(module), enter::<T>)
}

/// Defines all functions, or those that `importer` imports and that the linker does not contain
/// yet.
fn define(
    store: &mut StoreState,
    linker: &mut Linker,
    importer: Option<&Module>,
    enter: Enter,
) -> Result<()> {
    for preview in [PREVIEW_1, PREVIEW_0] {
        let wanted = importer.map(|module| {
            let imports = module.imports().filter(|import| import.module == preview);
            imports
                .filter(|import| linker.get(preview, import.name).is_none())
                .map(|import| import.name)
                .collect()
        });
        let mut to = Definer { store, linker, module: preview, wanted, enter };
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

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
