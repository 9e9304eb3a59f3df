//! The interface between compiled code and the rest of the engine: signatures, trap codes and the
//! numbers of builtins.

pub(crate) mod builtin;
pub(crate) mod signature;

use cranelift_codegen::ir::TrapCode;

use crate::trap::Trap;

/// The trap code for a trap in compiled code.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap.code())
}
