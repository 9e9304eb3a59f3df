//! Calls between the host and compiled code: entries, host calls and builtins.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

use super::alarm::is_current_over;
use super::artifact::STACK_OVERFLOW;
use super::code::CodeBlock;
use super::current::{current, set_current};
use super::func::HostFunc;
use super::host::{Host, guards, running};
use super::instance::instance_of;
use super::layout::{
    HostSlot, INTERRUPTED, VmCtxHeader, VmExit, VmFault, VmFree, VmFuncRef, VmHandler, VmHostCtx, VmStore,
    VmVal,
};
use super::pending::Pending;
use super::ptr::{Stored, VmBox};
use super::stack::record::VmStacks;
use super::stack::thread::{continuation_stack, on_thread_stack};
use super::sys::stack::{self, wipe_stack};
use super::trace::VmTrace;
use super::unwind::{raise, throw, unhandled};
use super::watchdog::{self, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;
use crate::trap::Trap;

/// How to call functions of one type: the entry trampoline of the type's signature.
#[derive(Debug)]
pub(crate) struct Entry {
    trampoline: Arc<CodeBlock>,
    type_id: u32,
    slots: usize,
}

/// The slots through which a call passes arguments and results.
pub(crate) type Slots = SmallVec<[VmVal; 8]>;

/// Reads the arguments from the slots, calls `code` with `vmctx`, and writes the results to the
/// slots. Returns 0 if a trap or an exception unwound the call.
type EntryFn =
    unsafe extern "C" fn(store: *mut VmStore, vmctx: *mut c_void, code: usize, slots: *mut VmVal) -> u8;

/// The stack size that host functions and builtins can use when compiled code has exhausted its own
/// limit.
const HOST_STACK: usize = 192 << 10;

impl Entry {
    /// Creates the entry for functions of a type. `trampoline` is the entry trampoline of the
    /// type's signature.
    ///
    /// # Panics
    ///
    /// Panics if the code is not an entry trampoline.
    pub(crate) fn new(trampoline: Arc<CodeBlock>, type_id: u32) -> Entry {
        let slots = trampoline.entry_slots();
        Entry { trampoline, type_id, slots }
    }

    /// The slots for a call: the maximum of the numbers of parameters and results.
    #[inline]
    pub(crate) fn slots(&self) -> Slots {
        // In place: `from_elem` would copy the whole list.
        let mut slots = Slots::new();
        slots.resize(self.slots, VmVal::default());
        slots
    }
}

/// Creates the part of a store's record that compiled code uses.
pub(super) fn new_vm_store<H: Host + ?Sized>() -> VmBox<VmStore> {
    VmBox::new(VmStore {
        stack_limit: 0,
        stack_low: 0,
        entry: VmHandler::default(),
        exit: VmExit::default(),
        stacks: VmStacks::new(unhandled::<H> as *const () as usize),
        fault: VmFault::default(),
        thrown: 0,
        stack_high: 0,
        free: VmFree::default(),
        interrupted: AtomicBool::new(false),
        deadline: None,
        caller: std::ptr::null_mut(),
        outer: std::ptr::null_mut(),
        locals: std::ptr::null_mut(),
        builtin_call: builtin_call::<H> as *const () as usize,
        host_call: host_call::<H> as *const () as usize,
        compile: compile_call::<H> as *const () as usize,
        raise: raise::<H> as *const () as usize,
        throw: throw as *const () as usize,
        host: None,
        guards: guards::<H>,
        pending: None,
        deepest: 0,
        trace: VmTrace::EMPTY,
    })
}

/// Calls a function with arguments in the slots. The results are in the slots afterwards.
///
/// The arguments must have the types of the parameters: see the [rules](super).
///
/// # Errors
///
/// Returns the reason why the call did not return.
///
/// # Panics
///
/// Panics if the function belongs to another store, if its type is not that of the entry, or if
/// there are too few slots.
pub(crate) fn enter<H: Host + ?Sized>(
    store: &mut H,
    entry: &Entry,
    func: Stored<VmFuncRef>,
    slots: &mut [VmVal],
) -> Result<()> {
    let record = store.record();
    let function = record.function_record(func);
    assert!(function.type_id == entry.type_id, "the function's type differs from the entry's");
    assert!(slots.len() >= entry.slots, "too few slots for the arguments and results");
    if record.is_interrupted() {
        return Err(Error::interrupted());
    }
    let low = stack::prepare_thread()
        .map_err(|error| Error::limit(format!("cannot prepare the thread's stack: {error}")))?;
    let (vm, here) = (record.vm(), stack::here());
    let (deadline, max_stack) = (record.deadline(), record.max_stack());
    // SAFETY: the store is borrowed, so its record is alive and no code of it runs.
    let saved = unsafe { Saved::of(vm) };
    if saved.is_outermost() {
        // SAFETY: the store is still borrowed, and no code of it runs.
        unsafe {
            (*vm).deadline = deadline;
            (*vm).stack_low = low;
            (*vm).stack_high = here;
            (*vm).stack_limit = here.saturating_sub(max_stack).max(low.saturating_add(HOST_STACK));
        }
    }
    // SAFETY: the store is still borrowed, and no code of it runs.
    let (stack_low, stack_limit) = unsafe { ((*vm).stack_low, (*vm).stack_limit) };
    // The stack limit, the watch and the entry handler of the outer call belong to the thread of
    // that call.
    if stack_low != low {
        return Err(Error::usage("the store's code is running on another thread"));
    }
    let watch = match here <= stack_limit {
        true => Err(Error::exhaustion()),
        // SAFETY: the watch is dropped when the code has returned, before the borrow of the store
        // ends.
        false if saved.is_outermost() => unsafe { watch(vm, deadline) },
        // The watch of the outermost call covers nested calls.
        false => Ok(None),
    };
    // SAFETY: the store is still borrowed, and no code of it runs.
    let watch = watch.inspect_err(|_| unsafe { ((*vm).stack_limit, (*vm).stack_high) = saved.stack })?;
    let previous = current();
    // SAFETY: the store is still borrowed, and no code of it runs.
    let outer = unsafe {
        (*vm).host = Some(HostSlot::new(&mut *store));
        (*vm).caller = std::ptr::null_mut();
        // If a store calls itself, its position in the chain does not change.
        let outer = if previous == vm { (*vm).outer } else { previous };
        std::mem::replace(&mut (*vm).outer, outer)
    };
    // SAFETY: the store is borrowed until the previous one is set again below, and `previous` was
    // set by an entry that has not returned.
    unsafe { set_current(vm) };
    // SAFETY: the trampoline is an entry trampoline with enough slots for the function's type; that
    // its code matches this type follows from the rule on code. The function's code and context
    // belong together, and are alive as long as the store. `store` is lent to the code: Rust code
    // that it calls gets it from the record's `host`, and it is not used here until the call is
    // over.
    let returned = unsafe {
        let call: EntryFn = std::mem::transmute::<usize, EntryFn>(entry.trampoline.address(0));
        call(vm, function.vmctx, (*function.code).get(), slots.as_mut_ptr())
    };
    // SAFETY: `previous` was the current store before this call, and its code is waiting for this
    // call.
    unsafe { set_current(previous) };
    drop(watch);
    // SAFETY: the call is over, and so is every use of the borrow that was lent to it.
    let (fault, thrown, pending, deepest) = unsafe {
        (*vm).outer = outer;
        // Code that was unwound has left the stacks of its continuations.
        (*vm).stacks.leave(std::ptr::null_mut());
        saved.restore(vm);
        let thrown = std::mem::take(&mut (*vm).thrown);
        let pending = if returned == 0 { (*vm).pending.take() } else { None };
        (std::mem::take(&mut (*vm).fault), thrown, pending, std::mem::take(&mut (*vm).deepest))
    };
    if (low..here).contains(&deepest) {
        // Values that the call left on the stack would look like references to the collections of
        // later calls.
        wipe_stack(deepest);
    }
    if returned != 0 {
        return Ok(());
    }
    let mut error = left(&*store, fault.code, thrown, pending);
    if error.kind() != ErrorKind::Interrupted {
        // SAFETY: the record is alive, and its trace is not written until code of the store runs
        // again.
        store.add_backtrace(&mut error, unsafe { &(*vm).trace });
    }
    Err(error)
}

/// The fields of a store's record that a nested entry overwrites.
struct Saved {
    entry: VmHandler,
    exit: VmExit,
    /// The stack limit, and the address above all frames.
    stack: (usize, usize),
    /// Code of an outer call borrows the store through its own slot.
    host: Option<HostSlot>,
}

impl Saved {
    /// # Safety
    ///
    /// The record is alive, and no code of the store runs, but code may be waiting for this call.
    unsafe fn of(vm: *mut VmStore) -> Saved {
        // SAFETY: by the condition above.
        unsafe {
            let stack = ((*vm).stack_limit, (*vm).stack_high);
            Saved { entry: (*vm).entry, exit: (*vm).exit, stack, host: (*vm).host }
        }
    }

    /// Whether no code of the store is waiting.
    fn is_outermost(&self) -> bool {
        self.entry.fp == 0
    }

    /// # Safety
    ///
    /// The conditions of [`Saved::of`] must hold.
    unsafe fn restore(self, vm: *mut VmStore) {
        // SAFETY: by the condition above.
        unsafe {
            ((*vm).entry, (*vm).exit, (*vm).host) = (self.entry, self.exit, self.host);
            ((*vm).stack_limit, (*vm).stack_high) = self.stack;
        }
    }
}

/// The reason why compiled code was unwound.
fn left<H: Host + ?Sized>(store: &H, fault: u8, thrown: u64, pending: Option<Pending>) -> Error {
    if thrown != 0 {
        // Nothing has been allocated since the exception was thrown, so it is still alive.
        return store.uncaught(thrown);
    }
    match (pending, fault) {
        (Some(Pending::Panic(payload)), _) => resume_unwind(payload),
        (Some(Pending::Error(error)), _) => error,
        (None, STACK_OVERFLOW) => Error::exhaustion(),
        (None, INTERRUPTED) => Error::interrupted(),
        (None, code) => Trap::from_code(code)
            .map_or_else(|| Error::host("compiled code was unwound without a reason"), Error::from),
    }
}

/// Calls a function for the store. If the store has a deadline, the watchdog watches the thread
/// meanwhile.
///
/// # Errors
///
/// [`Interrupted`](ErrorKind::Interrupted) if the deadline has passed, [`Limit`](ErrorKind::Limit)
/// if the watchdog's thread cannot be started; otherwise the errors of `run`.
pub(crate) fn watched<H: Host + ?Sized, T>(
    store: &mut H,
    run: impl FnOnce(&mut H) -> Result<T>,
) -> Result<T> {
    let (vm, deadline) = (store.record().vm(), store.record().deadline());
    // SAFETY: the watch is dropped at the end of this function, on this thread, while the store,
    // which is borrowed, is still alive.
    let _watch = unsafe { watch(vm, deadline) }?;
    run(store)
}

/// Starts watching the current thread, if there is a deadline.
///
/// # Safety
///
/// The record is alive, and the returned watch is dropped on this thread, before the record.
unsafe fn watch(vm: *mut VmStore, deadline: Option<Deadline>) -> Result<Option<Watch>> {
    let Some(deadline) = deadline else { return Ok(None) };
    // Short calls would return before the watchdog could interrupt any of them.
    if deadline.is_over() {
        // SAFETY: by the condition above; only an atomic field is borrowed.
        unsafe { (*vm).interrupted.store(true, std::sync::atomic::Ordering::Release) };
        return Err(Error::interrupted());
    }
    // SAFETY: by the condition above.
    let watch = unsafe { watchdog::watch(vm, deadline) };
    watch.map(Some).map_err(|error| Error::limit("cannot start the watchdog thread").caused_by(error))
}

/// When the code that runs on this thread must stop: the earliest deadline of the current store and
/// of the outer stores whose code is waiting for it.
#[inline]
pub(crate) fn running_deadline() -> Option<Deadline> {
    let mut earliest: Option<Deadline> = None;
    let mut store = current();
    while !store.is_null() {
        // SAFETY: the current store and those of its chain are alive (see `current`), and only this
        // thread writes the two fields.
        let (deadline, outer) = unsafe { ((*store).deadline, (*store).outer) };
        earliest = match (earliest, deadline) {
            (Some(one), Some(other)) if other.instant() < one.instant() => Some(other),
            (one, other) => one.or(other),
        };
        store = outer;
    }
    earliest
}

/// The result of a builtin for compiled code, in registers: a value, and whether to unwind by
/// [`raise`].
#[repr(C)]
struct BuiltinReturn {
    value: u64,
    failed: u64,
}

/// Called by the builtin stub. Runs the builtin with this number for the instance of the context.
///
/// # Safety
///
/// The context belongs to an instance whose code runs, in a store of type `H`.
unsafe extern "C" fn builtin_call<H: Host + ?Sized>(
    context: *mut c_void,
    number: usize,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
) -> BuiltinReturn {
    // SAFETY: by the condition above the context and its store's record are alive.
    let vm = unsafe { (*context.cast::<VmCtxHeader>()).store };
    // SAFETY: the record is alive, and only its code, which waits for this call, uses it.
    if let Some(stack) = unsafe { continuation_stack(vm) } {
        // SAFETY: the code has called this function on that stack. The condition above still holds.
        return unsafe {
            on_thread_stack(vm, stack, move || builtin_call::<H>(context, number, a, b, c, d, e))
        };
    }
    // SAFETY: by the condition above the context is alive, and `enter` has lent its store to the
    // code.
    let (store, instance) = unsafe { (running::<H>(vm), instance_of(context)) };
    let Some(instance) = instance else { unreachable!("compiled code has a context") };
    // SAFETY: `store` is the only borrow of the running store, whose code waits for this call.
    let result = unsafe { in_time(vm, store, |store| store.builtin(number, instance, [a, b, c, d, e])) };
    match result {
        Some(value) => BuiltinReturn { value, failed: 0 },
        None => BuiltinReturn { value: 0, failed: 1 },
    }
}

/// Called by the stub for thunks. Compiles the function at a position for the instance of the
/// context, and returns the address of its code. If it returns 0, the stub calls [`raise`].
///
/// # Safety
///
/// The context is that of an instance whose code runs, of a store of type `H`.
unsafe extern "C" fn compile_call<H: Host + ?Sized>(context: *mut c_void, position: usize) -> usize {
    // SAFETY: by the condition above the context and its store's record are alive.
    let vm = unsafe { (*context.cast::<VmCtxHeader>()).store };
    // SAFETY: the record is alive, and only its code, which waits for this call, uses it.
    if let Some(stack) = unsafe { continuation_stack(vm) } {
        // SAFETY: the code has called this function on that stack. The condition above still holds.
        return unsafe { on_thread_stack(vm, stack, move || compile_call::<H>(context, position)) };
    }
    // SAFETY: by the condition above the context is alive, and `enter` has lent its store to the
    // code.
    let (store, instance) = unsafe { (running::<H>(vm), instance_of(context)) };
    let Some(instance) = instance else { unreachable!("compiled code has a context") };
    // SAFETY: `store` is the only borrow of the store that runs, whose code waits for this call.
    let compiled = unsafe { in_time(vm, store, |store| store.compile(instance, position)) };
    compiled.unwrap_or(0)
}

/// Called by host trampolines. Runs the host function of the context on its arguments. If it
/// returns 0, the trampoline calls [`raise`].
///
/// # Safety
///
/// The context belongs to a host function of a store of type `H` whose code runs, and there are as
/// many slots as the function declares.
unsafe extern "C" fn host_call<H: Host + ?Sized>(context: *mut VmHostCtx, slots: *mut VmVal) -> u8 {
    // SAFETY: by the condition above the context and its store's record are alive.
    let vm = unsafe { (*context).store };
    // SAFETY: the record is alive, and only its code, which waits for this call, uses it.
    if let Some(stack) = unsafe { continuation_stack(vm) } {
        // SAFETY: the code has called this function on that stack. The condition above still holds.
        return unsafe { on_thread_stack(vm, stack, move || host_call::<H>(context, slots)) };
    }
    // SAFETY: by the condition above the context and its function are alive, and `enter` has lent
    // the store to the code. Both sources of `caller` are null or the context of an instance of the
    // store, which is alive as long as the store.
    let (store, host, caller, slots) = unsafe {
        let host = &*(*context).host.cast::<HostFunc<H>>();
        let importer = (*context).caller;
        let caller = if importer.is_null() { (*vm).caller } else { importer };
        let slots = std::slice::from_raw_parts_mut(slots, host.slots);
        (running::<H>(vm), host, instance_of(caller), slots)
    };
    // SAFETY: `store` is the only borrow of the running store, whose code waits for this call.
    let result = unsafe { in_time(vm, store, |store| (host.closure)(store, caller, slots)) };
    u8::from(result.is_some())
}

/// Like [`guarded`], but fails if the store's deadline has passed after `run`, unless `run` fails
/// with another error that compiled code cannot catch. Without this, code that calls the host in a
/// loop would rarely be interrupted, since the signal rarely finds it in its own instructions.
///
/// # Safety
///
/// The conditions of [`guarded`] must hold.
#[inline]
unsafe fn in_time<H: Host + ?Sized, T>(
    vm: *mut VmStore,
    store: &mut H,
    run: impl FnOnce(&mut H) -> Result<T>,
) -> Option<T> {
    let run = |store: &mut H| {
        let result = run(store);
        // SAFETY: by the condition above the record is alive, and its store is the current one,
        // since its code waits.
        let over = unsafe { is_current_over(vm) };
        if over && !result.as_ref().is_err_and(|error| error.kind() != ErrorKind::Exception) {
            return Err(Error::interrupted());
        }
        result
    };
    // SAFETY: by the condition above.
    unsafe { guarded(vm, store, run) }
}

/// Runs host code. An error or a panic is stored in the record, from which [`enter`] returns or
/// resumes it.
///
/// # Safety
///
/// `vm` is the record of `store`, whose code runs and waits for this call.
#[inline]
unsafe fn guarded<H: Host + ?Sized, T>(
    vm: *mut VmStore,
    store: &mut H,
    run: impl FnOnce(&mut H) -> Result<T>,
) -> Option<T> {
    let pending = match catch_unwind(AssertUnwindSafe(|| run(store))) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => Pending::Error(error),
        Err(payload) => Pending::Panic(payload),
    };
    // SAFETY: by the condition above the record is alive, and its code does not continue before
    // this returns.
    unsafe { (*vm).pending = Some(pending) };
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

    /// The size of the stack that the host switches to, and of other memory below its guard page.
    const STACK: usize = 256 << 10;
    const OTHERS: usize = 8 << 20;

    /// A function that calls itself as often as its argument says, with a frame of about 64 KiB of
    /// which it touches little.
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

    /// Calls the function on the current stack.
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
        // A thread whose own stack is at a lower address, so that its limit does not stop the
        // recursion: its stack is larger, and would otherwise have been mapped in a gap at a higher
        // address.
        let thread = std::thread::Builder::new().stack_size(4 * OTHERS);
        thread.spawn(move || switch(top, depth)).unwrap().join().unwrap();
    }

    fn switch(top: usize, depth: i32) {
        assert!(stack::here() < top, "the thread's stack is at a lower address");
        // SAFETY: the stack is mapped and used only here; the function returns, and the registers
        // that it can change are declared. `r12` contains the thread's stack pointer, since a
        // callee preserves it.
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
        let (signal, stderr) = in_child(LARGE_FRAMES, "1");
        assert_eq!(signal, None, "two frames fit: {stderr}");
        let (signal, stderr) = in_child(LARGE_FRAMES, "20");
        assert_eq!(signal, Some(libc::SIGSEGV), "{stderr}");
        assert!(stderr.contains("engine bug: SIGSEGV"), "{stderr}");
    }
}
