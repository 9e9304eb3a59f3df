//! The interface between scripts and engines.
//!
//! # Another engine
//!
//! To drive an engine from Rust, implement [`Embedder`] and pass it to `cli::main_with` or
//! `harness::run_with` of the crate `wassay`. `examples/wasmi` is a complete example, which
//! `docs/your-own-engine-in-rust.md` explains. This crate exports everything that an implementation
//! needs: [`Features`], the values of [`value`](super::value), and [`spectest`](super::spectest).
//!
//! - **Kinds.** Every error has a [kind](ErrorKind), which is compared strictly. Its text is
//!   compared by the rule that it states; if the table of texts does not have one of the two, or
//!   the engine does not use [the texts of scripts](Embedder::HAS_TEXTS), the directive passes and
//!   is counted as *text not compared*. An engine that rejects a module without distinguishing
//!   malformed from invalid returns [`Refused`](ErrorKind::Refused), which passes for either and is
//!   counted as *coarse*.
//! - **What cannot be tested.** [`NotApplicable`](ErrorKind::NotApplicable) is for what the
//!   engine's interface cannot express, such as a reference that the host cannot make: the
//!   directive then neither passes nor fails. [`Unsupported`](ErrorKind::Unsupported) is for what
//!   the engine does not implement, and fails a module that should compile; what needs that module
//!   is *blocked*, not failed.
//! - **Deadlines.** [`begin`](Embedder::begin) gets the time at which the script has to end. An
//!   engine that cannot interrupt its code may ignore it: a few seconds later the script has timed
//!   out, its thread is left behind, and another thread runs the other scripts. With `--isolate`
//!   the process of the case is killed.
//! - **WASI.** WASI cases run on wassay's own engine, so for another engine they are reported as
//!   not run: see [`DRIVES_WASSAY`](Embedder::DRIVES_WASSAY).
//! - **What is not tested.** A directive that the parser can judge alone, such as one about text
//!   that does not parse, does not reach the engine. If it passes, reports count it as
//!   `reader_only`.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use wassay_terms::{Classification, Features, Rule};

use super::source::Place;
use super::value::Value;

/// The name and version of an engine.
pub use wassay_reports::Engine as Identity;

/// The results of an invocation; most functions have at most one.
pub type Results = SmallVec<[Value; 2]>;

/// An engine that scripts can drive.
///
/// The host module `spectest` must be available after every [`begin`](Embedder::begin): see
/// [`spectest::module`](super::spectest::module). Failures are classified by the kind of the error
/// only, never by its text. If an engine does not distinguish malformed from invalid modules, use
/// `classify` of the crate `wassay`, and [`EmbedError::of`] to convert its result.
pub trait Embedder {
    /// A compiled module.
    type Module;
    /// An instance in the embedder's store.
    type Instance: Clone;
    /// The embedder for a thread of a script; `Self` for an engine without threads.
    type Thread: Embedder<Thread = Self::Thread, Instance: Send> + Send + 'static;

    /// Whether this embedder drives wassay's own engine, directly or indirectly. WASI cases run on
    /// that engine only, so that other engines are not credited for them.
    const DRIVES_WASSAY: bool = false;

    /// Whether [`canonicalize_nans`](Embedder::canonicalize_nans) has an effect. If not, scripts
    /// that rely on it are not applicable.
    const CANONICALIZES_NANS: bool = false;

    /// Whether the engine's errors use the texts of scripts. If not, `--match class` does not
    /// compare them, and the directive is counted as *text not compared*.
    const HAS_TEXTS: bool = true;

    /// The identity of the engine in reports. By default it is the path of the embedder's type,
    /// without a version.
    fn identity(&self) -> Identity {
        Identity::new(std::any::type_name::<Self>(), "")
    }

    /// Starts a script: drops every module, instance and registered name, and compiles with these
    /// features from now on.
    ///
    /// Code that is running at the deadline must end with an error of kind [`ErrorKind::Timeout`],
    /// and none may run after it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the engine does not support these features, or another kind if
    /// its setup fails.
    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError>;

    /// Limits the memories, tables and objects of a script's stores together, in bytes, from the
    /// next [`begin`](Embedder::begin) on. The default implementation does nothing.
    fn limit_memory(&mut self, bytes: Option<u64>) {
        let _ = bytes;
    }

    /// Sets whether every NaN that an instruction computes is the positive canonical one, from the
    /// next [`begin`](Embedder::begin) on. The default implementation does nothing; see
    /// [`CANONICALIZES_NANS`](Embedder::CANONICALIZES_NANS).
    fn canonicalize_nans(&mut self, on: bool) {
        let _ = on;
    }

    /// Decodes, validates and compiles a module in the binary format.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`], [`ErrorKind::Invalid`], [`ErrorKind::Unsupported`] or
    /// [`ErrorKind::Limit`].
    fn compile(&mut self, bytes: &[u8]) -> Result<Self::Module, EmbedError>;

    /// Checks the custom sections of a module that the specification has rules for. The module has
    /// not been compiled before. By default, assertions about custom sections are not applicable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedCustom`] or [`ErrorKind::InvalidCustom`]; [`ErrorKind::Malformed`] if
    /// the bytes are not a module.
    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        let _ = bytes;
        Err(EmbedError::new(ErrorKind::NotApplicable, "the engine does not check custom sections"))
    }

    /// Instantiates a module: links it against the registered names, initializes it and runs its
    /// start function.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unlinkable`], or the kind with which initialization or the start function
    /// failed.
    fn instantiate(&mut self, module: &Self::Module) -> Result<Self::Instance, EmbedError>;

    /// Registers an instance's exports under a module name, or removes the name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limit`] or [`ErrorKind::Internal`] if the engine fails.
    fn register(&mut self, name: &str, instance: Option<&Self::Instance>) -> Result<(), EmbedError>;

    /// Calls an exported function.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchExport`] if there is no function of that name,
    /// [`ErrorKind::WrongArguments`] if its parameters differ, or the kind with which the call
    /// ended: trap, exhaustion, exception or limit.
    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError>;

    /// Reads an exported global.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchExport`] if there is no global of that name.
    fn global(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, EmbedError>;

    /// Creates an embedder for another thread, with the same features and deadline. For each of
    /// these instances it has one that exports the same shared memories under the same names, and
    /// nothing else. By default, directives that start threads are not applicable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limit`], [`ErrorKind::Unsupported`] or [`ErrorKind::Internal`] if the engine
    /// fails or does not support it.
    fn begin_thread(&mut self, shared: &[Self::Instance]) -> Result<Begun<Self::Thread>, EmbedError> {
        let _ = shared;
        Err(EmbedError::new(ErrorKind::NotApplicable, "the engine does not run the threads of scripts"))
    }
}

/// An embedder for another thread, with its initial instances.
pub type Begun<E> = (E, Vec<<E as Embedder>::Instance>);

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The bytes or the text are malformed.
    Malformed,
    /// The module breaks a validation rule.
    Invalid,
    /// A custom section or annotation is malformed.
    MalformedCustom,
    /// A custom section or annotation is invalid.
    InvalidCustom,
    /// The module is rejected, without distinguishing malformed from invalid.
    Refused,
    /// The module uses a feature that the engine does not implement.
    Unsupported,
    /// The interface of the engine cannot express the directive, which therefore says nothing about
    /// the engine.
    NotApplicable,
    /// An import is missing or does not match.
    Unlinkable,
    /// Execution trapped.
    Trap,
    /// The call stack was exhausted.
    Exhaustion,
    /// A suspension was not handled.
    Suspension,
    /// An exception was not caught.
    Exception,
    /// A limit of the engine or the machine was reached.
    Limit,
    /// The script timed out.
    Timeout,
    /// The instance has no export of that name and kind.
    NoSuchExport,
    /// The arguments do not match the function's parameters.
    WrongArguments,
    /// The engine itself failed.
    Internal,
}

/// An error of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedError {
    /// Its kind.
    pub kind: ErrorKind,
    /// The engine's text, without a location.
    pub message: String,
    /// The rules that a malformed or invalid module breaks, if known; a script's text is then
    /// compared with these.
    pub rules: SmallVec<[Rule; 2]>,
    /// The location in the module, if known.
    pub location: Option<Location>,
    /// The backtrace, if known.
    pub backtrace: Option<BacktraceText>,
}

/// A backtrace with one line per function. It is for display only, so all values compare equal.
#[derive(Clone)]
pub struct BacktraceText(pub Arc<dyn fmt::Display + Send + Sync>);

impl fmt::Debug for BacktraceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BacktraceText")
    }
}

impl PartialEq for BacktraceText {
    fn eq(&self, _: &BacktraceText) -> bool {
        true
    }
}

impl Eq for BacktraceText {}

/// A location in a module, in the form in which the script has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// An offset in the module's bytes.
    Offset(u64),
    /// A position in the script, for a module in text form.
    Source(Place),
    /// A position in the text of a quoted module.
    Quoted(Place),
}

impl EmbedError {
    /// Creates an error without a location.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        EmbedError { kind, message: message.into(), rules: SmallVec::new(), location: None, backtrace: None }
    }

    /// Creates the error for a missing export of kind `function` or `global`.
    pub fn no_such(what: &str, export: &str) -> Self {
        EmbedError::new(ErrorKind::NoSuchExport, format!("no {what} is exported as `{export}`"))
    }

    /// Converts a classification to an error, for an engine that rejects a module without
    /// distinguishing malformed from invalid; `None` if it is valid.
    ///
    /// ```
    /// use wassay_script::embed::{EmbedError, ErrorKind};
    /// use wassay_script::{Classification, Rule};
    ///
    /// let refused = Classification::Invalid { rule: Rule::MultipleMemories, offset: 13 };
    /// let error = EmbedError::of(refused).unwrap();
    /// assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, "multiple memories"));
    /// assert_eq!(EmbedError::of(Classification::Valid), None);
    /// ```
    pub fn of(classification: Classification) -> Option<Self> {
        let error = |kind, rule: Rule, also, offset| EmbedError {
            rules: [rule].into_iter().chain(also).filter(|rule| *rule != Rule::Other).collect(),
            location: Some(Location::Offset(offset)),
            ..EmbedError::new(kind, rule.text())
        };
        match classification {
            Classification::Malformed { rule, also, offset } => {
                Some(error(ErrorKind::Malformed, rule, also, offset))
            }
            Classification::Invalid { rule, offset } => Some(error(ErrorKind::Invalid, rule, None, offset)),
            Classification::BeyondLimits { offset } => {
                let error = EmbedError::new(ErrorKind::Limit, "the module is too large");
                Some(error.at(Some(Location::Offset(offset))))
            }
            _ => None,
        }
    }

    /// Sets the location of the error.
    pub fn at(self, location: Option<Location>) -> Self {
        EmbedError { location, ..self }
    }
}

impl ErrorKind {
    /// The name of the kind, as part of a failure's name.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Malformed => "malformed",
            ErrorKind::Invalid => "invalid",
            ErrorKind::MalformedCustom => "malformed-custom",
            ErrorKind::InvalidCustom => "invalid-custom",
            ErrorKind::Refused => "refused",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::NotApplicable => "not-applicable",
            ErrorKind::Unlinkable => "unlinkable",
            ErrorKind::Trap => "trap",
            ErrorKind::Exhaustion => "exhaustion",
            ErrorKind::Suspension => "suspension",
            ErrorKind::Exception => "exception",
            ErrorKind::Limit => "limit",
            ErrorKind::Timeout => "timeout",
            ErrorKind::NoSuchExport => "no-such-export",
            ErrorKind::WrongArguments => "wrong-arguments",
            ErrorKind::Internal => "internal",
        }
    }
}

impl fmt::Display for EmbedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)?;
        match self.location {
            Some(Location::Offset(offset)) => write!(f, " (at offset {offset:#x})"),
            Some(Location::Source(place)) => write!(f, " (at {place})"),
            Some(Location::Quoted(place)) => write!(f, " (at {place} of the quoted text)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EmbedError {}
