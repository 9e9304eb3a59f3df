//! The process protocol `wap/1` for an engine with an API in Rust.
//!
//! An adapter implements [`Engine`] and calls [`serve`]. This crate reads requests, keeps the
//! modules, instances and registered names of the running script, resolves imports, and writes one
//! reply per request. `docs/protocol.md` specifies the protocol.

mod features;
mod request;
mod session;

use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

pub use features::Features;
use session::Session;

/// The maximum length of a message, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// An engine under test.
///
/// A value of this type contains the engine, which lives as long as the process, and the store of
/// the running script.
pub trait Engine {
    /// A compiled module.
    type Module: Clone;
    /// A handle to an instance in the current store.
    type Instance: Copy;

    /// Describes the engine for the reply to `hello`.
    fn about(&self) -> About;

    /// Starts a script with a new store. If [`About::switches_features`] is set, the engine
    /// switches on exactly those of its features that are in `features`, or all without `features`.
    ///
    /// # Errors
    /// [`Class::Unsupported`] if the engine cannot be configured in this way.
    fn begin(&mut self, features: Option<&Features>) -> Result<(), Failure>;

    /// Compiles a binary module.
    ///
    /// # Errors
    /// [`Failure`] with [`Class::Malformed`], [`Class::Invalid`], or [`Class::Compile`] where the
    /// engine does not tell these two apart; [`Class::Unsupported`] and [`Class::Limit`] for a
    /// module that it refuses although it is valid.
    fn compile(&mut self, wasm: &[u8]) -> Result<Self::Module, Failure>;

    /// Returns the imports of `module` in order: module name and item name.
    fn imports(&self, module: &Self::Module) -> Vec<(String, String)>;

    /// Whether `instance` has an export with this name.
    fn has_export(&mut self, instance: Self::Instance, name: &str) -> bool;

    /// Instantiates `module` and runs its start function. `imports` has one entry per import, in
    /// order.
    ///
    /// # Errors
    /// [`Class::Link`] for an import of another type, and the errors of [`Engine::call`] for the
    /// start function.
    fn instantiate(
        &mut self,
        module: &Self::Module,
        imports: &[Import<Self::Instance>],
    ) -> Result<Self::Instance, Failure>;

    /// Calls the exported function `name: [] -> [i32]`.
    ///
    /// # Errors
    /// [`Class::Trap`], [`Class::Exhaustion`], [`Class::Exception`]; [`Class::Error`] if there is
    /// no such function.
    fn call(&mut self, instance: Self::Instance, name: &str) -> Result<i32, Failure>;
}

/// The source of an import's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import<Instance> {
    /// The export with this name of an instance, which has it.
    Export(Instance, String),
    /// The host function `[i32] -> [externref]` that returns the host reference with this number.
    Host,
    /// The host function `[externref, i32] -> [i32]` that returns 1 if a value is the host
    /// reference with this number, else 0.
    Eq,
}

/// The description of an engine in the reply to `hello`.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The engine's name.
    pub engine: &'static str,
    /// The version of the engine, not of the adapter.
    pub version: &'static str,
    /// Whether the engine switches features on and off for each script.
    pub switches_features: bool,
    /// Sets of classes that the engine's API does not distinguish, such as `trap+exhaustion`.
    /// [`Class::Compile`] needs no set, since it always means malformed or invalid.
    pub merges: &'static [&'static str],
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure.
    pub class: Class,
    /// The engine's message.
    pub message: String,
}

impl Failure {
    /// Creates a failure with the text of `message`.
    pub fn new(class: Class, message: impl fmt::Display) -> Self {
        Self { class, message: message.to_string() }
    }
}

/// The classes of failures of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The bytes do not match the grammar of the binary format.
    Malformed,
    /// The module does not validate.
    Invalid,
    /// Malformed or invalid: the engine does not distinguish them.
    Compile,
    /// The engine does not implement a feature that the module uses.
    Unsupported,
    /// The module exceeds a limit of the implementation, on loading or while running.
    Limit,
    /// An import is missing or has another type.
    Link,
    /// A trap other than exhaustion.
    Trap,
    /// The call stack is exhausted.
    Exhaustion,
    /// An uncaught exception.
    Exception,
    /// The request refers to a module or instance that does not exist, because of an earlier
    /// failure.
    NoHandle,
    /// Other errors: an invalid request, or an error of the adapter.
    Error,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::Compile => "compile",
            Self::Unsupported => "unsupported",
            Self::Limit => "limit",
            Self::Link => "link",
            Self::Trap => "trap",
            Self::Exhaustion => "exhaustion",
            Self::Exception => "exception",
            Self::NoHandle => "nohandle",
            Self::Error => "error",
        }
    }
}

/// Reads requests from standard input and writes replies to standard output until the input ends.
///
/// # Errors
/// If standard input cannot be read or standard output cannot be written.
pub fn serve(engine: impl Engine) -> io::Result<()> {
    serve_streams(engine, io::stdin().lock(), io::stdout().lock())
}

fn serve_streams(engine: impl Engine, input: impl Read, output: impl Write) -> io::Result<()> {
    let mut session = Session::new(engine);
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let mut line = Vec::new();
    loop {
        // Flush before a read that may block: the driver may be waiting for the replies.
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // Trim only the line ending: the bytes of an empty module are an empty last word.
        let request = line.strip_suffix(b"\n").unwrap_or(&line);
        let request = request.strip_suffix(b"\r").unwrap_or(request);
        // Plan files may contain empty lines and comments.
        if request.is_empty() || request.starts_with(b"#") {
            continue;
        }
        match session.answer(request) {
            Ok(answer) => writeln!(output, "{answer}")?,
            Err(failure) => writeln!(output, "E {} {}", failure.class.name(), one_line(&failure.message))?,
        }
        // Flush after each script, so that the driver can judge it while the next one runs.
        if request.starts_with(b"E ") {
            output.flush()?;
        }
    }
}

/// Shortens a message and replaces its control characters, so that it fits on one line.
fn one_line(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
