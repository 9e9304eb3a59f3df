//! Tests of waiting, waking and deadlines (threads proposal, "Wait and notify operators").

use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{ErrorKind, Extern, Func, FuncType, Linker, Module, SharedMemory, Store, Val};

use crate::{Agent, ONE_THING, engines, shared_type};

#[test]
fn a_wait_times_out_or_does_not_begin() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        shared.write(8, &[1, 0, 0, 0, 0, 0, 0, 0x80]).unwrap();
        let mut agent = Agent::new(&engine, &shared, ONE_THING);
        let begun = Instant::now();
        let nanos = Val::I64(30_000_000);
        assert_eq!(agent.call("wait32", &[Val::I32(8), Val::I32(1), nanos.clone()]).unwrap(), [Val::I32(2)]);
        assert!(begun.elapsed() >= Duration::from_millis(30));
        let value = Val::I64(i64::MIN + 1);
        assert_eq!(agent.call("wait64", &[Val::I32(8), value, nanos]).unwrap(), [Val::I32(2)]);
        assert!(begun.elapsed() >= Duration::from_millis(60));
        for forever in [-1, i64::MIN, i64::MAX] {
            let unequal = [Val::I32(8), Val::I32(2), Val::I64(forever)];
            assert_eq!(agent.call("wait32", &unequal).unwrap(), [Val::I32(1)]);
            // Only the high half differs.
            let unequal = [Val::I32(8), Val::I64(1), Val::I64(forever)];
            assert_eq!(agent.call("wait64", &unequal).unwrap(), [Val::I32(1)]);
        }
        assert_eq!(agent.call32("notify", &[8, -1]), 0, "no thread is waiting any more");
    }
}

#[test]
fn notify_wakes_at_most_the_given_number_of_threads() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..5)
                .map(|number| {
                    let mut agent = Agent::new(&engine, &shared, ONE_THING);
                    // Waits of both widths at an address share a queue.
                    let (name, zero) =
                        if number % 2 == 0 { ("wait32", Val::I32(0)) } else { ("wait64", Val::I64(0)) };
                    scope.spawn(move || agent.call(name, &[Val::I32(16), zero, Val::I64(-1)]).unwrap())
                })
                .collect();
            let mut agent = Agent::new(&engine, &shared, ONE_THING);
            let mut woken = 0;
            while woken < 5 {
                assert_eq!(agent.call32("notify", &[8, -1]), 0, "no thread is waiting at another address");
                assert_eq!(agent.call32("notify", &[16, 0]), 0);
                let now = agent.call32("notify", &[16, 2]);
                assert!(now <= 2);
                woken += now;
            }
            assert_eq!(agent.call32("notify", &[16, -1]), 0);
            for thread in waiting {
                assert_eq!(thread.join().unwrap(), [Val::I32(0)]);
            }
        });
    }
}

#[test]
fn a_deadline_interrupts_a_wait() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        let forever = [Val::I32(0), Val::I32(0), Val::I64(-1)];
        let mut agent = Agent::new(&engine, &shared, ONE_THING);
        let begun = Instant::now();
        agent.store.set_deadline(Some(begun + Duration::from_millis(50)));
        assert_eq!(agent.call("wait32", &forever).unwrap_err().kind(), ErrorKind::Interrupted);
        assert!(begun.elapsed() >= Duration::from_millis(50) && begun.elapsed() < Duration::from_secs(10));
        agent.store.set_deadline(None);
        assert_eq!(
            agent.call("size", &[]).unwrap_err().kind(),
            ErrorKind::Interrupted,
            "no code runs afterwards"
        );
        let mut other = Agent::new(&engine, &shared, ONE_THING);
        assert_eq!(other.call32("notify", &[0, -1]), 0, "the waiter was removed from the queue");
        // A wait that times out before the deadline is not interrupted.
        other.store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        assert_eq!(other.call("wait32", &[Val::I32(0), Val::I32(0), Val::I64(1)]).unwrap(), [Val::I32(2)]);
    }
}

#[test]
fn the_deadline_of_an_outer_store_interrupts_a_wait() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        let mut inner = Agent::new(&engine, &shared, ONE_THING);
        inner.store.set_deadline(None);
        let mut outer = Store::new(&engine);
        let inner = std::sync::Mutex::new(inner);
        let wait = Func::alloc(&mut outer, FuncType::new([], []), move |_, _, _| {
            let mut inner = inner.lock().unwrap();
            let ended = inner.call("wait32", &[Val::I32(0), Val::I32(0), Val::I64(-1)]);
            assert_eq!(ended.unwrap_err().kind(), ErrorKind::Interrupted);
            Ok(())
        });
        outer.set_deadline(Some(Instant::now() + Duration::from_millis(50)));
        let mut linker = Linker::new();
        linker.define("h", "wait", Extern::Func(wait.unwrap()));
        let text =
            r#"(module (import "h" "wait" (func $wait)) (func (export "f") (call $wait) (loop (br 0))))"#;
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let instance = linker.instantiate(&mut outer, &module).unwrap();
        let Some(Extern::Func(func)) = instance.export(&outer, "f") else { panic!("a function") };
        assert_eq!(func.invoke(&mut outer, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    }
}
