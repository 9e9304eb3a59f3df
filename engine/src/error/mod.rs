//! The engine's error type. Errors are distinguished by kind.
//!
//! This module does not depend on modules, stores or values. What the upper layers attach to an
//! error is opaque here; they define methods of [`Error`] that read it.

mod backtrace;

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

use wassay_terms::Rule;

use crate::grammar::Fault;
use crate::trap::Trap;
pub use backtrace::Backtrace;
pub(crate) use backtrace::{CodeOwner, INNERMOST, OUTERMOST, RawFrame};

/// The result of an operation of the engine: a value, or an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a module: the binary grammar does not derive them (core spec, section 5).
    Malformed,
    /// The module is well-formed but breaks a validation rule (section 3).
    Invalid,
    /// A custom section is malformed (appendix "Custom Sections and Annotations"). The module
    /// itself is well-formed.
    MalformedCustom,
    /// A custom section is well-formed but invalid. The module itself is valid.
    InvalidCustom,
    /// The module is valid but uses a feature that this engine does not implement.
    Unsupported,
    /// An import is missing or does not match (section 4, "Instantiation").
    Unlinkable,
    /// Execution trapped.
    Trap(Trap),
    /// Wasm code or a host function threw an exception that was not caught (section 4.6.4,
    /// "Exception Handling").
    Exception,
    /// Wasm code suspended itself with a tag for which no `resume` has a handler, in the code that
    /// the host called last (stack-switching proposal).
    Suspension,
    /// The call stack was exhausted (appendix "Implementation Limitations").
    Exhaustion,
    /// A limit of the store or the machine was reached.
    Limit,
    /// The store's deadline passed. Its code was interrupted between two instructions and cannot
    /// run again.
    Interrupted,
    /// The caller broke a rule of the interface, for example by arguments of the wrong type or the
    /// name of an export that does not exist.
    Usage,
    /// A host function returned an error of its own.
    Host,
}

/// An error of the engine: its kind, a one-line message, and where in the module it arose.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    offset: Option<u64>,
    fault: Option<Fault>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    payload: Option<Box<dyn Any + Send + Sync>>,
    backtrace: Option<Box<Backtrace>>,
}

impl Error {
    /// Creates an error by which a host function stops the wasm code that called it.
    ///
    /// The caller of the outermost [`Func::invoke`](crate::Func::invoke) gets it, with kind
    /// [`ErrorKind::Host`].
    pub fn host(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Host, message)
    }

    /// Creates an error by which a host function stops the wasm code that called it, with a cause.
    ///
    /// The message is that of the cause, which [`source`](StdError::source) returns. An [`Error`]
    /// of the engine is returned unchanged.
    ///
    /// ```
    /// use wassay_engine::Error;
    /// let error = Error::from_source(std::io::Error::other("disk full"));
    /// assert_eq!(error.to_string(), "disk full");
    /// assert!(std::error::Error::source(&error).unwrap().is::<std::io::Error>());
    /// ```
    pub fn from_source(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        source.into().downcast::<Error>().map_or_else(
            |source| {
                let mut error = Error::host(source.to_string());
                error.0.source = Some(source);
                error
            },
            |error| *error,
        )
    }

    /// Like [`Error::host`], with a value that the host's own call into wasm can get from
    /// [`Error::into_payload`].
    pub fn host_with(message: impl Into<String>, payload: impl Any + Send + Sync) -> Error {
        Error::with_payload(ErrorKind::Host, message, payload)
    }

    /// Creates an error with a value of an upper layer, which can get it from [`Error::payload`].
    pub(crate) fn with_payload(
        kind: ErrorKind,
        message: impl Into<String>,
        payload: impl Any + Send + Sync,
    ) -> Error {
        let mut error = Error::new(kind, message);
        error.0.payload = Some(Box::new(payload));
        error
    }

    /// The value that the error was created with, if it has that type.
    pub(crate) fn payload<T: Any>(&self) -> Option<&T> {
        self.0.payload.as_ref()?.downcast_ref()
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the offset.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The offset in the module's bytes at which the error arose, if it is known.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The rule that a malformed or invalid module violates, if it has a name in [`Rule`].
    pub fn rule(&self) -> Option<Rule> {
        match (self.0.fault, self.0.kind) {
            (Some(fault), _) => Some(fault.rule),
            (None, ErrorKind::Invalid) => Rule::of_refusal(&self.0.message),
            (None, _) => None,
        }
    }

    /// The rule that a malformed module violates, as another version of the grammar names it: see
    /// [`Classification::Malformed`](crate::Classification::Malformed).
    pub fn also(&self) -> Option<Rule> {
        self.0.fault?.also
    }

    /// The functions that were active when the error arose, for traps, exhaustion of the stack,
    /// uncaught exceptions and errors of host functions. Interrupted code has no backtrace.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.0.backtrace.as_deref()
    }

    /// Moves the backtrace out of the error.
    pub fn take_backtrace(&mut self) -> Option<Box<Backtrace>> {
        self.0.backtrace.take()
    }

    /// The backtrace to which frames are added while they are unwound.
    pub(crate) fn backtrace_mut(&mut self) -> &mut Backtrace {
        self.0.backtrace.get_or_insert_default()
    }

    /// Returns the value passed to [`Error::host_with`], or this error if it has no value of that
    /// type.
    pub fn into_payload<T: Any>(mut self) -> Result<T> {
        match self.0.payload.take().map(|payload| payload.downcast::<T>()) {
            Some(Ok(value)) => Ok(*value),
            Some(Err(other)) => {
                self.0.payload = Some(other);
                Err(self)
            }
            None => Err(self),
        }
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = message.into();
        let (offset, fault, source, payload, backtrace) = (None, None, None, None, None);
        Error(Box::new(Inner { kind, message, offset, fault, source, payload, backtrace }))
    }

    pub(crate) fn at(mut self, offset: u64) -> Error {
        self.0.offset = Some(offset);
        self
    }

    pub(crate) fn invalid(message: impl Into<String>, offset: u64) -> Error {
        Error::new(ErrorKind::Invalid, message).at(offset)
    }

    pub(crate) fn malformed(message: impl Into<String>, offset: u64) -> Error {
        Error::new(ErrorKind::Malformed, message).at(offset)
    }

    /// Creates an error of kind [`ErrorKind::Malformed`] for a violation of the binary grammar.
    pub(crate) fn ungrammatical(fault: Fault) -> Error {
        let mut error = Error::malformed(fault.rule.text(), fault.offset as u64);
        error.0.fault = Some(fault);
        error
    }

    /// Creates an error of kind [`ErrorKind::Invalid`] for a validation rule that the grammar's
    /// reader checks.
    pub(crate) fn breaks(fault: Fault) -> Error {
        let mut error = Error::invalid(fault.rule.text(), fault.offset as u64);
        error.0.fault = Some(fault);
        error
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn unlinkable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unlinkable, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Usage, message)
    }

    /// The error of a suspension without a handler.
    pub(crate) fn suspension() -> Error {
        Error::new(ErrorKind::Suspension, "unhandled tag")
    }

    pub(crate) fn exhaustion() -> Error {
        Error::new(ErrorKind::Exhaustion, "call stack exhausted")
    }

    /// The error of a store whose deadline has passed.
    pub(crate) fn interrupted() -> Error {
        Error::new(ErrorKind::Interrupted, "timed out")
    }

    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.0.source = Some(Box::new(source));
        self
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Error {
        Error::new(ErrorKind::Trap(trap), trap.message())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind {
            ErrorKind::Malformed => "malformed module: ",
            ErrorKind::Invalid => "invalid module: ",
            ErrorKind::MalformedCustom => "malformed custom section: ",
            ErrorKind::InvalidCustom => "invalid custom section: ",
            ErrorKind::Unsupported => "unsupported: ",
            ErrorKind::Unlinkable => "unlinkable: ",
            ErrorKind::Trap(_) => "trap: ",
            ErrorKind::Limit => "limit reached: ",
            ErrorKind::Exception
            | ErrorKind::Suspension
            | ErrorKind::Exhaustion
            | ErrorKind::Interrupted
            | ErrorKind::Usage
            | ErrorKind::Host => "",
        };
        write!(f, "{kind}{}", self.0.message)?;
        match self.0.offset {
            Some(offset) => write!(f, " (at offset {offset:#x})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("offset", &self.0.offset)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back_by_its_type_only() {
        let error = Error::host_with("exit", 7u32);
        let error = error.into_payload::<String>().unwrap_err();
        assert_eq!(error.into_payload::<u32>().unwrap(), 7);
    }

    #[test]
    fn the_display_is_one_line_with_the_place() {
        let error = Error::malformed("unexpected end", 9);
        assert_eq!(error.to_string(), "malformed module: unexpected end (at offset 0x9)");
    }
}
