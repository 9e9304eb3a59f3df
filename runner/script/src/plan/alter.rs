//! Altered expectations: a control against false passes.
//!
//! A plan with altered expectations asks an engine for the same, and expects something else of
//! every directive. So on an engine that passes a directive, the altered one has to fail; where it
//! passes, the directive is not judged by what it says.

use crate::embed::ErrorKind;
use crate::messages::Written;
use crate::value::{FloatPattern, HeapType, Pattern, RefPattern, VectorPattern};

use super::model::Want;

/// Which part of each expectation is altered: of several results the one of this number, or the
/// last, and of a vector's lanes likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alter(pub usize);

/// The bits by which a number is altered, as many as it has: not those by which the alternatives of
/// an `either` differ.
const BITS: u64 = 0x5a5a_5a5a_5a5a_5a5a;

impl Alter {
    /// Other patterns in the place of these; `None` where there are none.
    pub(super) fn patterns(self, patterns: &[Pattern]) -> Option<Vec<Pattern>> {
        let at = self.0.min(patterns.len().checked_sub(1)?);
        let alter = |(number, pattern): (usize, &Pattern)| match number == at {
            true => self.pattern(pattern),
            false => pattern.clone(),
        };
        Some(patterns.iter().enumerate().map(alter).collect())
    }

    fn pattern(self, pattern: &Pattern) -> Pattern {
        match pattern {
            Pattern::I32(value) => Pattern::I32(value ^ BITS as i32),
            Pattern::I64(value) => Pattern::I64(value ^ BITS as i64),
            Pattern::F32(pattern) => Pattern::F32(float(*pattern, |bits| bits ^ BITS as u32, 0)),
            Pattern::F64(pattern) => Pattern::F64(float(*pattern, |bits| bits ^ BITS, 0)),
            Pattern::V128(pattern) => Pattern::V128(self.vector(*pattern)),
            Pattern::Ref(pattern) => Pattern::Ref(reference(*pattern)),
            // No alternative may stay as it is.
            Pattern::Either(patterns) => {
                Pattern::Either(patterns.iter().map(|pattern| self.pattern(pattern)).collect())
            }
        }
    }

    fn vector(self, pattern: VectorPattern) -> VectorPattern {
        fn lane<Lane, const COUNT: usize>(
            mut lanes: [Lane; COUNT],
            number: usize,
            alter: impl Fn(&Lane) -> Lane,
        ) -> [Lane; COUNT] {
            if let Some(lane) = lanes.get_mut(number.min(COUNT - 1)) {
                *lane = alter(lane);
            }
            lanes
        }
        let at = self.0;
        match pattern {
            VectorPattern::I8x16(lanes) => VectorPattern::I8x16(lane(lanes, at, |lane| lane ^ BITS as i8)),
            VectorPattern::I16x8(lanes) => VectorPattern::I16x8(lane(lanes, at, |lane| lane ^ BITS as i16)),
            VectorPattern::I32x4(lanes) => VectorPattern::I32x4(lane(lanes, at, |lane| lane ^ BITS as i32)),
            VectorPattern::I64x2(lanes) => VectorPattern::I64x2(lane(lanes, at, |lane| lane ^ BITS as i64)),
            VectorPattern::F32x4(lanes) => {
                VectorPattern::F32x4(lane(lanes, at, |lane| float(*lane, |bits| bits ^ BITS as u32, 0)))
            }
            VectorPattern::F64x2(lanes) => {
                VectorPattern::F64x2(lane(lanes, at, |lane| float(*lane, |bits| bits ^ BITS, 0)))
            }
        }
    }
}

/// Another float; no NaN in the place of a class of NaN.
fn float<Bits>(pattern: FloatPattern<Bits>, alter: impl Fn(Bits) -> Bits, zero: Bits) -> FloatPattern<Bits> {
    match pattern {
        FloatPattern::CanonicalNan | FloatPattern::ArithmeticNan => FloatPattern::Bits(zero),
        FloatPattern::Bits(bits) => FloatPattern::Bits(alter(bits)),
    }
}

/// A reference that is not the one expected: another number, something in the place of null, null
/// in the place of something.
fn reference(pattern: RefPattern) -> RefPattern {
    match pattern {
        RefPattern::Extern(Some(number)) => RefPattern::Extern(Some(number ^ 1)),
        RefPattern::Host(number) => RefPattern::Host(number ^ 1),
        RefPattern::Null(Some(heap)) => match heap.top() {
            HeapType::Func => RefPattern::Func,
            HeapType::Extern => RefPattern::Extern(None),
            HeapType::Exn => RefPattern::Exn,
            _ => RefPattern::Any,
        },
        // Of what type the null is the script does not say; that of a number is never met.
        RefPattern::Null(None) => RefPattern::I31,
        other => RefPattern::Null(other.top()),
    }
}

fn trap() -> Want {
    Want::Fails { kind: ErrorKind::Trap, text: None, written: Written::Binary, superseded: false }
}

impl Want {
    /// What the directive must not come to where it is as expected.
    pub(super) fn altered(self) -> Want {
        match self {
            Want::Done => trap(),
            // What comes of it depends on the engine's version.
            Want::Fails { superseded: true, .. } => {
                Want::NotApplicable("what later versions revoked is not altered".to_owned())
            }
            Want::Fails { .. } | Want::Throws => Want::Done,
            Want::Returns(patterns) if patterns.is_empty() => trap(),
            Want::Known { kind, message, want } => {
                Want::Known { kind, message, want: Box::new(want.altered()) }
            }
            other => other,
        }
    }
}
