//! Builtins: functions of the engine that compiled code calls.

/// A builtin, with the number that compiled code passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Builtin {
    MemoryGrow,
    MemoryFill,
    MemoryCopy,
    MemoryInit,
    DataDrop,
    AtomicWait32,
    AtomicWait64,
    AtomicNotify,
    TableGrow,
    TableFill,
    TableCopy,
    TableInit,
    ElemDrop,
    IsSubtype,
    Allocate,
    ArrayNewData,
    ArrayNewElem,
    ElementsFill,
    ElementsCopy,
    ArrayInitData,
    ArrayInitElem,
}
