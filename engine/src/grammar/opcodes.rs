//! Opcodes (core spec, section 5.4) with their immediates and the features that introduced them.

use wasmparser::WasmFeatures as F;

/// The immediates of an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Immediates {
    Nothing,
    /// A block type, followed by a block up to its `end`.
    Block,
    /// Like `Block`, but with an optional `else`.
    If,
    Else,
    End,
    /// A legacy `try` with optional clauses.
    Try,
    Catch,
    CatchAll,
    Delegate,
    /// A block type and clauses, followed by a block.
    TryTable,
    /// An index.
    Index,
    /// Two indices.
    Indices,
    /// A data index, followed by another index. Both are of data segments and memories, or of types
    /// and data segments.
    TypeAndData,
    Data,
    MemoryInit,
    MemoryCopy,
    Memory,
    /// A type index and a table index; without the reference types proposal, a zero byte in place
    /// of the latter.
    CallIndirect,
    TableInit,
    TableCopy,
    /// A list of labels and a default label.
    BranchTable,
    /// The types of `select`.
    ValueTypes,
    HeapType,
    /// Flags, a label, and two heap types.
    BranchOnCast,
    MemoryArgument,
    /// A memory argument that can have an ordering.
    AtomicArgument,
    /// The same, with two orderings in one byte.
    UpdateArgument,
    /// An ordering; without the proposals that introduced it, a zero byte.
    Ordering,
    /// An ordering, followed by this number of indices.
    Ordered(u8),
    /// A memory argument and a lane index.
    MemoryLane,
    Byte,
    I32,
    I64,
    /// This number of bytes.
    Bytes(u8),
    /// This number of indices, followed by the clauses of `resume`.
    Handlers(u8),
}

use Immediates::*;

/// Opcodes of one byte.
pub(super) fn plain(code: u8) -> Option<(Immediates, F)> {
    let core = F::empty();
    Some(match code {
        0x00 | 0x01 | 0x0f | 0x1a | 0x1b | 0x45..=0xbf => (Nothing, core),
        0x02 | 0x03 => (Block, core),
        0x04 => (If, core),
        0x05 => (Else, core),
        0x06 => (Try, F::LEGACY_EXCEPTIONS),
        0x07 => (Catch, F::LEGACY_EXCEPTIONS),
        // Both exception handling proposals have `throw`: see `Reader::opcode`.
        0x08 => (Index, F::EXCEPTIONS),
        0x09 => (Index, F::LEGACY_EXCEPTIONS),
        0x0a => (Nothing, F::EXCEPTIONS),
        0x0b => (End, core),
        0x0c | 0x0d | 0x10 => (Index, core),
        0x0e => (BranchTable, core),
        0x11 => (CallIndirect, core),
        0x12 => (Index, F::TAIL_CALL),
        0x13 => (CallIndirect, F::TAIL_CALL),
        0x14 => (Index, F::FUNCTION_REFERENCES),
        0x15 => (Index, F::FUNCTION_REFERENCES.union(F::TAIL_CALL)),
        0x18 => (Delegate, F::LEGACY_EXCEPTIONS),
        0x19 => (CatchAll, F::LEGACY_EXCEPTIONS),
        0x1c => (ValueTypes, F::REFERENCE_TYPES),
        0x1f => (TryTable, F::EXCEPTIONS),
        0x20..=0x24 => (Index, core),
        0x25 | 0x26 => (Index, F::REFERENCE_TYPES),
        0x28..=0x3e => (MemoryArgument, core),
        0x3f | 0x40 => (Memory, core),
        0x41 => (I32, core),
        0x42 => (I64, core),
        0x43 => (Bytes(4), core),
        0x44 => (Bytes(8), core),
        0xc0..=0xc4 => (Nothing, F::SIGN_EXTENSION),
        0xd0 => (HeapType, F::REFERENCE_TYPES),
        0xd1 => (Nothing, F::REFERENCE_TYPES),
        0xd2 => (Index, F::REFERENCE_TYPES),
        0xd3 => (Nothing, F::GC),
        0xd4 => (Nothing, F::FUNCTION_REFERENCES),
        0xd5 | 0xd6 => (Index, F::FUNCTION_REFERENCES),
        0xe0 | 0xe2 => (Index, F::STACK_SWITCHING),
        0xe1 | 0xe6 => (Indices, F::STACK_SWITCHING),
        0xe3 | 0xe5 => (Handlers(1), F::STACK_SWITCHING),
        0xe4 => (Handlers(2), F::STACK_SWITCHING),
        _ => return None,
    })
}

/// Opcodes with a prefix.
pub(super) fn prefixed(prefix: u8, code: u32) -> Option<(Immediates, F)> {
    match prefix {
        0xfb => aggregate(code),
        0xfc => miscellaneous(code),
        0xfd => vector(code),
        0xfe => atomic(code),
        _ => None,
    }
}

/// Whether the byte is a prefix of opcodes in some version.
pub(super) fn is_prefix(byte: u8) -> bool {
    matches!(byte, 0xfb..=0xfe)
}

fn aggregate(code: u32) -> Option<(Immediates, F)> {
    Some(match code {
        0x00 | 0x01 | 0x06 | 0x07 | 0x0b..=0x0e | 0x10 => (Index, F::GC),
        0x02..=0x05 | 0x08 | 0x0a | 0x11 | 0x13 => (Indices, F::GC),
        0x09 | 0x12 => (TypeAndData, F::GC),
        0x0f | 0x1a..=0x1e => (Nothing, F::GC),
        0x14..=0x17 => (HeapType, F::GC),
        0x18 | 0x19 => (BranchOnCast, F::GC),
        0x20 | 0x21 => (Index, F::CUSTOM_DESCRIPTORS),
        0x22 => (Index, F::CUSTOM_DESCRIPTORS),
        0x23 | 0x24 => (HeapType, F::CUSTOM_DESCRIPTORS),
        0x25 | 0x26 => (BranchOnCast, F::CUSTOM_DESCRIPTORS),
        _ => return None,
    })
}

fn miscellaneous(code: u32) -> Option<(Immediates, F)> {
    Some(match code {
        0..=7 => (Nothing, F::SATURATING_FLOAT_TO_INT),
        8 => (MemoryInit, F::BULK_MEMORY),
        9 => (Data, F::BULK_MEMORY),
        10 => (MemoryCopy, F::BULK_MEMORY),
        11 => (Memory, F::BULK_MEMORY),
        12 => (TableInit, F::BULK_MEMORY),
        13 => (Index, F::BULK_MEMORY),
        14 => (TableCopy, F::BULK_MEMORY),
        15..=17 => (Index, F::REFERENCE_TYPES),
        19..=22 => (Nothing, F::WIDE_ARITHMETIC),
        _ => return None,
    })
}

fn vector(code: u32) -> Option<(Immediates, F)> {
    Some(match code {
        0x00..=0x0b | 0x5c | 0x5d => (MemoryArgument, F::SIMD),
        0x0c | 0x0d => (Bytes(16), F::SIMD),
        0x15..=0x22 => (Byte, F::SIMD),
        0x54..=0x5b => (MemoryLane, F::SIMD),
        0x9a
        | 0xa2
        | 0xa5
        | 0xa6
        | 0xaf
        | 0xb0
        | 0xb2..=0xb4
        | 0xbb
        | 0xc2
        | 0xc5
        | 0xc6
        | 0xcf
        | 0xd0
        | 0xd2..=0xd4
        | 0xe2
        | 0xee => return None,
        0x0e..=0x14 | 0x23..=0x53 | 0x5e..=0xff => (Nothing, F::SIMD),
        0x100..=0x113 => (Nothing, F::RELAXED_SIMD),
        _ => return None,
    })
}

fn atomic(code: u32) -> Option<(Immediates, F)> {
    Some(match code {
        0x00..=0x02 => (MemoryArgument, F::THREADS),
        0x03 => (Ordering, F::THREADS),
        0x04 => (Nothing, F::ACQUIRE_RELEASE_ATOMICS),
        0x72 => (Nothing, F::SHARED_EVERYTHING_THREADS),
        0x10..=0x1d => (AtomicArgument, F::THREADS),
        0x1e..=0x4e => (UpdateArgument, F::THREADS),
        0x4f..=0x5b | 0x67..=0x71 => (Ordered(1), F::SHARED_EVERYTHING_THREADS),
        0x5c..=0x66 => (Ordered(2), F::SHARED_EVERYTHING_THREADS),
        _ => return None,
    })
}
