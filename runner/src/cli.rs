//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anstyle::Style;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use wassay_reports::terminal::{MAX_DATUM, Text, printable_bytes};
use wassay_script::Judges;

use crate::batch;
use crate::commands::{self, tips, words};
use crate::exit::{CODES, Error, Exit};
use crate::own;
use crate::printer::{self, Stream};
use crate::scratch::{self, Session};

/// The short form of `run` is not parsed by clap: see [`commands::words`].
const USAGE: &str = "wassay <COMMAND>\n       wassay [RUN OPTIONS] <FILE> [ARGS]...";

const EXAMPLES: &str = "\
Examples:
  wassay hello.wasm --dir=. a.txt        run a WASI program; short for `wassay run`
  wassay test                            run the embedded suites
  wassay test spec-v2 --filter i32       run the cases whose name contains a text
  wassay test ./scripts                  run every .wast file below a folder
  wassay wast a.wast                     run one script and show each directive that fails
  wassay wast --lines 120-140 a.wast     check only these lines
  wassay suite list                      list the suites
  wassay test --engine node spec-v2      test another engine; see `wassay engine list`
  wassay report diff old.json new.json   compare two reports
  wassay matrix *.json -o matrix.html    combine reports into a table of engines and proposals";

const ENVIRONMENT: &str = "Environment: NO_COLOR=1 disables colours, RUST_LOG=debug logs to standard error.";

/// Examples, exit codes and environment.
fn after_help() -> String {
    let codes: String =
        CODES.iter().map(|(exit, meaning)| format!("  {:<5}{meaning}\n", exit.code())).collect();
    format!(
        "{EXAMPLES}\n\nExit codes:\n{codes}`run` exits with the program's own code, with 134 after a trap, and with 1 if the\nmodule cannot be run.\n\n{ENVIRONMENT}"
    )
}

/// Runs WebAssembly test scripts, conformance suites and WASI programs.
#[derive(Debug, Parser)]
#[command(name = "wassay", version = own::VERSION, after_help = after_help(), override_usage = USAGE)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(own::run::Args),
    Wast(commands::wast::Args),
    Test(commands::test::Args),
    Audit(commands::audit::Args),
    Fuzz(commands::fuzz::Args),
    Suite(commands::suite::Args),
    Report(commands::report::Args),
    Matrix(commands::matrix::Args),
    Engine(commands::engine::Args),
    Plan(commands::plan::Args),
    Judge(commands::judge::Args),
    Compile(commands::compile::Args),
    /// Compile a module to an ELF object: the same as `compile`
    Wasm2obj(commands::compile::Args),
    Cache(commands::cache::Args),
    Config(commands::config::Args),
    #[command(hide = true)]
    Adapter(own::serve::Args),
}

/// Runs the `wassay` command with the arguments and the environment of the process.
pub fn main() -> ExitCode {
    start(own::maker())
}

/// Like [`main`], but `wast` and `test` run on engines that `make` creates.
pub fn main_with<E: Judges + 'static>(make: impl Fn() -> E + Clone + Send + Sync + 'static) -> ExitCode {
    start(Some(make))
}

/// Runs the command; `wast` and `test` use the engine of `--engine`, else one that `make` creates,
/// if it is given.
fn start<E: Judges + 'static>(make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>) -> ExitCode {
    printer::report_panics();
    own::prepare();
    // Without a handler, exceeding the file size limit ends the process.
    let _ = scratch::signal::refuse_large_files();
    // Set up logging before children, so that they log too.
    let logged = log();
    if let Some(exit) = make.clone().and_then(batch::child) {
        return exit;
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match run_alone(&words) {
        Some(args) => Ok(Cli { command: Command::Run(args) }),
        None => parsed(words, &make),
    };
    match cli {
        Ok(cli) => execute(cli, make, logged),
        Err(exit) => exit,
    }
}

/// The arguments of `wassay run`, parsed without the other commands, because to describe all
/// options of all commands takes as long as to run a small program. `None` for other commands, for
/// words that are not accepted, and for `--help`.
fn run_alone(words: &[OsString]) -> Option<own::run::Args> {
    if words.get(1)? != "run" {
        return None;
    }
    let run = own::run::Args::augment_args(clap::Command::new("run"));
    let mut cli = clap::Command::new("wassay").subcommand(run);
    let words = words::canonical(&cli, words.iter().cloned());
    let matches = cli.try_get_matches_from_mut(words).ok()?;
    own::run::Args::from_arg_matches(matches.subcommand_matches("run")?).ok()
}

/// Parses the words of the command line. If they are not accepted, or ask for help or the version,
/// prints the answer, and returns the exit code.
fn parsed<E: Judges>(words: Vec<OsString>, make: &Option<impl Fn() -> E>) -> Result<Cli, ExitCode> {
    let mut command = Cli::command();
    if let Some(command) = words::meant(&command, &words) {
        let word = words.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let message = format!("{word}: neither a command nor a file; did you mean `wassay {command}`?");
        printer::error(&message);
        return Err(Exit::Usage.into());
    }
    let words = words::canonical(&command, words);
    let matches = command.try_get_matches_from_mut(&words);
    let cli = matches
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command)));
    cli.map_err(|error| {
        let is_version = error.kind() == ErrorKind::DisplayVersion;
        match is_version.then(|| foreign(make)).flatten() {
            Some(title) => {
                let mut text = Stream::Out.text();
                text.line(format_args!("wassay {}, driving {title}", env!("CARGO_PKG_VERSION")));
                shown(&text)
            }
            None => refused::<Cli>(error, &words),
        }
    })
}

/// Executes a command.
fn execute<E: Judges + 'static>(
    cli: Cli,
    make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>,
    logged: Result<(), Error>,
) -> ExitCode {
    // A guest program should start at once and needs no temporary folder.
    let session = (!matches!(cli.command, Command::Run(_))).then(Session::begin);
    let done = logged.and_then(|()| match cli.command {
        Command::Run(args) => match foreign(&make) {
            Some(title) => Err(Error::Usage(format!(
                "run: this command drives {title}, and programs run on wassay's own engine only; expected `wast` or `test`"
            ))),
            None => own::run::run(args),
        },
        Command::Wast(mut args) => match args.engine.take() {
            Some(engine) => commands::with_engine::wast(args, &engine),
            None => commands::wast::run(args, chosen(make, "wast")?),
        },
        Command::Test(args) if !args.engines.is_empty() => commands::with_engine::test(args),
        Command::Test(args) => commands::test::run(args, chosen(make, "test")?),
        Command::Audit(mut args) => match args.engine.take() {
            Some(engine) => commands::with_engine::audit(args, &engine),
            None => commands::audit::run(args, chosen(make, "audit")?),
        },
        Command::Fuzz(args) => commands::fuzz::run(args, make),
        Command::Suite(args) => commands::suite::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Matrix(args) => commands::matrix::run(args),
        Command::Engine(args) => commands::engine::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Judge(args) => commands::judge::run(args),
        Command::Compile(args) | Command::Wasm2obj(args) => commands::compile::run(args),
        Command::Cache(args) => commands::cache::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Adapter(args) => own::serve::run(args),
    });
    // Threads of an interrupted run may still have running engines.
    wassay_drive::end_all();
    let exit = done.unwrap_or_else(|error| {
        printer::error(&error.to_string());
        error.exit()
    });
    if let Some(Err(left)) = session.map(Session::end) {
        printer::warning(&left);
    }
    exit.into()
}

/// The name of the engine that `make` creates, if it is not wassay's own.
fn foreign<E: Judges>(make: &Option<impl Fn() -> E>) -> Option<String> {
    make.as_ref().filter(|_| !E::DRIVES_WASSAY).map(|make| make().identity().title())
}

/// The engine factory if `--engine` is not given.
fn chosen<M>(make: Option<M>, command: &str) -> Result<M, Error> {
    make.ok_or_else(|| {
        Error::Usage(format!(
            "{command}: this build of wassay has no built-in engine; name one with --engine"
        ))
    })
}

/// Parses these words, of which the first names the program. On an error or a request for help,
/// prints it and returns the exit code.
pub(crate) fn arguments<P: Parser>(words: &[OsString]) -> Result<P, ExitCode> {
    P::try_parse_from(words).map_err(|error| refused::<P>(error, words))
}

/// Prints a usage error or the help, and returns the exit code.
fn refused<P: Parser>(error: clap::Error, words: &[OsString]) -> ExitCode {
    // Clap styles the words that it quotes: escape the words themselves.
    let escaped = words.iter().map(|word| {
        let word = printable_bytes(word.as_encoded_bytes());
        let end = word.floor_char_boundary(MAX_DATUM);
        if end < word.len() { format!("{}…", word.get(..end).unwrap_or_default()) } else { word }
    });
    let same = P::try_parse_from(escaped).err().filter(|same| same.kind() == error.kind());
    let stream = if error.use_stderr() { Stream::Err } else { Stream::Out };
    let text = match same {
        Some(mut same) => {
            tips::improve(&P::command(), words, &mut same);
            Text::of_styled(&same.render().ansi().to_string(), stream.has_colour())
        }
        None => {
            let mut text = Text::new(false);
            text.block("", &error.render().to_string(), |_| Style::new());
            text
        }
    };
    match stream {
        Stream::Out => shown(&text),
        Stream::Err => {
            printer::tell(&text);
            Exit::Usage.into()
        }
    }
}

/// Prints the help or the version.
fn shown(text: &Text) -> ExitCode {
    match printer::show(text) {
        Ok(()) => Exit::Success.into(),
        Err(error) => {
            printer::error(&format!("cannot write to standard output: {error}"));
            Exit::Failure.into()
        }
    }
}

/// Enables logging to standard error as `RUST_LOG` specifies.
fn log() -> Result<(), Error> {
    let Some(directives) = std::env::var_os("RUST_LOG").filter(|value| !value.is_empty()) else {
        return Ok(());
    };
    let bad =
        |what: String| Error::Usage(format!("RUST_LOG: {what}; write it as in `debug` or `wassay=trace`"));
    let directives = directives.to_str().ok_or_else(|| bad("not UTF-8".to_owned()))?;
    let filter = EnvFilter::try_new(directives).map_err(|error| bad(error.to_string()))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| printer::Log)
        .with_ansi(Stream::Err.has_colour());
    // This fails only if there is a subscriber already, and there is none.
    let _ = subscriber.try_init();
    Ok(())
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
