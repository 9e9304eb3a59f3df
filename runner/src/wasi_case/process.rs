//! A guest that runs, on whatever runs it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, PipeReader};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wassay_drive::wasi::Need;
use wassay_terms::Deadline;

use super::excerpt::cut;

/// How many of a guest's last calls are kept.
const CALLS: usize = 20;

/// How many bytes a guest may write to one output.
const OUTPUT: usize = 64 << 20;

/// How many bytes of a call are kept.
const CALL: usize = 1 << 10;

/// What runs guests.
pub(crate) trait Host {
    /// Why it cannot run a guest with these needs; `None` where it can.
    fn lacks(&self, needs: &[Need]) -> Option<String>;

    /// Starts a guest.
    fn start(&self, given: Given<'_>) -> Result<Process, Refused>;
}

/// What a guest is started with.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    /// What the guest is called: the first of its arguments.
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

/// A folder that a guest is given.
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

/// Why a guest is not started.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The system refuses, when this is done.
    System(&'static str, io::Error),
    /// What is wrong with the guest, or with what runs it.
    Unusable(String),
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with that code.
    Exited(u32),
    /// By a trap, or another error of its own, which this text shows.
    Trapped(String),
    /// What ran it crashed, as this says.
    Crashed(String),
    /// It was still running when its time was over.
    TimeOver,
    /// It did not run: this is wrong with its module.
    NotRunnable(String),
}

/// A guest that runs, or has run.
pub(crate) struct Process {
    pub(super) stdout: Box<dyn Output>,
    pub(super) stderr: Box<dyn Output>,
    pub(super) calls: Calls,
    pub(super) ending: Box<dyn Ending>,
}

/// What a guest writes.
pub(super) trait Output {
    /// Waits until `enough` is true of what was written and not taken, or nothing more will be, or
    /// it is so late. Says whether it is true then.
    fn wait(&self, until: Deadline, enough: &dyn Fn(&[u8]) -> bool) -> bool;

    /// What was written since this was last called.
    fn take(&self) -> Vec<u8>;
}

/// The end of a guest.
pub(super) trait Ending {
    /// Waits for it, until the time of the guest is over.
    fn wait(&self) -> Ended;

    /// Has a guest end whose time is over or that is not asked any more, as far as that can be
    /// done, and waits a little for it.
    fn cut(&self);
}

/// The last calls of a guest, each as a line.
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

/// How many bytes a guest may write to one output, and read from its standard input, where it may
/// have so much memory.
pub(super) fn output(max_memory: Option<u64>) -> usize {
    // A part of that memory, but some in any case.
    const PARTS: u64 = 4;
    const LEAST: u64 = 1 << 20;
    let most = max_memory.map_or(OUTPUT as u64, |bytes| (bytes / PARTS).clamp(LEAST, OUTPUT as u64));
    most as usize
}
