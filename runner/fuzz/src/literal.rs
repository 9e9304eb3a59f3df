//! Values and patterns in the text of scripts.

use std::fmt::Write as _;

use wassay_script::value::{Reference, Value};

/// A value as an argument.
pub(crate) fn constant(value: &Value) -> String {
    match value {
        Value::I32(value) => format!("(i32.const {value})"),
        Value::I64(value) => format!("(i64.const {value})"),
        Value::F32(bits) => format!("(f32.const {})", f32_literal(*bits)),
        Value::F64(bits) => format!("(f64.const {})", f64_literal(*bits)),
        Value::V128(bits) => {
            let lanes = [0, 32, 64, 96].map(|shift| format!(" {:#010x}", (bits >> shift) as u32));
            format!("(v128.const i32x4{})", lanes.concat())
        }
        Value::Ref(Reference::Null(heap)) => format!("(ref.null {})", heap.keyword()),
        Value::Ref(Reference::Extern(Some(number))) => format!("(ref.extern {number})"),
        Value::Ref(Reference::Host(number)) => format!("(ref.host {number})"),
        Value::Ref(reference) => pattern_of_reference(reference).to_owned(),
    }
}

/// A value as the pattern of a result: numbers bit by bit, references by their kind.
pub(crate) fn pattern(value: &Value) -> String {
    match value {
        Value::Ref(reference) => pattern_of_reference(reference).to_owned(),
        number => constant(number),
    }
}

fn pattern_of_reference(reference: &Reference) -> &'static str {
    match reference {
        Reference::Null(_) => "(ref.null)",
        Reference::Func => "(ref.func)",
        Reference::Extern(_) => "(ref.extern)",
        Reference::Host(_) => "(ref.any)",
        Reference::I31(_) => "(ref.i31)",
        Reference::Struct => "(ref.struct)",
        Reference::Array => "(ref.array)",
        // Scripts have no pattern for a continuation; this one does not match it.
        Reference::Exn | Reference::Cont => "(ref.exn)",
    }
}

fn f32_literal(bits: u32) -> String {
    let value = f32::from_bits(bits);
    match value.is_nan() {
        true => nan(bits >> 31 == 1, u64::from(bits & 0x7f_ffff)),
        false => format!("{value:?}"),
    }
}

fn f64_literal(bits: u64) -> String {
    let value = f64::from_bits(bits);
    match value.is_nan() {
        true => nan(bits >> 63 == 1, bits & 0xf_ffff_ffff_ffff),
        false => format!("{value:?}"),
    }
}

fn nan(is_negative: bool, payload: u64) -> String {
    format!("{}nan:{payload:#x}", if is_negative { "-" } else { "" })
}

/// Bytes as a string.
pub(crate) fn string(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 3 * bytes.len());
    text.push('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => _ = write!(text, "\\{}", char::from(*byte)),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => _ = write!(text, "\\{byte:02x}"),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use wassay_script::model::{Action, Command};
    use wassay_script::source::Source;

    use super::*;

    #[test]
    fn constants_are_read_as_the_values_that_they_were() {
        use wassay_script::value::HeapType;
        let values = [
            Value::I32(-1),
            Value::I64(i64::MIN),
            Value::F32(0x7f80_0001),
            Value::F32(0xffc0_0000),
            Value::F32(0x8000_0000),
            Value::F32(1),
            Value::F32(0x7f7f_ffff),
            Value::F64(0xfff0_0000_0000_0000),
            Value::F64(0x3ff8_0000_0000_0000),
            Value::F64(0x7fef_ffff_ffff_ffff),
            Value::V128(0x0123_4567_89ab_cdef_0011_2233_4455_6677),
            Value::Ref(Reference::Null(HeapType::Func)),
            Value::Ref(Reference::Extern(Some(2))),
            Value::Ref(Reference::Host(1)),
        ];
        let arguments: String = values.iter().map(constant).collect();
        let text = format!("(invoke \"f\" {arguments})");
        let script = wassay_script::parse(Source::new("t.wast", &text)).unwrap();
        match &script.directives[0].command {
            Command::Action(Action::Invoke { arguments, .. }) => assert_eq!(arguments, &values),
            other => panic!("{other:?}"),
        }
    }
}
