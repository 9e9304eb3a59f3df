//! `wassay adapter`: wassay's own engine as an adapter that speaks wap/1, so that it can be driven
//! as any other.

use std::io::{self, BufRead, BufReader, Write};
use std::thread;

use wassay_script::STACK;

use super::adapter::Adapter;
use super::embedder;
use crate::exit::{Error, Exit};

/// Answer requests of the protocol wap/1 on standard input by wassay's own engine
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(Args {}: Args) -> Result<Exit, Error> {
    let failed = |error| Error::System { what: "wassay adapter".to_owned(), error };
    let thread = thread::Builder::new().stack_size(STACK).spawn(serve).map_err(failed)?;
    let served = thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    served.map(|()| Exit::Success).map_err(failed)
}

/// Answers until there are no more requests. Answers are for a program, and of a grammar that has
/// no control characters.
#[expect(clippy::disallowed_methods, reason = "not for people")]
fn serve() -> io::Result<()> {
    let mut adapter = Adapter::new(embedder());
    let mut requests = BufReader::with_capacity(64 << 10, io::stdin().lock());
    let mut answers = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut line = Vec::new();
    while requests.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if let Some(answer) = adapter.answer(text.trim_end_matches(['\n', '\r'])) {
            writeln!(answers, "{answer}")?;
        }
        line.clear();
        // Whoever asked gets the answers before the next request is waited for.
        if !requests.buffer().contains(&b'\n') {
            answers.flush()?;
        }
    }
    answers.flush()
}
