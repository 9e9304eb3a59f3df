//! Calling conventions: functions use Cranelift's Tail convention, with the context as the first
//! parameter.

use cranelift_codegen::ir::{AbiParam, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::CallConv;
use smallvec::SmallVec;

use crate::types::{FuncType, ValType};

/// The type of a vector in calls, block parameters and locals. Between these, instructions cast
/// vectors to the shape of their lanes.
pub(crate) const VECTOR: Type = types::I8X16;

/// The type of references and addresses.
pub(crate) const POINTER: Type = types::I64;

/// The type of a value in a register. Every reference has 64 bits: null is 0, an unboxed i31 has
/// bit 0 set, a host value has bit 1 set, and anything else is an address.
pub(crate) fn ir_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => VECTOR,
        ValType::Ref(_) => POINTER,
    }
}

/// The signature of a wasm function: `vmctx`, then the parameters.
pub(crate) fn wasm_signature(ty: &FuncType) -> Signature {
    AbiSignature::of(ty).wasm()
}

/// Whether a function returns results in memory, because there are more than result registers. Its
/// first argument is then the address of that memory, and its context is the second.
pub(crate) fn returns_in_memory(ty: &FuncType) -> bool {
    /// The number of result registers of each kind in the Tail convention.
    const REGISTERS: usize = 8;
    let in_vectors = |ty: &&ValType| matches!(ty, ValType::F32 | ValType::F64 | ValType::V128);
    let results = ty.results();
    let vectors = results.iter().filter(in_vectors).count();
    vectors.max(results.len() - vectors) > REGISTERS
}

/// A function type at the level of registers. Types that differ only in their reference types have
/// the same one, and share their trampolines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AbiSignature {
    pub(crate) params: SmallVec<[Type; 8]>,
    pub(crate) results: SmallVec<[Type; 4]>,
}

impl AbiSignature {
    pub(crate) fn of(ty: &FuncType) -> AbiSignature {
        AbiSignature {
            params: ty.params().iter().copied().map(ir_type).collect(),
            results: ty.results().iter().copied().map(ir_type).collect(),
        }
    }

    /// Like [`wasm_signature`].
    pub(crate) fn wasm(&self) -> Signature {
        let mut signature = Signature::new(CallConv::Tail);
        signature.params.push(AbiParam::special(POINTER, ArgumentPurpose::VMContext));
        signature.params.extend(self.params.iter().copied().map(AbiParam::new));
        signature.returns.extend(self.results.iter().copied().map(AbiParam::new));
        signature
    }

    /// The number of slots for passing arguments and results through memory.
    pub(crate) fn slots(&self) -> usize {
        self.params.len().max(self.results.len())
    }
}

/// The signature of the builtin stub: context, number and five arguments; one result.
pub(crate) fn builtin_signature() -> Signature {
    let params: SmallVec<_> = [POINTER; BUILTIN_ARGUMENTS + 1].into_iter().collect();
    AbiSignature { params, results: SmallVec::from_elem(POINTER, 1) }.wasm()
}

/// The signature of the throw stub: context and exception; it does not return.
pub(crate) fn throw_signature() -> Signature {
    AbiSignature { params: SmallVec::from_elem(POINTER, 1), results: SmallVec::new() }.wasm()
}

/// The number of arguments of a builtin besides its context and number.
pub(crate) const BUILTIN_ARGUMENTS: usize = 5;
