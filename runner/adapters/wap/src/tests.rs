//! Tests of the protocol with a fake engine that records calls.

#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A module is its bytes. The first byte determines the results of instantiation and of calls.
#[derive(Default)]
struct Fake {
    instances: usize,
    last: Vec<u8>,
}

impl Engine for Fake {
    type Module = Vec<u8>;
    type Instance = usize;

    fn about(&self) -> About {
        About {
            engine: "fake",
            version: "1",
            switches_features: true,
            merges: &["trap+exhaustion", "trap+limit"],
        }
    }

    fn begin(&mut self, features: Option<&Features>) -> Result<(), Failure> {
        match features {
            Some(features) if features.has("gc") => Err(Failure::new(Class::Unsupported, "no gc")),
            _ => Ok(()),
        }
    }

    fn compile(&mut self, wasm: &[u8]) -> Result<Vec<u8>, Failure> {
        match wasm {
            [b'!', ..] => Err(Failure::new(Class::Compile, "bad\nmodule")),
            _ => Ok(wasm.to_vec()),
        }
    }

    /// One import per word: `m.f` is the import of `f` from `m`.
    fn imports(&self, module: &Vec<u8>) -> Vec<(String, String)> {
        let text = String::from_utf8(module.clone()).unwrap();
        let imports = text.split(' ').filter_map(|word| word.split_once('.'));
        imports.map(|(module, name)| (module.to_owned(), name.to_owned())).collect()
    }

    fn has_export(&mut self, instance: usize, name: &str) -> bool {
        name.starts_with('f') || name == format!("only{instance}")
    }

    fn instantiate(&mut self, module: &Vec<u8>, imports: &[Import<usize>]) -> Result<usize, Failure> {
        self.last = format!("{imports:?}").into_bytes();
        if module.first() == Some(&b'?') {
            return Err(Failure::new(Class::Link, String::from_utf8_lossy(&self.last)));
        }
        self.instances += 1;
        Ok(self.instances)
    }

    fn call(&mut self, instance: usize, name: &str) -> Result<i32, Failure> {
        match name {
            "trap" => Err(Failure::new(Class::Trap, "unreachable")),
            _ => Ok(-i32::try_from(instance).unwrap()),
        }
    }
}

fn answers(requests: &str) -> Vec<String> {
    let mut output = Vec::new();
    serve_streams(Fake::default(), requests.as_bytes(), &mut output).unwrap();
    String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
}

/// Encodes `text` as the bytes of a module.
fn module(text: &str) -> String {
    data_encoding::BASE64.encode(text.as_bytes())
}

#[test]
fn every_request_is_answered_in_order() {
    let (plain, refused, linked) = (module("x"), module("!"), module("a%b.f"));
    let script = [
        "hello wap/1".to_owned(),
        "B a%20b.wast features=2.0,-simd".to_owned(),
        format!("C 0 {plain}"),
        "I 1 0".to_owned(),
        "N 1 a%25b".to_owned(),
        format!("C 2 {linked}"),
        "I 3 2".to_owned(),
        "V 3 0".to_owned(),
        "V 1 trap".to_owned(),
        "U a%25b".to_owned(),
        "I 4 2".to_owned(),
        format!("C 5 {refused}"),
        "I 6 5".to_owned(),
        "E a%20b.wast".to_owned(),
        "V 3 0".to_owned(),
    ];
    let expected = [
        "ok engine=fake version=1 merges=trap+exhaustion,trap+limit caps=host,features",
        "ok a%20b.wast",
        "ok",
        "ok",
        "ok",
        "ok",
        "ok",
        "v -2",
        "E trap unreachable",
        "ok",
        r#"E link unknown import "a%b" "f""#,
        "E compile bad module",
        "E nohandle 5",
        "ok a%20b.wast",
        "E nohandle 3",
    ];
    assert_eq!(answers(&(script.join("\n") + "\n")), expected);
}

#[test]
fn a_wrapper_sees_the_instance_under_test_and_the_host_alone() {
    let script = |imports: &str| {
        let under_test = module("x");
        let wrapper = module(imports);
        format!("B s\nC 0 {under_test}\nI 1 0\nN 1 spectest\nL 2 1 {wrapper}\n")
    };
    let last = |imports: &str| answers(&script(imports)).pop().unwrap();
    assert_eq!(last("m.f $h.host $h.eq"), "ok");
    assert_eq!(last("? m.f $h.host $h.eq"), r#"E link [Export(1, "f"), Host, Eq]"#);
    assert!(last("spectest.f").starts_with("E link"));
    assert!(last("$h.other").starts_with("E link"));
    assert_eq!(answers("L 2 1 AAAA\n"), ["E nohandle 1"]);
}

#[test]
fn a_name_has_the_exports_of_all_that_were_added_to_it() {
    let script = |rest: &str| {
        let (plain, imports) = (module("x"), module("? s.f s.only1 s.only2"));
        answers(&format!("C 0 {plain}\nI 1 0\nI 2 0\nC 3 {imports}\n{rest}I 4 3\n")).pop().unwrap()
    };
    let both = r#"E link [Export(2, "f"), Export(1, "only1"), Export(2, "only2")]"#;
    assert_eq!(script("N 1 s\nX 2 s\n"), both);
    assert_eq!(script("X 1 s\nX 2 s\n"), both);
    // A request with an unknown handle has no effect.
    assert_eq!(script("N 1 s\nX 2 s\nN 9 s\nX 9 s\n"), both);
    assert_eq!(script("X 2 s\nN 1 s\n"), r#"E link unknown import "s" "only2""#);
    assert_eq!(script("N 1 s\nX 2 s\nU s\n"), r#"E link unknown import "s" "f""#);
}

#[test]
fn a_failure_leaves_the_handle_empty() {
    let (good, bad) = (module("x"), module("!"));
    let answers = answers(&format!("C 0 {good}\nI 1 0\nC 0 {bad}\nI 2 0\nI 1 0\nV 1 0\n"));
    assert_eq!(answers[3..], ["E nohandle 0", "E nohandle 0", "E nohandle 1"]);
}

#[test]
fn what_cannot_be_read_is_an_error_and_the_next_request_is_answered() {
    for line in [
        "C x AAAA",
        "C 0 A",
        "C 0 AAA!",
        "C 99999999999 AAAA",
        "I 1 -1",
        "X x a",
        "N 0 %",
        "N 0 %zz",
        "N 0 %ff",
    ] {
        let answers = answers(&format!("{line}\nhello wap/1\n"));
        assert!(answers[0].starts_with("E error "), "{line}: {}", answers[0]);
        assert!(answers[1].starts_with("ok engine="), "{line}: {}", answers[1]);
    }
    for line in ["hello wap/2", "Z 1 2", "C 0", "V 1 a b", "\u{1b}[31m"] {
        let answers = answers(&format!("{line}\n"));
        assert!(answers[0].starts_with("E unsupported "), "{line}: {}", answers[0]);
        assert!(!answers[0].contains(char::is_control));
    }
    let mut output = Vec::new();
    serve_streams(Fake::default(), &b"\xff\n"[..], &mut output).unwrap();
    assert!(output.starts_with(b"E error "));
}

#[test]
fn empty_lines_and_comments_have_no_answer() {
    assert_eq!(answers("# a\n\nB s\n#{}\r\n\r\nE s\n"), ["ok s", "ok s"]);
}

#[test]
fn a_long_message_is_cut() {
    let wrapper = module(&format!("? {}", "m.fü ".repeat(1000)));
    let last = answers(&format!("C 0 {}\nI 1 0\nL 2 1 {wrapper}\n", module("x"))).pop().unwrap();
    assert_eq!(last.chars().count(), "E link ".len() + LONGEST_MESSAGE);
}

#[test]
fn an_empty_module_is_an_empty_word() {
    assert_eq!(answers("C 0 \nC 0 \r\nC 0 "), ["ok", "ok", "ok"]);
}

#[test]
fn a_script_that_cannot_be_configured_is_unsupported() {
    assert_eq!(answers("B s features=3.0\nB s features=2.0\nB s\n"), ["E unsupported no gc", "ok s", "ok s"]);
}

#[test]
fn features_are_a_version_and_what_differs_from_it() {
    let has = |expression: &str, name: &str| Features::parse(expression).has(name);
    assert!(has("3.0", "gc") && has("3.0", "simd") && has("3.0", "mutable-global"));
    assert!(has("2.0", "simd") && !has("2.0", "gc") && !has("1.0", "simd"));
    assert!(has("2.0,-reference-types,threads", "threads"));
    assert!(!has("2.0,-reference-types,threads", "reference-types"));
    assert!(has("1.0,unheard-of", "unheard-of") && !has("", "simd"));
}

/// Input that arrives in chunks, when the test sends them.
struct Pieces(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.recv().unwrap_or_default();
        }
        let count = self.1.len().min(into.len());
        into[..count].copy_from_slice(&self.1[..count]);
        self.1.drain(..count);
        Ok(count)
    }
}

/// Output that the test receives when it is flushed.
struct Written(Sender<Vec<u8>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn answers_are_sent_before_the_adapter_waits_for_a_request() {
    let (send, input) = channel();
    let (output, receive) = channel();
    let server = std::thread::spawn(move || {
        serve_streams(Fake::default(), Pieces(input, Vec::new()), Written(output))
    });
    let expect = |text: &str| {
        let mut written = String::new();
        while written.len() < text.len() {
            let piece = receive.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
            written.push_str(str::from_utf8(&piece).unwrap());
        }
        assert_eq!(written, text);
    };
    send.send(b"B a\n".to_vec()).unwrap();
    expect("ok a\n");
    // The replies of a script are written before the next script is complete.
    send.send(format!("B a\nE a\nB b\nC 0 {}\n", module("x")).into_bytes()).unwrap();
    assert_eq!(receive.recv_timeout(std::time::Duration::from_secs(10)).unwrap(), b"ok a\nok a\n");
    expect("ok b\nok\n");
    // An incomplete request does not delay the replies to earlier ones.
    send.send(b"E a\nB b\nE".to_vec()).unwrap();
    expect("ok a\nok b\n");
    send.send(b" b\n".to_vec()).unwrap();
    expect("ok b\n");
    drop(send);
    server.join().unwrap().unwrap();
}
