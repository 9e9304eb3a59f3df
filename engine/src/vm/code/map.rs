//! Metadata of installed code.

use crate::vm::artifact::CallSite;

/// The kind of code in a batch. The compiler guarantees that the code behaves accordingly: see the
/// [rules](crate::vm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The stub that calls builtins, and the stub that throws.
    Stubs,
    /// Thunks, which compile functions.
    Thunks,
    /// The entry trampoline of a signature, with this number of slots.
    Entry { slots: usize },
    /// The host trampoline of a signature, with this number of slots.
    Host { slots: usize },
    /// The continuation trampoline of a signature, with this number of slots.
    Continuation { slots: usize },
    /// Functions of a module, starting with this index.
    Module { first: u32 },
}

impl Code {
    /// Whether it is the code of wasm functions, in which faults can be traps.
    pub(super) fn is_wasm(self) -> bool {
        matches!(self, Code::Module { .. })
    }
}

/// The instruction that the code generator emits for traps, `ud2`.
pub(super) const GENERATED_TRAP: [u8; 2] = [0x0f, 0x0b];

/// The instruction that wasm code uses for traps instead: `hlt`, which is privileged. In a virtual
/// machine `ud2` takes 10 µs longer, because the hypervisor intercepts it.
pub(super) const TRAP: [u8; 2] = [0xf4, 0xf4];

/// Metadata of a batch of code. It is complete before it is published, and is not changed
/// afterwards.
#[derive(Debug)]
pub(super) struct CodeMap {
    pub(super) base: usize,
    pub(super) length: usize,
    pub(super) code: Code,
    /// The previous batch in the same run of pages, at lower addresses, or null. It belongs to the
    /// same arena.
    pub(super) previous: *const CodeMap,
    /// The start of each function, as an offset from `base`, in ascending order.
    pub(super) starts: Box<[u32]>,
    /// The offsets from `base` of instructions that can fault, in ascending order, with the trap
    /// code of the fault.
    pub(super) traps: Box<[(u32, u8)]>,
    /// The calls with a handler, in ascending order of their return addresses; offsets are relative
    /// to `base`.
    pub(super) handlers: Box<[CallSite]>,
}

impl CodeMap {
    /// The offset of an address from `base`, if it is in the batch.
    pub(super) fn offset(&self, address: usize) -> Option<u32> {
        let offset = address.checked_sub(self.base).filter(|offset| *offset < self.length)?;
        u32::try_from(offset).ok()
    }

    /// The function that contains an offset, by its index in the batch, and the offset in the
    /// function.
    pub(super) fn function(&self, offset: u32) -> Option<(usize, u32)> {
        let position = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((position, offset - self.starts[position]))
    }
}

/// The code at an address in the code range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// A wasm function, with its index in its module and the offset in its code.
    Function { index: u32, offset: u32 },
    /// A stub, a thunk or a trampoline.
    Ours { offset: u32 },
    /// No live code.
    NoCode,
}
