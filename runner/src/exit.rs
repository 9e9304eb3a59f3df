//! How a command ends, and why it could not do its work.

use std::io;

use thiserror::Error;

use crate::catalogue::ResolveError;
use crate::expectations::ExpectationsError;
use crate::fetch::FetchError;
use crate::interrupt::INTERRUPTED;

/// The exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was as expected.
    Success,
    /// Something was not as expected.
    Failure,
    /// Wrong usage, including an unusable file.
    Usage,
    /// The run was interrupted.
    Interrupted,
    /// The exit code of the guest.
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "no guest runs without an engine"))]
    Guest(u8),
}

/// What each exit code means, but for those of guests. The help shows it, and so does README.md.
pub(crate) const CODES: [(Exit, &str); 4] = [
    (Exit::Success, "everything is as expected"),
    (Exit::Failure, "a failure, a regression, or an error of wassay's own"),
    (
        Exit::Usage,
        "wrong usage: an option that is invalid, a file that cannot be read or parsed, or a selection that matches nothing",
    ),
    (Exit::Interrupted, "interrupted; reports of what ran are written"),
];

impl Exit {
    /// The exit code of the process.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::Interrupted => INTERRUPTED,
            Exit::Guest(code) => code,
        }
    }
}

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Wrong usage.
    #[error("{0}")]
    Usage(String),
    /// A word names no suite.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A file of expectations is unusable.
    #[error(transparent)]
    Expectations(#[from] ExpectationsError),
    /// A suite cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A module cannot be run.
    #[error("{0}")]
    Module(String),
    /// A system call failed.
    #[error("{what}: {error}")]
    System {
        /// What failed.
        what: String,
        /// The error.
        error: io::Error,
    },
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) | Error::Resolve(_) | Error::Expectations(_) => Exit::Usage,
            Error::Fetch(_) | Error::Module(_) | Error::System { .. } => Exit::Failure,
        }
    }
}
