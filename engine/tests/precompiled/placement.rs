//! Functions are where their loops run fast.

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol};

use crate::compile;

/// The size of a cache line, and how far from its start a loop may begin: functions are at
/// multiples of 16.
const LINE: u64 = 64;
const NEAR: u64 = 16;

/// The offset to which the only backward jump in the code of a function goes: `0f 8x` or `7x`, with
/// a distance of four bytes or one.
fn loop_header(code: &[u8]) -> Option<u64> {
    let targets = (2..code.len()).filter_map(|end| {
        let near = code.get(end.checked_sub(6)?..end)?;
        match *near {
            [0x0f, 0x80..=0x8f, a, b, c, d] => Some((end, i32::from_le_bytes([a, b, c, d]))),
            [.., 0x70..=0x7f, distance] => Some((end, i32::from(distance.cast_signed()))),
            _ => None,
        }
    });
    targets.filter(|(_, distance)| *distance < 0).find_map(|(end, distance)| {
        let target = end as i64 + i64::from(distance);
        u64::try_from(target).ok()
    })
}

#[test]
fn loops_begin_at_the_start_of_cache_lines() {
    let functions: String = (0..12)
        .map(|number| {
            let before = "(local.set 0 (i32.mul (local.get 0) (local.get 1)))".repeat(number);
            format!(
                "(func (param i32 i32) {before}
                  (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (local.get 1))))))"
            )
        })
        .collect();
    let object = compile(&format!("(module {functions})"));
    let file = ElfFile64::<object::Endianness>::parse(&*object).unwrap();
    let text = file.section_by_name(".text").unwrap();
    assert_eq!(text.align(), LINE);
    let mut moved = 0;
    for symbol in file.symbols().filter(ObjectSymbol::is_definition) {
        let (start, size) = (symbol.address(), symbol.size());
        let code = &text.data().unwrap()[start as usize..(start + size) as usize];
        let header = loop_header(code).unwrap();
        assert!((start + header) % LINE < NEAR, "{}: {start:#x} + {header:#x}", symbol.name().unwrap());
        moved += usize::from(!start.is_multiple_of(LINE));
    }
    assert!(moved > 0, "no function begins elsewhere than at the start of a line");
}
