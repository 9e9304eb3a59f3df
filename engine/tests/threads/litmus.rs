//! Litmus tests: count the outcomes that the memory model forbids (threads proposal, "Memory
//! model").
//!
//! A forbidden outcome that is not seen proves nothing if the threads never meet in the few
//! instructions where it could happen. So each test has a control: the same code with the accesses
//! weakened so that the outcome is possible. The control is repeated until it shows the outcome,
//! and the test runs at least as often.

use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use wassay_engine::{Engine, SharedMemory, Val};

use crate::{Agent, engines, read32, run_agents, shared_type};

/// How often a control must show the outcome.
const ENOUGH: usize = 10;

/// The number of times for the test, after a control that shows `shows(times)` outcomes. `None` if
/// threads cannot run at the same time here, so that the outcomes are impossible.
fn times_after_control(what: &str, shows: impl Fn(usize) -> usize) -> Option<usize> {
    if available_parallelism().map_or(1, usize::from) < 2 {
        println!("not run: {what}: a single processor shows no outcome of concurrent accesses");
        return None;
    }
    let begun = Instant::now();
    let mut times = 1;
    loop {
        let shown = shows(times);
        println!("control: {what}: {shown} outcomes in {times}");
        if shown >= ENOUGH {
            return Some(2 * times);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what}: the control does not show the outcome, so that the test could not fail: {shown} in {times}"
        );
        times *= 2;
    }
}

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

/// Two threads write one cell each and read the other's, in rounds that they start together, a
/// thousand each time. Returns how often the two read (0, 0), (0, 1), (1, 0) and (1, 1).
fn litmus(engine: &Engine, round: &str, times: usize) -> [usize; 4] {
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
    let mut counts = [0; 4];
    for _ in 0..times {
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

/// Asserts that a round does not have an outcome, which the control has.
fn assert_forbidden(what: &str, outcome: usize, control: &str, round: &str) {
    for engine in engines() {
        let Some(times) = times_after_control(what, |times| litmus(&engine, control, times)[outcome]) else {
            return;
        };
        let counts = litmus(&engine, round, times.max(50));
        assert_eq!(counts[outcome], 0, "{what}: {round}: {counts:?}");
    }
}

#[test]
fn no_atomic_store_is_delayed_past_a_load() {
    // Store buffering: both threads read 0. The processor delays plain stores.
    let plain = "(i32.store (local.get $mine) (i32.const 1)) (i32.load (local.get $other))";
    for (store, load) in [
        ("i32.atomic.store (local.get $mine) (i32.const 1)", "i32.atomic.load (local.get $other)"),
        ("i32.atomic.store8 (local.get $mine) (i32.const 1)", "i32.atomic.load8_u (local.get $other)"),
        (
            "i64.atomic.store (local.get $mine) (i64.const 1)",
            "i32.wrap_i64 (i64.atomic.load (local.get $other))",
        ),
        ("i32.store (local.get $mine) (i32.const 1)) (atomic.fence", "i32.load (local.get $other)"),
    ] {
        assert_forbidden("a store delayed past a load", 0, plain, &format!("({store}) ({load})"));
    }
}

#[test]
fn loads_do_not_read_future_stores() {
    // Load buffering: neither thread writes before it has read, so at least one of the two reads 0.
    // No processor of x86-64 delays a load, so the control has the accesses in the other order.
    let (load, store) =
        ("(i32.atomic.load (local.get $other))", "(i32.atomic.store (local.get $mine) (i32.const 1))");
    assert_forbidden("a load of a future store", 3, &format!("{store} {load}"), &format!("{load} {store}"));
}

#[test]
fn a_message_is_visible_when_its_flag_is() {
    // The control sends the flag before the message.
    let text = |(store, load): (&str, &str), is_control: bool| {
        let message = format!("({store} (i32.const 64) (local.get $i))");
        let flag = "(i32.atomic.store (i32.const 128) (local.get $i))".to_owned();
        let [first, second] = if is_control { [flag, message] } else { [message, flag] };
        format!(
            r#"(module (memory (import "h" "m") 1 1 shared) {MEET}
        (func (export "send") (param $last i32) (local $i i32)
          (call $meet (i32.const 2))
          (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            {first} {second}
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
    // How often a flag was visible before its message.
    let early = |engine: &Engine, text: &str, times: usize| {
        let mut early = 0;
        for _ in 0..times {
            let shared = SharedMemory::new(engine, shared_type(1, 1)).unwrap();
            let last = [Val::I32(300_000)];
            let results = run_agents((engine, &shared, text), 2, |mut agent, number| {
                agent.call(if number == 0 { "send" } else { "receive" }, &last).unwrap()
            });
            let Val::I32(wrong) = results[1][0] else { panic!("{results:?}") };
            early += wrong.unsigned_abs() as usize;
        }
        early
    };
    for engine in engines() {
        for accesses in [("i32.store", "i32.load"), ("i32.atomic.store", "i32.atomic.load")] {
            let control = text(accesses, true);
            let shows = |times| early(&engine, &control, times);
            let Some(times) = times_after_control("a flag before its message", shows) else { return };
            assert_eq!(early(&engine, &text(accesses, false), times), 0, "{accesses:?}");
        }
    }
}

#[test]
fn no_atomic_addition_is_lost() {
    let count = |add: &str| {
        format!(
            r#"(module (memory (import "h" "m") 1 1 shared)
        (func (export "count") (param $n i32)
          (loop $again
            {add}
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#
        )
    };
    let text = count(
        "(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
         (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const -1)))
         (drop (i32.atomic.rmw8.add_u (i32.const 16) (i32.const 1)))
         (drop (i64.atomic.rmw16.add_u (i32.const 18) (i64.const 1)))
         (drop (i64.atomic.rmw32.xor_u (i32.const 20) (i64.const 1)))",
    );
    // A load and a store, both atomic, are not an atomic addition.
    let control =
        count("(i32.atomic.store (i32.const 0) (i32.add (i32.atomic.load (i32.const 0)) (i32.const 1)))");
    let total = 4 * 250_001;
    for engine in engines() {
        let run = |text: &str| {
            let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
            run_agents((&engine, &shared, text), 4, |mut agent, _| {
                agent.call("count", &[Val::I32(250_001)]).unwrap();
            });
            shared
        };
        let lost =
            |times: usize| (0..times).map(|_| (total - read32(&run(&control), 0)) as usize).sum::<usize>();
        let Some(times) = times_after_control("a lost addition", lost) else { return };
        for _ in 0..times {
            let shared = run(&text);
            assert_eq!(read32(&shared, 0), total);
            assert_eq!((read32(&shared, 8), read32(&shared, 12)), (total, 0));
            assert_eq!(read32(&shared, 16), (total & 0xff) | ((total & 0xffff) << 16));
            assert_eq!(read32(&shared, 20), 0);
        }
    }
}

#[test]
fn a_lock_with_compare_exchange_wait_and_notify_is_exclusive() {
    // 0: free, 1: locked, 2: locked, with possible waiters. The control does not take the lock.
    let text = |take: &str, free: &str| {
        format!(
            r#"(module (memory (import "h" "m") 1 1 shared)
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
            {take}
            (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
            (i64.store (i32.const 128) (i64.add (i64.load (i32.const 128)) (i64.const 3)))
            {free}
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#
        )
    };
    for engine in engines() {
        let counted = |text: &str| {
            let shared = SharedMemory::new(&engine, shared_type(1, 1)).unwrap();
            run_agents((&engine, &shared, text), 3, |mut agent, _| {
                agent.call("count", &[Val::I32(20_000)]).unwrap();
            });
            (read32(&shared, 64), read32(&shared, 128))
        };
        let control = text("", "");
        let lost = |times: usize| (0..times).map(|_| (60_000 - counted(&control).0) as usize).sum::<usize>();
        let Some(times) = times_after_control("two threads in the critical section", lost) else { return };
        for _ in 0..times {
            assert_eq!(counted(&text("(call $take)", "(call $free)")), (60_000, 180_000));
        }
    }
}
