//! Which functions an error left.

use std::collections::VecDeque;
use std::fmt;

use crate::module::Module;
use crate::vm::trace::{INNERMOST, OUTERMOST};

/// The functions of wasm code that an [`Error`](crate::Error) left, innermost first. Where they are many, only the first and the last are
/// kept.
///
/// A function that made a tail call has no frame any more. Frames of all activations are here: where a host function lies between two, the
/// outer one says so. What the frames are is looked up when they are asked for.
///
/// ```
/// use wassay_engine::{Config, Engine, Extern, Linker, Module, Store, Val};
///
/// let engine = Engine::new(&Config::new())?;
/// // (module (func (export "half") (param i32) (result i32) local.get 0 i32.const 0 i32.div_u))
/// let bytes = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x07\x08\x01\x04half\0\0\
///     \x0a\x09\x01\x07\0\x20\0\x41\0\x6e\x0b";
/// let module = Module::new(&engine, bytes)?;
/// let mut store = Store::new(&engine);
/// let instance = Linker::new().instantiate(&mut store, &module)?;
/// let Some(Extern::Func(half)) = instance.export(&store, "half") else { panic!("the module exports it") };
/// let trap = half.invoke(&mut store, &[Val::I32(1)]).unwrap_err();
/// assert_eq!(trap.backtrace().unwrap().to_string(), "  0: half (0x27)");
/// # Ok::<(), wassay_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Backtrace {
    innermost: Vec<Site>,
    /// How many frames follow those that are not kept.
    omitted: usize,
    outermost: VecDeque<Site>,
    /// Whether the next frame is the first of its activation and others lie further in.
    through_host: bool,
}

/// A frame before it is looked up: the address inside the instruction that it was left at. The module keeps the code there from being
/// replaced.
#[derive(Debug)]
struct Site {
    module: Module,
    address: usize,
    through_host: bool,
}

/// A function that was left, and where it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The module of the function.
    pub module: &'a Module,
    /// The index of the function in its module.
    pub func_index: u32,
    /// Its name, as [`Module::function_name`] has it.
    pub func_name: Option<&'a str>,
    /// Where the instruction stands in the module's bytes; the begin of the body where the function did not get to its first one.
    pub module_offset: u64,
    /// The same from the begin of the function's body, which its locals are part of.
    pub func_offset: u64,
    /// Whether the function had called a host function, which called the frame before.
    pub through_host: bool,
}

impl Backtrace {
    /// The innermost frames: all, or as many as are kept.
    pub fn innermost(&self) -> impl Iterator<Item = Frame<'_>> {
        self.innermost.iter().filter_map(Site::frame)
    }

    /// How many frames between the innermost and the outermost ones are not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The outermost frames, where there are more than the innermost ones.
    pub fn outermost(&self) -> impl Iterator<Item = Frame<'_>> {
        self.outermost.iter().filter_map(Site::frame)
    }

    /// Says that frames of an activation follow which lies further out.
    pub(crate) fn begin_activation(&mut self) {
        self.through_host = !self.innermost.is_empty();
    }

    /// Adds a frame further out.
    pub(crate) fn push(&mut self, module: Option<Module>, address: usize) {
        let through_host = std::mem::take(&mut self.through_host);
        let Some(module) = module else { return };
        let site = Site { module, address, through_host };
        if self.innermost.len() < INNERMOST {
            self.innermost.push(site);
            return;
        }
        if self.outermost.len() == OUTERMOST {
            self.outermost.pop_front();
            self.omitted += 1;
        }
        self.outermost.push_back(site);
    }

    /// Adds so many frames that are not known, of an activation that has more than are kept.
    pub(crate) fn omit(&mut self, count: usize) {
        if count > 0 {
            self.omitted += self.outermost.len() + count;
            self.outermost.clear();
        }
    }
}

impl Site {
    fn frame(&self) -> Option<Frame<'_>> {
        let (func_index, func_offset, body) = self.module.locate(self.address)?;
        Some(Frame {
            module: &self.module,
            func_index,
            func_name: self.module.function_name(func_index),
            module_offset: body + func_offset,
            func_offset,
            through_host: self.through_host,
        })
    }
}

/// A line for each frame, without a line break behind the last. Names are written as they are in the module.
impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        let mut line = |f: &mut fmt::Formatter<'_>, frame: &Frame<'_>| {
            let end = if number == 0 { "" } else { "\n" };
            let host = if frame.through_host { "     a host function\n" } else { "" };
            write!(f, "{end}{host}{number:3}: {frame}")?;
            number += 1;
            Ok(())
        };
        self.innermost().try_for_each(|frame| line(f, &frame))?;
        if self.omitted > 0 {
            write!(f, "\n     … {} more …", self.omitted)?;
        }
        self.outermost().try_for_each(|frame| line(f, &frame))
    }
}

/// The function, and the offset in its module.
impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.func_name {
            Some(name) => f.write_str(name)?,
            None => write!(f, "func[{}]", self.func_index)?,
        }
        match self.module.name() {
            Some(module) => write!(f, " ({module}+{:#x})", self.module_offset),
            None => write!(f, " ({:#x})", self.module_offset),
        }
    }
}
