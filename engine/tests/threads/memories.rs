//! Tests of shared memories as objects: growth, lifetime, budgets, and accesses by the host.

use std::thread;
use std::time::Duration;

use wassay_engine::{
    Config, Engine, ErrorKind, Extern, Linker, Memory, MemoryType, Module, SharedMemory, Store, StoreLimits,
    Trap, Val,
};

use crate::{Agent, ONE_THING, engines, read32, run_agents, shared_type};

#[test]
fn growth_is_visible_to_other_threads() {
    for engine in engines() {
        let shared = SharedMemory::new(&engine, shared_type(1, 4)).unwrap();
        thread::scope(|scope| {
            let mut running = Agent::new(&engine, &shared, ONE_THING);
            let mut loading = Agent::new(&engine, &shared, ONE_THING);
            let running = scope.spawn(move || running.call("run-until-grown", &[Val::I32(1)]).unwrap());
            let loading = scope.spawn(move || loading.call32("load-until-grown", &[0]));
            let mut agent = Agent::new(&engine, &shared, ONE_THING);
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
fn concurrent_growth_adds_the_pages_of_each_thread() {
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
fn a_shared_memory_outlives_the_store_that_created_it() {
    for engine in engines() {
        let shared = {
            let mut store = Store::new(&engine);
            let text = r#"(module (memory (export "m") 1 2 shared) (data (i32.const 3) "abc"))"#;
            let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
            let instance = Linker::new().instantiate(&mut store, &module).unwrap();
            let Some(Extern::Memory(memory)) = instance.export(&store, "m") else { panic!("a memory") };
            let shared = memory.shared(&store).unwrap();
            assert_eq!(
                Memory::from_shared(&mut store, &shared),
                memory,
                "the memory is already in the store"
            );
            shared
        };
        let mut agent = Agent::new(&engine, &shared, ONE_THING);
        assert_eq!(agent.call32("size", &[]), 1);
        let mut bytes = [0; 4];
        shared.read(2, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0abc");
    }
}

#[test]
fn the_store_that_grows_a_shared_memory_is_charged_for_it() {
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
    assert_eq!(memory.grow(&mut maker, 1).unwrap(), 5, "pages of the other store are not charged here");
    assert_eq!(memory.grow(&mut maker, 1).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(memory.size(&maker), 6);
}

#[test]
fn the_host_copies_to_and_from_shared_memories() {
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
        // A memory with 64-bit addresses, whose whole range cannot be reserved.
        let vast = MemoryType { memory64: true, ..shared_type(1, 1 << 40) };
        let vast = SharedMemory::new(&engine, vast).unwrap();
        assert_eq!((vast.grow(1).unwrap(), vast.grow(1 << 30).unwrap_err().kind()), (1, ErrorKind::Limit));
    }
}

#[test]
fn an_engine_can_use_shared_memories_of_another_engine() {
    let [guarded, checked] = engines();
    for (maker, user) in [(&guarded, &checked), (&checked, &guarded)] {
        let shared = SharedMemory::new(maker, shared_type(1, 4)).unwrap();
        let mut agent = Agent::new(user, &shared, ONE_THING);
        assert_eq!((agent.call32("grow", &[1]), agent.call32("size", &[])), (1, 2));
        shared.write(0, &[1]).unwrap();
        assert_eq!(agent.call32("load-until-grown", &[0]), 0);
        let text = r#"(module (memory (import "h" "m") 1 4 shared)
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;
        let mut agent = Agent::new(user, &shared, text);
        assert_eq!(agent.call32("load", &[131_068]), 0);
        let error = agent.call("load", &[Val::I32(131_069)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap(Trap::MemoryOutOfBounds));
    }
}

#[test]
fn a_size_is_read_again_each_time() {
    // Between the two sizes there is no store or call that would make a compiler load the length
    // again.
    let text = r#"(module (memory (import "h" "m") 1 4 shared)
        (func (export "sizes") (result i32) (local $size i32)
          (local.set $size (memory.size))
          (loop $again (br_if $again (i32.eqz (i32.load8_u (i32.const 0)))))
          (i32.add (i32.mul (local.get $size) (i32.const 10)) (memory.size))))"#;
    for engine in engines() {
        // A thread that is not scheduled in time reads both sizes late. In that case, try again.
        let mut sizes = (0..100).map(|_| {
            let shared = SharedMemory::new(&engine, shared_type(1, 4)).unwrap();
            let mut agent = Agent::new(&engine, &shared, text);
            thread::scope(|scope| {
                let agent = scope.spawn(move || agent.call32("sizes", &[]));
                thread::sleep(Duration::from_millis(20));
                shared.grow(3).unwrap();
                shared.write(0, &[1]).unwrap();
                agent.join().unwrap()
            })
        });
        assert_eq!(sizes.find(|sizes| *sizes != 44), Some(14));
    }
}
