//! Process tests of `wassay run`: grants, output and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::common::program::{expect, hello, program};
use crate::common::{Folder, clean, run, wassay};

/// Prints its arguments and its environment, each string with its NUL.
fn given() -> String {
    program(
        r#"(func $print (param $sizes i32)
    (call $write (i32.const 1) (i32.const 4096) (i32.load (i32.const 20))))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.const 20))
    (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $environ_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.const 20)))"#,
    )
}

/// Copies the file `from` of descriptor 3 to `to` of the last descriptor that it is given, and ends
/// with the errno of what fails.
const COPY: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "fromto")
  (func $check (param $errno i32) (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))
  (func $copy (param $from i32) (param $to i32)
    ;; Rights: 2 is FD_READ, 64 FD_WRITE; 1 as a flag is CREAT.
    (call $check (call $path_open (local.get $from) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
    (call $check (call $path_open (local.get $to) (i32.const 0) (i32.const 68) (i32.const 2) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)))
    (i32.store (i32.const 0) (i32.const 1024))
    (loop $more
      (i32.store (i32.const 4) (i32.const 5))
      (call $check (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 4)))
      (if (i32.load (i32.const 4)) (then
        (call $check (call $fd_write (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br $more)))))
  (func (export "_start") (call $copy (i32.const 3) (i32.const 3)))
  (func (export "across") (call $copy (i32.const 3) (i32.const 4))))
"#;

#[test]
fn a_program_does_the_same_whenever_its_functions_are_compiled() {
    let text = r#"(module
      (func $divide (param i32) (result i32) (i32.div_u (i32.const 84) (local.get 0)))
      (func (export "half") (param i32) (result i32) (call $divide (local.get 0))))"#;
    let folder = Folder::new(&[("p.wat", text)]);
    let call = |options: &[&str], argument: &str| {
        let file = folder.arg("p.wat");
        let words = ["run"].iter().chain(options).copied();
        wassay(&words.chain(["--invoke", "half", &file, argument]).collect::<Vec<_>>())
    };
    for argument in ["2", "0"] {
        let default = call(&[], argument);
        assert_eq!(default.code, if argument == "0" { 134 } else { 0 }, "{}", default.err);
        for when in ["tiered", "lazy", "quick", "eager", "stressed"] {
            let ran = call(&["--compile", when], argument);
            assert_eq!((ran.code, &ran.out, &ran.err), (default.code, &default.out, &default.err), "{when}");
        }
    }
    // Whether a function that nothing calls is compiled is seen in the log.
    let logged = |when: &str| {
        let file = folder.arg("p.wat");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.args(["run", "--compile", when, "--invoke", "half", &file, "2"]);
        run(command.env("RUST_LOG", "debug")).err
    };
    assert!(logged("lazy").contains("compilation=Lazy") && logged("eager").contains("compilation=Eager"));
    assert!(logged("tiered").contains("compilation=Tiered"));
    assert_eq!(call(&["--compile", "soon"], "2").code, 2);
}

#[test]
fn a_program_says_hello_in_both_previews_and_both_formats() {
    let text = hello("");
    let unstable = text.replace("wasi_snapshot_preview1", "wasi_unstable");
    let binary = wast::parser::ParseBuffer::new(&text).unwrap();
    let binary = wast::parser::parse::<wast::Wat<'_>>(&binary).unwrap().encode().unwrap();
    let folder = Folder::new(&[
        ("1.wat", text.as_bytes()),
        ("0.wat", unstable.as_bytes()),
        ("1.wasm", &binary),
        ("text.wasm", text.as_bytes()),
    ]);
    for file in ["1.wat", "0.wat", "1.wasm", "text.wasm"] {
        expect(&wassay(&["run", &folder.arg(file)]), 0, "hello\n", "");
        expect(&wassay(&[&folder.arg(file)]), 0, "hello\n", "");
    }
}

#[test]
fn the_guest_decides_the_exit_code_and_its_output_is_there_whatever_ends_it() {
    for (then, code) in [
        ("(call $proc_exit (i32.const 0)) unreachable", 0),
        ("(call $proc_exit (i32.const 3))", 3),
        ("(call $proc_exit (i32.const 255))", 255),
    ] {
        let folder = Folder::new(&[("a.wat", hello(then))]);
        expect(&wassay(&["run", &folder.arg("a.wat")]), code, "hello\n", "");
    }
    let recursion = "(call $hello)";
    for (then, said) in [
        ("(unreachable)", "trap: unreachable"),
        ("(drop (i32.load (i32.const -1)))", "trap: out of bounds memory access"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "trap: integer divide by zero"),
        (recursion, "call stack exhausted"),
    ] {
        let text = match then == recursion {
            true => hello("(call $down)").replace("(data", "(func $down (call $down) (call $down)) (data"),
            false => hello(then),
        };
        let folder = Folder::new(&[("a.wat", text)]);
        let file = folder.arg("a.wat");
        let ran = wassay(&["run", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (134, "hello\n"));
        assert_eq!(ran.err.lines().next(), Some(format!("error: {file}: {said}").as_str()));
    }
    let folder = Folder::new(&[("raise.wat", include_str!("../../../testsuite/guests/wat/raise.wat"))]);
    let file = folder.arg("raise.wat");
    expect(&wassay(&["run", &file]), 143, "", &format!("error: {file}: the guest raised signal 15\n"));
}

#[test]
fn a_start_function_ends_a_guest_as_well() {
    let text = program(r#"(func $start (call $proc_exit (i32.const 7))) (start $start)"#);
    let folder = Folder::new(&[("a.wat", text)]);
    expect(&wassay(&["run", &folder.arg("a.wat")]), 7, "", "");
}

#[test]
fn arguments_and_variables_are_those_given_and_no_others() {
    let folder = Folder::new(&[("a.wat", given())]);
    let file = folder.arg("a.wat");
    let out = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        let ran = run(command.args(words).env("FROM_HOST", "h=1"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        ran.out
    };
    assert_eq!(out(&["run", &file]), "a.wat\0");
    assert_eq!(out(&["run", &file, "--env=A=1", "--", ""]), "a.wat\0--env=A=1\0--\0\0");
    assert_eq!(out(&["run", "--argv0", "-name", "--env", "A=", &file]), "-name\0A=\0");
    assert_eq!(out(&["run", "--env=FROM_HOST", "--env=B=c=d", &file]), "a.wat\0FROM_HOST=h=1\0B=c=d\0");
    assert_eq!(out(&[&file, "--env", "A=1", "x", "--env=B=1"]), "a.wat\0x\0--env=B=1\0A=1\0");
    assert_eq!(out(&["--env=A=1", &file, "--env=B=2", "--", "--env=C=3"]), "a.wat\0--env=C=3\0A=1\0B=2\0");
    assert_eq!(out(&[&file, "--help"]), "a.wat\0--help\0");
}

#[test]
fn standard_input_is_the_guests() {
    let text = program(
        r#"(func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 64))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write (i32.const 2) (i32.const 64) (i32.load (i32.const 8))))"#,
    );
    let folder = Folder::new(&[("a.wat", text)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command
        .args(["run", &folder.arg("a.wat")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = clean(&mut command).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from outside").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), &*output.stdout, &*output.stderr),
        (Some(0), &b""[..], &b"from outside"[..])
    );
}

#[test]
fn a_folder_is_the_guests_only_where_it_is_given() {
    const BADF: i32 = 8;
    const ROFS: i32 = 69;
    let content = "a content of several reads\n";
    for (options, code) in [
        (vec![], BADF),
        (vec!["--dir=DIR"], 0),
        (vec!["--dir", "DIR::/"], 0),
        (vec!["--mapdir=/::DIR"], 0),
        (vec!["--mapdir=/:DIR"], 0),
        (vec!["--dir-ro=DIR::/"], ROFS),
    ] {
        let folder = Folder::new(&[("a.wat", COPY), ("dir/from", content)]);
        let (file, dir) = (folder.arg("a.wat"), folder.arg("dir"));
        let options: Vec<String> = options.iter().map(|option| option.replace("DIR", &dir)).collect();
        let mut words = vec!["run".to_owned()];
        words.extend(options.iter().cloned());
        words.push(file);
        expect(&wassay(&words), code, "", "");
        assert_eq!(fs::read_to_string(folder.file("dir/to")).ok().as_deref(), (code == 0).then_some(content));
    }
    let folder = Folder::new(&[("a.wat", COPY), ("dir/from", content), ("other/x", "")]);
    let (file, dir, other) = (folder.arg("a.wat"), folder.arg("dir"), folder.arg("other"));
    let other = format!("--mapdir=/other::{other}");
    expect(&wassay(&["run", "--dir-ro", &dir, &other, "--invoke=across", &file]), 0, "", "");
    assert_eq!(fs::read_to_string(folder.file("other/to")).unwrap(), content);
}

#[test]
fn folders_are_given_in_the_order_of_the_command_line() {
    // Prints the names of the descriptors 3, 4 and 5.
    let text = program(
        r#"(func (export "_start") (local $fd i32)
    (local.set $fd (i32.const 3))
    (loop $next
      (drop (call $fd_prestat_dir_name (local.get $fd) (i32.const 64) (i32.const 1)))
      (call $write (i32.const 1) (i32.const 64) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 6)))))"#,
    );
    let import = r#"(import "wasi_snapshot_preview1" "fd_prestat_dir_name"
    (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))"#;
    let text = text.replacen("(module", &format!("(module {import}"), 1);
    let folder = Folder::new(&[("a.wat", text)]);
    let (file, here) = (folder.arg("a.wat"), folder.arg("."));
    let (a, b, c) =
        (format!("--dir={here}::a"), format!("--dir-ro={here}::b"), format!("--mapdir=c::{here}"));
    for (options, out) in
        [([&a, &b, &c], "abc"), ([&c, &b, &a], "cba"), ([&b, &a, &c], "bac"), ([&b, &c, &a], "bca")]
    {
        let words: Vec<&str> =
            ["run"].into_iter().chain(options.map(String::as_str)).chain([&*file]).collect();
        expect(&wassay(&words), 0, out, "");
        // In the short form options may follow.
        expect(&wassay(&[&file, options[0], options[1], options[2]]), 0, out, "");
    }
}

#[test]
fn a_folder_that_cannot_be_given_is_wrong_usage() {
    let folder = Folder::new(&[("a.wat", hello(""))]);
    let (file, here, gone) = (folder.arg("a.wat"), folder.arg("."), folder.arg("gone"));
    for (options, said) in [
        (vec![format!("--dir={gone}")], format!("error: --dir: cannot open the directory `{gone}`: ")),
        (vec![format!("--dir-ro={file}")], format!("error: --dir-ro: cannot open the directory `{file}`: ")),
        (
            vec![format!("--dir={here}::/"), format!("--dir-ro={here}::/")],
            "error: --dir-ro: another folder is already named `/`\n".to_owned(),
        ),
        (
            vec!["--env=GONE_FROM_HERE".to_owned()],
            "error: --env GONE_FROM_HERE: the variable is not set".to_owned(),
        ),
        (vec!["--listen=nowhere".to_owned()], "error: --listen nowhere: ".to_owned()),
        (vec!["--mapdir=x".to_owned()], "error: invalid value 'x' for '--mapdir <GUEST::HOST>': ".to_owned()),
    ] {
        let ran = wassay(&[vec!["run".to_owned()], options, vec![file.clone()]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.starts_with(&said), "{}", ran.err);
    }
}

#[test]
fn a_time_that_is_over_ends_a_guest_that_computes_and_one_that_waits() {
    let computes = hello("(loop $for_ever (br $for_ever))");
    // A subscription to the clock 1, which waits for centuries.
    let waits = hello("(call $sleep)").replace(
        "(data",
        r#"(data (i32.const 272) "\01")
  (data (i32.const 280) "\ff\ff\ff\ff\ff\ff\ff\0f")
  (func $sleep (drop (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 8))))
  (data"#,
    );
    let reads = hello("(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))");
    let folder = Folder::new(&[("computes.wat", computes), ("waits.wat", waits), ("reads.wat", reads)]);
    for name in ["computes.wat", "waits.wat", "reads.wat"] {
        let file = folder.arg(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        // Nobody writes into the pipe that is its standard input.
        let (input, _open) = std::io::pipe().unwrap();
        let ran = run(command.args(["run", "--timeout=1s", &file]).stdin(input));
        let said = format!("error: {file}: timed out after 1s (--timeout)\n");
        expect(&ran, 134, "hello\n", &said);
    }
}

#[test]
fn memories_end_at_their_limit() {
    let text = program(r#"(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))"#);
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    let grow = |pages: &str, max: &str| wassay(&["run", "--invoke=grow", max, &file, pages]);
    expect(&grow("14", "--max-memory=1MiB"), 0, "i32 2 (0x00000002)\n", "");
    expect(&grow("15", "--max-memory=1MiB"), 0, "i32 -1 (0xffffffff)\n", "");
    let ran = grow("0", "--max-memory=64KiB");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with(&format!("error: {file}: limit reached: ")), "{}", ran.err);
}

#[test]
fn a_reactor_is_initialized_before_it_is_called() {
    let text = program(
        r#"(data (i32.const 64) "init\n") (global $ready (mut i32) (i32.const 0))
  (func (export "_initialize")
    (call $write (i32.const 1) (i32.const 64) (i32.const 5)) (global.set $ready (i32.const 1)))
  (func (export "ready") (result i32 f64) (global.get $ready) (f64.const 0.5))"#,
    );
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    expect(&wassay(&["run", &file]), 0, "init\n", "");
    let results = "init\ni32 1 (0x00000001)\nf64 0.5 (0x3fe0000000000000)\n";
    expect(&wassay(&["run", "--invoke", "ready", &file]), 0, results, "");
    expect(&wassay(&[&file, "--invoke", "ready"]), 0, results, "");
}

#[test]
fn a_function_is_invoked_with_arguments_of_its_types() {
    let text = r#"(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
  (func (export "div") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (global (export "g") i32 (i32.const 1)))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    let invoke = |words: &[&str]| wassay(&[&["run", "--invoke", words[0], &file], &words[1..]].concat());
    expect(&invoke(&["add", "40", "-0x1"]), 0, "i32 39 (0x00000027)\n", "");
    expect(&invoke(&["half", "-3"]), 0, "f64 -1.5 (0xbff8000000000000)\n", "");
    let trapped = invoke(&["div", "1", "0"]);
    assert_eq!((trapped.code, trapped.out.as_str()), (134, ""));
    for (words, said) in [
        (&["add", "1"][..], "error: --invoke add: expected 2 arguments (i32, i32), found 1\n".to_owned()),
        (
            &["add", "1", "x"],
            "error: --invoke add: invalid argument `x`: expected an i32 such as `42`, `-1` or `0xff`\n"
                .to_owned(),
        ),
        (
            &["g"],
            format!(
                "error: --invoke: {file} does not export a function `g`; it exports `add`, `half`, `div`\n"
            ),
        ),
    ] {
        expect(&invoke(words), 2, "", &said);
    }
    let said =
        "neither `_start` nor `_initialize` is exported: nothing was called; it exports `add`, `half`, `div`";
    expect(&wassay(&["run", &file]), 0, "", &format!("warning: {file}: {said}\n"));
}

#[test]
fn a_module_imports_from_one_that_is_preloaded() {
    let folder = Folder::new(&[
        (
            "lib.wat",
            r#"(module (global $g (mut i32) (i32.const 0)) (func (export "_initialize") (global.set $g (i32.const 5)))
                 (func (export "five") (result i32) (global.get $g)))"#,
        ),
        (
            "a.wat",
            r#"(module (import "env" "five" (func $five (result i32)))
                 (func (export "six") (result i32) (i32.add (call $five) (i32.const 1))))"#,
        ),
    ]);
    let (file, preload) = (folder.arg("a.wat"), format!("env={}", folder.arg("lib.wat")));
    expect(&wassay(&["run", "--preload", &preload, "--invoke=six", &file]), 0, "i32 6 (0x00000006)\n", "");
    let ran = wassay(&["run", "--invoke=six", &file]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("`--preload env=FILE`"), "{}", ran.err);
}

#[test]
fn an_import_that_is_missing_is_named_with_what_to_do() {
    for (module, field, advice) in [
        ("gojs", "runtime.wasmExit", "GOOS=wasip1"),
        ("go", "debug", "GOOS=wasip1"),
        ("env", "emscripten_memcpy_js", "-sSTANDALONE_WASM"),
        ("env", "missing_symbol", "define `missing_symbol`"),
        ("wasi_snapshot_preview1", "fd_teleport", "of WASI does not define it"),
        ("wasi:cli/stdout@0.2.0", "get-stdout", "preview 1"),
        ("wbg", "__wbindgen_throw", "wasm-bindgen"),
        ("other", "f", "`--preload other=FILE`"),
        ("a\\n\\1b[31m", "f", "`--preload a\\n\\u{1b}[31m=FILE`"),
    ] {
        let text = format!(r#"(module (import "{module}" "{field}" (func)) (func (export "_start")))"#);
        let folder = Folder::new(&[("a.wat", text)]);
        let file = folder.arg("a.wat");
        let ran = wassay(&["run", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        // As the message writes what would not print.
        let module = module.replace("\\1b", "\\u{1b}");
        let said = format!(
            "error: {file}: imports the function `{module}` `{field}`, which this host does not provide: "
        );
        assert!(ran.err.starts_with(&said) && ran.err.contains(advice), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1);
    }
}

#[test]
fn a_memory_that_threads_share_is_refused_before_anything_runs() {
    let text =
        hello("").replace(r#"(memory (export "memory") 2)"#, r#"(memory (export "memory") 2 2 shared)"#);
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    let said = format!(
        "error: {file}: its memory is shared, which this host's WASI does not support: build it without threads\n"
    );
    expect(&wassay(&["run", &file]), 1, "", &said);
}

#[test]
fn a_preloaded_module_replaces_a_function_of_wasi() {
    let shim = r#"(module (memory (export "memory") 1)
      (func (export "fd_write") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#;
    let folder =
        Folder::new(&[("a.wat", hello("(call $proc_exit (i32.const 3))")), ("shim.wat", shim.to_owned())]);
    let preload = format!("wasi_snapshot_preview1={}", folder.arg("shim.wat"));
    expect(&wassay(&["run", "--preload", &preload, &folder.arg("a.wat")]), 3, "", "");
}

#[test]
fn an_import_of_another_type_is_named() {
    let text = r#"(module (import "wasi_unstable" "fd_close" (func (param i64) (result i32))))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let ran = wassay(&["run", &folder.arg("a.wat")]);
    assert_eq!(ran.code, 1);
    let said = "unlinkable: incompatible import type for `wasi_unstable` `fd_close`: expected ";
    assert!(ran.err.contains(said), "{}", ran.err);
}

#[test]
fn what_is_no_module_is_said_in_one_line() {
    let folder = Folder::new(&[
        ("component.wasm", &b"\0asm\x0d\0\x01\0"[..]),
        ("component.wat", b";; text\n(component)"),
        ("short.wasm", b"\0asm\x01"),
        ("invalid.wat", b"(module (func (export \"_start\") (drop)))"),
        ("bad.wat", b"(module\n  (func (bogus)))"),
        ("image.wasm", b"\x89PNG\xff"),
        ("typed.wat", b"(module (func (export \"_start\") (param i32)))"),
    ]);
    for (name, code, said) in [
        ("component.wasm", 1, ": this is a component (WASI preview 2), "),
        ("component.wat", 1, ": this is a component (WASI preview 2), "),
        ("short.wasm", 1, ": malformed module: "),
        ("invalid.wat", 1, ": invalid module: "),
        ("bad.wat", 1, ":2:10: "),
        ("image.wasm", 1, ": not a WebAssembly module: "),
        ("typed.wat", 1, ": `_start` has type "),
        ("gone.wasm", 2, ": no such file; "),
        (".", 2, ": cannot read the module: "),
    ] {
        let file = folder.arg(name);
        let ran = wassay(&["run", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{}", ran.err);
        assert!(ran.err.starts_with(&format!("error: {file}{said}")), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn features_are_those_asked_for() {
    let text = "(module (func (export \"_start\") (drop (v128.const i64x2 0 0))))";
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    expect(&wassay(&["run", &file]), 0, "", "");
    assert_eq!(wassay(&["run", "--features=1.0", &file]).code, 1);
}

#[test]
fn a_trace_shows_each_call_on_standard_error() {
    let folder = Folder::new(&[("a.wat", hello("(call $proc_exit (i32.const 3))"))]);
    let file = folder.arg("a.wat");
    let ran = wassay(&["run", "--trace", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (3, "hello\n"));
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.err);
    assert!(
        lines[0].starts_with("fd_write(fd=1, ") && lines[0].ends_with(" = SUCCESS nwritten=6"),
        "{}",
        ran.err
    );
    assert!(
        lines[1].starts_with("proc_exit(") && lines[1].ends_with(": the guest exited with code 3"),
        "{}",
        ran.err
    );
}

#[test]
fn the_log_shows_loading_compiling_linking_and_each_call() {
    let folder = Folder::new(&[("a.wat", hello(""))]);
    let logged = |level: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.args(["run", &folder.arg("a.wat")]).env("RUST_LOG", level))
    };
    let ran = logged("trace");
    assert_eq!((ran.code, ran.out.as_str()), (0, "hello\n"));
    let logged_as = |step: &str| ran.err.lines().find(|line| line.contains(step));
    for step in ["loaded a module", "linked and instantiated the module", "the guest has ended"] {
        assert!(logged_as(step).is_some_and(|line| line.contains("took=")), "{step}: {}", ran.err);
    }
    assert!(logged_as("fd_write(fd=1, ").is_some(), "{}", ran.err);
    assert!(!logged("debug").err.contains("fd_write("));
}

#[test]
fn a_socket_that_listens_is_the_descriptor_after_the_folders() {
    let folder = Folder::new(&[("a.wat", SERVER)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args([
        "run",
        "--timeout=20s",
        "--dir",
        &folder.arg("."),
        "--listen",
        "127.0.0.1:0",
        &folder.arg("a.wat"),
    ]);
    let mut child = clean(&mut command).stderr(Stdio::piped()).spawn().unwrap();
    // The system chose the port.
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap();
    let mut said = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "served\n");
    assert!(child.wait().unwrap().success());
}

/// Accepts one connection on descriptor 4 and says something.
const SERVER: &str = r#"(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "served\n")
  (func $check (param $errno i32) (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))
  (func (export "_start")
    (call $check (call $sock_accept (i32.const 4) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 7))
    (call $check (call $sock_send
      (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))))
"#;

#[test]
fn frames_of_code_that_is_not_optimised_yet_have_room() {
    let deep = r#"(module (memory (export "memory") 1)
        (func $depth (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (call $depth (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                (else (i32.const 0))))
        (func (export "_start")
            (if (i32.ne (call $depth (i32.const 24000)) (i32.const 24000)) (then (unreachable)))))"#;
    let folder = Folder::new(&[("deep.wat", deep)]);
    for strategy in ["quick", "tiered"] {
        let ran = wassay(&["run", "--no-cache", "--compile", strategy, &folder.arg("deep.wat")]);
        assert_eq!(ran.code, 0, "{strategy}: {}", ran.err);
    }
}
