//! Scripts that exhaust time, memory, stack or the parser.

use super::Verdict;
use super::Verdict::{Ends, Failed, Passed, TimedOut};

/// The scripts with their names and verdicts.
pub(crate) fn all() -> Vec<(String, Verdict, String)> {
    let mut scripts = Vec::new();
    let loops = LOOPS.iter().map(|(name, verdict, fields, body)| {
        // Shared memories are not in 3.0.
        let head = if fields.contains("shared") { ";;! features = \"3.0,threads\"\n" } else { "" };
        let module = format!("{head}(module {fields} (func (export \"f\") (loop $l {body} (br $l))))");
        (format!("loop-{name}"), *verdict, format!("{module}\n(invoke \"f\")\n"))
    });
    scripts.extend(loops);
    let texts = TEXTS.iter().map(|(name, verdict, text)| ((*name).to_owned(), *verdict, (*text).to_owned()));
    scripts.extend(texts);
    scripts.extend(long());
    scripts.into_iter().map(|(name, verdict, text)| (format!("{name}.wast"), verdict, text)).collect()
}

/// Endless loops: the fields of the module, and what the loop does.
const LOOPS: &[(&str, Verdict, &str, &str)] = &[
    ("nothing", TimedOut, "", ""),
    (
        "memory-fill",
        TimedOut,
        "(memory 2048)",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x8000000))",
    ),
    (
        "memory-copy",
        TimedOut,
        "(memory 2048)",
        "(memory.copy (i32.const 1) (i32.const 0) (i32.const 0x7ffffff))",
    ),
    (
        "memory-init",
        TimedOut,
        "(memory 1) (data $d \"some bytes\")",
        "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 10))",
    ),
    ("memory-grow", Ends, "(memory 1)", "(drop (memory.grow (i32.const 1)))"),
    (
        "table-fill",
        TimedOut,
        "(table 8000000 externref)",
        "(table.fill (i32.const 0) (ref.null extern) (i32.const 8000000))",
    ),
    (
        "table-copy",
        TimedOut,
        "(table 8000000 externref)",
        "(table.copy (i32.const 1) (i32.const 0) (i32.const 7999999))",
    ),
    (
        "table-init",
        TimedOut,
        "(table 9 funcref) (elem $e func $g $g $g) (func $g)",
        "(table.init $e (i32.const 0) (i32.const 0) (i32.const 3))",
    ),
    ("table-grow", Ends, "(table 1 externref)", "(drop (table.grow (ref.null extern) (i32.const 100000)))"),
    (
        "array-new",
        TimedOut,
        "(type $a (array (mut i64)))",
        "(drop (array.new $a (i64.const 1) (i32.const 4000000)))",
    ),
    (
        "array-fill",
        TimedOut,
        "(type $a (array (mut i64))) (global $g (ref $a) (array.new $a (i64.const 1) (i32.const 4000000)))",
        "(array.fill $a (global.get $g) (i32.const 0) (i64.const 2) (i32.const 4000000))",
    ),
    (
        "array-copy",
        TimedOut,
        "(type $a (array (mut i64))) (global $g (ref $a) (array.new $a (i64.const 1) (i32.const 4000000)))",
        "(array.copy $a $a (global.get $g) (i32.const 1) (global.get $g) (i32.const 0) (i32.const 3999999))",
    ),
    (
        "array-init-data",
        TimedOut,
        "(type $a (array (mut i8))) (data $d \"some bytes\") \
         (global $g (ref $a) (array.new $a (i32.const 1) (i32.const 10)))",
        "(array.init_data $a $d (global.get $g) (i32.const 0) (i32.const 0) (i32.const 10))",
    ),
    (
        "array-new-elem",
        TimedOut,
        "(type $a (array (mut funcref))) (elem $e funcref (ref.null func) (ref.null func))",
        "(drop (array.new_elem $a $e (i32.const 0) (i32.const 2)))",
    ),
    (
        "garbage",
        TimedOut,
        "(type $s (struct (field i64 i64)))",
        "(drop (struct.new $s (i64.const 1) (i64.const 2)))",
    ),
    (
        "no-garbage",
        Ends,
        "(type $s (struct (field (mut (ref null $s))))) (global $g (mut (ref null $s)) (ref.null $s))",
        "(global.set $g (struct.new $s (global.get $g)))",
    ),
    (
        "wait",
        TimedOut,
        "(memory 1 1 shared)",
        "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))",
    ),
    ("throw", TimedOut, "(tag $t) (func $g (throw $t))", "(block $h (try_table (catch $t $h) (call $g)))"),
    ("tail-call", TimedOut, "(func $g (return_call $g))", "(call $g)"),
    (
        "host-call",
        TimedOut,
        "(import \"spectest\" \"print_i32\" (func $p (param i32)))",
        "(call $p (i32.const 1))",
    ),
];

const TEXTS: &[(&str, Verdict, &str)] = &[
    ("good", Passed, super::common::PASSES),
    ("good-again", Passed, super::common::PASSES),
    ("start", TimedOut, "(module (func $s (loop (br 0))) (start $s))"),
    ("recursion", Failed, "(module (func $f (export \"f\") (call $f)))\n(invoke \"f\")"),
    (
        "thread",
        Ends,
        ";;! features = \"3.0,threads\"\n(module $m (memory (export \"m\") 1 1 shared))\n(register \"m\" $m)\n(thread $t (shared (module $m))
          (register \"m\" $m)
          (module (memory (import \"m\" \"m\") 1 1 shared)
            (func (export \"f\") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
          (invoke \"f\"))\n(wait $t)",
    ),
    ("huge-memory", Ends, "(module (memory 65536))\n(module (memory 65536))\n(module (memory 65536))"),
    ("huge-table", Failed, "(module (table 0xffffffff funcref))"),
    ("huge-memory64", Failed, "(module (memory i64 0x1000000000000))"),
    ("header-escape", Failed, ";;! \u{1b}]0;title\u{7} = \"\u{202e}\"\n(module"),
    (
        "export-escape",
        Failed,
        "(module (func (export \"\\1b]0;t\\07\\e2\\80\\ae\") unreachable))\n(invoke \"\\1b]0;t\\07\\e2\\80\\ae\")",
    ),
    ("text-escape", Failed, "(assert_trap (invoke \"\\1b[2J\") \"\\1b[31m\\c2\\9b31m\")"),
    ("workflow-command", Failed, "(assert_return\n::error file=x::forged\n##[error]forged\n(invoke \"f\"))"),
    ("nul", Failed, "(module)\0\0\0"),
];

fn long() -> Vec<(String, Verdict, String)> {
    let many =
        |open: &str, close: &str, count: usize| format!("{}{}", open.repeat(count), close.repeat(count));
    let function = |body: &str| format!("(module (func (export \"f\") {body}))\n(invoke \"f\")");
    let named = |name: &str, verdict, text| (name.to_owned(), verdict, text);
    vec![
        named("open", Failed, "(".repeat(3_000_000)),
        named("comment", Failed, "(;".repeat(3_000_000)),
        named("string", Failed, format!("(module quote \"{}", "a".repeat(30_000_000))),
        named("blocks", Ends, function(&many("(block ", ")", 200_000))),
        named(
            "folded",
            Ends,
            function(&format!("(drop {})", many("(i32.eqz ", ")", 200_000).replace("()", "(i32.const 0)"))),
        ),
        named("directives", Ends, "(invoke \"f\")".repeat(100_000)),
        named("locals", Ends, function(&format!("(local {})", "i64 ".repeat(49_000)))),
        named("parameters", Failed, format!("(module (func (param {})))", "i64 ".repeat(200_000))),
        named("labels", Ends, function(&format!("(br_table {} (i32.const 0))", "0 ".repeat(100_000)))),
        named(
            "segments",
            Ends,
            format!("(module (memory 1) {})", "(data (i32.const 0) \"x\")".repeat(90_000)),
        ),
        named("types", Ends, format!("(module {})", "(type (func))".repeat(300_000))),
        named("long-line", Ends, format!("(module (func (export \"f\") {}))", "nop ".repeat(2_000_000))),
        named("long-name", Failed, format!("(invoke \"{}\")", "\\1b".repeat(1_000_000))),
    ]
}
