//! The tables of a compiled function, as bytes.
//!
//! Numbers are little-endian. The sequence is: the alignment and the offset of the address; the
//! size of the frame; the relocations, traps and handlers, each with their count; the source map up
//! to the end.

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::LibCall;

use crate::vm::artifact::{CallSite, CodeReloc, CompiledFunction, Placement, RelocTarget};

/// The kinds of relocations, by their number in the format.
const KINDS: [Reloc; 3] = [Reloc::Abs8, Reloc::X86CallPCRel4, Reloc::X86PCRel4];

/// The functions that replace instructions, by their number in the format.
const LIB_CALLS: [LibCall; 10] = [
    LibCall::CeilF32,
    LibCall::CeilF64,
    LibCall::FloorF32,
    LibCall::FloorF64,
    LibCall::TruncF32,
    LibCall::TruncF64,
    LibCall::NearestF32,
    LibCall::NearestF64,
    LibCall::FmaF32,
    LibCall::FmaF64,
];

/// The target number for functions of the module.
const FUNCTION: u8 = u8::MAX;

/// Encodes everything but the code. `None` if the format does not have a relocation.
pub(super) fn encode(function: &CompiledFunction) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for number in [function.placement.align, function.placement.offset, function.frame] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let count = |bytes: &mut Vec<u8>, count: usize| bytes.extend_from_slice(&(count as u32).to_le_bytes());
    count(&mut bytes, function.relocs.len());
    for reloc in &function.relocs {
        let kind = KINDS.iter().position(|kind| *kind == reloc.kind)?;
        let (target, index) = match reloc.target {
            RelocTarget::Function(position) => (FUNCTION, position),
            RelocTarget::LibCall(call) => (LIB_CALLS.iter().position(|known| *known == call)? as u8, 0),
        };
        bytes.extend_from_slice(&[kind as u8, target]);
        bytes.extend_from_slice(&index.to_le_bytes());
        bytes.extend_from_slice(&reloc.offset.to_le_bytes());
        bytes.extend_from_slice(&reloc.addend.to_le_bytes());
    }
    count(&mut bytes, function.traps.len());
    for (offset, code) in &function.traps {
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.push(*code);
    }
    count(&mut bytes, function.handlers.len());
    for site in &function.handlers {
        for number in [site.return_address, site.handler, site.frame_offset] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&function.source_map);
    Some(bytes)
}

/// Creates a function from its code and its tables. `None` if they are inconsistent, in a module
/// that defines this number of functions.
pub(super) fn decode(code: Vec<u8>, tables: &[u8], functions: u32) -> Option<CompiledFunction> {
    let mut cursor = Cursor(tables);
    let placement = Placement { align: cursor.u32()?, offset: cursor.u32()? };
    let frame = cursor.u32()?;
    let relocs = cursor.list(18, |cursor| {
        let [kind, target] = cursor.take::<2>()?;
        let index = cursor.u32()?;
        let target = match target {
            FUNCTION => RelocTarget::Function(index),
            call => RelocTarget::LibCall(*LIB_CALLS.get(usize::from(call))?),
        };
        let (offset, addend) = (cursor.u32()?, i64::from_le_bytes(cursor.take()?));
        Some(CodeReloc { kind: *KINDS.get(usize::from(kind))?, offset, addend, target })
    })?;
    let traps = cursor.list(5, |cursor| Some((cursor.u32()?, cursor.take::<1>()?[0])))?;
    let handlers = cursor.list(12, |cursor| {
        let (return_address, handler, frame_offset) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
        Some(CallSite { return_address, handler, frame_offset })
    })?;
    let source_map = cursor.0.to_vec();
    let function = CompiledFunction { bytes: code, placement, frame, relocs, traps, handlers, source_map };
    function.is_consistent(functions).then_some(function)
}

/// Reads numbers from bytes.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// This number of bytes.
    pub(super) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A count and that many items, each of which has this size.
    pub(super) fn list<T>(
        &mut self,
        size: usize,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.u32()? as usize;
        // A wrong count must not allocate more than the bytes can have.
        if count > self.0.len() / size {
            return None;
        }
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> CompiledFunction {
        let reloc = |kind, offset, target| CodeReloc { kind, offset, addend: -4, target };
        CompiledFunction {
            bytes: vec![0x90; 40],
            placement: Placement { align: 64, offset: 48 },
            frame: 48,
            relocs: vec![
                reloc(Reloc::X86CallPCRel4, 1, RelocTarget::Function(2)),
                reloc(Reloc::Abs8, 32, RelocTarget::LibCall(LibCall::FmaF64)),
            ],
            traps: vec![(7, 1), (39, 255)],
            handlers: vec![CallSite { return_address: 40, handler: 39, frame_offset: 32 }],
            source_map: vec![1, 2, 3, 4],
        }
    }

    #[test]
    fn a_function_has_the_same_tables_after_decoding() {
        let function = function();
        let tables = encode(&function).unwrap();
        assert_eq!(decode(function.bytes.clone(), &tables, 3), Some(function));
    }

    #[test]
    fn tables_that_leave_the_code_are_rejected() {
        let spoiled: [&dyn Fn(&mut CompiledFunction); 15] = [
            &|f| f.bytes.truncate(39),
            &|f| f.bytes.clear(),
            &|f| f.placement.align = 0,
            &|f| f.placement.align = 48,
            &|f| f.placement.align = 1 << 20,
            &|f| f.placement.offset = 64,
            &|f| f.relocs[0].offset = 37,
            &|f| f.relocs[1].offset = 33,
            &|f| f.relocs[1].offset = u32::MAX,
            &|f| f.relocs[0].target = RelocTarget::Function(3),
            &|f| f.traps.reverse(),
            &|f| f.traps[1].0 = 40,
            &|f| f.traps[0].1 = 0,
            &|f| f.handlers[0].handler = 40,
            &|f| f.handlers[0].return_address = 41,
        ];
        for (number, spoil) in spoiled.iter().enumerate() {
            let mut function = function();
            spoil(&mut function);
            let tables = encode(&function).unwrap();
            assert_eq!(decode(function.bytes.clone(), &tables, 3), None, "{number}");
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_rejected() {
        let function = function();
        let tables = encode(&function).unwrap();
        for end in 0..tables.len() {
            let _ = decode(function.bytes.clone(), &tables[..end], 3);
        }
        for (at, bit) in (0..tables.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut tables = tables.clone();
            tables[at] ^= 1 << bit;
            if let Some(function) = decode(function.bytes.clone(), &tables, 3) {
                assert!(function.is_consistent(3));
            }
        }
    }
}
