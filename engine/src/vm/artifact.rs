//! The position-independent form of a compiled function: bytes and tables.

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::LibCall;

/// The trap code for a frame that exceeds the stack limit. It is not a trap of the specification.
pub(crate) const STACK_OVERFLOW: u8 = u8::MAX;

/// How a function is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// As fast as possible. The code counts how often it runs, and asks to be optimised.
    Quick,
    /// Optimised. The code is not replaced.
    Optimized,
}

/// A compiled function.
#[derive(Debug)]
pub(crate) struct CompiledFunction {
    pub(crate) bytes: Vec<u8>,
    /// The alignment of its address.
    pub(crate) align: u32,
    pub(crate) relocs: Vec<CodeReloc>,
    /// The offsets at which the function can fault, in ascending order, each with the code of a
    /// [`Trap`](crate::Trap) or [`STACK_OVERFLOW`].
    pub(crate) traps: Vec<(u32, u8)>,
    /// The calls that have a handler, in ascending order.
    pub(crate) handlers: Vec<CallSite>,
    /// The mapping from machine code to instructions, in the form of
    /// [`encode`](super::source_map::encode).
    pub(crate) source_map: Vec<u8>,
}

/// A call whose exceptions the function handles. Offsets are relative to the start of the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSite {
    pub(crate) return_address: u32,
    pub(crate) handler: u32,
    /// The distance from the frame pointer down to the stack pointer that the handler expects.
    pub(crate) frame_offset: u32,
}

/// A relocation: bytes that depend on an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeReloc {
    pub(crate) kind: Reloc,
    pub(crate) offset: u32,
    pub(crate) addend: i64,
    pub(crate) target: RelocTarget,
}

/// The target of a relocation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RelocTarget {
    /// The function with this index in the batch.
    Function(u32),
    /// A function of the C library, which replaces an instruction that the processor does not
    /// support.
    LibCall(LibCall),
}

impl CompiledFunction {
    /// The maximum size of the function with padding.
    pub(crate) fn padded_size(&self) -> usize {
        self.bytes.len() + self.align as usize
    }
}
