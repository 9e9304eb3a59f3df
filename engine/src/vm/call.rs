//! The way into compiled code and back: entry, host calls and builtins.

use std::any::Any;
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use super::artifact::STACK_OVERFLOW;
use super::func::HostFunc;
use super::instance::instance_of;
use super::layout::{VmCtxHeader, VmExit, VmFault, VmFree, VmFuncRef, VmHandler, VmHostCtx, VmStore, VmVal};
use super::ptr::{VmBox, VmPtr};
use super::roots::wipe_stack;
use super::signal::{self, INTERRUPTED};
use super::sys::stack;
use super::trace::VmTrace;
use super::unwind::{raise, throw};
use super::watchdog::{self, Watch};
use crate::builtin;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Caller, ExnRef, StoreState};
use crate::time::Deadline;
use crate::trap::Trap;

/// The code that calls a function of one signature: its address, compiled as [`EntryFn`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryCode(pub(crate) usize);

/// Takes the arguments from the slots, calls `code` with `vmctx`, leaves the results in the slots; 0 if the call was left by a trap or
/// an exception.
type EntryFn =
    unsafe extern "C" fn(store: *mut VmStore, vmctx: *mut c_void, code: usize, slots: *mut VmVal) -> u8;

/// Stack that host functions and builtins may rely on when compiled code has used up its own.
const HOST_STACK: usize = 192 << 10;

/// Why compiled code is being left on purpose.
pub(crate) enum Pending {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pending::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Pending::Panic(_) => f.write_str("Panic"),
        }
    }
}

/// The record of a store that does not run yet.
pub(crate) fn new_store() -> VmBox<VmStore> {
    VmBox::new(VmStore {
        stack_limit: 0,
        stack_low: 0,
        entry: VmHandler::default(),
        exit: VmExit::default(),
        fault: VmFault::default(),
        thrown: 0,
        stack_high: 0,
        free: VmFree::default(),
        interrupted: AtomicBool::new(false),
        deadline: None,
        caller: std::ptr::null_mut(),
        outer: std::ptr::null_mut(),
        builtin_call: builtin_call as *const () as usize,
        host_call: host_call as *const () as usize,
        raise: raise as *const () as usize,
        throw: throw as *const () as usize,
        store: None,
        trace: VmTrace::EMPTY,
    })
}

/// Calls a function with arguments in the slots, which are as many as the larger of its parameters and results; the results are
/// there afterwards.
///
/// `entry` is the entry trampoline of the function's type, and the arguments have the types it takes.
pub(crate) fn enter(
    store: &mut StoreState,
    entry: EntryCode,
    func: VmPtr<VmFuncRef>,
    slots: &mut [VmVal],
) -> Result<()> {
    store.refuse_if_interrupted()?;
    let low =
        stack::prepare_thread().map_err(|error| Error::limit(format!("the thread's stack: {error}")))?;
    let vm = store.vm_ptr().as_ptr();
    let here = stack::here();
    // SAFETY: the record belongs to the store that we hold; no code of the store runs while we set it up.
    let saved = unsafe {
        let saved = ((*vm).entry, (*vm).exit, (*vm).stack_limit, (*vm).stack_high, (*vm).store);
        if saved.0.fp == 0 {
            (*vm).deadline = store.deadline();
            (*vm).stack_low = low;
            (*vm).stack_high = here;
            (*vm).stack_limit = here.saturating_sub(store.max_stack()).max(low.saturating_add(HOST_STACK));
        }
        saved
    };
    // The stack limit, the watchdog and the way out of the outer call all belong to the thread of that call.
    // SAFETY: as above.
    if unsafe { (*vm).stack_low } != low {
        return Err(Error::usage("a store whose code runs is used by another thread"));
    }
    // SAFETY: as above.
    let watch = match here <= unsafe { (*vm).stack_limit } {
        true => Err(Error::exhaustion()),
        // A nested call is watched with the outermost one.
        false if saved.0.fp == 0 => watch(store),
        false => Ok(None),
    };
    // SAFETY: as above.
    let watch =
        watch.inspect_err(|_| unsafe { ((*vm).stack_limit, (*vm).stack_high) = (saved.2, saved.3) })?;
    let record = func.read();
    let previous = signal::current();
    // SAFETY: as above.
    let outer = unsafe {
        (*vm).store = Some(NonNull::from(&mut *store));
        (*vm).caller = std::ptr::null_mut();
        // A store that calls itself keeps its place in the chain.
        let outer = if previous == vm { (*vm).outer } else { previous };
        std::mem::replace(&mut (*vm).outer, outer)
    };
    signal::set_current(vm);
    // SAFETY: the address is that of an entry trampoline of the function's signature (the caller's duty), the record's code and
    // context belong together and are alive with the store, and the slots suffice. The store's borrow is handed to the code: Rust
    // code that it calls gets it back from the record, and we do not touch `store` until the call is over.
    let returned = unsafe {
        let call: EntryFn = std::mem::transmute::<usize, EntryFn>(entry.0);
        call(vm, record.vmctx, record.code, slots.as_mut_ptr())
    };
    signal::set_current(previous);
    drop(watch);
    // SAFETY: the call is over; the record is ours again.
    let (fault, thrown) = unsafe {
        (*vm).outer = outer;
        // An outer call's code borrows the store through its own pointer, not through ours.
        ((*vm).entry, (*vm).exit, (*vm).stack_limit, (*vm).stack_high, (*vm).store) = saved;
        (std::mem::take(&mut (*vm).fault), std::mem::take(&mut (*vm).thrown))
    };
    let deepest = store.heap.deepest.take().map(NonZeroUsize::get);
    if let Some(deepest) = deepest.filter(|deepest| (low..here).contains(deepest)) {
        // What the call left on the stack would seem to be references of the next.
        wipe_stack(deepest);
    }
    if returned != 0 {
        return Ok(());
    }
    let mut error = left(store, fault.code, thrown);
    if error.kind() != ErrorKind::Interrupted {
        // SAFETY: as above; nothing changes the frames that were noted before the store's code runs again.
        store.add_backtrace(&mut error, unsafe { &(*vm).trace });
    }
    Err(error)
}

/// Why compiled code was left.
fn left(store: &mut StoreState, fault: u8, thrown: u64) -> Error {
    if thrown != 0 {
        // Nothing has been allocated since it was thrown, so that it is still there.
        return Error::exception(ExnRef::from_word(thrown, store));
    }
    match (store.take_pending(), fault) {
        (Some(Pending::Panic(payload)), _) => resume_unwind(payload),
        (Some(Pending::Error(error)), _) => error,
        (None, STACK_OVERFLOW) => Error::exhaustion(),
        (None, INTERRUPTED) => Error::interrupted(),
        (None, code) => Trap::from_code(code)
            .map_or_else(|| Error::host("compiled code left without a reason"), Error::from),
    }
}

/// Whether the watchdog has interrupted the store.
pub(crate) fn is_interrupted(store: VmPtr<VmStore>) -> bool {
    // SAFETY: the record is alive with its store, which the caller holds.
    unsafe { (*store.as_ptr()).interrupted.load(Ordering::Acquire) }
}

/// Has the watchdog watch the running thread, where the store has a deadline.
///
/// # Errors
///
/// [`Interrupted`](ErrorKind::Interrupted) where the deadline has passed, and
/// [`Limit`](ErrorKind::Limit) where there is no thread to watch it.
pub(crate) fn watch(store: &StoreState) -> Result<Option<Watch>> {
    let Some(deadline) = store.deadline() else { return Ok(None) };
    // Short calls would be over before the watchdog could interrupt any of them.
    if deadline.is_over() {
        interrupt(store.vm_ptr());
        return Err(Error::interrupted());
    }
    // SAFETY: callers keep the watch in a local variable, on this thread, as long as they hold the store.
    unsafe { watchdog::watch(store.vm_ptr(), deadline) }.map(Some).map_err(no_watchdog)
}

/// Says that the store's time is over: none of its code runs any more.
pub(crate) fn interrupt(store: VmPtr<VmStore>) {
    // SAFETY: as for `is_interrupted`.
    unsafe { (*store.as_ptr()).interrupted.store(true, Ordering::Release) }
}

/// When the code that the thread runs is interrupted at the latest: the earliest deadline of the store that runs and of those further
/// out, whose code waits for it.
pub(crate) fn running_deadline() -> Option<Deadline> {
    let mut earliest: Option<Deadline> = None;
    let mut store = signal::current();
    while !store.is_null() {
        // SAFETY: the store is the thread's current one, and those further out wait for it: their records are alive, and this thread
        // alone writes the two fields.
        let (deadline, outer) = unsafe { ((*store).deadline, (*store).outer) };
        earliest = match (earliest, deadline) {
            (Some(one), Some(other)) if other.instant() < one.instant() => Some(other),
            (one, other) => one.or(other),
        };
        store = outer;
    }
    earliest
}

fn no_watchdog(error: std::io::Error) -> Error {
    Error::limit("no thread to watch the time").caused_by(error)
}

/// What a builtin returns to compiled code: in registers, a value and whether to leave by [`raise`].
#[repr(C)]
struct BuiltinReturn {
    value: u64,
    failed: u64,
}

/// Called by the builtin stub: runs the builtin of that number for the instance of that context.
extern "C" fn builtin_call(
    context: *mut c_void,
    number: usize,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
) -> BuiltinReturn {
    // SAFETY: compiled code passes its own context, whose store runs inside `enter`, which handed the store's borrow to us.
    let store = unsafe { running((*context.cast::<VmCtxHeader>()).store) };
    let Some(instance) = instance_of(context) else { unreachable!("compiled code has a context") };
    let result = in_time(store, |store| builtin::run(number, store, instance, [a, b, c, d, e]));
    match result {
        Some(value) => BuiltinReturn { value, failed: 0 },
        None => BuiltinReturn { value: 0, failed: 1 },
    }
}

/// Called by host trampolines: runs the host function of that context on its arguments. 0 asks the trampoline for [`raise`].
extern "C" fn host_call(context: *mut VmHostCtx, slots: *mut VmVal) -> u8 {
    // SAFETY: the trampoline passes the context of a live host function; its store runs inside `enter`, which handed us its borrow;
    // the trampoline has as many slots as the function says. Both sources of `caller` hold null or the context of an instance of the store,
    // which lives as long as the store.
    let (store, host, caller, slots) = unsafe {
        let store = running((*context).store);
        let host = &*(*context).host.cast::<HostFunc>();
        let importer = (*context).caller;
        let caller = if importer.is_null() { (*(*context).store).caller } else { importer };
        (store, host, caller, std::slice::from_raw_parts_mut(slots, host.slots))
    };
    let instance = instance_of(caller);
    let result = in_time(store, |store| (host.closure)(Caller::new(store, instance), slots));
    u8::from(result.is_some())
}

/// The store that runs.
///
/// # Safety
///
/// Compiled code of the store has called us from inside [`enter`], which handed its borrow of the store to whoever asks here; no
/// other borrow from here may be in use.
pub(super) unsafe fn running<'a>(vm: *mut VmStore) -> &'a mut StoreState {
    // SAFETY: by the condition above the record is alive, and the pointer is the borrow that `enter` has put aside.
    match unsafe { (*vm).store } {
        // SAFETY: as above.
        Some(mut store) => unsafe { store.as_mut() },
        None => unreachable!("a store whose code runs was entered"),
    }
}

/// As [`guarded`]; where the time of the store is over when it has run, that is the error, unless
/// there is another that compiled code cannot catch. Code that calls us all the time is hardly ever
/// found in its own instructions.
fn in_time<T>(store: &mut StoreState, run: impl FnOnce(&mut StoreState) -> Result<T>) -> Option<T> {
    guarded(store, |store| {
        let result = run(store);
        match store.alarm().check() {
            Err(over) if !result.as_ref().is_err_and(|error| error.kind() != ErrorKind::Exception) => {
                Err(over)
            }
            _ => result,
        }
    })
}

/// Runs host code; an error or a panic is kept in the store for [`enter`] to return or resume.
fn guarded<T>(store: &mut StoreState, run: impl FnOnce(&mut StoreState) -> Result<T>) -> Option<T> {
    let pending = match catch_unwind(AssertUnwindSafe(|| run(store))) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => Pending::Error(error),
        Err(payload) => Pending::Panic(payload),
    };
    store.set_pending(pending);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::child::{case, in_child};
    use crate::vm::sys::mmap::{Mapping, PAGE};
    use crate::{Config, Engine, Extern, Linker, Module, Store, Val};

    const LARGE_FRAMES: &str =
        "vm::call::tests::a_large_frame_does_not_step_over_the_guard_page_of_any_stack";

    /// How large the stack is that the host switches to, and how much memory of others lies below
    /// its guard page.
    const STACK: usize = 256 << 10;
    const OTHERS: usize = 8 << 20;

    /// A function that calls itself as many times as its argument says, with a frame of about 64
    /// KiB of which it touches little.
    fn recursion() -> String {
        let count = 4000;
        let loads: String = (0..count).map(|at| format!("(v128.load (i32.const {}))", at * 16)).collect();
        let adds = "i32x4.add ".repeat(count - 1);
        format!(
            "(module (memory 1) (func $f (export \"f\") (param i32)
              (if (i32.eqz (local.get 0)) (then return))
              (if (i32.eq (local.get 0) (i32.const -1))
                (then (i32.const 0) {loads} (call $f (i32.const 0)) {adds} v128.store))
              (call $f (i32.sub (local.get 0) (i32.const 1)))))"
        )
    }

    /// Calls it on the stack at hand.
    #[expect(clippy::disallowed_macros, reason = "the test reads what it prints")]
    extern "C" fn call_on_this_stack(depth: i32) {
        let config = Config::new().max_stack(1 << 30).verifier(false);
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let module = Module::new(store.engine(), &wat::parse_str(recursion()).unwrap()).unwrap();
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        let Some(Extern::Func(f)) = instance.export(&store, "f") else { panic!("exported") };
        println!("{:?}", f.invoke(&mut store, &[Val::I32(depth)]));
    }

    fn on_another_stack(depth: i32) {
        let others = Mapping::reserve(OTHERS + PAGE + STACK).unwrap();
        others.open(0, OTHERS).unwrap();
        others.open(OTHERS + PAGE, STACK).unwrap();
        let top = others.base() as usize + others.len();
        // A thread whose own stack lies further down, so that its limit does not stop the
        // recursion: it is larger, and a gap for it further up would have taken the mapping.
        let thread = std::thread::Builder::new().stack_size(4 * OTHERS);
        thread.spawn(move || switch(top, depth)).unwrap().join().unwrap();
    }

    fn switch(top: usize, depth: i32) {
        assert!(stack::here() < top, "the thread's stack was mapped later");
        // SAFETY: the stack is mapped and ours alone; the function returns, and the registers that
        // it may change are declared. `r12` keeps the thread's stack pointer, since a callee
        // preserves it.
        unsafe {
            std::arch::asm!(
                "mov r12, rsp", "mov rsp, {top}", "call {call}", "mov rsp, r12",
                top = in(reg) top, call = sym call_on_this_stack, in("edi") depth,
                out("r12") _, clobber_abi("C"),
            );
        }
    }

    #[test]
    fn a_large_frame_does_not_step_over_the_guard_page_of_any_stack() {
        if let Some(depth) = case() {
            return on_another_stack(depth.parse().unwrap());
        }
        let (signal, told) = in_child(LARGE_FRAMES, "1");
        assert_eq!(signal, None, "two frames fit: {told}");
        let (signal, told) = in_child(LARGE_FRAMES, "20");
        assert_eq!(signal, Some(libc::SIGSEGV), "{told}");
        assert!(told.contains("defect of the engine: SIGSEGV"), "{told}");
    }
}
