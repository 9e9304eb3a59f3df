//! The streams, and what goes to them.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use wassay_reports::terminal::Text;

/// A stream of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// Its file descriptor.
    pub(crate) fn number(self) -> u32 {
        match self {
            Stream::Out => 1,
            Stream::Err => 2,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the printer's own")]
    fn is_terminal(self) -> bool {
        match self {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the printer's own")]
    fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Out => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Stream::Err => io::stderr().lock().write_all(bytes),
        }
    }

    /// Whether to use colours: it is a terminal, and `NO_COLOR` and `CLICOLOR` permit them.
    #[expect(clippy::disallowed_methods, reason = "the printer's own")]
    pub(crate) fn has_colour(self) -> bool {
        let choice = match self {
            Stream::Out => AutoStream::choice(&io::stdout()),
            Stream::Err => AutoStream::choice(&io::stderr()),
        };
        choice != ColorChoice::Never
    }

    /// Creates an empty text for this stream.
    pub(crate) fn text(self) -> Text {
        Text::new(self.has_colour())
    }
}

/// The width of the terminal if standard output is one.
#[expect(clippy::disallowed_methods, reason = "the printer's own")]
pub(crate) fn columns() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(terminal_size::Width(columns), _)| columns)
}

/// Writes lines to standard output.
///
/// # Errors
///
/// They cannot be written. A closed pipe, as with `head`, is not an error.
pub(crate) fn show(text: &Text) -> io::Result<()> {
    unless_read(Stream::Out.write(text.as_bytes()))
}

/// Writes lines to standard error.
pub(crate) fn tell(text: &Text) {
    let _ = Stream::Err.write(text.as_bytes());
}

/// Writes machine-readable output to a stream unchanged. On a terminal it is escaped as other lines
/// are.
///
/// # Errors
///
/// As for [`show`].
pub(crate) fn document(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    if !stream.is_terminal() {
        return unless_read(stream.write(bytes));
    }
    let mut lines = Text::new(false);
    String::from_utf8_lossy(bytes).lines().for_each(|line| {
        lines.block("", if line.is_empty() { "\n" } else { line }, |_| Style::new());
    });
    unless_read(stream.write(lines.as_bytes()))
}

/// Ignores the error for a closed pipe.
fn unless_read(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes an error to standard error.
pub(crate) fn error(message: &str) {
    complain("error", AnsiColor::Red, message);
}

/// Writes a warning to standard error.
pub(crate) fn warning(message: &str) {
    complain("warning", AnsiColor::Yellow, message);
}

/// Writes a line to standard error.
pub(crate) fn note(line: &str) {
    let mut text = Stream::Err.text();
    text.line(line);
    tell(&text);
}

fn complain(word: &str, colour: AnsiColor, message: &str) {
    let mut text = Stream::Err.text();
    text.paint(colour.on_default().bold(), word).put(": ").put(message).end();
    tell(&text);
}

/// The writer of the log: each write is one line, already styled and escaped by the subscriber.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = String::from_utf8_lossy(bytes);
        let event = event.strip_suffix('\n').unwrap_or(&event).replace('\n', "\\n");
        tell(&Text::of_styled(&event, Stream::Err.has_colour()).ended());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
