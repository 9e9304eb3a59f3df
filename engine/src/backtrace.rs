//! The resolved frames of a [`Backtrace`]: functions and offsets.

use std::fmt;

use crate::error::{Backtrace, RawFrame};
use crate::module::Module;

/// A frame of a backtrace: a function and the instruction at which execution left it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The module of the function.
    pub module: &'a Module,
    /// The index of the function in its module.
    pub func_index: u32,
    /// The function's name, from [`Module::function_name`].
    pub func_name: Option<&'a str>,
    /// The offset of the instruction in the module's bytes, or of the function's body if execution
    /// did not reach its first instruction.
    pub module_offset: u64,
    /// The offset relative to the start of the function's body, which begins with its locals.
    pub func_offset: u64,
    /// Whether the function called a host function, which then called the frame before this one.
    pub through_host: bool,
}

impl Backtrace {
    /// The innermost frames: all frames, or as many as are kept.
    pub fn innermost(&self) -> impl Iterator<Item = Frame<'_>> {
        self.innermost.iter().filter_map(Frame::of)
    }

    /// The outermost frames, if there are more frames than [`Backtrace::innermost`] returns.
    pub fn outermost(&self) -> impl Iterator<Item = Frame<'_>> {
        self.outermost.iter().filter_map(Frame::of)
    }
}

impl<'a> Frame<'a> {
    fn of(raw: &'a RawFrame) -> Option<Frame<'a>> {
        let module: &Module = raw.owner.downcast_ref()?;
        let (func_index, func_offset, body) = module.locate(raw.address)?;
        Some(Frame {
            module,
            func_index,
            func_name: module.function_name(func_index),
            module_offset: body + func_offset,
            func_offset,
            through_host: raw.through_host,
        })
    }
}

/// One line for each frame, without a line break after the last. Names are not escaped.
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
        if self.omitted() > 0 {
            write!(f, "\n     … {} more …", self.omitted())?;
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
