//! Thunks: the code of functions that are not compiled yet.
//!
//! A thunk only contains the position of a function. The module is determined by the context that
//! the call passes. Therefore all modules share the thunks, and a module of which no function is
//! called has no code. A thunk loads its number and jumps, through the header of its page, to the
//! [`stub`]. The stub compiles the function and jumps to its code with the registers and the stack
//! of the call, so that it works for all calls, including tail calls, with any arguments.

use std::arch::naked_asm;
use std::sync::{Mutex, PoisonError};

use super::arena::CodeArena;
use super::map::Code;
use crate::error::Result;
use crate::vm::artifact::{CompiledFunction, Placement};
use crate::vm::layout::offsets;
use crate::vm::sys::mmap::PAGE;

/// The size of a thunk.
const SIZE: usize = 16;

/// The number of thunks in a page, after its header.
const COUNT: usize = PAGE / SIZE - 1;

/// A flag in the number of a thunk: the function returns results in memory, so that its context is
/// the second argument.
const IN_MEMORY: u32 = 1 << 31;

/// The thunks of the process. They are never freed, and take at most 32 bytes for each function of
/// the largest module.
static THUNKS: Mutex<Thunks> = Mutex::new(Thunks { pages: [Vec::new(), Vec::new()], arena: None });

struct Thunks {
    /// The pages of thunks for functions that return results in registers, and in memory.
    pages: [Vec<usize>; 2],
    arena: Option<CodeArena>,
}

/// The addresses of the thunks for the functions of a module. `in_memory` says for each function
/// whether its results are returned in memory.
pub(super) fn addresses(in_memory: impl ExactSizeIterator<Item = bool>) -> Result<Vec<usize>> {
    let count = in_memory.len();
    let mut addresses = Vec::with_capacity(count);
    let mut thunks = THUNKS.lock().unwrap_or_else(PoisonError::into_inner);
    for (position, in_memory) in in_memory.enumerate() {
        let (page, place) = (position / COUNT, position % COUNT);
        if page >= thunks.pages[usize::from(in_memory)].len() {
            thunks.grow(in_memory, count.div_ceil(COUNT))?;
        }
        addresses.push(thunks.pages[usize::from(in_memory)][page] + (1 + place) * SIZE);
    }
    Ok(addresses)
}

impl Thunks {
    /// Adds pages until there are `count`.
    fn grow(&mut self, in_memory: bool, count: usize) -> Result<()> {
        let kind = if in_memory { IN_MEMORY } else { 0 };
        let pages = &mut self.pages[usize::from(in_memory)];
        let new: Vec<CompiledFunction> =
            (pages.len()..count).map(|page| thunks((page * COUNT) as u32 | kind)).collect();
        let arena = self.arena.get_or_insert_default();
        pages.extend(arena.install(&new, Code::Thunks, 0, &|_| None)?);
        Ok(())
    }
}

/// A page of thunks, starting with this number.
fn thunks(first: u32) -> CompiledFunction {
    let mut bytes = Vec::with_capacity(PAGE);
    // jmp [rip], followed by the address of the stub
    bytes.extend_from_slice(&[0xff, 0x25, 0, 0, 0, 0]);
    bytes.extend_from_slice(&(stub as *const () as u64).to_le_bytes());
    bytes.resize(SIZE, 0xcc);
    for number in first..first + COUNT as u32 {
        // mov eax, number
        bytes.push(0xb8);
        bytes.extend_from_slice(&number.to_le_bytes());
        // jmp to the header of the page
        let end = bytes.len() + 5;
        bytes.push(0xe9);
        bytes.extend_from_slice(&(-(end as i32)).to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(SIZE), 0xcc);
    }
    CompiledFunction {
        bytes,
        placement: Placement::aligned(SIZE as u32),
        frame: 0,
        relocs: Vec::new(),
        traps: Vec::new(),
        handlers: Vec::new(),
        source_map: Vec::new(),
    }
}

/// Compiles the function of a thunk and jumps to it.
///
/// The Tail convention passes arguments in rdi, rsi, rdx, rcx, r8, r9, xmm0 to xmm7, and on the
/// stack; rax, r10 and r11 are free. The stub creates a frame like compiled code, records it as the
/// exit from compiled code, saves the registers, and calls `VmStore::compile` with the context and
/// the position. If that fails, it unwinds compiled code like a failed builtin.
///
/// # Safety
///
/// Only thunks jump here, with their number in eax.
#[unsafe(naked)]
unsafe extern "C" fn stub() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 0xc0",
        "mov [rsp], rdi",
        "mov [rsp + 0x08], rsi",
        "mov [rsp + 0x10], rdx",
        "mov [rsp + 0x18], rcx",
        "mov [rsp + 0x20], r8",
        "mov [rsp + 0x28], r9",
        "movups [rsp + 0x30], xmm0",
        "movups [rsp + 0x40], xmm1",
        "movups [rsp + 0x50], xmm2",
        "movups [rsp + 0x60], xmm3",
        "movups [rsp + 0x70], xmm4",
        "movups [rsp + 0x80], xmm5",
        "movups [rsp + 0x90], xmm6",
        "movups [rsp + 0xa0], xmm7",
        // The context is the first argument, or the second.
        "mov esi, eax",
        "and esi, 0x7fffffff",
        "shr eax, 31",
        "mov rdi, [rsp + rax * 8]",
        "mov r11, [rdi + {store}]",
        "mov [rsp + 0xb0], r11",
        "mov [r11 + {exit_fp}], rbp",
        "mov rax, [rbp + 8]",
        "mov [r11 + {exit_pc}], rax",
        "call qword ptr [r11 + {compile}]",
        "test rax, rax",
        "jz 2f",
        "mov r11, rax",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 0x08]",
        "mov rdx, [rsp + 0x10]",
        "mov rcx, [rsp + 0x18]",
        "mov r8, [rsp + 0x20]",
        "mov r9, [rsp + 0x28]",
        "movups xmm0, [rsp + 0x30]",
        "movups xmm1, [rsp + 0x40]",
        "movups xmm2, [rsp + 0x50]",
        "movups xmm3, [rsp + 0x60]",
        "movups xmm4, [rsp + 0x70]",
        "movups xmm5, [rsp + 0x80]",
        "movups xmm6, [rsp + 0x90]",
        "movups xmm7, [rsp + 0xa0]",
        "leave",
        "jmp r11",
        "2:",
        "mov rdi, [rsp + 0xb0]",
        "call qword ptr [rdi + {raise}]",
        "ud2",
        store = const offsets::CTX_STORE,
        exit_fp = const offsets::STORE_EXIT_FP,
        exit_pc = const offsets::STORE_EXIT_PC,
        compile = const offsets::STORE_COMPILE,
        raise = const offsets::STORE_RAISE,
    )
}
