//! Checks versions, order, flushing, and the end of the input.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use wassay_script::wap::{Answer, Class};

use super::finding::Finding;
use super::talk::answer;
use crate::child::{Child, Line, Silence};
use crate::command::Command;
use crate::driver::Limits;

/// The number of requests to send before reading an answer.
const MANY: usize = 20_000;
/// The size of a large module in bytes.
const LARGE: usize = 3 << 20;
/// The time limit for ending after the end of the input.
const ENDING: Duration = Duration::from_secs(5);

type Checked = Result<(), (String, &'static str)>;
type Check = fn(&mut Child, &Limits) -> Checked;

pub(super) fn check(command: &Command, limits: &Limits, tell: &mut dyn FnMut(Finding)) {
    let checks: [(&str, Check); 5] = [
        ("other versions of the protocol are rejected (hello wap/9)", version),
        ("answers are flushed before waiting for more requests", flushed),
        ("many requests may be sent before an answer is read", many),
        ("a module may be large", large),
        ("it ends at the end of its input", ends),
    ];
    for (what, check) in checks {
        tell(match Child::start(command, limits.memory) {
            Ok(mut child) => match check(&mut child, limits) {
                Ok(()) => {
                    child.close();
                    Finding::good(what)
                }
                Err((why, fix)) => Finding::bad(what, why, fix),
            },
            Err(error) => {
                Finding::bad(what, format!("cannot start it again: {error}"), "allow several processes")
            }
        });
    }
    let what = "several processes run at a time";
    tell(match several(command, limits) {
        Ok(()) => Finding::good(what),
        Err(why) => Finding::bad(
            what,
            why,
            "don't share files, ports or locks between processes: one is started for each job",
        ),
    });
}

fn expect(child: &mut Child, limits: &Limits, request: &str, wanted: &str, fix: &'static str) -> Checked {
    match answer(child, limits) {
        Ok(answer) if answer.to_string() == wanted => Ok(()),
        Ok(answer) => Err((format!("{request}: expected `{wanted}`, got `{answer}`"), fix)),
        Err(why) => Err((format!("{request}: {why}"), fix)),
    }
}

/// Sends `hello`, the first request after every start.
fn greet(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "answer `hello wap/1` with `ok engine=NAME version=VERSION`, even before there is more input";
    child.send("hello wap/1\n");
    match answer(child, limits) {
        Ok(Answer::Ok(_)) => Ok(()),
        Ok(answer) => Err((format!("`hello wap/1`: expected `ok`, got `{answer}`"), fix)),
        Err(why) => Err((format!("`hello wap/1`: {why}"), fix)),
    }
}

fn version(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "answer `E unsupported` to every version other than `wap/1`: later versions of wassay may request another one";
    child.send("hello wap/9\n");
    match answer(child, limits) {
        Ok(Answer::Error(Class::Unsupported, _)) => {}
        Ok(answer) => return Err((format!("`hello wap/9`: expected `E unsupported`, got `{answer}`"), fix)),
        Err(why) => return Err((format!("`hello wap/9`: {why}"), fix)),
    }
    greet(child, limits)
}

fn flushed(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "flush standard output before each read that may wait for input, and after the answer to `E`";
    greet(child, limits)?;
    child.send("B a features=3.0\n");
    expect(child, limits, "`B` alone", "ok a", fix)?;
    // The next line is incomplete, so the adapter waits.
    child.send("E a\nB b feat");
    expect(child, limits, "`E`, and half a line", "ok a", fix)?;
    child.send("ures=3.0\nE b\n");
    expect(
        child,
        limits,
        "`B` in two pieces",
        "ok b",
        "read complete lines, even if they arrive in several pieces",
    )?;
    expect(child, limits, "`E` after that", "ok b", fix)
}

fn many(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "answer each request with one line, in order; do not wait until all are read";
    greet(child, limits)?;
    let mut text = String::from("B a features=3.0\n");
    for number in 0..MANY {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "U n{number}");
    }
    text.push_str("E a\n");
    child.send(&text);
    expect(child, limits, "`B`", "ok a", fix)?;
    for number in 0..MANY {
        expect(child, limits, &format!("`U` number {number} of {MANY}"), "ok", fix)?;
    }
    expect(child, limits, "`E` after them", "ok a", fix)
}

fn large(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "allow lines of several megabytes";
    // A custom section with an empty name: its size, then zeros.
    let mut bytes = b"\0asm\x01\0\0\0\0".to_vec();
    let mut size = LARGE;
    while size >= 0x80 {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes.resize(bytes.len() + LARGE, 0);
    greet(child, limits)?;
    child.send(&format!("B a features=3.0\nC 0 {}\nE a\n", BASE64.encode(&bytes)));
    expect(child, limits, "`B`", "ok a", fix)?;
    expect(child, limits, "`C` with a custom section of 3 MiB", "ok", fix)?;
    expect(child, limits, "`E`", "ok a", fix)
}

fn ends(child: &mut Child, limits: &Limits) -> Checked {
    let fix = "at the end of the input, write all remaining answers and exit with code 0";
    greet(child, limits)?;
    child.send("B a features=3.0\nU n\n");
    child.end_input();
    expect(child, limits, "`B`, then the end of the input", "ok a", fix)?;
    expect(child, limits, "`U`, then the end of the input", "ok", fix)?;
    match child.line(Instant::now() + ENDING) {
        Err(Silence::Ended(how)) if how.contains("exited with code 0") => Ok(()),
        Err(Silence::Ended(how)) => Err((format!("after the end of its input, {how}"), fix)),
        Err(Silence::Timeout) => {
            Err((format!("it is still running {} s after the end of its input", ENDING.as_secs()), fix))
        }
        Ok(Line::Text(line)) => {
            Err((format!("after the last answer it wrote `{line}`"), "write only answers"))
        }
        Ok(Line::TooLong) => Err(("after the last answer it wrote more".to_owned(), "write only answers")),
    }
}

fn several(command: &Command, limits: &Limits) -> Result<(), String> {
    let start =
        |_| Child::start(command, limits.memory).map_err(|error| format!("cannot start one: {error}"));
    let mut children = (0..3).map(start).collect::<Result<Vec<Child>, String>>()?;
    for child in &children {
        child.send("hello wap/1\nB a features=3.0\n");
    }
    for child in &mut children {
        for _ in 0..2 {
            match answer(child, limits)? {
                Answer::Ok(_) => {}
                other => return Err(format!("one of three answered `{other}`")),
            }
        }
    }
    children.into_iter().for_each(Child::close);
    Ok(())
}
