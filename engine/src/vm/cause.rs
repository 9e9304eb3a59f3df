//! What the system says of a signal: why it was sent, and a report for those that end the process.

use std::fmt::Write;

use super::code::Description;

/// Why a thread got one of the signals by which the processor reports faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It met an invalid instruction, such as `ud2`.
    InvalidInstruction,
    /// It met an instruction that only a kernel may execute, such as `hlt`, or accessed an address
    /// that is not canonical.
    Protection,
    /// It divided an integer by zero, or the quotient did not fit.
    Division,
    /// It accessed an address at which nothing is mapped, or nothing that it may access in that
    /// way.
    Access(usize),
    /// Anything else: a fault of the hardware, or no fault at all but a signal that a process sent.
    Other,
}

/// The values of `si_code` that matter here (`asm-generic/siginfo.h`); the C library's crate lacks
/// some.
const ILL_ILLOPN: i32 = 2;
const FPE_INTDIV: i32 = 1;
const SI_KERNEL: i32 = 0x80;
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;

impl Cause {
    /// The cause of a signal.
    pub(crate) fn of(signal: libc::c_int, info: &libc::siginfo_t) -> Cause {
        match (signal, info.si_code) {
            (libc::SIGILL, ILL_ILLOPN) => Cause::InvalidInstruction,
            (libc::SIGFPE, FPE_INTDIV) => Cause::Division,
            // This code comes with 0 in place of an address.
            (libc::SIGSEGV, SI_KERNEL) => Cause::Protection,
            // SAFETY: with these codes the kernel has filled in the address.
            (libc::SIGSEGV, SEGV_MAPERR | SEGV_ACCERR) => Cause::Access(unsafe { info.si_addr() } as usize),
            _ => Cause::Other,
        }
    }
}

/// Whether a process or a thread sent the signal, so that no instruction is to blame
/// (`sigaction(2)`, `si_code`).
pub(crate) fn was_sent(info: &libc::siginfo_t) -> bool {
    info.si_code <= 0
}

/// Says on standard error that compiled code faulted where it must not. Async-signal-safe: nothing
/// is allocated.
#[expect(
    clippy::disallowed_methods,
    reason = "a handler of signals may do nothing else, and all words are ours"
)]
pub(crate) fn report(signal: libc::c_int, cause: Cause, pc: usize, place: Description) {
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        _ => "SIGFPE",
    };
    let mut line = Line { bytes: [0; LENGTH], used: 0 };
    // A line that is too long is cut.
    let _ = write!(line, "wassay: defect of the engine: {name} at {pc:#x}, ");
    let _ = match place {
        Description::Function { index, offset } => {
            write!(line, "in wasm function {index} ({offset:#x} bytes into its code), ")
        }
        Description::Ours { offset } => write!(line, "{offset:#x} bytes into a trampoline, "),
        Description::NoCode => write!(line, "where no code is, "),
    };
    let _ = match cause {
        Cause::Access(address) => write!(line, "by an access to {address:#x}"),
        Cause::InvalidInstruction => write!(line, "by an invalid instruction"),
        Cause::Division => write!(line, "by a division"),
        Cause::Protection => {
            write!(line, "by an access to an address that is not canonical, or a privileged instruction")
        }
        Cause::Other => write!(line, "by a fault of the hardware"),
    };
    let _ = writeln!(line, ". This is not a WebAssembly trap. The process ends.");
    // SAFETY: writes bytes that are initialised; what was not written is not missed.
    unsafe { libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.used) };
}

const LENGTH: usize = 400;

/// Text in a place of fixed size.
struct Line {
    bytes: [u8; LENGTH],
    used: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let length = text.len().min(LENGTH - self.used);
        self.bytes[self.used..self.used + length].copy_from_slice(&text.as_bytes()[..length]);
        self.used += length;
        Ok(())
    }
}
