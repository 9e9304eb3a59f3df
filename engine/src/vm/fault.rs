//! Whether a fault is the trap that the instruction is there for, or a defect of the engine.
//!
//! Code leaves some checks to the processor: a division faults by itself, nothing is mapped at
//! null, memories end in guard pages. Any other fault, also of such an instruction, means that the
//! code or what it reads is wrong. It is not reported as a trap, because a test that expects one
//! would pass.

use super::cause::Cause;
use super::code::lookup as code;
use super::layout::{NULL_PAGE, VmStore};
use crate::trap::Trap;

/// The trap code of a fault with that cause at `pc`; `None` where it is not a trap.
/// Async-signal-safe: takes no lock and allocates nothing.
///
/// # Safety
///
/// The store is the one whose code the thread runs, and the fault interrupted the instruction at
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

/// Whether an instruction with that trap code accesses such an address where it traps.
///
/// # Safety
///
/// As for [`trap_of`]; the instruction is one of compiled code.
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

        /// Has code take another address for the start of the memory.
        fn move_memory(&mut self, base: usize) {
            // SAFETY: the context is alive with the store, and no code runs that reads it.
            unsafe { (*self.memory()).base = base as *mut u8 };
        }

        /// The memory as the context of the instance refers to it.
        fn memory(&self) -> *mut VmMemoryRef {
            self.store.vm.context(0).wrapping_add(self.memory_offset()).cast()
        }

        fn memory_offset(&self) -> usize {
            self.instance.module(&self.store).layout().memory(0) as usize
        }
    }

    /// What code that is not right does at an instruction that may trap.
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
                // SAFETY: the context is alive with the store, and no code runs that writes it.
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
    fn a_wild_access_ends_the_process() {
        if let Some(case) = case() {
            return go_wrong(&case);
        }
        for case in ["elsewhere", "null", "no address", "inside", "function", "object"] {
            let (signal, told) = in_child("vm::fault::tests::a_wild_access_ends_the_process", case);
            assert_eq!(signal, Some(libc::SIGSEGV), "{case}: {told}");
            assert!(told.contains("wassay: defect of the engine: SIGSEGV at 0x"), "{case}: {told}");
            assert!(told.contains("in wasm function "), "{case}: {told}");
            assert_eq!(told.contains("by an access to 0x"), case != "no address", "{case}: {told}");
        }
    }

    #[test]
    fn the_faults_that_instructions_are_there_for_are_traps() {
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

    /// Sends itself a signal while wasm code runs, or none does.
    #[expect(clippy::disallowed_macros, reason = "the test reads what it prints")]
    fn be_sent(case: &str) {
        let (place, signal) = case.split_once(' ').unwrap();
        let signal: i32 = signal.parse().unwrap();
        let mut guest = Guest::new();
        // SAFETY: has no preconditions.
        let thread = unsafe { libc::pthread_self() };
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            // SAFETY: the thread waits for us, or for its deadline, which is far off.
            unsafe { libc::pthread_kill(thread, signal) };
        });
        let end = Instant::now() + Duration::from_secs(20);
        if place == "wasm" {
            guest.store.set_deadline(Some(end));
            println!("{:?}", guest.call("loop", &[]));
        } else {
            while Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    const SENT: &str = "vm::fault::tests::a_signal_that_was_sent_ends_the_process_the_first_time";

    #[test]
    fn a_signal_that_was_sent_ends_the_process_the_first_time() {
        if let Some(case) = case() {
            return be_sent(&case);
        }
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
            for place in ["wasm", "host"] {
                let case = format!("{place} {signal}");
                let (ended, told) = in_child(SENT, &case);
                assert_eq!(ended, Some(signal), "{case}: {told}");
                assert!(!told.contains("defect"), "{case}: {told}");
            }
        }
    }
}
