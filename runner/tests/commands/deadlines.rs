//! Tests that `--timeout` ends scripts, guests and programs in any state. `docs/limits.md` lists
//! these states, each with its test here.
//!
//! Each script here would run forever, or much longer than its time limit. The table has the
//! measured lateness; here the margin is wide, for loaded machines.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Folder, clean, run};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};
use wassay_reports::{Outcome, Report, json};

/// The time limit of each case.
const GIVEN: Duration = Duration::from_millis(400);

/// How late a case may end here.
const LATE: Duration = Duration::from_secs(30);

/// Runs cases one after the other; each must time out by itself.
#[track_caller]
fn end<T: AsRef<[u8]>>(files: &[(&str, T)]) {
    let folder = Folder::new(files);
    let reports = Folder::new::<&str>(&[]);
    let report = format!("json={}", reports.arg("r.json"));
    let given = format!("{}ms", GIVEN.as_millis());
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["test", "--jobs", "1", "--timeout", &given, "--report", &report]);
    let ran = run(command.arg(folder.path()));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!ran.err.contains("abandoned"), "it did not end by itself: {}", ran.err);
    let report: Report = json::parse(&std::fs::read_to_string(reports.file("r.json")).unwrap()).unwrap();
    for case in report.suites.iter().flat_map(|suite| &suite.cases) {
        assert_eq!(case.outcome, Outcome::Timeout, "{}: {}", case.name, ran.out);
        let late = case.duration.saturating_sub(GIVEN);
        assert!(late < LATE, "{} was {late:?} late", case.name);
    }
}

/// A script that calls a function with this body again and again.
fn repeated(fields: &str, body: &str) -> String {
    once(fields, &format!("(loop $again {body} (br $again))"))
}

/// A script that calls a function with this body.
fn once(fields: &str, body: &str) -> String {
    format!(
        ";;! features = \"3.0,threads\"\n(module {fields} (func (export \"f\") (local i32) {body}))\n(invoke \"f\")\n"
    )
}

/// 128 MiB.
const MEMORY: &str = "(memory $m 2048 2048)";
const SIZE: usize = 128 << 20;

#[test]
fn instructions_on_much_memory() {
    let twice = "(memory $m 2048) (memory $n 2048)";
    let shared = "(memory $m 2048 2048 shared)";
    let data = format!("{MEMORY} (data $d \"{}\")", "a".repeat(1 << 20));
    let fill = format!("(memory.fill (i32.const 0) (i32.const 1) (i32.const {SIZE}))");
    let copy = |to: usize, from: usize| {
        format!("(memory.copy (i32.const {to}) (i32.const {from}) (i32.const {}))", SIZE - 1)
    };
    end(&[
        ("fill.wast", repeated(MEMORY, &fill)),
        ("fill_shared.wast", repeated(shared, &fill)),
        ("copy_up.wast", repeated(MEMORY, &copy(1, 0))),
        ("copy_down.wast", repeated(MEMORY, &copy(0, 1))),
        ("copy_shared.wast", repeated(shared, &copy(1, 0))),
        (
            "copy_between.wast",
            repeated(twice, "(memory.copy $m $n (i32.const 0) (i32.const 0) (i32.const 134217728))"),
        ),
        ("init.wast", repeated(&data, "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1048576))")),
        ("small.wast", repeated(MEMORY, "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1))")),
    ]);
}

#[test]
fn instructions_on_large_tables() {
    let one = "(table $t 8000000 funcref)";
    let two = "(table $t 8000000 funcref) (table $u 8000000 funcref)";
    let segment =
        format!("(table $t 100000 funcref) (elem $e funcref {})", "(ref.null func)".repeat(100_000));
    end(&[
        ("fill.wast", repeated(one, "(table.fill $t (i32.const 0) (ref.null func) (i32.const 8000000))")),
        ("copy.wast", repeated(one, "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 7999999))")),
        ("between.wast", repeated(two, "(table.copy $t $u (i32.const 0) (i32.const 0) (i32.const 8000000))")),
        (
            "init.wast",
            repeated(&segment, "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 100000))"),
        ),
        ("small.wast", repeated(one, "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))")),
    ]);
}

const ARRAYS: &str = "(type $a (array (mut i8))) (type $b (array (mut i64)))
    (global $g (ref $a) (array.new_default $a (i32.const 100000000)))";

#[test]
fn instructions_on_large_arrays() {
    let data = format!("{ARRAYS} (data $d \"{}\")", "a".repeat(1 << 20));
    end(&[
        ("new.wast", repeated(ARRAYS, "(drop (array.new_default $a (i32.const 100000000)))")),
        ("new_of.wast", repeated(ARRAYS, "(drop (array.new $b (i64.const 7) (i32.const 10000000)))")),
        (
            "fill.wast",
            repeated(
                ARRAYS,
                "(array.fill $a (global.get $g) (i32.const 0) (i32.const 1) (i32.const 100000000))",
            ),
        ),
        (
            "copy.wast",
            repeated(
                ARRAYS,
                "(array.copy $a $a (global.get $g) (i32.const 1) (global.get $g) (i32.const 0) (i32.const 99999999))",
            ),
        ),
        ("new_data.wast", repeated(&data, "(drop (array.new_data $a $d (i32.const 0) (i32.const 1000000)))")),
        (
            "init_data.wast",
            repeated(
                &data,
                "(array.init_data $a $d (global.get $g) (i32.const 0) (i32.const 0) (i32.const 1000000))",
            ),
        ),
    ]);
}

#[test]
fn growth() {
    let table = "(table $t 0 funcref) (elem declare func $g) (func $g)";
    end(&[
        ("memory.wast", repeated("(memory 1)", "(drop (memory.grow (i32.const 0)))")),
        ("table.wast", repeated(table, "(drop (table.grow $t (ref.func $g) (i32.const 1)))")),
    ]);
}

#[test]
fn collections() {
    let list = "(type $n (struct (field (ref null $n)) (field i64))) (type $a (array (mut i8)))
        (global $h (mut (ref null $n)) (ref.null $n))";
    let more = "(global.set $h (struct.new $n (global.get $h) (i64.const 1)))";
    let some = format!(
        "(loop $more {more} (br_if $more (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2000000))))
         (loop $again (drop (array.new_default $a (i32.const 8000000))) (br $again))"
    );
    let table = "(type $a (array (mut i8))) (table $t 20000000 anyref)";
    end(&[
        ("list.wast", once(list, &some)),
        ("table.wast", repeated(table, "(drop (array.new_default $a (i32.const 8000000)))")),
    ]);
}

#[test]
fn calls_of_the_host() {
    let print = "(import \"spectest\" \"print\" (func $print))";
    let start = format!("(module {print} (func $f (loop $again (call $print) (br $again))) (start $f))\n");
    end(&[("call.wast", repeated(print, "(call $print)")), ("start.wast", start)]);
}

#[test]
fn calls_exceptions_and_tail_calls() {
    let deep = "(tag $t) (func $d (param i32)
        (if (local.get 0) (then (call $d (i32.sub (local.get 0) (i32.const 1)))) (else (throw $t))))";
    let tree = "(func $t (param i32) (if (local.get 0)
        (then (call $t (i32.sub (local.get 0) (i32.const 1))) (call $t (i32.sub (local.get 0) (i32.const 1))))))";
    end(&[
        ("throw.wast", repeated(deep, "(block $b (try_table (catch $t $b) (throw $t)))")),
        ("unwind.wast", repeated(deep, "(block $b (try_table (catch $t $b) (call $d (i32.const 5000))))")),
        ("tail.wast", once("(func $g (return_call $g))", "(call $g)")),
        ("tree.wast", once(tree, "(call $t (i32.const 60))")),
        ("loop.wast", repeated("", "")),
    ]);
}

#[test]
fn waiting_at_an_address() {
    let forever = "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))";
    let notify = "(drop (memory.atomic.notify (i32.const 0) (i32.const 1)))";
    end(&[
        ("wait.wast", once("(memory 1 1 shared)", forever)),
        ("notify.wast", repeated("(memory 1 1 shared)", notify)),
    ]);
}

#[test]
fn instantiation() {
    let functions = format!(
        "(module definition $m (table 200000 funcref) (elem (i32.const 0) funcref {}))\n{}",
        "(ref.null func)".repeat(200_000),
        "(module instance $m)\n".repeat(3000)
    );
    let data = "(data (i32.const 0) \"aaaaaaaaaaaaaaaa\")".repeat(20_000);
    let segments =
        format!("(module definition $m (memory 1) {data})\n{}", "(module instance $m)\n".repeat(20_000));
    end(&[("elements.wast", functions), ("segments.wast", segments)]);
}

#[test]
fn directives_that_only_read() {
    let text = "(func (result i32) (i32.add (i32.const 1) (i32.const 2)))".repeat(40);
    let malformed = format!("(assert_malformed (module quote \"{text} (func (i32.const))\") \"x\")\n");
    end(&[("malformed.wast", malformed.repeat(20_000))]);
}

#[test]
fn a_large_text() {
    let text = "(func (result i32) (i32.add (i32.const 1) (i32.const 2)))".repeat(100_000);
    end(&[("quote.wast", format!("(module quote \"{text}\")\n"))]);
}

#[test]
fn a_function_that_is_hard_to_compile() {
    let types = "i32 ".repeat(1000);
    let gets: String = (0..1000).map(|local| format!("local.get {local} ")).collect();
    let function = format!(
        "(module (type $t (func (param {types}) (result {types}))) (func $f (type $t) {gets})
           (func $hard (type $t) {gets} {})
           (func $start {} call $hard {}) (start $start))\n",
        "call $f ".repeat(1000),
        "i32.const 0 ".repeat(1000),
        "drop ".repeat(1000)
    );
    end(&[("calls.wast", function)]);
}

#[test]
fn threads_of_a_script() {
    let thread = format!(
        ";;! features = \"3.0,threads\"\n(thread $t (module {MEMORY} (func (export \"f\")
           (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const {SIZE})) (br $again))))
           (invoke \"f\"))\n(wait $t)\n"
    );
    end(&[("thread.wast", thread)]);
}

/// A guest that imports these functions of WASI.
fn guest(imports: &[(&str, &str)], pages: usize, body: &str) -> String {
    let imports: String = imports
        .iter()
        .map(|(name, ty)| {
            format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} {ty} (result i32)))")
        })
        .collect();
    // At 16 a buffer with all from 4096 on, at 64 the name of a file.
    let length = (pages << 16) - 8192;
    let bytes: String =
        [4096, length as u32].iter().flat_map(|n| n.to_le_bytes()).map(|b| format!("\\{b:02x}")).collect();
    format!(
        "(module {imports} (memory (export \"memory\") {pages}) (data (i32.const 16) \"{bytes}\") (data (i32.const 64) \"f\")
           (func (export \"_start\") (local i32) {body}))\n"
    )
}

const OPEN: (&str, &str) = ("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32)");
const TO_OPEN: &str =
    "(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 9)
    (i64.const 0x1fffffff) (i64.const 0) (i32.const 0) (i32.const 8)))";

fn again(call: &str) -> String {
    format!("(loop $again (drop {call}) (br $again))")
}

#[test]
fn transfers_of_a_guest() {
    let iovec = "(i32.const 16) (i32.const 1)";
    let forget = again(&format!("(call $fd_write (i32.const 1) {iovec} (i32.const 0))"));
    let write = format!(
        "{TO_OPEN} {}",
        again(&format!("(call $fd_pwrite (i32.load (i32.const 8)) {iovec} (i64.const 0) (i32.const 0))"))
    );
    let random = again("(call $random_get (i32.const 0) (i32.const 536870912))");
    let folder = ("folder/file", String::new());
    let settings = |folder: bool| if folder { "{\"dirs\": [\"folder\"]}" } else { "{}" }.to_owned();
    end(&[
        folder,
        ("forget.wat", guest(&[("fd_write", "(param i32 i32 i32 i32)")], 8192, &forget)),
        ("forget.json", settings(false)),
        ("write.wat", guest(&[OPEN, ("fd_pwrite", "(param i32 i32 i32 i64 i32)")], 8192, &write)),
        ("write.json", settings(true)),
        ("random.wat", guest(&[("random_get", "(param i32 i32)")], 8192, &random)),
        ("random.json", settings(false)),
    ]);
}

#[test]
fn small_calls_of_a_guest() {
    let sleep = "(i64.store (i32.const 88) (i64.const 60000000000))
        (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))";
    let sleep = format!("(i64.store (i32.const 64) (i64.const 0)) {sleep}");
    let settings = "{}".to_owned();
    end(&[
        ("yield.wat", guest(&[("sched_yield", "")], 1, &again("(call $sched_yield)"))),
        ("yield.json", settings.clone()),
        (
            "clock.wat",
            guest(
                &[("clock_time_get", "(param i32 i64 i32)")],
                1,
                &again("(call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 0))"),
            ),
        ),
        ("clock.json", settings.clone()),
        ("sleep.wat", guest(&[("poll_oneoff", "(param i32 i32 i32 i32)")], 1, &sleep)),
        ("sleep.json", settings),
    ]);
}

/// Room that a guest asks for is found by the system, which is interrupted.
#[test]
fn room_for_a_file() {
    let allocate = format!(
        "{TO_OPEN} {}",
        again("(call $fd_allocate (i32.load (i32.const 8)) (i64.const 0) (i64.const 100000000))")
    );
    end(&[
        ("folder/file", String::new()),
        ("allocate.wat", guest(&[OPEN, ("fd_allocate", "(param i32 i64 i64)")], 1, &allocate)),
        ("allocate.json", "{\"dirs\": [\"folder\"]}".to_owned()),
    ]);
}

/// Runs a program; it ends soon after its time.
#[track_caller]
fn ends(text: &str, given: &str, more: &[&str], prepare: impl FnOnce(&Folder)) {
    let folder = Folder::new(&[("a.wat", text), ("d/x", "")]);
    prepare(&folder);
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let (dir, file) = (folder.arg("d"), folder.arg("a.wat"));
    let ran = run(command.args(["run", "--timeout", given, "--dir"]).args([&dir]).args(more).arg(file));
    assert_eq!(ran.code, 134, "{ran:?}");
    assert!(ran.err.contains("timed out after"), "{ran:?}");
    assert!(begun.elapsed() < GIVEN + LATE, "{:?}", begun.elapsed());
}

#[test]
fn a_program() {
    let fill = "(loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (br $again))";
    ends(&guest(&[], 65536, fill), "400ms", &["--max-memory", "5GiB"], |_| ());
}

/// A FIFO that nothing writes to makes the call that opens it wait.
#[test]
fn opening_a_fifo() {
    let fifo =
        |folder: &Folder, name: &str| mkfifoat(CWD, folder.file(name), Mode::RUSR | Mode::WUSR).unwrap();
    let open = TO_OPEN.replace("(i32.const 9)", "(i32.const 0)").replace("0x1fffffff", "2");
    ends(&guest(&[OPEN], 1, &open), "400ms", &[], |folder| fifo(folder, "d/f"));
}

/// Time in which the process is stopped does not count.
#[test]
fn a_process_that_is_stopped() {
    let script = once(
        "",
        "(loop $again (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 300000000))))",
    );
    let folder = Folder::new(&[("busy.wast", &script)]);
    let guest = guest(
        &[("poll_oneoff", "(param i32 i32 i32 i32)")],
        1,
        "(i64.store (i32.const 64) (i64.const 0)) (i64.store (i32.const 88) (i64.const 300000000))
         (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))",
    );
    let guests = Folder::new(&[("a.wat", guest.as_str()), ("a.json", "{}")]);
    let (script, guest) = (folder.arg("busy.wast"), guests.arg("a.wat"));
    let stopped = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = clean(&mut command).spawn().unwrap();
        let signal = |signal: Signal| kill_process(Pid::from_child(&child), signal).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        signal(Signal::STOP);
        std::thread::sleep(Duration::from_secs(6));
        signal(Signal::CONT);
        let output = child.wait_with_output().unwrap();
        let told =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
    };
    let runs = [
        vec!["test", "--timeout", "3s", &script],
        vec!["test", "--timeout", "3s", "--isolate", &script],
        vec!["test", "--timeout", "3s", &guest],
        vec!["run", "--timeout", "3s", &guest],
    ];
    std::thread::scope(|scope| runs.iter().for_each(|args| drop(scope.spawn(|| stopped(args)))));
}

/// Every line of the table has its test.
#[test]
fn the_table_names_a_test_for_each_place() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| Place "))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let named = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().trim().trim_matches('`');
        let (file, test) = named.split_once("::").unwrap_or_else(|| panic!("no test in: {row}"));
        let files = ["runner/tests/commands", "engine/tests", "wasi/tests/functions"]
            .map(|folder| root.join(folder).join(format!("{file}.rs")));
        let text = files.iter().find_map(|file| std::fs::read_to_string(file).ok());
        let text = text.unwrap_or_else(|| panic!("no file {file}.rs of tests"));
        assert!(text.contains(&format!("fn {test}()")), "{file}.rs has no test `{test}`: {row}");
        count += 1;
    }
    assert!(count > 20, "the table was found");
}
