//! Parses the constants that scripts pass and the patterns they expect.

use wast::core::{NanPattern, V128Const, V128Pattern};
use wast::parser::{Parse, Parser, Result};
use wast::token::{F32, F64, Index, LParen};

use super::value::{FloatPattern, HeapType, Pattern, RefPattern, Reference, Value, VectorPattern};

/// The maximum nesting depth of patterns, which no stack is too small for.
const MAX_DEPTH: usize = 64;

/// Parses the contents of a constant's parentheses.
pub(crate) fn constant(parser: Parser<'_>) -> Result<Value> {
    let keyword = keyword(parser)?;
    Ok(match keyword {
        "i32.const" => Value::I32(parser.parse()?),
        "i64.const" => Value::I64(parser.parse()?),
        "f32.const" => Value::F32(parser.parse::<F32>()?.bits),
        "f64.const" => Value::F64(parser.parse::<F64>()?.bits),
        "v128.const" => Value::V128(u128::from_le_bytes(parser.parse::<V128Const>()?.to_le_bytes())),
        "ref.null" => Value::Ref(Reference::Null(heap_type(parser)?)),
        "ref.extern" => Value::Ref(Reference::Extern(Some(parser.parse()?))),
        "ref.host" => Value::Ref(Reference::Host(parser.parse()?)),
        _ => return Err(parser.error(format!("invalid constant `{keyword}`"))),
    })
}

/// Parses the contents of a result pattern's parentheses.
pub(crate) fn pattern(parser: Parser<'_>) -> Result<Pattern> {
    let keyword = keyword(parser)?;
    Ok(match keyword {
        "i32.const" => Pattern::I32(parser.parse()?),
        "i64.const" => Pattern::I64(parser.parse()?),
        "f32.const" => Pattern::F32(float32(parser.parse()?)),
        "f64.const" => Pattern::F64(float64(parser.parse()?)),
        "v128.const" => Pattern::V128(vector(parser.parse()?)),
        "either" => Pattern::Either(alternatives(parser)?),
        _ => Pattern::Ref(reference(parser, keyword)?),
    })
}

/// Consumes a keyword.
pub(crate) fn keyword<'a>(parser: Parser<'a>) -> Result<&'a str> {
    parser.step(|cursor| match cursor.keyword()? {
        Some(found) => Ok(found),
        None => Err(cursor.error("expected a keyword")),
    })
}

fn alternatives(parser: Parser<'_>) -> Result<Vec<Pattern>> {
    if parser.parens_depth() > MAX_DEPTH {
        return Err(parser.error(format!("patterns nest deeper than {MAX_DEPTH}")));
    }
    let mut patterns = vec![parser.parens(pattern)?];
    while !parser.is_empty() {
        patterns.push(parser.parens(pattern)?);
    }
    Ok(patterns)
}

fn reference(parser: Parser<'_>, keyword: &str) -> Result<RefPattern> {
    Ok(match keyword {
        "ref.null" if parser.is_empty() => RefPattern::Null(None),
        "ref.null" => RefPattern::Null(Some(heap_type(parser)?)),
        "ref.extern" => RefPattern::Extern(number(parser)?),
        "ref.host" => RefPattern::Host(parser.parse()?),
        "ref.func" => {
            // Scripts of wasmtime name a function. Its index says nothing about the reference,
            // which may come from another module, and is not compared.
            parser.parse::<Option<Index<'_>>>()?;
            RefPattern::Func
        }
        "ref" | "ref.any" => RefPattern::Any,
        "ref.eq" => RefPattern::Eq,
        // Whether a reference is shared is part of its type, which validation has checked.
        "ref.i31" | "ref.i31_shared" => RefPattern::I31,
        "ref.struct" => RefPattern::Struct,
        "ref.array" => RefPattern::Array,
        "ref.exn" => RefPattern::Exn,
        _ => return Err(parser.error(format!("invalid result pattern `{keyword}`"))),
    })
}

fn number(parser: Parser<'_>) -> Result<Option<u32>> {
    if parser.is_empty() { Ok(None) } else { parser.parse().map(Some) }
}

/// An abstract heap type, which may be shared.
fn heap_type(parser: Parser<'_>) -> Result<HeapType> {
    if parser.peek::<LParen>()? {
        return parser.parens(|parser| match keyword(parser)? {
            "shared" => abstract_type(parser),
            _ => Err(parser.error("expected `(shared`")),
        });
    }
    abstract_type(parser)
}

fn abstract_type(parser: Parser<'_>) -> Result<HeapType> {
    parser.step(|cursor| {
        let found = cursor.keyword()?.and_then(|(word, rest)| HeapType::from_keyword(word).zip(Some(rest)));
        found.ok_or_else(|| cursor.error("expected an abstract heap type, such as `func` or `extern`"))
    })
}

fn float32(pattern: NanPattern<F32>) -> FloatPattern<u32> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

fn float64(pattern: NanPattern<F64>) -> FloatPattern<u64> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

fn vector(pattern: V128Pattern) -> VectorPattern {
    match pattern {
        V128Pattern::I8x16(lanes) => VectorPattern::I8x16(lanes),
        V128Pattern::I16x8(lanes) => VectorPattern::I16x8(lanes),
        V128Pattern::I32x4(lanes) => VectorPattern::I32x4(lanes),
        V128Pattern::I64x2(lanes) => VectorPattern::I64x2(lanes),
        V128Pattern::F32x4(lanes) => VectorPattern::F32x4(lanes.map(float32)),
        V128Pattern::F64x2(lanes) => VectorPattern::F64x2(lanes.map(float64)),
    }
}

impl<'a> Parse<'a> for Value {
    fn parse(parser: Parser<'a>) -> Result<Self> {
        constant(parser)
    }
}

impl<'a> Parse<'a> for Pattern {
    fn parse(parser: Parser<'a>) -> Result<Self> {
        pattern(parser)
    }
}

#[cfg(test)]
mod tests {
    use wast::parser::{ParseBuffer, parse};

    use super::*;

    fn constant_of(text: &str) -> Option<Value> {
        parse(&ParseBuffer::new(text).unwrap()).ok()
    }

    fn pattern_of(text: &str) -> Option<Pattern> {
        parse(&ParseBuffer::new(text).unwrap()).ok()
    }

    #[test]
    fn constants_keep_their_bits() {
        assert_eq!(constant_of("i32.const 0xffffffff"), Some(Value::I32(-1)));
        assert_eq!(constant_of("i64.const -2"), Some(Value::I64(-2)));
        assert_eq!(constant_of("f32.const -nan:0x200000"), Some(Value::F32(0xffa0_0000)));
        assert_eq!(constant_of("f64.const 1.5"), Some(Value::F64(1.5f64.to_bits())));
        assert_eq!(
            constant_of("v128.const i16x8 1 2 3 4 5 6 7 0xffff"),
            Some(Value::V128(0xffff_0007_0006_0005_0004_0003_0002_0001))
        );
        assert_eq!(constant_of("ref.null extern"), Some(Value::Ref(Reference::Null(HeapType::Extern))));
        assert_eq!(constant_of("ref.extern 7"), Some(Value::Ref(Reference::Extern(Some(7)))));
        assert_eq!(constant_of("ref.host 7"), Some(Value::Ref(Reference::Host(7))));
    }

    #[test]
    fn patterns_are_not_constants() {
        for text in [
            "ref.func",
            "ref.null",
            "ref.extern",
            "f32.const nan:canonical",
            "either (i32.const 1)",
            "i32.const 0x100000000",
        ] {
            assert_eq!(constant_of(text), None, "{text}");
        }
    }

    #[test]
    fn patterns_take_classes_lanes_and_alternatives() {
        assert_eq!(pattern_of("f64.const nan:arithmetic"), Some(Pattern::F64(FloatPattern::ArithmeticNan)));
        let lanes = [
            FloatPattern::CanonicalNan,
            FloatPattern::Bits(0x3f80_0000),
            FloatPattern::ArithmeticNan,
            FloatPattern::Bits(0),
        ];
        assert_eq!(
            pattern_of("v128.const f32x4 nan:canonical 1 nan:arithmetic 0"),
            Some(Pattern::V128(VectorPattern::F32x4(lanes)))
        );
        assert_eq!(
            pattern_of("either (i32.const 1) (ref.null)"),
            Some(Pattern::Either(vec![Pattern::I32(1), Pattern::Ref(RefPattern::Null(None))]))
        );
    }

    #[test]
    fn every_reference_pattern_parses() {
        use RefPattern as R;
        for (text, expected) in [
            ("ref.null", R::Null(None)),
            ("ref.null nofunc", R::Null(Some(HeapType::NoFunc))),
            ("ref.func", R::Func),
            ("ref.func 3", R::Func),
            ("ref.func $f", R::Func),
            ("ref.null (shared any)", R::Null(Some(HeapType::Any))),
            ("ref.i31_shared", R::I31),
            ("ref.extern", R::Extern(None)),
            ("ref.extern 3", R::Extern(Some(3))),
            ("ref.host 3", R::Host(3)),
            ("ref", R::Any),
            ("ref.any", R::Any),
            ("ref.eq", R::Eq),
            ("ref.i31", R::I31),
            ("ref.struct", R::Struct),
            ("ref.array", R::Array),
            ("ref.exn", R::Exn),
        ] {
            assert_eq!(pattern_of(text), Some(Pattern::Ref(expected)), "{text}");
        }
    }

    #[test]
    fn unsupported_patterns_are_rejected() {
        for text in [
            "ref.func 3 4",
            "ref.null $t",
            "ref.null (exact any)",
            "either",
            "i32.const",
            "v128.const i8x16 1",
        ] {
            assert_eq!(pattern_of(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let text = format!("{}i32.const 1{}", "either (".repeat(100_000), ")".repeat(100_000));
        assert_eq!(pattern_of(&text), None);
    }
}
