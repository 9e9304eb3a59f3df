//! A running guest, independent of its host.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, PipeReader};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wassay_drive::wasi::Need;
use wassay_terms::Deadline;

use super::excerpt::cut;

/// The number of last calls to keep.
const CALLS: usize = 20;

/// The limit for each output in bytes.
const OUTPUT: usize = 64 << 20;

/// The maximum size of a kept call in bytes.
const CALL: usize = 1 << 10;

/// A host that runs guests.
pub(crate) trait Host {
    /// The reason why it cannot run a guest with these needs, if any.
    fn lacks(&self, needs: &[Need]) -> Option<String>;

    /// Starts a guest.
    fn start(&self, given: GuestSetup<'_>) -> Result<Process, Refused>;
}

/// The setup of a guest.
#[derive(Debug)]
pub(crate) struct GuestSetup<'a> {
    /// The guest's name: its first argument.
    pub(super) name: &'a str,
    pub(super) module: &'a [u8],
    pub(super) args: &'a [String],
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) folders: Vec<Preopen<'a>>,
    pub(super) listeners: Vec<TcpListener>,
    pub(super) stdin: Input,
    pub(super) deadline: Deadline,
    pub(super) max_memory: Option<u64>,
}

/// A preopened folder of a guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preopen<'a> {
    pub(super) host: &'a Path,
    pub(super) guest: &'a str,
    pub(super) read_only: bool,
}

/// Standard input.
#[derive(Debug)]
pub(super) enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Pipe(PipeReader),
}

/// Why a guest was not started.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A system call failed during this action.
    System(&'static str, io::Error),
    /// The guest or the host is unusable.
    Unusable(String),
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// It exited with this code.
    Exited(u32),
    /// It trapped or failed otherwise, with this message.
    Trapped(String),
    /// The host crashed, with this message.
    Crashed(String),
    /// It timed out.
    TimeOver,
    /// It did not run: its module is invalid, with this message.
    NotRunnable(String),
}

/// A guest that is running or has ended.
pub(crate) struct Process {
    pub(super) stdout: Box<dyn Output>,
    pub(super) stderr: Box<dyn Output>,
    pub(super) calls: Calls,
    pub(super) ending: Box<dyn Ending>,
}

/// An output of a guest.
pub(super) trait Output {
    /// Waits until `enough` accepts the data written and not taken, the output ends, or the
    /// deadline. Returns whether `enough` accepts the data.
    fn wait(&self, until: Deadline, enough: &dyn Fn(&[u8]) -> bool) -> bool;

    /// Takes the data written since the last call.
    fn take(&self) -> Vec<u8>;
}

/// The end of a guest.
pub(super) trait Ending {
    /// Waits for the end until the guest's deadline.
    fn wait(&self) -> Ended;

    /// Ends the guest if possible, and waits briefly for it.
    fn cut(&self);
}

/// The last calls of a guest, one line each.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<Mutex<VecDeque<String>>>);

impl Calls {
    pub(super) fn push(&self, call: String) {
        let call = cut(call, CALL);
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The limit in bytes for each output and for standard input, given the memory limit.
pub(super) fn output(max_memory: Option<u64>) -> usize {
    // A fraction of the memory limit, with a minimum.
    const PARTS: u64 = 4;
    const LEAST: u64 = 1 << 20;
    let most = max_memory.map_or(OUTPUT as u64, |bytes| (bytes / PARTS).clamp(LEAST, OUTPUT as u64));
    most as usize
}
