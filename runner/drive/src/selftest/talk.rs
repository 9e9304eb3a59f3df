//! Requests as lines, and what their answers have to be.

use std::time::Instant;

use data_encoding::BASE64;
use wassay_script::embed::ErrorKind;
use wassay_script::wap::{Answer, Class, Merges, Told};

use super::finding::Finding;
use crate::child::{Child, Line, Silence};
use crate::command::Command;
use crate::driver::Limits;

/// A request, and what its answer has to be.
pub(super) struct Step {
    /// The line, without its line feed.
    request: String,
    /// What is asked for, for people.
    about: String,
    want: Want,
    /// What to do where the answer is another.
    fix: &'static str,
}

/// What an answer has to be.
#[derive(Clone, Copy)]
pub(super) enum Want {
    /// `ok` and these words.
    Ok(&'static str),
    /// `ok` and whatever else.
    AnyOk,
    /// `v` and this number.
    Value(i32),
    /// An error of a kind, or what the adapter cannot tell from it.
    Fails(ErrorKind),
    /// An error that says the module is refused, in whatever way.
    Refused,
    /// An error of exactly this class.
    Class(Class),
}

/// A step with a line as it is sent.
pub(super) fn step(request: impl Into<String>, want: Want, fix: &'static str) -> Step {
    let request = request.into();
    Step { about: format!("`{request}`"), request, want, fix }
}

/// A step that sends a module after these words. `about` is what the module is.
pub(super) fn send(words: &str, text: &str, about: &str, want: Want, fix: &'static str) -> Step {
    let request = format!("{words} {}", BASE64.encode(&module(text)));
    Step { request, about: format!("`{words} …`, {about}"), want, fix }
}

/// Sends steps all at once to a process of its own, after `hello`, and gives what is wrong with
/// their answers.
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
            return vec![bad(format!("it cannot be started again: {error}"), "allow several processes")];
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
        // Blank lines and remarks have no answer.
        if step.request.is_empty() || step.request.starts_with('#') {
            continue;
        }
        match answer(&mut child, limits) {
            Ok(answer) => {
                if let Err(expected) = step.want.is_met(&answer, merges) {
                    let answer = answer.to_string();
                    let answer = answer.trim_end();
                    let why = format!("{}: expected {expected}, came `{answer}`", step.about);
                    findings.push(bad(why, step.fix));
                }
            }
            Err(why) => {
                // What comes later is no answer to what is asked later.
                findings.push(bad(format!("{}: {why}", step.about), step.fix));
                return findings;
            }
        }
    }
    child.close();
    if findings.is_empty() { vec![Finding::good(what)] } else { findings }
}

/// The next answer, or why there is none.
pub(super) fn answer(child: &mut Child, limits: &Limits) -> Result<Answer, String> {
    match child.line(Instant::now() + limits.request) {
        Ok(Line::Text(line)) => line.parse::<Answer>().map_err(|error| error.to_string()),
        Ok(Line::TooLong) => Err("the adapter wrote a line that does not end".to_owned()),
        Err(Silence::Timeout) => Err(format!("no answer within {:.1} s", limits.request.as_secs_f64())),
        Err(Silence::Ended(how)) => Err(how),
    }
}

impl Want {
    /// Nothing where the answer is as it has to be, else what was expected.
    fn is_met(self, answer: &Answer, merges: &Merges) -> Result<(), String> {
        let is_met = match (self, answer) {
            (Want::Ok(words), Answer::Ok(came)) => **came == *words,
            (Want::AnyOk, Answer::Ok(_)) => true,
            (Want::Value(value), Answer::Value(came)) => *came == value,
            (Want::Fails(kind), Answer::Error(class, _)) => merges.tell(*class, kind) != Told::Other,
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
            Want::Refused => "`E compile`, since the feature is off".to_owned(),
            Want::Class(class) => format!("`E {}`", class.word()),
        }
    }
}

/// The bytes of a module that is written here.
fn module(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text);
    let encoded = buffer.and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode());
    encoded.unwrap_or_default()
}
