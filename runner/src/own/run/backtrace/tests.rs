//! Tests of backtraces of modules with intact and damaged DWARF.

use std::path::PathBuf;

use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, LineProgram, LineString, Range, RangeList, Sections,
    UnitEntryId,
};
use gimli::{Encoding, Format, LineEncoding, LittleEndian};
use wasmparser::{Operator, Parser, Payload};
use wassay_engine::{Config, Engine, Extern, Linker, Module, Store};

use super::lines::{Lines, Place};
use super::show;

/// `main` calls `divide`, from the inlined function `shop::check`.
const TEXT: &str = r#"(module
    (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "main") (drop (call $divide (i32.const 1) (i32.const 0)))))"#;

/// The module of [`TEXT`], and offsets in it.
struct Program {
    bytes: Vec<u8>,
    code: u64,
    bodies: Vec<std::ops::Range<u64>>,
    division: u64,
    call: u64,
}

fn program() -> Program {
    let bytes = wassay_script::quoted(TEXT.as_bytes()).unwrap();
    let mut program = Program { bytes: bytes.clone(), code: 0, bodies: Vec::new(), division: 0, call: 0 };
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::CodeSectionStart { unchecked_range, .. } => program.code = unchecked_range.start,
            Payload::CodeSectionEntry(body) => {
                program.bodies.push(body.range());
                for operator in body.get_operators_reader().unwrap().into_iter_with_offsets() {
                    match operator.unwrap() {
                        (Operator::I32DivS, offset) => program.division = offset,
                        (Operator::Call { .. }, offset) => program.call = offset,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    program
}

impl Program {
    /// The module with DWARF of this version, as rustc would emit it.
    fn with_dwarf(&self, version: u16) -> Vec<u8> {
        self.with(self.unit(version))
    }

    fn with(&self, mut dwarf: DwarfUnit) -> Vec<u8> {
        let mut sections = Sections::new(EndianVec::new(LittleEndian));
        dwarf.write(&mut sections).unwrap();
        let mut bytes = self.bytes.clone();
        sections
            .for_each(|id, data| {
                if !data.slice().is_empty() {
                    custom_section(&mut bytes, id.name(), data.slice());
                }
                Ok::<_, gimli::Error>(())
            })
            .unwrap();
        bytes
    }

    fn unit(&self, version: u16) -> DwarfUnit {
        let encoding = Encoding { format: Format::Dwarf32, version, address_size: 4 };
        let mut dwarf = DwarfUnit::new(encoding);
        let (folder, file) = (LineString::String(b"/src".to_vec()), LineString::String(b"shop.rs".to_vec()));
        let mut lines =
            LineProgram::new(encoding, LineEncoding::default(), folder.clone(), None, file.clone(), None);
        let file = lines.add_file(file, lines.default_directory(), None);
        let addresses: Vec<_> =
            self.bodies.iter().map(|body| body.start - self.code..body.end - self.code).collect();
        let address = |offset: u64| Address::Constant(offset);
        lines.begin_sequence(Some(address(addresses[0].start)));
        for (offset, line, column) in [
            (addresses[0].start, 2, 0),
            (self.division - self.code, 3, 12),
            (addresses[1].start, 8, 0),
            (self.call - self.code, 6, 9),
        ] {
            lines.row().address_offset = offset - addresses[0].start;
            (lines.row().file, lines.row().line, lines.row().column) = (file, line, column);
            lines.generate_row();
        }
        lines.end_sequence(addresses[1].end - addresses[0].start);
        dwarf.unit.line_program = lines;
        let all = addresses[0].start..addresses[1].end;
        let ranges = dwarf.unit.ranges.add(RangeList(vec![Range::StartLength {
            begin: address(all.start),
            length: all.end - all.start,
        }]));
        let root = dwarf.unit.root();
        let root = dwarf.unit.get_mut(root);
        root.set(gimli::DW_AT_name, AttributeValue::String(b"shop.rs".to_vec()));
        root.set(gimli::DW_AT_comp_dir, AttributeValue::String(b"/src".to_vec()));
        root.set(gimli::DW_AT_language, AttributeValue::Language(gimli::DW_LANG_Rust));
        root.set(gimli::DW_AT_low_pc, AttributeValue::Address(address(0)));
        root.set(gimli::DW_AT_ranges, AttributeValue::RangeListRef(ranges));
        let root = dwarf.unit.root();
        function(&mut dwarf, root, "divide", Some(&addresses[0]));
        let check = function(&mut dwarf, root, "_ZN4shop5check17h0123456789abcdefE", None);
        let main = function(&mut dwarf, root, "main", Some(&addresses[1]));
        let inlined = dwarf.unit.add(main, gimli::DW_TAG_inlined_subroutine);
        let inlined = dwarf.unit.get_mut(inlined);
        inlined.set(gimli::DW_AT_abstract_origin, AttributeValue::UnitRef(check));
        inlined.set(gimli::DW_AT_low_pc, AttributeValue::Address(address(self.call - self.code)));
        inlined.set(gimli::DW_AT_high_pc, AttributeValue::Udata(1));
        inlined.set(gimli::DW_AT_call_file, AttributeValue::FileIndex(Some(file)));
        inlined.set(gimli::DW_AT_call_line, AttributeValue::Udata(9));
        inlined.set(gimli::DW_AT_call_column, AttributeValue::Udata(5));
        dwarf
    }
}

fn function(
    dwarf: &mut DwarfUnit,
    root: UnitEntryId,
    name: &str,
    code: Option<&std::ops::Range<u64>>,
) -> UnitEntryId {
    let id = dwarf.unit.add(root, gimli::DW_TAG_subprogram);
    let entry = dwarf.unit.get_mut(id);
    entry.set(gimli::DW_AT_name, AttributeValue::String(b"plain".to_vec()));
    entry.set(gimli::DW_AT_linkage_name, AttributeValue::String(name.into()));
    if let Some(code) = code {
        entry.set(gimli::DW_AT_low_pc, AttributeValue::Address(Address::Constant(code.start)));
        entry.set(gimli::DW_AT_high_pc, AttributeValue::Udata(code.end - code.start));
    }
    id
}

/// Adds a custom section to a module (core spec, section 5.5.3).
fn custom_section(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
    bytes.push(0);
    let mut size = 1 + name.len() + data.len();
    while size >= 0x80 {
        bytes.push(size as u8 | 0x80);
        size >>= 7;
    }
    bytes.extend([size as u8, name.len() as u8]);
    bytes.extend(name.as_bytes());
    bytes.extend(data);
}

/// The backtrace of the trap in `main`.
fn trapped(bytes: &[u8]) -> String {
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let Some(Extern::Func(main)) = instance.export(&store, "main") else { panic!("it exports `main`") };
    let error = main.invoke(&mut store, &[]).unwrap_err();
    show(error.backtrace().unwrap(), &vec![(module, PathBuf::from("bin/shop.wasm"))]).into_string()
}

#[test]
fn places_in_the_source_are_those_of_the_instructions() {
    let program = program();
    let (division, call) = (program.division, program.call);
    let plain = format!("  0: divide (shop.wasm+{division:#x})\n  1: main (shop.wasm+{call:#x})\n");
    assert_eq!(trapped(&program.bytes), plain);
    for version in [4, 5] {
        let expected = format!(
            "  0: divide (shop.wasm+{division:#x}) at /src/shop.rs:3:12\n  \
             1: shop::check at /src/shop.rs:6:9, inlined into\n     \
             main (shop.wasm+{call:#x}) at /src/shop.rs:9:5\n"
        );
        assert_eq!(trapped(&program.with_dwarf(version)), expected, "DWARF {version}");
    }
}

#[test]
fn a_missing_column_is_not_shown() {
    let program = program();
    let bytes = program.with_dwarf(5);
    let places = Lines::of(&bytes).unwrap().places(program.bodies[0].start);
    let at = Some("/src/shop.rs:2".to_owned());
    assert_eq!(places, [Place { function: Some("divide".to_owned()), at }]);
    let lines = Lines::of(&bytes).unwrap();
    assert_eq!(lines.places(program.bodies[1].end + 100), []);
    assert_eq!(lines.places(0), [], "before the code");
}

/// Queries all locations in the module's DWARF.
fn ask(program: &Program, bytes: &[u8]) -> usize {
    let Some(lines) = Lines::of(bytes) else { return 0 };
    let offsets = [program.division, program.call, program.bodies[1].start, program.bodies[1].end];
    offsets.into_iter().map(|offset| lines.places(offset).len()).sum()
}

#[test]
fn deeply_nested_dwarf_is_rejected() {
    let program = program();
    let nested = |depth: usize| {
        let mut dwarf = program.unit(4);
        let root = dwarf.unit.root();
        (0..depth).fold(root, |parent, _| dwarf.unit.add(parent, gimli::DW_TAG_lexical_block));
        program.with(dwarf)
    };
    assert!(Lines::of(&nested(500)).is_some());
    assert!(Lines::of(&nested(1500)).is_none());
}

#[test]
fn damaged_dwarf_is_read_up_to_the_damage() {
    let program = program();
    for version in [4, 5] {
        let whole = program.with_dwarf(version);
        let start = program.bytes.len();
        assert_eq!(ask(&program, &whole), 1 + 2 + 1, "DWARF {version}");
        for end in start..whole.len() {
            ask(&program, &whole[..end]);
        }
        let mut damaged = whole.clone();
        for at in start..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, whole[at] ^ 1, whole[at] ^ 0x40, whole[at].wrapping_add(1)]
            {
                damaged[at] = value;
                ask(&program, &damaged);
            }
            damaged[at] = whole[at];
        }
    }
}

#[test]
fn random_bytes_cause_no_panic() {
    let program = program();
    let whole = program.with_dwarf(5);
    let start = program.bytes.len();
    // Knuth's generator; replace four bytes at random offsets, many times.
    let mut random: u64 = 1;
    let mut next = move |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        for _ in 0..4 {
            damaged[start + next(whole.len() - start)] = next(256) as u8;
        }
        ask(&program, &damaged);
    }
}
