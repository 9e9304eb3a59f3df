//! Tests of backtraces: the functions that a trap unwound and the instruction in each, for every
//! way to trap.

#![allow(clippy::unwrap_used)]

mod common;

use common::{func, instantiate, store};
use wasmparser::{Operator, Parser, Payload};
use wassay_engine::{
    Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Linker, Module, Store, Trap, Val, ValType,
};

/// The offset of the only instruction with this name in a function, by the function's position
/// among those that are not imported.
#[track_caller]
fn offset(bytes: &[u8], position: usize, instruction: &str) -> u64 {
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload.unwrap() {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    let body = bodies.into_iter().nth(position).unwrap();
    let operators = body.get_operators_reader().unwrap().into_iter_with_offsets().map(Result::unwrap);
    let is_it =
        |operator: &Operator<'_>| format!("{operator:?}").split([' ', '(']).next() == Some(instruction);
    let found: Vec<u64> =
        operators.filter(|(operator, _)| is_it(operator)).map(|(_, offset)| offset).collect();
    assert_eq!(found.len(), 1, "instructions `{instruction}` in function {position}");
    found[0]
}

/// The frames of an error, as pairs of a function index and an offset in its module. No frame may
/// be omitted.
#[track_caller]
fn frames(error: &Error) -> Vec<(u32, u64)> {
    let backtrace = error.backtrace().expect("a backtrace");
    assert_eq!((backtrace.omitted(), backtrace.outermost().count()), (0, 0));
    backtrace.innermost().map(|frame| (frame.func_index, frame.module_offset)).collect()
}

fn compile(store: &Store, text: &str) -> (Module, Vec<u8>) {
    let bytes = wat::parse_str(text).unwrap();
    (Module::new(store.engine(), &bytes).unwrap(), bytes)
}

/// The error of an exported function without arguments.
#[track_caller]
fn failure(store: &mut Store, linker: &Linker, module: &Module, name: &str) -> Error {
    let instance = linker.instantiate(store, module).unwrap();
    func(store, instance, name).invoke(store, &[]).unwrap_err()
}

/// The items that the function bodies below refer to.
const PREAMBLE: &str = r#"
    (type $void (func))
    (type $number (func (result i32)))
    (type $struct (struct (field (mut i32)) (field (ref null $struct))))
    (type $array (array (mut i32)))
    (type $bytes (array (mut i8)))
    (rec (type $described (descriptor $meta) (struct)) (type $meta (describes $described) (struct)))
    (tag $tag)
    (memory 1)
    (memory $wide i64 1)
    (table $table 2 funcref)
    (elem (i32.const 1) func $number)
    (elem $segment func $number)
    (data $data "x")
    (func $number (type $number) (i32.const 0))
    (func $zero (result i32) (i32.const 0))
    (func $null_struct (result (ref null $struct)) (ref.null $struct))
    (func $main (export "main") (call $failing))
"#;

/// Instructions that fail, each in a function of its own, by the decoder's name for them.
const FAILING: &[(&str, Option<Trap>, &str)] = &[
    ("Unreachable", Some(Trap::Unreachable), "(unreachable)"),
    ("I32DivS", Some(Trap::IntegerDivideByZero), "(drop (i32.div_s (i32.const 1) (i32.const 0)))"),
    ("I32DivU", Some(Trap::IntegerDivideByZero), "(drop (i32.div_u (i32.const 1) (call $zero)))"),
    ("I64RemU", Some(Trap::IntegerDivideByZero), "(drop (i64.rem_u (i64.const 1) (i64.const 0)))"),
    (
        "I64DivS",
        Some(Trap::IntegerOverflow),
        "(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))",
    ),
    ("I32TruncF32S", Some(Trap::InvalidConversionToInteger), "(drop (i32.trunc_f32_s (f32.const nan)))"),
    ("I64TruncF64U", Some(Trap::IntegerOverflow), "(drop (i64.trunc_f64_u (f64.const 1e30)))"),
    ("I32Load", Some(Trap::MemoryOutOfBounds), "(drop (i32.load (i32.const -1)))"),
    // The code generator folds the load into the addition.
    (
        "I32Load",
        Some(Trap::MemoryOutOfBounds),
        "(drop (i32.add (call $zero) (i32.load (i32.const -1)))) (nop)",
    ),
    (
        "I64Load",
        Some(Trap::MemoryOutOfBounds),
        "(drop (i32.load (i32.wrap_i64 (i64.load (i32.const 65529)))))",
    ),
    ("I32Load8U", Some(Trap::MemoryOutOfBounds), "(drop (i32.load8_u offset=0xffffffff (call $zero)))"),
    ("I32Store", Some(Trap::MemoryOutOfBounds), "(i32.store (i32.const -1) (call $zero))"),
    ("V128Load", Some(Trap::MemoryOutOfBounds), "(drop (v128.load (i32.const 65530)))"),
    (
        "V128Load8Lane",
        Some(Trap::MemoryOutOfBounds),
        "(drop (v128.load8_lane 3 (i32.const 65536) (v128.const i64x2 0 0)))",
    ),
    ("F64Load", Some(Trap::MemoryOutOfBounds), "(drop (f64.load $wide (i64.const -1)))"),
    ("I64Store8", Some(Trap::MemoryOutOfBounds), "(i64.store8 $wide (i64.const 65536) (i64.const 0))"),
    ("I32AtomicLoad", Some(Trap::UnalignedAtomic), "(drop (i32.atomic.load (i32.const 2)))"),
    (
        "I32AtomicRmwAdd",
        Some(Trap::MemoryOutOfBounds),
        "(drop (i32.atomic.rmw.add (i32.const -4) (i32.const 1)))",
    ),
    (
        "MemoryAtomicWait32",
        Some(Trap::ExpectedSharedMemory),
        "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))",
    ),
    (
        "MemoryFill",
        Some(Trap::MemoryOutOfBounds),
        "(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))",
    ),
    (
        "MemoryCopy",
        Some(Trap::MemoryOutOfBounds),
        "(memory.copy (i32.const 1) (i32.const 0) (i32.const 65536))",
    ),
    (
        "MemoryInit",
        Some(Trap::MemoryOutOfBounds),
        "(memory.init $data (i32.const 0) (i32.const 0) (i32.const 2))",
    ),
    ("TableGet", Some(Trap::TableOutOfBounds), "(drop (table.get $table (i32.const 2)))"),
    ("TableSet", Some(Trap::TableOutOfBounds), "(table.set $table (i32.const 2) (ref.null func))"),
    (
        "TableFill",
        Some(Trap::TableOutOfBounds),
        "(table.fill $table (i32.const 2) (ref.null func) (i32.const 1))",
    ),
    (
        "TableInit",
        Some(Trap::TableOutOfBounds),
        "(table.init $segment (i32.const 2) (i32.const 0) (i32.const 1))",
    ),
    ("CallIndirect", Some(Trap::UninitializedElement), "(call_indirect (type $void) (i32.const 0))"),
    ("CallIndirect", Some(Trap::UndefinedElement), "(call_indirect (type $void) (i32.const 2))"),
    ("CallIndirect", Some(Trap::IndirectCallTypeMismatch), "(call_indirect (type $void) (i32.const 1))"),
    (
        "ReturnCallIndirect",
        Some(Trap::UninitializedElement),
        "(return_call_indirect (type $void) (i32.const 0))",
    ),
    ("CallRef", Some(Trap::NullFunctionReference), "(call_ref $void (ref.null $void))"),
    ("ReturnCallRef", Some(Trap::NullFunctionReference), "(return_call_ref $void (ref.null $void))"),
    ("RefAsNonNull", Some(Trap::NullReference), "(drop (ref.as_non_null (call $null_struct)))"),
    ("StructGet", Some(Trap::NullStructureReference), "(drop (struct.get $struct 0 (call $null_struct)))"),
    (
        "StructGet",
        Some(Trap::NullStructureReference),
        "(drop (i32.add (call $zero) (struct.get $struct 0 (call $null_struct))))",
    ),
    (
        "StructSet",
        Some(Trap::NullStructureReference),
        "(struct.set $struct 0 (call $null_struct) (i32.const 0))",
    ),
    ("ArrayGet", Some(Trap::NullArrayReference), "(drop (array.get $array (ref.null $array) (i32.const 0)))"),
    (
        "ArrayGet",
        Some(Trap::ArrayOutOfBounds),
        "(drop (array.get $array (array.new $array (i32.const 0) (i32.const 3)) (i32.const 3)))",
    ),
    ("ArrayLen", Some(Trap::NullArrayReference), "(drop (array.len (ref.null $array)))"),
    (
        "ArrayFill",
        Some(Trap::ArrayOutOfBounds),
        "(array.fill $array (array.new $array (i32.const 0) (i32.const 3)) (i32.const 1) (i32.const 0) (i32.const 3))",
    ),
    (
        "ArrayNewData",
        Some(Trap::MemoryOutOfBounds),
        "(drop (array.new_data $bytes $data (i32.const 0) (i32.const 2)))",
    ),
    ("RefCastNonNull", Some(Trap::CastFailure), "(drop (ref.cast (ref $array) (ref.i31 (i32.const 0))))"),
    ("I31GetU", Some(Trap::NullI31Reference), "(drop (i31.get_u (ref.null i31)))"),
    ("RefGetDesc", Some(Trap::NullReference), "(drop (ref.get_desc $described (ref.null $described)))"),
    (
        "StructNewDesc",
        Some(Trap::NullDescriptor),
        "(drop (struct.new_desc $described (ref.null (exact $meta))))",
    ),
    ("ThrowRef", Some(Trap::NullExceptionReference), "(throw_ref (ref.null exn))"),
    ("Throw", None, "(throw $tag)"),
];

/// The function indices of `$main` and `$failing`.
const MAIN: u32 = 3;
const FAIL: u32 = 4;

#[test]
fn every_trap_has_the_offset_of_its_instruction() {
    for guard_pages in [true, false] {
        for optimize in [true, false] {
            let features = "3.0,custom-descriptors,threads".parse().unwrap();
            let config = Config::new().features(features).guard_pages(guard_pages).optimize(optimize);
            let mut store = Store::new(&Engine::new(&config).unwrap());
            for (instruction, trap, body) in FAILING {
                let text = format!("(module {PREAMBLE} (func $failing {body}))");
                let (module, bytes) = compile(&store, &text);
                let error = failure(&mut store, &Linker::new(), &module, "main");
                assert_eq!(error.kind(), trap.map_or(ErrorKind::Exception, ErrorKind::Trap), "{body}");
                let failing = (FAIL, offset(&bytes, FAIL as usize, instruction));
                let calling = (MAIN, offset(&bytes, MAIN as usize, "Call"));
                assert_eq!(
                    frames(&error),
                    [failing, calling],
                    "{body}: guards {guard_pages}, fast {optimize}"
                );
            }
        }
    }
}

#[test]
fn a_backtrace_is_displayed_with_a_line_for_each_frame() {
    let mut store = store();
    let text = r#"(module $shop (memory 1)
        (func $count (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
        (func (export "open") (export "again") (call $count (i32.const 0)))
        (func (export "main") (call 1)))"#;
    let (module, bytes) = compile(&store, text);
    let error = failure(&mut store, &Linker::new(), &module, "main");
    let [count, open, main] =
        [(0, "I32DivU"), (1, "Call"), (2, "Call")].map(|(f, name)| offset(&bytes, f, name));
    let expected =
        format!("  0: count (shop+{count:#x})\n  1: open (shop+{open:#x})\n  2: main (shop+{main:#x})");
    assert_eq!(error.backtrace().unwrap().to_string(), expected);
    let frame = error.backtrace().unwrap().innermost().next().unwrap();
    let body = frame.module_offset - frame.func_offset;
    // No locals, followed by two instructions of two bytes.
    assert_eq!((frame.func_offset, bytes[body as usize]), (5, 0));
    assert!(frame.module.is(&module));

    // Without a name section and an export, a function is identified by its index.
    let (module, _) = compile(&store, r#"(module (func unreachable) (func (export "main") (call 0)))"#);
    let error = failure(&mut store, &Linker::new(), &module, "main");
    let lines = error.backtrace().unwrap().to_string();
    assert!(lines.starts_with("  0: func[0] (0x") && lines.contains("\n  1: main (0x"), "{lines}");
}

#[test]
fn a_tail_call_replaces_the_frame_of_its_caller() {
    let mut store = store();
    let text = r#"(module
        (type $wide (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))
        (func $last (type $wide) (unreachable))
        (func $middle (param i32) (return_call $last (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3)
            (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9)))
        (func $first (param i64) (return_call $middle (i32.const 0)))
        (func (export "main") (call $first (i64.const 0)))
        (func (export "at once") (return_call $first (i64.const 0))))"#;
    let (module, bytes) = compile(&store, text);
    let trap = (0, offset(&bytes, 0, "Unreachable"));
    let error = failure(&mut store, &Linker::new(), &module, "main");
    assert_eq!(frames(&error), [trap, (3, offset(&bytes, 3, "Call"))]);
    let error = failure(&mut store, &Linker::new(), &module, "at once");
    assert_eq!(frames(&error), [trap]);
}

#[test]
fn the_innermost_and_outermost_of_many_frames_are_kept() {
    let mut store = store();
    let text = r#"(module
        (func $down (export "down") (param i32)
            (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (unreachable)))))"#;
    let (module, bytes) = compile(&store, text);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let (trap, call) = (offset(&bytes, 0, "Unreachable"), offset(&bytes, 0, "Call"));
    for depth in [0, 1, 23, 24, 31, 32, 33, 1000] {
        let error = func(&store, instance, "down").invoke(&mut store, &[Val::I32(depth)]).unwrap_err();
        let backtrace = error.backtrace().unwrap();
        let innermost: Vec<u64> = backtrace.innermost().map(|frame| frame.module_offset).collect();
        let outermost: Vec<u64> = backtrace.outermost().map(|frame| frame.module_offset).collect();
        let count = depth as usize + 1;
        assert_eq!((innermost.len(), outermost.len()), (count.min(24), count.saturating_sub(24).min(8)));
        assert_eq!(innermost.len() + backtrace.omitted() + outermost.len(), count);
        assert_eq!(innermost[0], trap);
        assert!(innermost[1..].iter().chain(&outermost).all(|offset| *offset == call));
        assert_eq!(backtrace.to_string().lines().count(), count.min(33));
    }
}

#[test]
fn exhaustion_has_a_frame_for_each_call() {
    let mut store = store();
    let text = r#"(module (global $depth (export "depth") (mut i32) (i32.const 0))
        (func $down (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $down))
        (func (export "main") (call $down)))"#;
    let (module, bytes) = compile(&store, text);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let error = func(&store, instance, "main").invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhaustion);
    let Some(Extern::Global(depth)) = instance.export(&store, "depth") else { panic!("a global") };
    let Val::I32(depth) = depth.read(&store) else { panic!("a number") };
    let backtrace = error.backtrace().unwrap();
    // The last call did not reach its first instruction; `main` has a frame as well.
    let count = backtrace.innermost().count() + backtrace.omitted() + backtrace.outermost().count();
    assert_eq!(count, depth as usize + 2);
    let first = backtrace.innermost().next().unwrap();
    assert_eq!((first.func_index, first.func_offset), (0, 0));
    let call = offset(&bytes, 0, "Call");
    assert!(backtrace.innermost().skip(1).all(|frame| (frame.func_index, frame.module_offset) == (0, call)));
    assert_eq!(backtrace.outermost().last().unwrap().func_index, 1);
}

#[test]
fn a_backtrace_has_frames_of_all_modules() {
    let mut store = store();
    let library = r#"(module $library (func (import "h" "call back") (param i32))
        (func $fail (export "fail") (param i32) (drop (i32.load (local.get 0)))) (memory 1))"#;
    let program = r#"(module $program (import "library" "fail" (func $fail (param i32)))
        (func (export "main") (call $fail (i32.const -1))))"#;
    let mut linker = Linker::new();
    let ty = FuncType::new([ValType::I32], []);
    linker.define("h", "call back", Extern::Func(Func::alloc(&mut store, ty, |_, _, _| Ok(())).unwrap()));
    let (library, library_bytes) = compile(&store, library);
    let instance = linker.instantiate(&mut store, &library).unwrap();
    linker.define_instance(&store, "library", instance);
    let (program, program_bytes) = compile(&store, program);
    let error = failure(&mut store, &linker, &program, "main");
    let backtrace = error.backtrace().unwrap();
    let found: Vec<_> = backtrace
        .innermost()
        .map(|f| (f.module.name(), f.func_index, f.module_offset, f.through_host))
        .collect();
    let expected = [
        (Some("library"), 1, offset(&library_bytes, 0, "I32Load"), false),
        (Some("program"), 1, offset(&program_bytes, 0, "Call"), false),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_trap_in_a_start_function_has_a_backtrace_and_one_in_a_segment_has_not() {
    let mut store = store();
    let (module, bytes) = compile(&store, "(module (func $start unreachable) (start $start))");
    let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
    assert_eq!(frames(&error), [(0, offset(&bytes, 0, "Unreachable"))]);
    let (module, _) = compile(&store, "(module (memory 1) (data (i32.const 65536) \"x\"))");
    let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trap(Trap::MemoryOutOfBounds));
    assert!(error.backtrace().is_none());
}

#[test]
fn a_backtrace_does_not_contain_frames_of_previous_calls() {
    let mut store = store();
    let text = r#"(module
        (func $deep (unreachable)) (func (export "deep") (call $deep))
        (func $copy (memory.copy (i32.const -1) (i32.const 0) (i32.const 1))) (memory 1)
        (func (export "copy") (call $copy))
        (func (export "flat") (param i32) (drop (i32.rem_s (i32.const 1) (local.get 0))))
        (func (export "fine")))"#;
    let (module, bytes) = compile(&store, text);
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let mut call = |name, args: &[Val]| func(&store, instance, name).invoke(&mut store, args);
    for _ in 0..2 {
        let unreachable = (0, offset(&bytes, 0, "Unreachable"));
        assert_eq!(frames(&call("deep", &[]).unwrap_err()), [unreachable, (1, offset(&bytes, 1, "Call"))]);
        assert!(call("fine", &[]).is_ok());
        let copy = (2, offset(&bytes, 2, "MemoryCopy"));
        assert_eq!(frames(&call("copy", &[]).unwrap_err()), [copy, (3, offset(&bytes, 3, "Call"))]);
        assert_eq!(frames(&call("flat", &[Val::I32(0)]).unwrap_err()), [(4, offset(&bytes, 4, "I32RemS"))]);
        assert!(call("flat", &[]).unwrap_err().backtrace().is_none(), "nothing was called");
    }
}

#[test]
fn an_uncaught_exception_has_a_backtrace() {
    let mut store = store();
    let text = r#"(module (tag $other) (tag $thrown (param i32))
        (func $throw (throw $thrown (i32.const 1)))
        (func (export "main") (block $caught (try_table (catch $other $caught) (nop))) (call $throw)))"#;
    let (module, bytes) = compile(&store, text);
    let error = failure(&mut store, &Linker::new(), &module, "main");
    assert_eq!(error.kind(), ErrorKind::Exception);
    assert_eq!(frames(&error), [(0, offset(&bytes, 0, "Throw")), (1, offset(&bytes, 1, "Call"))]);
}

#[test]
fn interrupted_code_has_no_backtrace() {
    let mut store = store();
    let instance =
        instantiate(&mut store, &Linker::new(), r#"(module (func (export "spin") (loop (br 0))))"#);
    store.set_deadline(Some(std::time::Instant::now() + std::time::Duration::from_millis(20)));
    let error = func(&store, instance, "spin").invoke(&mut store, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.backtrace().is_none());
}

/// A host function that calls the caller's export `inner` and returns its error, or an error of its
/// own.
fn host(store: &mut Store, own: bool) -> Extern {
    let body = move |mut caller: wassay_engine::Caller<'_>, _: &[Val], _: &mut [Val]| {
        let Some(Extern::Func(inner)) = caller.export("inner") else { panic!("`inner` is exported") };
        match inner.invoke(&mut caller, &[]) {
            Err(_) if own => Err(Error::host("it went wrong")),
            result => result.map(drop),
        }
    };
    Extern::Func(Func::alloc(store, FuncType::new([], []), body).unwrap())
}

const THROUGH_HOST: &str = r#"(module (import "h" "f" (func $host))
    (func $fail (unreachable))
    (func (export "inner") (call $fail))
    (func $between (call $host))
    (func (export "main") (call $between))
    (func (export "tail") (return_call $host)))"#;

#[test]
fn a_backtrace_has_the_frames_on_both_sides_of_a_host_function() {
    let mut store = store();
    let (module, bytes) = compile(&store, THROUGH_HOST);
    let mut linker = Linker::new();
    linker.define("h", "f", host(&mut store, false));
    let error = failure(&mut store, &linker, &module, "main");
    let backtrace = error.backtrace().unwrap();
    let found: Vec<_> =
        backtrace.innermost().map(|f| (f.func_index, f.module_offset, f.through_host)).collect();
    let at = |position, instruction| offset(&bytes, position, instruction);
    let expected = [
        (1, at(0, "Unreachable"), false),
        (2, at(1, "Call"), false),
        (3, at(2, "Call"), true),
        (4, at(3, "Call"), false),
    ];
    assert_eq!(found, expected);
    let lines = backtrace.to_string();
    assert_eq!(lines.lines().nth(2), Some("     a host function"));
    assert_eq!(lines.lines().count(), 5);

    // The function that made a tail call to the host has no frame, and its caller is the host.
    let error = failure(&mut store, &linker, &module, "tail");
    assert_eq!(frames(&error), [(1, at(0, "Unreachable")), (2, at(1, "Call"))]);
}

#[test]
fn an_error_of_the_host_has_a_backtrace() {
    let mut store = store();
    let (module, bytes) = compile(&store, THROUGH_HOST);
    let mut linker = Linker::new();
    linker.define("h", "f", host(&mut store, true));
    let error = failure(&mut store, &linker, &module, "main");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Host, "it went wrong"));
    assert_eq!(frames(&error), [(3, offset(&bytes, 2, "Call")), (4, offset(&bytes, 3, "Call"))]);
    let alone = Func::alloc(&mut store, FuncType::new([], []), |_, _, _| Err(Error::host("alone"))).unwrap();
    assert!(alone.invoke(&mut store, &[]).unwrap_err().backtrace().is_none(), "no wasm code ran");
}

#[test]
fn a_backtrace_has_frames_of_another_store_and_outlives_it() {
    let mut outer = store();
    let inner_text = r#"(module $inner (func $fail (unreachable)) (func (export "run") (call $fail)))"#;
    let inner_bytes = wat::parse_str(inner_text).unwrap();
    let body = {
        let bytes = inner_bytes.clone();
        move |_: wassay_engine::Caller<'_>, _: &[Val], _: &mut [Val]| {
            let mut inner = store();
            let module = Module::new(inner.engine(), &bytes)?;
            let instance = Linker::new().instantiate(&mut inner, &module)?;
            func(&inner, instance, "run").invoke(&mut inner, &[]).map(drop)
        }
    };
    let mut linker = Linker::new();
    let host = Func::alloc(&mut outer, FuncType::new([], []), body).unwrap();
    linker.define("h", "f", Extern::Func(host));
    let text = r#"(module $outer (import "h" "f" (func $host)) (func (export "main") (call $host)))"#;
    let (module, bytes) = compile(&outer, text);
    let error = failure(&mut outer, &linker, &module, "main");
    drop((module, outer));
    let found: Vec<_> = error
        .backtrace()
        .unwrap()
        .innermost()
        .map(|frame| (frame.module.name().map(str::to_owned), frame.func_index, frame.module_offset))
        .collect();
    let [first, second] = [(0, "Unreachable"), (1, "Call")].map(|(f, name)| offset(&inner_bytes, f, name));
    let inner = Some("inner".to_owned());
    let expected = [
        (inner.clone(), 0, first),
        (inner, 1, second),
        (Some("outer".to_owned()), 1, offset(&bytes, 0, "Call")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_innermost_and_outermost_of_many_activations_are_kept() {
    let mut store = Store::new(&Engine::new(&Config::new()).unwrap());
    let text = r#"(module (import "h" "f" (func $host (param i32)))
        (func $down (export "down") (param i32)
            (if (local.get 0) (then (call $host (i32.sub (local.get 0) (i32.const 1)))) (else (unreachable)))))"#;
    let (module, _) = compile(&store, text);
    let ty = FuncType::new([ValType::I32], []);
    let host = Func::alloc(&mut store, ty, |mut caller, args, _| {
        let Some(Extern::Func(down)) = caller.export("down") else { panic!("`down` is exported") };
        down.invoke(&mut caller, args).map(drop)
    });
    let mut linker = Linker::new();
    linker.define("h", "f", Extern::Func(host.unwrap()));
    let instance = linker.instantiate(&mut store, &module).unwrap();
    for depth in [0, 23, 31, 32, 100] {
        let error = func(&store, instance, "down").invoke(&mut store, &[Val::I32(depth)]).unwrap_err();
        let backtrace = error.backtrace().unwrap();
        let (innermost, outermost) = (backtrace.innermost().count(), backtrace.outermost().count());
        assert_eq!(innermost + backtrace.omitted() + outermost, depth as usize + 1);
        let through =
            backtrace.innermost().skip(1).chain(backtrace.outermost()).all(|frame| frame.through_host);
        assert!(through && !backtrace.innermost().next().unwrap().through_host);
    }
}

/// A module with this name section, and a function that traps.
fn with_name_section(section: &[u8]) -> Vec<u8> {
    let mut bytes = wat::parse_str(r#"(module (func unreachable) (func (export "main") (call 0)))"#).unwrap();
    let mut content = b"\x04name".to_vec();
    content.extend_from_slice(section);
    bytes.extend_from_slice(&[0, content.len() as u8]);
    bytes.extend_from_slice(&content);
    bytes
}

#[test]
fn a_damaged_name_section_affects_names_only() {
    let mut store = store();
    // The module is named `m`, its functions `first` and `second`.
    let section = b"\x00\x02\x01m\x01\x10\x02\x00\x05first\x01\x06second";
    let mut lines = |section: &[u8]| {
        let module = Module::new(store.engine(), &with_name_section(section)).unwrap();
        failure(&mut store, &Linker::new(), &module, "main").backtrace().unwrap().to_string()
    };
    let whole = lines(section);
    assert!(whole.starts_with("  0: first (m+0x") && whole.contains("\n  1: second (m+0x"), "{whole}");
    for end in 0..section.len() {
        let cut = lines(&section[..end]);
        assert!(cut.starts_with("  0: f") && cut.contains("\n  1: main ("), "{end}: {cut}");
    }
    for at in 0..section.len() {
        for value in 0..=255 {
            let mut damaged = section.to_vec();
            damaged[at] = value;
            assert!(lines(&damaged).contains("\n  1: "), "{at} {value}");
        }
    }
}
