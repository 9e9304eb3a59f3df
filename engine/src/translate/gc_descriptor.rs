//! Descriptors (custom-descriptors proposal): structures that represent the types of other
//! structures.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Value};
use wasmparser::{HeapType, RefType, UnpackedIndex};

use super::{TRUSTED, Translator};
use crate::abi::signature::POINTER;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::vm::layout::NULL_PAGE;

impl Translator<'_, '_> {
    pub(super) fn ref_get_desc(&mut self, type_index: u32) {
        let object = self.pop();
        let offset = self.descriptor_offset(type_index);
        let flags = if (offset as u32) < NULL_PAGE {
            self.or_trap(TRUSTED, Trap::NullReference)
        } else {
            self.trap_if_null(object, Trap::NullReference);
            TRUSTED
        };
        let descriptor = self.b.ins().load(POINTER, flags, object, offset);
        self.push(descriptor);
    }

    pub(super) fn ref_cast_desc_eq(&mut self, heap: HeapType, nullable: bool) -> Result<()> {
        let descriptor = self.pop_descriptor();
        let reference = self.pop();
        self.cast(reference, Trap::DescriptorCastFailure, |this, yes, no| {
            this.branch_on_descriptor((reference, descriptor), (heap, nullable), yes, no)
        })
    }

    /// Branches with a reference that has the descriptor if `wanted`, otherwise with any other
    /// reference. References with which it does not branch are kept.
    pub(super) fn br_on_cast_desc_eq(&mut self, depth: u32, to: RefType, wanted: bool) -> Result<()> {
        let descriptor = self.pop_descriptor();
        let reference = self.stack[self.stack.len() - 1];
        self.branch_on_cast(depth, wanted, |this, yes, no| {
            let target = (to.heap_type(), to.is_nullable());
            this.branch_on_descriptor((reference, descriptor), target, yes, no)
        })
    }

    /// Pops a descriptor. Traps if it is null.
    pub(super) fn pop_descriptor(&mut self) -> Value {
        let descriptor = self.pop();
        self.trap_if_null(descriptor, Trap::NullDescriptor);
        descriptor
    }

    /// Ends the current block: branches to `yes` if the reference has the descriptor, or if it is
    /// null and null is allowed.
    ///
    /// Only structures of the type that the descriptor's type describes can have the descriptor.
    /// The descriptors of other references are not read.
    fn branch_on_descriptor(
        &mut self,
        (reference, descriptor): (Value, Value),
        (heap, nullable): (HeapType, bool),
        yes: Block,
        no: Block,
    ) -> Result<()> {
        let (HeapType::Concrete(UnpackedIndex::Module(type_index))
        | HeapType::Exact(UnpackedIndex::Module(type_index))) = heap
        else {
            return Err(Error::unsupported(format!("cast by descriptor to {heap:?}")));
        };
        let [there, object] = [(); 2].map(|()| self.b.create_block());
        self.b.ins().brif(reference, there, &[], if nullable { yes } else { no }, &[]);
        self.b.seal_block(there);
        self.b.switch_to_block(there);
        // The type of the top operand was that of the descriptor. The reference can be anything but
        // null.
        self.top = Some(RefType::ANY.as_non_null());
        self.branch_on_type(reference, (heap, false), object, no)?;
        self.b.seal_block(object);
        self.b.switch_to_block(object);
        let offset = self.descriptor_offset(type_index);
        let found = self.b.ins().load(POINTER, MemFlagsData::trusted(), reference, offset);
        let same = self.icmp(IntCC::Equal, found, descriptor);
        self.b.ins().brif(same, yes, &[], no, &[]);
        Ok(())
    }

    /// The offset of the descriptor in structures of this type. Validation has checked that they
    /// have one.
    fn descriptor_offset(&self, type_index: u32) -> i32 {
        match self.env.info.struct_layout(type_index).descriptor {
            Some(location) => location.offset as i32,
            None => unreachable!("type {type_index} has a descriptor by validation"),
        }
    }
}
