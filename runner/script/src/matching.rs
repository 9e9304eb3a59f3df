//! Compares results with the patterns of an `assert_return`.

use serde::{Deserialize, Serialize};

use super::value::{FloatPattern, Pattern, RefPattern, Reference, Value, VectorPattern, lane};

/// The first difference between results and patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The kind of difference.
    pub kind: MismatchKind,
    /// The message, which names the result and the lane of a vector.
    pub message: String,
}

/// How a result differs from its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MismatchKind {
    /// The number of results differs.
    Count,
    /// The result has the wrong type.
    Type,
    /// The result is a different number, or a different reference of the right kind.
    Value,
    /// A NaN of a class was expected, but the result is another NaN or a number.
    Nan,
    /// A null was expected.
    NullExpected,
    /// A non-null reference was expected.
    UnexpectedNull,
    /// A reference of another kind in the same hierarchy was expected.
    Reference,
}

impl MismatchKind {
    /// The kind as a failure's name.
    pub fn name(self) -> &'static str {
        match self {
            MismatchKind::Count => "wrong-count",
            MismatchKind::Type => "wrong-type",
            MismatchKind::Value => "wrong-value",
            MismatchKind::Nan => "wrong-nan",
            MismatchKind::NullExpected => "null-expected",
            MismatchKind::UnexpectedNull => "unexpected-null",
            MismatchKind::Reference => "wrong-reference",
        }
    }
}

/// Compares results with patterns.
///
/// # Errors
///
/// The first difference.
pub fn match_results(results: &[Value], patterns: &[Pattern]) -> Result<(), Mismatch> {
    if results.len() != patterns.len() {
        return Err(miscounted(results.len(), patterns.len()));
    }
    for (index, (result, pattern)) in results.iter().zip(patterns).enumerate() {
        match_value(result, pattern).map_err(|difference| difference.at(index))?;
    }
    Ok(())
}

/// The mismatch of the result with this index, if any.
pub(crate) fn mismatch(index: usize, result: &Value, pattern: &Pattern) -> Option<Mismatch> {
    match_value(result, pattern).err().map(|difference| difference.at(index))
}

/// The mismatch for a different number of results.
pub(crate) fn miscounted(results: usize, patterns: usize) -> Mismatch {
    let message = format!("expected {}, got {}", counted(patterns), counted(results));
    Mismatch { kind: MismatchKind::Count, message }
}

/// How a value differs from a pattern, with the lane of a vector.
struct Difference {
    kind: MismatchKind,
    lane: Option<usize>,
}

impl Difference {
    fn at(self, result: usize) -> Mismatch {
        let lane = self.lane.map(|lane| format!(", lane {lane},")).unwrap_or_default();
        let what = match self.kind {
            MismatchKind::Count => "counts differently",
            MismatchKind::Type => "has the wrong type",
            MismatchKind::Value => "has the wrong value",
            MismatchKind::Nan => "is not a NaN of the expected class",
            MismatchKind::NullExpected => "is not null",
            MismatchKind::UnexpectedNull => "is null",
            MismatchKind::Reference => "is the wrong kind of reference",
        };
        Mismatch { kind: self.kind, message: format!("result {result}{lane} {what}") }
    }
}

impl From<MismatchKind> for Difference {
    fn from(kind: MismatchKind) -> Self {
        Difference { kind, lane: None }
    }
}

fn counted(results: usize) -> String {
    match results {
        0 => "no result".to_owned(),
        1 => "1 result".to_owned(),
        _ => format!("{results} results"),
    }
}

fn match_value(value: &Value, pattern: &Pattern) -> Result<(), Difference> {
    match (pattern, value) {
        (Pattern::I32(expected), Value::I32(actual)) => same(expected == actual),
        (Pattern::I64(expected), Value::I64(actual)) => same(expected == actual),
        (Pattern::F32(expected), Value::F32(actual)) => match_f32(*actual, *expected),
        (Pattern::F64(expected), Value::F64(actual)) => match_f64(*actual, *expected),
        (Pattern::V128(expected), Value::V128(actual)) => match_vector(*actual, expected),
        (Pattern::Ref(expected), Value::Ref(actual)) => match_reference(*actual, *expected),
        (Pattern::Either(patterns), _) => match_either(value, patterns),
        _ => Err(MismatchKind::Type.into()),
    }
}

/// One of the patterns must match. If none does, returns the difference from the first one with the
/// right type.
fn match_either(value: &Value, patterns: &[Pattern]) -> Result<(), Difference> {
    let mut told: Option<Difference> = None;
    for pattern in patterns {
        match match_value(value, pattern) {
            Ok(()) => return Ok(()),
            Err(difference) => {
                if told.as_ref().is_none_or(|first| first.kind == MismatchKind::Type) {
                    told = Some(difference);
                }
            }
        }
    }
    Err(told.unwrap_or(MismatchKind::Type.into()))
}

fn match_vector(bits: u128, pattern: &VectorPattern) -> Result<(), Difference> {
    match pattern {
        VectorPattern::I8x16(expected) => each_lane(lane::i8x16(bits), expected, |a, e| same(a == e)),
        VectorPattern::I16x8(expected) => each_lane(lane::i16x8(bits), expected, |a, e| same(a == e)),
        VectorPattern::I32x4(expected) => each_lane(lane::i32x4(bits), expected, |a, e| same(a == e)),
        VectorPattern::I64x2(expected) => each_lane(lane::i64x2(bits), expected, |a, e| same(a == e)),
        VectorPattern::F32x4(expected) => {
            each_lane(lane::i32x4(bits), expected, |a, e| match_f32(a as u32, e))
        }
        VectorPattern::F64x2(expected) => {
            each_lane(lane::i64x2(bits), expected, |a, e| match_f64(a as u64, e))
        }
    }
}

fn each_lane<Lane, Expected: Copy, const COUNT: usize>(
    actual: [Lane; COUNT],
    expected: &[Expected; COUNT],
    matches: impl Fn(Lane, Expected) -> Result<(), Difference>,
) -> Result<(), Difference> {
    for (index, (actual, expected)) in actual.into_iter().zip(expected).enumerate() {
        matches(actual, *expected).map_err(|difference| Difference { lane: Some(index), ..difference })?;
    }
    Ok(())
}

/// The NaN classes of core spec, section 4.3.3 ("NaN Propagation"): canonical is the quiet bit
/// alone, arithmetic has it.
fn match_f32(actual: u32, expected: FloatPattern<u32>) -> Result<(), Difference> {
    const QUIET: u32 = 0x7fc0_0000;
    match expected {
        FloatPattern::CanonicalNan => nan(actual & 0x7fff_ffff == QUIET),
        FloatPattern::ArithmeticNan => nan(actual & QUIET == QUIET),
        FloatPattern::Bits(bits) => same(bits == actual),
    }
}

fn match_f64(actual: u64, expected: FloatPattern<u64>) -> Result<(), Difference> {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match expected {
        FloatPattern::CanonicalNan => nan(actual & 0x7fff_ffff_ffff_ffff == QUIET),
        FloatPattern::ArithmeticNan => nan(actual & QUIET == QUIET),
        FloatPattern::Bits(bits) => same(bits == actual),
    }
}

fn match_reference(actual: Reference, expected: RefPattern) -> Result<(), Difference> {
    if expected.top().is_some_and(|top| top != actual.top()) {
        return Err(MismatchKind::Type.into());
    }
    match (expected, actual) {
        (RefPattern::Null(_), Reference::Null(_)) => Ok(()),
        (RefPattern::Null(_), _) => Err(MismatchKind::NullExpected.into()),
        (_, Reference::Null(_)) => Err(MismatchKind::UnexpectedNull.into()),
        (RefPattern::Extern(Some(expected)), Reference::Extern(actual)) => same(actual == Some(expected)),
        (RefPattern::Host(expected), Reference::Host(actual)) => same(actual == expected),
        (RefPattern::Func, Reference::Func)
        | (RefPattern::Extern(None), Reference::Extern(_))
        | (RefPattern::Exn, Reference::Exn)
        | (RefPattern::Any, _)
        | (RefPattern::Eq, Reference::I31(_) | Reference::Struct | Reference::Array)
        | (RefPattern::I31, Reference::I31(_))
        | (RefPattern::Struct, Reference::Struct)
        | (RefPattern::Array, Reference::Array) => Ok(()),
        _ => Err(MismatchKind::Reference.into()),
    }
}

fn same(equal: bool) -> Result<(), Difference> {
    if equal { Ok(()) } else { Err(MismatchKind::Value.into()) }
}

fn nan(of_class: bool) -> Result<(), Difference> {
    if of_class { Ok(()) } else { Err(MismatchKind::Nan.into()) }
}

#[cfg(test)]
mod tests {
    use super::super::value::HeapType;
    use super::*;

    fn kind(value: Value, pattern: Pattern) -> Option<MismatchKind> {
        match_results(&[value], &[pattern]).err().map(|mismatch| mismatch.kind)
    }

    fn message(value: Value, pattern: Pattern) -> String {
        match_results(&[value], &[pattern]).unwrap_err().message
    }

    #[test]
    fn counts_types_and_values_are_distinguished() {
        let one = Value::I32(1);
        assert_eq!(match_results(&[], &[Pattern::I32(1)]).unwrap_err().kind, MismatchKind::Count);
        assert_eq!(
            match_results(&[one, one], &[Pattern::I32(1)]).unwrap_err().message,
            "expected 1 result, got 2 results"
        );
        assert_eq!(kind(one, Pattern::I64(1)), Some(MismatchKind::Type));
        assert_eq!(kind(one, Pattern::F32(FloatPattern::Bits(1))), Some(MismatchKind::Type));
        assert_eq!(kind(one, Pattern::Ref(RefPattern::Null(None))), Some(MismatchKind::Type));
        assert_eq!(kind(one, Pattern::I32(2)), Some(MismatchKind::Value));
        assert_eq!(kind(one, Pattern::I32(1)), None);
    }

    #[test]
    fn the_second_result_is_compared_with_the_second_pattern() {
        let mismatch =
            match_results(&[Value::I32(1), Value::I32(2)], &[Pattern::I32(1), Pattern::I32(3)]).unwrap_err();
        assert_eq!(mismatch.message, "result 1 has the wrong value");
    }

    #[test]
    fn zeros_of_either_sign_differ() {
        assert_eq!(
            kind(Value::F32(0x8000_0000), Pattern::F32(FloatPattern::Bits(0))),
            Some(MismatchKind::Value)
        );
        assert_eq!(kind(Value::F64(1 << 63), Pattern::F64(FloatPattern::Bits(0))), Some(MismatchKind::Value));
    }

    #[test]
    fn a_canonical_nan_has_the_quiet_bit_alone() {
        for (bits, canonical, arithmetic) in [
            (0x7fc0_0000u32, true, true),
            (0xffc0_0000, true, true),
            (0x7fc0_0001, false, true),
            (0xffff_ffff, false, true),
            (0x7fa0_0000, false, false),
            (0x7f80_0000, false, false),
            (0x3f80_0000, false, false),
        ] {
            let found = |pattern| kind(Value::F32(bits), Pattern::F32(pattern)).is_none();
            assert_eq!(found(FloatPattern::CanonicalNan), canonical, "{bits:#x}");
            assert_eq!(found(FloatPattern::ArithmeticNan), arithmetic, "{bits:#x}");
        }
        for (bits, canonical, arithmetic) in [
            (0x7ff8_0000_0000_0000u64, true, true),
            (0xfff8_0000_0000_0000, true, true),
            (0x7ff8_0000_0000_0001, false, true),
            (0x7ff4_0000_0000_0000, false, false),
            (0x7ff0_0000_0000_0000, false, false),
        ] {
            let found = |pattern| kind(Value::F64(bits), Pattern::F64(pattern)).is_none();
            assert_eq!(found(FloatPattern::CanonicalNan), canonical, "{bits:#x}");
            assert_eq!(found(FloatPattern::ArithmeticNan), arithmetic, "{bits:#x}");
        }
    }

    #[test]
    fn a_nan_with_a_payload_asked_for_matches_by_its_bits() {
        let pattern = || Pattern::F32(FloatPattern::Bits(0x7fc0_0001));
        assert_eq!(kind(Value::F32(0x7fc0_0001), pattern()), None);
        assert_eq!(kind(Value::F32(0x7fc0_0000), pattern()), Some(MismatchKind::Value));
        assert_eq!(
            kind(Value::F32(0x3f80_0000), Pattern::F32(FloatPattern::CanonicalNan)),
            Some(MismatchKind::Nan)
        );
    }

    #[test]
    fn every_lane_of_every_shape_counts() {
        let bits = 0x100f_0e0d_0c0b_0a09_0807_0605_0403_0201u128;
        let shapes: [fn(u128) -> VectorPattern; 6] = [
            |bits| VectorPattern::I8x16(lane::i8x16(bits)),
            |bits| VectorPattern::I16x8(lane::i16x8(bits)),
            |bits| VectorPattern::I32x4(lane::i32x4(bits)),
            |bits| VectorPattern::I64x2(lane::i64x2(bits)),
            |bits| VectorPattern::F32x4(lane::i32x4(bits).map(|lane| FloatPattern::Bits(lane as u32))),
            |bits| VectorPattern::F64x2(lane::i64x2(bits).map(|lane| FloatPattern::Bits(lane as u64))),
        ];
        for shape in shapes {
            assert_eq!(kind(Value::V128(bits), Pattern::V128(shape(bits))), None);
            for byte in 0..16 {
                let other = bits ^ (0x80 << (8 * byte));
                assert_eq!(kind(Value::V128(other), Pattern::V128(shape(bits))), Some(MismatchKind::Value));
            }
        }
        let text = message(Value::V128(bits ^ 1 << 127), Pattern::V128(shapes[2](bits)));
        assert_eq!(text, "result 0, lane 3, has the wrong value");
    }

    #[test]
    fn lanes_of_floats_take_nan_classes() {
        let nans = [
            FloatPattern::CanonicalNan,
            FloatPattern::ArithmeticNan,
            FloatPattern::Bits(0),
            FloatPattern::Bits(1),
        ];
        let pattern = || Pattern::V128(VectorPattern::F32x4(nans));
        assert_eq!(kind(Value::V128(0x0000_0001_0000_0000_7fc0_0001_7fc0_0000), pattern()), None);
        assert_eq!(
            message(Value::V128(0x0000_0001_0000_0000_7fc0_0000_7fc0_0001), pattern()),
            "result 0, lane 0, is not a NaN of the expected class"
        );
        let pattern =
            || Pattern::V128(VectorPattern::F64x2([FloatPattern::CanonicalNan, FloatPattern::ArithmeticNan]));
        assert_eq!(kind(Value::V128(0x7ff8_0000_0000_0001_7ff8_0000_0000_0000), pattern()), None);
        assert_eq!(
            kind(Value::V128(0x7ff4_0000_0000_0000_7ff8_0000_0000_0000), pattern()),
            Some(MismatchKind::Nan)
        );
    }

    #[test]
    fn either_takes_any_of_its_patterns_and_no_other() {
        let pattern = || Pattern::Either(vec![Pattern::I64(9), Pattern::I32(1), Pattern::I32(2)]);
        assert_eq!(kind(Value::I32(2), pattern()), None);
        assert_eq!(kind(Value::I32(3), pattern()), Some(MismatchKind::Value));
        assert_eq!(kind(Value::F32(3), pattern()), Some(MismatchKind::Type));
        let first_fits = Pattern::Either(vec![Pattern::I32(1), Pattern::I64(9)]);
        assert_eq!(kind(Value::I32(3), first_fits), Some(MismatchKind::Value));
        assert_eq!(kind(Value::I32(1), Pattern::Either(vec![])), Some(MismatchKind::Type));
    }

    #[test]
    fn each_reference_pattern_takes_its_own_references_only() {
        use Reference as R;
        let all = [
            R::Null(HeapType::Func),
            R::Null(HeapType::Extern),
            R::Null(HeapType::None),
            R::Null(HeapType::NoExn),
            R::Func,
            R::Extern(Some(1)),
            R::Extern(None),
            R::Host(1),
            R::I31(1),
            R::Struct,
            R::Array,
            R::Exn,
        ];
        let taken: [(RefPattern, &[R]); 16] = [
            (RefPattern::Null(None), &all[..4]),
            (RefPattern::Null(Some(HeapType::NoFunc)), &[R::Null(HeapType::Func)]),
            (RefPattern::Null(Some(HeapType::Struct)), &[R::Null(HeapType::None)]),
            (RefPattern::Null(Some(HeapType::NoExtern)), &[R::Null(HeapType::Extern)]),
            (RefPattern::Null(Some(HeapType::Exn)), &[R::Null(HeapType::NoExn)]),
            (RefPattern::Func, &[R::Func]),
            (RefPattern::Extern(None), &[R::Extern(Some(1)), R::Extern(None)]),
            (RefPattern::Extern(Some(1)), &[R::Extern(Some(1))]),
            (RefPattern::Host(1), &[R::Host(1)]),
            (RefPattern::Host(2), &[]),
            (RefPattern::Any, &[R::Host(1), R::I31(1), R::Struct, R::Array]),
            (RefPattern::Eq, &[R::I31(1), R::Struct, R::Array]),
            (RefPattern::I31, &[R::I31(1)]),
            (RefPattern::Struct, &[R::Struct]),
            (RefPattern::Array, &[R::Array]),
            (RefPattern::Exn, &[R::Exn]),
        ];
        for (pattern, taken) in taken {
            for reference in all {
                let found = kind(Value::Ref(reference), Pattern::Ref(pattern)).is_none();
                assert_eq!(found, taken.contains(&reference), "{pattern} against {reference}");
            }
        }
    }

    #[test]
    fn differences_of_references_are_distinguished() {
        let difference = |reference, pattern| kind(Value::Ref(reference), Pattern::Ref(pattern));
        use MismatchKind as M;
        assert_eq!(difference(Reference::Null(HeapType::Func), RefPattern::Func), Some(M::UnexpectedNull));
        assert_eq!(difference(Reference::Func, RefPattern::Null(None)), Some(M::NullExpected));
        assert_eq!(difference(Reference::Func, RefPattern::Extern(None)), Some(M::Type));
        assert_eq!(difference(Reference::Struct, RefPattern::Array), Some(M::Reference));
        assert_eq!(difference(Reference::Host(1), RefPattern::Eq), Some(M::Reference));
        assert_eq!(difference(Reference::Null(HeapType::None), RefPattern::Any), Some(M::UnexpectedNull));
        assert_eq!(difference(Reference::Exn, RefPattern::Any), Some(M::Type));
        assert_eq!(difference(Reference::Extern(Some(2)), RefPattern::Extern(Some(1))), Some(M::Value));
        assert_eq!(difference(Reference::Extern(None), RefPattern::Extern(Some(1))), Some(M::Value));
        assert_eq!(difference(Reference::Host(2), RefPattern::Host(1)), Some(M::Value));
        assert_eq!(
            difference(Reference::Null(HeapType::Extern), RefPattern::Null(Some(HeapType::Func))),
            Some(M::Type)
        );
    }
}
