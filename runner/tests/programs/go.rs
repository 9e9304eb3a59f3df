//! Programs in Go, which are built here: they are megabytes.
//!
//! Go's library makes every path absolute, by the variable `PWD` or else by the name of the first folder that was given, and then looks for
//! a folder whose name is how the path begins. So `--dir=.` gives it nothing that it finds.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::{Folder, run};
use crate::guests::{Place, build_go};

#[test]
fn the_tutorial_s_copy() {
    let Some((_folder, program)) = build_go("copy", "wasip1") else { return };
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

#[test]
fn goroutines_timers_files_and_large_outputs() {
    let Some((_folder, program)) = build_go("system", "wasip1") else { return };
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
    (command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), address)
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

/// As any program in Go does it that is given a socket: with the library's server, and no flags set.
#[test]
fn a_server_of_http_answers_a_thousand_requests() {
    let Some((_folder, program)) = build_go("http", "wasip1") else { return };
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

#[test]
fn a_server_serves_two_at_a_time() {
    let Some((_folder, program)) = build_go("server", "wasip1") else { return };
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

#[test]
fn a_program_for_javascript_is_refused_with_what_to_do() {
    let Some((_folder, program)) = build_go("copy", "js") else { return };
    let place = Place::new(&program);
    let ran = place.run("demo.wasm --dir=. test.txt copy.txt");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.starts_with("error: demo.wasm: imports the function `gojs` `"), "{}", ran.err);
    assert!(ran.err.contains("it was built with GOOS=js") && ran.err.contains("GOOS=wasip1"), "{}", ran.err);
}
