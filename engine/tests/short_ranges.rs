//! `memory.fill` and `memory.copy` with constant lengths do the same as on a slice of bytes, and
//! change nothing if they are out of bounds (core spec, section 4.6.8).

#![allow(clippy::unwrap_used)]

mod common;

use common::func;
use wassay_engine::{Compilation, Config, Engine, Extern, Instance, Linker, Memory, Module, Store, Val};

const PAGE: usize = 1 << 16;

/// Lengths with inline code, and some without.
fn lengths() -> impl Iterator<Item = usize> {
    [0..20, 24..25, 30..34, 47..50, 62..67].into_iter().flatten()
}

/// A module with a function for each instruction and length, with memories of these types.
fn text(memory: &str, other: &str) -> String {
    let index = |memory: &str| if memory.contains("i64") { "i64" } else { "i32" };
    let (ty, of_other) = (index(memory), index(other));
    let narrow = if ty == "i64" && of_other == "i64" { "i64" } else { "i32" };
    let functions: String = lengths()
        .map(|length| {
            format!(
                r#"
                (func (export "fill{length}") (param {ty} i32)
                    (memory.fill $m (local.get 0) (local.get 1) ({ty}.const {length})))
                (func (export "zero{length}") (param {ty} i32)
                    (memory.fill $m (local.get 0) (i32.const 0) ({ty}.const {length})))
                (func (export "copy{length}") (param {ty} {ty})
                    (memory.copy $m $m (local.get 0) (local.get 1) ({ty}.const {length})))
                (func (export "from{length}") (param {ty} {of_other})
                    (memory.copy $m $o (local.get 0) (local.get 1) ({narrow}.const {length})))"#
            )
        })
        .collect();
    format!(r#"(module (memory $m (export "m") {memory}) (memory $o (export "o") {other}) {functions})"#)
}

/// An instance, and what its memories contain.
struct Subject {
    store: Store,
    instance: Instance,
    memory: Memory,
    /// The contents of the memory that is changed.
    bytes: Vec<u8>,
    /// The contents of the memory that is only read.
    other: Vec<u8>,
    /// Whether the memories have 64-bit indices.
    wide: [bool; 2],
}

impl Subject {
    fn new(config: &Config, memory: &str, other: &str) -> Subject {
        let mut store = Store::new(&Engine::new(config).unwrap());
        let module = Module::new(store.engine(), &wat::parse_str(text(memory, other)).unwrap()).unwrap();
        let instance = Linker::new().instantiate(&mut store, &module).unwrap();
        let mut fill = |name, seed: usize| {
            let Some(Extern::Memory(memory)) = instance.export(&store, name) else { panic!("{name}") };
            let length = memory.size(&store) as usize * PAGE;
            let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + at / 256 + seed) as u8).collect();
            memory.write(&mut store, 0, &bytes).unwrap();
            (memory, bytes)
        };
        let ((handle, bytes), (_, contents)) = (fill("m", 3), fill("o", 101));
        let wide = [memory, other].map(|text| text.contains("i64"));
        Subject { store, instance, memory: handle, bytes, other: contents, wide }
    }

    /// An index of the first or second memory, and how it is seen there.
    fn index(&self, memory: usize, at: u64) -> (Val, u64) {
        if self.wide[memory] {
            return (Val::I64(at as i64), at);
        }
        (Val::I32(at as u32 as i32), u64::from(at as u32))
    }

    /// Calls a function, and compares its effect with that on the bytes; `None` is a trap.
    fn check(&mut self, name: &str, args: [Val; 2], change: impl FnOnce(&mut [u8], &[u8]) -> Option<()>) {
        let is_inside = change(&mut self.bytes, &self.other).is_some();
        let function = func(&self.store, self.instance, name);
        match function.invoke(&mut self.store, &args) {
            Ok(_) => assert!(is_inside, "{name} {args:?}"),
            Err(error) => {
                assert!(!is_inside && error.message().contains("out of bounds"), "{name} {args:?}: {error}");
            }
        }
        let mut found = vec![0; self.bytes.len()];
        self.memory.read(&self.store, 0, &mut found).unwrap();
        assert!(found == self.bytes, "{name} {args:?} has changed other bytes");
    }

    fn check_length(&mut self, n: usize) {
        let (end, by) = (self.bytes.len() as u64, n as u64);
        let edge = end - by;
        let range = |start: u64| start as usize..(start as usize).saturating_add(n);
        let starts = [0, 1, edge, edge + 1, end, end + 1, u64::MAX];
        for (start, byte) in starts.into_iter().zip([0xff, 0x80, 0x1a5, 7, 8, 9, 1]) {
            let (index, start) = self.index(0, start);
            for (name, byte) in [("fill", byte), ("zero", 0)] {
                self.check(&format!("{name}{n}"), [index.clone(), Val::I32(byte)], |bytes, _| {
                    bytes.get_mut(range(start)).map(|bytes| bytes.fill(byte as u8))
                });
            }
        }
        let near = [(100, 101), (101, 100), (100, 100 + by), (300, 284), (284, 300), (100, 100)];
        let edges = [(0, edge), (edge, 0), (edge + 1, 0), (0, edge + 1), (end, end), (end + 1, 0)];
        for (to, from) in near.into_iter().chain(edges).chain([(0, end + 1), (u64::MAX, 0), (0, u64::MAX)]) {
            let ((target, to), (source, own)) = (self.index(0, to), self.index(0, from));
            self.check(&format!("copy{n}"), [target.clone(), source], |bytes, _| {
                let source = bytes.get(range(own))?.to_vec();
                bytes.get_mut(range(to)).map(|bytes| bytes.copy_from_slice(&source))
            });
            let (source, from) = self.index(1, from);
            self.check(&format!("from{n}"), [target, source], |bytes, other| {
                let source = other.get(range(from))?;
                bytes.get_mut(range(to)).map(|bytes| bytes.copy_from_slice(source))
            });
        }
    }
}

#[test]
fn short_ranges_are_filled_and_copied_as_slices_are() {
    let eager = Config::new().compilation(Compilation::Eager);
    for config in [Config::new(), Config::new().guard_pages(false), eager] {
        for (memory, other) in
            [("1 2", "1"), ("1 1 shared", "2 2 shared"), ("i64 1", "1"), ("1", "i64 1"), ("i64 1", "i64 2")]
        {
            let mut subject = Subject::new(&config, memory, other);
            for length in lengths() {
                subject.check_length(length);
            }
        }
    }
}
