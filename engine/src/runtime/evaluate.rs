//! The evaluation of constant expressions (core spec, sections 3.4.14 and 4.7.2).

use super::gc::I31;
use super::store::StoreState;
use crate::decode::const_expr::{ConstExpr, ConstOp};
use crate::error::{Error, ErrorKind, Result};
use crate::module::Module;
use crate::trap::Trap;
use crate::types::layout::{PAYLOAD, element_offset};
use crate::types::{HeapType, RefType, StorageType, ValType};
use crate::vm::layout::VmVal;

impl StoreState {
    /// Evaluates a constant expression of an instance. The caller must store the value where the
    /// collector finds it before it evaluates another expression.
    ///
    /// # Errors
    ///
    /// Returns an error if an object cannot be allocated.
    pub(super) fn evaluate(&mut self, index: usize, expr: &ConstExpr) -> Result<VmVal> {
        // Operands are kept on the store's stack, where the collector finds them during
        // allocations.
        self.const_stack.clear();
        for op in &expr.0 {
            let value = self.evaluate_op(index, *op)?;
            self.const_stack.push(value);
        }
        self.pop_const()
    }

    fn evaluate_op(&mut self, index: usize, op: ConstOp) -> Result<VmVal> {
        Ok(VmVal(match op {
            ConstOp::I32(value) => u128::from(value.cast_unsigned()),
            ConstOp::I64(value) => u128::from(value.cast_unsigned()),
            ConstOp::F32(bits) => u128::from(bits),
            ConstOp::F64(bits) => u128::from(bits),
            ConstOp::V128(bytes) => u128::from_le_bytes(bytes),
            ConstOp::GlobalGet(global) => {
                let global = &self.globals[self.instance(index).globals[global as usize]];
                return Ok(self.vm.global(global.value));
            }
            ConstOp::RefFunc(function) => u128::from(self.func_word(index, function)),
            ConstOp::RefNull => 0,
            ConstOp::RefI31 => u128::from(I31::wrapping(self.pop_const()?.0 as u32).to_word()),
            ConstOp::StructNew(ty) | ConstOp::StructNewDesc(ty) => {
                u128::from(self.const_struct(index, ty, true)?)
            }
            ConstOp::StructNewDefault(ty) | ConstOp::StructNewDefaultDesc(ty) => {
                u128::from(self.const_struct(index, ty, false)?)
            }
            ConstOp::ArrayNew(ty) => {
                let length = self.pop_const()?.0 as u32;
                let storage = self.instance(index).module.info().element_storage(ty);
                let array = self.allocate_array(type_number(&self.instance(index).module, ty), length)?;
                let (value, step) = (self.pop_const()?, storage.size() as usize);
                let first = array + u64::from(PAYLOAD);
                self.heap.fill(first, length as usize * step, step, value, self.vm.alarm())?;
                u128::from(array)
            }
            ConstOp::ArrayNewDefault(ty) => {
                let length = self.pop_const()?.0 as u32;
                u128::from(self.allocate_array(type_number(&self.instance(index).module, ty), length)?)
            }
            ConstOp::ArrayNewFixed(ty, length) => u128::from(self.const_array(index, ty, length)?),
            ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul => {
                let (right, left) = (self.pop_const()?, self.pop_const()?);
                arithmetic(op, left.0 as u64, right.0 as u64)
            }
        }))
    }

    /// Allocates a structure, with operands as its fields or with default values. The last operand
    /// is the descriptor, if the type has one.
    fn const_struct(&mut self, index: usize, type_index: u32, with_operands: bool) -> Result<u64> {
        let module = self.instance(index).module.clone();
        let layout = module.info().struct_layout(type_index);
        let object = self.allocate_object(type_number(&module, type_index), 0, u64::from(layout.size))?;
        if let Some(location) = layout.descriptor {
            let descriptor = self.pop_const()?;
            if descriptor.0 == 0 {
                return Err(Trap::NullDescriptor.into());
            }
            let storage = StorageType::Val(ValType::Ref(RefType { nullable: false, heap: HeapType::Struct }));
            self.heap.set_field(object, location.offset as usize, storage, descriptor);
        }
        if with_operands {
            for (offset, storage) in layout.fields.iter().rev() {
                let value = self.pop_const()?;
                self.heap.set_field(object, *offset as usize, *storage, value);
            }
        }
        Ok(object)
    }

    /// Allocates an array with `length` operands as its elements.
    fn const_array(&mut self, index: usize, type_index: u32, length: u32) -> Result<u64> {
        let module = self.instance(index).module.clone();
        let storage = module.info().element_storage(type_index);
        let array = self.allocate_array(type_number(&module, type_index), length)?;
        for element in (0..length).rev() {
            let value = self.pop_const()?;
            self.heap.set_field(array, element_offset(storage, element), storage, value);
        }
        Ok(array)
    }

    fn pop_const(&mut self) -> Result<VmVal> {
        let missing = || Error::new(ErrorKind::Invalid, "constant expression lacks an operand");
        self.const_stack.pop().ok_or_else(missing)
    }
}

/// The number of a type of the module.
fn type_number(module: &Module, type_index: u32) -> u32 {
    module.info().types[type_index as usize].number()
}

fn arithmetic(op: ConstOp, left: u64, right: u64) -> u128 {
    let narrow = |value: u32| u128::from(value);
    match op {
        ConstOp::I32Add => narrow((left as u32).wrapping_add(right as u32)),
        ConstOp::I32Sub => narrow((left as u32).wrapping_sub(right as u32)),
        ConstOp::I32Mul => narrow((left as u32).wrapping_mul(right as u32)),
        ConstOp::I64Sub => u128::from(left.wrapping_sub(right)),
        ConstOp::I64Mul => u128::from(left.wrapping_mul(right)),
        _ => u128::from(left.wrapping_add(right)),
    }
}
