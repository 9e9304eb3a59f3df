//! What compiling one function gives: bytes and tables, bound to no address.

use cranelift_codegen::CompiledCode;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{ExternalName, Function, LibCall, SourceLoc, TrapCode};
use cranelift_codegen::{
    FinalizedMachCallSite, FinalizedMachExceptionHandler, FinalizedMachReloc, FinalizedRelocTarget,
};

use super::places;
use crate::error::{Error, Result};
use crate::trap::Trap;

/// The trap code of a frame that does not fit the stack. It is no trap of the specification's, so it has a number apart.
pub(crate) const STACK_OVERFLOW: u8 = u8::MAX;

/// A compiled function.
#[derive(Debug)]
pub(crate) struct CompiledFunction {
    pub(crate) bytes: Vec<u8>,
    /// What its address must be a multiple of.
    pub(crate) align: u32,
    pub(crate) relocs: Vec<CodeReloc>,
    /// Offsets at which it may fault, ascending, with a [`Trap`] by its code or [`STACK_OVERFLOW`].
    pub(crate) traps: Vec<(u32, u8)>,
    /// The calls that have a handler, in ascending order.
    pub(crate) handlers: Vec<CallSite>,
    /// Which instructions its code came from, as [`places::encode`] has it.
    pub(crate) places: Vec<u8>,
}

/// A call whose exceptions the function handles. Offsets count from the begin of the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSite {
    pub(crate) return_address: u32,
    pub(crate) handler: u32,
    /// How far the stack pointer that the handler expects lies below the frame pointer.
    pub(crate) frame_offset: u32,
}

/// A place in the bytes that depends on an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeReloc {
    pub(crate) kind: Reloc,
    pub(crate) offset: u32,
    pub(crate) addend: i64,
    pub(crate) target: RelocTarget,
}

/// What a relocation refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RelocTarget {
    /// The function at that position of the batch.
    Function(u32),
    /// A routine of the C library, which stands in for an instruction that the processor lacks.
    LibCall(LibCall),
}

impl CompiledFunction {
    /// Copies a function out of Cranelift's buffers. User names in it must be positions in a batch.
    pub(crate) fn new(code: &CompiledCode, func: &Function) -> Result<CompiledFunction> {
        let relocs =
            code.buffer.relocs().iter().map(|reloc| read_reloc(reloc, func)).collect::<Result<_>>()?;
        let traps = code.buffer.traps().iter().map(|trap| (trap.offset, number(trap.code))).collect();
        let handlers = code.buffer.call_sites().filter_map(|site| read_call_site(&site)).collect();
        let locations = code.buffer.get_srclocs_sorted().iter();
        let places = places::encode(locations.map(|range| {
            (range.start, Some(range.loc).filter(|loc| !loc.is_default()).map(SourceLoc::bits))
        }));
        Ok(CompiledFunction {
            bytes: code.code_buffer().to_vec(),
            align: code.buffer.alignment.max(16),
            relocs,
            traps,
            handlers,
            places,
        })
    }

    /// The room that the function takes up at most.
    pub(crate) fn padded_size(&self) -> usize {
        self.bytes.len() + self.align as usize
    }
}

/// The trap code that stands for a trap in compiled code.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8)
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

/// All calls that we give handlers have one, for whatever is thrown.
fn read_call_site(site: &FinalizedMachCallSite<'_>) -> Option<CallSite> {
    match (site.exception_handlers, site.frame_offset) {
        (&[FinalizedMachExceptionHandler::Default(handler)], Some(frame_offset)) => {
            Some(CallSite { return_address: site.ret_addr, handler, frame_offset })
        }
        _ => None,
    }
}

/// Cranelift has codes of its own for what its instructions do; the others are ours already.
fn number(code: TrapCode) -> u8 {
    match code {
        TrapCode::STACK_OVERFLOW => STACK_OVERFLOW,
        TrapCode::HEAP_OUT_OF_BOUNDS => Trap::MemoryOutOfBounds as u8,
        TrapCode::INTEGER_OVERFLOW => Trap::IntegerOverflow as u8,
        TrapCode::INTEGER_DIVISION_BY_ZERO => Trap::IntegerDivideByZero as u8,
        TrapCode::BAD_CONVERSION_TO_INTEGER => Trap::InvalidConversionToInteger as u8,
        user => user.as_raw().get(),
    }
}
