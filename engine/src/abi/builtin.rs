//! Builtins: functions of the engine that compiled code calls.

/// Calls a macro with the builtins and their functions, which are in `crate::builtin`. The order
/// gives them their numbers.
macro_rules! builtins {
    ($apply:ident) => {
        $apply! {
            MemoryGrow = memory::grow,
            MemoryFill = memory::fill,
            MemoryCopy = memory::copy,
            MemoryInit = memory::init,
            DataDrop = memory::drop_data,
            AtomicWait32 = atomic::wait32,
            AtomicWait64 = atomic::wait64,
            AtomicNotify = atomic::notify,
            TableGrow = table::grow,
            TableFill = table::fill,
            TableCopy = table::copy,
            TableInit = table::init,
            ElemDrop = table::drop_elements,
            IsSubtype = reference::is_subtype,
            Allocate = object::allocate,
            ArrayNewData = array::new_data,
            ArrayNewElem = array::new_elements,
            ElementsFill = array::fill,
            ElementsCopy = array::copy,
            ArrayInitData = array::init_data,
            ArrayInitElem = array::init_elements,
            TierUp = tier::up,
            TierUpLoop = tier::up_loop,
            ContinuationStart = continuation::start,
            ContinuationBind = continuation::bind,
            ContinuationThrow = continuation::throw,
        }
    };
}

pub(crate) use builtins;

macro_rules! numbers {
    ($($name:ident = $body:path,)*) => {
        /// A builtin, with the number that compiled code passes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Builtin {
            $($name,)*
        }
    };
}

builtins!(numbers);
