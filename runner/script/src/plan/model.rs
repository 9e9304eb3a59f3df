//! A plan, and the replies to its requests.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use wassay_reports::Key;

use crate::embed::ErrorKind;
use crate::messages::Written;
use crate::source::Place;
use crate::value::{HeapType, Pattern};
use crate::verdict::Failure;
use crate::wap::{Answer, Requests};

/// A script as requests, with the expected answers of its directives.
#[derive(Clone, Debug, Default)]
pub struct ScriptPlan {
    /// The name of the script.
    pub name: String,
    /// The requests, from `B` to `E`.
    pub requests: Requests,
    /// The directives that are judged, in order.
    pub directives: Vec<Planned>,
}

/// A directive of a plan. Requests are identified by their index in the plan of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its position.
    pub place: Place,
    /// Its keyword.
    pub keyword: String,
    /// Its key, if requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Its index in the script.
    pub number: usize,
    /// The text of the directive.
    pub source: String,
    /// Its requests.
    pub requests: Range<usize>,
    /// The requests that it depends on: those that created what it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
    /// The request that created its wrapper, and those that return its last unexpected value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapper: Option<Wrapped>,
    /// The expected result.
    pub want: Want,
}

/// The wrapper of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// The request that creates it.
    pub made: usize,
    /// The requests that return the bits of the last unexpected value, after all of its calls.
    pub noted: Range<usize>,
    /// The types of the results.
    pub results: Vec<ResultType>,
    /// Whether it imports the host functions that create and compare references (`caps=host`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host: bool,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A vector.
    V128,
    /// A reference, by the top of its hierarchy.
    Ref(HeapType),
}

/// The expected result of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Want {
    /// All requests succeed, and a call returns 0.
    Done,
    /// An error of this kind.
    Fails {
        /// The kind.
        kind: ErrorKind,
        /// Its text, if the script has one.
        text: Option<Box<str>>,
        /// The format of the failing module.
        #[serde(default)]
        written: Written,
        /// Whether later versions of the specification differ, so that an engine that implements
        /// them cannot pass.
        superseded: bool,
    },
    /// An exception, which the wrapper catches: the call returns 0.
    Throws,
    /// Results that match these patterns.
    Returns(Vec<Pattern>),
    /// An error that is known without the engine: a name is unbound, or the text does not parse.
    Known {
        /// The kind of the error.
        kind: ErrorKind,
        /// Its text.
        message: String,
        /// The expected result.
        want: Box<Want>,
    },
    /// It always fails.
    Failed(Box<Failure>),
    /// It is not applicable, for this reason.
    NotApplicable(String),
    /// It is skipped, for this reason.
    Skipped(String),
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was answered.
    Answered(Answer),
    /// The engine ended during it, in this way.
    Crashed(String),
    /// It timed out, with this message.
    TimedOut(String),
    /// The answer is invalid, for this reason.
    Broken(String),
    /// It was not sent, for this reason.
    NotRun(String),
    /// It is not applicable to this way of driving the engine, for this reason.
    NotApplicable(String),
}
