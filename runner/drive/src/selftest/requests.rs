//! Checks each kind of request, as specified in docs/protocol.md.

use wassay_script::embed::ErrorKind;
use wassay_script::wap::{Class, Hello};

use super::finding::{Finding, Verdict};
use super::talk::{Step, Want, run, send, step};
use crate::command::Command;
use crate::driver::Limits;

const NUMBERS: &str = "(module (func (export \"one\") (result i32) (i32.const 1))
  (func (export \"less\") (result i32) (i32.const -2147483648)))";
const TWO: &str = "(module (import \"a b%ü\" \"one\" (func $one (result i32)))
  (func (export \"two\") (result i32) (i32.add (call $one) (i32.const 1))))";
const BOTH: &str =
    "(module (import \"a b%ü\" \"one\" (func (result i32))) (import \"a b%ü\" \"two\" (func (result i32))))";
const EMPTY_NAME: &str = "(module (import \"\" \"one\" (func (result i32))))";
const WRAPPER: &str = "(module (import \"m\" \"one\" (func $one (result i32)))
  (func (export \"0\") (result i32) (i32.ne (call $one) (i32.const 1)))
  (func (export \"1\") (result i32) (i32.ne (call $one) (i32.const 2))))";
const OTHER_NAME: &str = "(module (import \"n\" \"one\" (func (result i32))))";
const HOST: &str = "(module (import \"$h\" \"host\" (func $host (param i32) (result externref)))
  (import \"$h\" \"eq\" (func $eq (param externref i32) (result i32)))
  (func (export \"same\") (result i32) (call $eq (call $host (i32.const 7)) (i32.const 7)))
  (func (export \"other\") (result i32) (call $eq (call $host (i32.const 7)) (i32.const 8)))
  (func (export \"zero\") (result i32) (call $eq (call $host (i32.const 0)) (i32.const 0)))
  (func (export \"negative\") (result i32) (call $eq (call $host (i32.const -1)) (i32.const -1)))
  (func (export \"null\") (result i32) (call $eq (ref.null extern) (i32.const 0)))
  (table $kept 1 externref)
  (func (export \"keep\") (result i32) (table.set $kept (i32.const 0) (call $host (i32.const 5))) (i32.const 0))
  (func (export \"kept\") (result i32) (call $eq (table.get $kept (i32.const 0)) (i32.const 5))))";
const UNUSUAL: &str = "(module (func (export \"toString\") (result i32) (i32.const 1))
  (func (export \"__proto__\") (result i32) (i32.const 2))
  (func (export \"é日𝄞\") (result i32) (i32.const 4)))";
const FROM_UNUSUAL: &str = "(module (import \"__proto__\" \"__proto__\" (func $a (result i32)))
  (import \"toString\" \"toString\" (func $b (result i32)))
  (import \"é日𝄞\" \"é日𝄞\" (func $c (result i32)))
  (func (export \"sum\") (result i32) (i32.add (call $a) (i32.add (call $b) (call $c)))))";
const NON_ASCII: &str = "(module (import \"name-é日𝄞\" \"f\" (func)))";
const MULTI_VALUE: &str = "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))";

const NAMES: &str = "decode `%XX` in names as UTF-8, and accept empty names";
const UNDECLARED: &str =
    "look names up only among exports, not among the properties that the host language gives to every object";
const HANDLES: &str = "keep separate handles for modules and instances, until the next `B`";
const NO_HANDLE: &str = "answer `E nohandle` if a handle does not exist, and change nothing";

pub(super) fn check(command: &Command, limits: &Limits, hello: &Hello, tell: &mut dyn FnMut(Finding)) {
    let mut check = |what: &str, steps: &[Step]| {
        run(command, limits, &hello.merges, what, steps).into_iter().for_each(&mut *tell);
    };
    check("modules, instances and names (C, I, N, U, V)", &modules());
    check("several instances under one name (X)", &added());
    check("wrappers (L)", &wrappers());
    check("missing handles (nohandle)", &no_handles());
    check("a script starts with no state (B, E)", &fresh());
    check("invalid requests", &invalid());
    check("names that mean something in the host language, and non-ASCII names", &unusual_names());
    check("answers are UTF-8", &non_ascii());
    let what = "the empty name";
    let refused = run(command, limits, &hello.merges, what, &empty_name(false));
    match refused.into_iter().find_map(|finding| match finding.verdict {
        Verdict::Bad { why, .. } => Some(why),
        _ => None,
    }) {
        Some(why) => tell(Finding::note(what, format!("not checked: {why}"))),
        None => run(command, limits, &hello.merges, what, &empty_name(true)).into_iter().for_each(&mut *tell),
    }
    let mut check = |what: &str, steps: &[Step]| {
        run(command, limits, &hello.merges, what, steps).into_iter().for_each(&mut *tell);
    };
    if hello.host {
        check("host references ($h)", &host());
    } else {
        check("no host references ($h)", &no_host());
        tell(Finding::note("caps=host", "not declared: directives with host references are not judged"));
    }
    if hello.features {
        run(command, limits, &hello.merges, "features are switched (B)", &features())
            .into_iter()
            .for_each(tell);
    } else {
        tell(Finding::note(
            "caps=features",
            "not declared: errors that only older versions of the specification require are counted as superseded",
        ));
    }
}

fn begin() -> Step {
    step("B a%20b.wast features=3.0", Want::Ok("a%20b.wast"), "repeat the word after `B` unchanged")
}

fn end() -> Step {
    step("E a%20b.wast", Want::Ok("a%20b.wast"), "repeat the word after `E` unchanged")
}

fn modules() -> Vec<Step> {
    let value = "answer `v` and the number that the function returns, signed and decimal";
    vec![
        step("# a remark", Want::AnyOk, ""),
        step("", Want::AnyOk, ""),
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), "decode the base64 and compile the bytes"),
        step("I 1 0", Want::Ok(""), "instantiate the module of the second handle"),
        step("V 1 one", Want::Value(1), value),
        step("V 1 less", Want::Value(i32::MIN), value),
        step("N 1 a%20b%25%C3%BC", Want::Ok(""), "register the instance's exports under the decoded name"),
        send("C 1", TWO, "a module with an import", Want::Ok(""), HANDLES),
        step("I 4294967295 1", Want::Ok(""), NAMES),
        step("V 4294967295 two", Want::Value(2), "link functions of one instance to another"),
        step("U a%20b%25%C3%BC", Want::Ok(""), "unregister the name"),
        step("I 8 1", Want::Fails(ErrorKind::Unlinkable), "an import of an unregistered name is missing"),
        step("U a%20b%25%C3%BC", Want::Ok(""), "accept unregistering a name that is not registered"),
        step("V 4294967295 two", Want::Value(2), "keep instances linked when a name is unregistered"),
        end(),
    ]
}

/// Two instances registered under the same name.
fn added() -> Vec<Step> {
    let keep = "with `X`, keep the earlier exports of the name: a module may import from all of them";
    let mut steps = vec![begin()];
    steps.extend([
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        step("N 1 a%20b%25%C3%BC", Want::Ok(""), NAMES),
        send("C 1", TWO, "a module with an import", Want::Ok(""), HANDLES),
        step("I 2 1", Want::Ok(""), NAMES),
        step("X 2 a%20b%25%C3%BC", Want::Ok(""), "add the exports to those of the name"),
        step("I 3 1", Want::Ok(""), keep),
        send("C 4", BOTH, "a module with imports of two instances", Want::Ok(""), HANDLES),
        step("I 5 4", Want::Ok(""), keep),
        step("N 2 a%20b%25%C3%BC", Want::Ok(""), "with `N`, replace the earlier exports of the name"),
        step(
            "I 6 1",
            Want::Fails(ErrorKind::Unlinkable),
            "with `N`, replace the earlier exports of the name",
        ),
        end(),
    ]);
    steps
}

/// A module that imports from the empty name, optionally instantiated.
fn empty_name(instantiated: bool) -> Vec<Step> {
    let mut steps = vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        send("C 2", EMPTY_NAME, "a module that imports from the empty name", Want::Ok(""), NAMES),
    ];
    if instantiated {
        steps.push(step("N 1 ", Want::Ok(""), NAMES));
        steps.push(step("I 3 2", Want::Ok(""), NAMES));
    }
    steps
}

fn wrappers() -> Vec<Step> {
    let from = "link the module `m` only to the exports of the instance in the request";
    vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        step("N 1 n", Want::Ok(""), HANDLES),
        send("L 2 1", WRAPPER, "a wrapper", Want::Ok(""), from),
        step("V 2 0", Want::Value(0), "call the wrapper's own export"),
        step("V 2 1", Want::Value(1), "return the actual number: not every wrapper returns 0"),
        send(
            "L 3 1",
            OTHER_NAME,
            "with an import that `m` does not have",
            Want::Fails(ErrorKind::Unlinkable),
            from,
        ),
        step("V 3 0", Want::Class(Class::NoHandle), NO_HANDLE),
        end(),
    ]
}

fn no_handles() -> Vec<Step> {
    let none = |request: &str| step(request, Want::Class(Class::NoHandle), NO_HANDLE);
    vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        step("N 1 n", Want::Ok(""), HANDLES),
        step("C 2 AGFzbQ==", Want::Fails(ErrorKind::Malformed), "reject a module that ends after four bytes"),
        none("I 3 2"),
        none("V 3 one"),
        none("N 3 n"),
        none("X 3 n"),
        none("I 4 77"),
        send(
            "L 5 3",
            WRAPPER,
            "for an instance that does not exist",
            Want::Class(Class::NoHandle),
            NO_HANDLE,
        ),
        send("C 6", OTHER_NAME, "a module with an import", Want::Ok(""), HANDLES),
        step("I 7 6", Want::Ok(""), "with a missing handle, `N` must keep what was registered"),
        end(),
    ]
}

fn fresh() -> Vec<Step> {
    let forget = "drop modules, instances and names at `B`";
    vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        step("N 1 n", Want::Ok(""), HANDLES),
        end(),
        begin(),
        step("I 2 0", Want::Class(Class::NoHandle), forget),
        step("V 1 one", Want::Class(Class::NoHandle), forget),
        send("C 0", OTHER_NAME, "a module with an import", Want::Ok(""), forget),
        step("I 1 0", Want::Fails(ErrorKind::Unlinkable), forget),
        end(),
    ]
}

/// Names of properties that JavaScript and Python give to every object.
const PROPERTIES: [&str; 5] = ["toString", "__proto__", "constructor", "hasOwnProperty", "__class__"];

fn unusual_names() -> Vec<Step> {
    let unlinkable = Want::Fails(ErrorKind::Unlinkable);
    let mut steps = vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        step("V 1 toString", Want::Class(Class::Error), "answer `E error` if there is no such function"),
        step("N 1 n", Want::Ok(""), HANDLES),
        step("X 1 n", Want::Ok(""), HANDLES),
    ];
    let missing = PROPERTIES.iter().flat_map(|name| [("n", *name), (*name, "name")]);
    for (handle, (module, name)) in (10..).zip(missing) {
        let text = format!("(module (import \"{module}\" \"{name}\" (func)))");
        let about = format!("a module that imports `{module}` `{name}`, which does not exist");
        steps.push(send(&format!("C {handle}"), &text, &about, Want::Ok(""), HANDLES));
        let instantiate = format!("I {handle} {handle}");
        let about = format!("`{instantiate}`, {about}");
        steps.push(step(instantiate, unlinkable, UNDECLARED).about(&about));
    }
    steps.extend([
        send(
            "C 4",
            UNUSUAL,
            "a module that exports `toString`, `__proto__` and `é日𝄞`",
            Want::Ok(""),
            HANDLES,
        ),
        step("I 5 4", Want::Ok(""), UNDECLARED),
        step("V 5 toString", Want::Value(1), UNDECLARED),
        step("V 5 __proto__", Want::Value(2), UNDECLARED),
        step("V 5 %C3%A9%E6%97%A5%F0%9D%84%9E", Want::Value(4), NAMES),
        step("N 5 toString", Want::Ok(""), UNDECLARED),
        step("N 5 __proto__", Want::Ok(""), UNDECLARED),
        step("N 5 %C3%A9%E6%97%A5%F0%9D%84%9E", Want::Ok(""), NAMES),
        send("C 6", FROM_UNUSUAL, "a module that imports these by the same names", Want::Ok(""), HANDLES),
        step("I 7 6", Want::Ok(""), UNDECLARED),
        step("V 7 sum", Want::Value(7), UNDECLARED),
        end(),
    ]);
    steps
}

/// An error whose message is likely to contain a name that is not ASCII.
fn non_ascii() -> Vec<Step> {
    vec![
        begin(),
        send("C 0", NON_ASCII, "a module with a non-ASCII import", Want::Ok(""), NAMES),
        step("I 1 0", Want::Fails(ErrorKind::Unlinkable), "an import of an unregistered name is missing"),
        end(),
    ]
}

fn invalid() -> Vec<Step> {
    let unsupported = "answer unknown requests with `E unsupported`, and continue";
    vec![
        step(
            "hello wap/9",
            Want::Class(Class::Unsupported),
            "answer `E unsupported` to every version other than `wap/1`",
        ),
        step("Z 1 2", Want::Class(Class::Unsupported), unsupported),
        begin(),
        step("Z", Want::Class(Class::Unsupported), unsupported),
        send("C 0", NUMBERS, "a module", Want::Ok(""), unsupported),
        end(),
    ]
}

fn host() -> Vec<Step> {
    let eq = "`$h.eq` must return 1 for the reference that `$h.host` returns for the number, else 0";
    vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        send(
            "L 2 1",
            HOST,
            "a wrapper with host references",
            Want::Ok(""),
            "provide `$h.host` and `$h.eq` to wrappers",
        ),
        step("V 2 same", Want::Value(1), eq),
        step("V 2 other", Want::Value(0), eq),
        step("V 2 zero", Want::Value(1), eq),
        step("V 2 negative", Want::Value(1), eq),
        step("V 2 null", Want::Value(0), "`$h.eq` must return 0 for null and any number"),
        step("V 2 keep", Want::Value(0), eq),
        step("V 2 kept", Want::Value(1), "return the same reference for a number throughout a script"),
        end(),
    ]
}

fn no_host() -> Vec<Step> {
    let without = "without `caps=host`, reject a wrapper that imports from `$h`";
    vec![
        begin(),
        send("C 0", NUMBERS, "a module", Want::Ok(""), HANDLES),
        step("I 1 0", Want::Ok(""), HANDLES),
        send("L 2 1", HOST, "a wrapper with host references", Want::Class(Class::Unsupported), without),
        step("V 2 same", Want::Class(Class::NoHandle), NO_HANDLE),
        end(),
    ]
}

fn features() -> Vec<Step> {
    let switch = "enable only the features in `B`, or remove `features` from `caps=`";
    vec![
        step("B old features=1.0", Want::Ok("old"), switch),
        send("C 0", MULTI_VALUE, "a module with several results, under 1.0", Want::Refused, switch),
        send("C 1", NUMBERS, "a module of 1.0", Want::Ok(""), switch),
        step("E old", Want::Ok("old"), switch),
        step("B new features=2.0", Want::Ok("new"), switch),
        send("C 0", MULTI_VALUE, "a module with several results, under 2.0", Want::Ok(""), switch),
        step("E new", Want::Ok("new"), switch),
        step("B less features=2.0,-multi-value", Want::Ok("less"), switch),
        send("C 0", MULTI_VALUE, "the same under 2.0 without multi-value", Want::Refused, switch),
        step("E less", Want::Ok("less"), switch),
    ]
}
