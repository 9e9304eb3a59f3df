//! `wassay engine`: the list, descriptions, and the self-test of adapters.

use std::process::Command;

use libtest_mimic::Trial;

use super::common::trials::trial;
use super::common::{Folder, PASSES, Ran, run};
use super::node;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("kept::the_list_says_what_is_here_and_how_to_get_the_rest", the_list),
        trial("kept::what_is_shown_is_a_description_again", what_is_shown),
        trial("kept::a_description_is_added_with_its_paths", a_description_is_added),
        trial("kept::our_adapter_passes_the_self_test", || passes_the_self_test("wassay", "wassay")),
        trial("kept::node_passes_the_self_test", || {
            node().map(|node| {
                passes_the_self_test("node", "node");
                passes_the_self_test(&node, "node");
            })
        }),
        trial("kept::what_an_adapter_does_wrong_is_told_with_what_to_do", what_is_wrong_is_told),
        trial("kept::what_speaks_no_protocol_has_nothing_to_check", what_speaks_no_protocol),
    ]
}

fn wassay(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(args).current_dir(folder.path()).env("XDG_CONFIG_HOME", folder.file("config"));
    run(&mut command)
}

/// A description of our own engine by another name.
fn described(name: &str, more: &str) -> String {
    format!(
        "name = \"{name}\"\ninstall = \"ask for it\"\n{more}\n[protocol]\ncommand = [\"{{program}}\", \"adapter\"]\n"
    )
}

fn the_list() {
    let own = env!("CARGO_BIN_EXE_wassay");
    let folder = Folder::new(&[
        (".wassay/engines/mine.toml", described("mine", &format!("program = \"{own}\""))),
        (".wassay/engines/gone.toml", described("gone", "program = \"no-such-program-anywhere\"")),
        (".wassay/engines/broken.toml", "name = 7".to_owned()),
        ("config/wassay/engines/users.toml", described("users", "program = \"no-such-program-anywhere\"")),
        (".wassay/engines/notes.txt", String::new()),
    ]);
    let ran = wassay(&folder, &["engine", "list"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = |name: &str| {
        let mut lines = ran.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines
            .find(|line| line.starts_with(&format!("{name} ")))
            .unwrap_or_else(|| panic!("{name}: {}", ran.out))
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(line("mine"), format!("mine default project {version}"));
    assert_eq!(line("wassay"), format!("wassay default built in {version}"));
    assert_eq!(line("gone"), "gone default project not installed: ask for it");
    assert_eq!(line("users"), "users default user not installed: ask for it");
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("broken.toml:1: invalid type: integer `7`"), "{}", ran.out);
    assert!(line("node").starts_with("node all default built in "), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    assert!(!ran.out.contains("notes"), "{}", ran.out);
}

fn what_is_shown() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let ran = wassay(&folder, &["engine", "show", "wassay"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("# wassay: built in\n# column default: "), "{}", ran.out);
    std::fs::write(folder.file("mine.toml"), &ran.out).unwrap();
    let ran = wassay(&folder, &["test", "a.wast", "--engine", "mine.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = wassay(&folder, &["engine", "show", "mine.toml"]);
    assert!(ran.out.starts_with("# wassay: mine.toml\n"), "{}", ran.out);
    // The adapters of a checkout are named by a variable.
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let ran = run(command.args(["engine", "show", "wasmtime-c"]).env("WASSAY_ADAPTERS", folder.path()));
    assert!(ran.out.contains("wasmtime-c is not installed: `{adapters}/c/wap-wasmtime`"), "{}", ran.out);
    std::fs::create_dir_all(folder.file("c")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wassay"), folder.file("c/wap-wasmtime")).unwrap();
    let ran = run(&mut command);
    let line = format!("# column default: {}\n", folder.arg("c/wap-wasmtime"));
    assert!(ran.out.contains(&line), "{}", ran.out);
    let ran = wassay(&folder, &["engine", "show", "nodee"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("nodee: unknown engine; did you mean `node`?"), "{}", ran.err);
}

fn a_description_is_added() {
    let engine = |notes: &str| {
        let more =
            format!("notes = \"{notes}\"\nprogram = \"{{dir}}/bin/it\"\nexpectations = \"known.toml\"");
        described("mine", &more)
    };
    let folder = Folder::new(&[
        ("a.wast", PASSES.to_owned()),
        ("e/mine.toml", engine("first")),
        ("e/known.toml", String::new()),
        ("e/bin/x", String::new()),
        ("broken.toml", "name = 7".to_owned()),
    ]);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wassay"), folder.file("e/bin/it")).unwrap();
    let ran = wassay(&folder, &["engine", "add", "e/mine.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = wassay(&folder, &["test", "a.wast", "--engine", "mine"]);
    assert_eq!(ran.code, 0, "its paths are from the folder that it was added from: {ran:?}");
    assert_eq!(wassay(&folder, &["engine", "add", "e/mine.toml"]).code, 0, "the same again");
    // An existing file is not overwritten.
    std::fs::write(folder.file("e/mine.toml"), engine("second")).unwrap();
    let ran = wassay(&folder, &["engine", "add", "e/mine.toml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("engine `mine` already exists: use --replace"), "{}", ran.err);
    let added = || std::fs::read_to_string(folder.file("config/wassay/engines/mine.toml")).unwrap();
    assert!(added().contains("first"));
    assert_eq!(wassay(&folder, &["engine", "add", "--replace", "e/mine.toml"]).code, 0);
    assert!(added().contains("second") && !added().contains("{dir}"));
    let ran = wassay(&folder, &["engine", "add", "broken.toml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

fn passes_the_self_test(engine: &str, name: &str) {
    let folder = Folder::new::<&str>(&[]);
    let ran = wassay(&folder, &["engine", "check", engine]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains("FAIL") && ran.out.contains("wrong expectations fail"), "{}", ran.out);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with(name) && last.ends_with("as expected"), "{}", ran.out);
}

/// Our adapter, whose answers are changed.
fn changed(sed: &str) -> String {
    format!("sh -c '\"{}\" adapter | sed -u \"{sed}\"'", env!("CARGO_BIN_EXE_wassay"))
}

/// Checks an adapter with a fault.
fn is_told(adapter: &str, expected: &[&str]) {
    let folder = Folder::new::<&str>(&[]);
    let ran = wassay(&folder, &["engine", "check", adapter]);
    assert_eq!(ran.code, 1, "{adapter}: {ran:?}");
    for expected in expected {
        assert!(ran.out.contains(expected), "{adapter}: no {expected}: {}", ran.out);
    }
    assert!(ran.out.contains("FAIL  ") && ran.out.contains("to do: "), "{}", ran.out);
    assert!(ran.out.lines().last().unwrap().contains("docs/engines.md"), "{}", ran.out);
}

fn what_is_wrong_is_told() {
    let wrong = [
        (
            changed("s/^E unsupported.*/ok engine=x/"),
            vec!["hello wap/9", "answer `E unsupported` to every version"],
        ),
        (
            changed("s/^v .*/v 0/"),
            vec!["expected `v 1`, got `v 0`", "passes despite a wrong expectation, and"],
        ),
        (
            changed("s/^v 1$/v 0/"),
            vec!["passes despite a wrong expectation", "to do: answer with the actual result"],
        ),
        (changed("s/^E trap.*/E error/"), vec!["expected `E trap`, got `E error`", "merges=trap+error"]),
        (
            changed("s/^E exhaustion.*/E trap/"),
            vec!["expected `E exhaustion`, got `E trap`", "merges=trap+exhaustion"],
        ),
        (changed("s/^E link.*/ok/"), vec!["expected `E link`, got `ok`"]),
        (changed("s/^E nohandle.*/ok/"), vec!["expected `E nohandle`, got `ok`", "change nothing"]),
        (
            changed("s/^E invalid.*/ok/"),
            vec!["expected `E invalid` or `E compile`, got `ok`", "validate all function bodies"],
        ),
        (
            changed("s/^ok a%20b.wast/ok a b.wast/"),
            vec!["expected `ok a%20b.wast`, got `ok a b.wast`", "repeat the word after `B` unchanged"],
        ),
        (changed("s/^E unsupported.*/oops/"), vec!["`oops` is not an answer"]),
        (
            changed("s/^E link.*name-.*/E link unknown import name-\\\\xe9/"),
            vec!["is not UTF-8", "to do: write answers as UTF-8"],
        ),
        (changed("s/^ok$/ok\\\\nok/"), vec!["many requests may be sent", "one line"]),
    ];
    // Most of the time of a check is for adapters that have to be waited for.
    std::thread::scope(|scope| {
        for (adapter, expected) in wrong {
            scope.spawn(move || is_told(&adapter, &expected));
        }
    });
    let folder = Folder::new::<&str>(&[]);
    // Classes that the adapter says it merges are not a fault.
    let merging = changed("s/^E exhaustion.*/E trap/; s/^ok engine=[^ ]*/& merges=trap+exhaustion/");
    let ran = wassay(&folder, &["engine", "check", &merging]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("note  merges: `trap` and `exhaustion` are not distinguished"), "{}", ran.out);
}

fn what_speaks_no_protocol() {
    let folder = Folder::new::<&str>(&[]);
    for (engine, expected) in [
        ("true", "no answer to `hello wap/1`"),
        ("echo hi", "`hi` is not an answer"),
        ("/no/such/adapter", "cannot start"),
        ("nodee", "did you mean `node`?"),
    ] {
        let ran = wassay(&folder, &["engine", "check", engine]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{engine}: {ran:?}");
        assert!(ran.err.contains(expected), "{engine}: {}", ran.err);
    }
    // An adapter that exits after `hello` fails every check, and the self-test completes.
    let ran = wassay(&folder, &["engine", "check", "sh -c 'read -r l; echo ok engine=e; exit 3'"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("the engine exited with code 3"), "{}", ran.out);
}
