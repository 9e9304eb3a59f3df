//! The code cache of `wassay run`: the same results whatever is in it, and one warning at most.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::program::hello;
use crate::common::{Folder, PASSES, Ran, clean, run};

const WASSAY: &str = env!("CARGO_BIN_EXE_wassay");

/// What a call of `half` with 2 prints.
const HALF: &str = "i32 42 (0x0000002a)\n";

/// Functions that return, trap, and call each other.
const TEXT: &str = r#"(module (memory 1)
  (func $divide (param i32) (result i32) (i32.div_u (i32.const 84) (local.get 0)))
  (func (export "half") (param i32) (result i32) (call $divide (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;

/// A folder with programs, and with a cache that only its processes use.
struct Home(Folder);

impl Home {
    fn new() -> Home {
        Home(Folder::new(&[("p.wat", TEXT), ("hello.wat", &hello("")), ("s/a.wast", PASSES)]))
    }

    /// The folder of the cache.
    fn cache(&self) -> PathBuf {
        self.0.file("cache/wassay/code")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(WASSAY);
        command.args(args).current_dir(self.0.path());
        command.env("XDG_CACHE_HOME", self.0.file("cache")).env("XDG_CONFIG_HOME", self.0.file("config"));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }

    /// Calls a function of `p.wat`.
    fn call(&self, name: &str, argument: &str) -> Ran {
        self.run(&["run", "--invoke", name, "p.wat", argument])
    }

    /// The log of such a call.
    fn log(&self, name: &str, argument: &str) -> String {
        run(self.command(&["run", "--invoke", name, "p.wat", argument]).env("RUST_LOG", "debug")).err
    }

    /// The files in the cache.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).map(|entries| entries.map(|entry| entry.unwrap().path()));
        let mut files: Vec<PathBuf> = entries.into_iter().flatten().collect();
        files.sort();
        files
    }

    /// The only file in the cache.
    #[track_caller]
    fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    /// Asserts that both functions do the same as without a cache, with one warning at most.
    #[track_caller]
    fn assert_right(&self, what: &str) {
        for (name, argument) in [("half", "2"), ("half", "0"), ("load", "-1")] {
            let plain = self.run(&["run", "--no-cache", "--invoke", name, "p.wat", argument]);
            let ran = self.call(name, argument);
            assert_eq!((ran.code, &ran.out), (plain.code, &plain.out), "{what}: {}", ran.err);
            let (warnings, rest): (Vec<&str>, Vec<&str>) =
                ran.err.lines().partition(|line| line.starts_with("warning: "));
            assert_eq!(rest, plain.err.lines().collect::<Vec<_>>(), "{what}");
            assert!(warnings.len() <= 1, "{what}: {}", ran.err);
        }
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_second_run_uses_the_code_of_the_first() {
    let home = Home::new();
    let first = home.log("half", "2");
    assert!(first.contains("stored=false") && first.contains("stored the code"), "{first}");
    assert_eq!((mode(&home.cache()), mode(&home.file())), (0o700, 0o600));
    let second = home.log("half", "2");
    assert!(second.contains("stored=true") && !second.contains("stored the code"), "{second}");
    home.assert_right("warm");
    // Functions that only a later run calls are added.
    let length = fs::metadata(home.file()).unwrap().len();
    let home = Home::new();
    home.call("half", "2");
    assert!(fs::metadata(home.file()).unwrap().len() < length, "`load` was added");
    assert!(home.log("load", "0").contains("stored the code"));
    for name in ["half", "load"] {
        let log = home.log(name, "4");
        assert!(log.contains("stored=true") && !log.contains("stored the code"), "{log}");
    }
}

#[test]
fn programs_that_exit_or_trap_are_stored_too() {
    let home = Home::new();
    assert_eq!(home.call("half", "0").code, 134);
    home.file();
    assert_eq!(home.run(&["hello.wat"]).out, "hello\n");
    assert_eq!(home.files().len(), 2);
    assert_eq!(home.run(&["hello.wat"]).out, "hello\n");
}

#[test]
fn the_cache_can_be_turned_off() {
    let home = Home::new();
    home.run(&["run", "--no-cache", "--invoke", "half", "p.wat", "2"]);
    fs::create_dir(home.0.file("config")).unwrap();
    fs::create_dir(home.0.file("config/wassay")).unwrap();
    fs::write(home.0.file("config/wassay/config.toml"), "[cache]\nenabled = false\n").unwrap();
    home.call("half", "2");
    assert!(!home.0.file("cache").exists());
}

#[test]
fn conformance_runs_do_not_use_it() {
    let home = Home::new();
    for args in [["test", "s"], ["wast", "s/a.wast"]] {
        let ran = home.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    assert!(!home.0.file("cache").exists());
}

#[test]
fn a_changed_file_is_noticed_and_replaced() {
    let home = Home::new();
    home.assert_right("cold");
    let (file, whole) = (home.file(), fs::read(home.file()).unwrap());
    // The engine's tests change every byte; each run here is a process.
    for at in (0..whole.len()).step_by(whole.len() / 30) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        home.assert_right(&format!("byte {at}"));
        fs::write(&file, &whole[..at]).unwrap();
        home.assert_right(&format!("{at} bytes"));
        assert_eq!(fs::metadata(home.file()).unwrap().len(), whole.len() as u64, "it is complete again");
    }
    for bytes in [vec![0; 100_000], b"\x7fELF".repeat(1000), whole.repeat(2)] {
        fs::write(&file, bytes).unwrap();
        home.assert_right("other bytes");
    }
}

#[test]
fn code_for_other_settings_or_modules_is_not_used() {
    let home = Home::new();
    home.call("half", "2");
    let own = home.file();
    home.run(&["run", "--features", "2.0", "--invoke", "half", "p.wat", "2"]);
    home.run(&["hello.wat"]);
    let others: Vec<PathBuf> = home.files().into_iter().filter(|file| *file != own).collect();
    assert_eq!(others.len(), 2);
    for other in others {
        fs::copy(other, &own).unwrap();
        let log = home.log("half", "2");
        assert!(log.contains("stored=false") && log.contains("stored the code"), "{log}");
        home.assert_right("after foreign code");
    }
}

#[test]
fn processes_can_use_it_at_the_same_time() {
    let home = Home::new();
    for round in 0..3 {
        let start = |number: usize| {
            let name = ["half", "load"][number % 2];
            let mut command = home.command(&["run", "--invoke", name, "p.wat", "2"]);
            clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..8).map(start).collect();
        for (number, child) in children.into_iter().enumerate() {
            let output = child.wait_with_output().unwrap();
            let expected = [HALF, "i32 0 (0x00000000)\n"][number % 2];
            assert_eq!(output.stdout, expected.as_bytes(), "round {round}");
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        home.file();
    }
    home.assert_right("after all");
}

#[test]
fn a_process_that_is_killed_leaves_a_usable_cache() {
    let home = Home::new();
    // So many functions that much of the time is spent on storing them.
    let functions: String = (0..300)
        .map(|n| format!("(func $f{n} (result i32) (i32.add (i32.const {n}) (i32.const 1)))"))
        .collect();
    let calls: String = (0..300).map(|n| format!("(drop (call $f{n}))")).collect();
    let text = format!("(module {functions} (func (export \"all\") (result i32) {calls} (i32.const 7)))");
    fs::write(home.0.file("p.wat"), text).unwrap();
    let command = || home.command(&["run", "--invoke", "all", "p.wat"]);
    let begun = std::time::Instant::now();
    run(&mut command());
    let whole = begun.elapsed();
    for part in 1..=20 {
        for file in home.files() {
            fs::remove_file(file).unwrap();
        }
        let mut command = command();
        let mut child = clean(&mut command).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * part / 20);
        child.kill().unwrap();
        child.wait().unwrap();
        let ran = home.run(&["run", "--invoke", "all", "p.wat"]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "i32 7 (0x00000007)\n", ""), "{part}");
    }
}

/// Runs a call in a mount namespace, after this shell command, if the system allows that.
fn in_namespace(home: &Home, mount: &str) -> Option<Ran> {
    let call = format!("{mount} && exec \"$0\" run --invoke half p.wat 2");
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &call, WASSAY]).current_dir(home.0.path());
    let ran = run(command.env("XDG_CACHE_HOME", home.0.file("cache")));
    (ran.code == 0).then_some(ran)
}

#[test]
fn what_cannot_be_stored_is_one_warning() {
    let home = Home::new();
    home.call("half", "2");
    let cache = home.cache().display().to_string();
    let assert_warned = |ran: &Ran| {
        assert_eq!((ran.code, ran.out.as_str()), (0, HALF), "{}", ran.err);
        assert!(ran.err.starts_with("warning: ") && ran.err.lines().count() == 1, "{}", ran.err);
        assert!(ran.err.contains("cannot store machine code"), "{}", ran.err);
    };
    // A folder for reading only is used, and cannot be added to.
    let read_only = format!("mount --bind '{cache}' '{cache}' && mount -o remount,bind,ro '{cache}'");
    if let Some(ran) = in_namespace(&home, &read_only) {
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (HALF, ""));
    }
    fs::remove_file(home.file()).unwrap();
    if let Some(ran) = in_namespace(&home, &read_only) {
        assert_warned(&ran);
    }
    // A disk that is full.
    let full = format!(
        "mount -t tmpfs -o size=4k,mode=700 none '{cache}' && head -c 4096 /dev/zero > '{cache}/full'"
    );
    if let Some(ran) = in_namespace(&home, &full) {
        assert_warned(&ran);
    }
    // A limit for the size of files.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1; exec \"$0\" run --invoke half p.wat 2", WASSAY]);
    command.current_dir(home.0.path()).env("XDG_CACHE_HOME", home.0.file("cache"));
    assert_warned(&run(&mut command));
    assert!(home.files().is_empty(), "no part of a file is left");
}

#[test]
fn a_folder_that_others_can_write_is_not_used() {
    let home = Home::new();
    home.call("half", "2");
    fs::remove_file(home.file()).unwrap();
    fs::set_permissions(home.cache(), PermissionsExt::from_mode(0o777)).unwrap();
    let ran = home.call("half", "2");
    assert_eq!((ran.code, ran.out.as_str()), (0, HALF));
    let expected = "can be changed by other users (mode 777)";
    assert!(ran.err.starts_with("warning: ") && ran.err.contains(expected), "{}", ran.err);
    assert_eq!((ran.err.lines().count(), home.files().len()), (1, 0));
    let stats = home.run(&["cache", "stats"]);
    assert!(stats.code == 2 && stats.err.contains(expected), "{}", stats.err);
    // So is a file in the place of the folder.
    fs::remove_dir(home.cache()).unwrap();
    fs::write(home.cache(), "").unwrap();
    let ran = home.call("half", "2");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (0, HALF, 1));
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let home = Home::new();
    let stats = home.run(&["cache", "stats"]);
    assert!(stats.out.contains("0 modules, 0 bytes"), "{}", stats.out);
    assert!(!home.0.file("cache").exists(), "showing it does not create it");
    home.call("half", "2");
    home.run(&["hello.wat"]);
    fs::write(home.cache().join("notes.txt"), "mine").unwrap();
    let stats = home.run(&["cache", "stats"]);
    assert!(stats.out.contains("2 modules") && stats.out.contains("1 GiB"), "{}", stats.out);
    assert!(stats.out.contains(&home.cache().display().to_string()), "{}", stats.out);
    let cleared = home.run(&["cache", "clear"]);
    assert!(cleared.out.starts_with("removed 2 modules"), "{}", cleared.out);
    assert_eq!(home.files(), [home.cache().join("notes.txt")]);
}

#[test]
fn its_settings_are_in_a_file() {
    let home = Home::new();
    let written = home.run(&["config", "new"]);
    assert_eq!((written.code, written.err.as_str()), (0, ""));
    let file = home.0.file("config/wassay/config.toml");
    assert!(fs::read_to_string(&file).unwrap().contains("max-size = \"1GiB\""));
    let again = home.run(&["config", "new"]);
    assert!(again.code == 2 && again.err.contains("the file exists"), "{}", again.err);
    let elsewhere = home.run(&["config", "new", "a.toml"]);
    assert!(elsewhere.code == 0 && home.0.file("a.toml").is_file(), "{}", elsewhere.err);

    home.call("half", "2");
    home.run(&["hello.wat"]);
    // Each of the files fits, but not both.
    let largest = home.files().iter().map(|file| fs::metadata(file).unwrap().len()).max().unwrap();
    let (mine, size) = (home.0.file("mine"), largest + 1);
    let text = format!("[cache]\ndirectory = '{}'\nmax-size = \"{size}\"\n", mine.display());
    fs::write(&file, text).unwrap();
    let shown = home.run(&["config", "show"]).out;
    for expected in ["config.toml", "enabled = true", "/mine", &format!("max-size = \"{size}\"")] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    home.call("half", "2");
    let first = fs::read_dir(home.0.file("mine")).unwrap().next().unwrap().unwrap().path();
    home.run(&["hello.wat"]);
    let files: Vec<_> = fs::read_dir(home.0.file("mine")).unwrap().collect();
    assert!(files.len() == 1 && !first.exists(), "the older one was removed: {files:?}");

    fs::write(&file, "[cache]\nmax-sise = \"3KiB\"\n").unwrap();
    for args in [&["run", "hello.wat"][..], &["cache", "stats"], &["config", "show"]] {
        let ran = home.run(args);
        assert!(
            ran.code == 2 && ran.err.contains("config.toml") && ran.err.contains("max-size"),
            "{}",
            ran.err
        );
    }
    let named = run(home.command(&["config", "show"]).env("WASSAY_CONFIG", home.0.file("a.toml")));
    assert!(named.code == 0 && named.out.contains("a.toml"), "{}", named.err);
    let absent = run(home.command(&["config", "show"]).env("WASSAY_CONFIG", "gone.toml"));
    assert!(absent.code == 2 && absent.err.contains("gone.toml"), "{}", absent.err);
}

#[test]
fn a_home_folder_that_does_not_exist_is_not_created() {
    let home = Home::new();
    let absent = home.0.file("absent");
    let mut command = home.command(&["run", "--invoke", "half", "p.wat", "2"]);
    let ran = run(command.env_remove("XDG_CACHE_HOME").env("HOME", &absent));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, HALF, ""));
    assert!(!absent.exists());
    // An existing one gets a cache.
    fs::create_dir(&absent).unwrap();
    let mut command = home.command(&["run", "--invoke", "half", "p.wat", "2"]);
    let ran = run(command.env_remove("XDG_CACHE_HOME").env("HOME", &absent));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, HALF, ""));
    assert!(absent.join(".cache/wassay/code").is_dir());
}
