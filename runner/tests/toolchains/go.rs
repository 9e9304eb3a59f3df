//! Programs in Go, which are built here: they are megabytes.
//!
//! Go's library makes every path absolute, by the variable `PWD` or else by the name of the first
//! folder that was given, and then looks for a folder whose name is how the path begins. So
//! `--dir=.` gives it nothing that it finds.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::Trial;

use crate::common::trials::{NotRun, find, ignored, trial};
use crate::common::{Folder, clean, run};
use crate::guests::{Place, sources};

/// Uses of a Go toolchain.
type Test = fn(&Go);

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, Test); 5] = [
        ("the_tutorial_s_copy", the_tutorial_s_copy),
        ("goroutines_timers_files_and_large_outputs", goroutines_timers_files_and_large_outputs),
        ("a_server_of_http_answers_a_thousand_requests", a_server_of_http_answers_a_thousand_requests),
        ("a_server_serves_two_at_a_time", a_server_serves_two_at_a_time),
        (
            "a_program_for_javascript_is_refused_with_what_to_do",
            a_program_for_javascript_is_refused_with_what_to_do,
        ),
    ];
    let program = match std::env::var_os("GUESTS_GO") {
        Some(go) => Ok(go.into()),
        None => find(&["go"]),
    };
    let go: Arc<OnceLock<Result<Go, NotRun>>> = Arc::default();
    let trials = tests.map(|(name, test)| {
        let (go, name) = (Arc::clone(&go), format!("go::{name}"));
        match program.clone() {
            Ok(program) => trial(&name, move || {
                go.get_or_init(|| Go::new(program)).as_ref().map(test).map_err(NotRun::clone)
            }),
            Err(why) => ignored(&name, why),
        }
    });
    trials.into()
}

/// A Go that builds for WASI.
struct Go {
    program: PathBuf,
    /// The folder of its build cache.
    cache: OsString,
    scratch: Folder,
}

impl Go {
    /// # Errors
    ///
    /// The program is not a Go that can build for WASI preview 1, which is version 1.22 or later.
    fn new(program: PathBuf) -> Result<Go, NotRun> {
        let scratch = Folder::new(&[("nothing/nothing.go", "package main\n\nfunc main() {}\n")]);
        let mut go = Go { program, cache: scratch.file("cache").into(), scratch };
        let version = printed(clean(Command::new(&go.program).arg("version")));
        let version = version.ok_or_else(|| NotRun("go does not run".to_owned()))?;
        // "go version go1.21.3 linux/amd64"
        let minor = version.split("go1.").nth(1).and_then(|rest| rest.split(['.', ' ', 'r', 'b']).next());
        if minor.and_then(|minor| minor.parse::<u32>().ok()).is_none_or(|minor| minor < 22) {
            return Err(NotRun(format!("{} is older than 1.22", version.trim())));
        }
        if let Some(cache) = users_cache(&go.program) {
            go.cache = cache;
        }
        let built = go.run(&go.scratch.file("nothing"), "nothing", "wasip1");
        match built.status.success() {
            true => Ok(go),
            false => Err(NotRun(format!(
                "go builds nothing for WASI: {}",
                String::from_utf8_lossy(&built.stderr).lines().next().unwrap_or("it does not say why")
            ))),
        }
    }

    /// Has it build a program from `NAME.go` in a folder, for a system.
    fn run(&self, folder: &Path, name: &str, system: &str) -> Output {
        let mut build = Command::new(&self.program);
        build.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]);
        build.arg(self.scratch.file(&format!("{name}-{system}.wasm"))).arg(format!("{name}.go"));
        build.current_dir(folder).env("GOOS", system).env("GOARCH", "wasm").env("GOCACHE", &self.cache);
        // Neither the user's settings nor anything that would have to be downloaded.
        build.env("GOENV", "off").env("GOTOOLCHAIN", "local").env("GO111MODULE", "off");
        clean(build.env("HOME", self.scratch.path())).output().unwrap()
    }

    /// Builds one of the guests for a system; gives the program and the folder that it is in alone.
    fn build(&self, name: &str, system: &str) -> (Folder, PathBuf) {
        let built = self.run(&sources().join("go"), name, system);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let folder = Folder::new::<&str>(&[]);
        let program = folder.file(&format!("{name}.wasm"));
        fs::copy(self.scratch.file(&format!("{name}-{system}.wasm")), &program).unwrap();
        (folder, program)
    }
}

/// The build cache of the user's Go, if it is writable.
fn users_cache(program: &Path) -> Option<OsString> {
    let mut command = Command::new(program);
    for name in ["HOME", "XDG_CACHE_HOME", "GOCACHE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let cache = printed(clean(command.args(["env", "GOCACHE"])))?;
    let cache = cache.trim_end();
    fs::create_dir_all(cache).ok()?;
    tempfile::tempfile_in(cache).ok()?;
    Some(cache.into())
}

/// The output of a command, if it succeeds.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn the_tutorial_s_copy(go: &Go) {
    let (_folder, program) = go.build("copy", "wasip1");
    let place = || Place::new(&program);
    let refuses = |line: &str, err: &str| {
        let place = place();
        place.expect(line, 1, "", err);
        place.expect_files(&[]);
    };
    let copies = |line: &str, to: &str| {
        let place = place();
        place.expect(line, 0, "", "");
        place.expect_files(&[(to, "hello world\n")]);
    };
    refuses("demo.wasm", "usage: demo.wasm <from> <to>\n");
    let missing = "error opening input: open test.txt: Bad file number\n";
    refuses("demo.wasm test.txt copy.txt", missing);
    refuses("demo.wasm --dir=. test.txt copy.txt", missing);
    copies("demo.wasm --dir=PWD test.txt copy.txt", "work/copy.txt");
    copies("demo.wasm --dir=.::/ test.txt copy.txt", "work/copy.txt");
    copies("demo.wasm --dir=.::/here --mapdir=/tmp::OTHER --env=PWD=/here test.txt /tmp/x", "other/x");
    refuses(
        "demo.wasm --dir=PWD test.txt ../secret",
        "error opening output: open ../secret: Bad file number\n",
    );
    let place = place();
    symlink("../secret", place.file("work/link")).unwrap();
    let said = "error opening input: open link: Capabilities insufficient\n";
    place.expect("demo.wasm --dir=.::/ link copy.txt", 1, "", said);
}

fn goroutines_timers_files_and_large_outputs(go: &Go) {
    let (_folder, program) = go.build("system", "wasip1");
    let folder = Folder::new(&[("root/input.txt", ""), ("input", "one\ntwo\n")]);
    let root = format!("{}::/", folder.arg("root"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["run", "--timeout=120s", "--dir", &root]).arg(program);
    let ran = run(command.stdin(Stdio::from(fs::File::open(folder.file("input")).unwrap())));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let line = format!("{}\n", "x".repeat((1 << 20) - 1));
    assert!(ran.out == line.repeat(4), "{} bytes", ran.out.len());
    assert_eq!(fs::read_dir(folder.file("root")).unwrap().count(), 1);
}

/// Starts a program that listens, and gives its address.
fn serve(program: &Path) -> (Child, String) {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["run", "--timeout=120s", "--listen", &address]).arg(program);
    let command = clean(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command.spawn().unwrap(), address)
}

fn connect(address: &str) -> TcpStream {
    // It listens once megabytes are compiled.
    let connected = (0..4000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(25));
        TcpStream::connect(address).ok()
    });
    connected.expect("the guest listens")
}

/// Sends a request and gives the body of the answer.
fn post(connection: &mut BufReader<TcpStream>, path: &str, body: &[u8]) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: guest\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
    let (mut line, mut length) = (String::new(), 0);
    connection.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    while line != "\r\n" {
        line.clear();
        assert_ne!(connection.read_line(&mut line).unwrap(), 0, "the connection ends in the head");
        length = line.strip_prefix("Content-Length: ").map_or(length, |text| text.trim().parse().unwrap());
    }
    let mut answer = vec![0; length];
    connection.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// As any program in Go does it that is given a socket: with the library's server, and no flags
/// set.
fn a_server_of_http_answers_a_thousand_requests(go: &Go) {
    let (_folder, program) = go.build("http", "wasip1");
    let (child, address) = serve(&program);
    std::thread::scope(|scope| {
        for client in 0..8 {
            let address = &address;
            scope.spawn(move || {
                let mut connection = BufReader::new(connect(address));
                for request in 0..125 {
                    if request % 25 == 24 {
                        connection = BufReader::new(connect(address));
                    }
                    // Now and then more than the system buffers.
                    let length = if request % 50 == 49 { 1 << 20 } else { request };
                    let answer = post(&mut connection, &format!("/echo?name={client}"), &vec![b'x'; length]);
                    assert_eq!(answer, format!("{client} said {length} bytes"));
                }
            });
        }
    });
    post(&mut BufReader::new(connect(&address)), "/over", b"");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "1000 requests\n");
}

fn a_server_serves_two_at_a_time(go: &Go) {
    let (_folder, program) = go.build("server", "wasip1");
    let (child, address) = serve(&program);
    let (mut first, mut second) = (connect(&address), connect(&address));
    // The second is served while the first has said nothing yet.
    for (connection, said) in [(&mut second, "second\n"), (&mut first, "first\n")] {
        connection.write_all(said.as_bytes()).unwrap();
        let mut heard = String::new();
        BufReader::new(connection).read_line(&mut heard).unwrap();
        assert_eq!(heard, format!("heard {said}"));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn a_program_for_javascript_is_refused_with_what_to_do(go: &Go) {
    let (_folder, program) = go.build("copy", "js");
    let place = Place::new(&program);
    let ran = place.run("demo.wasm --dir=. test.txt copy.txt");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.starts_with("error: demo.wasm: imports the function `gojs` `"), "{}", ran.err);
    assert!(ran.err.contains("it was built with GOOS=js") && ran.err.contains("GOOS=wasip1"), "{}", ran.err);
}
