//! Values and result patterns of scripts, and their text in messages.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmparser::AbstractHeapType;

/// A value that a script passes or an instance returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// The bits of a vector, lane 0 in the lowest bits.
    V128(u128),
    /// A reference.
    Ref(Reference),
}

/// A reference, as far as scripts distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A null of a heap type, or of any type above it in its hierarchy.
    Null(HeapType),
    /// A function.
    Func,
    /// An external reference, with the number if a script's `ref.extern` created it.
    Extern(Option<u32>),
    /// A host value in the `any` hierarchy, made by a script's `ref.host`, or by internalizing its
    /// `ref.extern`.
    Host(u32),
    /// An unboxed scalar, by its 31 bits.
    I31(u32),
    /// A structure.
    Struct,
    /// An array.
    Array,
    /// An exception.
    Exn,
    /// A continuation (stack-switching proposal).
    Cont,
}

/// An abstract heap type (core spec, section 2.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HeapType {
    /// All functions.
    Func,
    /// No function.
    NoFunc,
    /// All external references.
    Extern,
    /// No external reference.
    NoExtern,
    /// All internal references.
    Any,
    /// All internal references that can be compared.
    Eq,
    /// Unboxed scalars.
    I31,
    /// All structures.
    Struct,
    /// All arrays.
    Array,
    /// No internal reference.
    None,
    /// All exceptions.
    Exn,
    /// No exception.
    NoExn,
    /// All continuations (stack-switching proposal).
    Cont,
    /// No continuation.
    NoCont,
}

/// A pattern for a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// This 32-bit integer.
    I32(i32),
    /// This 64-bit integer.
    I64(i64),
    /// A 32-bit float.
    F32(FloatPattern<u32>),
    /// A 64-bit float.
    F64(FloatPattern<u64>),
    /// A vector, lane by lane.
    V128(VectorPattern),
    /// A reference.
    Ref(RefPattern),
    /// Any of these.
    Either(Vec<Pattern>),
}

/// A pattern for a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FloatPattern<Bits> {
    /// A NaN whose payload is the quiet bit alone, of either sign.
    CanonicalNan,
    /// A NaN whose payload has the quiet bit, of either sign.
    ArithmeticNan,
    /// Exactly these bits.
    Bits(Bits),
}

/// A pattern for a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VectorPattern {
    /// Sixteen 8-bit lanes.
    I8x16([i8; 16]),
    /// Eight 16-bit lanes.
    I16x8([i16; 8]),
    /// Four 32-bit lanes.
    I32x4([i32; 4]),
    /// Two 64-bit lanes.
    I64x2([i64; 2]),
    /// Four 32-bit floats.
    F32x4([FloatPattern<u32>; 4]),
    /// Two 64-bit floats.
    F64x2([FloatPattern<u64>; 2]),
}

/// A pattern for a reference. All except [`RefPattern::Null`] match only non-null references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefPattern {
    /// A null, of the hierarchy of the type if given.
    Null(Option<HeapType>),
    /// A function.
    Func,
    /// An external reference, with this number if given.
    Extern(Option<u32>),
    /// This host value in the `any` hierarchy.
    Host(u32),
    /// Any internal reference.
    Any,
    /// An internal reference that can be compared.
    Eq,
    /// An unboxed scalar.
    I31,
    /// A structure.
    Struct,
    /// An array.
    Array,
    /// An exception.
    Exn,
}

impl HeapType {
    /// The type of a module that is read.
    pub fn of_abstract(ty: AbstractHeapType) -> HeapType {
        match ty {
            AbstractHeapType::Func => HeapType::Func,
            AbstractHeapType::NoFunc => HeapType::NoFunc,
            AbstractHeapType::Extern => HeapType::Extern,
            AbstractHeapType::NoExtern => HeapType::NoExtern,
            AbstractHeapType::Any => HeapType::Any,
            AbstractHeapType::Eq => HeapType::Eq,
            AbstractHeapType::I31 => HeapType::I31,
            AbstractHeapType::Struct => HeapType::Struct,
            AbstractHeapType::Array => HeapType::Array,
            AbstractHeapType::None => HeapType::None,
            AbstractHeapType::Exn => HeapType::Exn,
            AbstractHeapType::NoExn => HeapType::NoExn,
            AbstractHeapType::Cont => HeapType::Cont,
            AbstractHeapType::NoCont => HeapType::NoCont,
        }
    }

    /// The top type of its hierarchy.
    pub fn top(self) -> HeapType {
        match self {
            HeapType::Func | HeapType::NoFunc => HeapType::Func,
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
            HeapType::Cont | HeapType::NoCont => HeapType::Cont,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None => HeapType::Any,
        }
    }

    /// The keyword of the text format.
    pub fn keyword(self) -> &'static str {
        match self {
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::None => "none",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Cont => "cont",
            HeapType::NoCont => "nocont",
        }
    }

    /// The type for a keyword of the text format.
    pub fn from_keyword(keyword: &str) -> Option<HeapType> {
        Some(match keyword {
            "func" => HeapType::Func,
            "nofunc" => HeapType::NoFunc,
            "extern" => HeapType::Extern,
            "noextern" => HeapType::NoExtern,
            "any" => HeapType::Any,
            "eq" => HeapType::Eq,
            "i31" => HeapType::I31,
            "struct" => HeapType::Struct,
            "array" => HeapType::Array,
            "none" => HeapType::None,
            "exn" => HeapType::Exn,
            "noexn" => HeapType::NoExn,
            "cont" => HeapType::Cont,
            "nocont" => HeapType::NoCont,
            _ => return None,
        })
    }
}

impl Reference {
    /// The top type of its hierarchy.
    pub fn top(self) -> HeapType {
        match self {
            Reference::Null(heap) => heap.top(),
            Reference::Func => HeapType::Func,
            Reference::Extern(_) => HeapType::Extern,
            Reference::Exn => HeapType::Exn,
            Reference::Cont => HeapType::Cont,
            Reference::Host(_) | Reference::I31(_) | Reference::Struct | Reference::Array => HeapType::Any,
        }
    }
}

impl Pattern {
    /// The vector pattern, whose shape is used to show the result.
    pub fn shape(&self) -> Option<&VectorPattern> {
        match self {
            Pattern::V128(pattern) => Some(pattern),
            Pattern::Either(patterns) => patterns.iter().find_map(Pattern::shape),
            _ => None,
        }
    }
}

impl RefPattern {
    /// The top type of its hierarchy; `None` for a null without a type.
    pub fn top(self) -> Option<HeapType> {
        Some(match self {
            RefPattern::Null(heap) => return heap.map(HeapType::top),
            RefPattern::Func => HeapType::Func,
            RefPattern::Extern(_) => HeapType::Extern,
            RefPattern::Exn => HeapType::Exn,
            RefPattern::Host(_)
            | RefPattern::Any
            | RefPattern::Eq
            | RefPattern::I31
            | RefPattern::Struct
            | RefPattern::Array => HeapType::Any,
        })
    }
}

impl Value {
    /// Formats the value, with a vector's lanes in the given shape.
    pub fn in_shape(&self, shape: Option<&VectorPattern>) -> String {
        match (self, shape) {
            (Value::V128(bits), Some(shape)) => lanes(*bits, shape),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Value {
    /// Formats integers in decimal and hexadecimal, floats with their bits, vectors by 32-bit
    /// lanes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::I32(value) => write!(f, "i32 {value} ({value:#010x})"),
            Value::I64(value) => write!(f, "i64 {value} ({value:#018x})"),
            Value::F32(bits) => write!(f, "f32 {}", float32(*bits)),
            Value::F64(bits) => write!(f, "f64 {}", float64(*bits)),
            Value::V128(bits) => f.write_str(&lanes(*bits, &VectorPattern::I32x4([0; 4]))),
            Value::Ref(reference) => write!(f, "{reference}"),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Null(heap) => write!(f, "ref.null {}", heap.keyword()),
            Reference::Func => f.write_str("ref.func"),
            Reference::Extern(Some(number)) => write!(f, "ref.extern {number}"),
            Reference::Extern(None) => f.write_str("ref.extern"),
            Reference::Host(number) => write!(f, "ref.host {number}"),
            Reference::I31(bits) => write!(f, "ref.i31 {} ({bits:#010x})", (bits << 1).cast_signed() >> 1),
            Reference::Struct => f.write_str("ref.struct"),
            Reference::Array => f.write_str("ref.array"),
            Reference::Exn => f.write_str("ref.exn"),
            Reference::Cont => f.write_str("ref.cont"),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::I32(value) => write!(f, "{}", Value::I32(*value)),
            Pattern::I64(value) => write!(f, "{}", Value::I64(*value)),
            Pattern::F32(pattern) => write!(f, "f32 {}", pattern.written(float32)),
            Pattern::F64(pattern) => write!(f, "f64 {}", pattern.written(float64)),
            Pattern::V128(pattern) => write!(f, "{pattern}"),
            Pattern::Ref(pattern) => write!(f, "{pattern}"),
            Pattern::Either(patterns) => {
                f.write_str("either ")?;
                patterns.iter().enumerate().try_for_each(|(index, pattern)| {
                    write!(f, "{}{pattern}", if index == 0 { "" } else { " or " })
                })
            }
        }
    }
}

impl fmt::Display for VectorPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VectorPattern::I8x16(lanes) => join(f, "i8x16", lanes.iter().map(|lane| integer(lane, 2))),
            VectorPattern::I16x8(lanes) => join(f, "i16x8", lanes.iter().map(|lane| integer(lane, 4))),
            VectorPattern::I32x4(lanes) => join(f, "i32x4", lanes.iter().map(|lane| integer(lane, 8))),
            VectorPattern::I64x2(lanes) => join(f, "i64x2", lanes.iter().map(|lane| integer(lane, 16))),
            VectorPattern::F32x4(lanes) => join(f, "f32x4", lanes.iter().map(|lane| lane.written(float32))),
            VectorPattern::F64x2(lanes) => join(f, "f64x2", lanes.iter().map(|lane| lane.written(float64))),
        }
    }
}

impl fmt::Display for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RefPattern::Null(Some(heap)) => write!(f, "ref.null {}", heap.keyword()),
            RefPattern::Null(None) => f.write_str("ref.null"),
            RefPattern::Func => f.write_str("ref.func"),
            RefPattern::Extern(Some(number)) => write!(f, "ref.extern {number}"),
            RefPattern::Extern(None) => f.write_str("ref.extern"),
            RefPattern::Host(number) => write!(f, "ref.host {number}"),
            RefPattern::Any => f.write_str("ref.any"),
            RefPattern::Eq => f.write_str("ref.eq"),
            RefPattern::I31 => f.write_str("ref.i31"),
            RefPattern::Struct => f.write_str("ref.struct"),
            RefPattern::Array => f.write_str("ref.array"),
            RefPattern::Exn => f.write_str("ref.exn"),
        }
    }
}

impl<Bits: Copy> FloatPattern<Bits> {
    fn written(&self, float: fn(Bits) -> String) -> String {
        match self {
            FloatPattern::CanonicalNan => "nan:canonical".to_owned(),
            FloatPattern::ArithmeticNan => "nan:arithmetic".to_owned(),
            FloatPattern::Bits(bits) => float(*bits),
        }
    }
}

/// The lanes of a vector, lowest first.
pub(crate) mod lane {
    /// The lanes of 8 bits.
    pub(crate) fn i8x16(bits: u128) -> [i8; 16] {
        bits.to_le_bytes().map(|byte| byte as i8)
    }

    /// The lanes of 16 bits.
    pub(crate) fn i16x8(bits: u128) -> [i16; 8] {
        std::array::from_fn(|index| (bits >> (16 * index)) as i16)
    }

    /// The lanes of 32 bits.
    pub(crate) fn i32x4(bits: u128) -> [i32; 4] {
        std::array::from_fn(|index| (bits >> (32 * index)) as i32)
    }

    /// The lanes of 64 bits.
    pub(crate) fn i64x2(bits: u128) -> [i64; 2] {
        std::array::from_fn(|index| (bits >> (64 * index)) as i64)
    }
}

fn lanes(bits: u128, shape: &VectorPattern) -> String {
    match shape {
        VectorPattern::I8x16(_) => VectorPattern::I8x16(lane::i8x16(bits)),
        VectorPattern::I16x8(_) => VectorPattern::I16x8(lane::i16x8(bits)),
        VectorPattern::I32x4(_) => VectorPattern::I32x4(lane::i32x4(bits)),
        VectorPattern::I64x2(_) => VectorPattern::I64x2(lane::i64x2(bits)),
        VectorPattern::F32x4(_) => {
            VectorPattern::F32x4(lane::i32x4(bits).map(|lane| FloatPattern::Bits(lane as u32)))
        }
        VectorPattern::F64x2(_) => {
            VectorPattern::F64x2(lane::i64x2(bits).map(|lane| FloatPattern::Bits(lane as u64)))
        }
    }
    .to_string()
}

fn join(f: &mut fmt::Formatter<'_>, shape: &str, lanes: impl Iterator<Item = String>) -> fmt::Result {
    write!(f, "v128 {shape} [{}]", lanes.collect::<Vec<_>>().join(", "))
}

fn integer(lane: &(impl fmt::Display + fmt::LowerHex), digits: usize) -> String {
    format!("{lane} (0x{lane:0digits$x})")
}

fn float32(bits: u32) -> String {
    let value = f32::from_bits(bits);
    let payload = u64::from(bits & 0x7f_ffff);
    let written =
        if value.is_nan() { nan(value.is_sign_negative(), payload, 0x40_0000) } else { format!("{value:?}") };
    format!("{written} ({bits:#010x})")
}

fn float64(bits: u64) -> String {
    let value = f64::from_bits(bits);
    let payload = bits & 0xf_ffff_ffff_ffff;
    let written = if value.is_nan() {
        nan(value.is_sign_negative(), payload, 0x8_0000_0000_0000)
    } else {
        format!("{value:?}")
    };
    format!("{written} ({bits:#018x})")
}

/// Formats a NaN by its payload, with its class.
fn nan(negative: bool, payload: u64, quiet: u64) -> String {
    let sign = if negative { "-" } else { "" };
    let class = match payload {
        _ if payload == quiet => "canonical",
        _ if payload & quiet != 0 => "arithmetic",
        _ => "signalling",
    };
    format!("{sign}nan:{payload:#x} {class}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_in_decimal_and_hex() {
        assert_eq!(Value::I32(-1).to_string(), "i32 -1 (0xffffffff)");
        assert_eq!(Value::I64(10).to_string(), "i64 10 (0x000000000000000a)");
    }

    #[test]
    fn floats_are_written_with_their_bits_and_payload() {
        assert_eq!(Value::F32(0x3fc0_0000).to_string(), "f32 1.5 (0x3fc00000)");
        assert_eq!(Value::F32(0x8000_0000).to_string(), "f32 -0.0 (0x80000000)");
        assert_eq!(Value::F32(0xffc0_0000).to_string(), "f32 -nan:0x400000 canonical (0xffc00000)");
        assert_eq!(
            Value::F64(0x7ff8_0000_0000_0001).to_string(),
            "f64 nan:0x8000000000001 arithmetic (0x7ff8000000000001)"
        );
        assert_eq!(Value::F32(0x7f80_0001).to_string(), "f32 nan:0x1 signalling (0x7f800001)");
    }

    #[test]
    fn vectors_are_written_by_lane_in_the_shape_asked_for() {
        let value = Value::V128(0xffff_ffff_0000_0003_0000_0002_3f80_0000);
        assert_eq!(
            value.to_string(),
            "v128 i32x4 [1065353216 (0x3f800000), 2 (0x00000002), 3 (0x00000003), -1 (0xffffffff)]"
        );
        let shape = VectorPattern::F32x4([FloatPattern::CanonicalNan; 4]);
        assert!(value.in_shape(Some(&shape)).starts_with("v128 f32x4 [1.0 (0x3f800000), "));
        let shape = VectorPattern::I16x8([0; 8]);
        assert!(
            value.in_shape(Some(&shape)).starts_with("v128 i16x8 [0 (0x0000), 16256 (0x3f80), 2 (0x0002)")
        );
    }

    #[test]
    fn references_are_written_with_what_is_known_of_them() {
        assert_eq!(Value::Ref(Reference::Null(HeapType::None)).to_string(), "ref.null none");
        assert_eq!(Reference::Extern(Some(7)).to_string(), "ref.extern 7");
        assert_eq!(Reference::Host(7).to_string(), "ref.host 7");
        assert_eq!(Reference::I31(5).to_string(), "ref.i31 5 (0x00000005)");
        assert_eq!(Reference::I31(0x7fff_ffff).to_string(), "ref.i31 -1 (0x7fffffff)");
    }

    #[test]
    fn a_heap_type_is_found_by_its_keyword() {
        for keyword in [
            "func", "nofunc", "extern", "noextern", "any", "eq", "i31", "struct", "array", "none", "exn",
            "noexn", "cont", "nocont",
        ] {
            assert_eq!(HeapType::from_keyword(keyword).map(HeapType::keyword), Some(keyword));
        }
        assert_eq!(HeapType::from_keyword("continuation"), None);
    }
}
