//! Tests of the collector without compiled code. The roots are the references that the host holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Root;
use crate::types::layout::ObjectLayout;
use crate::types::{CompositeType, FieldType, HeapType, RefType, StorageType, SubType, ValType};
use crate::vm::layout::VmVal;
use crate::{Config, Engine, ErrorKind, ExternRef, Store, StoreLimits, Trap};

const ANYREF: StorageType = StorageType::Val(ValType::Ref(RefType { nullable: true, heap: HeapType::Any }));
const I64: StorageType = StorageType::Val(ValType::I64);

/// A store with the types of the tests.
struct Fixture {
    store: Store,
    /// The numbers of the types. This type has a number and two references.
    node: u32,
    references: u32,
    bytes: u32,
}

impl Fixture {
    fn new(config: &Config) -> Fixture {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine);
        let mut intern =
            |composite| store.types.intern(Box::new([SubType::plain(composite)])).unwrap()[0].number();
        let field = |storage| FieldType { storage, mutable: true };
        let node = intern(CompositeType::Struct([I64, ANYREF, ANYREF].map(field).into()));
        let references = intern(CompositeType::Array(field(ANYREF)));
        let bytes = intern(CompositeType::Array(field(StorageType::I8)));
        Fixture { store, node, references, bytes }
    }

    fn with_limit(heap_bytes: u64) -> Fixture {
        Fixture::new(&Config::new().limits(StoreLimits { heap_bytes, ..StoreLimits::default() }))
    }

    fn node(&mut self, number: u64, left: u64, right: u64) -> crate::Result<u64> {
        let node = self.store.allocate_object(self.node, 0, 32)?;
        for (offset, storage, word) in [(8, I64, number), (16, ANYREF, left), (24, ANYREF, right)] {
            self.store.heap.set_field(node, offset, storage, VmVal(word.into()));
        }
        Ok(node)
    }

    fn bytes(&mut self, length: u32) -> crate::Result<u64> {
        self.store.allocate_object(self.bytes, length, (8 + u64::from(length)).next_multiple_of(8))
    }

    fn array(&mut self, length: u32) -> crate::Result<u64> {
        self.store.allocate_object(self.references, length, 8 + 8 * u64::from(length))
    }

    fn word(&self, object: u64, offset: usize) -> u64 {
        self.store.heap.field(object, offset, I64).0 as u64
    }

    fn hold(&self, object: u64) -> Root {
        self.store.hold(object)
    }

    fn live(&mut self) -> u64 {
        self.store.collect().unwrap();
        self.store.heap_stats().live_bytes
    }
}

#[test]
fn objects_reachable_from_host_roots_survive() {
    let mut fixture = Fixture::new(&Config::new());
    let leaf = fixture.node(1, 0, 0).unwrap();
    let top = fixture.node(2, leaf, 0).unwrap();
    fixture.node(3, top, leaf).unwrap();
    let root = fixture.hold(top);
    assert_eq!(fixture.live(), 64);
    assert_eq!((fixture.word(top, 8), fixture.word(top, 16), fixture.word(leaf, 8)), (2, leaf, 1));
    drop(root);
    assert_eq!(fixture.live(), 0);
    assert_eq!(fixture.store.heap_stats().collections, 2);
}

#[test]
fn unreachable_cycles_are_freed() {
    let mut fixture = Fixture::new(&Config::new());
    let first = fixture.node(1, 0, 0).unwrap();
    let second = fixture.node(2, first, 0).unwrap();
    fixture.store.heap.set_field(first, 16, ANYREF, VmVal(second.into()));
    let root = fixture.hold(first);
    assert_eq!(fixture.live(), 64);
    drop(root);
    assert_eq!(fixture.live(), 0);
}

#[test]
fn an_unboxed_integer_and_an_i64_are_not_references() {
    let mut fixture = Fixture::new(&Config::new());
    let lost = fixture.node(1, 0, 0).unwrap();
    let node = fixture.node(lost, lost | 1, 0).unwrap();
    let _root = fixture.hold(node);
    assert_eq!(fixture.live(), 32);
}

#[test]
fn objects_of_all_sizes_keep_their_bytes() {
    let mut fixture = Fixture::new(&Config::new());
    let mut held = Vec::new();
    for round in 0..3 {
        for length in [0, 1, 8, 200, 248, 249, 5000, 32_760, 32_761, 65_528, 65_529, 200_000, 1 << 20] {
            fixture.bytes(length / 2).unwrap();
            let object = fixture.bytes(length).unwrap();
            let bytes = fixture.store.heap.bytes_mut(object, 8..8 + length as usize);
            assert!(bytes.iter().all(|byte| *byte == 0), "a new object of {length} bytes is zero");
            bytes.fill(length as u8 | 1);
            held.push((fixture.hold(object), length));
        }
        fixture.store.collect().unwrap();
        for (root, length) in &held {
            let object = root.word();
            assert_eq!(fixture.store.heap.header(object), (fixture.bytes, *length));
            let bytes = fixture.store.heap.bytes_mut(object, 8..8 + *length as usize);
            assert!(bytes.iter().all(|byte| *byte == *length as u8 | 1), "{length} bytes, round {round}");
        }
        held.retain(|(_, length)| length % 2 == round % 2);
    }
}

#[test]
fn a_word_into_an_object_keeps_it_but_one_past_its_end_does_not() {
    let mut fixture = Fixture::new(&Config::new());
    for length in [16, 3000, 100_000] {
        let size = (8 + u64::from(length)).next_multiple_of(8);
        let object = fixture.bytes(length).unwrap();
        for (word, kept) in
            [(object, true), (object + size - 1, true), (object + 9, true), (object + size, false)]
        {
            fixture.bytes(length).unwrap();
            fixture.store.const_stack.push(VmVal(word.into()));
            assert_eq!(fixture.live(), if kept { size } else { 0 }, "{length} bytes, at {}", word - object);
            fixture.store.const_stack.clear();
        }
    }
}

#[test]
fn words_into_free_memory_keep_nothing() {
    let mut fixture = Fixture::new(&Config::new());
    let first = fixture.node(1, 0, 0).unwrap();
    for number in 0..10_000 {
        fixture.node(number, first, first).unwrap();
    }
    assert_eq!(fixture.live(), 0);
    for offset in (0..1 << 20).step_by(8) {
        fixture.store.const_stack.push(VmVal((first + offset).into()));
    }
    assert_eq!(fixture.live(), 0);
    let node = fixture.node(1, 0, 0).unwrap();
    assert_eq!(node, first, "the memory is reused");
    assert_eq!(fixture.live(), 32, "only the new object");
}

#[test]
fn a_store_of_a_few_objects_costs_little() {
    let mut fixture = Fixture::new(&Config::new());
    assert_eq!(fixture.store.heap_stats().capacity, 0);
    fixture.node(1, 0, 0).unwrap();
    assert_eq!(fixture.store.heap_stats().capacity, 64 << 10);
    assert_eq!(fixture.store.heap_stats().collections, 0);
}

#[test]
fn garbage_runs_in_bounded_memory() {
    let mut fixture = Fixture::with_limit(32 << 20);
    let kept = fixture.node(7, 0, 0).unwrap();
    let _root = fixture.hold(kept);
    for number in 0..10_000_000 {
        fixture.node(number, kept, 0).unwrap();
    }
    let stats = fixture.store.heap_stats();
    assert!(stats.collections > 60, "{stats:?}");
    assert!(stats.capacity <= 6 << 20, "{stats:?}");
    assert_eq!(fixture.word(kept, 8), 7);
}

#[test]
fn memory_is_returned_to_the_system() {
    let mut fixture = Fixture::new(&Config::new());
    let mut list = 0;
    let mut root = None;
    for number in 0..2_000_000 {
        list = fixture.node(number, list, 0).unwrap();
        root = Some(fixture.hold(list));
    }
    assert!(fixture.store.heap_stats().capacity >= 64_000_000);
    assert_eq!(fixture.live(), 64_000_000);
    drop(root);
    assert_eq!(fixture.live(), 0);
    assert!(fixture.store.heap_stats().capacity <= 5 << 20, "{:?}", fixture.store.heap_stats());
    let array = fixture.bytes(50_000_000).unwrap();
    assert!(fixture.store.heap.bytes_mut(array, 8..50_000_008).iter().all(|byte| *byte == 0));
}

#[test]
fn exceeding_the_limit_is_an_error_and_the_store_stays_usable() {
    for limit in [0, 100, 4096, 70_000, 1 << 20] {
        let mut fixture = Fixture::with_limit(limit);
        let (mut list, mut root, mut count) = (0, None, 0);
        let error = loop {
            match fixture.node(count, list, 0) {
                Ok(node) => (list, root) = (node, Some(fixture.hold(node))),
                Err(error) => break error,
            }
            count += 1;
        };
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(error.message(), format!("the objects of a store can use at most {limit} bytes"));
        assert!(
            count * 32 <= limit && count * 32 >= (limit / 256 * 256) * 15 / 16,
            "{count} objects of {limit}"
        );
        assert_eq!(fixture.bytes(2 << 20).unwrap_err().kind(), ErrorKind::Limit);
        drop(root);
        for number in 0..count * 5 {
            fixture.node(number, 0, 0).unwrap();
        }
    }
}

#[test]
fn an_array_that_no_store_could_hold_traps() {
    for (limit, size) in [(u64::MAX, (1 << 40) + 8), (4096, (1 << 30) + 8), (1 << 32, (1 << 32) + 8)] {
        let mut fixture = Fixture::with_limit(limit);
        let error = fixture.store.allocate_object(fixture.bytes, u32::MAX, size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap(Trap::AllocationTooLarge), "{limit}");
        fixture.node(1, 0, 0).unwrap();
    }
    // In another store, this array could fit.
    let mut fixture = Fixture::with_limit(4096);
    assert_eq!(
        fixture.store.allocate_object(fixture.bytes, 0, 1 << 30).unwrap_err().kind(),
        ErrorKind::Limit
    );
}

#[test]
fn large_objects_reuse_the_memory_of_freed_ones() {
    let mut fixture = Fixture::with_limit(1 << 20);
    for length in [900_000, 40_000, 500_000, 1_000_000, 70_000] {
        for _ in 0..50 {
            fixture.bytes(length).unwrap();
        }
    }
    let held = fixture.bytes(600_000).unwrap();
    let root = fixture.hold(held);
    assert_eq!(fixture.bytes(600_000).unwrap_err().kind(), ErrorKind::Limit);
    drop(root);
    fixture.bytes(600_000).unwrap();
}

#[test]
fn medium_objects_are_allocated_in_holes_if_there_is_no_free_block() {
    let mut fixture = Fixture::with_limit(256 << 10);
    let mut held = Vec::new();
    // Every second kibibyte stays in use.
    for number in 0.. {
        match fixture.bytes(1016) {
            Ok(object) if number % 2 == 0 => held.push(fixture.hold(object)),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    assert!(held.len() > 240, "{}", held.len());
    held.truncate(120);
    let mut found = 0;
    while fixture.bytes(900).is_ok() && found < 1000 {
        found += 1;
    }
    assert_eq!(found, 1000);
}

#[test]
fn an_interrupted_store_neither_allocates_nor_collects() {
    let mut fixture = Fixture::new(&Config::new());
    fixture.node(1, 0, 0).unwrap();
    fixture.store.set_deadline(Some(Instant::now() - Duration::from_secs(1)));
    let func =
        crate::Func::alloc(&mut fixture.store, crate::FuncType::new([], []), |_, _, _| Ok(())).unwrap();
    assert_eq!(func.invoke(&mut fixture.store, &[]).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(fixture.node(1, 0, 0).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(fixture.store.collect().unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(ExternRef::new(&mut fixture.store, 1).is_ok());
}

/// Counts drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn host_values_are_kept_as_long_as_references_to_them() {
    let mut fixture = Fixture::new(&Config::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = || dropped.load(Ordering::Relaxed);
    let in_object = ExternRef::new(&mut fixture.store, Counted(Arc::clone(&dropped))).unwrap();
    let word = in_object.0.word();
    let node = fixture.node(word, word, 0).unwrap();
    let root = fixture.hold(node);
    let held = ExternRef::new(&mut fixture.store, Counted(Arc::clone(&dropped))).unwrap();
    drop(ExternRef::new(&mut fixture.store, Counted(Arc::clone(&dropped))).unwrap());
    drop(in_object);
    fixture.store.collect().unwrap();
    assert_eq!((count(), fixture.store.heap_stats().host_values), (1, 2));
    assert!(held.data(&fixture.store).unwrap().is::<Counted>());
    // The field with the same word as a number is not a reference.
    fixture.store.heap.set_field(node, 16, ANYREF, VmVal(0));
    fixture.store.collect().unwrap();
    assert_eq!((count(), fixture.store.heap_stats().host_values), (2, 1));
    drop((held, root));
    fixture.store.collect().unwrap();
    assert_eq!((count(), fixture.store.heap_stats().host_values), (3, 0));
}

#[test]
fn many_host_values_trigger_a_collection() {
    let mut fixture = Fixture::new(&Config::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    for _ in 0..100_000 {
        ExternRef::new(&mut fixture.store, Counted(Arc::clone(&dropped))).unwrap();
    }
    assert!(fixture.store.heap_stats().host_values <= 4096);
    assert!(dropped.load(Ordering::Relaxed) >= 100_000 - 4096);
}

/// A xorshift pseudorandom number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// One of the roots, or null if there are none.
fn any(random: &mut Random, roots: &[Root]) -> u64 {
    match roots.len() {
        0 => 0,
        count => roots[random.below(count as u64) as usize].word(),
    }
}

/// Compares random graphs of objects with a model: what is reachable from the roots is kept
/// unchanged, and nothing else is kept.
fn random_graphs(config: &Config, seed: u64, steps: usize) {
    let mut fixture = Fixture::new(config);
    let mut random = Random(seed | 1);
    // For each object: its size, its number or its first and last byte, and its references.
    let mut model: HashMap<u64, (u64, u64, Vec<u64>)> = HashMap::new();
    let mut roots: Vec<Root> = Vec::new();
    for step in 0..steps as u64 {
        let (object, entry) = match random.below(10) {
            0..6 => {
                let (left, right) = (any(&mut random, &roots), any(&mut random, &roots));
                (fixture.node(step, left, right).unwrap(), (32, step, vec![left, right]))
            }
            6..8 => {
                let length = random.below(1 << (1 + random.0 % 14)) as u32;
                let array = fixture.array(length).unwrap();
                let mut elements = vec![0; length as usize];
                for (index, element) in elements.iter_mut().enumerate().step_by(7) {
                    *element = any(&mut random, &roots);
                    fixture.store.heap.set_field(array, 8 + 8 * index, ANYREF, VmVal((*element).into()));
                }
                (array, (8 + 8 * u64::from(length), 0, elements))
            }
            _ => {
                let length = 8 + random.below(1 << (1 + random.0 % 18)) as u32 / 8 * 8;
                let array = fixture.bytes(length).unwrap();
                fixture.store.heap.set_field(array, 8, I64, VmVal(step.into()));
                fixture.store.heap.set_field(array, length as usize, I64, VmVal(step.into()));
                (array, (8 + u64::from(length), step, vec![]))
            }
        };
        model.insert(object, entry);
        roots.push(fixture.hold(object));
        while roots.len() > 40 {
            roots.swap_remove(random.below(40) as usize);
        }
        if random.below(8) == 0 {
            let target = any(&mut random, &roots);
            let source = any(&mut random, &roots);
            let (size, _, references) = model.get_mut(&source).unwrap();
            if *size == 32 && references.len() == 2 && fixture.store.heap.header(source).0 == fixture.node {
                fixture.store.heap.set_field(source, 24, ANYREF, VmVal(target.into()));
                references[1] = target;
            }
        }
        if random.below(50) == 0 {
            check(&mut fixture, &mut model, &roots);
        }
    }
    check(&mut fixture, &mut model, &roots);
}

fn check(fixture: &mut Fixture, model: &mut HashMap<u64, (u64, u64, Vec<u64>)>, roots: &[Root]) {
    let mut reached = HashMap::new();
    let mut rest: Vec<u64> = roots.iter().map(Root::word).collect();
    while let Some(object) = rest.pop() {
        if object != 0 && !reached.contains_key(&object) {
            let entry = model[&object].clone();
            rest.extend(&entry.2);
            reached.insert(object, entry);
        }
    }
    assert_eq!(fixture.live(), reached.values().map(|entry| entry.0).sum::<u64>());
    for (object, (size, number, references)) in &reached {
        let ty = fixture.store.engine().types().numbered(fixture.store.heap.header(*object).0);
        match &ty.layout {
            ObjectLayout::Struct(_) => {
                assert_eq!(
                    [8, 16, 24].map(|at| fixture.word(*object, at)),
                    [*number, references[0], references[1]]
                );
            }
            ObjectLayout::Array(element) if element.is_traced() => {
                for (index, reference) in references.iter().enumerate() {
                    assert_eq!(fixture.word(*object, 8 + 8 * index), *reference);
                }
            }
            _ => assert_eq!([8, *size as usize - 8].map(|at| fixture.word(*object, at)), [*number; 2]),
        }
    }
    *model = reached;
}

#[test]
fn random_graphs_keep_what_is_reachable_and_nothing_else() {
    for seed in 1..=10 {
        random_graphs(&Config::new(), seed << 32 | 0x7f4a_7c15, 3000);
    }
}

#[test]
fn random_graphs_survive_a_collection_at_every_allocation() {
    random_graphs(&Config::new().collect_always(true), 0x1234_5678_9abc_def1, 1500);
}
