//! Tests of the grammar, in every place where the text of a module may be.

use super::super::model::{Command, ModuleForm};
use super::super::parse::{parse, parse_as, quoted};
use super::super::source::Source;
use super::*;

/// Malformed texts that the `wast` crate alone would accept, by section of the specification.
const MALFORMED: &[(&str, &[&str])] = &[
    (
        "6.5, folded instructions",
        &[
            "(func block (end))",
            "(func block (nop) (end))",
            "(func block (end nop))",
            "(func (end block))",
            "(func loop nop (end))",
            "(func i32.const 1 if (else) end)",
            "(func i32.const 1 if nop (else nop) end)",
            "(func (i32.const 1) if (end))",
            "(func try_table (end))",
            "(func (drop i32.const 0))",
            "(func (drop (i32.const 0) nop))",
            "(func (i32.add i32.const 1 i32.const 2) drop)",
            "(func (i32.add (i32.const 1) i32.const 2) drop)",
            "(func (nop nop))",
            "(func (nop block end))",
            "(func (drop block (result i32) i32.const 0 end))",
            "(func (nop end))",
            "(func (call 0 i32.const 0))",
            "(func (select (result i32) i32.const 0))",
            "(func (call_indirect (type 0) i32.const 0) (type (func)))",
            "(func (br_table 0 i32.const 0))",
            "(func (then))",
            "(func (else))",
            "(func (if (i32.const 0) nop (then)))",
            "(global i32 (i32.add i32.const 1 i32.const 2))",
            "(table 1 funcref) (elem (offset (i32.add i32.const 1 i32.const 2)))",
            "(elem funcref (item (drop ref.null func)))",
            "(memory 1) (data (i32.add i32.const 0 i32.const 0))",
            "(memory 1) (data (i32.const 0 i32.const 0) \"a\")",
        ],
    ),
    (
        "6.5.2, structured instructions",
        &[
            "(func block)",
            "(func block nop)",
            "(func loop)",
            "(func i32.const 0 if)",
            "(func i32.const 0 if else)",
            "(func i32.const 0 if else else end)",
            "(func block else end)",
            "(func loop else end)",
            "(func try_table else end)",
            "(func end)",
            "(func else)",
            "(func block end end)",
            "(func (block end))",
            "(func (block nop end))",
            "(func (block end block))",
            "(func (loop) end)",
            "(func (if (i32.const 0) (then end)))",
            "(func (if (i32.const 0) (then block)))",
            "(func (if (i32.const 0) (then else)))",
            "(func (block) block)",
            "(func i32.const 0 if (block else) end)",
            "(global i32 i32.const 0 end)",
            "(global i32 i32.const 0 block)",
            "(table 1 funcref) (elem (offset i32.const 0 end))",
        ],
    ),
    (
        "legacy exceptions",
        &[
            "(func try catch_all)",
            "(func try catch_all catch_all end)",
            "(tag) (func try catch_all catch 0 end)",
            "(func try end catch_all end)",
            "(func block catch_all end)",
            "(func catch_all)",
            "(func (catch_all))",
            "(func try (catch_all) end)",
            "(tag) (func try (catch 0) end)",
            "(func try (delegate 0))",
            "(func try catch_all delegate 0)",
            "(func (try (do end)))",
        ],
    ),
    (
        "6.6.13, imports come before definitions",
        &[
            "(tag) (import \"a\" \"b\" (func))",
            "(tag) (import \"a\" \"b\" (tag))",
            "(tag) (import \"a\" \"b\" (memory 1))",
            "(tag $t (param i32)) (import \"a\" \"b\" (global i32))",
            "(tag (export \"t\")) (import \"a\" \"b\" (table 1 funcref))",
            "(tag) (func (import \"a\" \"b\"))",
            "(tag) (memory (import \"a\" \"b\") 1)",
            "(tag) (tag (import \"a\" \"b\"))",
            "(tag) (type (func)) (import \"a\" \"b\" (func))",
        ],
    ),
    ("6.6.10, start functions", &["(func) (start 0) (start 0)", "(start 0) (func) (start 0)"]),
    (
        "6.6.7 and 6.6.8, segments",
        &[
            "(memory 1) (data (i32.const 0) (i8 1 2 3))",
            "(memory 1) (data (i32.const 0) \"a\" (i32 1))",
            "(data \"\" (f32 1.5))",
            "(memory (data (i64 1)))",
        ],
    ),
    (
        "forms of other proposals",
        &[
            "(import \"a\" (item \"b\" (func)))",
            "(import \"a\" (item \"b\") (func))",
            "(import \"a\")",
            "(func (param (ref (shared any))))",
            "(func (param (shared anyref)))",
            "(type (shared (func)))",
            "(type (sub (shared (struct))))",
            "(table shared 1 funcref)",
            "(global (shared i32) (i32.const 0))",
            "(global (shared mut i32) (i32.const 0))",
            "(global (mut i32) (i32.const 0)) (func (drop (global.atomic.get seqcst 0)))",
            "(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))",
            "(func atomic.fence seqcst)",
            "(func (drop (ref.i31_shared (i32.const 0))))",
        ],
    ),
];

/// Well-formed texts, some of which the `wast` crate alone would reject.
const WELL_FORMED: &[&str] = &[
    "",
    "(module)",
    "(module $m (func))",
    "(module (type (func)) (rec) (rec (type (struct)) (type (array i8))) (type (sub final (func))))",
    // Nested folded and structured instructions.
    "(func block $a nop end $a loop end i32.const 0 if $b (result i32) i32.const 0 else $b i32.const 1 end $b drop)",
    "(func (block $a (nop) nop (drop (i32.const 0)) block end) (loop (br 0)))",
    "(func (if (i32.const 0) (then nop) (else block end)))",
    "(func (if $l (result i32) (i32.const 0) (then i32.const 1) (else (i32.const 2))) drop)",
    "(func (drop (block (result i32) i32.const 0)))",
    "(func i32.const 0 (if (then)))",
    "(func (drop (i32.add (i32.const 0) (i32.const 1))))",
    "(tag $e) (func block $l (try_table (catch $e 0) (catch_all $l) nop) end)",
    "(func (select (result i32) (i32.const 0) (i32.const 1) (i32.const 2)) drop)",
    "(func (drop (select (i32.const 0) (i32.const 1) (i32.const 2))))",
    "(table 1 funcref) (type $f (func)) (func (call_indirect (type $f) (i32.const 0)) (call_indirect 0 (i32.const 0)))",
    "(func (block $l (br_table $l 0 1 $l (i32.const 0))))",
    // A structured instruction in place of an offset or an element.
    "(table 1 funcref) (elem (block (result i32) i32.const 0))",
    "(table 1 funcref) (elem (loop (result i32) (i32.const 0)) func)",
    "(table 1 funcref) (elem (if (result i32) (i32.const 0) (then (i32.const 0)) (else (i32.const 0))))",
    "(table funcref (elem (block (result funcref) ref.null func)))",
    "(elem funcref (block (result funcref) (ref.null func)) (ref.null func) (loop(result funcref)ref.null func))",
    "(memory 1) (data (block (result i32) i32.const 0) \"a\")",
    "(memory 1) (data (i32.add (block (result i32) i32.const 0) (i32.const 0)) \"a\")",
    // No parameter and no result, in the long form.
    "(type $t (func (param i32))) (func (type $t) (param))",
    "(type $t (func (param i32) (result i32))) (func (type $t) (param) (param) (result) (local.get 0))",
    "(type $t (func (param i32))) (import \"a\" \"b\" (func (type $t) (result)))",
    "(type $t (func (result i32))) (func (drop (block (type $t) (result) (i32.const 0))))",
    "(tag (type $t) (param)) (type $t (func (param i32)))",
    // Imports and definitions in order.
    "(import \"a\" \"b\" (func)) (tag (import \"a\" \"c\")) (memory (import \"a\" \"d\") 1) (tag) (func) (start 1)",
    "(type (func)) (export \"f\" (func 0)) (data \"\") (elem func) (import \"a\" \"b\" (func))",
    // Segments.
    "(memory $m 1) (data $d (memory $m) (offset i32.const 0) \"a\" \"b\") (data (i32.const 0)) (data) (data \"\")",
    "(table $t 1 funcref) (func $f) (elem $e (table $t) (offset (i32.const 0)) func $f 0) (elem (i32.const 0) $f)",
    "(func $f) (elem declare func $f) (elem funcref (item ref.func $f) (ref.func $f)) (elem func)",
    "(table funcref (elem 0 0)) (func) (table i64 funcref (elem (item ref.null func) (ref.null func)))",
    "(memory (data \"a\" \"b\")) (memory i64 (data))",
    "(table 1 1 (ref null func) (ref.null func)) (table i64 1 funcref ref.null func)",
    // Proposals.
    "(memory 1 1 shared) (func atomic.fence (drop (i32.atomic.rmw8.add_u offset=1 (i32.const 0) (i32.const 0))))",
    "(memory 1 (pagesize 1)) (memory (pagesize 1) (data \"a\"))",
    "(func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
    "(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct))))",
    "(import \"a\" \"b\" (func (exact (param i32)))) (func (param (ref (exact 0))))",
    "(tag $e) (func try $l nop catch $e nop catch_all rethrow $l end $l try nop delegate 0)",
    "(tag $e) (func (try $l (do nop) (catch $e (nop)) (catch_all)) (try (do (nop)) (delegate 0)))",
    // Annotations and comments are white space.
    "((@a) module ((;c;) func (@a (b \")\" ;; )\n) [,;{}] (@c)) nop))",
    "(func (param (@a) i32(@a)) (local;;c\ri32))",
    "(func (@a\"b\") (@\"a\"\"b\") (@\"a\"b) (@a(@b\"c\")) nop) (@custom\"c\")",
];

fn message(text: &str) -> Option<String> {
    quoted(text.as_bytes()).err().map(|error| error.message)
}

/// The parsed form of the text in a script.
fn form(text: &str) -> Command {
    let source = Source::new("t.wast", text);
    parse(source).unwrap().directives.pop().unwrap().command
}

#[test]
fn malformed_text_is_detected_in_every_place() {
    for (section, texts) in MALFORMED {
        for text in *texts {
            assert!(message(text).is_some(), "{section}: {text}");
            assert!(message(&format!("(module {text})")).is_some(), "{section}: {text}");
            for (before, after) in [
                ("(module ", ")"),
                ("(module definition ", ")"),
                ("(assert_invalid (module ", ") \"\")"),
                ("(assert_trap (module ", ") \"\")"),
                ("(assert_unlinkable (module ", ") \"\")"),
                ("(thread $t (module ", "))"),
                ("", ""),
            ] {
                let form = form(&format!("{before}{text}{after}"));
                assert!(matches!(form, Command::Malformed { .. }), "{section}: {before}{text}: {form:?}");
            }
        }
    }
}

#[test]
fn well_formed_text_is_accepted_in_every_place() {
    for text in WELL_FORMED {
        assert_eq!(message(text), None, "{text}");
    }
    for text in &WELL_FORMED[4..] {
        for (before, after) in [("(module ", ")"), ("(assert_invalid (module ", ") \"\")"), ("", "")] {
            let text = format!("{before}{text}{after}");
            if !text.contains("(module (") || !text.contains("((@a) module") {
                assert!(!matches!(form(&text), Command::Malformed { .. }), "{text}");
            }
        }
    }
}

#[test]
fn messages_name_expected_and_found_tokens() {
    for (text, expected, offset) in [
        ("(func block (end))", "unexpected token, expected an instruction, found `(end`", 12),
        ("(func (nop nop))", "unexpected token, expected a folded instruction or `)`, found `nop`", 11),
        ("(func block)", "unexpected token, expected an instruction or `end`, found `)`", 11),
        ("(tag) (import \"a\" \"b\" (func))", "import after tag", 6),
        ("(func) (start 0) (start 0)", "multiple start sections", 17),
    ] {
        let error = quoted(text.as_bytes()).unwrap_err();
        assert_eq!((error.message.as_str(), error.offset), (expected, offset), "{text}");
    }
}

#[test]
fn nesting_depth_is_not_limited() {
    let depth = 100_000;
    for (open, close) in
        [("(block ", ")"), ("block ", " end "), ("(drop ", ")"), ("(if (i32.const 0) (then ", "))")]
    {
        let text = format!("(func {}{})", open.repeat(depth), close.repeat(depth));
        assert_eq!(message(&text), None, "{open}");
        assert!(message(&text.replacen(close, "", 1)).is_some(), "{open}");
    }
}

fn rewritten(text: &str) -> String {
    let checked = Checked::module(text, Grammar::CURRENT);
    assert_eq!(checked.derived, Ok(()), "{text}");
    checked.rewritten.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_last_word_of_a_folded_try_comes_first_and_clauses_lose_their_parentheses() {
    for (folded, flat) in [
        ("(func (try (do (nop))))", "(func (end try (nop) ))"),
        (
            "(func (try $l (result i32) (do nop) (catch $e drop) (catch_all (nop))))",
            "(func (end try $l (result i32) nop catch $e drop catch_all (nop) ))",
        ),
        ("(func (try (do (nop)) (delegate $l)))", "(func (delegate $l try (nop) ))"),
        (
            "(func (if (try (do)) (then (try (do (try (do)))))))",
            "(func (if (end try ) (then (end try (end try ) ))))",
        ),
        ("(func(try(do(nop))(catch 0(nop))))", "(func(end try (nop) catch 0(nop) ))"),
        ("(func (; ( ;) ( try ;; )\n (do (call 0))))", "(func (; ( ;) ( end try ;; ) (call 0) ))"),
        ("(func (try (@a (do)) (do) (@b)))", "(func (end try (@a (do)) (@b)))"),
        ("(elem (try (do)))", "(elem (offset (end try )) )"),
    ] {
        assert_eq!(rewritten(folded), flat);
    }
}

#[test]
fn a_try_that_is_not_derived_is_malformed() {
    for text in [
        "try (do) (catch $e)",
        "(try)",
        "(try (nop))",
        "(try (catch $e))",
        "(try (do) (do))",
        "(try (do) (catch_all) (catch $e))",
        "(try (do) (catch_all) (catch_all))",
        "(try (do) (catch $e) (delegate 0))",
        "(try (do) (delegate 0) (catch $e))",
        "(try (do) (delegate) (delegate 0))",
        "(try (do) (delegate))",
        "(try (do) (delegate 0 1))",
        "(try (do) (delegate 0 (nop)))",
        "(try (do) nop)",
        "(try nop (do))",
        "(try (do) $l)",
        "(try (do $l))",
        "(try (do (result i32)))",
        "(try (do) (result i32))",
        "(try_table (do))",
        "(nop \"(try (do))\")",
    ] {
        assert!(message(&format!("(tag $e) (func {text})")).is_some(), "{text}");
    }
}

#[test]
fn places_in_a_rewritten_text_are_those_of_the_original() {
    let text =
        "(func (try (do (try (do (drop (i32.const 0)))\n (delegate $l)) drop) (catch $e nop)) call $f)";
    let Checked { rewritten, .. } = Checked::module(text, Grammar::CURRENT);
    assert_ne!(rewritten.text, text);
    for word in ["(func", "(drop", "nop", "catch", "$e", "call", "$f", "$l", "delegate"] {
        let at = rewritten.text.find(word).unwrap();
        assert_eq!(rewritten.original(at), text.find(word).unwrap(), "{word}");
    }
    for (at, _) in rewritten.text.match_indices("try") {
        assert!(text[rewritten.original(at)..].starts_with("try"), "{at}");
    }
}

#[test]
fn a_module_among_directives_is_found() {
    for text in [
        "(module instance $i $m)",
        "(module binary \"(func block)\")",
        "(module definition quote \"(func block)\")",
        "(component (core module (func block)))",
        "(component (module (func block)))",
        "(register \"module\")",
        "(register \"(module (func block))\") (register \"\\\"(module (func block))\")",
        "(a) ;; (module (func block))\r(; (module (func block)) (; ;) (module (func block)) ;)",
        "(a ;) (modules (func block)) (@a (module (func block)))",
        "",
    ] {
        assert_eq!(Checked::directives(text, Grammar::CURRENT).derived, Ok(()), "{text}");
    }
    for text in [
        "(module (func block))",
        "(a \"\\\"\" (module (func block)))",
        "(a) ;; \"\r(module (func block))",
        "(a (; \" ;) (module (func block)))",
        "( (;c;) module (func block))",
        "(a)((@b) module (func block))",
        "(a) (b (module $m (func block)))",
        "(thread $t (shared (module $m)) (module (func block)))",
    ] {
        assert!(Checked::directives(text, Grammar::CURRENT).derived.is_err(), "{text}");
    }
}

#[test]
fn a_quoted_module_keeps_its_form() {
    assert!(
        matches!(form("(module quote \"(func block)\")"), Command::Module(module) if matches!(module.form, ModuleForm::Quote(_)))
    );
}

#[test]
fn in_version_1_0_a_segment_names_its_memory_or_table_by_an_index_alone() {
    for text in ["(memory 1) (data 0 (i32.const 0) \"a\")", "(table 1 funcref) (elem 0 (i32.const 0))"] {
        let source = format!("(module {text})");
        let module = |grammar| {
            parse_as(Source::new("t.wast", &source), grammar).unwrap().directives.pop().unwrap().command
        };
        let quote = ModuleForm::Quote(text.as_bytes().to_vec());
        assert!(matches!(module(Grammar::FIRST), Command::Module(_)), "{text}");
        assert!(quote.bytes_as(Grammar::FIRST).is_ok(), "{text}");
        assert!(matches!(module(Grammar::CURRENT), Command::Malformed { .. }), "{text}");
        assert!(quote.bytes().is_err(), "{text}");
    }
    assert!(Grammar::of(wassay_terms::Features::V1).is_first);
    assert!(!Grammar::of(wassay_terms::Features::V2).is_first);
}
