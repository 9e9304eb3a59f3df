//! The frames that an error left, before anything is known of them but an address.
//!
//! This is the lower half of a backtrace: which code the addresses belong to is looked up by the
//! upper half, `crate::backtrace`, when somebody asks.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many of the innermost frames are kept.
pub(crate) const INNERMOST: usize = 24;

/// How many of the outermost frames are kept in addition, where there are more.
pub(crate) const OUTERMOST: usize = 8;

/// The functions of wasm code that an [`Error`](crate::Error) left, innermost first. Of a deep
/// stack only the first and the last frames are kept.
///
/// A function that made a tail call no longer has a frame. The frames of all activations are
/// included: where a host function lies between two of them, the outer one says so. Frames are
/// resolved to functions and offsets when they are read.
///
/// ```
/// use wassay_engine::{Config, Engine, Instance, Module, Store, Val};
///
/// let engine = Engine::new(&Config::new())?;
/// let bytes = wat::parse_str(
///     r#"(module (func (export "half") (param i32) (result i32)
///          (i32.div_u (local.get 0) (i32.const 0))))"#,
/// )?;
/// let module = Module::new(&engine, &bytes)?;
/// let mut store = Store::new(&engine);
/// let instance = Instance::instantiate(&mut store, &module, &[])?;
/// let half = instance.get_func(&store, "half").expect("it is exported");
/// let trap = half.invoke(&mut store, &[Val::I32(1)]).unwrap_err();
/// assert_eq!(trap.backtrace().unwrap().to_string(), "  0: half (0x27)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Backtrace {
    pub(crate) innermost: Vec<RawFrame>,
    /// How many frames between the innermost and the outermost ones are not kept.
    pub(crate) omitted: usize,
    pub(crate) outermost: VecDeque<RawFrame>,
    /// Whether the next frame is the first of its activation and is called by another activation.
    through_host: bool,
}

/// What owns the code of a frame. It keeps that code from being replaced.
pub(crate) type CodeOwner = Arc<dyn Any + Send + Sync>;

/// A frame as an address inside the instruction at which it was left.
#[derive(Debug)]
pub(crate) struct RawFrame {
    pub(crate) owner: CodeOwner,
    pub(crate) address: usize,
    pub(crate) through_host: bool,
}

impl Backtrace {
    /// How many frames between the innermost and the outermost ones are not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Says that the frames of an activation follow which lies further out.
    pub(crate) fn begin_activation(&mut self) {
        self.through_host = !self.innermost.is_empty();
    }

    /// Adds a frame further out. One whose code has no owner is left out.
    pub(crate) fn push(&mut self, owner: Option<CodeOwner>, address: usize) {
        let through_host = std::mem::take(&mut self.through_host);
        let Some(owner) = owner else { return };
        let frame = RawFrame { owner, address, through_host };
        if self.innermost.len() < INNERMOST {
            self.innermost.push(frame);
            return;
        }
        if self.outermost.len() == OUTERMOST {
            self.outermost.pop_front();
            self.omitted += 1;
        }
        self.outermost.push_back(frame);
    }

    /// Adds `count` unknown frames of an activation that has more than are kept.
    pub(crate) fn omit(&mut self, count: usize) {
        if count > 0 {
            self.omitted += self.outermost.len() + count;
            self.outermost.clear();
        }
    }
}
