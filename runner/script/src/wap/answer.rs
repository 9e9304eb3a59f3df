//! Answers: one line per request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::embed::ErrorKind;

/// The separator between several texts of an error.
pub const ALTERNATIVE: &str = " | ";

/// An answer of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ok`, with further words for `hello`, `B` and `E`.
    Ok(Box<str>),
    /// `v N`: the result of a call.
    Value(i32),
    /// `E class message`.
    Error(Class, Box<str>),
}

/// The class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The bytes are not a module.
    Malformed,
    /// The module is not valid.
    Invalid,
    /// The module is rejected, without distinguishing malformed from invalid.
    Compile,
    /// The engine does not support this.
    Unsupported,
    /// A limit of the engine or of the machine was reached.
    Limit,
    /// An import is missing or does not match.
    Link,
    /// Execution trapped.
    Trap,
    /// The call stack was exhausted.
    Exhaustion,
    /// An exception was not caught.
    Exception,
    /// The engine stopped the request because it timed out.
    Timeout,
    /// The handle does not exist: the request that creates it failed.
    NoHandle,
    /// Anything else.
    Error,
}

/// All classes with their words.
const CLASSES: [(Class, &str, ErrorKind); 12] = [
    (Class::Malformed, "malformed", ErrorKind::Malformed),
    (Class::Invalid, "invalid", ErrorKind::Invalid),
    (Class::Compile, "compile", ErrorKind::Refused),
    (Class::Unsupported, "unsupported", ErrorKind::Unsupported),
    (Class::Limit, "limit", ErrorKind::Limit),
    (Class::Link, "link", ErrorKind::Unlinkable),
    (Class::Trap, "trap", ErrorKind::Trap),
    (Class::Exhaustion, "exhaustion", ErrorKind::Exhaustion),
    (Class::Exception, "exception", ErrorKind::Exception),
    (Class::Timeout, "timeout", ErrorKind::Timeout),
    (Class::NoHandle, "nohandle", ErrorKind::Internal),
    (Class::Error, "error", ErrorKind::Internal),
];

impl Class {
    /// The word of the class.
    pub fn word(self) -> &'static str {
        CLASSES.iter().find(|(class, ..)| *class == self).map_or("error", |(_, word, _)| word)
    }

    /// The kind of error for scripts.
    pub fn kind(self) -> ErrorKind {
        CLASSES.iter().find(|(class, ..)| *class == self).map_or(ErrorKind::Internal, |(.., kind)| *kind)
    }

    /// The class for a kind of error.
    pub fn of(kind: ErrorKind) -> Class {
        CLASSES.iter().find(|(.., known)| *known == kind).map_or(Class::Error, |(class, ..)| *class)
    }
}

impl FromStr for Class {
    type Err = ();

    fn from_str(word: &str) -> Result<Class, ()> {
        CLASSES.iter().find(|(_, known, _)| *known == word).map(|(class, ..)| *class).ok_or(())
    }
}

/// An invalid answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{line}` is not an answer: expected `ok`, `v NUMBER` or `E CLASS MESSAGE`")]
pub struct BadAnswer {
    /// The start of the line.
    pub line: String,
}

/// The maximum number of characters of a line to quote.
const QUOTED: usize = 80;

impl FromStr for Answer {
    type Err = BadAnswer;

    fn from_str(line: &str) -> Result<Answer, BadAnswer> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let answer = match word {
            "ok" => Some(Answer::Ok(rest.into())),
            "v" => rest.parse().ok().map(Answer::Value),
            "E" => {
                let (class, message) = rest.split_once(' ').unwrap_or((rest, ""));
                class.parse().ok().map(|class| Answer::Error(class, message.into()))
            }
            _ => None,
        };
        answer.ok_or_else(|| BadAnswer { line: line.chars().take(QUOTED).collect() })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Ok(words) if words.is_empty() => f.write_str("ok"),
            Answer::Ok(words) => write!(f, "ok {words}"),
            Answer::Value(value) => write!(f, "v {value}"),
            Answer::Error(class, message) => {
                write!(f, "E {} {}", class.word(), message.replace(['\n', '\r'], " "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_they_are_written() {
        for line in ["ok", "ok a.wast", "v 0", "v -1", "E trap unreachable", "E link missing import `a`"] {
            assert_eq!(line.parse::<Answer>().unwrap().to_string(), line);
        }
        assert_eq!("E nohandle".parse::<Answer>().unwrap(), Answer::Error(Class::NoHandle, "".into()));
    }

    #[test]
    fn what_is_not_an_answer_is_refused() {
        for line in ["", "OK", "v", "v x", "v 99999999999", "E", "E oops", " ok", "warning: deprecated"] {
            assert!(line.parse::<Answer>().is_err(), "{line}");
        }
        let error = "x".repeat(1000).parse::<Answer>().unwrap_err();
        assert_eq!(error.line.len(), QUOTED);
    }

    #[test]
    fn every_class_has_a_word_and_a_kind() {
        for (class, word, kind) in CLASSES {
            assert_eq!((class.word(), class.kind(), word.parse()), (word, kind, Ok(class)));
        }
        assert_eq!(Class::of(ErrorKind::Unlinkable), Class::Link);
        assert_eq!(Class::of(ErrorKind::InvalidCustom), Class::Error);
    }
}
