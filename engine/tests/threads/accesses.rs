//! Tests of single atomic instructions, and of bulk instructions on shared memories.

use wassay_engine::{ErrorKind, MemoryType, SharedMemory, Trap, Val};

use crate::{Agent, engines, run_agents, shared_type};

/// Every atomic instruction with an address: its width in bytes, and its text with the address in
/// `$a`.
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
fn atomic_accesses_must_be_aligned_and_in_bounds() {
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
fn atomics_except_waits_work_on_unshared_memories() {
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
        // The expected value is compared in the width of the access.
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
fn bulk_instructions_can_race_with_stores() {
    // Every byte that is written is 0, 1 or 2.
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
fn bulk_instructions_copy_between_shared_and_unshared_memories() {
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
        assert_eq!(bytes[..3], [0, 0, 9], "an instruction that traps writes nothing");
    }
}
