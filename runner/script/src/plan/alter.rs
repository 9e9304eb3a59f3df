//! Altered expectations: a control against false passes.
//!
//! A plan with altered expectations has the same requests, but different expected results. If an
//! engine passes a directive, the altered one must fail; otherwise the check of the directive is
//! incomplete.

use crate::embed::ErrorKind;
use crate::messages::Written;
use crate::value::{FloatPattern, HeapType, Pattern, RefPattern, VectorPattern};

use super::model::Want;

/// Selects which part of each expectation to alter: the result with this index, or the last, and
/// likewise the lane of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alter(pub usize);

/// The bits to flip in a number, truncated to its width; they differ from the differences between
/// alternatives of an `either`.
const BITS: u64 = 0x5a5a_5a5a_5a5a_5a5a;

impl Alter {
    /// Alters patterns; `None` if there are none.
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
            // Every alternative must change.
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

/// A different float; a number for a NaN class.
fn float<Bits>(pattern: FloatPattern<Bits>, alter: impl Fn(Bits) -> Bits, zero: Bits) -> FloatPattern<Bits> {
    match pattern {
        FloatPattern::CanonicalNan | FloatPattern::ArithmeticNan => FloatPattern::Bits(zero),
        FloatPattern::Bits(bits) => FloatPattern::Bits(alter(bits)),
    }
}

/// A different reference: another number, a non-null reference for null, null for others.
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
        // The script does not state the type of the null; an i31 reference never matches one.
        RefPattern::Null(None) => RefPattern::I31,
        other => RefPattern::Null(other.top()),
    }
}

fn trap() -> Want {
    Want::Fails { kind: ErrorKind::Trap, text: None, written: Written::Binary, superseded: false }
}

impl Want {
    /// The altered expectation of a directive.
    pub(super) fn altered(self) -> Want {
        match self {
            Want::Done => trap(),
            // The result depends on the engine's version.
            Want::Fails { superseded: true, .. } => {
                Want::NotApplicable("assertions that later versions changed are not altered".to_owned())
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
