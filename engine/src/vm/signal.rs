//! Traps by signals: a fault that an instruction of compiled code is there for becomes a trap; any
//! other goes to the handler before ours.

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

/// The signals by which a processor reports what compiled code did, and the watchdog's.
const SIGNALS: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, INTERRUPT];

/// What handled the signals before, in the order of [`SIGNALS`].
static PREVIOUS: OnceLock<[libc::sigaction; 5]> = OnceLock::new();

/// Takes over the signals, once a process.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = INSTALLED.get_or_init(|| {
        let mut previous = [const { MaybeUninit::<libc::sigaction>::zeroed() }; 5];
        for (signal, previous) in SIGNALS.iter().zip(&mut previous) {
            // SAFETY: reads the present action into storage of the right type.
            if unsafe { libc::sigaction(*signal, std::ptr::null(), previous.as_mut_ptr()) } != 0 {
                return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
            }
        }
        // SAFETY: every element was zeroed, which is a valid `sigaction`, and then filled in.
        let _ = PREVIOUS.set(previous.map(|action| unsafe { action.assume_init() }));
        for signal in SIGNALS {
            // SAFETY: zero is a valid `sigaction`; the handler has the signature that SA_SIGINFO
            // asks for, and calls only what is safe in a handler: see `on_signal`.
            let result = unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_signal as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                if signal != INTERRUPT {
                    action.sa_flags |= libc::SA_RESTART;
                }
                // What a host function waits for in the system when its time is over ends by EINTR.
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

/// Async-signal-safe: reads a thread-local cell without a destructor, looks the place up without a
/// lock, writes plain memory.
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let store = current();
    // SAFETY: the kernel passes a `siginfo_t` to a handler that was installed with SA_SIGINFO.
    let (cause, was_sent) = unsafe { (Cause::of(signal, &*info), cause::was_sent(&*info)) };
    if !store.is_null() {
        // SAFETY: the kernel passes a `ucontext_t` to a handler that was installed with SA_SIGINFO;
        // it is ours until we return.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let pc = registers[libc::REG_RIP as usize] as usize;
        let code = match signal {
            // SAFETY: the store is the thread's current one, and the thread was found at `pc`.
            INTERRUPT => unsafe { interrupt_at(store, pc) },
            _ if was_sent => None,
            // SAFETY: the store is the thread's current one, and a fault that no process sent comes
            // from the instruction.
            _ => unsafe { fault::trap_of(store, pc, cause) },
        };
        if let Some(code) = code {
            // SAFETY: the signal interrupted compiled code, which runs inside `call::enter` for
            // this store: the store is alive, no Rust code is in the middle of using it, and
            // `entry` describes the trampoline that made the call. Functions may fault only once
            // their frame is set up; an interruption finds them anywhere, so that no frames are
            // noted then, and none looked for.
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
            // SAFETY: the thread runs the code at `pc`, or has jumped there by a defect.
            && let Some(place) = unsafe { code::describe(pc) }
        {
            cause::report(signal, cause, pc, place);
        }
    }
    pass_on(signal, was_sent, info, context);
}

/// Whether the watchdog wants the code of the store, or of one further out, to be left, and it can
/// be where it is: inside the body of a function. The store is marked then: its code, too, was left
/// between two instructions.
///
/// # Safety
///
/// The store is the thread's current one, and the signal interrupted the thread at `pc`.
unsafe fn interrupt_at(store: *mut VmStore, pc: usize) -> Option<u8> {
    let mut wanted = store;
    // SAFETY: the thread runs the code at `pc`.
    while !wanted.is_null() && unsafe { code::is_body(pc) } {
        // SAFETY: the current store and those of its chain are alive (see `current`), and this
        // thread alone writes `outer`.
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

/// Gives the signal to the handler that was there before, or lets the default action end the
/// process.
fn pass_on(signal: libc::c_int, was_sent: bool, info: *mut libc::siginfo_t, context: *mut c_void) {
    let position = SIGNALS.iter().position(|known| *known == signal);
    let previous = position.and_then(|position| Some(PREVIOUS.get()?[position]));
    match previous {
        Some(action) if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN => {
            // SAFETY: the address was installed as a handler with the signature that its flags say.
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
    // A faulting instruction runs again when we return, and then ends the process. A signal that
    // was sent does not come again by itself: where the default action is to end the process, also
    // because the handler before us has restored it, as that of Rust's runtime does, it has to be
    // sent again.
    if was_sent && signal != INTERRUPT && has_default_action(signal) {
        // SAFETY: has no preconditions; the signal is not blocked, since the handler was installed
        // with SA_NODEFER.
        unsafe { libc::raise(signal) };
    }
}

fn has_default_action(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: reads the present action into storage of the right type, which was zeroed, a valid
    // `sigaction`.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_DFL
    }
}
