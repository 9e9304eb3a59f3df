//! Dispatch of operators to the methods that translate them.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64, I128};
use wasmparser::Operator as Op;

use super::Translator;
use super::memory::Extend;
use crate::abi::builtin::Builtin;
use crate::error::Result;

impl Translator<'_, '_> {
    /// Translates an operator, which validation has accepted.
    pub(crate) fn operator(&mut self, op: &Op<'_>) -> Result<()> {
        if self.reachable { self.reachable_operator(op) } else { self.skip_operator(op) }
    }

    /// In unreachable code only the nesting of blocks is tracked.
    fn skip_operator(&mut self, op: &Op<'_>) -> Result<()> {
        match op {
            Op::Block { .. } | Op::Loop { .. } | Op::If { .. } | Op::TryTable { .. } | Op::Try { .. } => {
                self.skip_block()
            }
            Op::Else => self.r#else(),
            Op::End => self.end()?,
            Op::Catch { tag_index } => self.legacy_catch(Some(*tag_index)),
            Op::CatchAll => self.legacy_catch(None),
            Op::Delegate { relative_depth } => self.delegate(*relative_depth)?,
            _ => {}
        }
        Ok(())
    }

    /// One line for each operator, in the order of the specification's index of instructions.
    #[expect(clippy::too_many_lines, reason = "a table with one line for each operator")]
    fn reachable_operator(&mut self, op: &Op<'_>) -> Result<()> {
        match op {
            // Control.
            Op::Unreachable => self.unreachable(),
            Op::Nop => {}
            Op::Block { blockty } => self.block(*blockty)?,
            Op::Loop { blockty } => self.r#loop(*blockty)?,
            Op::If { blockty } => self.r#if(*blockty)?,
            Op::Else => self.r#else(),
            Op::End => self.end()?,
            Op::Br { relative_depth } => self.br(*relative_depth),
            Op::BrIf { relative_depth } => self.br_if(*relative_depth),
            Op::BrTable { targets } => self.br_table(targets)?,
            Op::Return => self.r#return(),
            Op::Call { function_index } => self.call(*function_index),
            Op::CallIndirect { type_index, table_index } => self.call_indirect(*type_index, *table_index),
            Op::ReturnCall { function_index } => self.return_call(*function_index),
            Op::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(*type_index, *table_index);
            }
            Op::CallRef { type_index } => self.call_ref(*type_index),
            Op::ReturnCallRef { type_index } => self.return_call_ref(*type_index),
            Op::BrOnNull { relative_depth } => self.br_on_null(*relative_depth),
            Op::BrOnNonNull { relative_depth } => self.br_on_non_null(*relative_depth),
            Op::TryTable { try_table } => self.try_table(try_table)?,
            Op::Throw { tag_index } => self.throw(*tag_index),
            Op::ThrowRef => self.throw_ref(),
            Op::Try { blockty } => self.legacy_try(*blockty)?,
            Op::Catch { tag_index } => self.legacy_catch(Some(*tag_index)),
            Op::CatchAll => self.legacy_catch(None),
            Op::Delegate { relative_depth } => self.delegate(*relative_depth)?,
            Op::Rethrow { relative_depth } => self.rethrow(*relative_depth),
            Op::ContNew { cont_type_index } => self.cont_new(*cont_type_index),
            Op::ContBind { argument_index, result_index } => self.cont_bind(*argument_index, *result_index),
            Op::Suspend { tag_index } => self.suspend(*tag_index),
            Op::Resume { cont_type_index, resume_table } => self.resume(*cont_type_index, resume_table)?,
            Op::ResumeThrow { cont_type_index, tag_index, resume_table } => {
                self.resume_throw(*cont_type_index, *tag_index, resume_table)?;
            }
            Op::ResumeThrowRef { cont_type_index, resume_table } => {
                self.resume_throw_ref(*cont_type_index, resume_table)?;
            }
            Op::Switch { cont_type_index, tag_index } => self.switch(*cont_type_index, *tag_index),
            // Parametric and variable.
            Op::Drop => drop(self.pop()),
            Op::Select | Op::TypedSelect { .. } => self.select(),
            Op::LocalGet { local_index } => self.local_get(*local_index),
            Op::LocalSet { local_index } => self.local_set(*local_index),
            Op::LocalTee { local_index } => self.local_tee(*local_index),
            Op::GlobalGet { global_index } => self.global_get(*global_index),
            Op::GlobalSet { global_index } => self.global_set(*global_index),
            // References.
            Op::RefNull { .. } => self.ref_null(),
            Op::RefIsNull => self.ref_is_null(),
            Op::RefAsNonNull => self.ref_as_non_null(),
            Op::RefFunc { function_index } => self.ref_func(*function_index)?,
            Op::RefEq => self.compare(IntCC::Equal),
            Op::RefTestNonNull { hty } => self.ref_test(*hty, false)?,
            Op::RefTestNullable { hty } => self.ref_test(*hty, true)?,
            Op::RefCastNonNull { hty } => self.ref_cast(*hty, false)?,
            Op::RefCastNullable { hty } => self.ref_cast(*hty, true)?,
            Op::BrOnCast { relative_depth, to_ref_type, .. } => {
                self.br_on_cast(*relative_depth, *to_ref_type, true)?;
            }
            Op::BrOnCastFail { relative_depth, to_ref_type, .. } => {
                self.br_on_cast(*relative_depth, *to_ref_type, false)?;
            }
            Op::RefI31 => self.ref_i31(),
            Op::I31GetS => self.i31_get(Extend::Sign),
            Op::I31GetU => self.i31_get(Extend::Zero),
            // Internal and external references have the same representation.
            Op::AnyConvertExtern | Op::ExternConvertAny => {}
            // Structures and arrays.
            Op::StructNew { struct_type_index } | Op::StructNewDesc { struct_type_index } => {
                self.struct_new(*struct_type_index);
            }
            Op::StructNewDefault { struct_type_index } | Op::StructNewDefaultDesc { struct_type_index } => {
                self.struct_new_default(*struct_type_index);
            }
            Op::RefGetDesc { type_index } => self.ref_get_desc(*type_index),
            Op::RefCastDescEqNonNull { hty } => self.ref_cast_desc_eq(*hty, false)?,
            Op::RefCastDescEqNullable { hty } => self.ref_cast_desc_eq(*hty, true)?,
            Op::BrOnCastDescEq { relative_depth, to_ref_type, .. } => {
                self.br_on_cast_desc_eq(*relative_depth, *to_ref_type, true)?;
            }
            Op::BrOnCastDescEqFail { relative_depth, to_ref_type, .. } => {
                self.br_on_cast_desc_eq(*relative_depth, *to_ref_type, false)?;
            }
            Op::StructGet { struct_type_index, field_index }
            | Op::StructGetU { struct_type_index, field_index } => {
                self.struct_get(*struct_type_index, *field_index, Extend::Zero);
            }
            Op::StructGetS { struct_type_index, field_index } => {
                self.struct_get(*struct_type_index, *field_index, Extend::Sign);
            }
            Op::StructSet { struct_type_index, field_index } => {
                self.struct_set(*struct_type_index, *field_index);
            }
            Op::ArrayNew { array_type_index } => self.array_new(*array_type_index),
            Op::ArrayNewDefault { array_type_index } => self.array_new_default(*array_type_index),
            Op::ArrayNewFixed { array_type_index, array_size } => {
                self.array_new_fixed(*array_type_index, *array_size);
            }
            Op::ArrayNewData { array_type_index, array_data_index } => {
                self.array_new_segment(Builtin::ArrayNewData, *array_type_index, *array_data_index);
            }
            Op::ArrayNewElem { array_type_index, array_elem_index } => {
                self.array_new_segment(Builtin::ArrayNewElem, *array_type_index, *array_elem_index);
            }
            Op::ArrayGet { array_type_index } | Op::ArrayGetU { array_type_index } => {
                self.array_get(*array_type_index, Extend::Zero);
            }
            Op::ArrayGetS { array_type_index } => self.array_get(*array_type_index, Extend::Sign),
            Op::ArraySet { array_type_index } => self.array_set(*array_type_index),
            Op::ArrayLen => self.array_len(),
            Op::ArrayFill { array_type_index } => self.array_fill(*array_type_index),
            Op::ArrayCopy { array_type_index_dst, .. } => self.array_copy(*array_type_index_dst),
            Op::ArrayInitData { array_data_index, .. } => {
                self.array_init_segment(Builtin::ArrayInitData, *array_data_index);
            }
            Op::ArrayInitElem { array_elem_index, .. } => {
                self.array_init_segment(Builtin::ArrayInitElem, *array_elem_index);
            }
            // Tables.
            Op::TableGet { table } => self.table_get(*table),
            Op::TableSet { table } => self.table_set(*table),
            Op::TableSize { table } => self.table_size(*table),
            Op::TableGrow { table } => self.table_grow(*table),
            Op::TableFill { table } => self.bulk(Builtin::TableFill, &[*table]),
            Op::TableCopy { dst_table, src_table } => {
                self.bulk(Builtin::TableCopy, &[*dst_table, *src_table])
            }
            Op::TableInit { elem_index, table } => self.bulk(Builtin::TableInit, &[*elem_index, *table]),
            Op::ElemDrop { elem_index } => self.drop_segment(Builtin::ElemDrop, *elem_index),
            // Memories.
            Op::MemorySize { mem } => self.memory_size(*mem),
            Op::MemoryGrow { mem } => self.memory_grow(*mem),
            Op::MemoryFill { mem } => self.memory_fill(*mem),
            Op::MemoryCopy { dst_mem, src_mem } => self.memory_copy(*dst_mem, *src_mem),
            Op::MemoryInit { data_index, mem } => self.bulk(Builtin::MemoryInit, &[*data_index, *mem]),
            Op::DataDrop { data_index } => self.drop_segment(Builtin::DataDrop, *data_index),
            Op::I32Load { memarg } => self.load(I32, memarg),
            Op::I64Load { memarg } => self.load(I64, memarg),
            Op::F32Load { memarg } => self.load(F32, memarg),
            Op::F64Load { memarg } => self.load(F64, memarg),
            Op::I32Load8S { memarg } => self.load_extend(I8, Extend::Sign, I32, memarg),
            Op::I32Load8U { memarg } => self.load_extend(I8, Extend::Zero, I32, memarg),
            Op::I32Load16S { memarg } => self.load_extend(I16, Extend::Sign, I32, memarg),
            Op::I32Load16U { memarg } => self.load_extend(I16, Extend::Zero, I32, memarg),
            Op::I64Load8S { memarg } => self.load_extend(I8, Extend::Sign, I64, memarg),
            Op::I64Load8U { memarg } => self.load_extend(I8, Extend::Zero, I64, memarg),
            Op::I64Load16S { memarg } => self.load_extend(I16, Extend::Sign, I64, memarg),
            Op::I64Load16U { memarg } => self.load_extend(I16, Extend::Zero, I64, memarg),
            Op::I64Load32S { memarg } => self.load_extend(I32, Extend::Sign, I64, memarg),
            Op::I64Load32U { memarg } => self.load_extend(I32, Extend::Zero, I64, memarg),
            Op::I32Store { memarg }
            | Op::I64Store { memarg }
            | Op::F32Store { memarg }
            | Op::F64Store { memarg } => self.store(memarg),
            Op::I32Store8 { memarg } | Op::I64Store8 { memarg } => self.store_low(I8, memarg),
            Op::I32Store16 { memarg } | Op::I64Store16 { memarg } => self.store_low(I16, memarg),
            Op::I64Store32 { memarg } => self.store_low(I32, memarg),
            // Constants.
            Op::I32Const { value } => self.i32_const(*value),
            Op::I64Const { value } => self.i64_const(*value),
            Op::F32Const { value } => self.f32_const(value.bits()),
            Op::F64Const { value } => self.f64_const(value.bits()),
            // Comparison.
            Op::I32Eqz | Op::I64Eqz => self.eqz(),
            Op::I32Eq | Op::I64Eq => self.compare(IntCC::Equal),
            Op::I32Ne | Op::I64Ne => self.compare(IntCC::NotEqual),
            Op::I32LtS | Op::I64LtS => self.compare(IntCC::SignedLessThan),
            Op::I32LtU | Op::I64LtU => self.compare(IntCC::UnsignedLessThan),
            Op::I32GtS | Op::I64GtS => self.compare(IntCC::SignedGreaterThan),
            Op::I32GtU | Op::I64GtU => self.compare(IntCC::UnsignedGreaterThan),
            Op::I32LeS | Op::I64LeS => self.compare(IntCC::SignedLessThanOrEqual),
            Op::I32LeU | Op::I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual),
            Op::I32GeS | Op::I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual),
            Op::I32GeU | Op::I64GeU => self.compare(IntCC::UnsignedGreaterThanOrEqual),
            Op::F32Eq | Op::F64Eq => self.fcompare(FloatCC::Equal),
            Op::F32Ne | Op::F64Ne => self.fcompare(FloatCC::NotEqual),
            Op::F32Lt | Op::F64Lt => self.fcompare(FloatCC::LessThan),
            Op::F32Gt | Op::F64Gt => self.fcompare(FloatCC::GreaterThan),
            Op::F32Le | Op::F64Le => self.fcompare(FloatCC::LessThanOrEqual),
            Op::F32Ge | Op::F64Ge => self.fcompare(FloatCC::GreaterThanOrEqual),
            // Integer arithmetic. Division instructions trap by themselves.
            Op::I32Clz | Op::I64Clz => self.unary(|ins, x| ins.clz(x)),
            Op::I32Ctz | Op::I64Ctz => self.unary(|ins, x| ins.ctz(x)),
            Op::I32Popcnt | Op::I64Popcnt => self.unary(|ins, x| ins.popcnt(x)),
            Op::I32Add | Op::I64Add => self.binary(|ins, x, y| ins.iadd(x, y)),
            Op::I32Sub | Op::I64Sub => self.binary(|ins, x, y| ins.isub(x, y)),
            Op::I32Mul | Op::I64Mul => self.binary(|ins, x, y| ins.imul(x, y)),
            Op::I32DivS | Op::I64DivS => self.trapping_binary(|ins, x, y| ins.sdiv(x, y)),
            Op::I32DivU | Op::I64DivU => self.trapping_binary(|ins, x, y| ins.udiv(x, y)),
            Op::I32RemS | Op::I64RemS => self.trapping_binary(|ins, x, y| ins.srem(x, y)),
            Op::I32RemU | Op::I64RemU => self.trapping_binary(|ins, x, y| ins.urem(x, y)),
            Op::I32And | Op::I64And => self.binary(|ins, x, y| ins.band(x, y)),
            Op::I32Or | Op::I64Or => self.binary(|ins, x, y| ins.bor(x, y)),
            Op::I32Xor | Op::I64Xor => self.binary(|ins, x, y| ins.bxor(x, y)),
            Op::I32Shl | Op::I64Shl => self.binary(|ins, x, y| ins.ishl(x, y)),
            Op::I32ShrS | Op::I64ShrS => self.binary(|ins, x, y| ins.sshr(x, y)),
            Op::I32ShrU | Op::I64ShrU => self.binary(|ins, x, y| ins.ushr(x, y)),
            Op::I32Rotl | Op::I64Rotl => self.binary(|ins, x, y| ins.rotl(x, y)),
            Op::I32Rotr | Op::I64Rotr => self.binary(|ins, x, y| ins.rotr(x, y)),
            Op::I32Extend8S | Op::I64Extend8S => self.extend_low(I8),
            Op::I32Extend16S | Op::I64Extend16S => self.extend_low(I16),
            Op::I64Extend32S => self.extend_low(I32),
            Op::I64Add128 => self.wide_binary(|ins, x, y| ins.iadd(x, y)),
            Op::I64Sub128 => self.wide_binary(|ins, x, y| ins.isub(x, y)),
            Op::I64MulWideS => self.mul_wide(|ins, x| ins.sextend(I128, x)),
            Op::I64MulWideU => self.mul_wide(|ins, x| ins.uextend(I128, x)),
            // Float arithmetic.
            Op::F32Abs | Op::F64Abs => self.unary(|ins, x| ins.fabs(x)),
            Op::F32Neg | Op::F64Neg => self.unary(|ins, x| ins.fneg(x)),
            Op::F32Ceil | Op::F64Ceil => self.unary(|ins, x| ins.ceil(x)),
            Op::F32Floor | Op::F64Floor => self.unary(|ins, x| ins.floor(x)),
            Op::F32Trunc | Op::F64Trunc => self.unary(|ins, x| ins.trunc(x)),
            Op::F32Nearest | Op::F64Nearest => self.unary(|ins, x| ins.nearest(x)),
            Op::F32Sqrt | Op::F64Sqrt => self.unary(|ins, x| ins.sqrt(x)),
            Op::F32Add | Op::F64Add => self.binary(|ins, x, y| ins.fadd(x, y)),
            Op::F32Sub | Op::F64Sub => self.binary(|ins, x, y| ins.fsub(x, y)),
            Op::F32Mul | Op::F64Mul => self.binary(|ins, x, y| ins.fmul(x, y)),
            Op::F32Div | Op::F64Div => self.binary(|ins, x, y| ins.fdiv(x, y)),
            Op::F32Min | Op::F64Min => self.binary(|ins, x, y| ins.fmin(x, y)),
            Op::F32Max | Op::F64Max => self.binary(|ins, x, y| ins.fmax(x, y)),
            Op::F32Copysign | Op::F64Copysign => self.binary(|ins, x, y| ins.fcopysign(x, y)),
            // Conversion. Truncation instructions trap by themselves.
            Op::I32WrapI64 => self.convert(I32, |ins, to, x| ins.ireduce(to, x)),
            Op::I64ExtendI32S => self.convert(I64, |ins, to, x| ins.sextend(to, x)),
            Op::I64ExtendI32U => self.convert(I64, |ins, to, x| ins.uextend(to, x)),
            Op::I32TruncF32S | Op::I32TruncF64S => {
                self.trapping_convert(I32, |ins, to, x| ins.fcvt_to_sint(to, x))
            }
            Op::I32TruncSatF32S | Op::I32TruncSatF64S => {
                self.convert(I32, |ins, to, x| ins.fcvt_to_sint_sat(to, x))
            }
            Op::I32TruncF32U | Op::I32TruncF64U => {
                self.trapping_convert(I32, |ins, to, x| ins.fcvt_to_uint(to, x))
            }
            Op::I32TruncSatF32U | Op::I32TruncSatF64U => {
                self.convert(I32, |ins, to, x| ins.fcvt_to_uint_sat(to, x))
            }
            Op::I64TruncF32S | Op::I64TruncF64S => {
                self.trapping_convert(I64, |ins, to, x| ins.fcvt_to_sint(to, x))
            }
            Op::I64TruncSatF32S | Op::I64TruncSatF64S => {
                self.convert(I64, |ins, to, x| ins.fcvt_to_sint_sat(to, x))
            }
            Op::I64TruncF32U | Op::I64TruncF64U => {
                self.trapping_convert(I64, |ins, to, x| ins.fcvt_to_uint(to, x))
            }
            Op::I64TruncSatF32U | Op::I64TruncSatF64U => {
                self.convert(I64, |ins, to, x| ins.fcvt_to_uint_sat(to, x))
            }
            Op::F32ConvertI32S | Op::F32ConvertI64S => {
                self.convert(F32, |ins, to, x| ins.fcvt_from_sint(to, x))
            }
            Op::F32ConvertI32U | Op::F32ConvertI64U => {
                self.convert(F32, |ins, to, x| ins.fcvt_from_uint(to, x))
            }
            Op::F64ConvertI32S | Op::F64ConvertI64S => {
                self.convert(F64, |ins, to, x| ins.fcvt_from_sint(to, x))
            }
            Op::F64ConvertI32U | Op::F64ConvertI64U => {
                self.convert(F64, |ins, to, x| ins.fcvt_from_uint(to, x))
            }
            Op::F32DemoteF64 => self.convert(F32, |ins, to, x| ins.fdemote(to, x)),
            Op::F64PromoteF32 => self.convert(F64, |ins, to, x| ins.fpromote(to, x)),
            Op::I32ReinterpretF32 => self.reinterpret(I32),
            Op::I64ReinterpretF64 => self.reinterpret(I64),
            Op::F32ReinterpretI32 => self.reinterpret(F32),
            Op::F64ReinterpretI64 => self.reinterpret(F64),
            other => self.atomic_operator(other)?,
        }
        Ok(())
    }
}
