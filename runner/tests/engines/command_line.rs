//! Tests of engines with only a command line: our own has the same verdicts as directly, and faulty
//! ones do not pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use wassay::script::embed::Identity;
use wassay::script::plan::ScriptPlan;
use wassay::script::reading::Reading;
use wassay::script::selfcheck::Entry;
use wassay::script::source::Source;
use wassay::script::{EngineEmbedder, Grammar, Judges, Options};
use wassay::verdict::{Apart, Outcome, ScriptResult, Verdict};
use wassay_drive::Limits;
use wassay_drive::modules::{Command, MODULE, Modules, ModulesDriver, ModulesError};
use wassay_drive::program::path_with_default;
use wassay_engine::Config;
use wassay_testsuite::{Script, catalogue};

use super::common::sleep::Sleep;
use super::common::trials::trial;
use super::common::with_stack;
use super::judging;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("command_line::every_judged_directive_has_the_same_verdict", || with_stack(same_verdicts)),
        trial("command_line::no_altered_expectation_is_met", || with_stack(altered)),
        trial("command_line::each_directive_that_is_wrong_is_found", || with_stack(wrong_ones_are_found)),
        trial("command_line::what_is_not_reproduced_is_not_judged", || with_stack(not_reproduced)),
        trial("command_line::an_engine_whose_exit_code_says_nothing_is_refused", no_exit_codes),
        trial("command_line::an_engine_that_refuses_everything_passes_nothing", || {
            with_stack(refuses_everything)
        }),
        trial("command_line::an_engine_that_hangs_crashes_or_floods_has_verdicts", || with_stack(faults)),
        trial("command_line::a_start_function_may_be_the_entry", || with_stack(by_start)),
    ]
}

fn limits() -> Limits {
    Limits { request: Duration::from_secs(60), script: Duration::from_secs(300), ..Limits::default() }
}

/// An engine by a command that runs modules.
fn engine(words: &[&str], entry: Entry, limits: Limits) -> Result<Arc<Modules>, ModulesError> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let env = vec![("PATH".to_owned(), path_with_default().into_string().unwrap())];
    let command = Command { words, env, entry, identity: Identity::new("e", "1") };
    let folder = tempfile::tempdir().unwrap();
    Modules::new(command, limits, Box::new(Kept(folder))).map(Arc::new)
}

/// A folder that is removed at the end.
#[derive(Debug)]
struct Kept(tempfile::TempDir);

impl wassay_drive::modules::Folder for Kept {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

const WASSAY: &str = env!("CARGO_BIN_EXE_wassay");

fn own() -> ModulesDriver {
    engine(&[WASSAY, "run", MODULE], Entry::default(), limits()).unwrap().driver()
}

/// A shell script in the place of an engine, in which `$0` is the module and `$1` is wassay.
fn shell(script: &str, limits: Limits) -> ModulesDriver {
    engine(&["sh", "-c", script, MODULE, WASSAY], Entry::default(), limits).unwrap().driver()
}

fn judge(driver: &mut impl Judges, text: &str, features: &str) -> ScriptResult {
    let options = Options { features: features.parse().unwrap(), ..Options::default() };
    let source = Source::new("a.wast", text);
    driver.judge(&Reading::new(&source, Grammar::of(options.features)).unwrap(), &options)
}

/// The result of each directive: a word, and the kind of a failure.
fn outcomes(result: &ScriptResult) -> Vec<String> {
    result.directives.iter().map(verdict).collect()
}

fn verdict(directive: Verdict<'_>) -> String {
    match directive.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        Outcome::Apart(apart, _) => apart.word().to_owned(),
        other => format!("{other:?}"),
    }
}

/// Scripts that use much of what a module can have, each directive of which may be a process.
fn scripts() -> Vec<Script> {
    let named = [
        (
            "spec-v3",
            &["call.wast", "global.wast", "start.wast", "data.wast", "table_get.wast", "binary.wast"][..],
        ),
        ("proposals/exceptions", &["try_table.wast"]),
        ("proposals/gc", &["i31.wast", "array.wast"]),
        ("proposals/simd", &["simd_boolean.wast"]),
    ];
    let mut scripts = Vec::new();
    for (suite, names) in named {
        let found = catalogue::find(suite).unwrap().scripts();
        let is_named =
            |script: &Script| names.contains(&script.name().rsplit('/').next().unwrap_or_default());
        let before = scripts.len();
        scripts.extend(found.into_iter().filter(is_named));
        assert!(scripts.len() > before, "{suite} has some of {names:?}");
    }
    scripts
}

fn same_verdicts() {
    let mut apart = BTreeMap::<String, usize>::new();
    let judged = judging::same_verdicts(&scripts(), &mut own(), |directive| {
        let Outcome::Apart(Apart::NotApplicable | Apart::Superseded, why) = directive.outcome else {
            return false;
        };
        // Numbers of lines are not of interest.
        let why = why.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        *apart.entry(why.to_owned()).or_default() += 1;
        true
    });
    println!("{judged} directives judged both ways; apart: {apart:#?}");
    let apart: usize = apart.values().sum();
    assert!(judged > 700 && apart < judged, "{judged} directives and {apart}");
}

fn altered() {
    let mut driver = own();
    let hello = driver.hello().clone();
    let run = |plan: &ScriptPlan| driver.run(plan, Duration::from_secs(300));
    let failed = judging::none_altered_passes(&scripts(), 0, &hello, run);
    assert!(failed > 700, "{failed} directives");
}

/// A module, calls of which some are wrong in several ways, and what is right again after them.
const WRONG: &str = "(module (global $g (mut i32) (i32.const 0))
  (func (export \"f\") (result i32) (i32.const 7)) (func (export \"p\") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export \"t\") (unreachable)) (func (export \"d\") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export \"set\") (global.set $g (i32.const 5))) (func (export \"get\") (result i32) (global.get $g)))
(assert_return (invoke \"f\") (i32.const 7))
(assert_return (invoke \"f\") (i32.const 8))
(assert_return (invoke \"p\") (i32.const 1) (i64.const 3))
(assert_return (invoke \"f\") (i32.const 7))
(assert_trap (invoke \"f\") \"unreachable\")
(assert_trap (invoke \"t\") \"unreachable\")
(assert_return (invoke \"set\"))
(assert_return (invoke \"d\" (i32.const 0)) (i32.const 0))
(assert_return (invoke \"get\") (i32.const 5))
(assert_return (invoke \"get\") (i32.const 0))
(assert_return (invoke \"d\" (i32.const 1)) (i32.const 1))
(assert_invalid (module (func)) \"type mismatch\")
(assert_invalid (module (func (result i32))) \"type mismatch\")
(assert_malformed (module binary \"\\00asm\\01\\00\\00\\00\") \"unexpected end\")
(assert_malformed (module binary \"\\00asm\\01\\00\\00\") \"unexpected end\")
(assert_trap (module (func) (start 0)) \"unreachable\")
(assert_trap (module (func (unreachable)) (start 0)) \"unreachable\")
(module (memory 1) (data (i32.const 65536) \"a\"))";

fn wrong_ones_are_found() {
    let expected = [
        "passed",
        "passed",
        "wrong-value",
        "wrong-value",
        "passed",
        "trap-expected",
        "passed",
        "passed",
        "unexpected-trap",
        "passed",
        "wrong-value",
        "passed",
        // Valid ones, so that an engine which accepts them is right.
        "superseded",
        "passed",
        "superseded",
        "passed",
        "trap-expected",
        "passed",
        "unexpected-trap",
    ];
    assert_eq!(outcomes(&judge(&mut own(), WRONG, "3.0")), expected);
    // The protocol finds the same.
    assert_eq!(outcomes(&judge(&mut EngineEmbedder::new(Config::new()), WRONG, "3.0")).len(), expected.len());
    // Many that are wrong are all found, and what is right between them.
    let calls = |number: usize| format!("(assert_return (invoke \"f\") (i32.const {}))\n", 7 + number % 3);
    let many = "(module (func (export \"f\") (result i32) (i32.const 7)))\n".to_owned()
        + &(0..40).map(calls).collect::<String>();
    let found = outcomes(&judge(&mut own(), &many, "3.0"));
    for (number, outcome) in found[1..].iter().enumerate() {
        assert_eq!(outcome, if number % 3 == 0 { "passed" } else { "wrong-value" }, "{number}");
    }
}

fn not_reproduced() {
    let script = "(module $a (memory (export \"m\") 1) (func (export \"w\") (i32.store8 (i32.const 0) (i32.const 1)) (unreachable))
        (func (export \"r\") (result i32) (i32.load8_u (i32.const 0))))
      (assert_return (invoke \"r\") (i32.const 0))
      (assert_trap (invoke \"w\") \"unreachable\")
      (assert_return (invoke \"r\") (i32.const 1))
      (module $b (memory (export \"m\") 1) (func (export \"r\") (result i32) (i32.load8_u (i32.const 0))))
      (register \"b\")
      (assert_return (invoke $b \"r\") (i32.const 0))
      (module $c (import \"b\" \"m\" (memory 1)) (data (i32.const 0) \"a\") (func (export \"f\")))
      (assert_return (invoke $b \"r\") (i32.const 97))
      (assert_return (invoke $c \"f\"))
      (module $d (import \"spectest\" \"memory\" (memory 1)) (data (i32.const 0) \"a\"))
      (module $e (import \"spectest\" \"memory\" (memory 1)) (func (export \"r\") (result i32) (i32.load8_u (i32.const 0))))
      (assert_return (invoke $e \"r\") (i32.const 97))
      (module $h (func (export \"e\") (param externref) (result externref) (local.get 0)))
      (assert_return (invoke $h \"e\" (ref.extern 1)) (ref.extern 1))
      (assert_return (invoke $h \"e\" (ref.null extern)) (ref.null extern))
      (assert_malformed (module quote \"(func\") \"unexpected token\")";
    let (pass, not) = ("passed", "not applicable");
    let expected =
        [pass, pass, pass, not, pass, not, pass, not, not, not, pass, pass, not, pass, not, pass, not];
    assert_eq!(outcomes(&judge(&mut own(), script, "3.0")), expected);
}

fn no_exit_codes() {
    let refused = |words: &[&str]| {
        let limits = Limits { request: Duration::from_millis(500), ..limits() };
        engine(words, Entry::default(), limits).unwrap_err().to_string()
    };
    let always = refused(&["true", MODULE]);
    assert!(always.contains("unreachable))`: expected a trap, but it exited with code 0"), "{always}");
    let never = refused(&["sh", "-c", "echo no engine >&2; exit 1", MODULE]);
    assert!(never.contains("exited with code 1; its standard error: no engine"), "{never}");
    assert!(refused(&["sh", "-c", "sleep 6616", MODULE]).contains("timed out after 0.5 s"));
    assert!(refused(&["sh", "-c", "kill -9 $$", MODULE]).contains("signal 9"));
    assert!(refused(&["/no/such/engine", MODULE]).contains("cannot start the engine"));
    assert!(refused(&["true"]).contains("expected `{module}` in one of the words"));
    // It does not call the entry.
    let entry = Entry::Export("main".to_owned());
    let other = engine(&[WASSAY, "run", MODULE], entry, limits()).unwrap_err().to_string();
    assert!(other.contains("cannot be driven by exit codes"), "{other}");
}

/// Refuses what is larger than the modules that an engine is tried with.
const REFUSES: &str = "[ $(wc -c < \"$0\") -lt 45 ] || exit 1; exec \"$1\" run \"$0\"";

fn refuses_everything() {
    let result = judge(&mut shell(REFUSES, limits()), WRONG, "3.0");
    let passed: Vec<usize> = result
        .directives
        .iter()
        .filter(|directive| matches!(directive.outcome, Outcome::Passed))
        .map(|directive| directive.place.line)
        .collect();
    // What is as small as that is run: the bytes that are no module, and the modules that are a
    // start function.
    assert_eq!(passed, [19, 20, 21], "{:#?}", outcomes(&result));
    let result = judge(
        &mut shell(REFUSES, limits()),
        "(assert_invalid (module (memory 1) (func (result i32)) (data \"a long text that is data\")) \"type mismatch\")
         (assert_trap (module (memory 1) (func (unreachable)) (start 0) (data \"a long text that is data\")) \"unreachable\")",
        "3.0",
    );
    assert_eq!(outcomes(&result), ["not applicable", "refused-instead-of-trap"]);
}

fn faults() {
    let script = "(module (func (export \"good\")) (func (export \"hang_or_crash\")))
      (assert_return (invoke \"good\")) (assert_return (invoke \"hang_or_crash\")) (assert_return (invoke \"good\"))
      (module (func (export \"good\") (result i32) (i32.const 1))) (assert_return (invoke \"good\") (i32.const 1))";
    let limits = Limits { request: Duration::from_millis(1500), script: Duration::from_secs(12), ..limits() };
    let on_fault =
        |what: &str| format!("if grep -q hang_or_crash \"$0\"; then {what}; fi; exec \"$1\" run \"$0\"");
    let (sleep, begun) = (Sleep::new(6617), Instant::now());
    let sleeps = sleep.to_string();
    for (what, expected) in [
        (sleeps.as_str(), ["timeout"; 1]),
        ("kill -11 $$", ["crashed"]),
        ("exit 3", ["unexpected-refused"]),
        ("head -c 100000000 /dev/zero >&2; kill -11 $$", ["crashed"]),
    ] {
        let found = outcomes(&judge(&mut shell(&on_fault(what), limits), script, "3.0"));
        assert_eq!(found[0], expected[0], "{what}: {found:?}");
        assert!(found[1..4].iter().all(|outcome| outcome != "passed"), "{what}: {found:?}");
    }
    let floods = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; true";
    let found =
        outcomes(&judge(&mut shell(&format!("{floods}; exec \"$1\" run \"$0\""), limits), script, "3.0"));
    assert_eq!(found, ["passed"; 6]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(!sleep.is_running());
}

fn by_start() {
    // `--invoke` of a function that does nothing: the module is instantiated, and its start
    // function is all that can fail.
    let words = ["sh", "-c", "exec \"$1\" run --preload m=\"$0\" \"$2\"", MODULE, WASSAY];
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.wat");
    std::fs::write(&empty, "(module (func (export \"_start\")))").unwrap();
    let words: Vec<&str> = words.into_iter().chain([empty.to_str().unwrap()]).collect();
    let mut driver = engine(&words, Entry::Start, limits()).unwrap().driver();
    assert_eq!(outcomes(&judge(&mut driver, WRONG, "3.0")), outcomes(&judge(&mut own(), WRONG, "3.0")));
}
