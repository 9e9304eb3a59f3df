//! Adapters of the official test suite, `adapters/NAME.py`: Python modules that compute the command
//! of a guest.
//!
//! They are used unchanged, through a small Python program that loads one and answers in JSON. Each
//! query runs in a separate process, since an adapter may keep state.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use thiserror::Error;

use super::running::Output;
use super::task::{Task, word_of};
use crate::process::{Group, how, with_stderr};

/// The Python program that loads an adapter.
const BRIDGE: &str = include_str!("../../../adapters/wasi/bridge.py");

/// The time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The maximum size of an answer in bytes.
const LONGEST: usize = 1 << 20;
/// The version of WASI for guests.
const VERSION: &str = "wasm32-wasip1";
/// The world of preview 1 guests.
const WORLD: &str = "wasi:cli/command";

/// An adapter of the official test suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its file.
    path: PathBuf,
    /// Python.
    python: String,
    /// Environment variables for it and for the engine, such as `WASMTIME=...`.
    env: Vec<(String, String)>,
    /// Information about its engine.
    about: About,
}

/// Information about an adapter's engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct About {
    name: String,
    version: String,
    versions: Vec<String>,
}

/// Why an adapter failed.
#[derive(Debug, Error)]
pub enum AdapterError {
    /// Python cannot be started.
    #[error("cannot start {python}: {error}")]
    Start {
        /// The command.
        python: String,
        /// The error.
        error: std::io::Error,
    },
    /// It failed.
    #[error("{}: {why}", path.display())]
    Ended {
        /// The adapter.
        path: PathBuf,
        /// How it ended, with the message in its standard error.
        why: String,
    },
    /// Its engine does not support preview 1.
    #[error("{}: its engine does not support {VERSION}; it supports {}", path.display(), versions.join(", "))]
    Version {
        /// The adapter.
        path: PathBuf,
        /// The versions that its engine supports.
        versions: Vec<String>,
    },
}

impl Adapter {
    /// Queries an adapter for its engine.
    ///
    /// # Errors
    ///
    /// Python cannot be started, the adapter fails, or its engine does not support preview 1.
    pub fn ask(path: &Path, python: &str, env: Vec<(String, String)>) -> Result<Adapter, AdapterError> {
        let (path, python) = (path.to_owned(), python.to_owned());
        let adapter = Adapter { path, python, env, about: About::default() };
        let about: About = adapter.call("about", "{}")?;
        if !about.versions.iter().any(|version| version == VERSION) {
            return Err(AdapterError::Version { path: adapter.path, versions: about.versions });
        }
        Ok(Adapter { about, ..adapter })
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The name of the engine.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.about.version
    }

    pub(super) fn words(&self, task: &Task<'_>) -> Result<Vec<String>, AdapterError> {
        let root = task.folders.first().map(|folder| word_of(folder.host));
        let task = json!({
            "test_path": word_of(task.module),
            "args": task.args,
            "env": task.env,
            "root": root,
            "proposals": task.proposals,
            "world": WORLD,
            "version": VERSION,
        });
        self.call("argv", &task.to_string())
    }

    pub(super) fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    fn call<T: DeserializeOwned>(&self, what: &str, input: &str) -> Result<T, AdapterError> {
        let ended = |why: String| AdapterError::Ended { path: self.path.clone(), why };
        let start = |error| AdapterError::Start { python: self.python.clone(), error };
        let mut command = Command::new(&self.python);
        command
            .args(["-c", BRIDGE, what])
            .arg(&self.path)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        // Don't write compiled Python modules beside the adapter.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(&mut command, None).map_err(start)?;
        let stdout = group.stdout().map(|out| Output::of(out, LONGEST)).transpose().map_err(start)?;
        let stderr = group.stderr().map(|out| Output::of(out, LONGEST)).transpose().map_err(start)?;
        if let Some(mut stdin) = group.stdin() {
            // If it has ended, its exit code shows it.
            let _ = stdin.write_all(input.as_bytes());
        }
        let until = Instant::now() + PATIENCE;
        if !group.wait(until) {
            return Err(ended(format!("the adapter timed out after {} s", PATIENCE.as_secs())));
        }
        let status = group.reap();
        let all = |output: Option<Output>| output.map(|output| output.rest(until)).unwrap_or_default();
        let (stdout, stderr) = (all(stdout), all(stderr));
        if !status.is_some_and(|status| status.success()) {
            let said = String::from_utf8_lossy(&stderr).into_owned();
            let how =
                status.map_or_else(String::new, |status| how(status).replace("the engine", "the adapter"));
            return Err(ended(with_stderr(how, &said)));
        }
        serde_json::from_slice(&stdout).map_err(|error| ended(format!("invalid answer to `{what}`: {error}")))
    }
}
