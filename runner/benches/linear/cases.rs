//! Scripts that have very many of something.

/// A script that has this many of something.
pub(crate) type Text = fn(usize) -> String;

/// What scripts have many of.
pub(crate) const CASES: &[(&str, Text)] = &[
    // Directives.
    ("directives on one line", |n| format!("{ONE} {}", format!("{RIGHT} ").repeat(n))),
    ("directives on lines", |n| format!("{ONE}\n{}", format!("{RIGHT}\n").repeat(n))),
    ("directives between CRs", |n| format!("{ONE}\r{}", format!("{RIGHT}\r").repeat(n))),
    ("failures on one line", |n| format!("{ONE} {}", format!("{WRONG} ").repeat(n))),
    ("failures on lines", |n| format!("{ONE}\n{}", format!("{WRONG}\n").repeat(n))),
    ("malformed directives on one line", |n| "(assert_return (typo)) ".repeat(n)),
    ("malformed directives on lines", |n| "(assert_return (typo))\n".repeat(n)),
    ("unknown directives", |n| each(n, |i| format!("(modul $m{i} \"r{i}\")\n"))),
    ("characters that no token has", |n| format!("(a {}) (module)", "\u{7}".repeat(n))),
    ("forms with such characters", |n| "(a \u{7}) ".repeat(n)),
    ("forms with malformed strings", |n| "(a \"\\q\")\n".repeat(n)),
    ("words between forms", |n| "a ".repeat(n)),
    ("empty forms", |n| "()".repeat(n)),
    ("nested parentheses", |n| format!("{}{}", "(".repeat(n), ")".repeat(n))),
    ("comments", |n| format!("(module) {}", "(; a ;) ;; b\n".repeat(n))),
    ("annotations", |n| format!("(module) {}", "(@a (b))".repeat(n))),
    ("lines before a header", |n| format!("{};;! reason = \"r\"\n(module)", ";; a\n".repeat(n))),
    ("keys of a header", |n| each(n, |i| format!(";;! k{i} = 1\n"))),
    ("prose in a header", |n| ";;! a b\n".repeat(n)),
    ("marks after a header", |n| format!("(module)\n{}", ";;! a\n".repeat(n))),
    // What they bind.
    ("modules", |n| "(module)\n".repeat(n)),
    ("names of modules", |n| {
        each(n, |i| format!("(module definition $m{i})(module instance $i{i} $m{i})\n"))
    }),
    ("unbound names", |n| each(n, |i| format!("(module $m{i} (typo))\n"))),
    ("all names unbound", |n| "(module $a) (module $) (register r)\n".repeat(n)),
    ("registrations", |n| format!("{ONE}{}", each(n, |i| format!("(register \"r{i}\")\n")))),
    ("threads", |n| "(thread $t)(wait $t)\n".repeat(n)),
    ("references", |n| {
        let calls = each(n, |i| format!("(invoke \"f\" (ref.extern {i}))\n"));
        format!("(module (func (export \"f\") (param externref)))\n{calls}")
    }),
    ("bytes of a name", |n| format!("(module ${0}) (register \"{0}\" ${0})", "a".repeat(n))),
    // What they compare.
    ("arguments", |n| format!("{ONE}(invoke \"f\" {})", "(i32.const 1)".repeat(n))),
    ("results", |n| format!("{ONE}(assert_return (invoke \"f\") {})", "(i32.const 1)".repeat(n))),
    ("alternatives", |n| {
        format!("{ONE}(assert_return (invoke \"f\") (either {}))", "(i32.const 2)".repeat(n))
    }),
    ("traps", |n| {
        let trap = "(assert_trap (invoke \"f\") \"unreachable\")\n";
        format!("(module (func (export \"f\") unreachable))\n{}", trap.repeat(n))
    }),
    ("invalid modules", |n| "(assert_invalid (module (func (result i32))) \"type mismatch\") ".repeat(n)),
    ("malformed modules", |n| "(assert_malformed (module quote \"(a)\") \"unexpected token\") ".repeat(n)),
    // Modules.
    ("types", |n| module(&each(n, |i| format!("(type (func (param {})))", bits(i))))),
    ("types of one group", |n| {
        module(&format!(
            "(rec {})",
            each(n, |i| format!("(type (struct (field (ref null {}))))", (i + 1) % n))
        ))
    }),
    ("subtypes", |n| module(&format!("(type $b (sub (struct))) {}", "(type (sub $b (struct)))".repeat(n)))),
    ("imports", |n| {
        format!("{ONE}(register \"m\") {}", module(&"(import \"m\" \"f\" (func (result i32)))".repeat(n)))
    }),
    ("imports of spectest", |n| module(&"(import \"spectest\" \"print\" (func))".repeat(n))),
    ("exports", |n| module(&format!("(func $f) {}", each(n, |i| format!("(export \"{i}\" (func $f))"))))),
    ("functions", |n| module(&"(func (result i32) (i32.const 1))".repeat(n))),
    ("names of functions", |n| module(&each(n, |i| format!("(func $f{i} (param $p i32))")))),
    ("globals", |n| module(&each(n, |i| format!("(global i32 (i32.const {i}))")))),
    ("globals by globals", |n| {
        module(&format!(
            "(global i32 (i32.const 1)) {}",
            each(n, |i| format!("(global i32 (global.get {i}))"))
        ))
    }),
    ("tables", |n| module(&"(table 1 funcref)".repeat(n))),
    ("tags", |n| module(&"(tag (param i32))".repeat(n))),
    ("data segments", |n| {
        module(&format!("(memory 1) {}", "(data (i32.const 0) \"a\")".repeat(n.min(100_000))))
    }),
    ("bytes of data", |n| module(&format!("(memory 99) (data \"{}\")", "a".repeat(n)))),
    ("escapes in data", |n| module(&format!("(memory 99) (data \"{}\")", "\\41".repeat(n)))),
    ("strings of data", |n| module(&format!("(memory 99) (data {})", "\"a\" ".repeat(n)))),
    ("strings of a quoted module", |n| format!("(module quote {})", "\"(type (func))\" ".repeat(n))),
    ("strings of a binary module", |n| {
        format!("(module binary \"\\00asm\\01\\00\\00\\00\" {})", "\"\\00\\02\\01a\" ".repeat(n))
    }),
    ("element segments", |n| {
        module(&format!("(func $f) (table 1 funcref) {}", "(elem (i32.const 0) $f)".repeat(n.min(100_000))))
    }),
    ("elements", |n| module(&format!("(func $f) (elem func {})", "$f ".repeat(n)))),
    ("custom sections", |n| module(&"(@custom \"a\" \"b\")".repeat(n))),
    // Functions.
    ("calls", |n| module(&format!("(func $f) {}", func(&"call $f ".repeat(n))))),
    ("indirect calls", |n| {
        module(&format!("(table 1 funcref) {}", func(&"i32.const 0 call_indirect ".repeat(n))))
    }),
    ("calls of many functions", |n| {
        module(&format!("{} {}", "(func)".repeat(n), func(&each(n, |i| format!("call {i} ")))))
    }),
    ("locals", |n| {
        let n = n.min(49_999);
        module(&format!(
            "(func {} {})",
            "(local i32)".repeat(n),
            each(n, |i| format!("i32.const 1 local.set {i} "))
        ))
    }),
    ("locals and blocks", |n| {
        let block = |i| format!("block local.get 0 br_if 0 local.get {0} local.set {0} end ", 1 + i % 1000);
        let uses = each(1000, |i| format!("local.get {} drop ", i + 1));
        module(&format!("(func (param i32) {} {} {uses})", "(local i32)".repeat(1000), each(n, block)))
    }),
    ("nested blocks", |n| module(&func(&format!("{} {}", "block ".repeat(n), "end ".repeat(n))))),
    ("nested branches outwards", |n| {
        let branches = each(n, |i| format!("local.get 0 br_if {i} "));
        module(&func(&format!("{} {branches} {}", "block ".repeat(n), "end ".repeat(n))))
    }),
    ("nested loops", |n| {
        module(&func(&format!("{} {}", "loop ".repeat(n), "local.get 0 br_if 0 end ".repeat(n))))
    }),
    ("nested ifs", |n| module(&func(&format!("{} {}", "local.get 0 if ".repeat(n), "end ".repeat(n))))),
    ("loops", |n| module(&func(&"loop local.get 0 br_if 0 end ".repeat(n)))),
    ("targets of a table", |n| {
        module(&func(&format!("block local.get 0 br_table {} end", "0 ".repeat(n.min(65_000)))))
    }),
    ("labels of a table", |n| {
        let n = n.min(65_000);
        let table = each(n, |i| format!("{i} "));
        module(&func(&format!("{} local.get 0 br_table {table} {}", "block ".repeat(n), "end ".repeat(n))))
    }),
    ("tables of branches", |n| module(&func(&"block local.get 0 br_table 0 0 end ".repeat(n)))),
    ("catch clauses", |n| {
        let clauses = "(catch $t 0) ".repeat(n.min(10_000));
        module(&format!("(tag $t) (func $f) {}", func(&format!("block (try_table {clauses} call $f) end"))))
    }),
    ("handlers", |n| {
        module(&format!(
            "(tag $t) (func $f) {}",
            func(&"(block (try_table (catch $t 0) (call $f)))".repeat(n))
        ))
    }),
    ("nested handlers", |n| {
        let opened = "try_table (catch $t 0) ".repeat(n);
        module(&format!(
            "(tag $t) (func $f) {}",
            func(&format!("block {opened} call $f {} end", "end ".repeat(n)))
        ))
    }),
    ("legacy handlers", |n| {
        module(&format!("(tag $t) (func $f) {}", func(&"(try (do (call $f)) (catch $t))".repeat(n))))
    }),
    ("operands", |n| {
        module(&format!("(func (result i32) {} {})", "i32.const 1 ".repeat(n), "i32.add ".repeat(n - 1)))
    }),
    ("loads", |n| module(&format!("(memory 1) {}", func(&"local.get 0 i32.load drop ".repeat(n))))),
    ("values of an array", |n| {
        let n = n.min(10_000);
        let values = "i32.const 1 ".repeat(n);
        module(&format!("(type $a (array i32)) {}", func(&format!("{values} array.new_fixed $a {n} drop"))))
    }),
    ("casts", |n| {
        module(&format!(
            "(type $s (struct)) (func (param anyref) {})",
            "local.get 0 ref.test (ref $s) drop ".repeat(n)
        ))
    }),
];

const ONE: &str = "(module (func (export \"f\") (result i32) (i32.const 1)))";
const RIGHT: &str = "(assert_return (invoke \"f\") (i32.const 1))";
const WRONG: &str = "(assert_return (invoke \"f\") (i32.const 2))";

fn each(n: usize, text: impl Fn(usize) -> String) -> String {
    (0..n).map(text).collect()
}

fn module(fields: &str) -> String {
    format!("(module {fields})")
}

fn func(body: &str) -> String {
    format!("(func (param i32) {body})")
}

/// A list of types for each number.
fn bits(number: usize) -> String {
    (0..20).map(|bit| if number >> bit & 1 == 0 { "i32 " } else { "i64 " }).collect()
}
