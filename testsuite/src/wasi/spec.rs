//! The JSON file of a WASI case, `NAME.json`.
//!
//! | form | fields |
//! |---|---|
//! | legacy | `args`, `env`, `root`, `dirs`, `exit_code`, `stdout`, `stderr`; all optional |
//! | operations | `operations`, `proposals`, `world` |
//! | both, ours | `wassay`: see [`Extension`] |
//!
//! The operations are `run`, `wait`, `read`, `write`, `connect`, `send` and `recv`. Unknown fields,
//! and fields that only exist in later previews, are errors.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// What to do with a guest, in order, and its expected results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The operations. Each `run` is followed by a `wait`.
    pub operations: Vec<Operation>,
    /// What the official format cannot express.
    pub extension: Extension,
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Starts the guest.
    Run(Run),
    /// Waits until the guest exits, with this exit code.
    Wait {
        /// The expected exit code.
        exit_code: u32,
    },
    /// Expects this text as the complete output of the guest.
    Output {
        /// Which output.
        stream: Stream,
        /// The expected text.
        payload: String,
    },
    /// Reads as many bytes from an output as the text has, and expects this text.
    Read {
        /// Which output.
        stream: Stream,
        /// The expected text.
        payload: String,
    },
    /// Writes a text to the guest's standard input.
    Write {
        /// The text.
        payload: String,
    },
    /// Connects to the guest: to the listener of this name in its [extension](Extension::listen)
    /// or, if there is none, to the address that the guest prints as a line of standard output.
    Connect {
        /// The name of the connection.
        id: String,
    },
    /// Sends a text over a connection.
    Send {
        /// The name of the connection.
        id: String,
        /// The text.
        payload: String,
    },
    /// Receives as many bytes as the text has, and expects this text.
    Recv {
        /// The name of the connection.
        id: String,
        /// The expected text.
        payload: String,
    },
}

impl Operation {
    /// The folders of the guest, for a `run`.
    pub(super) fn dirs(&self) -> &[Dir] {
        match self {
            Operation::Run(run) => &run.dirs,
            _ => &[],
        }
    }
}

/// How to start a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The arguments, without the name of the program.
    pub args: Vec<String>,
    /// The environment variables.
    pub env: BTreeMap<String, String>,
    /// The folders of the guest.
    pub dirs: Vec<Dir>,
}

/// A folder of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dir {
    /// The path relative to the folder of the module.
    pub host: String,
    /// The guest's name for it.
    pub guest: String,
}

/// An output stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// The field `wassay`: extensions of the official format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extension {
    /// The names of listening sockets. The guest gets them after its folders.
    pub listen: Vec<String>,
    /// The folders that are read-only, by their names in the guest.
    pub read_only: Vec<String>,
    /// The previews to run the guest with, one after the other: 0 or 1. If there are any, the
    /// module must be text, in which the module name of the functions is replaced. If there are
    /// none, the module runs unchanged.
    pub previews: Vec<u8>,
}

/// An invalid JSON file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct SpecError {
    /// The name of the file, for messages.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The field, the problem, and what was expected.
    pub message: String,
}

impl Default for Spec {
    /// A guest without input that must exit with code 0.
    fn default() -> Spec {
        let operations = vec![Operation::Run(Run::default()), Operation::Wait { exit_code: 0 }];
        Spec { operations, extension: Extension::default() }
    }
}

impl Stream {
    /// The name of the stream.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

impl Spec {
    /// Parses the JSON text of a case. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not JSON, if a field is unknown, missing or of the wrong
    /// type, or if the operations are inconsistent.
    pub fn parse(file: &str, text: &str) -> Result<Spec, SpecError> {
        let fields: Fields = parse_json(file, text)?;
        fields.spec().map_err(|(field, message)| {
            let before =
                text.split(&format!("\"{field}\"")).next().filter(|before| before.len() < text.len());
            let (line, column) = end_of(before.unwrap_or_default());
            SpecError { file: file.to_owned(), line, column, message: format!("`{field}`: {message}") }
        })
    }
}

/// Parses JSON. `file` is its name in messages.
pub(super) fn parse_json<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, SpecError> {
    let error = |json: &serde_json::Error, message: String| SpecError {
        file: file.to_owned(),
        line: json.line().max(1),
        column: json.column().max(1),
        message,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|wrong| {
        let (path, json) = (wrong.path().to_string(), wrong.inner());
        let (message, at) = (json.to_string(), format!(" at line {} column {}", json.line(), json.column()));
        let message = message.strip_suffix(&at).unwrap_or(&message);
        let named = !matches!(path.as_str(), "." | "?");
        error(json, if named { format!("`{path}`: {message}") } else { message.to_owned() })
    })?;
    json.end().map_err(|wrong| error(&wrong, "unexpected data after the JSON object".to_owned()))?;
    Ok(parsed)
}

/// The line and column after `text`, from 1. Columns count characters.
pub(super) fn end_of(text: &str) -> (usize, usize) {
    (text.matches('\n').count() + 1, text.chars().rev().take_while(|&c| c != '\n').count() + 1)
}

/// The fields of both forms, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    root: Option<String>,
    dirs: Option<Vec<String>>,
    exit_code: Option<u32>,
    stdout: Option<String>,
    stderr: Option<String>,
    operations: Option<Vec<RawOperation>>,
    proposals: Option<Vec<String>>,
    world: Option<String>,
    servers: Option<Vec<serde::de::IgnoredAny>>,
    wassay: Extension,
}

/// An operation as written.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum RawOperation {
    Run {
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        root: Option<String>,
    },
    Wait {
        #[serde(default)]
        exit_code: u32,
    },
    Read {
        #[serde(default)]
        id: Stream,
        #[serde(default)]
        payload: String,
    },
    Write {
        id: Input,
        #[serde(default)]
        payload: String,
    },
    Connect {
        #[serde(default = "server")]
        id: String,
        #[serde(default)]
        protocol_type: Protocol,
    },
    Send {
        id: String,
        #[serde(default)]
        payload: String,
    },
    Recv {
        id: String,
        #[serde(default)]
        payload: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Input {
    Stdin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    #[default]
    Tcp,
}

fn server() -> String {
    "server".to_owned()
}

/// A field, and the problem with it.
type FieldError = (&'static str, String);

impl Fields {
    fn spec(mut self) -> Result<Spec, FieldError> {
        let extension = std::mem::take(&mut self.wassay);
        let operations = match self.newer_field() {
            Some(field) => match self.legacy_field() {
                Some(legacy) => {
                    let message = format!(
                        "cannot be combined with `{field}`: use either the legacy form or operations"
                    );
                    return Err((legacy, message));
                }
                None => self.operations()?,
            },
            None => self.legacy()?,
        };
        validate(&operations, &extension)?;
        Ok(Spec { operations, extension })
    }

    /// A field that is present and belongs to the form with operations.
    fn newer_field(&self) -> Option<&'static str> {
        let fields = [
            (self.operations.is_some(), "operations"),
            (self.proposals.is_some(), "proposals"),
            (self.world.is_some(), "world"),
            (self.servers.is_some(), "servers"),
        ];
        fields.into_iter().find(|(there, _)| *there).map(|(_, field)| field)
    }

    /// A field that is present and belongs to the legacy form.
    fn legacy_field(&self) -> Option<&'static str> {
        let fields = [
            (self.args.is_some(), "args"),
            (self.env.is_some(), "env"),
            (self.root.is_some(), "root"),
            (self.dirs.is_some(), "dirs"),
            (self.exit_code.is_some(), "exit_code"),
            (self.stdout.is_some(), "stdout"),
            (self.stderr.is_some(), "stderr"),
        ];
        fields.into_iter().find(|(there, _)| *there).map(|(_, field)| field)
    }

    fn legacy(self) -> Result<Vec<Operation>, FieldError> {
        let mut dirs = root("root", self.root)?;
        for host in self.dirs.unwrap_or_default() {
            dirs.push(Dir { guest: host.clone(), host: below("dirs", host)? });
        }
        let run = Run { args: self.args.unwrap_or_default(), env: self.env.unwrap_or_default(), dirs };
        let exit_code = self.exit_code.unwrap_or(0);
        let mut operations = vec![Operation::Run(run), Operation::Wait { exit_code }];
        let outputs = [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr)];
        let outputs = outputs.into_iter().filter_map(|(stream, payload)| Some((stream, payload?)));
        operations.extend(outputs.map(|(stream, payload)| Operation::Output { stream, payload }));
        Ok(operations)
    }

    fn operations(self) -> Result<Vec<Operation>, FieldError> {
        // In preview 1, a guest's sockets are listeners that it inherits, so that no proposal is
        // required.
        if let Some(other) = self.proposals.iter().flatten().find(|proposal| *proposal != "sockets") {
            return Err((
                "proposals",
                format!("`{other}` is a proposal of later previews; expected `sockets`"),
            ));
        }
        if let Some(world) = self.world.filter(|world| world != "wasi:cli/command") {
            return Err((
                "world",
                format!("`{world}` is a world of later previews; expected `wasi:cli/command`"),
            ));
        }
        if self.servers.is_some() {
            return Err(("servers", "not supported: only later previews have servers".to_owned()));
        }
        let Some(written) = self.operations else { return Ok(Spec::default().operations) };
        written.into_iter().map(RawOperation::operation).collect()
    }
}

impl RawOperation {
    fn operation(self) -> Result<Operation, FieldError> {
        Ok(match self {
            RawOperation::Run { args, env, root: path } => {
                Operation::Run(Run { args, env, dirs: root("root", path)? })
            }
            RawOperation::Wait { exit_code } => Operation::Wait { exit_code },
            RawOperation::Read { id: stream, payload } => Operation::Read { stream, payload },
            RawOperation::Write { id: Input::Stdin, payload } => Operation::Write { payload },
            RawOperation::Connect { id, protocol_type: Protocol::Tcp } => Operation::Connect { id },
            RawOperation::Send { id, payload } => Operation::Send { id, payload },
            RawOperation::Recv { id, payload } => Operation::Recv { id, payload },
        })
    }
}

/// The folder that is `/` in the guest.
fn root(field: &'static str, path: Option<String>) -> Result<Vec<Dir>, FieldError> {
    let dir = |host| Ok(Dir { host: below(field, host)?, guest: "/".to_owned() });
    path.map(dir).into_iter().collect()
}

/// Checks that a path stays below the folder of the module.
fn below(field: &'static str, path: String) -> Result<String, FieldError> {
    let leads_down = path.split('/').all(|name| !matches!(name, "" | "." | "..")) && !path.contains('\0');
    if leads_down {
        return Ok(path);
    }
    Err((
        field,
        format!(
            "invalid folder `{}`: expected a path below the folder of the module, such as `fs-tests.dir`",
            path.escape_debug()
        ),
    ))
}

/// Checks that each run has a wait, that operations are applied to a running guest, and that
/// connections are created once and before they are used.
fn validate(operations: &[Operation], extension: &Extension) -> Result<(), FieldError> {
    let wrong = |at: usize, message: String| Err(("operations", format!("operation {}: {message}", at + 1)));
    if let Some(name) =
        extension.listen.iter().enumerate().find(|(at, name)| extension.listen[..*at].contains(name))
    {
        return Err(("listen", format!("duplicate name `{}`", name.1)));
    }
    if let Some(other) = extension.previews.iter().find(|preview| **preview > 1) {
        return Err(("previews", format!("unknown preview {other}: expected 0 or 1")));
    }
    let names: Vec<&str> =
        operations.iter().flat_map(Operation::dirs).map(|dir| dir.guest.as_str()).collect();
    if let Some(other) = extension.read_only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(("read_only", format!("the guest has no folder `{other}`")));
    }
    let (mut runs, mut connections) = (false, HashSet::new());
    for (at, operation) in operations.iter().enumerate() {
        match operation {
            Operation::Run(_) if runs => {
                return wrong(
                    at,
                    "the guest is already running: expected a `wait` before this `run`".to_owned(),
                );
            }
            Operation::Run(_) => {
                runs = true;
                connections.clear();
            }
            Operation::Output { .. } => {}
            _ if !runs => {
                return wrong(at, "no guest is running: expected a `run` before this operation".to_owned());
            }
            Operation::Wait { .. } => runs = false,
            Operation::Connect { id } if !connections.insert(id.as_str()) => {
                return wrong(at, format!("duplicate connection `{id}`"));
            }
            Operation::Send { id, .. } | Operation::Recv { id, .. } if !connections.contains(id.as_str()) => {
                return wrong(
                    at,
                    format!("unknown connection `{id}`: expected a `connect` before this operation"),
                );
            }
            _ => {}
        }
    }
    match operations {
        [] => Err(("operations", "is empty: expected a `run` and a `wait`".to_owned())),
        _ if runs => Err(("operations", "the last `run` has no `wait`".to_owned())),
        _ => Ok(()),
    }
}
