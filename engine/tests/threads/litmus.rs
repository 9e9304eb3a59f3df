//! Litmus tests: count the outcomes that the memory model forbids (threads proposal, "Memory
//! model").

use std::thread;
use std::time::{Duration, Instant};

use wassay_engine::{Engine, SharedMemory, Val};

use crate::{Agent, engines, read32, run_agents, shared_type};

/// Returns after it was called as often as its argument says, on any thread: first spins, then
/// waits.
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

/// Two threads write one cell each and read the other's, in rounds that they start together:
/// 200,000 rounds, or fewer on a busy machine. Returns how often the two read (0, 0), (0, 1),
/// (1, 0) and (1, 1).
fn litmus(engine: &Engine, round: &str) -> [usize; 4] {
    const ROUNDS: usize = 1000;
    // The memory contains the values read, a byte for each round and thread, from 4096 on, and the
    // cells, 64 bytes apart, from 65536 on.
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
fn loads_do_not_read_future_stores() {
    // Load buffering: neither thread writes before it has read, so at least one of the two reads 0.
    let round = "(i32.atomic.load (local.get $other)) (i32.atomic.store (local.get $mine) (i32.const 1))";
    for engine in engines() {
        let counts = litmus(&engine, round);
        assert_eq!(counts[3], 0, "both threads read a future store: {counts:?}");
    }
}

#[test]
fn a_message_is_visible_when_its_flag_is() {
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
            assert_eq!(results[1][0], Val::I32(0), "{store}: a flag was visible before its message");
        }
    }
}

#[test]
fn no_atomic_addition_is_lost() {
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
fn a_lock_with_compare_exchange_wait_and_notify_is_exclusive() {
    // 0: free, 1: locked, 2: locked, with possible waiters.
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
