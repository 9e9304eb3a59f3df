//! Shared memories as objects: how they grow, how long they live, who pays for them, how the host
//! reads them.

use std::thread;
use std::time::Duration;

use wassay_engine::{
    Config, Engine, ErrorKind, Extern, Linker, Memory, MemoryType, Module, SharedMemory, Store, StoreLimits,
    Trap, Val,
};

use crate::{Agent, ONE_THING, engines, read32, run_agents, shared_type};

#[test]
fn what_one_thread_grows_others_see() {
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
        let mut agent = Agent::new(&engine, &shared, ONE_THING);
        assert_eq!(agent.call32("size", &[]), 1);
        let mut bytes = [0; 4];
        shared.read(2, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0abc");
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

#[test]
fn an_engine_uses_the_shared_memories_of_another() {
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
fn a_size_is_read_anew_each_time() {
    // No store and no call stands between the two sizes that could make a compiler read the length
    // again.
    let text = r#"(module (memory (import "h" "m") 1 4 shared)
        (func (export "sizes") (result i32) (local $size i32)
          (local.set $size (memory.size))
          (loop $again (br_if $again (i32.eqz (i32.load8_u (i32.const 0)))))
          (i32.add (i32.mul (local.get $size) (i32.const 10)) (memory.size))))"#;
    for engine in engines() {
        // A thread that the machine does not run in time sees both sizes late: then once more.
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
