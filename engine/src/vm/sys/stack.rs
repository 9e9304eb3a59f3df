//! The bounds of the current thread's stack, and its alternate signal stack.

use std::cell::Cell;
use std::hint::black_box;
use std::io;

use super::mmap::{Mapping, PAGE};

/// The size of the alternate signal stack.
const SIGNAL_STACK: usize = 64 << 10;

thread_local! {
    /// The lowest address of the thread's stack; 0 if it is not known yet.
    static LOW: Cell<usize> = const { Cell::new(0) };
    static SIGNAL: Cell<Option<SignalStack>> = const { Cell::new(None) };
}

/// An address in the caller's frame or just below it.
#[inline(always)]
pub(crate) fn here() -> usize {
    let local = 0u8;
    black_box(&raw const local) as usize
}

/// Prepares the current thread for compiled code, on the first call: determines the bounds of its
/// stack and installs an alternate signal stack. Returns the lowest address of the stack.
#[inline]
pub(crate) fn prepare_thread() -> io::Result<usize> {
    match LOW.get() {
        0 => prepare_new_thread(),
        low => Ok(low),
    }
}

/// The lowest address of the current thread's stack, if the thread was prepared for compiled code.
pub(crate) fn low() -> Option<usize> {
    Some(LOW.get()).filter(|low| *low != 0)
}

/// The free space on the current thread's stack in bytes, if the thread was prepared for compiled
/// code.
pub(crate) fn left() -> Option<usize> {
    Some(here().saturating_sub(low()?))
}

#[cold]
fn prepare_new_thread() -> io::Result<usize> {
    let low = stack_low()?;
    SIGNAL.set(Some(SignalStack::install()?));
    LOW.set(low);
    Ok(low)
}

/// Gets the lowest address of the current thread's stack from the C library.
fn stack_low() -> io::Result<usize> {
    // SAFETY: `pthread_getattr_np` initialises a zeroed attribute object.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    let (mut base, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the object is initialised by the first call, read by the second and destroyed by the
    // third.
    let result = unsafe {
        let mut result = libc::pthread_getattr_np(libc::pthread_self(), &mut attributes);
        if result == 0 {
            result = libc::pthread_attr_getstack(&attributes, &mut base, &mut size);
            libc::pthread_attr_destroy(&mut attributes);
        }
        result
    };
    if result == 0 { Ok(base as usize) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// An alternate signal stack, with an inaccessible page below it.
struct SignalStack {
    map: Mapping,
    previous: libc::stack_t,
}

impl SignalStack {
    fn install() -> io::Result<SignalStack> {
        let map = Mapping::reserve(PAGE + SIGNAL_STACK)?;
        map.open(PAGE, SIGNAL_STACK)?;
        let ss_sp = map.base().wrapping_add(PAGE).cast();
        let new = libc::stack_t { ss_sp, ss_flags: 0, ss_size: SIGNAL_STACK };
        // SAFETY: zero is a valid `stack_t`, which `sigaltstack` overwrites.
        let mut previous: libc::stack_t = unsafe { std::mem::zeroed() };
        // SAFETY: the new stack is mapped and writable until `drop` has restored the previous one.
        if unsafe { libc::sigaltstack(&new, &mut previous) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(SignalStack { map, previous })
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: zero is a valid `stack_t`, which `sigaltstack` overwrites; the previous stack
        // belongs to the thread.
        unsafe {
            let mut current: libc::stack_t = std::mem::zeroed();
            libc::sigaltstack(std::ptr::null(), &mut current);
            if current.ss_sp.cast() == self.map.base().wrapping_add(PAGE) {
                libc::sigaltstack(&self.previous, std::ptr::null_mut());
            }
        }
    }
}

/// Overwrites the stack from here down to about this address, which contains data of finished
/// calls.
#[inline(never)]
pub(crate) fn wipe_stack(down_to: usize) {
    let zeros = [0u8; 4096];
    if black_box(&raw const zeros).addr() > down_to {
        wipe_stack(down_to);
    }
    // Prevents a tail call, which would free this frame first.
    black_box(&zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_begins_below_this_frame() {
        let low = prepare_thread().unwrap();
        assert!(low < here());
        assert!(here() - low <= 64 << 20, "the tests use no larger stacks");
        assert_eq!(prepare_thread().unwrap(), low);
    }

    /// Words are compared by their digests, so that the searched word itself is not on the stack.
    fn digest(word: u64) -> u64 {
        word.wrapping_mul(word | 1)
    }

    #[inline(never)]
    fn leave(secret: u64) {
        black_box([secret; 2048]);
    }

    #[test]
    fn data_of_finished_calls_is_overwritten() {
        let (secret, deep) = (black_box(0x0fed_cba9_8765_4321_u64), (here() - (64 << 10)) & !7);
        let lies_below = |wanted: u64| {
            // SAFETY: an aligned word of this thread's stack below this frame. It is mapped,
            // because `leave` or `wipe_stack` has used the stack down to there. It contains no Rust
            // variable, except those of the calls made by this closure, and any bits are a valid
            // `u64`.
            (deep..here() - 512)
                .step_by(8)
                .any(|at| digest(unsafe { (at as *const u64).read_volatile() }) == wanted)
        };
        leave(secret);
        assert!(lies_below(digest(secret)));
        wipe_stack(deep);
        assert!(!lies_below(digest(secret)));
    }
}
