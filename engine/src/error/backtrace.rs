//! The unresolved frames of a backtrace: addresses and their owners.
//!
//! The module `crate::backtrace` resolves the addresses to functions when the frames are read.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

/// The number of innermost frames that are kept.
pub(crate) const INNERMOST: usize = 24;

/// The number of outermost frames that are kept in addition, if there are more frames.
pub(crate) const OUTERMOST: usize = 8;

/// The functions of wasm code that were active when an [`Error`](crate::Error) arose, innermost
/// first. Only the innermost and outermost frames of a deep stack are kept.
///
/// A function that made a tail call no longer has a frame. The frames of all activations are
/// included; if a host function lies between two activations,
/// [`Frame::through_host`](crate::Frame::through_host) is set in the first frame of the outer one.
/// Frames are resolved to functions and offsets when they are read.
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
    /// The number of frames between the innermost and the outermost ones that are not kept.
    pub(crate) omitted: usize,
    pub(crate) outermost: VecDeque<RawFrame>,
    /// Whether the next frame is the first of its activation, and that activation called the
    /// previous one through a host function.
    through_host: bool,
}

/// The owner of the code of a frame. It keeps the code from being freed or replaced.
pub(crate) type CodeOwner = Arc<dyn Any + Send + Sync>;

/// A frame as an address inside the instruction at which execution left it.
#[derive(Debug)]
pub(crate) struct RawFrame {
    pub(crate) owner: CodeOwner,
    pub(crate) address: usize,
    pub(crate) through_host: bool,
}

impl Backtrace {
    /// The number of frames between the innermost and the outermost ones that are not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Marks the next frame as the first of the next outer activation.
    pub(crate) fn begin_activation(&mut self) {
        self.through_host = !self.innermost.is_empty();
    }

    /// Adds the next outer frame. Frames whose code has no owner are ignored.
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

    /// Adds `count` unknown frames of an activation that has more frames than are kept.
    pub(crate) fn omit(&mut self, count: usize) {
        if count > 0 {
            self.omitted += self.outermost.len() + count;
            self.outermost.clear();
        }
    }
}
