//! Signal handling: an expected fault of compiled code becomes a trap; other signals are forwarded
//! to the previous handler.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::cause::{self, Cause};
use super::code::lookup as code;
use super::current::current;
use super::layout::{INTERRUPTED, VmFault, VmStore};
use super::watchdog::INTERRUPT;
use super::{fault, unwind};

/// The signals for faults of the processor, and the watchdog's signal.
const SIGNALS: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, INTERRUPT];

/// The previous actions of the signals, in the order of [`SIGNALS`].
static PREVIOUS: OnceLock<[libc::sigaction; 5]> = OnceLock::new();

/// Installs the signal handlers, once per process.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = INSTALLED.get_or_init(|| {
        let mut previous = [const { MaybeUninit::<libc::sigaction>::zeroed() }; 5];
        for (signal, previous) in SIGNALS.iter().zip(&mut previous) {
            // SAFETY: reads the current action into storage of the right type.
            if unsafe { libc::sigaction(*signal, std::ptr::null(), previous.as_mut_ptr()) } != 0 {
                return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
            }
        }
        // SAFETY: every element was zeroed, which is a valid `sigaction`, and then overwritten.
        let _ = PREVIOUS.set(previous.map(|action| unsafe { action.assume_init() }));
        for signal in SIGNALS {
            // SAFETY: zero is a valid `sigaction`; the handler has the signature that SA_SIGINFO
            // requires, and calls only async-signal-safe functions: see `on_signal`.
            let result = unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_signal as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                if signal != INTERRUPT {
                    action.sa_flags |= libc::SA_RESTART;
                }
                // Without SA_RESTART, a system call that blocks a host function at the deadline
                // fails with EINTR.
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(signal, &action, std::ptr::null_mut())
            };
            if result != 0 {
                return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
            }
        }
        Ok(())
    });
    result.map_err(io::Error::from_raw_os_error)
}

/// Async-signal-safe: reads a thread-local cell without a destructor, looks up the code without a
/// lock, and writes plain memory.
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let store = current();
    // SAFETY: the kernel passes a `siginfo_t` to a handler that was installed with SA_SIGINFO.
    let (cause, was_sent) = unsafe { (Cause::of(signal, &*info), cause::was_sent(&*info)) };
    if !store.is_null() {
        // SAFETY: the kernel passes a `ucontext_t` to a handler that was installed with SA_SIGINFO;
        // the handler can modify it.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let pc = registers[libc::REG_RIP as usize] as usize;
        let code = match signal {
            // SAFETY: the store is the thread's current one, and the signal interrupted the thread
            // at `pc`.
            INTERRUPT => unsafe { interrupt_at(store, pc) },
            _ if was_sent => None,
            // SAFETY: the store is the thread's current one, and a fault that no process sent was
            // caused by the instruction.
            _ => unsafe { fault::trap_of(store, pc, cause) },
        };
        if let Some(code) = code {
            // SAFETY: the signal interrupted compiled code, which runs inside `call::enter` for
            // this store. Therefore the store is alive, no Rust code is using it, and `entry`
            // describes the trampoline that made the call. Functions fault only after their frame
            // is set up. An interruption can happen anywhere, so no frames are recorded or walked
            // in that case.
            let entry = unsafe {
                if signal != INTERRUPT {
                    unwind::note_fault(store, pc, registers[libc::REG_RBP as usize] as usize);
                }
                (*store).fault = VmFault { pc, code };
                (*store).entry
            };
            registers[libc::REG_RIP as usize] = entry.pc as i64;
            registers[libc::REG_RSP as usize] = entry.sp as i64;
            registers[libc::REG_RBP as usize] = entry.fp as i64;
            return;
        }
        if signal != INTERRUPT
            && !was_sent
            // SAFETY: the thread runs the code at `pc`, or has jumped there due to a bug.
            && let Some(description) = unsafe { code::describe(pc) }
        {
            cause::report(signal, cause, pc, description);
        }
    }
    pass_on(signal, was_sent, info, context);
}

/// Whether the watchdog has interrupted the store or an outer one, and the code can be unwound at
/// `pc`: it must be in the body of a function. If so, marks the store as interrupted, since its
/// code was stopped between two instructions as well.
///
/// # Safety
///
/// The store is the thread's current one, and the signal interrupted the thread at `pc`.
unsafe fn interrupt_at(store: *mut VmStore, pc: usize) -> Option<u8> {
    let mut wanted = store;
    // SAFETY: the thread runs the code at `pc`.
    while !wanted.is_null() && unsafe { code::is_body(pc) } {
        // SAFETY: the current store and those of its chain are alive (see `current`), and only this
        // thread writes `outer`.
        unsafe {
            if (*wanted).interrupted.load(Ordering::Acquire) {
                (*store).interrupted.store(true, Ordering::Release);
                return Some(INTERRUPTED);
            }
            wanted = (*wanted).outer;
        }
    }
    None
}

/// Forwards the signal to the previous handler, or lets the default action end the process.
fn pass_on(signal: libc::c_int, was_sent: bool, info: *mut libc::siginfo_t, context: *mut c_void) {
    let position = SIGNALS.iter().position(|known| *known == signal);
    let previous = position.and_then(|position| Some(PREVIOUS.get()?[position]));
    match previous {
        Some(action) if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN => {
            // SAFETY: the address was installed as a handler with the signature that its flags
            // specify.
            unsafe {
                if action.sa_flags & libc::SA_SIGINFO != 0 {
                    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void) =
                        std::mem::transmute(action.sa_sigaction);
                    handler(signal, info, context);
                } else {
                    let handler: extern "C" fn(libc::c_int) = std::mem::transmute(action.sa_sigaction);
                    handler(signal);
                }
            }
        }
        _ if signal == INTERRUPT => return,
        Some(action) if was_sent && action.sa_sigaction == libc::SIG_IGN => return,
        // SAFETY: restores the default action.
        _ => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
    // A faulting instruction runs again when the handler returns, which then ends the process. A
    // signal that was sent does not occur again by itself. If the default action ends the process
    // (also if the previous handler has restored it, as that of Rust's runtime does), the signal
    // must be sent again.
    if was_sent && signal != INTERRUPT && has_default_action(signal) {
        // SAFETY: has no preconditions; the signal is not blocked, since the handler was installed
        // with SA_NODEFER.
        unsafe { libc::raise(signal) };
    }
}

fn has_default_action(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: reads the current action into storage of the right type, which was zeroed, a valid
    // `sigaction`.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_DFL
    }
}
