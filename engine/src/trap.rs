//! The traps of the specification.

use std::fmt;

/// A trap (core spec, chapter 4, "Execution").
///
/// The text of a trap is that of the reference interpreter, which the official test scripts expect.
/// Exhaustion of the call stack is not a trap in the specification's sense, but
/// [`ErrorKind::Exhaustion`](crate::ErrorKind::Exhaustion).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Trap {
    /// Execution of `unreachable`.
    Unreachable = 1,
    /// Integer division or remainder by zero.
    IntegerDivideByZero,
    /// A quotient or truncated value that does not fit its type.
    IntegerOverflow,
    /// Truncation of NaN to an integer.
    InvalidConversionToInteger,
    /// A memory access beyond the memory's end.
    MemoryOutOfBounds,
    /// A table access beyond the table's end.
    TableOutOfBounds,
    /// An indirect call with an index beyond the table's end.
    UndefinedElement,
    /// An indirect call through a null reference.
    UninitializedElement,
    /// An indirect call of a function of another type.
    IndirectCallTypeMismatch,
    /// `ref.as_non_null` on null.
    NullReference,
    /// `call_ref` on null.
    NullFunctionReference,
    /// An access to a structure through null.
    NullStructureReference,
    /// An access to an array through null.
    NullArrayReference,
    /// `i31.get_s` or `i31.get_u` on null.
    NullI31Reference,
    /// `throw_ref` on null.
    NullExceptionReference,
    /// An array access beyond the array's end.
    ArrayOutOfBounds,
    /// `ref.cast` on a value of another type.
    CastFailure,
    /// Null for the descriptor of a new structure or of a cast.
    NullDescriptor,
    /// `ref.cast_desc_eq` on a value with another descriptor.
    DescriptorCastFailure,
    /// An atomic access that is not aligned to its width.
    UnalignedAtomic,
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory,
    /// An array that is larger than the limit of a store for all objects together (appendix
    /// "Implementation Limitations").
    AllocationTooLarge,
}

impl Trap {
    /// Returns the trap with this code in compiled code.
    pub(crate) fn from_code(code: u8) -> Option<Trap> {
        ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// The text of the trap, without the word "trap".
    pub fn message(self) -> &'static str {
        match self {
            Trap::Unreachable => "unreachable",
            Trap::IntegerDivideByZero => "integer divide by zero",
            Trap::IntegerOverflow => "integer overflow",
            Trap::InvalidConversionToInteger => "invalid conversion to integer",
            Trap::MemoryOutOfBounds => "out of bounds memory access",
            Trap::TableOutOfBounds => "out of bounds table access",
            Trap::UndefinedElement => "undefined element",
            Trap::UninitializedElement => "uninitialized element",
            Trap::IndirectCallTypeMismatch => "indirect call type mismatch",
            Trap::NullReference => "null reference",
            Trap::NullFunctionReference => "null function reference",
            Trap::NullStructureReference => "null structure reference",
            Trap::NullArrayReference => "null array reference",
            Trap::NullI31Reference => "null i31 reference",
            Trap::NullExceptionReference => "null exception reference",
            Trap::ArrayOutOfBounds => "out of bounds array access",
            Trap::CastFailure => "cast failure",
            Trap::NullDescriptor => "null descriptor reference",
            Trap::DescriptorCastFailure => "descriptor cast failure",
            Trap::UnalignedAtomic => "unaligned atomic",
            Trap::ExpectedSharedMemory => "expected shared memory",
            Trap::AllocationTooLarge => "allocation size too large",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Every trap in the order of its code, starting at 1.
const ALL: [Trap; 22] = [
    Trap::Unreachable,
    Trap::IntegerDivideByZero,
    Trap::IntegerOverflow,
    Trap::InvalidConversionToInteger,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::UndefinedElement,
    Trap::UninitializedElement,
    Trap::IndirectCallTypeMismatch,
    Trap::NullReference,
    Trap::NullFunctionReference,
    Trap::NullStructureReference,
    Trap::NullArrayReference,
    Trap::NullI31Reference,
    Trap::NullExceptionReference,
    Trap::ArrayOutOfBounds,
    Trap::CastFailure,
    Trap::NullDescriptor,
    Trap::DescriptorCastFailure,
    Trap::UnalignedAtomic,
    Trap::ExpectedSharedMemory,
    Trap::AllocationTooLarge,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_trap() {
        for trap in ALL {
            assert_eq!(Trap::from_code(trap as u8), Some(trap));
        }
        assert_eq!(Trap::from_code(0), None);
        assert_eq!(Trap::from_code(ALL.len() as u8 + 1), None);
    }
}
