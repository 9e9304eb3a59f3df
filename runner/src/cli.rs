//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anstyle::Style;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use wassay_reports::terminal::{MAX_DATUM, Text, printable_bytes};

use crate::batch;
use crate::commands::{self, Error, Exit, words};
use crate::own;
use crate::printer::{self, Stream};
use crate::scratch::{self, Session};
use crate::script::Judges;

/// The short form of `run` is none of clap's: see [`commands::words`].
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
  wassay matrix *.json -o matrix.html    combine reports into a table of engines and proposals

Exit codes: 0 everything is as expected, 1 a failure, a regression or an error of wassay's own,
2 wrong usage, 130 interrupted. `run` exits with the program's own code, and 134 after a trap.
Environment: NO_COLOR=1 disables colours, RUST_LOG=debug logs to standard error.";

/// Runs WebAssembly test scripts, conformance suites and WASI programs.
#[derive(Debug, Parser)]
#[command(name = "wassay", version = own::VERSION, after_help = EXAMPLES, override_usage = USAGE)]
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
    Suite(commands::suite::Args),
    Report(commands::report::Args),
    Matrix(commands::matrix::Args),
    Engine(commands::engine::Args),
    Plan(commands::plan::Args),
    Judge(commands::judge::Args),
    #[command(hide = true)]
    Adapter(own::serve::Args),
}

/// The `wassay` command: reads the arguments and the environment of the process, and runs what they
/// ask for.
pub fn main() -> ExitCode {
    start(own::maker())
}

/// The same, but `wast` and `test` run on engines that `make` makes.
pub fn main_with<E: Judges>(make: impl Fn() -> E + Clone + Send + Sync + 'static) -> ExitCode {
    start(Some(make))
}

/// The same, where `wast` and `test` run on the engine of the option `--engine`, else on one that
/// `make` makes, if there is such a thing.
fn start<E: Judges>(make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>) -> ExitCode {
    printer::report_panics();
    own::prepare();
    // Where there is no handler, a file that is too large ends the process.
    let _ = scratch::signal::refuse_large_files();
    // Children log too.
    let logged = log();
    if let Some(exit) = make.clone().and_then(batch::child) {
        return exit;
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(command) = words::meant(&Cli::command(), &words) {
        let word = words.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let message = format!("{word}: neither a command nor a file; did you mean `wassay {command}`?");
        printer::error(&message);
        return Exit::Usage.into();
    }
    let words = words::canonical(&Cli::command(), words);
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) if error.kind() != ErrorKind::DisplayVersion => return refused::<Cli>(error, &words),
        Err(version) => match foreign(&make) {
            Some(title) => {
                let mut text = Stream::Out.text();
                text.line(format_args!("wassay {}, driving {title}", env!("CARGO_PKG_VERSION")));
                return shown(&text);
            }
            None => return refused::<Cli>(version, &words),
        },
    };
    // A program of a guest's is to begin at once, and has no temporary folder.
    let session = (!matches!(cli.command, Command::Run(_))).then(Session::begin);
    let done = logged.and_then(|()| match cli.command {
        Command::Run(args) => match foreign(&make) {
            Some(title) => Err(Error::Usage(format!(
                "run: programs run on wassay's own engine, and this command drives {title}; expected `wast` or `test`"
            ))),
            None => own::run::run(args),
        },
        Command::Wast(mut args) => match args.engine.take() {
            Some(engine) => commands::driven::wast(args, &engine),
            None => commands::wast::run(args, chosen(make, "wast")?),
        },
        Command::Test(args) if !args.engines.is_empty() => commands::driven::test(args),
        Command::Test(args) => commands::test::run(args, chosen(make, "test")?),
        Command::Audit(mut args) => match args.engine.take() {
            Some(engine) => commands::driven::audit(args, &engine),
            None => commands::audit::run(args, chosen(make, "audit")?),
        },
        Command::Suite(args) => commands::suite::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Matrix(args) => commands::matrix::run(args),
        Command::Engine(args) => commands::engine::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Judge(args) => commands::judge::run(args),
        Command::Adapter(args) => own::serve::run(args),
    });
    // A run that was interrupted leaves threads behind, and their engines.
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

/// What the engine is called that `make` makes, if it is another one than wassay's own.
fn foreign<E: Judges>(make: &Option<impl Fn() -> E>) -> Option<String> {
    make.as_ref().filter(|_| !E::DRIVES_WASSAY).map(|make| make().identity().title())
}

/// What makes the engine where `--engine` names none.
fn chosen<M>(make: Option<M>, command: &str) -> Result<M, Error> {
    make.ok_or_else(|| {
        Error::Usage(format!(
            "{command}: this build of wassay has no engine of its own; name one with --engine"
        ))
    })
}

/// The arguments in these words, of which the first names the program. Where they are wrong, or
/// help is asked for, that is said, and the process is to end with the code.
pub(crate) fn arguments<P: Parser>(words: &[OsString]) -> Result<P, ExitCode> {
    P::try_parse_from(words).map_err(|error| refused::<P>(error, words))
}

/// Says what is wrong with a command line, or shows its help, and gives the exit code.
fn refused<P: Parser>(error: clap::Error, words: &[OsString]) -> ExitCode {
    // The error quotes words between styles of its own: those that it is made to quote here are
    // escaped.
    let escaped = words.iter().map(|word| {
        let word = printable_bytes(word.as_encoded_bytes());
        let end = word.floor_char_boundary(MAX_DATUM);
        if end < word.len() { format!("{}…", word.get(..end).unwrap_or_default()) } else { word }
    });
    let same = P::try_parse_from(escaped).err().filter(|same| same.kind() == error.kind());
    let stream = if error.use_stderr() { Stream::Err } else { Stream::Out };
    let text = match same {
        Some(same) => Text::of_styled(&same.render().ansi().to_string(), stream.has_colour()),
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

/// Shows what was asked for.
fn shown(text: &Text) -> ExitCode {
    match printer::show(text) {
        Ok(()) => Exit::Success.into(),
        Err(error) => {
            printer::error(&format!("cannot write to standard output: {error}"));
            Exit::Failure.into()
        }
    }
}

/// Logs to standard error what `RUST_LOG` asks for.
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
    // There is no other subscriber in this process.
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
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
