//! `wassay fuzz`: random modules and calls, compared between engines.

mod engines;
mod folder;
mod inputs;
mod modules;
mod worker;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use wassay_script::Judges;
use wassay_terms::Features;

use super::{Error, Exit, duration, features};

const EXAMPLES: &str = "\
Examples:
  wassay fuzz --time 10m -o found             wassay's engine against itself, in all configurations
  wassay fuzz --against wasmtime              wassay's engine against another one
  wassay fuzz --engine node --against wasmtime --features 2.0
  wassay fuzz --seed 7 --modules 1000         the same 1000 modules every time

A difference is reduced to a script that passes on the first engine and fails on the other one.
With -o, DIR/findings has these scripts, and DIR/corpus those of cases that used something new.
docs/fuzz.md says more. The exit code is 1 if there is a finding.";

/// Run random modules on several engines, and reduce what they do differently to scripts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The engine whose verdicts findings assert: NAME or NAME:COLUMN (see `wassay engine list`), a
    /// FILE.toml that describes it, or the COMMAND of an adapter [default: wassay's own engine]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// An engine to compare it with. Repeatable [default: wassay's own engine, in all
    /// configurations]
    #[arg(long, value_name = "ENGINE")]
    against: Vec<String>,
    /// How long to run, such as `30s`, `10m` or `1h` [default: 1m, or no limit with --modules]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// The seed: the same one gives the same cases [default: from the clock; it is printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The number of cases
    #[arg(long, value_name = "N")]
    modules: Option<u64>,
    /// The number of the first case, to run one again: `--seed 7 --first 4711 --modules 1`
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// Write findings and a corpus to a folder
    #[arg(short = 'o', long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What to fuzz
    #[arg(long, value_enum, default_value_t = Target::Module)]
    target: Target,
    /// The features that modules may use, as in `3.0,threads,-gc` [default: 3.0 with the proposals
    /// that all engines may have]
    #[arg(long, value_name = "LIST", value_parser = features)]
    features: Option<Features>,
    /// Time limit for a case, after which an engine hangs
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "6s")]
    timeout: Duration,
    /// Run cases in this process, and write what comes of them for the process that started it
    #[arg(long, hide = true)]
    worker: bool,
    /// Number of threads [default: number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// What is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Modules that are run, and bytes that may not be modules, on several engines
    Module,
    /// Texts of scripts, which wassay's own engine runs
    Script,
    /// Calls of WASI functions with any arguments, on wassay's own implementation
    Wasi,
    /// Reports, which are read, rendered and merged
    Report,
    /// Object files with machine code, as in the code cache, that are damaged
    Cache,
}

pub(crate) fn run<E: Judges + 'static>(
    args: Args,
    make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>,
) -> Result<Exit, Error> {
    let seed = args.seed.unwrap_or_else(seed_of_clock);
    match args.target {
        Target::Module => modules::run(&args, seed, make),
        target if args.worker => worker::run(&args, target, seed),
        target => inputs::run(&args, target, seed),
    }
}

fn seed_of_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
