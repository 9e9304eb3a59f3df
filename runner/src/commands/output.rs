//! What is printed.

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::Error;

/// Whether a stream takes colours: it is a terminal and nobody said otherwise (`NO_COLOR`, `CLICOLOR`).
pub(crate) fn colour_on<S: anstream::stream::RawStream>(stream: &S) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Writes to standard output. A reader that has gone away, such as `head`, is no error: nothing more is written.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::System { what: "cannot write to standard output".to_owned(), error })
        }
        _ => Ok(()),
    }
}

/// Writes what people read: to standard output, or to standard error where a report takes that.
pub(crate) fn show(text: &str, is_taken: bool) -> Result<(), Error> {
    if !is_taken {
        return print(text);
    }
    let _ = io::stderr().lock().write_all(text.as_bytes());
    Ok(())
}

/// Writes a line to standard error, with the word `error` or `warning` before it. Where it cannot be written nobody can be told.
pub(crate) fn complain(word: &str, message: &str) {
    let mut stderr = anstream::stderr().lock();
    let colour = if word == "error" { AnsiColor::Red } else { AnsiColor::Yellow };
    let style: Style = colour.on_default().bold();
    let _ = writeln!(stderr, "{style}{word}{style:#}: {message}");
}

/// Writes a line to standard error.
pub(crate) fn note(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}
