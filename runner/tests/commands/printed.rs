//! Tests that output with hostile names, texts and modules is escaped, on a terminal and in a pipe:
//! no control characters, bidirectional controls, invalid bytes or forged lines.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::terminal::on_a_terminal;
use crate::common::{FAILS, Folder, clean};

/// What steers terminals, deceives readers, and commands CI servers. Neither a `/` nor a NUL, so
/// that it can be a name.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}[31m\r\n::error::forged\n ##[error]f ##vso[x]\n\u{9b}31m\u{7f}\u{202e}\u{2066}\u{61c}\
                       \u{200f}\u{2028}\u{2029}\u{feff}\u{200b}\u{e0041}\ntest result: ok. 1 passed\n\u{8}z";

/// The sequences by which `wassay`, clap and indicatif style and move, which are all that may
/// arrive.
fn without_styles(line: &str) -> String {
    let mut rest = line;
    let mut plain = String::new();
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap();
        let (parameters, last) = (&sequence[..end], sequence[end..].chars().next().unwrap());
        assert!(last == 'm' || (last == 'K' || last == 'A') && parameters.len() < 3, "{line:?}");
        rest = &sequence[end + 1..];
    }
    plain + rest
}

/// Holds what was printed against what may be.
fn check(what: &str, printed: &[u8], is_terminal: bool) {
    check_document(what, printed, is_terminal);
    let text = String::from_utf8_lossy(printed);
    for line in text.lines() {
        assert!(!line.starts_with("test result: ok"), "{what}: {line:?}");
    }
}

/// The same of a document, in which texts may begin lines.
fn check_document(what: &str, printed: &[u8], is_terminal: bool) {
    let text = std::str::from_utf8(printed).unwrap_or_else(|error| panic!("{what}: {error}: {printed:?}"));
    // A terminal ends lines so.
    let text = if is_terminal { text.replace("\r\n", "\n") } else { text.to_owned() };
    for line in text.split('\n') {
        let plain = if is_terminal { without_styles(line) } else { line.to_owned() };
        let bad = plain.chars().find(|c| {
            c.is_control() && *c != '\t' && !(is_terminal && *c == '\r')
                || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0041}')
        });
        assert_eq!(bad, None, "{what}: {plain:?}");
        assert!(!plain.trim_start().starts_with("::"), "{what}: {plain:?}");
        assert!(!["##[", "##vso["].iter().any(|command| plain.contains(command)), "{what}: {plain:?}");
    }
}

fn wassay<A: AsRef<OsStr>>(folder: &Folder, args: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(args).current_dir(folder.path());
    command
}

/// Runs a command in a pipe and on a terminal; it must say something, in which this is to be found.
fn printed_of(what: &str, make: impl Fn() -> Command, found: &str) {
    let Output { stdout, stderr, .. } = clean(&mut make()).output().unwrap();
    check(what, &stdout, false);
    check(what, &stderr, false);
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert!(text.contains(found), "{what}: {text}");
    let terminal = on_a_terminal(&mut make());
    check(what, &terminal, true);
}

fn printed<A: AsRef<OsStr>>(what: &str, folder: &Folder, args: &[A], found: &str) {
    printed_of(what, || wassay(folder, args), found);
}

/// The same of a command that prints a document, which has lines of its own.
fn documented(folder: &Folder, args: &[&str]) {
    let [piped, shown] =
        [clean(&mut wassay(folder, args)).output().unwrap().stdout, on_a_terminal(&mut wassay(folder, args))];
    assert!(!piped.is_empty(), "{args:?}");
    check_document(&args.join(" "), &piped, false);
    check_document(&args.join(" "), &shown, true);
}

/// How the beginning of [`HOSTILE`] is shown.
const SHOWN: &str = "a\\u{1b}[2J\\u{1b}]0;t\\u{7}\\u{1b}[31m\\r\\n::error::forged\\n #\\u{23}[error]f";

/// A text of TOML with escapes for all that is not plain.
fn toml(text: &str) -> String {
    format!("\"{}\"", text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect::<String>())
}

/// The same of JSON.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            quoted.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| quoted.push_str(&format!("\\u{unit:04x}")));
        }
    }
    quoted + "\""
}

/// The same as a string of the text format (core specification, section 6.3.3).
fn wat(text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!("\"{bytes}\"")
}

#[test]
fn words_of_the_command_line() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    let invalid = OsStr::from_bytes(b"a\x1b[2J\xff\xc2\n::error::b");
    let words: [&[&OsStr]; 16] = [
        &[OsStr::new(HOSTILE)],
        &[OsStr::new("test"), OsStr::new(HOSTILE)],
        &[OsStr::new("wast"), OsStr::new(HOSTILE)],
        &[OsStr::new("run"), OsStr::new(HOSTILE)],
        &[OsStr::new("suite"), OsStr::new(HOSTILE)],
        &[OsStr::new("suite"), OsStr::new("show"), OsStr::new(HOSTILE)],
        &[OsStr::new("suite"), OsStr::new("fetch"), OsStr::new(HOSTILE)],
        &[OsStr::new("report"), OsStr::new("diff"), OsStr::new(HOSTILE), OsStr::new("b")],
        &[OsStr::new("report"), OsStr::new("merge"), OsStr::new(HOSTILE)],
        &[
            OsStr::new("report"),
            OsStr::new("render"),
            OsStr::new("--to"),
            OsStr::new(HOSTILE),
            OsStr::new("a"),
        ],
        &[OsStr::new("test"), OsStr::new("--timeout"), OsStr::new(HOSTILE)],
        &[OsStr::new("test"), OsStr::new("--filter"), OsStr::new(HOSTILE)],
        &[OsStr::new("wast"), OsStr::new("--features"), OsStr::new(HOSTILE), OsStr::new("a.wast")],
        &[OsStr::new("wast"), OsStr::new("--lines"), OsStr::new(HOSTILE), OsStr::new("a.wast")],
        &[OsStr::new("test"), OsStr::new("--expectations"), OsStr::new(HOSTILE), OsStr::new("a.wast")],
        &[OsStr::new("test"), OsStr::new("--baseline"), OsStr::new(HOSTILE), OsStr::new("a.wast")],
    ];
    for words in words {
        printed(&format!("{words:?}"), &folder, words, "\\u{1b}[2J");
    }
    for command in ["test", "wast", "run"] {
        // A suite is a name: it has to be text.
        let found = if command == "test" { "invalid UTF-8" } else { "\\u{1b}[2J" };
        printed("bytes that are not UTF-8", &folder, &[OsStr::new(command), invalid], found);
        let option = OsStr::from_bytes(b"--\x1b[2J\xff\x9b");
        printed("an option", &folder, &[OsStr::new(command), option], "\\u{1b}[2J");
    }
    let folder = Folder::new(&[("a.wast", FAILS), ("a.wat", "(module)")]);
    printed("a folder of the host", &folder, &["run", "--dir", HOSTILE, "a.wat"], "\\u{1b}[2J");
    let report = format!("json={HOSTILE}/x");
    printed("a report's path", &folder, &["test", "a.wast", "--report", &report], "\\u{1b}[2J");
    let report = format!("{HOSTILE}=x");
    printed("a report's format", &folder, &["test", "a.wast", "--report", &report], SHOWN);
    printed("a tab", &folder, &["test", "a\tb"], "a\\tb");
}

#[test]
fn file_names_and_contents_of_headers_are_escaped() {
    let [script, failing, unreadable] = ["x.wast", "y.wast", "z.wast"].map(|name| format!("{HOSTILE}{name}"));
    let header = format!(";;! {} = 1\n;;! features = {}\n(module)", toml(HOSTILE), toml("2.0"));
    let folder =
        Folder::new(&[(&*script, header.as_str()), (&*failing, FAILS), (&*unreadable, "(module\n(\u{202e}")]);
    printed("a folder", &folder, &["test", "."], SHOWN);
    printed("isolated", &folder, &["test", "--isolate", "."], SHOWN);
    printed("the names alone", &folder, &["test", "--list", "."], SHOWN);
    printed("a suite", &folder, &["suite", "show", "."], SHOWN);
    printed("scripts", &folder, &["wast", &script, &failing, &unreadable], SHOWN);
    printed("a reproduction", &folder, &["wast", "--repro", "2", &failing], SHOWN);
    printed(
        "a feature",
        &Folder::new(&[("a.wast", format!(";;! features = {}\n", toml(HOSTILE)))]),
        &["test", "."],
        SHOWN,
    );
    let link = folder.file(&format!("{HOSTILE}link.wast"));
    std::os::unix::fs::symlink(HOSTILE, &link).unwrap();
    printed("a broken symbolic link", &folder, &["test", "."], SHOWN);
    std::fs::remove_file(&link).unwrap();
    let fifo = folder.file(&format!("{HOSTILE}.dir"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    printed("a FIFO", &folder, &["test", &format!("{HOSTILE}.dir/x")], SHOWN);
}

#[test]
fn files_that_are_read() {
    let report = |outcome: &str, name: &str| {
        let (name, outcome) = (quoted(name), quoted(outcome));
        format!(
            "{{\"schema\":1,\"engine\":{{\"name\":{name},\"version\":{name}}},\"host\":{name},\"started\":{name},\
             \"duration_ms\":1,\"suites\":[{{\"name\":{name},\"source\":{name},\"cases\":[{{\"name\":{name},\
             \"outcome\":{outcome},\"duration_ms\":1,\"directives\":{{\"total\":1,\"passed\":0,\"failed\":1,\"skipped\":0,\
             \"xfailed\":0,\"xpassed\":0}},\"features\":[{name}],\"failures\":[{{\"line\":1,\"column\":1,\"kind\":{name},\
             \"message\":{name},\"expected\":{name},\"actual\":{name},\"source\":{name},\"diff\":{name},\
             \"calls\":[{name}]}}]}}]}}]}}"
        )
    };
    let folder = Folder::new(&[
        ("good.json", report("failed", HOSTILE)),
        ("plain.json", report("failed", "a")),
        ("outcome.json", report(HOSTILE, "a")),
        ("key.toml", format!("[[xfail]]\n{} = 1\n", toml(HOSTILE))),
        (
            "suite.toml",
            format!(
                "[[expected]]\nsuite = {0}\nscript = {0}\nkey = {0}\noutcome = \"xfail\"\nreason = {0}\n",
                toml(HOSTILE)
            ),
        ),
        ("a.wast", FAILS.to_owned()),
    ]);
    printed("an outcome", &folder, &["report", "diff", "outcome.json", "outcome.json"], "\\u{1b}[2J");
    for format in ["json", "junit", "markdown", "html", "badge"] {
        documented(&folder, &["report", "render", "good.json", "--to", format]);
    }
    for [old, new] in [["good.json", "plain.json"], ["plain.json", "good.json"]] {
        printed("a comparison", &folder, &["report", "diff", old, new], "");
        for format in ["json", "markdown"] {
            documented(&folder, &["report", "diff", old, new, "--format", format]);
        }
    }
    printed("two reports", &folder, &["report", "merge", "good.json", "good.json"], SHOWN);
    printed("engines", &folder, &["report", "merge", "plain.json", "good.json"], SHOWN);
    printed("a baseline", &folder, &["test", "a.wast", "--baseline", "good.json"], SHOWN);
    printed("a key of TOML", &folder, &["test", "a.wast", "--expectations", "key.toml"], "");
    printed("values of TOML", &folder, &["test", "a.wast", "--expectations", "suite.toml"], "\\u{1b}");
}

#[test]
fn what_a_module_says_of_itself() {
    let name = wat(HOSTILE);
    let identifier = format!("$\"{}\"", &name[1..name.len() - 1]);
    let files = [
        ("trap.wat", format!("(module {identifier} (func {identifier} (export \"_start\") unreachable))")),
        ("import.wat", format!("(module (import {name} {name} (func)))")),
        ("exports.wat", format!("(module (func (export {name})))")),
        ("custom.wat", format!("(module (@custom {name} \"x\") (func (export \"_start\") unreachable))")),
        (
            "exception.wat",
            format!(
                "(module (tag {identifier}) (func {identifier} (export \"_start\") (throw {identifier})))"
            ),
        ),
        (
            "names.wast",
            format!(
                "(module {identifier} (func {identifier} (export {name}) unreachable))\n(invoke {name})\n\
                 (assert_return (invoke {name}))\n(assert_trap (invoke {name}) {name})\n(invoke {name} (i32.const 1))\n\
                 (register {name} {identifier})\n(assert_unlinkable (module (import {name} {name} (func))) {name})\n\
                 (assert_malformed (module quote {name}) {name})\n(get {identifier} {name})\n"
            ),
        ),
    ];
    let folder = Folder::new(&files);
    for file in ["trap.wat", "import.wat", "exports.wat", "custom.wat", "exception.wat"] {
        printed(file, &folder, &["run", file], "");
    }
    printed("an export", &folder, &["run", "--invoke", HOSTILE, "trap.wat"], SHOWN);
    printed("another", &folder, &["run", "--invoke", "x", "exports.wat"], "\\u{1b}[2J");
    printed("a script", &folder, &["wast", "names.wast"], "");
    printed("an isolated script", &folder, &["test", "--isolate", "names.wast"], "");
    let logged = || {
        let mut command = wassay(&folder, &["run", "--preload", &format!("{HOSTILE}=trap.wat"), "trap.wat"]);
        command.env("RUST_LOG", "trace");
        command
    };
    printed_of("a log", logged, "loaded a module");
    printed("a variable", &folder, &["run", "--env", HOSTILE, "trap.wat"], "\\u{1b}[2J");
    let env = || {
        let mut command = wassay(&folder, &["run", "trap.wat"]);
        command.env("RUST_LOG", HOSTILE);
        command
    };
    printed_of("variables", env, "RUST_LOG");
}

#[test]
fn paths_of_a_guest_in_a_trace() {
    let path: String = HOSTILE.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let length = HOSTILE.len();
    let guest = format!(
        "(module (import \"wasi_snapshot_preview1\" \"path_create_directory\" (func $make (param i32 i32 i32) (result i32)))
           (memory (export \"memory\") 1) (data (i32.const 8) \"{path}\")
           (func (export \"_start\") (drop (call $make (i32.const 3) (i32.const 8) (i32.const {length})))))"
    );
    let folder = Folder::new(&[("guest.wat", guest.as_str()), ("d/x", "")]);
    printed("--trace", &folder, &["run", "--trace", "--dir", "d", "guest.wat"], "path_create_directory");
    let logged = || {
        let mut command = wassay(&folder, &["run", "--dir", "d", "guest.wat"]);
        command.env("RUST_LOG", "wassay=trace");
        command
    };
    printed_of("the log", logged, "path_create_directory");
}

#[test]
fn what_a_guest_of_a_case_wrote() {
    let text: String = HOSTILE.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let length = HOSTILE.len();
    let guest = |stream: u32, code: u32| {
        format!(
            "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))
               (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
               (memory (export \"memory\") 1) (data (i32.const 16) \"{text}\")
               (data (i32.const 0) \"\\10\\00\\00\\00\\{length:02x}\\00\\00\\00\")
               (func (export \"_start\")
                 (drop (call $write (i32.const {stream}) (i32.const 0) (i32.const 1) (i32.const 8)))
                 (call $exit (i32.const {code}))))"
        )
    };
    assert!(length < 256);
    let folder = Folder::new(&[
        ("s/a.wat", guest(1, 0)),
        ("s/a.json", "{}".to_owned()),
        ("s/a.stdout", "expected\n::error::x\n".to_owned()),
        ("s/b.wat", guest(2, 3)),
        ("s/b.json", "{}".to_owned()),
        (&*format!("s/c{HOSTILE}.wat"), guest(2, 1)),
        (&*format!("s/c{HOSTILE}.json"), "{}".to_owned()),
    ]);
    printed("guests", &folder, &["test", "s"], "\\u{1b}[2J");
    printed(
        "an unknown key of JSON",
        &Folder::new(&[
            ("s/a.wat", "(module)".to_owned()),
            ("s/a.json", format!("{{{}: 1}}", quoted(HOSTILE))),
        ]),
        &["test", "s"],
        "\\u{1b}[2J",
    );
}

#[test]
fn an_annotation_is_one_line_and_a_command_of_ours() {
    let name = format!("{HOSTILE}.wast");
    let folder = Folder::new(&[(&*name, FAILS)]);
    let mut command = wassay(&folder, &["test", "."]);
    let output = clean(command.env("GITHUB_ACTIONS", "true")).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert_eq!(commands.len(), 2, "{text}");
    assert!(
        commands.iter().all(|line| line.starts_with("::error file=") && !line.contains('\u{1b}')),
        "{text}"
    );
    let mut piped = Command::new("sh");
    piped.args(["-c", "exec \"$0\" wast - < \"$1\"", env!("CARGO_BIN_EXE_wassay")]).arg(folder.file(&name));
    let piped = clean(piped.env("GITHUB_ACTIONS", "true")).output().unwrap();
    let text = String::from_utf8(piped.stderr).unwrap();
    assert!(text.contains("::error line=2") && !text.contains("file="), "{text}");
}

#[test]
fn a_huge_datum_is_cut() {
    let folder = Folder::new(&[(
        "a.wast",
        format!("(assert_malformed (module quote \"{}\") \"x\")", "y".repeat(1 << 20)),
    )]);
    let output = clean(&mut wassay(&folder, &["wast", "a.wast"])).output().unwrap();
    assert!(output.stdout.len() < 200 << 10, "{}", output.stdout.len());
    let word = "x".repeat(100_000);
    let output = clean(&mut wassay(&folder, &["test", &word])).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.len() < 70 << 10 && said.contains("more bytes)"), "{}", said.len());
    assert!(Path::new(env!("CARGO_BIN_EXE_wassay")).is_file());
}
