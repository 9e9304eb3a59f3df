//! Why execution stopped: the traps of the specification.

use std::fmt;

/// A trap, by the rule of the specification that was broken (core spec, section 4, "Execution").
///
/// The text of a trap is the reference interpreter's, which the official test scripts expect.
/// Exhaustion of the call stack is no trap in the specification's sense: it is
/// [`ErrorKind::Exhaustion`](crate::ErrorKind::Exhaustion).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Trap {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// An integer was divided by zero, or its remainder taken.
    IntegerDivideByZero,
    /// The quotient or the truncated value does not fit its type.
    IntegerOverflow,
    /// NaN was truncated to an integer.
    InvalidConversionToInteger,
    /// A memory access reached past the memory's end.
    MemoryOutOfBounds,
    /// A table access reached past the table's end.
    TableOutOfBounds,
    /// An indirect call went past the table's end.
    UndefinedElement,
    /// An indirect call met a null reference.
    UninitializedElement,
    /// An indirect call met a function of another type.
    IndirectCallTypeMismatch,
    /// `ref.as_non_null` met null.
    NullReference,
    /// `call_ref` met null.
    NullFunctionReference,
    /// A structure access met null.
    NullStructureReference,
    /// An array access met null.
    NullArrayReference,
    /// `i31.get_s` or `i31.get_u` met null.
    NullI31Reference,
    /// `throw_ref` met null.
    NullExceptionReference,
    /// An array access reached past the array's end.
    ArrayOutOfBounds,
    /// `ref.cast` met a value of another type.
    CastFailure,
    /// A structure was made with null for its descriptor, or a cast compared with null.
    NullDescriptor,
    /// `ref.cast_desc_eq` met a value of another descriptor.
    DescriptorCastFailure,
    /// An atomic access was not aligned to its width.
    UnalignedAtomic,
    /// `memory.atomic.wait` was used on a memory that is not shared.
    ExpectedSharedMemory,
    /// An array is larger than all objects of a store may be together (appendix "Implementation
    /// Limitations").
    AllocationTooLarge,
}

impl Trap {
    /// The trap that a number in compiled code stands for.
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

/// Every trap in the order of its code, which counts from 1.
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
