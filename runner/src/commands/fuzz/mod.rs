//! `wassay fuzz`: random modules and calls, compared between engines.

mod args;
mod engines;
mod folder;
mod inputs;
mod modules;
mod screen;
mod targets;
mod worker;

use std::time::{SystemTime, UNIX_EPOCH};

use wassay_script::Judges;

pub(crate) use self::args::Args;
use self::args::Target;
use super::{Error, Exit};

pub(crate) fn run<E: Judges + 'static>(
    args: Args,
    make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>,
) -> Result<Exit, Error> {
    let seed = args.seed.unwrap_or_else(seed_of_clock);
    match args.target {
        Target::Module if args.worker => screen::serve(&args, seed, make),
        Target::Module => modules::run(&args, seed, make),
        target if args.worker => worker::run(&args, target, seed),
        target => inputs::run(&args, target, seed),
    }
}

fn seed_of_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
