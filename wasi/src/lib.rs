//! WASI preview 1 (`wasi_snapshot_preview1`) and preview 0 (`wasi_unstable`) as host functions of [`wassay_engine`].
//!
//! A guest has nothing that its [`WasiCtx`] was not given: no directory, no variable, no descriptor.
//!
//! ```
//! use wassay_engine::{Config, Engine, Extern, Linker, Module, Store};
//! use wassay_wasi::{Capture, Exit, WasiCtx, add_to_linker};
//!
//! let bytes = wat::parse_str(r#"(module
//!     (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
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
//! add_to_linker(&mut store, &mut linker, WasiCtx::builder().capture_stdout(&out).build().unwrap())?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let Some(Extern::Func(start)) = instance.export(&store, "_start") else { panic!("it is exported") };
//! let error = start.invoke(&mut store, &[]).unwrap_err();
//! assert_eq!(error.into_payload::<Exit>().unwrap().code(), 3);
//! assert_eq!(out.take(), b"hello\n");
//! # Ok::<(), wassay_engine::Error>(())
//! ```

mod abi;
mod call;
mod ctx;
mod errno;
mod exit;
mod guest;
mod preview0;
mod stdio;
mod table;
mod trace;

use wassay_engine::{Linker, Result, StoreState};

pub use abi::flags::ClockId;
pub use ctx::{Access, Clocks, WasiCtx, WasiCtxBuilder};
pub use errno::Errno;
pub use exit::Exit;
pub use stdio::Capture;
pub use trace::CallRecord;

use abi::host_fn::Definer;

/// The name that modules import preview 1 from.
pub const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// The name that modules import preview 0 from.
pub const PREVIEW_0: &str = "wasi_unstable";

/// Defines all functions of both previews in a linker, and makes the context the store's data.
///
/// Functions work on the memory that the calling instance exports as `memory`. `proc_exit` and `proc_raise` end the host's call by an
/// error whose payload is an [`Exit`].
///
/// # Errors
///
/// Where there is no room for the code that calls the functions.
pub fn add_to_linker(store: &mut StoreState, linker: &mut Linker, ctx: WasiCtx) -> Result<()> {
    store.set_data(ctx);
    let mut preview1 = Definer { store, linker, module: PREVIEW_1 };
    call::define_common(&mut preview1)?;
    call::define_preview1(&mut preview1)?;
    let mut preview0 = Definer { store, linker, module: PREVIEW_0 };
    call::define_common(&mut preview0)?;
    preview0::define(&mut preview0)
}
