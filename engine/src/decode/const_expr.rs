//! Constant expressions (core spec, section 3.4.14). They are decoded once and evaluated at each
//! instantiation.

use smallvec::{SmallVec, smallvec};
use wasmparser::{BinaryReader, Operator};

use crate::error::{Error, Result};

/// A constant expression, as the instructions of a stack machine.
#[derive(Clone, Debug)]
pub(crate) struct ConstExpr(pub(crate) SmallVec<[ConstOp; 1]>);

/// An instruction of a constant expression.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConstOp {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    /// The little-endian bytes: a `u128` would make every instruction larger.
    V128([u8; 16]),
    GlobalGet(u32),
    RefFunc(u32),
    RefNull,
    RefI31,
    StructNew(u32),
    StructNewDefault(u32),
    StructNewDesc(u32),
    StructNewDefaultDesc(u32),
    ArrayNew(u32),
    ArrayNewDefault(u32),
    /// The type index and the number of elements.
    ArrayNewFixed(u32, u32),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

impl ConstExpr {
    /// Decodes a constant expression. The validator has accepted it, or will check it.
    pub(crate) fn read(expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr> {
        if let Some(constant) = ConstExpr::read_i32(&mut expr.get_binary_reader()) {
            return Ok(ConstExpr(smallvec![ConstOp::I32(constant)]));
        }
        let mut ops = SmallVec::new();
        let mut reader = expr.get_operators_reader();
        while !reader.eof() {
            let (op, offset) = reader.read_with_offset().map_err(super::refused::malformed)?;
            ops.push(match op {
                Operator::I32Const { value } => ConstOp::I32(value),
                Operator::I64Const { value } => ConstOp::I64(value),
                Operator::F32Const { value } => ConstOp::F32(value.bits()),
                Operator::F64Const { value } => ConstOp::F64(value.bits()),
                Operator::V128Const { value } => ConstOp::V128(*value.bytes()),
                Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
                Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
                Operator::RefNull { .. } => ConstOp::RefNull,
                Operator::RefI31 => ConstOp::RefI31,
                Operator::StructNew { struct_type_index } => ConstOp::StructNew(struct_type_index),
                Operator::StructNewDefault { struct_type_index } => {
                    ConstOp::StructNewDefault(struct_type_index)
                }
                Operator::StructNewDesc { struct_type_index } => ConstOp::StructNewDesc(struct_type_index),
                Operator::StructNewDefaultDesc { struct_type_index } => {
                    ConstOp::StructNewDefaultDesc(struct_type_index)
                }
                Operator::ArrayNew { array_type_index } => ConstOp::ArrayNew(array_type_index),
                Operator::ArrayNewDefault { array_type_index } => ConstOp::ArrayNewDefault(array_type_index),
                Operator::ArrayNewFixed { array_type_index, array_size } => {
                    ConstOp::ArrayNewFixed(array_type_index, array_size)
                }
                // Internal and external references have the same representation.
                Operator::AnyConvertExtern | Operator::ExternConvertAny => continue,
                Operator::I32Add => ConstOp::I32Add,
                Operator::I32Sub => ConstOp::I32Sub,
                Operator::I32Mul => ConstOp::I32Mul,
                Operator::I64Add => ConstOp::I64Add,
                Operator::I64Sub => ConstOp::I64Sub,
                Operator::I64Mul => ConstOp::I64Mul,
                Operator::End => break,
                other => {
                    let message = format!("instruction {other:?} in a constant expression");
                    return Err(Error::unsupported(message).at(offset));
                }
            });
        }
        Ok(ConstExpr(ops))
    }

    /// Reads an expression that is one `i32.const`, as the offsets of most segments are. Returns
    /// the constant.
    pub(super) fn read_i32(reader: &mut BinaryReader<'_>) -> Option<i32> {
        const I32_CONST: u8 = 0x41;
        const END: u8 = 0x0b;
        if reader.read_u8().ok()? != I32_CONST {
            return None;
        }
        let value = reader.read_var_i32().ok()?;
        (reader.read_u8().ok()? == END).then_some(value)
    }
}
