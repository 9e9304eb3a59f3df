//! Tests of valid and invalid descriptions.

use std::path::Path;
use std::time::Duration;

use super::*;

const WHOLE: &str = r#"name = "my-engine"
homepage = "https://example.org/"
notes = "n"
install = "i"
package = "Debian my-engine"
program = ["my-engine", "{dir}/my-engine"]
version = ["{program}", "--version"]
timeout = "20s"
max-memory = "2GiB"
expectations = "my-engine.toml"

[protocol]
command = ["{program}", "{flags}", "adapter"]
env = { LOG = "{dir}/log" }

[columns.default]
features = ["2.0", "threads"]

[columns.all]
flags = ["--all", "--more"]
features = ["3.0"]
expectations = "all.toml"
"#;

fn parsed(text: &str) -> Result<Description, String> {
    Description::parse("e.toml", text).map_err(|error| error.to_string())
}

fn error(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    parsed(&WHOLE.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_description_says_how_an_engine_is_run_and_in_which_columns() {
    let description = parsed(WHOLE).unwrap();
    assert_eq!(description.name, "my-engine");
    assert_eq!(description.timeout, Some(Duration::from_secs(20)));
    assert_eq!(description.max_memory, Some(2 << 30));
    assert_eq!(description.expectations.as_deref(), Some(Path::new("my-engine.toml")));
    assert_eq!(description.program.len(), 2);
    let all = description.columns.get("all").unwrap();
    assert_eq!((all.flags.len(), all.features.as_slice()), (2, ["3.0".to_owned()].as_slice()));
    let protocol = description.protocol.unwrap();
    let values = |placeholder| match placeholder {
        Placeholder::Flags => all.flags.clone(),
        other => vec![other.name().to_uppercase()],
    };
    assert_eq!(protocol.command.fill(&values), ["PROGRAM", "--all", "--more", "adapter"]);
    assert_eq!(protocol.env.get("LOG").unwrap().fill(&values), ["DIR/log"]);
}

#[test]
fn a_short_description_has_one_column_without_flags() {
    let description = parsed("name = \"e\"\nprogram = \"e\"\n[protocol]\ncommand = [\"{program}\"]").unwrap();
    assert_eq!(
        description.columns.into_iter().collect::<Vec<_>>(),
        [(DEFAULT_COLUMN.to_owned(), Column::default())]
    );
    assert!(parsed("name = \"e\"\n[protocol]\ncommand = [\"e\", \"a/b\"]").is_ok());
}

#[test]
fn errors_have_a_line() {
    for (from, to, expected) in [
        ("notes", "note", "e.toml:3: unknown field `note`"),
        ("notes", "note", "; did you mean `notes`?"),
        ("command", "comand", "; did you mean `command`?"),
        ("name = \"my-engine\"\n", "", "e.toml:1: missing field `name`"),
        ("\"my-engine\"", "\"my engine\"", "e.toml:1: invalid name `my engine`"),
        ("[columns.all]", "[columns.\"a:b\"]", "invalid name `a:b`"),
        ("\"20s\"", "\"20\"", "e.toml:8: invalid duration `20`"),
        ("\"2GiB\"", "\"2GB\"", "e.toml:9: invalid size `2GB`"),
        ("\"2GiB\"", "2", "e.toml:9: invalid type"),
        ("\"threads\"", "\"thread\"", "e.toml:17: unknown feature `thread`; did you mean `threads`?"),
        ("{dir}/log", "{flags}", "e.toml:14: `env` cannot have `{flags}`"),
        ("{dir}/log", "{log", "e.toml:14: `{log`: unpaired brace"),
        ("LOG", "\"A=B\"", "invalid name `A=B` of an environment variable"),
        ("\"{dir}/my-engine\"", "\"bin/my-engine\"", "e.toml:6: the program is a relative path"),
        ("\"{dir}/my-engine\"", "\"{program}\"", "e.toml:6: `program` cannot have `{program}`"),
        ("[\"my-engine\", \"{dir}/my-engine\"]", "[]", "e.toml:6: expected a program"),
        (
            "[\"{program}\", \"{flags}\", \"adapter\"]",
            "[]",
            "e.toml:13: expected a program and its arguments",
        ),
        ("\"{program}\", \"--version\"", "\"./v\"", "e.toml:7: the program is a relative path"),
        (" \"{flags}\",", "", "e.toml:19: column `all` has flags, but no command uses them"),
        (
            "[\"{program}\", \"{flags}\", \"adapter\"]",
            "[\"{flags}\"]",
            "e.toml:13: the program cannot be `{flags}`",
        ),
        ("[\"{program}\", \"{flags}\", \"adapter\"]", "\"my-engine adapter\"", "e.toml:13: invalid type"),
    ] {
        let error = error(from, to);
        assert!(error.contains(expected), "{error}: expected {expected}");
        assert!(!error.contains('\n'), "{error}");
    }
    let without_program = "name = \"e\"\n[protocol]\ncommand = [\"{program}\"]";
    assert!(
        parsed(without_program)
            .unwrap_err()
            .starts_with("e.toml:3: it uses `{program}`, but there is no key")
    );
    assert!(parsed("name = \"e\"").unwrap_err().contains("expected a table `[protocol]`"));
    assert!(parsed("name = ").unwrap_err().starts_with("e.toml:1: "));
}

#[test]
fn only_regular_files_up_to_a_size_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.toml");
    std::fs::write(&path, WHOLE).unwrap();
    assert_eq!(Description::read(&path).unwrap(), (parsed(WHOLE).unwrap(), WHOLE.to_owned()));
    let error = |path: &Path| Description::read(path).unwrap_err().to_string();
    std::fs::write(&path, format!("{WHOLE}#{}", "x".repeat(256 << 10))).unwrap();
    assert!(error(&path).contains("exceeds the limit"), "{}", error(&path));
    std::fs::write(&path, b"name = \"e\"\n# \xff\n").unwrap();
    assert!(error(&path).ends_with("e.toml:2: expected UTF-8"), "{}", error(&path));
    assert!(error(folder.path()).contains("expected a regular file, found a folder"));
    assert!(error(Path::new("/dev/zero")).contains("found a device"));
    assert!(error(&folder.path().join("absent.toml")).contains("cannot read the engine description"));
}

#[test]
fn damaged_descriptions_do_not_panic() {
    for cut in (0..WHOLE.len()).filter(|at| WHOLE.is_char_boundary(*at)) {
        let _ = parsed(&WHOLE[..cut]);
        for put in ["\"", "[", "{", "}", "=", "\n", "\0"] {
            let _ = parsed(&format!("{}{put}{}", &WHOLE[..cut], &WHOLE[cut + 1..]));
        }
    }
    let nested = format!("name = {}", "[".repeat(100_000));
    assert!(parsed(&nested).is_err());
    let nested = format!("name = \"e\"\n[{}]", "a.".repeat(50_000));
    assert!(parsed(&nested).is_err());
}

const BY_COMMAND: &str = r#"name = "e"
program = "e"
[module]
run = ["{program}", "{flags}", "{module}"]
env = { A = "{dir}" }
[wasi]
command = ["{program}", "{dirs}", "{env}", "{module}", "{args}"]
dir = ["--dir", "{host}::{guest}"]
env = ["--env", "{name}={value}"]
cannot = ["sockets"]
traps = [134]
[columns.all]
flags = ["-a"]
"#;

#[test]
fn an_engine_may_have_only_a_command_line() {
    let described = parsed(BY_COMMAND).unwrap();
    let modules = described.modules.unwrap();
    assert_eq!(modules.entry, wassay_script::selfcheck::Entry::default());
    let wasi = described.wasi.unwrap();
    assert_eq!(
        (wasi.cannot.as_slice(), wasi.traps.as_slice()),
        ([crate::wasi::Need::Sockets].as_slice(), [134].as_slice())
    );
    let start = parsed("name = \"e\"\n[module]\nrun = [\"e\", \"{module}\"]\nstart = true").unwrap();
    assert_eq!(start.modules.unwrap().entry, wassay_script::selfcheck::Entry::Start);
    let adapter = parsed("name = \"e\"\n[wasi]\nadapter = \"{dir}/e.py\"").unwrap();
    assert!(matches!(adapter.wasi.unwrap().way, WasiWay::Adapter { python: None, .. }));
}

#[test]
fn invalid_command_lines_are_rejected() {
    let error = |from: &str, to: &str| {
        assert!(BY_COMMAND.contains(from), "{from}");
        parsed(&BY_COMMAND.replacen(from, to, 1)).unwrap_err()
    };
    for (from, to, expected) in [
        ("\"{flags}\", \"{module}\"]\nenv", "\"{flags}\"]\nenv", "e.toml:4: `run` does not use the module"),
        ("\"{module}\", \"{args}\"", "\"{args}\"", "e.toml:7: `command` does not use the module"),
        (
            "env = { A",
            "entry = \"f\"\nstart = true\nenv = { A",
            "e.toml:5: `entry` and `start` are mutually exclusive",
        ),
        ("\"{module}\"]\nenv", "\"{module}\", \"{args}\"]\nenv", "e.toml:4: `run` cannot have `{args}`"),
        ("{host}::", "{module}::", "e.toml:8: `dir` cannot have `{module}`"),
        ("{name}=", "{host}=", "e.toml:9: `env` cannot have `{host}`"),
        ("\"sockets\"", "\"socket\"", "unknown need `socket`; did you mean `sockets`?"),
        ("command = [", "adapter = \"{dir}/a.py\"\ncommand = [", "e.toml:6: expected one of `command`"),
        ("dir = [", "dirs = [", "unknown field `dirs`"),
    ] {
        let message = error(from, to);
        assert!(message.contains(expected), "{message}");
    }
    let both = parsed("name = \"e\"\n[wasi]\nadapter = \"{dir}/e.py\"\ndir = [\"{host}\"]").unwrap_err();
    assert!(both.starts_with("e.toml:4: an adapter creates the complete command"), "{both}");
}
