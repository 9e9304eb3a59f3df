//! Tests of malformed and invalid custom sections (appendix "Custom Sections and Annotations").

#![allow(clippy::unwrap_used)]

use wassay_engine::{Config, Engine, ErrorKind, Module};

/// A module with two functions, one of them imported, to which the tests add custom sections.
const MODULE: &str = "(module
    (type (struct (field i32) (field i64)))
    (import \"m\" \"f\" (func (param i32)))
    (memory 1)
    (func (param i32 i64) (local f32 f32)
        (if (i32.eqz (local.get 0)) (then (nop)))
        (block (br_if 0 (local.get 0))))
    (data \"abc\"))";

/// The module with a custom section, directly before its code section or at its end.
fn with_section(name: &str, content: &[u8], before_code: bool) -> Vec<u8> {
    let mut bytes = wat::parse_str(MODULE).unwrap();
    let mut section = vec![name.len() as u8];
    section.extend(name.as_bytes());
    section.extend(content);
    assert!(section.len() < 128);
    section.splice(0..0, [0, section.len() as u8]);
    let at = if before_code { section_start(&bytes, 10) } else { bytes.len() };
    bytes.splice(at..at, section);
    bytes
}

/// The offset of the id of a section. All sections are shorter than 128 bytes here.
fn section_start(bytes: &[u8], id: u8) -> usize {
    let mut at = 8;
    while bytes[at] != id {
        at += 2 + usize::from(bytes[at + 1]);
    }
    at
}

fn check(bytes: &[u8]) -> Result<(), (ErrorKind, String)> {
    let engine = Engine::new(&Config::new()).unwrap();
    Module::validate(&engine, bytes).unwrap();
    Module::check_custom_sections(&engine, bytes).map_err(|error| {
        assert!(error.offset().is_some_and(|offset| offset <= bytes.len() as u64), "{error}");
        (error.kind(), error.message().to_owned())
    })
}

fn assert_fault(bytes: &[u8], kind: ErrorKind, message: &str) {
    let (found, text) = check(bytes).expect_err(message);
    assert!(found == kind && text.contains(message), "{found:?}: {text}, expected {kind:?}: {message}");
}

const HINTS: &str = "metadata.code.branch_hint";

#[test]
fn a_name_section_can_name_all_items() {
    let content: &[&[u8]] = &[
        &[0, 2, 1, b'M'],
        &[1, 7, 2, 0, 1, b'f', 1, 1, b'g'],
        &[2, 9, 2, 0, 1, 0, 0, 1, 1, 3, 0],
        &[4, 4, 1, 1, 1, b't'],
        &[6, 3, 1, 0, 0],
        &[9, 3, 1, 0, 0],
        &[10, 5, 1, 0, 1, 1, 0],
    ];
    assert_eq!(check(&with_section("name", &content.concat(), false)), Ok(()));
    assert_eq!(check(&with_section("name", &[], false)), Ok(()));
    assert_eq!(check(&with_section("other", &[1, 2, 3], false)), Ok(()));
}

#[test]
fn name_sections_that_violate_the_grammar_are_malformed() {
    for (content, message) in [
        (&[0, 2, 1, 0xff][..], "malformed UTF-8"),
        (&[1, 4, 1, 0, 1, 0xff], "malformed UTF-8"),
        (&[0, 9, 1, b'M'], "unexpected end"),
        (&[0, 3, 1, b'M', 0], "trailing data"),
        (&[1, 4, 1, 0, 0, 0], "unexpected data"),
        (&[1, 5, 2, 1, 0, 0, 0], "out of order"),
        (&[1, 5, 2, 1, 0, 1, 0], "out of order"),
        (&[2, 5, 2, 1, 0, 0, 0], "out of order"),
        (&[1, 1, 0, 0, 2, 1, b'M'], "subsection out of order"),
        (&[0, 2, 1, b'M', 0, 2, 1, b'M'], "subsection out of order"),
        (&[99, 0], "unknown subsection id 99"),
    ] {
        assert_fault(&with_section("name", content, false), ErrorKind::MalformedCustom, message);
    }
    let mut twice = with_section("name", &[], false);
    twice.extend([0, 5, 4, b'n', b'a', b'm', b'e']);
    assert_fault(&twice, ErrorKind::MalformedCustom, "name section: duplicate section");
    let early = with_section("name", &[], true);
    assert_fault(&early, ErrorKind::MalformedCustom, "after the data section");
}

#[test]
fn names_of_unknown_items_are_invalid() {
    for (content, message) in [
        (&[1, 3, 1, 2, 0][..], "unknown function 2"),
        (&[2, 3, 1, 2, 0], "unknown function 2"),
        (&[2, 5, 1, 0, 1, 1, 0], "unknown local 1"),
        (&[2, 5, 1, 1, 1, 4, 0], "unknown local 4"),
        (&[4, 3, 1, 3, 0], "unknown type 3"),
        (&[5, 3, 1, 0, 0], "unknown table 0"),
        (&[6, 3, 1, 1, 0], "unknown memory 1"),
        (&[7, 3, 1, 0, 0], "unknown global 0"),
        (&[8, 3, 1, 0, 0], "unknown element segment 0"),
        (&[9, 3, 1, 1, 0], "unknown data segment 1"),
        (&[10, 5, 1, 0, 1, 2, 0], "unknown field 2"),
        (&[10, 5, 1, 1, 1, 0, 0], "unknown field 0"),
        (&[11, 3, 1, 0, 0], "unknown tag 0"),
    ] {
        assert_fault(&with_section("name", content, false), ErrorKind::InvalidCustom, message);
    }
    // Errors in the grammar are reported first.
    let both = with_section("name", &[1, 3, 1, 9, 0, 99, 0], false);
    assert_fault(&both, ErrorKind::MalformedCustom, "unknown subsection id");
}

/// The offsets of the instructions of function 1 from the start of its body, which starts with a
/// group of locals in three bytes.
const IF: u8 = 6;
const NOP: u8 = 8;
const BR_IF: u8 = 14;

#[test]
fn hints_on_branches_are_valid() {
    for content in [&[0][..], &[1, 1, 0], &[1, 1, 2, IF, 1, 0, BR_IF, 1, 1]] {
        assert_eq!(check(&with_section(HINTS, content, true)), Ok(()), "{content:?}");
    }
}

#[test]
fn hints_that_violate_the_grammar_are_malformed() {
    for (content, message) in [
        (&[][..], "unexpected end"),
        (&[0, 0], "unexpected data"),
        (&[1, 1, 1, IF, 2, 0], "branch hint byte"),
        (&[1, 1, 1, IF, 1, 2], "taken byte"),
        (&[1, 1, 2, IF, 1, 0], "unexpected end"),
        (&[1, 1, 1, IF + 1, 1, 0], "no instruction begins at offset 0x7"),
        (&[1, 1, 1, 0, 1, 0], "no instruction begins at offset 0x0"),
        (&[2, 1, 1, IF, 1, 0, 1, 1, BR_IF, 1, 0], "function 1 is repeated or out of order"),
    ] {
        assert_fault(&with_section(HINTS, content, true), ErrorKind::MalformedCustom, message);
    }
    let late = with_section(HINTS, &[0], false);
    assert_fault(&late, ErrorKind::MalformedCustom, "before the code section");
}

#[test]
fn hints_on_other_instructions_are_invalid() {
    for (content, message) in [
        (&[1, 1, 1, NOP, 1, 0][..], "invalid target"),
        (&[1, 1, 2, BR_IF, 1, 0, IF, 1, 0], "invalid order"),
        (&[1, 1, 2, IF, 1, 0, IF, 1, 0], "invalid order"),
        (&[1, 0, 1, IF, 1, 0], "no function 0 with a body"),
        (&[1, 2, 1, IF, 1, 0], "no function 2 with a body"),
    ] {
        assert_fault(&with_section(HINTS, content, true), ErrorKind::InvalidCustom, message);
    }
}

#[test]
fn custom_sections_do_not_affect_modules_whose_errors_are_reported_first() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut bytes = with_section(HINTS, &[7, 7, 7], true);
    assert!(Module::new(&engine, &bytes).is_ok());
    bytes.push(1);
    let error = Module::check_custom_sections(&engine, &bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}
