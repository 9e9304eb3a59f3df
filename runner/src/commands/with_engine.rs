//! `wassay test`, `wassay wast` and `wassay audit` with `--engine`.

use super::described::as_described;
use super::driven::choose;
use super::{Error, Exit, audit, interrupt, several, test, wast};
use crate::engines::Chosen;

/// Runs `wassay test` with `--engine`.
pub(crate) fn test(mut args: test::Args) -> Result<Exit, Error> {
    interrupt()?;
    let words = std::mem::take(&mut args.engines);
    match words.as_slice() {
        [word] => {
            let chosen = choose(word)?;
            let make = drivers(&chosen, args.max_memory)?;
            test::run(as_described(args, &chosen), make)
        }
        words => several::run(&args, words),
    }
}

/// Runs `wassay wast` with `--engine`.
pub(crate) fn wast(mut args: wast::Args, word: &str) -> Result<Exit, Error> {
    interrupt()?;
    let chosen = choose(word)?;
    let make = drivers(&chosen, args.max_memory)?;
    args.timeout = args.timeout.or(chosen.timeout());
    wast::run(args, make)
}

/// Runs `wassay audit` with `--engine`.
pub(crate) fn audit(args: audit::Args, word: &str) -> Result<Exit, Error> {
    interrupt()?;
    let make = drivers(&choose(word)?, args.max_memory)?;
    audit::run(args, make)
}

fn drivers(
    chosen: &Chosen,
    max_memory: Option<u64>,
) -> Result<impl Fn() -> wassay_drive::Driven + Clone + Send + Sync + use<>, Error> {
    Ok(chosen.drivers(max_memory)?)
}
