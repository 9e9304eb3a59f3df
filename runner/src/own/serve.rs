//! `wassay adapter`: wassay's own engine as an adapter for wap/1, driven like any other engine.

use std::io::{self, BufRead, BufReader, Write};
use std::thread;

use wassay_script::STACK;

use super::adapter::Adapter;
use super::configurations::{Configuration, named};
use super::{embedder, embedder_in};
use crate::exit::{Error, Exit};

/// Answer wap/1 requests on standard input with wassay's own engine
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Use a configuration of the engine; see `own::configurations`
    #[arg(long, value_name = "NAME", value_parser = named)]
    configuration: Option<Configuration>,
}

pub(crate) fn run(Args { configuration }: Args) -> Result<Exit, Error> {
    let failed = |error| Error::System { what: "wassay adapter".to_owned(), error };
    let thread =
        thread::Builder::new().stack_size(STACK).spawn(move || serve(configuration)).map_err(failed)?;
    let served = thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    served.map(|()| Exit::Success).map_err(failed)
}

/// Answers requests until the end of input. The grammar of answers has no control characters.
#[expect(clippy::disallowed_methods, reason = "not for people")]
fn serve(configuration: Option<Configuration>) -> io::Result<()> {
    let engines = match configuration {
        Some(configuration) => embedder_in(configuration),
        None => embedder(),
    };
    let mut adapter = Adapter::new(engines);
    let mut requests = BufReader::with_capacity(64 << 10, io::stdin().lock());
    let mut answers = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut line = Vec::new();
    while requests.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if let Some(answer) = adapter.answer(text.trim_end_matches(['\n', '\r'])) {
            writeln!(answers, "{answer}")?;
        }
        line.clear();
        // Flush before waiting for the next request.
        if !requests.buffer().contains(&b'\n') {
            answers.flush()?;
        }
    }
    answers.flush()
}
