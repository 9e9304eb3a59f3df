//! The process protocol `wap/1` for an engine with an API in Rust.
//!
//! An adapter implements [`Engine`] and calls [`serve`]. This crate reads the requests, keeps the
//! modules, instances and registered names of the running script, resolves imports, and writes one
//! answer for each request. `docs/protocol.md` specifies the protocol.

mod features;
mod request;
mod session;

use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

pub use features::Features;
use session::Session;

/// How many characters of a message are sent.
const LONGEST_MESSAGE: usize = 1000;

/// An engine under test.
///
/// A value of this type holds what lives as long as the process, and the store of the running
/// script.
pub trait Engine {
    /// A compiled module.
    type Module: Clone;
    /// A handle to an instance in the current store.
    type Instance: Copy;

    /// What the answer to `hello` says about this engine.
    fn about(&self) -> About;

    /// Begins a script: everything goes into a fresh store from here on. An engine that says so in
    /// [`About::switches_features`] switches what it has of `features` on and all else off; without
    /// `features`, everything is on.
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

    /// The imports of `module` in their order: the name of a module, and a name in it.
    fn imports(&self, module: &Self::Module) -> Vec<(String, String)>;

    /// Whether `instance` has an export of this name.
    fn has_export(&mut self, instance: Self::Instance, name: &str) -> bool;

    /// Instantiates `module`, and runs its start function. `imports` has one entry for each import,
    /// in order.
    ///
    /// # Errors
    /// [`Class::Link`] for an import that has another type, and what [`Engine::call`] says for
    /// traps.
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

/// Where the value of an import comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import<Instance> {
    /// The export of this name of an instance, which has it.
    Export(Instance, String),
    /// The host function `[i32] -> [externref]` that gives the host reference with this number.
    Host,
    /// The host function `[externref, i32] -> [i32]` that tells whether a value is the host
    /// reference with this number.
    Eq,
}

/// What an adapter says about its engine in the answer to `hello`.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The engine's name.
    pub engine: &'static str,
    /// The version of the engine, not of the adapter.
    pub version: &'static str,
    /// Whether the features of each script are the ones that are on.
    pub switches_features: bool,
    /// Sets of classes that the engine's API does not distinguish, such as `trap+exhaustion`.
    /// [`Class::Compile`] needs no set: it may be [`Class::Malformed`] or [`Class::Invalid`].
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
    /// A failure of this class, with the text that `message` displays.
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
    /// The engine does not implement what the module uses.
    Unsupported,
    /// The module, or what it asks for at run time, exceeds a limit of the implementation.
    Limit,
    /// An import is absent or has another type.
    Link,
    /// A trap other than exhaustion.
    Trap,
    /// The call stack is exhausted.
    Exhaustion,
    /// An exception that was not caught.
    Exception,
    /// The request names a module or an instance that does not exist, as it does after an earlier
    /// failure.
    NoHandle,
    /// Anything else: a request whose words cannot be read, an error of the adapter.
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

/// Answers the requests of standard input on standard output until the input ends.
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
        // Before a read that may block, everything answered so far goes out: the driver may wait
        // for it.
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // Not more than the end of the line: the bytes of an empty module are an empty word.
        let request = line.strip_suffix(b"\n").unwrap_or(&line);
        let request = request.strip_suffix(b"\r").unwrap_or(request);
        // Empty lines and comments, which files with plans have, are not requests.
        if request.is_empty() || request.starts_with(b"#") {
            continue;
        }
        match session.answer(request) {
            Ok(answer) => writeln!(output, "{answer}")?,
            Err(failure) => writeln!(output, "E {} {}", failure.class.name(), one_line(&failure.message))?,
        }
        // The driver can judge the script now, however much more it has sent.
        if request.starts_with(b"E ") {
            output.flush()?;
        }
    }
}

/// A message as the rest of a line.
fn one_line(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
