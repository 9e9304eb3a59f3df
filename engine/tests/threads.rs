//! Shared memories on real threads, each with a store of its own (threads proposal).

#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{
    Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Instance, Linker, Memory, MemoryType, Module,
    SharedMemory, Store, StoreLimits, Trap, Val,
};

/// With memories that fault past their end, and with memories whose accesses are checked.
fn engines() -> [Engine; 2] {
    [true, false].map(|guard_pages| Engine::new(&Config::new().guard_pages(guard_pages)).unwrap())
}

fn shared_type(min: u64, max: u64) -> MemoryType {
    MemoryType { shared: true, ..MemoryType::new(min, Some(max)) }
}

/// What one thread works with: an instance of a module that imports the memory `h.m`, in a store of its own.
struct Agent {
    store: Store,
    instance: Instance,
}

impl Agent {
    fn new(engine: &Engine, shared: &SharedMemory, text: &str) -> Agent {
        let mut store = Store::new(engine);
        // What hangs fails.
        store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        let memory = Memory::from_shared(&mut store, shared);
        let mut linker = Linker::new();
        linker.define("h", "m", Extern::Memory(memory));
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Agent { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        let Some(Extern::Func(func)) = self.instance.export(&self.store, name) else {
            panic!("`{name}` is exported")
        };
        func.invoke(&mut self.store, args)
    }

    /// Calls a function of `i32`s with one result.
    fn call32(&mut self, name: &str, args: &[i32]) -> i32 {
        let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg)).collect();
        match self.call(name, &args).unwrap()[..] {
            [Val::I32(result)] => result,
            ref other => panic!("`{name}` gives {other:?}"),
        }
    }
}

/// Runs `threads` agents at the same time, each by a function that gets its number.
fn run_agents<T: Send>(
    (engine, shared, text): (&Engine, &SharedMemory, &str),
    threads: i32,
    run: impl Fn(Agent, i32) -> T + Sync,
) -> Vec<T> {
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || run(Agent::new(engine, shared, text), number)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn read32(shared: &SharedMemory, address: u64) -> u32 {
    let mut bytes = [0; 4];
    shared.read(address, &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

#[test]
fn no_addition_is_lost_in_any_width() {
    let text = r#"(module (memory (import "h" "m") 1 1 shared)
        (func (export "count") (param $n i32)
          (loop $again
            (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const -1)))
            (drop (i32.atomic.rmw8.add_u (i32.const 16) (i32.const 1)))
            (drop (i64.atomic.rmw16.add_u (i32.const 18) (i64.const 1)))
            (drop (i64.atomic.rmw32.xor_u (i32.const 20) (i64.const 1)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        run_agents((&engine, &shared, text), 4, |mut agent, _| {
            agent.call("count", &[Val::I32(250_001)]).unwrap();
        });
        let total = 4 * 250_001;
        assert_eq!(read32(&shared, 0), total);
        assert_eq!((read32(&shared, 8), read32(&shared, 12)), (total, 0));
        assert_eq!(read32(&shared, 16), (total & 0xff) | ((total & 0xffff) << 16));
        assert_eq!(read32(&shared, 20), 0);
    }
}

#[test]
fn a_lock_of_compare_and_exchange_wait_and_notify_excludes() {
    // 0 is free, 1 is taken, 2 is taken and others may wait.
    let text = r#"(module (memory (import "h" "m") 1 1 shared)
        (func $take (local $old i32)
          (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))) (then (return)))
          (loop $again
            (if (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2)) (then
              (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
              (br $again)))))
        (func $free
          (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
            (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
        (func (export "count") (param $n i32)
          (loop $again
            (call $take)
            (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
            (i64.store (i32.const 128) (i64.add (i64.load (i32.const 128)) (i64.const 3)))
            (call $free)
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        run_agents((&engine, &shared, text), 3, |mut agent, _| {
            agent.call("count", &[Val::I32(20_000)]).unwrap();
        });
        assert_eq!((read32(&shared, 64), read32(&shared, 128)), (60_000, 180_000));
    }
}

/// Comes back when as many calls were made, on any thread, as it says: first by looking, then by waiting.
const MEET: &str = "(func $meet (param $calls i32) (local $seen i32) (local $looks i32)
    (if (i32.eq (i32.add (i32.atomic.rmw.add (i32.const 0) (i32.const 1)) (i32.const 1)) (local.get $calls))
      (then (drop (memory.atomic.notify (i32.const 0) (i32.const -1))) (return)))
    (loop $again
      (local.set $seen (i32.atomic.load (i32.const 0)))
      (if (i32.lt_u (local.get $seen) (local.get $calls)) (then
        (local.set $looks (i32.add (local.get $looks) (i32.const 1)))
        (if (i32.gt_u (local.get $looks) (i32.const 20000))
          (then (drop (memory.atomic.wait32 (i32.const 0) (local.get $seen) (i64.const -1)))))
        (br $again)))))";

/// Two threads write one cell each and read the other's, `round` by round, which they begin together: 200,000 rounds, or fewer where
/// the machine has other things to do. Gives how often the two read (0, 0), (0, 1), (1, 0) and (1, 1).
fn litmus(engine: &Engine, round: &str) -> [usize; 4] {
    const ROUNDS: usize = 1000;
    // From 4096 what was read, a byte for each round and thread; from 65536 the cells, 64 bytes apart.
    let text = format!(
        r#"(module (memory (import "h" "m") 1 3 shared) {MEET}
        (func $round (param $mine i32) (param $other i32) (result i32) {round})
        (func (export "clear") (memory.fill (i32.const 0) (i32.const 0) (i32.const 196608)))
        (func (export "run") (param $thread i32) (local $i i32) (local $cell i32)
          (loop $again
            (local.set $cell (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 128))))
            (call $meet (i32.mul (i32.add (local.get $i) (i32.const 1)) (i32.const 2)))
            (i32.store8 offset=4096
              (i32.add (i32.mul (local.get $i) (i32.const 2)) (local.get $thread))
              (call $round
                (i32.add (local.get $cell) (i32.mul (local.get $thread) (i32.const 64)))
                (i32.add (local.get $cell) (i32.mul (i32.eqz (local.get $thread)) (i32.const 64)))))
            (br_if $again
              (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {ROUNDS}))))))"#
    );
    let shared = SharedMemory::new(engine, shared_type(3, 3)).unwrap();
    let mut agents = [(); 2].map(|()| Agent::new(engine, &shared, &text));
    let (begun, mut counts) = (Instant::now(), [0; 4]);
    for turn in 0..200 {
        if turn > 0 && begun.elapsed() > Duration::from_secs(1) {
            break;
        }
        agents[0].call("clear", &[]).unwrap();
        thread::scope(|scope| {
            for (number, agent) in (0..).zip(&mut agents) {
                scope.spawn(move || agent.call("run", &[Val::I32(number)]).unwrap());
            }
        });
        let mut read = [0; 2 * ROUNDS];
        shared.read(4096, &mut read).unwrap();
        for [first, second] in read.as_chunks().0 {
            counts[usize::from(first * 2 + second)] += 1;
        }
    }
    println!("{round}: 00 01 10 11 = {counts:?}");
    counts
}

#[test]
fn no_atomic_store_is_delayed_past_a_load() {
    for (store, load) in [
        ("i32.atomic.store (local.get $mine) (i32.const 1)", "i32.atomic.load (local.get $other)"),
        ("i32.atomic.store8 (local.get $mine) (i32.const 1)", "i32.atomic.load8_u (local.get $other)"),
        (
            "i64.atomic.store (local.get $mine) (i64.const 1)",
            "i32.wrap_i64 (i64.atomic.load (local.get $other))",
        ),
        ("i32.store (local.get $mine) (i32.const 1)) (atomic.fence", "i32.load (local.get $other)"),
    ] {
        for engine in engines() {
            let counts = litmus(&engine, &format!("({store}) ({load})"));
            assert_eq!(counts[0], 0, "{store}: a store was delayed past a load: {counts:?}");
        }
    }
}

#[test]
fn no_store_is_seen_before_it_is_made() {
    // Load buffering: neither thread writes before it has read, so that one of the two reads 0.
    let round = "(i32.atomic.load (local.get $other)) (i32.atomic.store (local.get $mine) (i32.const 1))";
    for engine in engines() {
        let counts = litmus(&engine, round);
        assert_eq!(counts[3], 0, "both saw what the other was still to write: {counts:?}");
    }
}

#[test]
fn a_message_is_there_when_its_flag_is_seen() {
    let text = |store: &str, load: &str| {
        format!(
            r#"(module (memory (import "h" "m") 1 1 shared) {MEET}
        (func (export "send") (param $last i32) (local $i i32)
          (call $meet (i32.const 2))
          (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            ({store} (i32.const 64) (local.get $i))
            (i32.atomic.store (i32.const 128) (local.get $i))
            (br_if $again (i32.lt_u (local.get $i) (local.get $last)))))
        (func (export "receive") (param $last i32) (result i32 i32)
          (local $flag i32) (local $before i32) (local $seen i32) (local $wrong i32)
          (call $meet (i32.const 2))
          (loop $again
            (local.set $before (local.get $flag))
            (local.set $flag (i32.atomic.load (i32.const 128)))
            (if (i32.lt_u ({load} (i32.const 64)) (local.get $flag))
              (then (local.set $wrong (i32.add (local.get $wrong) (i32.const 1)))))
            (if (i32.lt_u (local.get $flag) (local.get $before))
              (then (local.set $wrong (i32.add (local.get $wrong) (i32.const 1)))))
            (local.set $seen
              (i32.add (local.get $seen) (i32.ne (local.get $flag) (local.get $before))))
            (br_if $again (i32.lt_u (local.get $flag) (local.get $last))))
          (local.get $wrong) (local.get $seen)))"#
        )
    };
    for engine in engines() {
        for (store, load) in [("i32.store", "i32.load"), ("i32.atomic.store", "i32.atomic.load")] {
            let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
            let last = [Val::I32(300_000)];
            let results = run_agents((&engine, &shared, &text(store, load)), 2, |mut agent, number| {
                agent.call(if number == 0 { "send" } else { "receive" }, &last).unwrap()
            });
            println!("{store}: messages seen: {:?}", results[1][1]);
            assert_eq!(results[1][0], Val::I32(0), "{store}: a flag overtook its message");
        }
    }
}

const WAITING: &str = r#"(module (memory (import "h" "m") 1 4 shared)
    (func (export "wait32") (param i32 i32 i64) (result i32)
      (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
      (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32 i32) (result i32)
      (memory.atomic.notify (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "run-until-grown") (param i32)
      (loop $again (br_if $again (i32.eq (memory.size) (local.get 0)))) (i32.store8 (i32.const 65536) (i32.const 7)))
    (func (export "load-until-grown") (param i32) (result i32)
      (loop $again (br_if $again (i32.eqz (i32.atomic.load (i32.const 0))))) (i32.load8_u (i32.const 65536))))"#;

#[test]
fn a_wait_ends_with_its_time_or_does_not_begin() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        shared.write(8, &[1, 0, 0, 0, 0, 0, 0, 0x80]).unwrap();
        let mut agent = Agent::new(&engine, &shared, WAITING);
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
        assert_eq!(agent.call32("notify", &[8, -1]), 0, "nobody waits any more");
    }
}

#[test]
fn notify_wakes_as_many_as_it_says() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..5)
                .map(|number| {
                    let mut agent = Agent::new(&engine, &shared, WAITING);
                    // Waits of both widths at an address stand in one queue.
                    let (name, zero) =
                        if number % 2 == 0 { ("wait32", Val::I32(0)) } else { ("wait64", Val::I64(0)) };
                    scope.spawn(move || agent.call(name, &[Val::I32(16), zero, Val::I64(-1)]).unwrap())
                })
                .collect();
            let mut agent = Agent::new(&engine, &shared, WAITING);
            let mut woken = 0;
            while woken < 5 {
                assert_eq!(agent.call32("notify", &[8, -1]), 0, "nobody waits at another address");
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
fn what_one_thread_grows_others_see() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 4)).unwrap();
        thread::scope(|scope| {
            let mut running = Agent::new(&engine, &shared, WAITING);
            let mut loading = Agent::new(&engine, &shared, WAITING);
            let running = scope.spawn(move || running.call("run-until-grown", &[Val::I32(1)]).unwrap());
            let loading = scope.spawn(move || loading.call32("load-until-grown", &[0]));
            let mut agent = Agent::new(&engine, &shared, WAITING);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(agent.call32("grow", &[2]), 1);
            running.join().unwrap();
            shared.write(0, &[1]).unwrap();
            assert_eq!(loading.join().unwrap(), 7);
            assert_eq!((agent.call32("grow", &[2]), agent.call32("size", &[])), (-1, 3));
            assert_eq!(shared.grow(1).unwrap(), 3);
            assert_eq!(agent.call32("size", &[]), 4);
            assert_eq!(shared.grow(1).unwrap_err().kind(), ErrorKind::Limit);
        });
        assert_eq!((shared.size(), shared.ty().limits.min), (4, 4));
    }
}

#[test]
fn threads_that_grow_at_once_each_get_their_pages() {
    let text = r#"(module (memory (import "h" "m") 0 400 shared)
        (func (export "grow") (param $n i32) (local $page i32)
          (loop $again
            (local.set $page (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
            (drop (i32.atomic.rmw.add (local.get $page) (i32.const 1)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(0, 400)).unwrap();
        run_agents((&engine, &shared, text), 4, |mut agent, _| {
            agent.call("grow", &[Val::I32(100)]).unwrap();
        });
        assert_eq!(shared.size(), 400);
        assert!((0..400).all(|page| read32(&shared, page << 16) == 1));
    }
}

#[test]
fn a_shared_memory_outlives_the_store_that_made_it() {
    for engine in engines() {
        let shared = {
            let mut store = Store::new(&engine);
            let text = r#"(module (memory (export "m") 1 2 shared) (data (i32.const 3) "abc"))"#;
            let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            let Some(Extern::Memory(memory)) = instance.export(&store, "m") else { panic!("a memory") };
            let shared = memory.shared(&store).unwrap();
            assert_eq!(Memory::from_shared(&mut store, &shared), memory, "the store knows it already");
            shared
        };
        let mut agent = Agent::new(&engine, &shared, WAITING);
        assert_eq!(agent.call32("size", &[]), 1);
        let mut bytes = [0; 4];
        shared.read(2, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0abc");
    }
}

#[test]
fn a_deadline_ends_a_wait() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        let forever = [Val::I32(0), Val::I32(0), Val::I64(-1)];
        let mut agent = Agent::new(&engine, &shared, WAITING);
        let begun = Instant::now();
        agent.store.set_deadline(Some(begun + Duration::from_millis(50)));
        assert_eq!(agent.call("wait32", &forever).unwrap_err().kind(), ErrorKind::Interrupted);
        assert!(begun.elapsed() >= Duration::from_millis(50) && begun.elapsed() < Duration::from_secs(10));
        agent.store.set_deadline(None);
        assert_eq!(
            agent.call("size", &[]).unwrap_err().kind(),
            ErrorKind::Interrupted,
            "none runs afterwards"
        );
        let mut other = Agent::new(&engine, &shared, WAITING);
        assert_eq!(other.call32("notify", &[0, -1]), 0, "it has left the queue");
        // A wait whose own time is over before the deadline is no reason to end.
        other.store.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
        assert_eq!(other.call("wait32", &[Val::I32(0), Val::I32(0), Val::I64(1)]).unwrap(), [Val::I32(2)]);
    }
}

#[test]
fn the_deadline_of_a_store_further_out_ends_a_wait() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        let mut inner = Agent::new(&engine, &shared, WAITING);
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

#[test]
fn bulk_instructions_may_race_with_stores() {
    // Every byte that anybody writes is 0, 1 or 2.
    let text = r#"(module (memory (import "h" "m") 1 3 shared) (data $twos "\02\02\02\02\02\02\02\02\02")
        (func (export "run") (param $thread i32) (param $n i32) (local $at i32)
          (loop $again
            (local.set $at (i32.and (i32.mul (local.get $n) (i32.const 7919)) (i32.const 0x7fff)))
            (if (i32.eq (local.get $thread) (i32.const 0))
              (then (memory.fill (local.get $at) (i32.and (local.get $n) (i32.const 1)) (i32.const 5000))))
            (if (i32.eq (local.get $thread) (i32.const 1))
              (then (memory.copy (local.get $at) (i32.const 700) (i32.const 20000))))
            (if (i32.eq (local.get $thread) (i32.const 2)) (then
              (memory.init $twos (local.get $at) (i32.const 0) (i32.const 9))
              (i64.store offset=11 (local.get $at) (i64.const 0x0102010201020102))
              (v128.store offset=3 (local.get $at) (v128.const i32x4 0x01010101 0 0x02020202 0))
              (drop (memory.grow (i32.const 1)))))
            (if (i32.eq (local.get $thread) (i32.const 3)) (then
              (memory.copy (i32.const 300) (local.get $at) (i32.const 20000))
              (drop (i32.atomic.rmw.and (i32.and (local.get $at) (i32.const -4)) (i32.const 0x01000201)))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 3)).unwrap();
        run_agents((&engine, &shared, text), 4, |mut agent, number| {
            agent.call("run", &[Val::I32(number), Val::I32(10_000)]).unwrap();
        });
        let mut bytes = vec![0; 3 << 16];
        shared.read(0, &mut bytes).unwrap();
        assert!(bytes.iter().all(|byte| *byte <= 2));
    }
}

#[test]
fn bulk_instructions_cross_between_shared_and_other_memories() {
    let text = r#"(module (memory $s (import "h" "m") 1 1 shared) (memory $o 1) (memory $t 1 1 shared)
        (data (memory $o) (i32.const 10) "own") (data $d "data")
        (func (export "run") (result i32)
          (memory.copy $s $o (i32.const 100) (i32.const 10) (i32.const 3))
          (memory.copy $t $s (i32.const 5) (i32.const 100) (i32.const 3))
          (memory.copy $o $t (i32.const 65533) (i32.const 5) (i32.const 3))
          (memory.init $s $d (i32.const 0) (i32.const 1) (i32.const 3))
          (memory.fill $s (i32.const 65535) (i32.const 9) (i32.const 1))
          (i32.load16_u $o (i32.const 65534)))
        (func (export "past") (param i32)
          (if (i32.eq (local.get 0) (i32.const 0))
            (then (memory.copy $s $o (i32.const 65534) (i32.const 10) (i32.const 3))))
          (if (i32.eq (local.get 0) (i32.const 1))
            (then (memory.copy $o $s (i32.const 0) (i32.const 65534) (i32.const 3))))
          (if (i32.eq (local.get 0) (i32.const 2))
            (then (memory.copy $t $s (i32.const -1) (i32.const 0) (i32.const 2))))
          (if (i32.eq (local.get 0) (i32.const 3))
            (then (memory.fill $s (i32.const 65534) (i32.const 0) (i32.const 3))))
          (if (i32.eq (local.get 0) (i32.const 4))
            (then (memory.init $s $d (i32.const 0) (i32.const 2) (i32.const 3))))))"#;
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
        let mut agent = Agent::new(&engine, &shared, text);
        assert_eq!(agent.call32("run", &[]), i32::from(u16::from_le_bytes(*b"wn")));
        let mut bytes = [0; 103];
        shared.read(0, &mut bytes).unwrap();
        assert_eq!((&bytes[..4], &bytes[99..]), (&b"ata\0"[..], &b"\0own"[..]));
        for number in 0..5 {
            let error = agent.call("past", &[Val::I32(number)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Trap(Trap::MemoryOutOfBounds), "{number}");
        }
        shared.read(65533, &mut bytes[..3]).unwrap();
        assert_eq!(bytes[..3], [0, 0, 9], "what traps writes nothing");
    }
}

/// Every atomic instruction with an address, its width in bytes, and its text with an address that stands in `$a`.
fn atomic_instructions(offset: &str) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let widths = [("i32", "", 4), ("i32", "8", 1), ("i32", "16", 2), ("i64", "", 8), ("i64", "8", 1)];
    for (ty, narrow, width) in widths.into_iter().chain([("i64", "16", 2), ("i64", "32", 4)]) {
        let (zero, sign) = (format!("({ty}.const 0)"), if narrow.is_empty() { "" } else { "_u" });
        found.push((width, format!("(drop ({ty}.atomic.load{narrow}{sign} {offset} (local.get $a)))")));
        found.push((width, format!("({ty}.atomic.store{narrow} {offset} (local.get $a) {zero})")));
        for op in ["add", "sub", "and", "or", "xor", "xchg"] {
            let name = format!("{ty}.atomic.rmw{narrow}.{op}{sign}");
            found.push((width, format!("(drop ({name} {offset} (local.get $a) {zero}))")));
        }
        let name = format!("{ty}.atomic.rmw{narrow}.cmpxchg{sign}");
        found.push((width, format!("(drop ({name} {offset} (local.get $a) {zero} {zero}))")));
    }
    found.push((4, format!("(drop (memory.atomic.notify {offset} (local.get $a) (i32.const 1)))")));
    let wait = |ty: &str| format!("({ty}.const 1) (i64.const 0)");
    found.push((4, format!("(drop (memory.atomic.wait32 {offset} (local.get $a) {}))", wait("i32"))));
    found.push((8, format!("(drop (memory.atomic.wait64 {offset} (local.get $a) {}))", wait("i64"))));
    found
}

#[test]
fn every_atomic_access_is_aligned_and_inside() {
    let engines = engines();
    for (address, offset, engine) in [("i32", 0, 0), ("i32", 0, 1), ("i64", 0, 0), ("i32", 1 << 30, 0)]
        .into_iter()
        .chain([("i32", 8, 0), ("i32", 8, 1), ("i64", 8, 1), ("i64", u64::MAX - 7, 0)])
    {
        let engine = &engines[engine];
        let instructions = atomic_instructions(&format!("offset={offset}"));
        let functions: String = instructions
            .iter()
            .enumerate()
            .map(|(number, (_, text))| format!("(func (export \"{number}\") (param $a {address}) {text})"))
            .collect();
        let memory = if address == "i64" { "i64 1 1 shared" } else { "1 1 shared" };
        let text = format!(r#"(module (memory (import "h" "m") {memory}) {functions})"#);
        let memory64 = address == "i64";
        let shared = SharedMemory::new(engine, MemoryType { memory64, ..shared_type(1, 1) }).unwrap();
        let mut agent = Agent::new(engine, &shared, &text);
        let mut outcome = |number: usize, address: u64| {
            let address = if memory64 { Val::I64(address as i64) } else { Val::I32(address as i32) };
            agent.call(&number.to_string(), &[address]).map(drop).map_err(|error| error.kind())
        };
        for (number, (width, text)) in instructions.iter().enumerate() {
            let past_end = Err(ErrorKind::Trap(Trap::MemoryOutOfBounds));
            if offset <= 8 {
                assert_eq!(outcome(number, 65536 - width - offset), Ok(()), "{text}");
                assert_eq!(outcome(number, 65536 - offset), past_end, "{text}");
            }
            assert_eq!(outcome(number, 65536), past_end, "{text}");
            assert_eq!(outcome(number, if memory64 { 8u64.wrapping_neg() } else { 0xffff_fff8 }), past_end);
            for address in [1, 65535, 65537].into_iter().filter(|_| *width > 1) {
                let unaligned = Err(ErrorKind::Trap(Trap::UnalignedAtomic));
                assert_eq!(outcome(number, address), unaligned, "{text} at {address}");
            }
        }
    }
}

#[test]
fn atomics_work_on_other_memories_but_for_waits() {
    for engine in engines() {
        let functions: String = atomic_instructions("$own")
            .into_iter()
            .filter(|(_, text)| !text.contains("wait"))
            .map(|(_, text)| text)
            .collect();
        let text = format!(
            r#"(module (memory (import "h" "m") 0 1 shared) (memory $own 1)
            (func (export "all") (param $a i32) {})
            (func (export "exchange") (param i32) (result i32)
              (i32.atomic.rmw8.cmpxchg_u $own (i32.const 0) (i32.const 0x12345600) (local.get 0)))
            (func (export "notify") (param i32) (result i32)
              (memory.atomic.notify $own (local.get 0) (i32.const -1)))
            (func (export "wait32") (param i32) (result i32)
              (memory.atomic.wait32 $own (local.get 0) (i32.const 0) (i64.const 0)))
            (func (export "wait64") (param i32) (result i32)
              (memory.atomic.wait64 $own (local.get 0) (i64.const 0) (i64.const 0))))"#,
            functions
        );
        let shared = SharedMemory::new(&engine, shared_type(0, 1)).unwrap();
        let mut agent = Agent::new(&engine, &shared, &text);
        agent.call("all", &[Val::I32(8)]).unwrap();
        // What is expected is compared in the width of the access.
        assert_eq!((agent.call32("exchange", &[0x7ff]), agent.call32("exchange", &[0])), (0, 0xff));
        assert_eq!(agent.call32("notify", &[0]), 0);
        for (name, address, trap) in [
            ("notify", 2, Trap::UnalignedAtomic),
            ("notify", 65536, Trap::MemoryOutOfBounds),
            ("wait32", 0, Trap::ExpectedSharedMemory),
            ("wait64", 0, Trap::ExpectedSharedMemory),
            ("wait64", 4, Trap::UnalignedAtomic),
        ] {
            let error = agent.call(name, &[Val::I32(address)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Trap(trap), "{name} {address}");
        }
    }
}

#[test]
fn who_grows_a_shared_memory_is_charged_for_it() {
    let limits = StoreLimits { memory_bytes: 3 << 16, ..StoreLimits::default() };
    let engine = Engine::new(&Config::new().limits(limits)).unwrap();
    let mut maker = Store::new(&engine);
    let memory = Memory::alloc(&mut maker, shared_type(2, 100)).unwrap();
    assert_eq!(memory.grow(&mut maker, 2).unwrap_err().kind(), ErrorKind::Limit);
    let shared = memory.shared(&maker).unwrap();
    let mut agent = Agent::new(
        &engine,
        &shared,
        r#"(module (memory (import "h" "m") 1 100 shared)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    );
    assert_eq!((agent.call32("grow", &[4]), agent.call32("grow", &[3])), (-1, 2));
    assert_eq!(agent.call32("grow", &[1]), -1);
    assert_eq!(memory.grow(&mut maker, 1).unwrap(), 5, "the other's pages are not charged here");
    assert_eq!(memory.grow(&mut maker, 1).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(memory.size(&maker), 6);
}

#[test]
fn the_host_copies_in_and_out_of_shared_memories() {
    for engine in engines() {
        let mut store = Store::new(&engine);
        let memory = Memory::alloc(&mut store, shared_type(1, 1)).unwrap();
        assert!(memory.bytes(&store).is_none() && memory.bytes_mut(&mut store).is_none());
        memory.write(&mut store, 65533, b"abc").unwrap();
        let mut bytes = [0; 4];
        memory.read(&store, 65532, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0abc");
        for start in [65533, 65536, u64::MAX] {
            let past_end = ErrorKind::Trap(Trap::MemoryOutOfBounds);
            assert_eq!(memory.read(&store, start, &mut bytes).unwrap_err().kind(), past_end);
            assert_eq!(memory.write(&mut store, start, &bytes).unwrap_err().kind(), past_end);
            assert_eq!(memory.shared(&store).unwrap().write(start, &bytes).unwrap_err().kind(), past_end);
        }
        assert!(SharedMemory::new(&engine, MemoryType::new(1, Some(1))).is_err());
        assert!(SharedMemory::new(&engine, MemoryType { shared: true, ..MemoryType::new(1, None) }).is_err());
        let own = Memory::alloc(&mut store, MemoryType::new(1, None)).unwrap();
        assert!(own.shared(&store).is_none() && own.bytes(&store).is_some());
        // One with 64-bit addresses that can never be reserved whole.
        let vast = MemoryType { memory64: true, ..shared_type(1, 1 << 40) };
        let vast = SharedMemory::new(&engine, vast).unwrap();
        assert_eq!((vast.grow(1).unwrap(), vast.grow(1 << 30).unwrap_err().kind()), (1, ErrorKind::Limit));
    }
}
