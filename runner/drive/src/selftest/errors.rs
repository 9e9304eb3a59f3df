//! The classes of errors.

use wassay_script::embed::ErrorKind;
use wassay_script::wap::{Class, Distinction, Hello, Merges};

use super::finding::Finding;
use super::talk::{Step, Want, run, send, step};
use crate::command::Command;
use crate::driver::Limits;

const TRAPS: &str = "(module (memory 1) (table 1 funcref) (type $f (func))
  (func (export \"unreachable\") (result i32) (unreachable))
  (func (export \"divide\") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export \"load\") (result i32) (i32.load (i32.const -1)))
  (func (export \"indirect\") (result i32) (call_indirect (type $f) (i32.const 0)) (i32.const 0))
  (func $deep (export \"deep\") (result i32) (i32.add (call $deep) (i32.const 1)))
  (func (export \"fine\") (result i32) (i32.const 3)))";
const START: &str = "(module (func $start (unreachable)) (start $start))";
const SEGMENT: &str = "(module (memory 1) (data (i32.const 65536) \"a\"))";
const INVALID: &str = "(module (func (result i32) (i64.const 0)))";
const MISSING: &str = "(module (import \"nowhere\" \"f\" (func)))";
const OTHER_TYPE: &str = "(module (import \"n\" \"fine\" (func (param i64))))";
const OTHER_KIND: &str = "(module (import \"n\" \"fine\" (global i32)))";
const THROWS: &str = "(module (tag $e) (func (export \"throw\") (result i32) (throw $e)))";

pub(super) fn check(command: &Command, limits: &Limits, hello: &Hello, tell: &mut dyn FnMut(Finding)) {
    for (what, steps) in [
        ("rejected modules (malformed, invalid)", refused()),
        ("imports that do not match (link)", links()),
        ("traps (trap)", traps()),
        ("an exhausted call stack (exhaustion)", exhaustion()),
    ] {
        run(command, limits, &hello.merges, what, &steps).into_iter().for_each(&mut *tell);
    }
    exceptions(command, limits, hello, tell);
    for (a, b) in [(ErrorKind::Trap, ErrorKind::Exhaustion), (ErrorKind::Trap, ErrorKind::Unlinkable)] {
        if merged(&hello.merges, a, b) {
            let (a, b) = (Class::of(a).word(), Class::of(b).word());
            let note = format!(
                "`{a}` and `{b}` are not distinguished: directives that depend on it are judged coarsely"
            );
            tell(Finding::note("merges", note));
        }
    }
}

/// Whether an adapter declares that it does not distinguish two kinds.
fn merged(merges: &Merges, a: ErrorKind, b: ErrorKind) -> bool {
    merges.compare(Class::of(a), b) == Distinction::Coarsely
}

fn begun() -> Vec<Step> {
    let compile = "compile and instantiate the module";
    vec![
        step("B errors features=3.0", Want::Ok("errors"), "repeat the word after `B`"),
        send("C 0", TRAPS, "a module", Want::Ok(""), compile),
        step("I 1 0", Want::Ok(""), compile),
        step("N 1 n", Want::Ok(""), compile),
    ]
}

fn refused() -> Vec<Step> {
    let malformed =
        "reject malformed bytes: answer `E malformed`, or `E compile` if the engine does not give the reason";
    let invalid = "validate all function bodies at `C`: answer `E invalid`, or `E compile` if the engine does not give the reason; an engine without a validator fails this check, and most `assert_invalid` directives";
    let mut steps = begun();
    steps.extend([
        step("C 2 ", Want::Fails(ErrorKind::Malformed), malformed),
        step("C 3 AGFzbQIAAAA=", Want::Fails(ErrorKind::Malformed), malformed),
        step("C 4 AGFzbQEAAAAB", Want::Fails(ErrorKind::Malformed), malformed),
        send(
            "C 5",
            INVALID,
            "a function with a result of another type",
            Want::Fails(ErrorKind::Invalid),
            invalid,
        ),
        step("V 1 fine", Want::Value(3), "a rejected module must not change anything"),
    ]);
    steps
}

fn links() -> Vec<Step> {
    let link = "answer `E link` if an import is missing, or has another type or kind; or declare what is not distinguished, \
    such as `merges=link+trap`";
    let fails = |handle: u32, text: &str, about: &str| {
        [
            send(&format!("C {handle}"), text, about, Want::Ok(""), "resolve imports at `I`, not at `C`"),
            step(format!("I {handle} {handle}"), Want::Fails(ErrorKind::Unlinkable), link),
        ]
    };
    let mut steps = begun();
    steps.extend(fails(2, MISSING, "with an import that is missing"));
    steps.extend(fails(3, OTHER_TYPE, "with an import of another type"));
    steps.extend(fails(4, OTHER_KIND, "with an import of another kind"));
    steps
}

fn traps() -> Vec<Step> {
    let trap = "answer `E trap`, or declare what is not distinguished, such as `merges=trap+error`";
    let mut steps = begun();
    steps.extend(
        ["unreachable", "divide", "load", "indirect"]
            .map(|name| step(format!("V 1 {name}"), Want::Fails(ErrorKind::Trap), trap)),
    );
    steps.extend([
        step("V 1 fine", Want::Value(3), "keep the instance usable after a trap"),
        send("C 2", START, "whose start function traps", Want::Ok(""), trap),
        step("I 3 2", Want::Fails(ErrorKind::Trap), trap),
        send("C 4", SEGMENT, "with a segment that does not fit", Want::Ok(""), trap),
        step("I 5 4", Want::Fails(ErrorKind::Trap), trap),
        step(
            "V 3 fine",
            Want::Class(Class::NoHandle),
            "create no handle for an instance whose start function traps",
        ),
    ]);
    steps
}

fn exhaustion() -> Vec<Step> {
    let exhaustion =
        "answer `E exhaustion` if the call stack is exhausted, or declare `merges=trap+exhaustion`";
    let mut steps = begun();
    steps.extend([
        step("V 1 deep", Want::Fails(ErrorKind::Exhaustion), exhaustion),
        step("V 1 fine", Want::Value(3), "keep the instance usable after the stack was exhausted"),
    ]);
    steps
}

/// Checks exceptions, if the engine supports them.
fn exceptions(command: &Command, limits: &Limits, hello: &Hello, tell: &mut dyn FnMut(Finding)) {
    let what = "uncaught exceptions (exception)";
    let compiles = |steps: &[Step]| run(command, limits, &hello.merges, what, steps);
    let mut steps = begun();
    steps.push(send("C 2", THROWS, "a module that throws", Want::Ok(""), ""));
    let is_good = |findings: &[Finding]| findings.iter().all(|finding| *finding == Finding::good(what));
    if !is_good(&compiles(&steps)) {
        tell(Finding::note(what, "not checked: the engine does not compile a module that throws"));
        return;
    }
    let exception =
        "answer `E exception` if an exception leaves the function, or declare `merges=trap+exception`";
    steps.extend([
        step("I 3 2", Want::Ok(""), exception),
        step("V 3 throw", Want::Fails(ErrorKind::Exception), exception),
    ]);
    compiles(&steps).into_iter().for_each(tell);
}
