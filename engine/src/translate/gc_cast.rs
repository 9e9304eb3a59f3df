//! Type tests and casts, and unboxed integers (core spec, section 4.6.9, "Reference Instructions",
//! and 4.6.10, "Aggregate Instructions").

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use wasmparser::{AbstractHeapType, HeapType, RefType, UnpackedIndex};

use super::memory::Extend;
use super::{TRUSTED, Translator, constant};
use crate::abi::builtin::Builtin;
use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::types::CompositeType;
use crate::types::layout::OBJECT_TYPE;
use crate::vm::layout::offsets;
use crate::vm::rows::{KIND_ARRAY, KIND_STRUCT, ROW_KIND, ROW_LOG2, display_offset};

/// The low bits of a reference below `any`, which mark references that are not addresses: an
/// unboxed integer has the lowest bit set, a host value only the other bit.
const TAG: i64 = 0b11;
const I31_TAG: i64 = 0b01;
const HOST_TAG: i64 = 0b10;

/// The condition on a non-null reference.
#[derive(Clone, Copy)]
enum Test {
    /// Always true.
    Anything,
    /// Always false.
    Nothing,
    I31,
    /// Anything except a host value.
    Eq,
    /// An object whose type is of this kind.
    Kind(u32),
    /// An object of this type.
    Object(Target),
    /// A function of this type.
    Function(Target),
}

/// A type of the module by its index, with or without its proper subtypes.
#[derive(Clone, Copy)]
struct Target {
    type_index: u32,
    exact: bool,
}

impl Translator<'_, '_> {
    pub(super) fn ref_test(&mut self, heap: HeapType, nullable: bool) -> Result<()> {
        let reference = self.pop();
        let [yes, no, done] = [(); 3].map(|()| self.b.create_block());
        let result = self.b.append_block_param(done, types::I32);
        self.branch_on_type(reference, (heap, nullable), yes, no)?;
        for (block, answer) in [(yes, 1), (no, 0)] {
            self.b.seal_block(block);
            self.b.switch_to_block(block);
            let answer = self.b.ins().iconst(types::I32, answer);
            self.b.ins().jump(done, &[answer.into()]);
        }
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        self.push(result);
        Ok(())
    }

    pub(super) fn ref_cast(&mut self, heap: HeapType, nullable: bool) -> Result<()> {
        let reference = self.pop();
        self.cast(reference, Trap::CastFailure, |this, yes, no| {
            this.branch_on_type(reference, (heap, nullable), yes, no)
        })
    }

    /// Branches with a reference of the type if `wanted`, otherwise with any other reference.
    /// References with which it does not branch are kept.
    pub(super) fn br_on_cast(&mut self, depth: u32, to: RefType, wanted: bool) -> Result<()> {
        let reference = self.stack[self.stack.len() - 1];
        self.branch_on_cast(depth, wanted, |this, yes, no| {
            this.branch_on_type(reference, (to.heap_type(), to.is_nullable()), yes, no)
        })
    }

    /// Returns the reference if `test` branches to its first block, and traps if it branches to its
    /// second block.
    pub(super) fn cast(
        &mut self,
        reference: Value,
        trap: Trap,
        test: impl FnOnce(&mut Self, Block, Block) -> Result<()>,
    ) -> Result<()> {
        let [yes, no] = [(); 2].map(|()| self.b.create_block());
        self.b.set_cold_block(no);
        // The code generator replaces the branch to the trap by a trap of its own.
        self.mark();
        test(self, yes, no)?;
        self.b.seal_block(no);
        self.b.switch_to_block(no);
        self.trap(trap);
        self.b.seal_block(yes);
        self.b.switch_to_block(yes);
        self.push(reference);
        Ok(())
    }

    /// Branches with the operands on the stack, which are kept otherwise: if `test` branches to its
    /// first block and `wanted` is set, or if it branches to its second block and `wanted` is not
    /// set.
    pub(super) fn branch_on_cast(
        &mut self,
        depth: u32,
        wanted: bool,
        test: impl FnOnce(&mut Self, Block, Block) -> Result<()>,
    ) -> Result<()> {
        let [taken, next] = [(); 2].map(|()| self.b.create_block());
        let (yes, no) = if wanted { (taken, next) } else { (next, taken) };
        test(self, yes, no)?;
        self.b.seal_block(taken);
        self.b.switch_to_block(taken);
        self.jump_with_operands(depth);
        self.b.seal_block(next);
        self.b.switch_to_block(next);
        Ok(())
    }

    pub(super) fn ref_i31(&mut self) {
        let value = self.pop();
        let shifted = self.b.ins().ishl_imm_u(value, 1);
        let tagged = self.b.ins().bor_imm_u(shifted, I31_TAG);
        let reference = self.widen(tagged);
        self.push(reference);
    }

    pub(super) fn i31_get(&mut self, extend: Extend) {
        let reference = self.pop();
        self.trap_if_null(reference, Trap::NullI31Reference);
        let tagged = self.b.ins().ireduce(types::I32, reference);
        let value = match extend {
            Extend::Sign => self.b.ins().sshr_imm_u(tagged, 1),
            Extend::Zero => self.b.ins().ushr_imm_u(tagged, 1),
        };
        self.push(value);
    }

    /// Whether the type with this number is a subtype of the module's type with this index.
    pub(super) fn is_below(&mut self, number: Value, type_index: u32) -> Value {
        let ty = &self.env.info.canon[type_index as usize];
        let wanted = self.type_number(type_index);
        if ty.sub.is_final {
            return self.icmp(IntCC::Equal, number, wanted);
        }
        match display_offset(ty.display.len() - 1) {
            Some(offset) => {
                let row = self.type_row(number);
                let found = self.b.ins().load(types::I32, constant(), row, offset);
                self.icmp(IntCC::Equal, found, wanted)
            }
            None => {
                let below = self.call_builtin(Builtin::IsSubtype, &[number, wanted]);
                self.b.ins().icmp_imm_u(IntCC::NotEqual, below, 0)
            }
        }
    }

    fn is_of(&mut self, number: Value, target: Target) -> Value {
        if !target.exact {
            return self.is_below(number, target.type_index);
        }
        let wanted = self.type_number(target.type_index);
        self.icmp(IntCC::Equal, number, wanted)
    }

    /// The address of a type's row.
    fn type_row(&mut self, number: Value) -> Value {
        let rows = self.context_pointer(offsets::CTX_TYPE_ROWS);
        let number = self.widen(number);
        let offset = self.b.ins().ishl_imm_u(number, i64::from(ROW_LOG2));
        self.b.ins().iadd(rows, offset)
    }

    /// The condition of a heap type on a reference in its hierarchy.
    fn test_of(&self, heap: HeapType) -> Result<Test> {
        use AbstractHeapType as A;
        Ok(match heap {
            HeapType::Abstract { shared: false, ty } => match ty {
                A::Any | A::Func | A::Extern | A::Exn => Test::Anything,
                A::None | A::NoFunc | A::NoExtern | A::NoExn => Test::Nothing,
                A::Eq => Test::Eq,
                A::I31 => Test::I31,
                A::Struct => Test::Kind(KIND_STRUCT),
                A::Array => Test::Kind(KIND_ARRAY),
                A::Cont | A::NoCont => return Err(Error::unsupported("casts to continuation types")),
            },
            HeapType::Concrete(UnpackedIndex::Module(type_index)) => {
                self.test_of_defined(Target { type_index, exact: false })
            }
            HeapType::Exact(UnpackedIndex::Module(type_index)) => {
                self.test_of_defined(Target { type_index, exact: true })
            }
            other => return Err(Error::unsupported(format!("cast to {other:?}"))),
        })
    }

    fn test_of_defined(&self, target: Target) -> Test {
        match self.env.info.canon[target.type_index as usize].sub.composite {
            CompositeType::Func(_) => Test::Function(target),
            _ => Test::Object(target),
        }
    }

    /// Ends the current block: branches to `yes` if the reference, which was the top operand, has
    /// the type, otherwise to `no`.
    pub(super) fn branch_on_type(
        &mut self,
        reference: Value,
        (heap, nullable): (HeapType, bool),
        yes: Block,
        no: Block,
    ) -> Result<()> {
        let test = self.test_of(heap)?;
        if self.top.is_none_or(|ty| ty.is_nullable()) {
            let (null, there) = (if nullable { yes } else { no }, self.b.create_block());
            self.b.ins().brif(reference, there, &[], null, &[]);
            self.b.seal_block(there);
            self.b.switch_to_block(there);
        }
        match test {
            Test::Anything => self.branch(None, yes, no),
            Test::Nothing => self.branch(None, no, yes),
            Test::I31 => {
                let tagged = self.b.ins().band_imm_u(reference, I31_TAG);
                self.branch(Some(tagged), yes, no);
            }
            Test::Eq => {
                let tag = self.b.ins().band_imm_u(reference, TAG);
                let is_host = self.b.ins().icmp_imm_u(IntCC::Equal, tag, HOST_TAG);
                self.branch(Some(is_host), no, yes);
            }
            Test::Kind(kind) => {
                let number = self.object_type(reference, no);
                let row = self.type_row(number);
                let found = self.b.ins().load(types::I32, constant(), row, ROW_KIND);
                let same = self.b.ins().icmp_imm_u(IntCC::Equal, found, i64::from(kind));
                self.branch(Some(same), yes, no);
            }
            Test::Object(target) => {
                let number = self.object_type(reference, no);
                let below = self.is_of(number, target);
                self.branch(Some(below), yes, no);
            }
            Test::Function(target) => {
                let number = self.b.ins().load(types::I32, TRUSTED, reference, offsets::FUNC_TYPE);
                let below = self.is_of(number, target);
                self.branch(Some(below), yes, no);
            }
        }
        Ok(())
    }

    /// Branches to `yes` if the condition is true or absent.
    fn branch(&mut self, condition: Option<Value>, yes: Block, no: Block) {
        match condition {
            Some(condition) => self.b.ins().brif(condition, yes, &[], no, &[]),
            None => self.b.ins().jump(yes, &[]),
        };
    }

    /// The number of an object's type. Branches to `other` if the reference, which is not null and
    /// below `any`, is not to an object.
    fn object_type(&mut self, reference: Value, other: Block) -> Value {
        if self.top.is_none_or(may_be_tagged) {
            let object = self.b.create_block();
            let tag = self.b.ins().band_imm_u(reference, TAG);
            self.b.ins().brif(tag, other, &[], object, &[]);
            self.b.seal_block(object);
            self.b.switch_to_block(object);
        }
        self.b.ins().load(types::I32, TRUSTED, reference, OBJECT_TYPE)
    }
}

/// Whether a reference of a type below `any` can be something other than null and the address of an
/// object.
fn may_be_tagged(ty: RefType) -> bool {
    use AbstractHeapType as A;
    matches!(ty.heap_type(), HeapType::Abstract { ty: A::Any | A::Eq | A::I31, .. })
}
