//! Causes of signals, and a report for signals that end the process.

use std::fmt::Write;

use super::code::Description;

/// The cause of a signal by which the processor reports a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// An invalid instruction, such as `ud2`.
    InvalidInstruction,
    /// A privileged instruction, such as `hlt`, or an access to an address that is not canonical.
    Protection,
    /// An integer division by zero, or with a quotient that does not fit.
    Division,
    /// An access to an address that is not mapped, or not accessible in that way.
    Access(usize),
    /// Anything else: a hardware error, or a signal sent by a process.
    Other,
}

/// The relevant values of `si_code` (`asm-generic/siginfo.h`), some of which the `libc` crate
/// lacks.
const ILL_ILLOPN: i32 = 2;
const FPE_INTDIV: i32 = 1;
const SI_KERNEL: i32 = 0x80;
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;

impl Cause {
    /// Returns the cause of a signal.
    pub(crate) fn of(signal: libc::c_int, info: &libc::siginfo_t) -> Cause {
        match (signal, info.si_code) {
            (libc::SIGILL, ILL_ILLOPN) => Cause::InvalidInstruction,
            (libc::SIGFPE, FPE_INTDIV) => Cause::Division,
            // The kernel sets no address with this code.
            (libc::SIGSEGV, SI_KERNEL) => Cause::Protection,
            // SAFETY: with these codes the kernel has set the address.
            (libc::SIGSEGV, SEGV_MAPERR | SEGV_ACCERR) => Cause::Access(unsafe { info.si_addr() } as usize),
            _ => Cause::Other,
        }
    }
}

/// Whether a process or a thread sent the signal, so that it was not caused by an instruction
/// (`sigaction(2)`, `si_code`).
pub(crate) fn was_sent(info: &libc::siginfo_t) -> bool {
    info.si_code <= 0
}

/// Reports an unexpected fault in compiled code on standard error. Async-signal-safe: does not
/// allocate.
#[expect(
    clippy::disallowed_methods,
    reason = "a signal handler cannot do anything else, and the line is not formatted from input"
)]
pub(crate) fn report(signal: libc::c_int, cause: Cause, pc: usize, code: Description) {
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        _ => "SIGFPE",
    };
    let mut line = Line { bytes: [0; LENGTH], used: 0 };
    // A line that is too long is truncated.
    let _ = write!(line, "wassay: engine bug: {name} at {pc:#x}, ");
    let _ = match code {
        Description::Function { index, offset } => {
            write!(line, "in wasm function {index} (code offset {offset:#x}), ")
        }
        Description::Ours { offset } => write!(line, "in a trampoline (code offset {offset:#x}), "),
        Description::NoCode => write!(line, "outside of installed code, "),
    };
    let _ = match cause {
        Cause::Access(address) => write!(line, "accessing address {address:#x}"),
        Cause::InvalidInstruction => write!(line, "invalid instruction"),
        Cause::Division => write!(line, "integer division"),
        Cause::Protection => {
            write!(line, "accessing a non-canonical address, or privileged instruction")
        }
        Cause::Other => write!(line, "by a fault of the hardware"),
    };
    let _ = writeln!(line, ". This is not a WebAssembly trap; the process is terminated.");
    // SAFETY: writes initialised bytes. An incomplete write is acceptable.
    unsafe { libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.used) };
}

const LENGTH: usize = 400;

/// A buffer of fixed size for text.
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
