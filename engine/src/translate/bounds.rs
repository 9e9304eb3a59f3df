//! Addresses and bounds checks of memory accesses (core spec, section 4.6.8, "Memory
//! Instructions").

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, TrapCode, Value, types};
use wasmparser::{MemArg, MemArgTarget};

use super::{TRUSTED, Translator, constant};
use crate::abi::signature::POINTER;
use crate::abi::trap_code;
use crate::trap::Trap;
use crate::vm::layout::offsets;
use crate::vm::memory::GUARD;

/// The location of a memory access: a checked address and a constant to add to it.
#[derive(Clone, Copy)]
pub(super) struct HeapLocation {
    pub(super) address: Value,
    pub(super) offset: i32,
}

/// The flags of an access to a memory: little-endian, not necessarily aligned, and trapping on
/// faults.
pub(super) fn heap_flags() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little).with_trap_code(Some(TrapCode::HEAP_OUT_OF_BOUNDS))
}

impl Translator<'_, '_> {
    /// Pops the address operand and returns the location of an access of `size` bytes. The access
    /// traps, here or when it is executed, if it is out of bounds.
    pub(super) fn pop_location(&mut self, memarg: &MemArg, size: u32) -> HeapLocation {
        let index = self.pop();
        self.location(index, memarg, size)
    }

    /// The location of an access at an index that was popped. An access to an array pops that, too.
    pub(super) fn location(&mut self, index: Value, memarg: &MemArg, size: u32) -> HeapLocation {
        match memarg.target {
            MemArgTarget::Memory(memory) => self.location_in_memory(index, memory, memarg, size),
            MemArgTarget::Array(type_index) => {
                let array = self.pop();
                self.location_in_array((array, index), type_index, memarg.offset, size)
            }
        }
    }

    fn location_in_memory(
        &mut self,
        index: Value,
        memory_index: u32,
        memarg: &MemArg,
        size: u32,
    ) -> HeapLocation {
        let index = self.widen(index);
        if self.is_guarded(memory_index) && memarg.offset + u64::from(size) <= GUARD as u64 {
            // A 32-bit index plus the offset is inside the reservation, in which everything after
            // the memory's end faults.
            let base = self.memory_base(memory_index);
            let address = self.b.ins().iadd(base, index);
            self.mark();
            return HeapLocation { address, offset: memarg.offset as i32 };
        }
        let start = self.check_range(index, memory_index, memarg.offset, size);
        let base = self.memory_base(memory_index);
        HeapLocation { address: self.b.ins().iadd(base, start), offset: 0 }
    }

    /// The address of a range of `size` bytes at an index. Traps here if a part of the range is out
    /// of bounds.
    pub(super) fn checked_range(&mut self, index: Value, memory: u32, size: u32) -> Value {
        let index = self.widen(index);
        let start = self.check_range(index, memory, 0, size);
        let base = self.memory_base(memory);
        self.b.ins().iadd(base, start)
    }

    /// Whether every access to a memory at a 32-bit index is in its reserved address range.
    fn is_guarded(&self, memory: u32) -> bool {
        let memory = self.env.info.memories[memory as usize];
        self.env.guard_pages && !memory.memory64 && memory.page_size_log2 == 16
    }

    /// Returns the effective address of an access after comparing it with the memory's length.
    fn check_range(&mut self, index: Value, memory: u32, offset: u64, size: u32) -> Value {
        let memory64 = self.env.info.memories[memory as usize].memory64;
        let offset = self.b.ins().iconst(types::I64, offset as i64);
        let width = self.b.ins().iconst(types::I64, i64::from(size));
        let code = trap_code(Trap::MemoryOutOfBounds);
        let (start, end) = if memory64 {
            self.mark();
            let start = self.b.ins().uadd_overflow_trap(index, offset, code);
            (start, self.b.ins().uadd_overflow_trap(start, width, code))
        } else {
            let start = self.b.ins().iadd(index, offset);
            (start, self.b.ins().iadd(start, width))
        };
        let length = self.memory_length(memory);
        let outside = self.icmp(IntCC::UnsignedGreaterThan, end, length);
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        start
    }

    /// The length of a memory in bytes. For a shared memory, another thread may have changed it
    /// since it was last read.
    pub(super) fn memory_length(&mut self, memory: u32) -> Value {
        let record = self.memory_record(memory);
        if self.env.info.memories[memory as usize].shared {
            let address = self.b.ins().iadd_imm_s(record, i64::from(offsets::MEMORY_LENGTH));
            return self.b.ins().atomic_load(types::I64, TRUSTED, address);
        }
        self.b.ins().load(types::I64, TRUSTED, record, offsets::MEMORY_LENGTH)
    }

    /// The address of the first byte of a memory.
    fn memory_base(&mut self, memory: u32) -> Value {
        if self.is_guarded(memory) {
            // The whole address range is reserved, so that the memory never moves.
            let offset = self.env.layout.memory(memory) + offsets::MEMORY_REF_BASE;
            return self.b.ins().load(POINTER, constant(), self.vmctx, offset);
        }
        let record = self.memory_record(memory);
        self.b.ins().load(POINTER, TRUSTED, record, offsets::MEMORY_BASE)
    }

    fn memory_record(&mut self, memory: u32) -> Value {
        self.context_pointer(self.env.layout.memory(memory) + offsets::MEMORY_REF_MEMORY)
    }
}
