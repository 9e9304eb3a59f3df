//! Converts the output of the code generator to artifacts that can be installed.

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{ExternalName, Function, SourceLoc, TrapCode};
use cranelift_codegen::{
    FinalizedMachCallSite, FinalizedMachExceptionHandler, FinalizedMachReloc, FinalizedRelocTarget,
};

use crate::error::{Error, Result};
use crate::trap::Trap;
use crate::vm::artifact::{
    CallSite, CodeReloc, CompiledFunction, MAX_ALIGN, Placement, RelocTarget, STACK_OVERFLOW,
};
use crate::vm::source_map;

/// The size of what is above the frame pointer: the caller's frame pointer and the return address.
const LINK: u32 = 16;

/// The least alignment of functions, in bytes.
const FETCHED: u32 = 16;

/// Copies a function from Cranelift's buffers. Its user names must be indices in a batch.
pub(super) fn compiled_function(code: &CompiledCode, func: &Function) -> Result<CompiledFunction> {
    let relocs = code.buffer.relocs().iter().map(|reloc| read_reloc(reloc, func)).collect::<Result<_>>()?;
    let traps = code.buffer.traps().iter().map(|trap| (trap.offset, number(trap.code))).collect();
    let handlers = code.buffer.call_sites().filter_map(|site| read_call_site(&site)).collect();
    let locations = code.buffer.get_srclocs_sorted().iter();
    let source_map =
        source_map::encode(locations.map(|range| {
            (range.start, Some(range.loc).filter(|loc| !loc.is_default()).map(SourceLoc::bits))
        }));
    Ok(CompiledFunction {
        bytes: code.code_buffer().to_vec(),
        placement: placement(code),
        frame: code.buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset) + LINK,
        relocs,
        traps,
        handlers,
        source_map,
    })
}

/// Where a function can be. If the code generator has listed its blocks, its smallest loop without
/// a call begins as near as possible after a multiple of the size of a cache line: where it begins
/// decides how fast short loops run, and the code generator does not align them. Without such a
/// loop, the function begins at the first or the second half of a line.
fn placement(code: &CompiledCode) -> Placement {
    let align = code.buffer.alignment.max(FETCHED);
    if code.bb_starts.is_empty() {
        return Placement::aligned(align);
    }
    let calls: Vec<u32> = code.buffer.call_sites().map(|site| site.ret_addr).collect();
    let is_short = |(from, header): &&(u32, u32)| {
        let next = code.bb_starts.partition_point(|start| start <= from);
        let end = code.bb_starts.get(next).copied().unwrap_or(u32::MAX);
        header <= from
            && calls.get(calls.partition_point(|call| call <= header)).is_none_or(|call| *call > end)
    };
    match code.bb_edges.iter().filter(is_short).min_by_key(|(from, header)| from - header) {
        Some((_, header)) if align < MAX_ALIGN => {
            let before = MAX_ALIGN - header % MAX_ALIGN;
            Placement { align: MAX_ALIGN, offset: before.next_multiple_of(align) % MAX_ALIGN }
        }
        _ => Placement::aligned(align.max(2 * FETCHED)),
    }
}

fn read_reloc(reloc: &FinalizedMachReloc, func: &Function) -> Result<CodeReloc> {
    let target = match &reloc.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            RelocTarget::Function(func.params.user_named_funcs()[*name].index)
        }
        FinalizedRelocTarget::ExternalName(ExternalName::LibCall(call)) => RelocTarget::LibCall(*call),
        other => return Err(Error::unsupported(format!("a relocation to {other:?}"))),
    };
    Ok(CodeReloc { kind: reloc.kind, offset: reloc.offset, addend: reloc.addend, target })
}

/// Every call for which the engine sets handlers has exactly one, for all exceptions.
fn read_call_site(site: &FinalizedMachCallSite<'_>) -> Option<CallSite> {
    match (site.exception_handlers, site.frame_offset) {
        (&[FinalizedMachExceptionHandler::Default(handler)], Some(frame_offset)) => {
            Some(CallSite { return_address: site.ret_addr, handler, frame_offset })
        }
        _ => None,
    }
}

/// Cranelift's own trap codes are mapped to traps; all other codes are the engine's.
fn number(code: TrapCode) -> u8 {
    match code {
        TrapCode::STACK_OVERFLOW => STACK_OVERFLOW,
        TrapCode::HEAP_OUT_OF_BOUNDS => Trap::MemoryOutOfBounds.code(),
        TrapCode::INTEGER_OVERFLOW => Trap::IntegerOverflow.code(),
        TrapCode::INTEGER_DIVISION_BY_ZERO => Trap::IntegerDivideByZero.code(),
        TrapCode::BAD_CONVERSION_TO_INTEGER => Trap::InvalidConversionToInteger.code(),
        user => user.as_raw().get(),
    }
}
