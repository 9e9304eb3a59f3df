//! What a case of WASI says: `NAME.json`.
//!
//! | form | fields |
//! |---|---|
//! | legacy | `args`, `env`, `root`, `dirs`, `exit_code`, `stdout`, `stderr`; all may be left out |
//! | operations | `operations`, `proposals`, `world`; the operations are `run`, `wait`, `read`, `write`, `connect`, `send` and `recv` |
//! | ours, in both | `wassay`: see [`Extension`] |
//!
//! Nothing that is not understood is passed over: an unknown field, and what only later previews have, is an error.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// What is done with a guest, in order, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The operations: each run is followed by its wait.
    pub operations: Vec<Operation>,
    /// What the official format has no word for.
    pub extension: Extension,
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Starts the guest.
    Run(Run),
    /// Waits for its end; it has to be by this code.
    Wait {
        /// The code.
        exit_code: u32,
    },
    /// What the guest wrote in all has to be this text.
    Output {
        /// Where to.
        stream: Stream,
        /// The text.
        payload: String,
    },
    /// Reads as much of an output as the text is long; it has to be this text.
    Read {
        /// Which output.
        stream: Stream,
        /// The text.
        payload: String,
    },
    /// Gives the guest a text on its standard input.
    Write {
        /// The text.
        payload: String,
    },
    /// Connects to the guest: to a listener of its [extension](Extension::listen) with this name, else to the address that the guest
    /// writes as a line of its standard output.
    Connect {
        /// The name of the connection.
        id: String,
    },
    /// Sends a text.
    Send {
        /// The name of the connection.
        id: String,
        /// The text.
        payload: String,
    },
    /// Receives as many bytes as the text has; they have to be this text.
    Recv {
        /// The name of the connection.
        id: String,
        /// The text.
        payload: String,
    },
}

impl Operation {
    /// The folders that it gives the guest.
    pub(super) fn dirs(&self) -> &[Dir] {
        match self {
            Operation::Run(run) => &run.dirs,
            _ => &[],
        }
    }
}

/// What a guest is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Its arguments, after its own name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Folders beside the module, and their names in the guest.
    pub dirs: Vec<Dir>,
}

/// A folder that a guest is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dir {
    /// Its path from the folder of the module.
    pub host: String,
    /// Its name in the guest.
    pub guest: String,
}

/// A standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// The field `wassay`: what we need beyond the official format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extension {
    /// Names of sockets that listen; the guest gets them after its folders.
    pub listen: Vec<String>,
    /// The folders, by their names in the guest, in which it can change nothing.
    pub read_only: Vec<String>,
    /// The previews to run the guest under, one after the other: 0 or 1. The module is a text then, in which the name that functions are
    /// imported from is put for the other's. Where there is none, the module is run as it is.
    pub previews: Vec<u8>,
}

/// A JSON file that is no case.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct SpecError {
    /// The name that the caller has for the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The field, what is wrong with it, and what was expected.
    pub message: String,
}

impl Default for Spec {
    /// A guest that is given nothing, and has to exit with 0.
    fn default() -> Spec {
        let operations = vec![Operation::Run(Run::default()), Operation::Wait { exit_code: 0 }];
        Spec { operations, extension: Extension::default() }
    }
}

impl Stream {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

impl Spec {
    /// Reads the JSON text of a case; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// It is no JSON, a field is unknown, has a value of another type or is missing, or the operations make no sense in their order.
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

/// Reads a JSON text; `file` is what messages call it.
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
    json.end().map_err(|wrong| error(&wrong, "expected nothing after the object".to_owned()))?;
    Ok(parsed)
}

/// The line and the column, from 1, of what follows `text`. A column counts characters.
pub(super) fn end_of(text: &str) -> (usize, usize) {
    (text.matches('\n').count() + 1, text.chars().rev().take_while(|&c| c != '\n').count() + 1)
}

/// The fields of both forms, as they are written.
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
    operations: Option<Vec<Written>>,
    proposals: Option<Vec<String>>,
    world: Option<String>,
    servers: Option<Vec<serde::de::IgnoredAny>>,
    wassay: Extension,
}

/// An operation as it is written.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Written {
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

/// A field, and what is wrong with it.
type Wrong = (&'static str, String);

impl Fields {
    fn spec(mut self) -> Result<Spec, Wrong> {
        let extension = std::mem::take(&mut self.wassay);
        let operations = match self.newer_field() {
            Some(field) => match self.legacy_field() {
                Some(legacy) => {
                    let message = format!(
                        "cannot stand beside `{field}`: a case has the legacy form or that of operations"
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

    /// A field that is there and belongs to the form of operations.
    fn newer_field(&self) -> Option<&'static str> {
        let fields = [
            (self.operations.is_some(), "operations"),
            (self.proposals.is_some(), "proposals"),
            (self.world.is_some(), "world"),
            (self.servers.is_some(), "servers"),
        ];
        fields.into_iter().find(|(there, _)| *there).map(|(_, field)| field)
    }

    /// A field that is there and belongs to the legacy form.
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

    fn legacy(self) -> Result<Vec<Operation>, Wrong> {
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

    fn operations(self) -> Result<Vec<Operation>, Wrong> {
        // Sockets of preview 1 are listeners that a guest is given, and need no proposal.
        if let Some(other) = self.proposals.iter().flatten().find(|proposal| *proposal != "sockets") {
            return Err((
                "proposals",
                format!("`{other}` is a proposal of later previews; expected preview 1, or `sockets`"),
            ));
        }
        if let Some(world) = self.world.filter(|world| world != "wasi:cli/command") {
            return Err((
                "world",
                format!("`{world}` is a world of later previews; expected `wasi:cli/command`"),
            ));
        }
        if self.servers.is_some() {
            return Err(("servers", "are for guests of later previews; expected preview 1".to_owned()));
        }
        let Some(written) = self.operations else { return Ok(Spec::default().operations) };
        written.into_iter().map(Written::operation).collect()
    }
}

impl Written {
    fn operation(self) -> Result<Operation, Wrong> {
        Ok(match self {
            Written::Run { args, env, root: path } => {
                Operation::Run(Run { args, env, dirs: root("root", path)? })
            }
            Written::Wait { exit_code } => Operation::Wait { exit_code },
            Written::Read { id: stream, payload } => Operation::Read { stream, payload },
            Written::Write { id: Input::Stdin, payload } => Operation::Write { payload },
            Written::Connect { id, protocol_type: Protocol::Tcp } => Operation::Connect { id },
            Written::Send { id, payload } => Operation::Send { id, payload },
            Written::Recv { id, payload } => Operation::Recv { id, payload },
        })
    }
}

/// The folder that a guest sees as `/`.
fn root(field: &'static str, path: Option<String>) -> Result<Vec<Dir>, Wrong> {
    let dir = |host| Ok(Dir { host: below(field, host)?, guest: "/".to_owned() });
    path.map(dir).into_iter().collect()
}

/// A path that leads nowhere but down.
fn below(field: &'static str, path: String) -> Result<String, Wrong> {
    let leads_down = path.split('/').all(|name| !matches!(name, "" | "." | "..")) && !path.contains('\0');
    if leads_down {
        return Ok(path);
    }
    Err((
        field,
        format!(
            "`{}` is no folder beside the module: expected a path such as `fs-tests.dir`",
            path.escape_debug()
        ),
    ))
}

/// Checks that each run has its wait, that nothing is done with a guest that does not run, and that connections are made once and before
/// they are used.
fn validate(operations: &[Operation], extension: &Extension) -> Result<(), Wrong> {
    let wrong = |at: usize, message: String| Err(("operations", format!("operation {}: {message}", at + 1)));
    if let Some(name) =
        extension.listen.iter().enumerate().find(|(at, name)| extension.listen[..*at].contains(name))
    {
        return Err(("listen", format!("`{}` is there twice", name.1)));
    }
    if let Some(other) = extension.previews.iter().find(|preview| **preview > 1) {
        return Err(("previews", format!("there is no preview {other}: expected 0 or 1")));
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
                return wrong(at, "a guest runs already: expected a `wait` before it".to_owned());
            }
            Operation::Run(_) => {
                runs = true;
                connections.clear();
            }
            Operation::Output { .. } => {}
            _ if !runs => return wrong(at, "no guest runs: expected a `run` before it".to_owned()),
            Operation::Wait { .. } => runs = false,
            Operation::Connect { id } if !connections.insert(id.as_str()) => {
                return wrong(at, format!("there is a connection `{id}` already"));
            }
            Operation::Send { id, .. } | Operation::Recv { id, .. } if !connections.contains(id.as_str()) => {
                return wrong(at, format!("no connection is called `{id}`: expected a `connect` before it"));
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
