//! The options of `wassay fuzz`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use wassay_terms::Features;

use crate::commands::{duration, features};

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
    pub(super) engine: Option<String>,
    /// An engine to compare it with. Repeatable [default: wassay's own engine, in all
    /// configurations]
    #[arg(long, value_name = "ENGINE")]
    pub(super) against: Vec<String>,
    /// How long to run, such as `30s`, `10m` or `1h` [default: 1m, or no limit with --modules]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// The seed: the same one gives the same cases [default: from the clock; it is printed]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// The number of cases
    #[arg(long, value_name = "N")]
    pub(super) modules: Option<u64>,
    /// The number of the first case, to run one again: `--seed 7 --first 4711 --modules 1`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) first: u64,
    /// Write findings and a corpus to a folder
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    /// What to fuzz
    #[arg(long, value_enum, default_value_t = Target::Module)]
    pub(super) target: Target,
    /// The features that modules may use, as in `3.0,threads,-gc` [default: 3.0 with the proposals
    /// that all engines may have]
    #[arg(long, value_name = "LIST", value_parser = features)]
    pub(super) features: Option<Features>,
    /// Time limit for a case, after which an engine hangs
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "6s")]
    pub(super) timeout: Duration,
    /// Run cases in this process, and write what comes of them for the process that started it
    #[arg(long, hide = true)]
    pub(super) worker: bool,
    /// Number of threads [default: number of processors]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
}

/// What is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
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

/// How to run a case again.
pub(super) fn about(seed: u64, number: u64) -> String {
    format!("wassay fuzz --seed {seed} --first {number} --modules 1")
}
