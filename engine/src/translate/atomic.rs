//! Atomic instructions (threads proposal). All of them are sequentially consistent, as Cranelift's
//! atomic instructions are; that includes those that only have to acquire or release
//! (acquire-release atomics proposal).

use cranelift_codegen::ir::types::{I8, I16, I32, I64};
use cranelift_codegen::ir::{AtomicRmwOp as Rmw, InstBuilder, Type, Value};
use wasmparser::{MemArg, MemArgTarget, Operator as Op};

use super::Translator;
use super::bounds::heap_flags;
use crate::abi::builtin::Builtin;
use crate::error::{Error, Result};
use crate::trap::Trap;

impl Translator<'_, '_> {
    /// Translates an atomic operator. The arms are in the order of the opcodes.
    pub(super) fn atomic_operator(&mut self, op: &Op<'_>) -> Result<()> {
        match op {
            Op::MemoryAtomicNotify { memarg } => self.atomic_notify(memarg)?,
            Op::MemoryAtomicWait32 { memarg } => self.atomic_wait(Builtin::AtomicWait32, memarg)?,
            Op::MemoryAtomicWait64 { memarg } => self.atomic_wait(Builtin::AtomicWait64, memarg)?,
            Op::AtomicFence { .. } => drop(self.b.ins().fence()),
            // A hint without a result.
            Op::Pause => {}
            Op::I32AtomicLoad { memarg } => self.atomic_load(I32, I32, memarg),
            Op::I64AtomicLoad { memarg } => self.atomic_load(I64, I64, memarg),
            Op::I32AtomicLoad8U { memarg } => self.atomic_load(I8, I32, memarg),
            Op::I32AtomicLoad16U { memarg } => self.atomic_load(I16, I32, memarg),
            Op::I64AtomicLoad8U { memarg } => self.atomic_load(I8, I64, memarg),
            Op::I64AtomicLoad16U { memarg } => self.atomic_load(I16, I64, memarg),
            Op::I64AtomicLoad32U { memarg } => self.atomic_load(I32, I64, memarg),
            Op::I32AtomicStore { memarg } => self.atomic_store(I32, memarg),
            Op::I64AtomicStore { memarg } => self.atomic_store(I64, memarg),
            Op::I32AtomicStore8 { memarg } => self.atomic_store(I8, memarg),
            Op::I32AtomicStore16 { memarg } => self.atomic_store(I16, memarg),
            Op::I64AtomicStore8 { memarg } => self.atomic_store(I8, memarg),
            Op::I64AtomicStore16 { memarg } => self.atomic_store(I16, memarg),
            Op::I64AtomicStore32 { memarg } => self.atomic_store(I32, memarg),
            Op::I32AtomicRmwAdd { memarg } => self.atomic_rmw(Rmw::Add, I32, I32, memarg),
            Op::I64AtomicRmwAdd { memarg } => self.atomic_rmw(Rmw::Add, I64, I64, memarg),
            Op::I32AtomicRmw8AddU { memarg } => self.atomic_rmw(Rmw::Add, I8, I32, memarg),
            Op::I32AtomicRmw16AddU { memarg } => self.atomic_rmw(Rmw::Add, I16, I32, memarg),
            Op::I64AtomicRmw8AddU { memarg } => self.atomic_rmw(Rmw::Add, I8, I64, memarg),
            Op::I64AtomicRmw16AddU { memarg } => self.atomic_rmw(Rmw::Add, I16, I64, memarg),
            Op::I64AtomicRmw32AddU { memarg } => self.atomic_rmw(Rmw::Add, I32, I64, memarg),
            Op::I32AtomicRmwSub { memarg } => self.atomic_rmw(Rmw::Sub, I32, I32, memarg),
            Op::I64AtomicRmwSub { memarg } => self.atomic_rmw(Rmw::Sub, I64, I64, memarg),
            Op::I32AtomicRmw8SubU { memarg } => self.atomic_rmw(Rmw::Sub, I8, I32, memarg),
            Op::I32AtomicRmw16SubU { memarg } => self.atomic_rmw(Rmw::Sub, I16, I32, memarg),
            Op::I64AtomicRmw8SubU { memarg } => self.atomic_rmw(Rmw::Sub, I8, I64, memarg),
            Op::I64AtomicRmw16SubU { memarg } => self.atomic_rmw(Rmw::Sub, I16, I64, memarg),
            Op::I64AtomicRmw32SubU { memarg } => self.atomic_rmw(Rmw::Sub, I32, I64, memarg),
            Op::I32AtomicRmwAnd { memarg } => self.atomic_rmw(Rmw::And, I32, I32, memarg),
            Op::I64AtomicRmwAnd { memarg } => self.atomic_rmw(Rmw::And, I64, I64, memarg),
            Op::I32AtomicRmw8AndU { memarg } => self.atomic_rmw(Rmw::And, I8, I32, memarg),
            Op::I32AtomicRmw16AndU { memarg } => self.atomic_rmw(Rmw::And, I16, I32, memarg),
            Op::I64AtomicRmw8AndU { memarg } => self.atomic_rmw(Rmw::And, I8, I64, memarg),
            Op::I64AtomicRmw16AndU { memarg } => self.atomic_rmw(Rmw::And, I16, I64, memarg),
            Op::I64AtomicRmw32AndU { memarg } => self.atomic_rmw(Rmw::And, I32, I64, memarg),
            Op::I32AtomicRmwOr { memarg } => self.atomic_rmw(Rmw::Or, I32, I32, memarg),
            Op::I64AtomicRmwOr { memarg } => self.atomic_rmw(Rmw::Or, I64, I64, memarg),
            Op::I32AtomicRmw8OrU { memarg } => self.atomic_rmw(Rmw::Or, I8, I32, memarg),
            Op::I32AtomicRmw16OrU { memarg } => self.atomic_rmw(Rmw::Or, I16, I32, memarg),
            Op::I64AtomicRmw8OrU { memarg } => self.atomic_rmw(Rmw::Or, I8, I64, memarg),
            Op::I64AtomicRmw16OrU { memarg } => self.atomic_rmw(Rmw::Or, I16, I64, memarg),
            Op::I64AtomicRmw32OrU { memarg } => self.atomic_rmw(Rmw::Or, I32, I64, memarg),
            Op::I32AtomicRmwXor { memarg } => self.atomic_rmw(Rmw::Xor, I32, I32, memarg),
            Op::I64AtomicRmwXor { memarg } => self.atomic_rmw(Rmw::Xor, I64, I64, memarg),
            Op::I32AtomicRmw8XorU { memarg } => self.atomic_rmw(Rmw::Xor, I8, I32, memarg),
            Op::I32AtomicRmw16XorU { memarg } => self.atomic_rmw(Rmw::Xor, I16, I32, memarg),
            Op::I64AtomicRmw8XorU { memarg } => self.atomic_rmw(Rmw::Xor, I8, I64, memarg),
            Op::I64AtomicRmw16XorU { memarg } => self.atomic_rmw(Rmw::Xor, I16, I64, memarg),
            Op::I64AtomicRmw32XorU { memarg } => self.atomic_rmw(Rmw::Xor, I32, I64, memarg),
            Op::I32AtomicRmwXchg { memarg } => self.atomic_rmw(Rmw::Xchg, I32, I32, memarg),
            Op::I64AtomicRmwXchg { memarg } => self.atomic_rmw(Rmw::Xchg, I64, I64, memarg),
            Op::I32AtomicRmw8XchgU { memarg } => self.atomic_rmw(Rmw::Xchg, I8, I32, memarg),
            Op::I32AtomicRmw16XchgU { memarg } => self.atomic_rmw(Rmw::Xchg, I16, I32, memarg),
            Op::I64AtomicRmw8XchgU { memarg } => self.atomic_rmw(Rmw::Xchg, I8, I64, memarg),
            Op::I64AtomicRmw16XchgU { memarg } => self.atomic_rmw(Rmw::Xchg, I16, I64, memarg),
            Op::I64AtomicRmw32XchgU { memarg } => self.atomic_rmw(Rmw::Xchg, I32, I64, memarg),
            Op::I32AtomicRmwCmpxchg { memarg } => self.atomic_cmpxchg(I32, I32, memarg),
            Op::I64AtomicRmwCmpxchg { memarg } => self.atomic_cmpxchg(I64, I64, memarg),
            Op::I32AtomicRmw8CmpxchgU { memarg } => self.atomic_cmpxchg(I8, I32, memarg),
            Op::I32AtomicRmw16CmpxchgU { memarg } => self.atomic_cmpxchg(I16, I32, memarg),
            Op::I64AtomicRmw8CmpxchgU { memarg } => self.atomic_cmpxchg(I8, I64, memarg),
            Op::I64AtomicRmw16CmpxchgU { memarg } => self.atomic_cmpxchg(I16, I64, memarg),
            Op::I64AtomicRmw32CmpxchgU { memarg } => self.atomic_cmpxchg(I32, I64, memarg),
            other => return self.simd_operator(other),
        }
        Ok(())
    }

    fn atomic_load(&mut self, access: Type, result: Type, memarg: &MemArg) {
        let address = self.pop_atomic_address(access, memarg);
        let value = self.b.ins().atomic_load(access, heap_flags(), address);
        self.push_widened(value, result);
    }

    fn atomic_store(&mut self, access: Type, memarg: &MemArg) {
        let value = self.pop_narrowed(access);
        let address = self.pop_atomic_address(access, memarg);
        self.b.ins().atomic_store(heap_flags(), value, address);
    }

    fn atomic_rmw(&mut self, op: Rmw, access: Type, result: Type, memarg: &MemArg) {
        let value = self.pop_narrowed(access);
        let address = self.pop_atomic_address(access, memarg);
        let old = self.b.ins().atomic_rmw(access, heap_flags(), op, address, value);
        self.push_widened(old, result);
    }

    /// The expected value is compared in the width of the access: its high bits are ignored.
    fn atomic_cmpxchg(&mut self, access: Type, result: Type, memarg: &MemArg) {
        let replacement = self.pop_narrowed(access);
        let expected = self.pop_narrowed(access);
        let address = self.pop_atomic_address(access, memarg);
        let old = self.b.ins().atomic_cas(heap_flags(), address, expected, replacement);
        self.push_widened(old, result);
    }

    fn atomic_wait(&mut self, builtin: Builtin, memarg: &MemArg) -> Result<()> {
        let (address, expected, timeout) = self.pop3();
        self.atomic_builtin(builtin, memarg, &[address, expected, timeout])
    }

    fn atomic_notify(&mut self, memarg: &MemArg) -> Result<()> {
        let (address, count) = self.pop2();
        self.atomic_builtin(Builtin::AtomicNotify, memarg, &[address, count])
    }

    /// Calls a builtin with the memory, the constant offset and the operands, the first of which is
    /// the address.
    fn atomic_builtin(&mut self, builtin: Builtin, memarg: &MemArg, operands: &[Value]) -> Result<()> {
        let MemArgTarget::Memory(memory) = memarg.target else {
            return Err(Error::unsupported("waiting for, or notifying of, the bytes of an array"));
        };
        let mut args = vec![self.immediate(memory), self.b.ins().iconst(I64, memarg.offset as i64)];
        args.extend(operands);
        let result = self.call_builtin(builtin, &args);
        let result = self.b.ins().ireduce(I32, result);
        self.push(result);
        Ok(())
    }

    /// Pops the address operand and returns the address of an access. Traps if the address is not
    /// aligned, or else if it is out of bounds.
    fn pop_atomic_address(&mut self, access: Type, memarg: &MemArg) -> Value {
        let index = self.pop();
        let low_bits = u64::from(access.bytes()) - 1;
        if low_bits != 0 {
            // The low bits of the effective address, regardless of the bits that the sum has above
            // them.
            let wide = self.widen(index);
            let sum = self.b.ins().iadd_imm_u(wide, (memarg.offset & low_bits) as i64);
            let unaligned = self.b.ins().band_imm_u(sum, low_bits as i64);
            self.trap_if(unaligned, Trap::UnalignedAtomic);
        }
        let location = self.location(index, memarg, access.bytes());
        self.b.ins().iadd_imm_s(location.address, i64::from(location.offset))
    }

    fn pop_narrowed(&mut self, access: Type) -> Value {
        let value = self.pop();
        if self.b.func.dfg.value_type(value) == access { value } else { self.b.ins().ireduce(access, value) }
    }

    fn push_widened(&mut self, value: Value, result: Type) {
        let access = self.b.func.dfg.value_type(value);
        let value = if access == result { value } else { self.b.ins().uextend(result, value) };
        self.push(value);
    }
}
