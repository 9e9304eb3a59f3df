//! Tests that an error text matches only the rule that is broken.

use std::collections::{BTreeMap, BTreeSet};

use wassay_engine::{Config, Rule};
use wassay_script::embed::{EmbedError, Embedder, ErrorKind};
use wassay_script::message_table::{NAMES, NAMES_IN_TEXT, TEXTS};
use wassay_script::messages::{Comparison, MatchKind, Written, compare};
use wassay_script::model::{Command, Definition};
use wassay_script::source::Source;
use wassay_script::{Options, parse, run_script};

use super::named;
use crate::catalogue::judging;
use crate::script::EngineEmbedder;
use crate::verdict::Render;

/// Texts for the same rule in different versions of the reference interpreter.
const SYNONYMS: &[&[&str]] = &[
    &["unexpected end", "unexpected end of section or function"],
    &["malformed UTF-8 encoding", "malformed UTF-8", "invalid UTF-8 encoding"],
    &["malformed value type", "invalid value type"],
    &["malformed definition type", "malformed function type"],
    &["malformed mutability", "invalid mutability"],
    &["malformed memop flags", "invalid memop flags"],
    &["zero byte expected", "zero flag expected"],
    &["malformed section id", "invalid section id"],
    &["unexpected content after last section", "junk after last section"],
    &["immutable global", "global is immutable"],
    &["array type is not defaultable", "field type is not defaultable"],
    &["invalid lane length", "wrong number of lane indices"],
    &["malformed lane index", "i8 constant out of range"],
    &["constant out of range", "i8 constant out of range"],
    &["constant out of range", "i16 constant out of range"],
    &["constant out of range", "i32 constant out of range", "i32 constant"],
    &["constant out of range", "i64 constant out of range"],
    &["misplaced @name annotation", "@name annotation: misplaced annotation"],
];

/// Texts of different rules that are accepted for each other, and why.
const EXCEPTIONS: &[(&[&str], &str)] = &[
    (
        &["length out of bounds", "unexpected end", "unexpected end of section or function"],
        "older versions first read to the end of the bytes",
    ),
    (
        &[
            "malformed limits flags",
            "malformed mutability",
            "invalid mutability",
            "zero byte expected",
            "zero flag expected",
            "malformed import kind",
            "malformed export kind",
            "integer representation too long",
            "integer too large",
        ],
        "one byte, which older versions read as an integer of 1 or 7 bits; one of these bytes at a time",
    ),
    (
        &[
            "malformed value type",
            "invalid value type",
            "malformed reference type",
            "malformed heap type",
            "malformed definition type",
            "malformed function type",
            "malformed block type",
            "integer representation too long",
        ],
        "one byte, which the reference interpreter reads as a negative integer of 7 bits; one of these types at a time",
    ),
    (
        &["malformed storage type", "malformed value type", "invalid value type", "section size mismatch"],
        "a storage type is a value type or a packed one; an exact type within another leaves bytes over",
    ),
    (
        &["unexpected token", "unknown operator", "illegal opcode"],
        "text with a keyword that older versions do not have: the error is in the lexer, the parser or the encoding",
    ),
    (
        &["constant out of range", "i32 constant out of range", "i32 constant", "integer too large"],
        "text with a number beyond 32 bits: in the text and in its encoding",
    ),
    (
        &["multiple start sections", "unexpected content after last section", "junk after last section"],
        "text with two start functions, whose encoding has two start sections",
    ),
    (
        &["unexpected token", "misplaced clause of try", "result before parameter"],
        "text in a wrong order: the parser of 3.0 has one message for it",
    ),
    (
        &[
            "abstract type does not have a descriptor",
            "type any does not have a descriptor",
            "type none does not have a descriptor",
        ],
        "the validator does not name the abstract type",
    ),
    (
        &["unexpected token", "malformed lane index", "i8 constant out of range"],
        "a lane that is not a natural number, which older versions parsed and then rejected",
    ),
];

/// Every text of the tables that is not a pattern.
fn all_texts() -> BTreeSet<&'static str> {
    let listed = NAMES.iter().chain(NAMES_IN_TEXT).flat_map(|(_, texts)| *texts);
    let all = Rule::ALL.iter().map(|rule| rule.text());
    all.chain(listed.copied())
        .chain(TEXTS.iter().flat_map(|texts| texts.spec).copied())
        .filter(|text| !text.contains(['#', '*']))
        .collect()
}

/// An error, with the form in which the module is written.
type Came = (EmbedError, Written);

/// The error of a module.
fn error_of(embedder: &mut EngineEmbedder, definition: &Definition) -> Option<Came> {
    let written = definition.form.written();
    let error = match definition.form.bytes() {
        Ok(bytes) => embedder.compile(&bytes).err()?,
        Err(error) => EmbedError::new(ErrorKind::Malformed, error.message),
    };
    Some((error, written))
}

/// Each text that the embedded suites expect for a malformed or invalid module, with the actual
/// errors. Errors that differ only in numbers are merged.
fn expectations() -> BTreeMap<String, Vec<Came>> {
    let mut found: BTreeMap<String, BTreeMap<String, Came>> = BTreeMap::new();
    let mut embedder = EngineEmbedder::new(Config::new());
    for suite in wassay_testsuite::catalogue::suites() {
        for script in suite.scripts() {
            let text = script.read().unwrap();
            let features = judging(&script, script.name(), &text, None).unwrap().features;
            embedder.begin(features, None).unwrap();
            let parsed = parse(Source::new(script.name(), &text)).unwrap();
            for directive in &parsed.directives {
                let (definition, text, kind) = match &directive.command {
                    Command::AssertMalformed { module, text } => (module, text, ErrorKind::Malformed),
                    Command::AssertInvalid { module, text } => (module, text, ErrorKind::Invalid),
                    _ => continue,
                };
                let Some((error, written)) = error_of(&mut embedder, definition) else { continue };
                if error.kind == kind {
                    let letters: String = error.message.chars().filter(|c| !c.is_ascii_digit()).collect();
                    let key = format!("{letters} {:?} {written:?}", error.rules);
                    found.entry(text.to_string()).or_default().entry(key).or_insert((error, written));
                }
            }
        }
    }
    found.into_iter().map(|(text, errors)| (text, errors.into_values().collect())).collect()
}

/// Whether two texts name the same rule: one may be a prefix of the other, or omit the index.
fn are_synonyms(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(' ').filter(|word| word.parse::<u32>().is_err());
        words.map(str::to_owned).collect()
    };
    one.starts_with(other)
        || other.starts_with(one)
        || words(one) == words(other)
        || SYNONYMS.iter().any(|texts| texts.contains(&one) && texts.contains(&other))
}

fn are_excepted(one: &str, other: &str) -> bool {
    EXCEPTIONS.iter().any(|(texts, _)| texts.contains(&one) && texts.contains(&other))
}

#[test]
fn texts_of_other_rules_do_not_match() {
    let (mut pairs, mut compared) = (BTreeMap::<(String, &str), String>::new(), 0);
    let expectations = expectations();
    assert!(expectations.len() > 100, "{}", expectations.len());
    for (expected, errors) in &expectations {
        for (error, written) in errors {
            assert_eq!(
                compare(MatchKind::Class, expected, error, *written),
                Comparison::Same,
                "{expected}: {error}"
            );
            for other in all_texts().into_iter().filter(|other| other != expected) {
                compared += 1;
                let same = compare(MatchKind::Class, other, error, *written) == Comparison::Same;
                if same && !are_synonyms(expected, other) {
                    pairs.entry((expected.clone(), other)).or_insert_with(|| error.to_string());
                }
            }
        }
    }
    let (excepted, unlisted): (Vec<_>, Vec<_>) =
        pairs.iter().partition(|((expected, other), _)| are_excepted(expected, other));
    let unlisted: Vec<String> = unlisted
        .iter()
        .map(|((expected, other), error)| format!("`{other}` for `{expected}`: {error}"))
        .collect();
    assert!(
        unlisted.is_empty(),
        "of {compared} swapped texts these pass and are not listed:\n{}",
        unlisted.join("\n")
    );
    assert!(excepted.len() < 60, "of {compared} swapped texts {} pass: {excepted:#?}", excepted.len());
}

/// Modules, each with texts for the rule that it breaks and texts for other rules.
const RIGHT_AND_WRONG: &[(&str, &[&str], &[&str])] = &[
    (
        "malformed (module binary \"\\00asm\")",
        &["unexpected end"],
        &["malformed import kind", "illegal opcode", "magic header not detected", "length out of bounds"],
    ),
    (
        "malformed (module binary \"\")",
        &["unexpected end"],
        &["illegal opcode", "integer too large", "malformed section id", "magic header not detected"],
    ),
    (
        "malformed (module binary \"\\00asm\\01\\00\\00\\00\" \"\\05\\03\\01\")",
        &["length out of bounds", "unexpected end"],
        &["invalid value type", "malformed limits flags", "integer too large", "section size mismatch"],
    ),
    (
        "malformed (module binary \"\\00asm\\01\\00\\00\\00\" \"\\05\\03\\01\\10\\00\")",
        &["malformed limits flags", "integer too large"],
        &["integer representation too long", "malformed memop flags", "zero byte expected", "unexpected end"],
    ),
    (
        "malformed (module binary \"\\00asm\\01\\00\\00\\00\" \"\\0e\\00\")",
        &["malformed section id", "invalid section id"],
        &["unexpected content after last section", "section size mismatch", "unknown binary version"],
    ),
    (
        "malformed (module binary \"\\00asm\" \"\\0d\\00\\01\\00\")",
        &["unknown binary version"],
        &["magic header not detected", "malformed section id", "unexpected end"],
    ),
    (
        "malformed (module binary \"\\00asm\\01\\00\\00\\00\" \"\\02\\04\\01\\00\\00\\05\")",
        &["malformed import kind"],
        &["malformed export kind", "integer too large", "unexpected end"],
    ),
    (
        "malformed (module quote \"(data \\\"\\01\\\")\")",
        &["illegal control character in string literal"],
        &[
            "empty identifier",
            "empty annotation id",
            "unclosed string",
            "illegal character",
            "illegal escape",
        ],
    ),
    (
        "malformed (module quote \"(data \\\"abc\")",
        &["unclosed string"],
        &[
            "illegal character",
            "unexpected token",
            "unexpected end",
            "illegal control character in string literal",
        ],
    ),
    (
        "malformed (module quote \"(data \\\"abc\\n\\\")\")",
        &["unclosed string"],
        &["illegal control character in string literal", "empty identifier"],
    ),
    (
        "malformed (module quote \"(data \\\"\\\\q\\\")\")",
        &["illegal escape"],
        &["illegal character", "unclosed string"],
    ),
    (
        "malformed (module quote \"(func $)\")",
        &["empty identifier"],
        &["unexpected token", "empty annotation id"],
    ),
    (
        "malformed (module quote \"(func $\\\"a\\tb\\\")\")",
        &["empty identifier"],
        &["illegal control character in string literal", "unexpected token"],
    ),
    (
        "malformed (module quote \"(func (i32.const 0x1_0000_0000))\")",
        &["constant out of range", "i32 constant out of range"],
        &["unexpected token", "unknown operator", "i64 constant out of range", "i8 constant out of range"],
    ),
    (
        "malformed (module quote \"(func (foo))\")",
        &["unknown operator", "unknown operator foo"],
        &["unexpected token", "unknown operator bar", "unknown function", "illegal opcode"],
    ),
    (
        "malformed (module quote \"(func (i32.const func))\")",
        &["unexpected token"],
        &["unknown operator", "unknown operator func", "constant out of range"],
    ),
    (
        "malformed (module quote \"(func (v128.const i32x4 0 0 0))\")",
        &["wrong number of lane literals"],
        &["unexpected token", "unknown operator", "invalid lane length", "malformed lane index"],
    ),
    (
        "malformed (module quote \"(func (i32.load offset=-1 (i32.const 0)))\")",
        &["unknown operator"],
        &["unexpected token", "constant out of range", "offset out of range"],
    ),
    (
        "malformed (module quote \"(import \\\"a\\\" \\\"b\\\" (func)) (func) (import \\\"a\\\" \\\"c\\\" (func))\")",
        &["import after function"],
        &["import after table", "unexpected token"],
    ),
    (
        "invalid (module (func (call 7)))",
        &["unknown function", "unknown function 7"],
        &["unknown function 3", "unknown type", "unknown table", "type mismatch"],
    ),
    (
        "invalid (module (func (drop (i32.add (i32.const 0)))))",
        &["type mismatch"],
        &["unknown local", "invalid result arity", "sub type", "array types do not match"],
    ),
    (
        "invalid (module (global $g i32 (i32.const 0)) (func (global.set $g (i32.const 0))))",
        &["immutable global", "global is immutable"],
        &["immutable field", "immutable array", "unknown global", "type mismatch"],
    ),
    (
        "invalid (module (memory 2 1))",
        &["size minimum must not be greater than maximum"],
        &["memory size", "table size", "multiple memories"],
    ),
    (
        "invalid (module (type (sub (func))) (type (sub 0 (struct))))",
        &["sub type", "sub type 1 does not match super type 0"],
        &["type mismatch", "unknown type", "descriptor type must be a struct"],
    ),
    (
        "invalid (module (type (struct (field i8))) (func (param (ref 0)) (drop (struct.get 0 0 (local.get 0)))))",
        &["field is packed"],
        &["field is unpacked", "array is packed", "array is unpacked"],
    ),
    (
        "invalid (module (type (array i32)) (func (param (ref 0)) (drop (array.get_s 0 (local.get 0) (i32.const 0)))))",
        &["array is unpacked"],
        &["field is packed", "field is unpacked", "array is packed"],
    ),
    (
        "invalid (module (type (array (mut anyref))) (data \"a\")
          (func (drop (array.new_data 0 0 (i32.const 0) (i32.const 0)))))",
        &["array type is not numeric or vector"],
        &["array is packed", "non-array type"],
    ),
];

#[test]
fn right_texts_match_and_wrong_ones_do_not() {
    let mut failures = Vec::new();
    for (assertion, right, wrong) in RIGHT_AND_WRONG {
        for (texts, expected) in [(right, "pass"), (wrong, "wrong-text")] {
            for text in *texts {
                let script = format!("(assert_{assertion} \"{text}\")");
                let mut embedder = EngineEmbedder::new(Config::new());
                let result = run_script("t.wast", &script, &Options::default(), &mut embedder).unwrap();
                let outcome = named(result.directives.iter().next().unwrap().outcome);
                if outcome != expected || result.text_not_compared() != 0 {
                    failures
                        .push(format!("{script}: {outcome}, expected {expected}\n{}", result.render(false)));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Link and execution errors of the engine, with other texts that may name them.
const EXECUTION: &[(&str, &[&str])] = &[
    ("unreachable", &[]),
    ("integer divide by zero", &[]),
    ("integer overflow", &[]),
    ("invalid conversion to integer", &[]),
    ("out of bounds memory access", &["out of bounds"]),
    ("out of bounds table access", &["out of bounds"]),
    ("out of bounds array access", &["out of bounds"]),
    ("undefined element", &["undefined"]),
    ("uninitialized element", &["uninitialized"]),
    ("indirect call type mismatch", &["indirect call"]),
    ("null reference", &[]),
    ("null function reference", &[]),
    ("null structure reference", &[]),
    ("null array reference", &[]),
    ("null i31 reference", &[]),
    ("null exception reference", &[]),
    ("null descriptor reference", &[]),
    ("cast failure", &[]),
    ("descriptor cast failure", &[]),
    ("unaligned atomic", &[]),
    ("expected shared memory", &[]),
    ("call stack exhausted", &[]),
    ("unknown import", &[]),
    ("incompatible import type", &[]),
];

#[test]
fn texts_of_other_traps_and_link_errors_do_not_match() {
    for (message, besides) in EXECUTION {
        let error = EmbedError::new(ErrorKind::Trap, *message);
        let accepted: Vec<&str> = all_texts()
            .into_iter()
            .filter(|text| compare(MatchKind::Class, text, &error, Written::Binary) == Comparison::Same)
            .filter(|text| text != message && !besides.contains(text))
            .collect();
        assert!(accepted.is_empty(), "`{message}` is also accepted for {accepted:?}");
        assert_eq!(compare(MatchKind::Class, message, &error, Written::Binary), Comparison::Same);
    }
}
