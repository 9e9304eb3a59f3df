//! Sends requests and checks the answers.

use std::time::Instant;

use data_encoding::BASE64;
use wassay_script::embed::ErrorKind;
use wassay_script::wap::{Answer, Class, Distinction, Merges};

use super::finding::Finding;
use crate::child::{Child, Line, Silence};
use crate::command::Command;
use crate::driver::Limits;

/// A request, and its expected answer.
pub(super) struct Step {
    /// The line, without its line feed.
    request: String,
    /// The description of the request.
    about: String,
    want: Want,
    /// How to fix a wrong answer.
    fix: &'static str,
}

/// An expected answer.
#[derive(Clone, Copy)]
pub(super) enum Want {
    /// `ok` and these words.
    Ok(&'static str),
    /// `ok` and any words.
    AnyOk,
    /// `v` and this number.
    Value(i32),
    /// An error of a kind, or one that the adapter does not distinguish from it.
    Fails(ErrorKind),
    /// Any rejection of a module.
    Refused,
    /// An error of exactly this class.
    Class(Class),
}

/// Creates a step with a line.
pub(super) fn step(request: impl Into<String>, want: Want, fix: &'static str) -> Step {
    let request = request.into();
    Step { about: format!("`{request}`"), request, want, fix }
}

/// Creates a step that sends a module after these words. `about` describes the module.
pub(super) fn send(words: &str, text: &str, about: &str, want: Want, fix: &'static str) -> Step {
    let request = format!("{words} {}", BASE64.encode(&module(text)));
    Step { request, about: format!("`{words} …`, {about}"), want, fix }
}

/// Sends `hello` and all steps to a new process, and returns the findings for wrong answers.
pub(super) fn run(
    command: &Command,
    limits: &Limits,
    merges: &Merges,
    what: &str,
    steps: &[Step],
) -> Vec<Finding> {
    let bad = |why: String, fix: &str| Finding::bad(what, why, fix);
    let mut child = match Child::start(command, limits.memory) {
        Ok(child) => child,
        Err(error) => {
            return vec![bad(format!("cannot start it again: {error}"), "allow several processes")];
        }
    };
    let mut text = String::from("hello wap/1\n");
    for step in steps {
        text.push_str(&step.request);
        text.push('\n');
    }
    child.send(&text);
    let mut findings = Vec::new();
    let hello = step("hello wap/1", Want::AnyOk, "answer `ok engine=NAME version=VERSION`");
    for step in std::iter::once(&hello).chain(steps) {
        // Blank lines and comments have no answer.
        if step.request.is_empty() || step.request.starts_with('#') {
            continue;
        }
        match answer(&mut child, limits) {
            Ok(answer) => {
                if let Err(expected) = step.want.is_met(&answer, merges) {
                    let answer = answer.to_string();
                    let answer = answer.trim_end();
                    let why = format!("{}: expected {expected}, got `{answer}`", step.about);
                    findings.push(bad(why, step.fix));
                }
            }
            Err(why) => {
                // Later answers would not match the requests.
                findings.push(bad(format!("{}: {why}", step.about), step.fix));
                return findings;
            }
        }
    }
    child.close();
    if findings.is_empty() { vec![Finding::good(what)] } else { findings }
}

/// The next answer, or the reason for its absence.
pub(super) fn answer(child: &mut Child, limits: &Limits) -> Result<Answer, String> {
    match child.line(Instant::now() + limits.request) {
        Ok(Line::Text(line)) => line.parse::<Answer>().map_err(|error| error.to_string()),
        Ok(Line::TooLong) => Err("the adapter wrote a line over the maximum length".to_owned()),
        Err(Silence::Timeout) => Err(format!("timed out after {:.1} s", limits.request.as_secs_f64())),
        Err(Silence::Ended(how)) => Err(how),
    }
}

impl Want {
    /// Checks the answer; the error is what was expected.
    fn is_met(self, answer: &Answer, merges: &Merges) -> Result<(), String> {
        let is_met = match (self, answer) {
            (Want::Ok(words), Answer::Ok(came)) => **came == *words,
            (Want::AnyOk, Answer::Ok(_)) => true,
            (Want::Value(value), Answer::Value(came)) => *came == value,
            (Want::Fails(kind), Answer::Error(class, _)) => {
                merges.compare(*class, kind) != Distinction::Other
            }
            (Want::Refused, Answer::Error(class, _)) => {
                matches!(class, Class::Malformed | Class::Invalid | Class::Compile | Class::Unsupported)
            }
            (Want::Class(expected), Answer::Error(class, _)) => *class == expected,
            _ => false,
        };
        if is_met { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(self) -> String {
        match self {
            Want::Ok("") | Want::AnyOk => "`ok`".to_owned(),
            Want::Ok(words) => format!("`ok {words}`"),
            Want::Value(value) => format!("`v {value}`"),
            Want::Fails(ErrorKind::Malformed) => "`E malformed` or `E compile`".to_owned(),
            Want::Fails(ErrorKind::Invalid) => "`E invalid` or `E compile`".to_owned(),
            Want::Fails(kind) => format!("`E {}`", Class::of(kind).word()),
            Want::Refused => "`E compile`, because the feature is not enabled".to_owned(),
            Want::Class(class) => format!("`E {}`", class.word()),
        }
    }
}

/// Encodes a module.
fn module(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text);
    let encoded = buffer.and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode());
    encoded.unwrap_or_default()
}
