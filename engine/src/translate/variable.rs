//! Locals, globals, `drop` and `select` (core spec, section 4.6.6, "Variable Instructions", and
//! 4.6.1).

use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, Type, Value};
use cranelift_frontend::Variable;

use super::{TRUSTED, Translator, constant};
use crate::abi::signature::{POINTER, ir_type};
use crate::types::Mutability;
use crate::vm::layout::GlobalLocation;

/// How the locals of a function are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locals {
    /// As values, with block parameters where branches meet.
    Values,
    /// In the stack frame. The code is slower, but its size and compile time are linear in the size
    /// of the body.
    Memory,
}

/// The location of a local.
#[derive(Clone, Copy)]
pub(super) enum Local {
    Value(Variable),
    Memory(StackSlot, Type),
}

impl Translator<'_, '_> {
    /// Adds a local with an initial value.
    pub(super) fn declare_local(&mut self, value: Value) {
        let ty = self.b.func.dfg.value_type(value);
        let local = match self.kept {
            Locals::Values => {
                let variable = self.b.declare_var(ty);
                self.b.def_var(variable, value);
                Local::Value(variable)
            }
            Locals::Memory => {
                let align = ty.bytes().trailing_zeros() as u8;
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, ty.bytes(), align);
                let slot = self.b.create_sized_stack_slot(data);
                self.b.ins().stack_store(POINTER, value, slot, 0);
                Local::Memory(slot, ty)
            }
        };
        self.locals.push(local);
    }

    pub(super) fn local_get(&mut self, local: u32) {
        let value = match self.touch(local) {
            Local::Value(variable) => self.b.use_var(variable),
            Local::Memory(slot, ty) => self.b.ins().stack_load(POINTER, ty, slot, 0),
        };
        self.push(value);
    }

    pub(super) fn local_set(&mut self, local: u32) {
        let value = self.pop();
        let value = self.boundary(value);
        match self.touch(local) {
            Local::Value(variable) => self.b.def_var(variable, value),
            Local::Memory(slot, _) => {
                self.b.ins().stack_store(POINTER, value, slot, 0);
            }
        }
    }

    pub(super) fn local_tee(&mut self, local: u32) {
        self.local_set(local);
        self.local_get(local);
    }

    pub(super) fn global_get(&mut self, global: u32) {
        let ty = self.env.info.globals[global as usize];
        let (base, offset) = self.global_location(global);
        // An immutable global is initialised before any code of the instance runs.
        let flags = if ty.mutability == Mutability::Const { constant() } else { TRUSTED };
        let value = self.b.ins().load(ir_type(ty.content), flags, base, offset);
        self.push(value);
    }

    pub(super) fn global_set(&mut self, global: u32) {
        let value = self.pop();
        let value = self.boundary(value);
        let (base, offset) = self.global_location(global);
        self.b.ins().store(TRUSTED, value, base, offset);
    }

    pub(super) fn select(&mut self) {
        let (first, second, condition) = self.pop3();
        let (first, second) = (self.boundary(first), self.boundary(second));
        let value = self.b.ins().select(condition, first, second);
        self.push(value);
    }

    /// The location of a local, which is marked as used.
    fn touch(&mut self, local: u32) -> Local {
        let local = local as usize;
        if self.touched.len() <= local {
            self.touched.resize(self.locals.len(), false);
        }
        self.touched_count += usize::from(!std::mem::replace(&mut self.touched[local], true));
        self.locals[local]
    }

    fn global_location(&mut self, global: u32) -> (Value, i32) {
        match self.env.layout.global(global) {
            GlobalLocation::Inline(offset) => (self.vmctx, offset),
            GlobalLocation::Pointer(offset) => {
                (self.b.ins().load(POINTER, constant(), self.vmctx, offset), 0)
            }
        }
    }
}
