//! `wassay compile` and `wassay wasm2obj`: compile a module ahead of time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wassay_drive::quantity::written;
use wassay_terms::Features;

use super::destination::{self, key_of};
use super::{Error, Exit, features, plural};
use crate::own;
use crate::printer::note;

const EXAMPLES: &str = "\
Examples:
  wassay compile app.wasm -o app.cwasm
  wassay run --allow-precompiled app.cwasm
  wassay wasm2obj app.wasm -o app.o
  nm app.o; objdump -d app.o

Both commands write the same ELF object: machine code with a symbol for each function, and the
module. It runs on the same version of wassay, and on a processor with the same features.";

/// Compile a module to machine code, for `run --allow-precompiled` and for binutils
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Output file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove
    #[arg(long, value_name = "LIST", value_parser = features)]
    features: Option<Features>,
    /// The module, in binary or text form
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    let output = &*args.output;
    let unwritable = || format!("{}: cannot write", output.display());
    destination::check(output).map_err(|error| Error::Usage(format!("{}: {error}", unwritable())))?;
    if key_of(output).is_some_and(|key| key_of(&args.file) == Some(key)) {
        let output = output.display();
        return Err(Error::Usage(format!("{output}: this is the module itself; choose another file")));
    }
    let begun = Instant::now();
    // Hidden if standard error is not a terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} functions  {elapsed}") {
        bar.set_style(style);
    }
    let functions = AtomicUsize::new(0);
    let progress = |done: usize, all: usize| {
        if functions.swap(all, Ordering::Relaxed) != all {
            bar.set_length(all as u64);
        }
        bar.set_position(done as u64);
    };
    let object = own::compile(&args.file, args.features.unwrap_or_default(), &progress);
    bar.finish_and_clear();
    let object = object?;
    destination::write(output, &object).map_err(|error| Error::System { what: unwritable(), error })?;
    let functions = plural(functions.into_inner(), "function");
    let (size, took) = (written(object.len() as u64), begun.elapsed().as_secs_f64());
    note(&format!("{}: {functions}, {size}, compiled in {took:.1} s", output.display()));
    Ok(Exit::Success)
}
