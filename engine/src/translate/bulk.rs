//! Bulk instructions (core spec, sections 4.6.7 and 4.6.8). Those for memories are inline code if
//! the length is a small constant.

use cranelift_codegen::ir::{InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, types};
use smallvec::SmallVec;

use super::Translator;
use super::bounds::heap_flags;
use crate::abi::builtin::Builtin;

/// The maximum length of inline code for `memory.fill` and `memory.copy`: four vectors.
const INLINE: u64 = 64;

/// A part of a range in memory: its type, and its offset from the start.
type Piece = (Type, i32);

impl Translator<'_, '_> {
    /// Translates an instruction with three operands, preceded by one or two immediates.
    pub(super) fn bulk(&mut self, builtin: Builtin, immediates: &[u32]) {
        let (first, second, third) = self.pop3();
        let mut args: Vec<_> = immediates.iter().map(|immediate| self.immediate(*immediate)).collect();
        args.extend([first, second, third]);
        self.call_builtin(builtin, &args);
    }

    /// Drops a segment.
    pub(super) fn drop_segment(&mut self, builtin: Builtin, segment: u32) {
        let segment = self.immediate(segment);
        self.call_builtin(builtin, &[segment]);
    }

    pub(super) fn memory_fill(&mut self, memory: u32) {
        let Some(length) = self.short_length() else {
            return self.bulk(Builtin::MemoryFill, &[memory]);
        };
        let (start, byte, _) = self.pop3();
        let address = self.checked_range(start, memory, length);
        let byte = self.b.ins().ireduce(types::I8, byte);
        for (ty, offset) in pieces(length) {
            let value = self.repeated(byte, ty);
            self.b.ins().store(unfaulting(), value, address, offset);
        }
    }

    pub(super) fn memory_copy(&mut self, to: u32, from: u32) {
        let Some(length) = self.short_length() else {
            return self.bulk(Builtin::MemoryCopy, &[to, from]);
        };
        let (target, source, _) = self.pop3();
        let target = self.checked_range(target, to, length);
        let source = self.checked_range(source, from, length);
        // The ranges can overlap: everything is read before anything is written.
        let pieces = pieces(length);
        let read = |(ty, offset): &Piece| self.b.ins().load(*ty, unfaulting(), source, *offset);
        let values: SmallVec<[Value; 5]> = pieces.iter().map(read).collect();
        for (value, (_, offset)) in values.into_iter().zip(pieces) {
            self.b.ins().store(unfaulting(), value, target, offset);
        }
    }

    /// The operand on top of the stack, if it is a constant from 1 to [`INLINE`]. An empty range is
    /// left to the builtin, since only its start is checked.
    fn short_length(&self) -> Option<u32> {
        let dfg = &self.b.func.dfg;
        let inst = dfg.value_def(*self.stack.last()?).inst()?;
        let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } = dfg.insts[inst] else { return None };
        let length = imm.bits() as u64;
        (1..=INLINE).contains(&length).then_some(length as u32)
    }

    /// A value whose bytes are all the same.
    fn repeated(&mut self, byte: Value, ty: Type) -> Value {
        if ty == types::I8 {
            return byte;
        }
        if ty.is_vector() {
            return self.b.ins().splat(ty, byte);
        }
        let wide = self.b.ins().uextend(ty, byte);
        let ones = (u64::MAX / 0xff) >> (64 - ty.bits());
        let ones = self.b.ins().iconst(ty, ones as i64);
        self.b.ins().imul(wide, ones)
    }
}

/// The flags of accesses in a range whose bounds were checked.
fn unfaulting() -> MemFlagsData {
    heap_flags().with_notrap()
}

/// Pieces that make up a range of 1 to [`INLINE`] bytes. The last one can overlap the one before.
fn pieces(length: u32) -> SmallVec<[Piece; 5]> {
    let ty = match length {
        1 => types::I8,
        2..4 => types::I16,
        4..8 => types::I32,
        8..16 => types::I64,
        _ => types::I8X16,
    };
    let last = (length - ty.bytes()) as i32;
    let before = (0..last).step_by(ty.bytes() as usize);
    before.chain([last]).map(|offset| (ty, offset)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_range_and_nothing_else() {
        for length in 1..=INLINE as u32 {
            let mut covered = vec![false; length as usize];
            for (ty, offset) in pieces(length) {
                covered[offset as usize..][..ty.bytes() as usize].fill(true);
            }
            assert!(covered.iter().all(|covered| *covered), "{length}");
            assert!(pieces(length).len() <= 4, "{length}");
        }
    }
}
