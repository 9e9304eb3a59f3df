//! The little that a script asks of an engine.
//!
//! # Another engine
//!
//! To drive an engine from Rust, implement [`Embedder`] and hand it to `cli::main_with` or
//! `harness::run_with` of the crate `wassay`. `examples/wasmi` is a complete one, and
//! `docs/your-own-engine-in-rust.md` leads through it. Everything that an implementation needs is
//! exported by this crate: [`Features`], the values of [`value`](super::value), and
//! [`spectest`](super::spectest).
//!
//! - **Kinds.** Every error has a [kind](ErrorKind), which is compared strictly. Its text is
//!   compared by the rule that it stands for; if the table of texts does not have one of the two,
//!   or the engine's texts are its [own](Embedder::HAS_TEXTS), the directive passes and is counted
//!   as *text not compared*. An engine that refuses a module without saying whether it is malformed
//!   or invalid returns [`Refused`](ErrorKind::Refused), which passes for either and is counted
//!   as *coarse*.
//! - **What cannot be asked.** [`NotApplicable`](ErrorKind::NotApplicable) is for what the engine's
//!   interface cannot express, such as a reference that the host cannot make: the directive then
//!   neither passes nor fails. [`Unsupported`](ErrorKind::Unsupported) is for what the engine does
//!   not implement, and fails a module that should compile; what needs that module is *blocked*,
//!   not failed.
//! - **Deadlines.** [`begin`](Embedder::begin) gets the time at which the script has to end. An
//!   engine that cannot interrupt its code may ignore it: a few seconds later the script has timed
//!   out, its thread is left behind, and another thread runs the other scripts. With `--isolate`
//!   the process of the case is killed.
//! - **WASI.** WASI cases run on wassay's own engine, so for another engine they are reported as
//!   not run: see [`DRIVES_WASSAY`](Embedder::DRIVES_WASSAY).
//! - **What is not asked.** A directive that the reader can judge alone, such as one about text
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

/// What an engine is called, and its version.
pub use wassay_reports::Engine as Identity;

/// The results of an invocation; most functions have at most one.
pub type Results = SmallVec<[Value; 2]>;

/// An engine that scripts can drive.
///
/// The host module `spectest` has to be there after every [`begin`](Embedder::begin): see
/// [`spectest::module`](super::spectest::module). Errors say how something failed by their kind
/// alone; nothing reads their text to find out. Where an engine does not tell malformed modules
/// from invalid ones, `classify` of the crate `wassay` does, and [`EmbedError::of`] makes an error
/// of what it says.
pub trait Embedder {
    /// A compiled module.
    type Module;
    /// An instance in the embedder's store.
    type Instance: Clone;
    /// What drives the engine on a thread that a script starts; `Self` for an engine that does not
    /// run threads.
    type Thread: Embedder<Thread = Self::Thread, Instance: Send> + Send + 'static;

    /// Whether wassay's own engine is what this embedder drives, perhaps with something in between.
    /// WASI cases run on that engine: for any other they are not run, so that it is not credited
    /// with what it did not do.
    const DRIVES_WASSAY: bool = false;

    /// Whether the texts of the engine's errors are those of the rules of scripts. Where they are
    /// not, `--match class` does not compare them, and the directive is counted as *text not
    /// compared*.
    const HAS_TEXTS: bool = true;

    /// What reports call the engine. Without a definition it is the path of the embedder's type,
    /// without a version.
    fn identity(&self) -> Identity {
        Identity::new(std::any::type_name::<Self>(), "")
    }

    /// Forgets every module, instance and registered name, and from now on compiles with these
    /// features.
    ///
    /// Code that runs when the deadline passes ends in an error of kind [`ErrorKind::Timeout`], and
    /// none runs after it.
    ///
    /// # Errors
    ///
    /// Where the engine cannot do with these features: [`ErrorKind::Unsupported`], or another kind
    /// where its setup fails.
    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError>;

    /// Limits what a script may use, in bytes, from the next [`begin`](Embedder::begin) on: the
    /// memories, tables and objects of its stores together. An engine without such limits leaves it
    /// at that.
    fn limit_memory(&mut self, bytes: Option<u64>) {
        let _ = bytes;
    }

    /// Decodes, validates and compiles a module in the binary format.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`], [`ErrorKind::Invalid`], [`ErrorKind::Unsupported`] or
    /// [`ErrorKind::Limit`].
    fn compile(&mut self, bytes: &[u8]) -> Result<Self::Module, EmbedError>;

    /// Checks those custom sections of a module that the specification has rules for. The module
    /// has not been compiled before. Without a definition, assertions about custom sections are not
    /// applicable.
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

    /// Makes an instance's exports importable under a module name, or takes the name away.
    ///
    /// # Errors
    ///
    /// Where the engine fails at it: [`ErrorKind::Limit`] or [`ErrorKind::Internal`].
    fn register(&mut self, name: &str, instance: Option<&Self::Instance>) -> Result<(), EmbedError>;

    /// Calls an exported function.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchExport`] where there is no function of that name,
    /// [`ErrorKind::WrongArguments`] where it takes others, or the kind with which the call ended:
    /// trap, exhaustion, exception or limit.
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
    /// [`ErrorKind::NoSuchExport`] where there is no global of that name.
    fn global(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, EmbedError>;

    /// Makes an embedder for another thread: begun with the same features and deadline, and with
    /// nothing in it but, for each of these instances, one that exports its shared memories under
    /// the same names. Without a definition, directives that start threads are not applicable.
    ///
    /// # Errors
    ///
    /// Where the engine fails at it or cannot do it: [`ErrorKind::Limit`],
    /// [`ErrorKind::Unsupported`] or [`ErrorKind::Internal`].
    fn begin_thread(&mut self, shared: &[Self::Instance]) -> Result<Begun<Self::Thread>, EmbedError> {
        let _ = shared;
        Err(EmbedError::new(ErrorKind::NotApplicable, "the engine does not run the threads of scripts"))
    }
}

/// An embedder for another thread, with the instances that it begins with.
pub type Begun<E> = (E, Vec<<E as Embedder>::Instance>);

/// How something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The bytes or the text are no module.
    Malformed,
    /// The module breaks a validation rule.
    Invalid,
    /// A custom section or annotation is malformed.
    MalformedCustom,
    /// A custom section or annotation is invalid.
    InvalidCustom,
    /// The module is refused, and whether as malformed or as invalid is not said.
    Refused,
    /// The module uses what the engine does not implement.
    Unsupported,
    /// The interface of the engine cannot express what the directive asks, so that it says nothing
    /// about the engine.
    NotApplicable,
    /// An import is missing or does not match.
    Unlinkable,
    /// Execution trapped.
    Trap,
    /// The call stack was used up.
    Exhaustion,
    /// An exception was not caught.
    Exception,
    /// A limit of the engine or the machine was reached.
    Limit,
    /// The time of the script is over.
    Timeout,
    /// The instance exports nothing of that name and kind.
    NoSuchExport,
    /// The function takes other arguments.
    WrongArguments,
    /// The engine itself failed.
    Internal,
}

/// An error of an engine, in the terms of scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedError {
    /// How it failed.
    pub kind: ErrorKind,
    /// The engine's text, without the place.
    pub message: String,
    /// The rules that a malformed or invalid module breaks, where the engine names them: a script's
    /// text is then compared with these.
    pub rules: SmallVec<[Rule; 2]>,
    /// Where in the module it arose, if that is known.
    pub location: Option<Location>,
    /// Which functions it left, if that is known.
    pub backtrace: Option<Left>,
}

/// The functions of wasm code that an error left, as a line for each: to be shown, and no part of
/// what the error is. So any two are equal.
#[derive(Clone)]
pub struct Left(pub Arc<dyn fmt::Display + Send + Sync>);

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Left")
    }
}

impl PartialEq for Left {
    fn eq(&self, _: &Left) -> bool {
        true
    }
}

impl Eq for Left {}

/// A place in a module, in the form that the script has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// An offset in the module's bytes.
    Offset(u64),
    /// A place in the script, for a module that is written there.
    Source(Place),
    /// A place in the text of a quoted module.
    Quoted(Place),
}

impl EmbedError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        EmbedError { kind, message: message.into(), rules: SmallVec::new(), location: None, backtrace: None }
    }

    /// The error where an instance exports nothing of that name that is such a thing: `function` or
    /// `global`.
    pub fn no_such(what: &str, export: &str) -> Self {
        EmbedError::new(ErrorKind::NoSuchExport, format!("no {what} is exported as `{export}`"))
    }

    /// What is wrong with the bytes of a module, for an engine that refuses them and does not say
    /// in which of the specification's ways; `None` where nothing is.
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

    /// The error with its place.
    pub fn at(self, location: Option<Location>) -> Self {
        EmbedError { location, ..self }
    }
}

impl ErrorKind {
    /// The kind as part of a failure's name.
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
