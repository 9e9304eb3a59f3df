//! The position-independent form of a compiled function: bytes and tables.

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::LibCall;

use crate::trap::Trap;

/// The trap code for a frame that exceeds the stack limit. It is not a trap of the specification.
pub(crate) const STACK_OVERFLOW: u8 = u8::MAX;

/// The maximum alignment of a function: the size of a cache line in bytes.
pub(crate) const MAX_ALIGN: u32 = 64;

/// How a function is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tier {
    /// As fast as possible. The code counts how often it runs, and asks to be optimised.
    Quick = 1,
    /// Optimised. The code is not replaced.
    Optimized = 2,
}

impl Tier {
    /// The tier with this number in object files.
    pub(crate) fn of_number(number: u8) -> Option<Tier> {
        [Tier::Quick, Tier::Optimized].into_iter().find(|tier| *tier as u8 == number)
    }
}

/// A compiled function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompiledFunction {
    pub(crate) bytes: Vec<u8>,
    pub(crate) placement: Placement,
    /// How many bytes of the stack a call takes.
    pub(crate) frame: u32,
    pub(crate) relocs: Vec<CodeReloc>,
    /// The offsets at which the function can fault, in ascending order, each with the code of a
    /// [`Trap`](crate::Trap) or [`STACK_OVERFLOW`].
    pub(crate) traps: Vec<(u32, u8)>,
    /// The calls that have a handler, in ascending order.
    pub(crate) handlers: Vec<CallSite>,
    /// The mapping from machine code to instructions, in the form of
    /// [`encode`](super::source_map::encode).
    pub(crate) source_map: Vec<u8>,
}

/// The addresses at which a function can be: a multiple of the alignment, plus an offset that is
/// less than the alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) align: u32,
    pub(crate) offset: u32,
}

/// A call whose exceptions the function handles. Offsets are relative to the start of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallSite {
    pub(crate) return_address: u32,
    pub(crate) handler: u32,
    /// The distance from the frame pointer down to the stack pointer that the handler expects.
    pub(crate) frame_offset: u32,
}

/// A relocation: bytes that depend on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeReloc {
    pub(crate) kind: Reloc,
    pub(crate) offset: u32,
    pub(crate) addend: i64,
    pub(crate) target: RelocTarget,
}

/// The target of a relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelocTarget {
    /// The function with this index in the batch.
    Function(u32),
    /// A function of the C library, which replaces an instruction that the processor does not
    /// support.
    LibCall(LibCall),
}

impl Placement {
    /// Multiples of an alignment.
    pub(crate) const fn aligned(align: u32) -> Placement {
        Placement { align, offset: 0 }
    }

    /// The first possible address from this one on.
    pub(crate) fn first_from(self, address: usize) -> usize {
        let (align, offset) = (self.align as usize, self.offset as usize);
        let below = address / align * align + offset;
        if below < address { below + align } else { below }
    }

    fn is_consistent(self) -> bool {
        self.align.is_power_of_two() && self.align <= MAX_ALIGN && self.offset < self.align
    }
}

impl CompiledFunction {
    /// The maximum size of the function with padding.
    pub(crate) fn padded_size(&self) -> usize {
        self.bytes.len() + self.placement.align as usize
    }

    /// Whether all offsets are in the code and tables are in order, for a module with this number
    /// of defined functions. The code generator guarantees this, and a file does not.
    pub(crate) fn is_consistent(&self, functions: u32) -> bool {
        let length = self.bytes.len();
        let inside = |offset: u32| (offset as usize) < length;
        let traps = &self.traps;
        let handlers = &self.handlers;
        let known = |code: u8| code == STACK_OVERFLOW || Trap::from_code(code).is_some();
        length > 0
            && self.placement.is_consistent()
            && self.relocs.iter().all(|reloc| reloc.is_inside(length, functions))
            && traps.is_sorted_by(|a, b| a.0 < b.0)
            && traps.iter().all(|(offset, code)| inside(*offset) && known(*code))
            && handlers.is_sorted_by(|a, b| a.return_address < b.return_address)
            && handlers.iter().all(|site| site.return_address as usize <= length && inside(site.handler))
    }
}

impl CodeReloc {
    fn is_inside(&self, length: usize, functions: u32) -> bool {
        let size = match self.kind {
            Reloc::Abs8 => 8,
            Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => 4,
            _ => return false,
        };
        let known = match self.target {
            RelocTarget::Function(position) => position < functions,
            RelocTarget::LibCall(_) => true,
        };
        known && (self.offset as usize).checked_add(size).is_some_and(|end| end <= length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_at_the_first_possible_address() {
        let placement = Placement { align: 64, offset: 48 };
        let places = [0, 48, 49, 112, 113].map(|address| placement.first_from(address));
        assert_eq!(places, [48, 48, 112, 112, 176]);
        assert_eq!([0, 1, 16, 17].map(|address| Placement::aligned(16).first_from(address)), [0, 16, 16, 32]);
    }
}
