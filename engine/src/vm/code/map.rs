//! What is known of installed code.

use crate::vm::artifact::CallSite;

/// What a batch of code is. It is what the compiler says of the functions that it made: see the
/// [rules](crate::vm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The stub that calls builtins, and the one that throws.
    Stubs,
    /// The thunks that have functions compiled.
    Thunks,
    /// The entry trampoline of a signature, whose calls have that many slots.
    Entry { slots: usize },
    /// The host trampoline of a signature, whose calls have that many slots.
    Host { slots: usize },
    /// Functions of a module, by the index of the first.
    Module { first: u32 },
}

impl Code {
    /// Whether it is the code of wasm functions: only there may a fault be a trap.
    pub(super) fn is_wasm(self) -> bool {
        matches!(self, Code::Module { .. })
    }
}

/// The instruction to which the code generator compiles traps, `ud2`.
pub(super) const GENERATED_TRAP: [u8; 2] = [0x0f, 0x0b];

/// The instruction by which wasm code traps instead: `hlt`, which only a kernel may execute. In a
/// virtual machine `ud2` takes 10 µs longer, since the hypervisor looks at it first.
pub(super) const TRAP: [u8; 2] = [0xf4, 0xf4];

/// What is known of a batch of code. It is complete before it is published, and not changed
/// afterwards.
#[derive(Debug)]
pub(super) struct CodeMap {
    pub(super) base: usize,
    pub(super) length: usize,
    pub(super) code: Code,
    /// The batch that was installed before this one in the same pages, at lower addresses, or null.
    /// It belongs to the same arena.
    pub(super) previous: *const CodeMap,
    /// Where each function begins, as an offset from `base`, ascending.
    pub(super) starts: Box<[u32]>,
    /// Offsets from `base` at which an instruction may fault, ascending, with what the fault means.
    pub(super) traps: Box<[(u32, u8)]>,
    /// The calls with a handler, by their return address, ascending; offsets count from `base`.
    pub(super) handlers: Box<[CallSite]>,
}

impl CodeMap {
    /// How far on in the batch an address is, if it is in it.
    pub(super) fn offset(&self, address: usize) -> Option<u32> {
        let offset = address.checked_sub(self.base).filter(|offset| *offset < self.length)?;
        u32::try_from(offset).ok()
    }

    /// The function that an offset is in, by its position in the batch, and how far on in the
    /// function it is.
    pub(super) fn function(&self, offset: u32) -> Option<(usize, u32)> {
        let position = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((position, offset - self.starts[position]))
    }
}

/// What is at an address in the range that holds code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// A wasm function, by its index in its module, and how far on in its code.
    Function { index: u32, offset: u32 },
    /// A stub, a thunk or a trampoline.
    Ours { offset: u32 },
    /// No code that can run.
    NoCode,
}
