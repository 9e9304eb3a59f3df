//! Adapters that crash, hang, lie and flood: one verdict each, and the rest of the script is
//! judged.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use wassay_drive::program::{find, path_with_default};
use wassay_drive::{Command, Driver, Known, Limits};
use wassay_script::reading::Reading;
use wassay_script::source::Source;
use wassay_script::verdict::{Outcome, ScriptResult};
use wassay_script::{Grammar, Judges, Options};

const SCRIPT: &str = "(module (func (export \"f\")))
(invoke \"f\")
(invoke \"f\")
(invoke \"f\")
(module)";

/// An adapter that answers as if all went well, but does something else when the second function of
/// a wrapper is called.
fn adapter(fault: &str) -> String {
    format!(
        "sh -c 'while IFS= read -r line; do set -- $line; case $1 in
            hello) echo ok engine=faulty version=1;; B|E) echo ok $2;;
            V) if [ $3 = 1 ]; then {fault}; else echo v 0; fi;; *) echo ok;; esac; done'"
    )
}

fn limits() -> Limits {
    Limits {
        request: Duration::from_millis(400),
        script: Duration::from_secs(5),
        memory: Some(256 << 20),
        restarts: 4,
    }
}

/// A command that finds the system's tools.
fn command(line: &str) -> Command {
    let path = path_with_default().into_string().unwrap();
    let words = Command::read(line).unwrap().words().to_vec();
    Command::new(words, [("PATH".to_owned(), path)].into()).unwrap()
}

fn driver(line: &str, limits: Limits) -> Driver {
    Arc::new(Known::ask(command(line), limits).unwrap()).driver()
}

fn judge(driver: &mut Driver) -> ScriptResult {
    let source = Source::new("a b.wast", SCRIPT);
    driver.judge(&Reading::new(&source, Grammar::default()).unwrap(), &Options::default())
}

/// The result of each directive, with the message of a failure.
fn outcomes(result: &ScriptResult) -> Vec<String> {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Passed => "pass".to_owned(),
        Outcome::Failed(failure) => format!("{}: {}", failure.kind, failure.message),
        other => format!("{other:?}"),
    };
    result.directives.iter().map(|directive| outcome(directive.outcome)).collect()
}

/// Asserts that a fault fails its directive as expected, and that all others and the next script
/// pass.
fn check(fault: &str, expected: &str) {
    let begun = Instant::now();
    let mut driver = driver(&adapter(fault), limits());
    for _ in 0..2 {
        let outcomes = outcomes(&judge(&mut driver));
        assert!(outcomes[2].starts_with(expected), "{fault}: {outcomes:#?}");
        let others = outcomes.iter().enumerate().filter(|(index, _)| *index != 2);
        assert!(others.clone().count() == 4 && others.into_iter().all(|(_, outcome)| outcome == "pass"));
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{fault}: {:?}", begun.elapsed());
}

#[test]
fn an_engine_that_ends_costs_the_directive_that_ended_it() {
    check("exit 3", "crashed: the engine exited with code 3");
    check("kill -9 $$", "crashed: the engine was killed by signal 9");
    check("exit 0", "crashed: the engine exited with code 0");
    check("echo why >&2; exit 1", "crashed: the engine exited with code 1; its standard error: why");
    check(
        "printf \"TypeError: why\\n    at f (a.js:1:2)\\n\\nNode.js v20.20.2\\n\" >&2; exit 1",
        "crashed: the engine exited with code 1; its standard error: TypeError: why",
    );
    check("exec 1>&-; sleep 613", "crashed: the engine closed its output");
}

#[test]
fn an_engine_that_hangs_is_ended_with_all_that_it_started() {
    // No other process of the machine sleeps for as long.
    let time = format!("614.{:010}", std::process::id());
    check(&format!("sleep {time}"), "timeout: the engine timed out after 0.4 s");
    check(":", "timeout: the engine timed out after 0.4 s");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    assert!(!lines.any(|line| line == format!("sleep\0{time}\0").as_bytes()));
}

#[test]
fn what_is_no_answer_is_told() {
    check("echo surprise", "unexpected-internal: `surprise` is not an answer");
    check("echo ok", "unexpected-internal: unexpected answer `ok` from the adapter: expected `v`");
    check(
        "echo v 7",
        "unexpected-internal: unexpected answer `v 7` from the adapter: expected another number",
    );
    let endless = "head -c 9000000 /dev/zero | tr \"\\\\0\" x; sleep 1";
    check(endless, "unexpected-internal: the adapter wrote a line over the maximum length");
}

#[test]
fn an_engine_has_time_to_end_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (left, pid) = (folder.path().join("left"), folder.path().join("pid"));
    // The adapter may write collected data, such as coverage, after the end of its input.
    let gathers = adapter("echo v 0")
        .replace("esac; done", &format!("esac; done; sleep 0.1; echo done > \"{}\"", left.display()));
    let mut driver = driver(&gathers, limits());
    assert_eq!(outcomes(&judge(&mut driver)), ["pass"; 5]);
    std::fs::remove_file(&left).unwrap();
    drop(driver);
    assert_eq!(std::fs::read_to_string(&left).unwrap(), "done\n");
    // An adapter that does not exit is killed, with its child processes.
    let stays = adapter("echo v 0")
        .replace("esac; done", &format!("esac; done; echo $$ > \"{}\"; sleep 620", pid.display()));
    let begun = Instant::now();
    let mut driver = self::driver(&stays, limits());
    assert_eq!(outcomes(&judge(&mut driver)), ["pass"; 5]);
    drop(driver);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let pid = std::fs::read_to_string(&pid).unwrap();
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn an_engine_that_leaves_its_process_group_is_ended() {
    if find("perl").is_none() {
        return eprintln!("not run: no perl");
    }
    // It joins the group of a process that it has started.
    let leaves = "exec perl -e \"\\$c = fork; if (\\$c == 0) { setpgrp(0, 0); sleep 5; exit }
        select(undef, undef, undef, 0.1); setpgrp(0, \\$c); sleep 60\"";
    check(leaves, "timeout: the engine timed out after 0.4 s");
}

#[test]
fn standard_error_may_be_flooded() {
    let mut driver = driver(&adapter("head -c 50000000 /dev/zero >&2; echo v 0"), limits());
    assert_eq!(outcomes(&judge(&mut driver)), ["pass"; 5]);
}

#[test]
fn memory_is_limited() {
    let hungry = "head -c 1000000000 /dev/zero | tail -c 900000000 > /dev/null || exit 9; echo v 0";
    let limited = Limits { memory: Some(64 << 20), request: Duration::from_secs(5), ..limits() };
    let mut driver = driver(&adapter(hungry), limited);
    let outcomes = outcomes(&judge(&mut driver));
    assert!(outcomes[2].starts_with("crashed: the engine exited with code 9"), "{outcomes:#?}");
    assert_eq!((outcomes.len(), outcomes[3].as_str()), (5, "pass"));
}

#[test]
fn answers_that_are_too_many_are_noticed() {
    for lie in ["echo v 0; echo v 0", "echo v 0; echo ok"] {
        let outcomes = outcomes(&judge(&mut driver(&adapter(lie), limits())));
        let fits = |outcome: &String| outcome.contains("answers do not match the requests");
        assert!(outcomes.len() == 5 && outcomes.iter().all(fits), "{outcomes:#?}");
        assert!(outcomes[0].starts_with("unexpected-internal: "), "{outcomes:#?}");
        assert!(outcomes[1..].iter().all(|outcome| outcome.starts_with("not-run: ")), "{outcomes:#?}");
    }
}

#[test]
fn the_time_of_a_script_is_kept() {
    let hanging = adapter("sleep 615").replace("= 1 ]", "!= 9 ]");
    let limits = Limits { script: Duration::from_secs(1), restarts: 100, ..limits() };
    let begun = Instant::now();
    let outcomes = outcomes(&judge(&mut driver(&hanging, limits)));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(outcomes[1].starts_with("timeout: "), "{outcomes:#?}");
    assert_eq!(outcomes[4], "not-run: the script timed out earlier", "{outcomes:#?}");
}

#[test]
fn an_engine_that_fails_to_start_scripts_is_given_up() {
    let command = "sh -c 'read -r line; echo ok engine=e; read -r line; exit 4'";
    let outcomes = outcomes(&judge(&mut driver(command, limits())));
    assert!(outcomes[0].starts_with("crashed: the engine exited with code 4"), "{outcomes:#?}");
    assert!(outcomes[1..].iter().all(|outcome| outcome.starts_with("not-run: ")), "{outcomes:#?}");
}

/// A call with a host reference, between two without.
const HOST: &str = "(module (global $g (mut externref) (ref.null extern))
  (func (export \"set\") (param externref) (global.set $g (local.get 0)))
  (func (export \"null\") (result i32) (ref.is_null (global.get $g))))
(assert_return (invoke \"null\") (i32.const 1))
(invoke \"set\" (ref.extern 1))
(assert_return (invoke \"null\") (i32.const 0))";

#[test]
fn an_adapter_without_host_references_fails_nothing_by_that() {
    // The second wrapper is the one with references of the host. The module's global stays null.
    let adapter = |caps: &str| {
        format!(
            "sh -c 'while IFS= read -r line; do set -- $line; case $1$2$3 in
                hello*) echo ok engine=e {caps};; B*|E*) echo ok $2;; L3*) echo E link unknown module \\$h;;
                V3*) echo E nohandle;; V21) echo v 1;; V*) echo v 0;; *) echo ok;; esac; done'"
        )
    };
    let outcomes = |caps: &str| {
        let source = Source::new("a.wast", HOST);
        let reading = Reading::new(&source, Grammar::default()).unwrap();
        outcomes(&driver(&adapter(caps), limits()).judge(&reading, &Options::default()))
    };
    let without = outcomes("");
    assert_eq!(without[..2], ["pass", "pass"]);
    assert!(without[2].starts_with("Apart(NotApplicable, \"it needs host references, "), "{without:#?}");
    assert!(without[3].starts_with("Apart(NotApplicable, \"the call on line 5, "), "{without:#?}");
    // If the adapter declares the capability, the directives fail.
    assert!(outcomes("caps=host")[2].starts_with("unexpected-unlinkable: "));
}

#[test]
fn a_command_that_is_not_an_adapter_is_an_error() {
    let ask = |line: &str| Known::ask(command(line), limits()).unwrap_err().to_string();
    assert!(ask("/no/such/adapter").contains("cannot start"));
    assert!(ask("no-such-adapter").contains("no program `no-such-adapter` in the folders of PATH ("));
    assert!(ask("true").contains("no answer to `hello wap/1`: the engine exited with code 0"));
    assert!(ask("echo hi").contains("`hi` is not an answer"));
    assert!(ask("echo ok").contains("it has no `engine=NAME`"));
    assert!(ask("echo E unsupported wap/1").contains("expected `ok engine=NAME ..`"));
}
