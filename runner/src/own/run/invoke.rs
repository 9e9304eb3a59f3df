//! `--invoke`: parses arguments by parameter types, and prints typed results.

use std::ffi::OsString;

use wassay_engine::{FuncType, Ref, Val, ValType};
use wassay_reports::terminal::Text;
use wassay_script::value::{Reference, Value};
use wast::core::V128Const;
use wast::parser::{Parse, ParseBuffer, parse};
use wast::token::{F32, F64};

/// Parses the arguments of a call as literals of the text format.
pub(super) fn arguments(ty: &FuncType, words: &[OsString]) -> Result<Vec<Val>, String> {
    let params = ty.params();
    if params.len() != words.len() {
        let types: Vec<String> = params.iter().map(ValType::to_string).collect();
        let types = if types.is_empty() { String::new() } else { format!(" ({})", types.join(", ")) };
        return Err(format!("expected {} arguments{types}, found {}", params.len(), words.len()));
    }
    let argument = |(ty, word): (&ValType, &OsString)| {
        let text = word.to_str();
        let value = text.and_then(|text| value(*ty, text));
        value.ok_or_else(|| format!("invalid argument `{}`: {}", word.display(), expected(*ty)))
    };
    params.iter().zip(words).map(argument).collect()
}

fn value(ty: ValType, word: &str) -> Option<Val> {
    Some(match ty {
        ValType::I32 => Val::I32(literal(word)?),
        ValType::I64 => Val::I64(literal(word)?),
        ValType::F32 => Val::F32(literal::<F32>(word)?.bits),
        ValType::F64 => Val::F64(literal::<F64>(word)?.bits),
        ValType::V128 => Val::V128(u128::from_le_bytes(literal::<V128Const>(word)?.to_le_bytes())),
        ValType::Ref(ty) if ty.nullable && word == "null" => Val::Ref(Ref::Null(ty.heap)),
        ValType::Ref(_) => return None,
    })
}

/// Parses a word as a literal of the text format.
fn literal<T: for<'a> Parse<'a>>(word: &str) -> Option<T> {
    parse(&ParseBuffer::new(word).ok()?).ok()
}

/// The description of an expected argument.
fn expected(ty: ValType) -> String {
    match ty {
        ValType::I32 | ValType::I64 => format!("expected an {ty} such as `42`, `-1` or `0xff`"),
        ValType::F32 | ValType::F64 => format!("expected an {ty} such as `1.5`, `-inf` or `nan:0x400001`"),
        ValType::V128 => format!("expected a {ty} with shape and lanes in one word, such as `i32x4 1 2 3 4`"),
        ValType::Ref(reference) if reference.nullable => {
            format!("expected a {ty}, of which only `null` can be written")
        }
        ValType::Ref(_) => format!("expected a {ty}, which cannot be written on the command line"),
    }
}

/// Formats the results of a call, one per line, with their types.
pub(super) fn show(results: &[Val]) -> Text {
    let mut text = Text::new(false);
    results.iter().for_each(|result| {
        text.line(show_one(result));
    });
    text
}

fn show_one(result: &Val) -> String {
    let value = match result {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(bits) => Value::V128(*bits),
        Val::Ref(Ref::Null(heap)) => return format!("ref.null {heap}"),
        Val::Ref(Ref::I31(value)) => Value::Ref(Reference::I31(value.get_u())),
        Val::Ref(Ref::Func(_)) => Value::Ref(Reference::Func),
        Val::Ref(Ref::Struct(_)) => Value::Ref(Reference::Struct),
        Val::Ref(Ref::Array(_)) => Value::Ref(Reference::Array),
        Val::Ref(Ref::Exn(_)) => Value::Ref(Reference::Exn),
        Val::Ref(Ref::Cont(_)) => Value::Ref(Reference::Cont),
        // Numbered references exist only in scripts.
        Val::Ref(_) => Value::Ref(Reference::Extern(None)),
    };
    value.to_string()
}

#[cfg(test)]
mod tests {
    use wassay_engine::{HeapType, RefType};

    use super::*;

    fn read(ty: ValType, word: &str) -> Option<Val> {
        arguments(&FuncType::new([ty], []), &[word.into()]).ok().map(|mut values| values.remove(0))
    }

    #[test]
    fn arguments_are_the_text_formats_literals() {
        assert_eq!(read(ValType::I32, "-1"), Some(Val::I32(-1)));
        assert_eq!(read(ValType::I32, "0xffff_ffff"), Some(Val::I32(-1)));
        assert_eq!(read(ValType::I64, "4294967296"), Some(Val::I64(1 << 32)));
        assert_eq!(read(ValType::F32, "1.5"), Some(Val::F32(1.5f32.to_bits())));
        assert_eq!(read(ValType::F64, "-inf"), Some(Val::F64(f64::NEG_INFINITY.to_bits())));
        assert_eq!(read(ValType::F32, "nan:0x200000"), Some(Val::F32(0x7fa0_0000)));
        assert_eq!(read(ValType::V128, "i32x4 1 0 0 0"), Some(Val::V128(1)));
        let null = Val::Ref(Ref::Null(HeapType::Extern));
        assert_eq!(read(ValType::Ref(RefType::EXTERNREF), "null"), Some(null));
        for (ty, word) in [
            (ValType::I32, "4294967296"),
            (ValType::I32, "1.5"),
            (ValType::I32, ""),
            (ValType::I32, "1 2"),
            (ValType::F32, "one"),
            (ValType::V128, "1"),
            (ValType::Ref(RefType::EXTERNREF), "1"),
        ] {
            assert_eq!(read(ty, word), None, "{word}");
        }
    }

    #[test]
    fn a_wrong_count_or_type_of_arguments_is_an_error() {
        let ty = FuncType::new([ValType::I32, ValType::F64], []);
        let wrong = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            arguments(&ty, &words).unwrap_err()
        };
        assert_eq!(wrong(&["1"]), "expected 2 arguments (i32, f64), found 1");
        assert_eq!(wrong(&["x", "1"]), "invalid argument `x`: expected an i32 such as `42`, `-1` or `0xff`");
    }

    #[test]
    fn results_are_written_with_their_types() {
        let results = [Val::I32(-1), Val::F64(1.5f64.to_bits()), Val::Ref(Ref::Null(HeapType::NoFunc))];
        assert_eq!(show(&results), "i32 -1 (0xffffffff)\nf64 1.5 (0x3ff8000000000000)\nref.null nofunc\n");
        assert_eq!(show(&[]), "");
    }
}
