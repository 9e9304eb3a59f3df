//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::batch::{self, embedder};
use crate::commands::run::words;
use crate::commands::{self, Error, Exit};
use crate::script::Judges;

/// The short form of `run` is none of clap's: see [`commands::run::words`].
const USAGE: &str = "wassay <COMMAND>\n       wassay [RUN OPTIONS] <FILE> [ARGS]...";

const EXAMPLES: &str = "\
Examples:
  wassay hello.wasm --dir=. a.txt        run a WASI program; short for `wassay run`
  wassay test                            run the embedded suites
  wassay test spec-v2 --filter i32       only the scripts whose name contains a text
  wassay test ./scripts                  run every .wast file below a folder
  wassay wast a.wast                     run one script and show each directive that fails
  wassay wast --lines 120-140 a.wast     judge only what stands on these lines
  wassay suite list                      what there is to run
  wassay report diff old.json new.json   what changed from one report to another
  wassay matrix *.json -o matrix.html    engines by proposals, of the reports of several runs

Exit codes: 0 all as expected, 1 a failure or a regression, 2 wrong usage;
of `run`, the guest's own, and 134 where it trapped.
Environment: NO_COLOR=1 switches colours off, RUST_LOG=debug logs to standard error.";

/// Runs WebAssembly test scripts and WASI programs on an engine of its own, and judges every assertion.
#[derive(Debug, Parser)]
#[command(name = "wassay", version, after_help = EXAMPLES, override_usage = USAGE)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(commands::run::Args),
    Wast(commands::wast::Args),
    Test(commands::test::Args),
    Suite(commands::suite::Args),
    Report(commands::report::Args),
    Matrix(commands::matrix::Args),
    Plan(commands::plan::Args),
    Judge(commands::judge::Args),
    #[command(hide = true)]
    Adapter(commands::adapter::Args),
}

/// The `wassay` command: reads the arguments and the environment of the process, and runs what they ask for.
pub fn main() -> ExitCode {
    main_with(embedder)
}

/// The same, but `wast` and `test` run on engines that `make` makes.
pub fn main_with<E: Judges>(make: impl Fn() -> E + Clone + Send + Sync + 'static) -> ExitCode {
    // Children log too.
    let logged = log();
    if let Some(exit) = batch::child(make.clone()) {
        return exit;
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(command) = words::meant(&Cli::command(), &words) {
        let word = words.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let message = format!("{word}: neither a command nor a file; did you mean `wassay {command}`?");
        commands::output::complain("error", &message);
        return Exit::Usage.into();
    }
    let words = words::canonical(&Cli::command(), words);
    let cli = Cli::try_parse_from(words).unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayVersion if !E::DRIVES_WASSAY => {
            println!("wassay {}, driving {}", env!("CARGO_PKG_VERSION"), make().identity().title());
            std::process::exit(0)
        }
        _ => error.exit(),
    });
    let done = logged.and_then(|()| match cli.command {
        Command::Run(_) if !E::DRIVES_WASSAY => Err(Error::Usage(format!(
            "run: programs run on wassay's own engine, and this command drives {}; expected `wast` or `test`",
            make().identity().title()
        ))),
        Command::Run(args) => commands::run::run(args),
        Command::Wast(mut args) => match args.engine.take() {
            Some(engine) => commands::engine::drivers(engine, args.max_memory)
                .and_then(|make| commands::wast::run(args, make)),
            None => commands::wast::run(args, make),
        },
        Command::Test(mut args) => match args.engine.take() {
            Some(engine) => commands::engine::drivers(engine, args.max_memory)
                .and_then(|make| commands::test::run(args, make)),
            None => commands::test::run(args, make),
        },
        Command::Suite(args) => commands::suite::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Matrix(args) => commands::matrix::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Judge(args) => commands::judge::run(args),
        Command::Adapter(args) => commands::adapter::run(args),
    });
    let exit = done.unwrap_or_else(|error| {
        commands::output::complain("error", &error.to_string());
        error.exit()
    });
    exit.into()
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
        .with_writer(std::io::stderr)
        .with_ansi(commands::output::colour_on(&std::io::stderr()));
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
