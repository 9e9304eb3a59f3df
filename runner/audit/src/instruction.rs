//! The instructions of all proposals, by the names of their visitors in the parser.

use wasmparser::Operator;

/// Whether an operator only separates instructions.
pub(crate) fn is_delimiter(visitor: &str) -> bool {
    matches!(visitor, "visit_end" | "visit_else" | "visit_catch" | "visit_catch_all" | "visit_delegate")
}

/// The name of an instruction in the text format, from the name of its visitor.
pub(crate) fn text(visitor: &str) -> String {
    let name = visitor.strip_prefix("visit_").unwrap_or(visitor);
    match name {
        "typed_select" | "typed_select_multi" => return format!("select ({})", name.replace('_', " ")),
        "ref_test_nullable" | "ref_cast_nullable" | "ref_test_non_null" | "ref_cast_non_null" => {
            let (head, nullable) = name.split_at("ref_test".len());
            return format!(
                "{} ({})",
                head.replacen('_', ".", 1),
                nullable.trim_start_matches('_').replace('_', " ")
            );
        }
        _ => {}
    }
    const DOTTED: [&str; 24] = [
        "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "v128", "i32", "i64", "f32", "f64", "local",
        "global", "table", "memory", "data", "elem", "ref", "i31", "struct", "array", "any", "extern",
        "cont",
    ];
    let dotted = name.split_once('_').filter(|(head, _)| DOTTED.contains(head) || *head == "atomic");
    let Some((head, rest)) = dotted else { return name.to_owned() };
    let rest = match rest.strip_prefix("atomic_") {
        Some(rest) if rest.starts_with("rmw") => format!("atomic.{}", rest.replacen('_', ".", 1)),
        Some(rest) => format!("atomic.{rest}"),
        None => rest.to_owned(),
    };
    format!("{head}.{rest}")
}

/// Whether an instruction can trap with this text of a script.
pub(crate) fn may_trap(visitor: &str, text: &str) -> bool {
    let name = visitor.strip_prefix("visit_").unwrap_or(visitor);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let texts: [(&str, bool); 14] = [
        ("divide by zero", has(&["_div_", "_rem_"])),
        ("integer overflow", has(&["_div_s", "_trunc_f"]) && !has(&["_sat_"])),
        ("conversion to integer", has(&["_trunc_f"]) && !has(&["_sat_"])),
        ("out of bounds memory", has(&["load", "store", "memory_", "atomic_"])),
        ("unaligned", has(&["atomic_"])),
        ("shared memory", has(&["atomic_wait"])),
        ("table", has(&["table_", "call_indirect"])),
        ("element", has(&["call_indirect", "table_", "array_new_elem", "array_init_elem"])),
        ("indirect call", has(&["call_indirect"])),
        (
            "null",
            has(&["call_ref", "as_non_null", "struct_", "array_", "i31_get", "throw_ref", "resume", "cast"]),
        ),
        ("array", has(&["array_"])),
        ("cast", has(&["ref_cast"])),
        ("unreachable", name == "unreachable"),
        ("continuation", has(&["resume", "cont_", "switch"])),
    ];
    texts.iter().any(|(words, can)| *can && text.contains(words))
}

macro_rules! instructions {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// All instructions: the proposal and the visitor of each.
        pub(crate) const INSTRUCTIONS: &[(&str, &str)] = &[$((stringify!($proposal), stringify!($visit))),*];

        /// The proposal and the visitor of an instruction.
        pub(crate) fn named(operator: &Operator<'_>) -> (&'static str, &'static str) {
            match operator {
                $(Operator::$op { .. } => (stringify!($proposal), stringify!($visit)),)*
                _ => ("", ""),
            }
        }
    };
}
wasmparser::for_each_operator!(instructions);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn instructions_have_the_names_of_the_text_format() {
        let names: BTreeSet<String> = INSTRUCTIONS.iter().map(|(_, visitor)| text(visitor)).collect();
        for name in [
            "i32.add",
            "i64.atomic.rmw8.add_u",
            "memory.atomic.notify",
            "atomic.fence",
            "br_on_cast",
            "v128.load8x8_s",
            "i8x16.extract_lane_s",
            "struct.get_u",
            "ref.test (non null)",
            "call_indirect",
            "local.get",
            "i64.add128",
        ] {
            assert!(names.contains(name), "{name}");
        }
        assert!(INSTRUCTIONS.len() > 600, "{}", INSTRUCTIONS.len());
    }

    #[test]
    fn traps_belong_to_the_instructions_that_have_them() {
        assert!(may_trap("visit_i32_div_u", "integer divide by zero"));
        assert!(!may_trap("visit_i32_add", "integer divide by zero"));
        assert!(may_trap("visit_i32_trunc_f32_s", "integer overflow"));
        assert!(!may_trap("visit_i32_trunc_sat_f32_s", "integer overflow"));
        assert!(may_trap("visit_i64_load", "out of bounds memory access"));
        assert!(!may_trap("visit_local_get", "unreachable"));
    }
}
