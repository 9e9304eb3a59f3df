//! Distinguishes faults that are traps from faults that are engine bugs.
//!
//! Compiled code leaves some checks to the processor: divisions fault by themselves, nothing is
//! mapped at null, and memories end in guard pages. Any other fault, even at such an instruction,
//! means that the code or its data is wrong. It is not reported as a trap, because a test that
//! expects a trap would pass.

use super::cause::Cause;
use super::code::lookup as code;
use super::layout::{NULL_PAGE, VmStore};
use crate::trap::Trap;

/// The trap code of a fault with this cause at `pc`; `None` if the fault is not a trap.
/// Async-signal-safe: does not lock or allocate.
///
/// # Safety
///
/// The store is the one whose code runs on the thread, and the fault interrupted the instruction at
/// `pc`.
pub(super) unsafe fn trap_of(store: *mut VmStore, pc: usize, cause: Cause) -> Option<u8> {
    // SAFETY: by the condition above the thread runs the code at `pc`, if there is any.
    let code = unsafe { code::trap_at(pc) }?;
    let expected = match cause {
        // SAFETY: by the condition above the thread runs the code at `pc`.
        Cause::Protection => unsafe { code::is_trap_instruction(pc) },
        Cause::Division => {
            matches!(Trap::from_code(code), Some(Trap::IntegerDivideByZero | Trap::IntegerOverflow))
        }
        // SAFETY: by the condition above, and `trap_at` has found the instruction to be one of
        // compiled code.
        Cause::Access(address) => unsafe { may_access(store, code, address) },
        Cause::InvalidInstruction | Cause::Other => false,
    };
    expected.then_some(code)
}

/// Whether an instruction with this trap code accesses this address when it traps.
///
/// # Safety
///
/// The conditions of [`trap_of`] must hold; the instruction belongs to compiled code.
unsafe fn may_access(store: *mut VmStore, code: u8, address: usize) -> bool {
    match Trap::from_code(code) {
        Some(Trap::MemoryOutOfBounds) => {
            // SAFETY: by the condition above compiled code of the store was interrupted, which
            // `enter` has lent the store in `host`; `guards` is for the type of that store.
            unsafe { (*store).host.is_some_and(|host| ((*store).guards)(host, address)) }
        }
        Some(
            Trap::NullReference
            | Trap::NullStructureReference
            | Trap::NullArrayReference
            | Trap::NullContinuationReference
            | Trap::UninitializedElement,
        ) => address < NULL_PAGE as usize,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::vm::child::{case, in_child};
    use crate::vm::layout::VmMemoryRef;
    use crate::vm::sys::mmap::{Mapping, PAGE};
    use crate::{Config, Engine, Extern, Features, Func, Linker, Module, Store, Val};

    const TEXT: &str = r#"(module
        (type $s (struct (field i32)))
        (memory 1) (table $f 1 funcref) (table $s 1 (ref null $s))
        (func $loop (export "loop") (loop (drop (i32.load (i32.const 0))) (br 0)))
        (func $read (export "read") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "call") (call_indirect $f (i32.const 0)))
        (func (export "field") (result i32) (struct.get $s 0 (table.get $s (i32.const 0))))
        (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))"#;

    struct Guest {
        store: Store,
        instance: crate::Instance,
    }

    impl Guest {
        fn new() -> Guest {
            let config = Config::new().features(Features::V3);
            let mut store = Store::new(&Engine::new(&config).unwrap());
            let module = Module::new(store.engine(), &wat::parse_str(TEXT).unwrap()).unwrap();
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            Guest { store, instance }
        }

        fn call(&mut self, name: &str, args: &[i32]) -> crate::Result<Vec<Val>> {
            let Some(Extern::Func(func)) = self.instance.export(&self.store, name) else {
                panic!("`{name}` is exported")
            };
            let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg)).collect();
            Func::invoke(func, &mut self.store, &args)
        }

        /// Changes the base of the memory that code uses.
        fn move_memory(&mut self, base: usize) {
            // SAFETY: the context is alive as long as the store, and no code that reads it is
            // running.
            unsafe { (*self.memory()).base = base as *mut u8 };
        }

        /// The memory reference in the context of the instance.
        fn memory(&self) -> *mut VmMemoryRef {
            self.store.vm.context(0).wrapping_add(self.memory_offset()).cast()
        }

        fn memory_offset(&self) -> usize {
            self.instance.module(&self.store).layout().memory(0) as usize
        }
    }

    /// Simulates wrong code at an instruction that can trap.
    #[expect(clippy::disallowed_macros, reason = "the test reads what it prints")]
    fn go_wrong(case: &str) {
        let mut guest = Guest::new();
        let closed = Mapping::reserve(1 << 20).unwrap();
        let wild = closed.base() as usize;
        let result = match case {
            "elsewhere" => {
                guest.move_memory(wild);
                guest.call("read", &[0])
            }
            "null" => {
                guest.move_memory(0);
                guest.call("read", &[8])
            }
            "no address" => {
                guest.move_memory(1 << 63);
                guest.call("read", &[0])
            }
            "inside" => {
                // SAFETY: the context is alive as long as the store, and no code that writes it is
                // running.
                let memory = unsafe { (*guest.memory()).base };
                // SAFETY: a page of the memory, which no Rust code accesses before the process
                // ends.
                assert_eq!(unsafe { libc::mprotect(memory.cast(), PAGE, libc::PROT_NONE) }, 0);
                guest.call("read", &[8])
            }
            "function" => {
                guest.store.tables[0].elements.words_mut()[0] = wild as u64;
                guest.call("call", &[])
            }
            "object" => {
                guest.store.tables[1].elements.words_mut()[0] = wild as u64;
                guest.call("field", &[])
            }
            other => panic!("no case {other}"),
        };
        println!("{result:?}");
    }

    #[test]
    fn an_unexpected_fault_ends_the_process() {
        if let Some(case) = case() {
            return go_wrong(&case);
        }
        for case in ["elsewhere", "null", "no address", "inside", "function", "object"] {
            let (signal, stderr) = in_child("vm::fault::tests::an_unexpected_fault_ends_the_process", case);
            assert_eq!(signal, Some(libc::SIGSEGV), "{case}: {stderr}");
            assert!(stderr.contains("wassay: engine bug: SIGSEGV at 0x"), "{case}: {stderr}");
            assert!(stderr.contains("in wasm function "), "{case}: {stderr}");
            assert_eq!(stderr.contains("accessing address 0x"), case != "no address", "{case}: {stderr}");
        }
    }

    #[test]
    fn expected_faults_are_traps() {
        let mut guest = Guest::new();
        for address in [1 << 16, (1 << 16) - 3, -1, i32::MIN] {
            let kind = guest.call("read", &[address]).unwrap_err().kind();
            assert_eq!(kind, crate::ErrorKind::Trap(Trap::MemoryOutOfBounds), "{address}");
        }
        for (name, args, trap) in [
            ("call", &[][..], Trap::UninitializedElement),
            ("field", &[], Trap::NullStructureReference),
            ("divide", &[0], Trap::IntegerDivideByZero),
        ] {
            assert_eq!(guest.call(name, args).unwrap_err().kind(), crate::ErrorKind::Trap(trap), "{name}");
        }
    }

    /// Sends itself a signal while wasm code runs, or while none runs.
    #[expect(clippy::disallowed_macros, reason = "the test reads what it prints")]
    fn be_sent(case: &str) {
        let (context, signal) = case.split_once(' ').unwrap();
        let signal: i32 = signal.parse().unwrap();
        let mut guest = Guest::new();
        // SAFETY: has no preconditions.
        let thread = unsafe { libc::pthread_self() };
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            // SAFETY: the thread waits for this one, or for its deadline, which is far in the
            // future.
            unsafe { libc::pthread_kill(thread, signal) };
        });
        let end = Instant::now() + Duration::from_secs(20);
        if context == "wasm" {
            guest.store.set_deadline(Some(end));
            println!("{:?}", guest.call("loop", &[]));
        } else {
            while Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    const SENT: &str = "vm::fault::tests::a_signal_that_a_process_sends_ends_the_process";

    #[test]
    fn a_signal_that_a_process_sends_ends_the_process() {
        if let Some(case) = case() {
            return be_sent(&case);
        }
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
            for context in ["wasm", "host"] {
                let case = format!("{context} {signal}");
                let (ended, stderr) = in_child(SENT, &case);
                assert_eq!(ended, Some(signal), "{case}: {stderr}");
                assert!(!stderr.contains("engine bug"), "{case}: {stderr}");
            }
        }
    }
}
