//! Tests of the collector through the public interface: objects that compiled code and the host
//! refer to are kept, others are freed, and memory is bounded.
//!
//! Each test runs twice: with default settings, and with a collection before every allocation.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wassay_engine::{
    Config, Engine, ErrorKind, Extern, ExternRef, Features, Func, FuncType, HeapType, Instance, Linker,
    Module, Ref, RefType, Store, StoreLimits, Trap, Val, ValType,
};

const ANYREF: ValType = ValType::Ref(RefType { nullable: true, heap: HeapType::Any });

/// Types and functions for most tests. `churn` allocates garbage, which overwrites wrongly freed
/// objects, and makes the host collect.
const COMMON: &str = r#"
    (type $node (struct (field $value (mut i64)) (field $next (mut (ref null $node)))))
    (type $nodes (array (mut (ref null $node))))
    (type $all (array (mut (ref null $nodes))))
    (import "host" "collect" (func $collect))
    (import "host" "back" (func $back))
    (func $node (param i64) (result (ref $node)) (struct.new $node (local.get 0) (ref.null $node)))
    (func $churn (local $n i32)
      (loop $more
        (drop (struct.new $node (i64.const -1) (ref.null $node)))
        (drop (array.new $nodes (struct.new $node (i64.const -2) (ref.null $node)) (i32.const 5)))
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300))))
      (call $collect))
"#;

/// Runs a test in a store with default settings, and in one that collects at every allocation.
fn both(text: &str, test: impl Fn(&mut Store, Instance)) {
    for always in [false, true] {
        let config = Config::new().features(Features::V3).collect_always(always);
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let instance = instantiate(&mut store, text);
        test(&mut store, instance);
    }
}

fn instantiate(store: &mut Store, text: &str) -> Instance {
    let mut linker = Linker::new();
    let collect = Func::alloc(store, FuncType::new([], []), |mut caller, _, _| caller.collect()).unwrap();
    linker.define("host", "collect", Extern::Func(collect)).unwrap();
    // Collects, and calls the instance's export `inner`.
    let back = Func::alloc(store, FuncType::new([], []), |mut caller, _, _| {
        caller.collect()?;
        let Some(Extern::Func(inner)) = caller.export("inner") else { panic!("`inner` is exported") };
        inner.invoke(&mut caller, &[])?;
        caller.collect()
    });
    linker.define("host", "back", Extern::Func(back.unwrap())).unwrap();
    let text = format!("(module {})", text.replacen("COMMON", COMMON, 1));
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    linker.instantiate(store, &module).unwrap()
}

fn call(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> wassay_engine::Result<Vec<Val>> {
    match instance.export(store, name) {
        Some(Extern::Func(func)) => func.invoke(store, args),
        other => panic!("`{name}` is not a function: {other:?}"),
    }
}

fn run(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> i64 {
    match call(store, instance, name, args).unwrap()[..] {
        [Val::I64(value)] => value,
        ref other => panic!("{name}: {other:?}"),
    }
}

/// The live bytes after a collection.
fn live(store: &mut Store) -> u64 {
    store.collect().unwrap();
    store.heap_stats().live_bytes
}

#[test]
fn a_list_survives_while_garbage_is_allocated() {
    let text = r#"COMMON
        (func (export "sum") (param $length i64) (result i64) (local $list (ref null $node)) (local $sum i64)
          (loop $more
            (local.set $list (struct.new $node (local.get $length) (local.get $list)))
            (drop (array.new_default $nodes (i32.const 20)))
            (br_if $more (i64.ne (local.tee $length (i64.sub (local.get $length) (i64.const 1))) (i64.const 0))))
          (call $collect)
          (loop $more
            (local.set $sum (i64.add (local.get $sum) (struct.get $node $value (local.get $list))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $list (struct.get $node $next (local.get $list)))))))
          (local.get $sum))"#;
    both(text, |store, instance| {
        let length = 2000;
        assert_eq!(run(store, instance, "sum", &[Val::I64(length)]), length * (length + 1) / 2);
        assert_eq!(live(store), 0);
    });
}

#[test]
fn objects_survive_that_only_stack_frames_refer_to() {
    let text = r#"COMMON
        (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
        (func $make (param $depth i32) (result (ref $tree))
          (if (result (ref $tree)) (local.get $depth)
            (then (struct.new $tree (call $make (i32.sub (local.get $depth) (i32.const 1)))
                                    (call $make (i32.sub (local.get $depth) (i32.const 1)))))
            (else (struct.new_default $tree))))
        (func $count (param (ref null $tree)) (result i64)
          (if (result i64) (ref.is_null (local.get 0))
            (then (i64.const 0))
            (else (i64.add (i64.const 1)
              (i64.add (call $count (struct.get $tree $left (local.get 0)))
                       (call $count (struct.get $tree $right (local.get 0))))))))
        (func (export "count") (param i32) (result i64) (call $count (call $make (local.get 0))))"#;
    both(text, |store, instance| {
        assert_eq!(run(store, instance, "count", &[Val::I32(9)]), 1023);
    });
    let mut store = Store::new(&Engine::new(&Config::new().features(Features::V3)).unwrap());
    let instance = instantiate(&mut store, text);
    for _ in 0..20 {
        assert_eq!(run(&mut store, instance, "count", &[Val::I32(14)]), 32_767);
    }
    assert!(store.heap_stats().collections >= 2, "{:?}", store.heap_stats());
}

#[test]
fn an_unreachable_cycle_is_freed() {
    let text = r#"COMMON
        (global $held (mut (ref null $node)) (ref.null $node))
        (func (export "make") (local $first (ref $node))
          (local.set $first (call $node (i64.const 1)))
          (struct.set $node $next (local.get $first) (struct.new $node (i64.const 2) (local.get $first)))
          (global.set $held (local.get $first)))
        (func (export "drop") (global.set $held (ref.null $node)))"#;
    both(text, |store, instance| {
        call(store, instance, "make", &[]).unwrap();
        assert_eq!(live(store), 48);
        call(store, instance, "drop", &[]).unwrap();
        assert_eq!(live(store), 0);
    });
}

#[test]
fn many_references_in_one_frame_survive() {
    // More than there are registers: some are in callee-saved registers or on the stack.
    let count = 24;
    let locals: String = (0..count).map(|n| format!("(local $r{n} (ref null $node))")).collect();
    let set: String =
        (0..count).map(|n| format!("(local.set $r{n} (call $node (i64.const {})))", 1 << n)).collect();
    let sum: String =
        (0..count).map(|n| format!("(struct.get $node $value (local.get $r{n})) i64.add ")).collect();
    let text = format!(
        r#"COMMON (func (export "sum") (result i64) {locals} {set}
            (call $churn) (drop (array.new_default $nodes (i32.const 3000))) (i64.const 0) {sum})"#
    );
    both(&text, |store, instance| {
        assert_eq!(run(store, instance, "sum", &[]), (1 << count) - 1);
    });
}

#[test]
fn arguments_and_results_on_the_stack_survive() {
    let count = 20;
    let params = "(ref $node) ".repeat(count);
    let made: String = (0..count).map(|n| format!("(call $node (i64.const {}))", 1 << n)).collect();
    let sum: String =
        (0..count).map(|n| format!("(i64.add (struct.get $node $value (local.get {n})))")).collect();
    let same: String = (0..count).map(|n| format!("(local.get {n})")).collect();
    let text = format!(
        r#"COMMON
        (func $sum (param {params}) (result i64) (call $churn) (i64.const 0) {sum})
        (func $same (param {params}) (result {params}) (call $churn) {same})
        (func (export "sum") (result i64) {made} (call $same) (return_call $sum))"#
    );
    both(&text, |store, instance| {
        assert_eq!(run(store, instance, "sum", &[]), (1 << count) - 1);
    });
}

#[test]
fn frames_outside_of_a_host_frame_keep_their_objects() {
    let text = r#"COMMON
        (func (export "inner") (call $churn))
        (func (export "outer") (result i64) (local $a (ref $node)) (local $b (ref $nodes))
          (local.set $a (call $node (i64.const 40)))
          (local.set $b (array.new $nodes (call $node (i64.const 2)) (i32.const 1)))
          (call $back)
          (i64.add (struct.get $node $value (local.get $a))
            (struct.get $node $value (array.get $nodes (local.get $b) (i32.const 0)))))"#;
    both(text, |store, instance| {
        assert_eq!(run(store, instance, "outer", &[]), 42);
    });
}

#[test]
fn tables_globals_segments_and_arrays_of_arrays_are_roots() {
    let text = r#"COMMON
        (table $table 10 (ref null $node))
        (table $anys 2 anyref)
        (global $global (mut (ref null $node)) (ref.null $node))
        (global $constant (ref $node) (struct.new $node (i64.const 1000) (ref.null $node)))
        (global $array (mut (ref null $all)) (ref.null $all))
        (elem $segment (ref $node)
          (item (struct.new $node (i64.const 1) (ref.null $node)))
          (item (struct.new $node (i64.const 2) (struct.new $node (i64.const 4) (ref.null $node)))))
        (func (export "make")
          (table.set $table (i32.const 9) (call $node (i64.const 8)))
          (table.set $anys (i32.const 1) (call $node (i64.const 16)))
          (global.set $global (struct.new $node (i64.const 32) (call $node (i64.const 64))))
          (global.set $array (array.new_default $all (i32.const 100)))
          (array.set $all (global.get $array) (i32.const 99) (array.new_default $nodes (i32.const 7)))
          (array.set $nodes (array.get $all (global.get $array) (i32.const 99)) (i32.const 6)
            (call $node (i64.const 128))))
        (func (export "sum") (result i64) (local $segment (ref $nodes))
          (call $churn)
          (local.set $segment (array.new_elem $nodes $segment (i32.const 0) (i32.const 2)))
          (struct.get $node $value (table.get $table (i32.const 9)))
          (struct.get $node $value (ref.cast (ref $node) (table.get $anys (i32.const 1))))
          (struct.get $node $value (global.get $global))
          (struct.get $node $value (struct.get $node $next (global.get $global)))
          (struct.get $node $value (global.get $constant))
          (struct.get $node $value (array.get $nodes (array.get $all (global.get $array) (i32.const 99)) (i32.const 6)))
          (struct.get $node $value (array.get $nodes (local.get $segment) (i32.const 0)))
          (struct.get $node $value (array.get $nodes (local.get $segment) (i32.const 1)))
          (struct.get $node $value (struct.get $node $next (array.get $nodes (local.get $segment) (i32.const 1))))
          i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add)
        (func (export "drop") (elem.drop $segment) (global.set $array (ref.null $all))
          (global.set $global (ref.null $node))
          (table.fill $table (i32.const 0) (ref.null $node) (i32.const 10))
          (table.fill $anys (i32.const 0) (ref.null any) (i32.const 2)))"#;
    both(text, |store, instance| {
        call(store, instance, "make", &[]).unwrap();
        for _ in 0..3 {
            assert_eq!(run(store, instance, "sum", &[]), 1255);
        }
        call(store, instance, "drop", &[]).unwrap();
        assert_eq!(live(store), 24, "only the immutable global's object is left");
    });
}

#[test]
fn objects_that_the_host_holds_survive() {
    let text = r#"COMMON
        (func (export "make") (result (ref $node)) (struct.new $node (i64.const 6) (call $node (i64.const 7))))
        (func (export "churn") (call $churn))
        (func (export "product") (param (ref $node)) (result i64)
          (i64.mul (struct.get $node $value (local.get 0))
            (struct.get $node $value (struct.get $node $next (local.get 0)))))"#;
    both(text, |store, instance| {
        let made = call(store, instance, "make", &[]).unwrap().remove(0);
        call(store, instance, "churn", &[]).unwrap();
        let Val::Ref(Ref::Struct(object)) = &made else { panic!("{made:?}") };
        assert_eq!(object.field(store, 0).unwrap(), Val::I64(6));
        let Val::Ref(Ref::Struct(next)) = object.field(store, 1).unwrap() else { panic!("a structure") };
        assert_eq!(run(store, instance, "product", &[made]), 42);
        assert_eq!(live(store), 24, "the structure that is still held");
        assert_eq!(next.field(store, 0).unwrap(), Val::I64(7));
        drop(next);
        assert_eq!(live(store), 0);
    });
}

#[test]
fn a_host_function_s_arguments_and_results_survive() {
    for always in [false, true] {
        let config = Config::new().features(Features::V3).collect_always(always);
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let ty = FuncType::new([ANYREF, ANYREF], [ANYREF, ANYREF]);
        let same = Func::alloc(&mut store, ty, |mut caller, args, results| {
            results.clone_from_slice(args);
            caller.collect()
        });
        let mut linker = Linker::new();
        linker.define("host", "same", Extern::Func(same.unwrap())).unwrap();
        let text = r#"(module
            (type $node (struct (field i64)))
            (type $nodes (array (ref $node)))
            (import "host" "same" (func $same (param anyref anyref) (result anyref anyref)))
            (func (export "run") (result i64) (local $a anyref) (local $b anyref)
              (call $same (struct.new $node (i64.const 1))
                (array.new $nodes (struct.new $node (i64.const 2)) (i32.const 1)))
              (local.set $b) (local.set $a)
              (i64.add (struct.get $node 0 (ref.cast (ref $node) (local.get $a)))
                (struct.get $node 0 (array.get $nodes (ref.cast (ref $nodes) (local.get $b)) (i32.const 0))))))"#;
        let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        assert_eq!(run(&mut store, instance, "run", &[]), 3);
    }
}

/// Counts drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn host_values_are_kept_wherever_wasm_code_refers_to_them() {
    let text = r#"COMMON
        (type $box (struct (field (mut externref))))
        (table $table 3 externref)
        (global $global (mut externref) (ref.null extern))
        (global $box (mut (ref null $box)) (ref.null $box))
        (global $inside (mut anyref) (ref.null any))
        (func (export "keep") (param externref externref externref externref)
          (table.set $table (i32.const 2) (local.get 0))
          (global.set $global (local.get 1))
          (global.set $box (struct.new $box (local.get 2)))
          (global.set $inside (any.convert_extern (local.get 3)))
          (call $churn))
        (func (export "drop") (table.set $table (i32.const 2) (ref.null extern))
          (global.set $global (ref.null extern)) (global.set $box (ref.null $box))
          (global.set $inside (ref.null any)))"#;
    both(text, |store, instance| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut value =
            || Val::Ref(Ref::Extern(ExternRef::new(store, Counted(Arc::clone(&dropped))).unwrap()));
        let args = [value(), value(), value(), value()];
        call(store, instance, "keep", &args).unwrap();
        drop(args);
        store.collect().unwrap();
        assert_eq!((dropped.load(Ordering::Relaxed), store.heap_stats().host_values), (0, 4));
        call(store, instance, "drop", &[]).unwrap();
        store.collect().unwrap();
        assert_eq!((dropped.load(Ordering::Relaxed), store.heap_stats().host_values), (4, 0));
    });
}

#[test]
fn a_panic_in_the_destructor_of_a_host_value_leaves_the_store_usable() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a bomb");
        }
    }
    let text = r#"COMMON
        (global $kept (mut (ref null $node)) (ref.null $node))
        (func (export "make") (result i64) (global.set $kept (call $node (i64.const 5))) (call $churn)
          (struct.get $node $value (global.get $kept)))"#;
    both(text, |store, instance| {
        // On another thread, so that the reference was never on this thread's stack.
        std::thread::scope(|scope| scope.spawn(|| drop(ExternRef::new(store, Bomb).unwrap())).join())
            .unwrap();
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(store, instance, "make", &[])));
        assert!(result.is_err());
        assert_eq!(run(store, instance, "make", &[]), 5);
        assert_eq!(live(store), 24);
    });
}

#[test]
fn another_thread_cannot_collect_while_code_runs() {
    let config = Config::new().features(Features::V3);
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let collect = Func::alloc(&mut store, FuncType::new([], []), |mut caller, _, _| {
        let kind = std::thread::scope(|scope| scope.spawn(|| caller.collect().unwrap_err().kind()).join());
        assert_eq!(kind.unwrap(), ErrorKind::Usage);
        caller.collect()
    });
    let (mut linker, collect) = (Linker::new(), collect.unwrap());
    linker.define("host", "collect", Extern::Func(collect)).unwrap();
    linker.define("host", "back", Extern::Func(collect)).unwrap();
    let text = format!("(module {COMMON} (func (export \"run\") (call $churn)))");
    let module = Module::new(store.engine(), &wat::parse_str(text).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    call(&mut store, instance, "run", &[]).unwrap();
    std::thread::scope(|scope| scope.spawn(|| live(&mut store)).join()).unwrap();
}

/// The resident memory of the process in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

const GARBAGE: &str = r#"COMMON
    (type $bytes (array (mut i8)))
    (global $list (mut (ref null $node)) (ref.null $node))
    (global $count (export "count") (mut i64) (i64.const 0))
    (func (export "garbage") (param $n i64) (local $kept (ref null $node))
      (loop $more
        (drop (struct.new $node (local.get $n) (local.get $kept)))
        (if (i64.eqz (i64.and (local.get $n) (i64.const 0xfff))) (then
          (local.set $kept (call $node (local.get $n)))
          (drop (array.new_default $bytes (i32.wrap_i64 (local.get $n))))))
        (br_if $more (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
    (func (export "fill") (loop $more
      (global.set $list (struct.new $node (i64.const 0) (global.get $list)))
      (global.set $count (i64.add (global.get $count) (i64.const 1)))
      (br $more)))
    (func (export "drop") (global.set $list (ref.null $node)))"#;

#[test]
fn allocating_a_hundred_times_the_limit_uses_bounded_memory() {
    let heap_bytes = 16 << 20;
    let config = Config::new().features(Features::V3);
    let config = config.limits(StoreLimits { heap_bytes, ..StoreLimits::default() });
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let instance = instantiate(&mut store, GARBAGE);
    // 24 bytes each, and arrays of up to 4 MB.
    let count = 4_000_000;
    let bytes: u64 = count * 24 + (1..=count / 4096).map(|n| n * 4096).sum::<u64>();
    assert!(bytes > 100 * heap_bytes, "{bytes}");
    let before = resident();
    call(&mut store, instance, "garbage", &[Val::I64(count as i64)]).unwrap();
    let grown = resident().saturating_sub(before);
    let stats = store.heap_stats();
    assert!(stats.capacity <= heap_bytes && stats.collections > 100, "{stats:?}");
    assert!(grown < 64 << 20, "{grown} bytes");
}

#[test]
fn exceeding_the_limit_is_an_error_and_the_store_stays_usable() {
    for heap_bytes in [64 << 10, 1 << 20, 20 << 20] {
        let config = Config::new().features(Features::V3);
        let config = config.limits(StoreLimits { heap_bytes, ..StoreLimits::default() });
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let instance = instantiate(&mut store, GARBAGE);
        for round in 1..=3 {
            let error = call(&mut store, instance, "fill", &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit);
            let Some(Extern::Global(count)) = instance.export(&store, "count") else { panic!("exported") };
            let Val::I64(count) = count.read(&store) else { panic!("a number") };
            assert!(count as u64 * 24 > round * heap_bytes * 15 / 16, "{count} objects, round {round}");
            call(&mut store, instance, "drop", &[]).unwrap();
            call(&mut store, instance, "garbage", &[Val::I64(100_000.min(heap_bytes as i64 / 16))]).unwrap();
        }
    }
}

#[test]
fn an_array_that_no_store_could_hold_traps() {
    let text = r#"COMMON
        (type $vectors (array (mut v128)))
        (func (export "make") (param i32) (drop (array.new_default $vectors (local.get 0))))"#;
    both(text, |store, instance| {
        for length in [i32::MAX, -1, 1 << 26] {
            let error = call(store, instance, "make", &[Val::I32(length)]).unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::Trap(Trap::AllocationTooLarge), "allocation size too large")
            );
        }
        call(store, instance, "make", &[Val::I32(1000)]).unwrap();
    });
}

#[test]
fn an_exception_keeps_its_fields_alive() {
    let text = r#"COMMON
        (tag $tag (param (ref $node) i64))
        (table $exceptions 1 exnref)
        (func $throw (param $n i64) (throw $tag (call $node (local.get $n)) (local.get $n)))
        (func $value (param (ref $node) i64) (result i64)
          (i64.add (struct.get $node $value (local.get 0)) (local.get 1)))
        ;; As a local of a frame, through a table, and thrown again.
        (func (export "catch") (result i64) (local $kept exnref)
          (local.set $kept
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught) (call $throw (i64.const 20))) (unreachable)))
          (call $churn)
          (table.set $exceptions (i32.const 0)
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught) (call $throw (i64.const 1))) (unreachable)))
          (call $churn)
          (call $value
            (block $caught (result (ref $node) i64)
              (try_table (catch $tag $caught) (throw_ref (local.get $kept))) (unreachable)))
          (call $value
            (block $caught (result (ref $node) i64)
              (try_table (catch $tag $caught) (throw_ref (table.get $exceptions (i32.const 0)))) (unreachable)))
          (i64.add))
        (func (export "throw") (call $throw (i64.const 4)))
        (func (export "churn") (call $churn))"#;
    both(text, |store, instance| {
        assert_eq!(run(store, instance, "catch", &[]), 42);
        // An uncaught exception is held by the host.
        let error = call(store, instance, "throw", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exception);
        call(store, instance, "churn", &[]).unwrap();
        assert_eq!(live(store), 2 * (24 + 32), "the exceptions of the table and of the error");
        drop(error);
        assert_eq!(live(store), 24 + 32);
    });
}

#[test]
fn a_large_object_that_code_allocated_in_a_hole_survives() {
    let fields = "(field i64)".repeat(5000);
    let text = format!(
        r#"COMMON
        (type $bytes (array (mut i8)))
        (type $wide (struct {fields}))
        (global $bytes (mut (ref null $bytes)) (ref.null $bytes))
        (global $wide (mut (ref null $wide)) (ref.null $wide))
        ;; The builtin allocates the first object of a hole, and compiled code the following ones.
        (func (export "make")
          (drop (call $node (i64.const 0)))
          (global.set $bytes (array.new $bytes (i32.const 7) (i32.const 40000))))
        (func (export "make wide") {}
          (struct.new $wide) (global.set $wide))
        (func (export "use") (result i64)
          (call $churn)
          (call $churn)
          (i64.add
            (i64.extend_i32_u (array.len (global.get $bytes)))
            (i64.extend_i32_u (array.get_u $bytes (global.get $bytes) (i32.const 20)))))
        (func (export "use wide") (result i64)
          (call $churn)
          (call $churn)
          (i64.add
            (struct.get $wide 1 (global.get $wide))
            (struct.get $wide 4999 (global.get $wide))))"#,
        "(i64.const 21)".repeat(5000)
    );
    both(&text, |store, instance| {
        call(store, instance, "make", &[]).unwrap();
        assert_eq!(run(store, instance, "use", &[]), 40_007);
        call(store, instance, "make wide", &[]).unwrap();
        assert_eq!(run(store, instance, "use wide", &[]), 42);
        assert_eq!(run(store, instance, "use", &[]), 40_007);
    });
}

#[test]
fn an_empty_array_can_be_at_the_end_of_the_heap() {
    // As many as fill the open part of the heap, and one more. Each consists of only a header.
    let empty = "(array.new $none (i32.const 0) (i32.const 0))";
    let items = format!("(item {empty})").repeat((1 << 20) / 8 + 1);
    let text = format!(
        r#"(type $none (array i32))
        (type $arrays (array (ref $none)))
        (elem $items (ref $none) {items})
        (func (export "length") (result i64)
          (i64.extend_i32_u (array.len (array.new_elem $arrays $items (i32.const 0) (i32.const 131073)))))"#
    );
    let config = Config::new().features(Features::V3);
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let instance = instantiate(&mut store, &text);
    assert_eq!(run(&mut store, instance, "length", &[]), 131_073);
}
