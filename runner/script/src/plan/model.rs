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

/// A script as requests, and what the answers say of its directives.
#[derive(Clone, Debug, Default)]
pub struct ScriptPlan {
    /// The name of the script.
    pub name: String,
    /// The requests, from `B` to `E`.
    pub requests: Requests,
    /// The directives that are judged, in order.
    pub directives: Vec<Planned>,
}

/// A directive of a plan. Requests are named by their number in the plan of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Where it begins.
    pub place: Place,
    /// The word that begins it.
    pub keyword: String,
    /// Its key, where keys were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Its number in the script.
    pub number: usize,
    /// The text of the directive.
    pub source: String,
    /// The requests that carry it out.
    pub requests: Range<usize>,
    /// The requests that have to have succeeded before: those that made what it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
    /// The request that made its wrapper, with those that give what its last unexpected value was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapper: Option<Wrapped>,
    /// What has to come of it.
    pub want: Want,
}

/// The wrapper of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// The request that makes it.
    pub made: usize,
    /// The requests that give the bits of the last value that was not as expected, after all of its
    /// calls.
    pub noted: Range<usize>,
    /// The types of the results.
    pub results: Vec<ResultType>,
    /// Whether it takes the functions of the host, which make and compare references (`caps=host`).
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

/// What has to come of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Want {
    /// All requests succeed, and a call gives 0.
    Done,
    /// An error of this kind.
    Fails {
        /// The kind.
        kind: ErrorKind,
        /// Its text, where the script has one.
        text: Option<Box<str>>,
        /// How the module that fails is written.
        #[serde(default)]
        written: Written,
        /// Whether later versions of the specification say otherwise, so that an engine which
        /// implements them cannot pass.
        superseded: bool,
    },
    /// An exception, which the wrapper catches: the call gives 0.
    Throws,
    /// Results as these patterns say.
    Returns(Vec<Pattern>),
    /// An error is known without the engine: what the directive asks for does not exist, or the
    /// text does not parse.
    Known {
        /// The kind of the error.
        kind: ErrorKind,
        /// Its text.
        message: String,
        /// What has to come of it.
        want: Box<Want>,
    },
    /// It fails whatever the engine does.
    Failed(Box<Failure>),
    /// It cannot be asked of an engine in this way, for this reason.
    NotApplicable(String),
    /// It is skipped, for this reason.
    Skipped(String),
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was answered.
    Answered(Answer),
    /// The engine ended on it, in this way.
    Crashed(String),
    /// It took too long, longer than this says.
    TimedOut(String),
    /// What came is no answer to it, for this reason.
    Broken(String),
    /// It was not made, for this reason.
    NotRun(String),
    /// It cannot be made in the way that the engine is driven, for this reason.
    NotApplicable(String),
}
