//! The comparisons of a wrapper, each a separate function in it.
//!
//! A check takes a value, and the values to compare with if these differ between uses. It returns 0
//! if the value is as expected, else 1, after storing the bits of the value in the wrapper's two
//! globals.

use wasm_encoder::{AbstractHeapType, BlockType, Function, HeapType as Encoded, InstructionSink, ValType};

use crate::value::{FloatPattern, HeapType, Pattern, RefPattern, VectorPattern};

use super::module::Passed;

/// The wrapper's global with the lower 64 bits of the unexpected value.
pub(super) const LOW: u32 = 0;
/// The global with the upper 64 bits.
pub(super) const HIGH: u32 = 1;

/// The kinds of references, which a wrapper stores in the lower 32 bits; the value of an i31
/// reference is in the next 32.
pub(super) mod kind {
    pub(in crate::plan) const NULL: i64 = 0;
    pub(in crate::plan) const FUNC: i64 = 1;
    pub(in crate::plan) const EXTERN: i64 = 2;
    pub(in crate::plan) const EXN: i64 = 3;
    pub(in crate::plan) const I31: i64 = 4;
    pub(in crate::plan) const STRUCT: i64 = 5;
    pub(in crate::plan) const ARRAY: i64 = 6;
    pub(in crate::plan) const HOST: i64 = 7;
}

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Two integers of 32 bits, or the bits of floats.
    Bits32,
    /// The bits of a float under a mask.
    Masked32,
    Bits64,
    Masked64,
    Vector,
    MaskedVector,
    /// A reference of a hierarchy, with the required kind.
    Reference(HeapType, Kind),
    /// Never succeeds: the value is only recorded.
    Noted(Noted),
}

/// The required kind of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    NotNull,
    /// The host reference for a number.
    Number,
    Eq,
    I31,
    Struct,
    Array,
}

/// The type of a recorded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Bits32,
    Bits64,
    Vector,
    Reference(HeapType),
}

impl Check {
    /// Its parameters.
    pub(super) fn parameters(self) -> Vec<ValType> {
        use ValType::{I32, I64, V128};
        match self {
            Check::Bits32 => vec![I32, I32],
            Check::Masked32 => vec![I32, I32, I32],
            Check::Bits64 => vec![I64, I64],
            Check::Masked64 => vec![I64, I64, I64],
            Check::Vector => vec![V128, V128],
            Check::MaskedVector => vec![V128, V128, V128],
            Check::Reference(top, Kind::Number) => vec![reference(top), I32],
            Check::Reference(top, _) | Check::Noted(Noted::Reference(top)) => vec![reference(top)],
            Check::Noted(Noted::Bits32) => vec![I32],
            Check::Noted(Noted::Bits64) => vec![I64],
            Check::Noted(Noted::Vector) => vec![V128],
        }
    }

    /// Whether it needs the host's comparison.
    pub(super) fn needs_host(self) -> bool {
        matches!(self, Check::Reference(_, Kind::Number))
    }

    /// Its body, given the index of the host's comparison and of the wrapper's first global.
    pub(super) fn body(self, equals: u32, globals: u32) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        if !matches!(self, Check::Noted(_)) {
            self.compare(&mut code, equals);
            code.if_(BlockType::Empty).i32_const(0).return_().end();
        }
        self.note(&mut code, globals);
        code.i32_const(1).end();
        function
    }

    /// Emits code that leaves 1 if the value is as expected, else 0.
    fn compare(self, code: &mut InstructionSink<'_>, equals: u32) {
        match self {
            Check::Bits32 => code.local_get(0).local_get(1).i32_eq(),
            Check::Masked32 => code.local_get(0).local_get(1).i32_and().local_get(2).i32_eq(),
            Check::Bits64 => code.local_get(0).local_get(1).i64_eq(),
            Check::Masked64 => code.local_get(0).local_get(1).i64_and().local_get(2).i64_eq(),
            Check::Vector => code.local_get(0).local_get(1).v128_xor().v128_any_true().i32_eqz(),
            Check::MaskedVector => {
                let code = code.local_get(0).local_get(1).v128_and().local_get(2);
                code.v128_xor().v128_any_true().i32_eqz()
            }
            Check::Reference(top, kind) => {
                let code = code.local_get(0);
                let test = |heap| Encoded::Abstract { shared: false, ty: heap };
                match kind {
                    Kind::Null => code.ref_is_null(),
                    Kind::NotNull => code.ref_is_null().i32_eqz(),
                    Kind::Number if top == HeapType::Any => {
                        code.extern_convert_any().local_get(1).call(equals)
                    }
                    Kind::Number => code.local_get(1).call(equals),
                    Kind::Eq => code.ref_test_non_null(test(AbstractHeapType::Eq)),
                    Kind::I31 => code.ref_test_non_null(test(AbstractHeapType::I31)),
                    Kind::Struct => code.ref_test_non_null(test(AbstractHeapType::Struct)),
                    Kind::Array => code.ref_test_non_null(test(AbstractHeapType::Array)),
                }
            }
            Check::Noted(_) => code,
        };
    }

    /// Emits code that records the value.
    fn note(self, code: &mut InstructionSink<'_>, globals: u32) {
        match self {
            Check::Bits32 | Check::Masked32 | Check::Noted(Noted::Bits32) => {
                code.local_get(0).i64_extend_i32_u().global_set(globals + LOW);
            }
            Check::Bits64 | Check::Masked64 | Check::Noted(Noted::Bits64) => {
                code.local_get(0).global_set(globals + LOW);
            }
            Check::Vector | Check::MaskedVector | Check::Noted(Noted::Vector) => {
                code.local_get(0).i64x2_extract_lane(0).global_set(globals + LOW);
                code.local_get(0).i64x2_extract_lane(1).global_set(globals + HIGH);
            }
            Check::Reference(top, _) | Check::Noted(Noted::Reference(top)) => {
                note_reference(code, top);
                code.global_set(globals + LOW);
            }
        }
    }
}

/// Emits code that leaves the kind of a reference.
fn note_reference(code: &mut InstructionSink<'_>, top: HeapType) {
    let result = BlockType::Result(ValType::I64);
    code.local_get(0).ref_is_null().if_(result).i64_const(kind::NULL).else_();
    match top {
        HeapType::Func => code.i64_const(kind::FUNC),
        HeapType::Extern => code.i64_const(kind::EXTERN),
        HeapType::Exn => code.i64_const(kind::EXN),
        _ => {
            let test = |heap| Encoded::Abstract { shared: false, ty: heap };
            let i31 = test(AbstractHeapType::I31);
            let code = code.local_get(0).ref_test_non_null(i31).if_(result);
            let code = code.local_get(0).ref_cast_non_null(i31).i31_get_u().i64_extend_i32_u();
            let code = code.i64_const(32).i64_shl().i64_const(kind::I31).i64_or().else_();
            let code = code.local_get(0).ref_test_non_null(test(AbstractHeapType::Struct));
            let code = code.if_(result).i64_const(kind::STRUCT).else_();
            let code = code.local_get(0).ref_test_non_null(test(AbstractHeapType::Array));
            code.if_(result).i64_const(kind::ARRAY).else_().i64_const(kind::HOST).end().end().end()
        }
    };
    code.end();
}

/// The nullable reference type to the top of a hierarchy.
pub(super) fn reference(top: HeapType) -> ValType {
    ValType::Ref(match top.top() {
        HeapType::Func => wasm_encoder::RefType::FUNCREF,
        HeapType::Extern => wasm_encoder::RefType::EXTERNREF,
        HeapType::Exn => wasm_encoder::RefType::EXNREF,
        _ => wasm_encoder::RefType::ANYREF,
    })
}

/// The check that compares a value of a type with a pattern, with its constants. `None` if no value
/// of the type can match.
pub(super) fn check(ty: Passed, pattern: &Pattern) -> Option<(Check, Constants)> {
    Some(match (ty, pattern) {
        (Passed::I32, Pattern::I32(value)) => (Check::Bits32, Constants::Bits32(vec![*value])),
        (Passed::I64, Pattern::I64(value)) => (Check::Bits64, Constants::Bits64(vec![*value])),
        (Passed::F32, Pattern::F32(pattern)) => {
            let (mask, bits) = float32(*pattern);
            match mask {
                u32::MAX => (Check::Bits32, Constants::Bits32(vec![bits.cast_signed()])),
                _ => (Check::Masked32, Constants::Bits32(vec![mask.cast_signed(), bits.cast_signed()])),
            }
        }
        (Passed::F64, Pattern::F64(pattern)) => {
            let (mask, bits) = float64(*pattern);
            match mask {
                u64::MAX => (Check::Bits64, Constants::Bits64(vec![bits.cast_signed()])),
                _ => (Check::Masked64, Constants::Bits64(vec![mask.cast_signed(), bits.cast_signed()])),
            }
        }
        (Passed::V128, Pattern::V128(pattern)) => {
            let (mask, bits) = vector(pattern);
            match mask {
                u128::MAX => (Check::Vector, Constants::Vectors(vec![bits])),
                _ => (Check::MaskedVector, Constants::Vectors(vec![mask, bits])),
            }
        }
        (Passed::Ref { top, .. }, Pattern::Ref(pattern)) => {
            if pattern.top().is_some_and(|expected| expected != top) {
                return None;
            }
            let (kind, number) = match *pattern {
                RefPattern::Null(_) => (Kind::Null, None),
                RefPattern::Func | RefPattern::Exn | RefPattern::Any | RefPattern::Extern(None) => {
                    (Kind::NotNull, None)
                }
                RefPattern::Extern(Some(number)) | RefPattern::Host(number) => (Kind::Number, Some(number)),
                RefPattern::Eq => (Kind::Eq, None),
                RefPattern::I31 => (Kind::I31, None),
                RefPattern::Struct => (Kind::Struct, None),
                RefPattern::Array => (Kind::Array, None),
            };
            let numbers = number.map(u32::cast_signed).into_iter().collect();
            (Check::Reference(top, kind), Constants::Bits32(numbers))
        }
        _ => return None,
    })
}

/// The check that only records a value of a type.
pub(super) fn noted(ty: Passed) -> Check {
    Check::Noted(match ty {
        Passed::I32 | Passed::F32 => Noted::Bits32,
        Passed::I64 | Passed::F64 => Noted::Bits64,
        Passed::V128 => Noted::Vector,
        Passed::Ref { top, .. } => Noted::Reference(top),
    })
}

/// The constants that a check takes besides the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Constants {
    Bits32(Vec<i32>),
    Bits64(Vec<i64>),
    Vectors(Vec<u128>),
}

impl Constants {
    pub(super) fn push(&self, code: &mut InstructionSink<'_>) {
        match self {
            Constants::Bits32(values) => values.iter().for_each(|value| {
                code.i32_const(*value);
            }),
            Constants::Bits64(values) => values.iter().for_each(|value| {
                code.i64_const(*value);
            }),
            Constants::Vectors(values) => values.iter().for_each(|value| {
                code.v128_const(value.cast_signed());
            }),
        }
    }
}

/// The mask and the bits under it. The classes of NaN are those of core spec, section 4.3.3 ("NaN
/// Propagation").
fn float32(pattern: FloatPattern<u32>) -> (u32, u32) {
    match pattern {
        FloatPattern::CanonicalNan => (0x7fff_ffff, 0x7fc0_0000),
        FloatPattern::ArithmeticNan => (0x7fc0_0000, 0x7fc0_0000),
        FloatPattern::Bits(bits) => (u32::MAX, bits),
    }
}

fn float64(pattern: FloatPattern<u64>) -> (u64, u64) {
    match pattern {
        FloatPattern::CanonicalNan => (0x7fff_ffff_ffff_ffff, 0x7ff8_0000_0000_0000),
        FloatPattern::ArithmeticNan => (0x7ff8_0000_0000_0000, 0x7ff8_0000_0000_0000),
        FloatPattern::Bits(bits) => (u64::MAX, bits),
    }
}

fn vector(pattern: &VectorPattern) -> (u128, u128) {
    let exact = |bits: u128| (u128::MAX, bits);
    /// Joins lanes, with lane 0 in the lowest bits.
    fn join(width: u32, lanes: impl DoubleEndedIterator<Item = u128>) -> u128 {
        lanes.rev().fold(0, |bits, lane| (bits << width) | lane)
    }
    match pattern {
        VectorPattern::I8x16(lanes) => {
            exact(join(8, lanes.iter().map(|lane| u128::from(lane.cast_unsigned()))))
        }
        VectorPattern::I16x8(lanes) => {
            exact(join(16, lanes.iter().map(|lane| u128::from(lane.cast_unsigned()))))
        }
        VectorPattern::I32x4(lanes) => {
            exact(join(32, lanes.iter().map(|lane| u128::from(lane.cast_unsigned()))))
        }
        VectorPattern::I64x2(lanes) => {
            exact(join(64, lanes.iter().map(|lane| u128::from(lane.cast_unsigned()))))
        }
        VectorPattern::F32x4(lanes) => {
            let lanes = lanes.map(float32);
            let part = |part: fn(&(u32, u32)) -> u32| join(32, lanes.iter().map(|l| u128::from(part(l))));
            (part(|lane| lane.0), part(|lane| lane.1))
        }
        VectorPattern::F64x2(lanes) => {
            let lanes = lanes.map(float64);
            let part = |part: fn(&(u64, u64)) -> u64| join(64, lanes.iter().map(|l| u128::from(part(l))));
            (part(|lane| lane.0), part(|lane| lane.1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_joined_from_the_lowest() {
        assert_eq!(vector(&VectorPattern::I16x8([1, -1, 0, 0, 0, 0, 0, 2])).1, (2 << 112) | 0xffff_0001);
        let (mask, bits) = vector(&VectorPattern::F64x2([FloatPattern::CanonicalNan, FloatPattern::Bits(5)]));
        assert_eq!(mask, (u128::from(u64::MAX) << 64) | 0x7fff_ffff_ffff_ffff);
        assert_eq!(bits, (5 << 64) | 0x7ff8_0000_0000_0000);
    }

    #[test]
    fn a_pattern_of_another_type_cannot_match() {
        assert!(check(Passed::I32, &Pattern::I64(1)).is_none());
        let heap = wasm_encoder::HeapType::EXTERN;
        let external = Passed::Ref { top: HeapType::Extern, nullable: true, heap };
        assert!(check(external, &Pattern::Ref(RefPattern::Func)).is_none());
        assert!(check(external, &Pattern::Ref(RefPattern::Null(None))).is_some());
    }
}
