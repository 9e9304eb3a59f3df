//! The form in which a compiled function is installed: bytes and tables, bound to no address.

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::LibCall;

/// The trap code of a frame that does not fit the stack. It is not a trap of the specification, so
/// it has a number of its own.
pub(crate) const STACK_OVERFLOW: u8 = u8::MAX;

/// A compiled function.
#[derive(Debug)]
pub(crate) struct CompiledFunction {
    pub(crate) bytes: Vec<u8>,
    /// What its address must be a multiple of.
    pub(crate) align: u32,
    pub(crate) relocs: Vec<CodeReloc>,
    /// Offsets at which it may fault, ascending, with a [`Trap`](crate::Trap) by its code or
    /// [`STACK_OVERFLOW`].
    pub(crate) traps: Vec<(u32, u8)>,
    /// The calls that have a handler, in ascending order.
    pub(crate) handlers: Vec<CallSite>,
    /// Which instructions its code came from, as [`encode`](super::places::encode) has it.
    pub(crate) places: Vec<u8>,
}

/// A call whose exceptions the function handles. Offsets count from the start of the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSite {
    pub(crate) return_address: u32,
    pub(crate) handler: u32,
    /// How far the stack pointer that the handler expects lies below the frame pointer.
    pub(crate) frame_offset: u32,
}

/// A place in the bytes that depends on an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeReloc {
    pub(crate) kind: Reloc,
    pub(crate) offset: u32,
    pub(crate) addend: i64,
    pub(crate) target: RelocTarget,
}

/// What a relocation refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RelocTarget {
    /// The function at that position of the batch.
    Function(u32),
    /// A routine of the C library, which replaces an instruction that the processor lacks.
    LibCall(LibCall),
}

impl CompiledFunction {
    /// The room that the function takes up at most.
    pub(crate) fn padded_size(&self) -> usize {
        self.bytes.len() + self.align as usize
    }
}
