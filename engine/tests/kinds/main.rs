//! Tests of the classification as malformed, invalid or valid, for every encoding that a version or
//! a proposal introduced, by the binary grammar of each (core spec 1.0, 2.0 and 3.0, chapter 5; the
//! proposals' overviews).

#![allow(clippy::unwrap_used)]

mod instructions;
mod proposals;
mod rows;
mod sections;
mod types;

use rows::{Kind, Kind::Invalid as I, Kind::Malformed as M, Kind::Valid as V, function, module};
use wassay_engine::{Classification, Config, Engine, ErrorKind, Features, Module, Rule, classify};

fn kind(bytes: &[u8], features: &str) -> Kind {
    let features: Features = features.parse().unwrap();
    let classified = classify(bytes, features);
    // The engine must give the same result.
    let engine = Engine::new(&Config::new().features(features)).unwrap();
    let validated = Module::validate(&engine, bytes).map_err(|error| (error.kind(), error.rule()));
    let (kind, expected) = match classified {
        Classification::Valid => (V, Ok(())),
        Classification::Malformed { rule, .. } => (M(rule), Err((ErrorKind::Malformed, Some(rule)))),
        Classification::Invalid { rule: Rule::Other, .. } => {
            (I(Rule::Other), Err((ErrorKind::Invalid, None)))
        }
        Classification::Invalid { rule, .. } => (I(rule), Err((ErrorKind::Invalid, Some(rule)))),
        other => panic!("{other:?}"),
    };
    assert_eq!(validated, expected, "{features} {bytes:x?}");
    kind
}

/// Checks the classification of encodings in 1.0, 2.0 and 3.0.
#[test]
fn each_version_has_its_grammar() {
    let mut failures = Vec::new();
    for (what, bytes, expected) in [types::ROWS, instructions::ROWS, sections::ROWS].into_iter().flatten() {
        for (version, expected) in ["1.0", "2.0", "3.0"].into_iter().zip(expected) {
            let actual = kind(&bytes.of(), version);
            if actual != *expected {
                failures.push(format!("{what} under {version}: {actual:?}, expected {expected:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Checks the classification of encodings if their proposal is disabled. If it is enabled, they are
/// valid.
#[test]
fn each_proposal_has_its_encodings() {
    let mut failures = Vec::new();
    for (on, off, what, bytes, expected) in proposals::ROWS {
        for (features, expected) in [(on, &V), (off, expected)] {
            let actual = kind(&bytes.of(), features);
            if actual != *expected {
                failures.push(format!("{what} under {features}: {actual:?}, expected {expected:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A proposal in addition to an older version can make encodings well-formed but invalid.
#[test]
fn a_shared_memory_without_a_maximum_is_well_formed_with_threads() {
    assert_eq!(kind(&module(&[(5, "01 02 00")]), "2.0,threads"), I(Rule::SharedWithoutMaximum));
    assert_eq!(kind(&module(&[(5, "01 02 00")]), "2.0"), M(Rule::MalformedLimits));
}

#[test]
fn the_rule_of_another_version_is_reported_as_well() {
    let flags = |byte: &str| match classify(&module(&[(5, &format!("01 {byte} 00"))]), Features::V2) {
        Classification::Malformed { rule: Rule::MalformedLimits, also, .. } => also,
        other => panic!("{other:?}"),
    };
    assert_eq!(flags("02"), Some(Rule::IntegerTooLarge));
    assert_eq!(flags("80"), Some(Rule::IntegerTooLong));
}

#[test]
fn the_offset_is_that_of_the_first_error() {
    for (bytes, offset) in [
        (module(&[(1, "01 5f 00")]), 11),
        (module(&[(5, "01 04 00")]), 11),
        (function(&[], "01 01 c0"), 25),
        (module(&[(2, "01 01 ff 00 00 00")]), 12),
        (b"\0asm\x02\0\0\0".to_vec(), 4),
    ] {
        match classify(&bytes, Features::V1) {
            Classification::Malformed { offset: found, .. } => assert_eq!(found, offset, "{bytes:x?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_nesting_of_blocks_is_not_limited() {
    let depth = 1_000_000;
    let mut body = vec![0];
    body.extend([0x02, 0x40].repeat(depth));
    let leb = |mut value: usize| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let mut code = vec![1];
    code.extend(leb(body.len()));
    code.extend(&body);
    let mut bytes = module(&[(1, "01 60 00 00"), (3, "01 00")]);
    bytes.push(10);
    bytes.extend(leb(code.len()));
    bytes.extend(code);
    let Classification::Malformed { rule, .. } = classify(&bytes, Features::V3) else { panic!() };
    assert_eq!(rule, Rule::UnexpectedEnd);
}

/// With all features enabled, the grammar has the opcodes that `wasmparser` decodes, except those
/// of unsupported proposals.
#[test]
fn the_opcodes_are_those_of_the_decoder() {
    let features = "3.0,threads,wide-arithmetic,custom-descriptors,legacy-exceptions,stack-switching";
    let features: Features = features.parse().unwrap();
    let of_others = |prefix: u8, code: u32| {
        let shared_everything = prefix == 0xfe && (code == 0x04 || code >= 0x4f);
        let memory_control = prefix == 0xfc && code == 0x12;
        shared_everything || memory_control
    };
    let prefixed =
        [0xfb, 0xfc, 0xfd, 0xfe].into_iter().flat_map(|prefix| (0..0x200).map(move |code| (prefix, code)));
    // Opcodes that delimit parts of a block cannot be decoded by themselves.
    let plain = (0..0xfb).filter(|code| ![0x05, 0x07, 0x0b, 0x18, 0x19].contains(code));
    for (prefix, code) in prefixed.chain(plain.map(|code| (code, 0))) {
        let mut opcode = vec![prefix];
        if prefix >= 0xfb {
            opcode.extend([(code & 0x7f) as u8 | 0x80, (code >> 7) as u8]);
        }
        // Immediates that are all zero.
        let mut instruction = opcode.clone();
        instruction.extend([0; 24]);
        let mut reader = wasmparser::OperatorsReader::new(wasmparser::BinaryReader::new(&instruction, 0));
        let decoded = reader.read().is_ok() && !of_others(prefix, code);
        let digits: String = instruction.iter().map(|byte| format!("{byte:02x}")).collect();
        let classified = classify(&function(&[], &digits), features);
        let illegal =
            matches!(classified, Classification::Malformed { rule: Rule::IllegalOpcode, offset: 23, .. });
        assert_eq!(decoded, !illegal, "{prefix:#x} {code:#x}: {classified:?}");
    }
}
