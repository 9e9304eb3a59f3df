//! The traps of the specification.

use std::fmt;

/// Defines the traps with their texts, in the order of their codes.
macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $message:literal,)*) => {
        /// A trap (core spec, chapter 4, "Execution").
        ///
        /// The text of a trap is that of the reference interpreter, which the official test scripts
        /// expect. Exhaustion of the call stack is not a trap in the specification's sense, but
        /// [`ErrorKind::Exhaustion`](crate::ErrorKind::Exhaustion).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Trap {
            $($(#[$doc])* $name,)*
        }

        /// Every trap in the order of its code.
        const ALL: &[Trap] = &[$(Trap::$name,)*];

        impl Trap {
            /// The text of the trap, without the word "trap".
            pub fn message(self) -> &'static str {
                match self {
                    $(Trap::$name => $message,)*
                }
            }
        }
    };
}

traps! {
    /// Execution of `unreachable`.
    Unreachable = "unreachable",
    /// Integer division or remainder by zero.
    IntegerDivideByZero = "integer divide by zero",
    /// A quotient or truncated value that does not fit its type.
    IntegerOverflow = "integer overflow",
    /// Truncation of NaN to an integer.
    InvalidConversionToInteger = "invalid conversion to integer",
    /// A memory access beyond the memory's end.
    MemoryOutOfBounds = "out of bounds memory access",
    /// A table access beyond the table's end.
    TableOutOfBounds = "out of bounds table access",
    /// An indirect call with an index beyond the table's end.
    UndefinedElement = "undefined element",
    /// An indirect call through a null reference.
    UninitializedElement = "uninitialized element",
    /// An indirect call of a function of another type.
    IndirectCallTypeMismatch = "indirect call type mismatch",
    /// `ref.as_non_null` on null.
    NullReference = "null reference",
    /// `call_ref` on null.
    NullFunctionReference = "null function reference",
    /// An access to a structure through null.
    NullStructureReference = "null structure reference",
    /// An access to an array through null.
    NullArrayReference = "null array reference",
    /// `i31.get_s` or `i31.get_u` on null.
    NullI31Reference = "null i31 reference",
    /// `throw_ref` on null.
    NullExceptionReference = "null exception reference",
    /// A null continuation (stack-switching proposal).
    NullContinuationReference = "null continuation reference",
    /// A continuation that was resumed, bound or switched to before (stack-switching proposal).
    ContinuationConsumed = "continuation already consumed",
    /// An array access beyond the array's end.
    ArrayOutOfBounds = "out of bounds array access",
    /// `ref.cast` on a value of another type.
    CastFailure = "cast failure",
    /// Null for the descriptor of a new structure or of a cast.
    NullDescriptor = "null descriptor reference",
    /// `ref.cast_desc_eq` on a value with another descriptor.
    DescriptorCastFailure = "descriptor cast failure",
    /// An atomic access that is not aligned to its width.
    UnalignedAtomic = "unaligned atomic",
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory = "expected shared memory",
    /// An array that is larger than the limit of a store for all objects together (appendix
    /// "Implementation Limitations").
    AllocationTooLarge = "allocation size too large",
}

impl Trap {
    /// The code of the trap in compiled code, from 1: Cranelift reserves 0.
    pub(crate) fn code(self) -> u8 {
        self as u8 + 1
    }

    /// Returns the trap with this code in compiled code.
    pub(crate) fn from_code(code: u8) -> Option<Trap> {
        ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_trap() {
        for trap in ALL {
            assert_eq!(Trap::from_code(trap.code()), Some(*trap));
        }
        assert_eq!(Trap::from_code(0), None);
        assert_eq!(Trap::from_code(ALL.len() as u8 + 1), None);
    }
}
