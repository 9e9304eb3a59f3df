//! The way into compiled code and back: entry, host calls and builtins.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
use super::sys::stack::{self, wipe_stack};
use super::trace::VmTrace;
use super::unwind::{raise, throw};
use super::watchdog::{self, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;
use crate::trap::Trap;

/// How to call the functions of one type: the entry trampoline of its signature.
#[derive(Debug)]
pub(crate) struct Entry {
    trampoline: Arc<CodeBlock>,
    type_id: u32,
    slots: usize,
}

/// Takes the arguments from the slots, calls `code` with `vmctx`, leaves the results in the slots;
/// 0 if the call was left by a trap or an exception.
type EntryFn =
    unsafe extern "C" fn(store: *mut VmStore, vmctx: *mut c_void, code: usize, slots: *mut VmVal) -> u8;

/// Stack that host functions and builtins may rely on when compiled code has used up its own.
const HOST_STACK: usize = 192 << 10;

impl Entry {
    /// The entry for functions of a type, given the entry trampoline of the type's signature.
    ///
    /// # Panics
    ///
    /// If the code is not an entry trampoline.
    pub(crate) fn new(trampoline: Arc<CodeBlock>, type_id: u32) -> Entry {
        let slots = trampoline.entry_slots();
        Entry { trampoline, type_id, slots }
    }

    /// How many slots a call needs: the larger of the numbers of parameters and results.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }
}

/// The part of a store's record that compiled code uses, before anything runs.
pub(super) fn new_vm_store<H: Host + ?Sized>() -> VmBox<VmStore> {
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

/// Calls a function with arguments in the slots; the results are there afterwards.
///
/// The arguments have the types of the parameters: see the [rules](super).
///
/// # Errors
///
/// Why the code was left, if it did not return.
///
/// # Panics
///
/// If the function belongs to another store or has another type than the entry, or there are too
/// few slots.
pub(crate) fn enter<H: Host + ?Sized>(
    store: &mut H,
    entry: &Entry,
    func: Stored<VmFuncRef>,
    slots: &mut [VmVal],
) -> Result<()> {
    let record = store.record();
    let function = record.function_record(func);
    assert!(function.type_id == entry.type_id, "a function is called by the entry of its type");
    assert!(slots.len() >= entry.slots, "a call has a slot for each argument and each result");
    if record.is_interrupted() {
        return Err(Error::interrupted());
    }
    let low =
        stack::prepare_thread().map_err(|error| Error::limit(format!("the thread's stack: {error}")))?;
    let (vm, here) = (record.vm(), stack::here());
    let (deadline, max_stack) = (record.deadline(), record.max_stack());
    // SAFETY: the store is borrowed, so that its record is alive and no code of it runs.
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
    // The stack limit, the watchdog and the way out of the outer call belong to the thread of that
    // call.
    if stack_low != low {
        return Err(Error::usage("a store whose code runs is used by another thread"));
    }
    let watch = match here <= stack_limit {
        true => Err(Error::exhaustion()),
        // SAFETY: the watch is dropped when the code has returned, before the borrow of the store
        // ends.
        false if saved.is_outermost() => unsafe { watch(vm, deadline) },
        // A nested call is watched with the outermost one.
        false => Ok(None),
    };
    // SAFETY: the store is still borrowed, and no code of it runs.
    let watch = watch.inspect_err(|_| unsafe { ((*vm).stack_limit, (*vm).stack_high) = saved.stack })?;
    let previous = current();
    // SAFETY: the store is still borrowed, and no code of it runs.
    let outer = unsafe {
        (*vm).host = Some(HostSlot::new(&mut *store));
        (*vm).caller = std::ptr::null_mut();
        // A store that calls itself keeps its place in the chain.
        let outer = if previous == vm { (*vm).outer } else { previous };
        std::mem::replace(&mut (*vm).outer, outer)
    };
    // SAFETY: the store is borrowed until the previous one is set again below, and `previous` was
    // set by an entry that has not returned.
    unsafe { set_current(vm) };
    // SAFETY: the trampoline is one of entries, whose slots suffice, for the type that the function
    // has; that its code is that type's is the rule on code. The function's code and context belong
    // together, and are alive with the store. `store` is lent to the code: Rust code that it calls
    // gets it by the record's `host`, and we do not use it until the call is over.
    let returned = unsafe {
        let call: EntryFn = std::mem::transmute::<usize, EntryFn>(entry.trampoline.address(0));
        call(vm, function.vmctx, (*function.code).get(), slots.as_mut_ptr())
    };
    // SAFETY: `previous` was the current store when we were called, and its code waits for us.
    unsafe { set_current(previous) };
    drop(watch);
    // SAFETY: the call is over, and with it every use of the borrow that it was lent.
    let (fault, thrown, pending, deepest) = unsafe {
        (*vm).outer = outer;
        saved.restore(vm);
        let thrown = std::mem::take(&mut (*vm).thrown);
        let pending = if returned == 0 { (*vm).pending.take() } else { None };
        (std::mem::take(&mut (*vm).fault), thrown, pending, std::mem::take(&mut (*vm).deepest))
    };
    if (low..here).contains(&deepest) {
        // What the call left on the stack would look like references to the next call's
        // collections.
        wipe_stack(deepest);
    }
    if returned != 0 {
        return Ok(());
    }
    let mut error = left(&*store, fault.code, thrown, pending);
    if error.kind() != ErrorKind::Interrupted {
        // SAFETY: the record is alive, and its trace is not written before code of the store runs
        // again.
        store.add_backtrace(&mut error, unsafe { &(*vm).trace });
    }
    Err(error)
}

/// What a nested entry overwrites in the record of its store.
struct Saved {
    entry: VmHandler,
    exit: VmExit,
    /// The limit of the stack, and the address above all frames.
    stack: (usize, usize),
    /// An outer call's code borrows the store by a slot of its own.
    host: Option<HostSlot>,
}

impl Saved {
    /// # Safety
    ///
    /// The record is alive, and no code of the store runs, but code may wait for us.
    unsafe fn of(vm: *mut VmStore) -> Saved {
        // SAFETY: by the condition above.
        unsafe {
            let stack = ((*vm).stack_limit, (*vm).stack_high);
            Saved { entry: (*vm).entry, exit: (*vm).exit, stack, host: (*vm).host }
        }
    }

    /// Whether no code of the store waits.
    fn is_outermost(&self) -> bool {
        self.entry.fp == 0
    }

    /// # Safety
    ///
    /// As for [`Saved::of`].
    unsafe fn restore(self, vm: *mut VmStore) {
        // SAFETY: by the condition above.
        unsafe {
            ((*vm).entry, (*vm).exit, (*vm).host) = (self.entry, self.exit, self.host);
            ((*vm).stack_limit, (*vm).stack_high) = self.stack;
        }
    }
}

/// Why compiled code was left.
fn left<H: Host + ?Sized>(store: &H, fault: u8, thrown: u64, pending: Option<Pending>) -> Error {
    if thrown != 0 {
        // Nothing has been allocated since it was thrown, so that it is still there.
        return store.uncaught(thrown);
    }
    match (pending, fault) {
        (Some(Pending::Panic(payload)), _) => resume_unwind(payload),
        (Some(Pending::Error(error)), _) => error,
        (None, STACK_OVERFLOW) => Error::exhaustion(),
        (None, INTERRUPTED) => Error::interrupted(),
        (None, code) => Trap::from_code(code)
            .map_or_else(|| Error::host("compiled code left without a reason"), Error::from),
    }
}

/// Runs something for the store while the watchdog watches the thread, if the store has a deadline.
///
/// # Errors
///
/// [`Interrupted`](ErrorKind::Interrupted) if the deadline has passed, [`Limit`](ErrorKind::Limit)
/// if there is no thread to watch it; what `run` fails with otherwise.
pub(crate) fn watched<H: Host + ?Sized, T>(
    store: &mut H,
    run: impl FnOnce(&mut H) -> Result<T>,
) -> Result<T> {
    let (vm, deadline) = (store.record().vm(), store.record().deadline());
    // SAFETY: the watch is dropped at the end of this function, on this thread, by when the store,
    // which is borrowed, is still alive.
    let _watch = unsafe { watch(vm, deadline) }?;
    run(store)
}

/// Has the watchdog watch the running thread, if there is a deadline.
///
/// # Safety
///
/// The record is alive, and what this gives is dropped on this thread, before the record.
unsafe fn watch(vm: *mut VmStore, deadline: Option<Deadline>) -> Result<Option<Watch>> {
    let Some(deadline) = deadline else { return Ok(None) };
    // Short calls would be over before the watchdog could interrupt any of them.
    if deadline.is_over() {
        // SAFETY: by the condition above; only an atomic field is borrowed.
        unsafe { (*vm).interrupted.store(true, std::sync::atomic::Ordering::Release) };
        return Err(Error::interrupted());
    }
    // SAFETY: by the condition above.
    let watch = unsafe { watchdog::watch(vm, deadline) };
    watch.map(Some).map_err(|error| Error::limit("no thread to watch the time").caused_by(error))
}

/// When the code that the thread runs is interrupted at the latest: the earliest deadline of the
/// store that runs and of those further out, whose code waits for it.
pub(crate) fn running_deadline() -> Option<Deadline> {
    let mut earliest: Option<Deadline> = None;
    let mut store = current();
    while !store.is_null() {
        // SAFETY: the current store and those of its chain are alive (see `current`), and this
        // thread alone writes the two fields.
        let (deadline, outer) = unsafe { ((*store).deadline, (*store).outer) };
        earliest = match (earliest, deadline) {
            (Some(one), Some(other)) if other.instant() < one.instant() => Some(other),
            (one, other) => one.or(other),
        };
        store = outer;
    }
    earliest
}

/// What a builtin returns to compiled code: in registers, a value and whether to leave by
/// [`raise`].
#[repr(C)]
struct BuiltinReturn {
    value: u64,
    failed: u64,
}

/// Called by the builtin stub: runs the builtin of that number for the instance of that context.
///
/// # Safety
///
/// The context is that of an instance whose code runs, of a store of type `H`.
unsafe extern "C" fn builtin_call<H: Host + ?Sized>(
    context: *mut c_void,
    number: usize,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
) -> BuiltinReturn {
    // SAFETY: by the condition above the context is alive, and `enter` has lent its store to the
    // code.
    let (vm, store, instance) = unsafe {
        let vm = (*context.cast::<VmCtxHeader>()).store;
        (vm, running::<H>(vm), instance_of(context))
    };
    let Some(instance) = instance else { unreachable!("compiled code has a context") };
    // SAFETY: `store` is the only borrow of the store that runs.
    let result = unsafe { in_time(vm, store, |store| store.builtin(number, instance, [a, b, c, d, e])) };
    match result {
        Some(value) => BuiltinReturn { value, failed: 0 },
        None => BuiltinReturn { value: 0, failed: 1 },
    }
}

/// Called by the stub of thunks: has the function at a position compiled, for the instance of that
/// context. Gives the address of its code; 0 asks the stub for [`raise`].
///
/// # Safety
///
/// The context is that of an instance whose code runs, of a store of type `H`.
unsafe extern "C" fn compile_call<H: Host + ?Sized>(context: *mut c_void, position: usize) -> usize {
    // SAFETY: by the condition above the context is alive, and `enter` has lent its store to the
    // code.
    let (vm, store, instance) = unsafe {
        let vm = (*context.cast::<VmCtxHeader>()).store;
        (vm, running::<H>(vm), instance_of(context))
    };
    let Some(instance) = instance else { unreachable!("compiled code has a context") };
    // SAFETY: `store` is the only borrow of the store that runs.
    unsafe { in_time(vm, store, |store| store.compile(instance, position)) }.unwrap_or(0)
}

/// Called by host trampolines: runs the host function of that context on its arguments. 0 asks the
/// trampoline for [`raise`].
///
/// # Safety
///
/// The context is that of a host function of a store of type `H` whose code runs, and the slots are
/// as many as the function says.
unsafe extern "C" fn host_call<H: Host + ?Sized>(context: *mut VmHostCtx, slots: *mut VmVal) -> u8 {
    // SAFETY: by the condition above the context and its function are alive, and `enter` has lent
    // the store to the code. Both sources of `caller` hold null or the context of an instance of
    // the store, which lives as long as the store.
    let (vm, store, host, caller, slots) = unsafe {
        let vm = (*context).store;
        let host = &*(*context).host.cast::<HostFunc<H>>();
        let importer = (*context).caller;
        let caller = if importer.is_null() { (*vm).caller } else { importer };
        let slots = std::slice::from_raw_parts_mut(slots, host.slots);
        (vm, running::<H>(vm), host, instance_of(caller), slots)
    };
    // SAFETY: `store` is the only borrow of the store that runs.
    let result = unsafe { in_time(vm, store, |store| (host.closure)(store, caller, slots)) };
    u8::from(result.is_some())
}

/// As [`guarded`]. If the time of the store is over when the code has run, that is the error,
/// unless there is another one that compiled code cannot catch: code that calls the host all the
/// time is hardly ever found in its own instructions.
///
/// # Safety
///
/// As for [`guarded`].
#[inline]
unsafe fn in_time<H: Host + ?Sized, T>(
    vm: *mut VmStore,
    store: &mut H,
    run: impl FnOnce(&mut H) -> Result<T>,
) -> Option<T> {
    let run = |store: &mut H| {
        let result = run(store);
        match store.record().alarm().check() {
            Err(over) if !result.as_ref().is_err_and(|error| error.kind() != ErrorKind::Exception) => {
                Err(over)
            }
            _ => result,
        }
    };
    // SAFETY: by the condition above.
    unsafe { guarded(vm, store, run) }
}

/// Runs host code. An error or a panic is kept in the record for [`enter`] to return or resume.
///
/// # Safety
///
/// `vm` is what the record of the store owns, whose code runs and waits for this.
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
    // SAFETY: by the condition above the record is alive, and its code does not go on before we
    // return.
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
