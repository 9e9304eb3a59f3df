//! What commands print: lines for people, and documents for other programs.

use std::io;

use wassay_reports::terminal::Text;

use crate::exit::Error;
use crate::printer;

/// Writes lines to standard output.
pub(crate) fn show(text: &Text) -> Result<(), Error> {
    printer::show(text).map_err(unwritable)
}

/// Writes machine-readable output to standard output.
pub(crate) fn print_document(text: &str) -> Result<(), Error> {
    printer::document(printer::Stream::Out, text.as_bytes()).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    Error::System { what: "cannot write to standard output".to_owned(), error }
}

/// The stream for messages: standard output, or standard error if a report is written to standard
/// output.
#[derive(Clone, Copy)]
pub(crate) struct Console(printer::Stream);

impl Console {
    pub(crate) fn new(is_taken: bool) -> Console {
        Console(if is_taken { printer::Stream::Err } else { printer::Stream::Out })
    }

    pub(crate) fn has_colour(self) -> bool {
        self.0.has_colour()
    }

    pub(crate) fn show(self, text: &Text) -> Result<(), Error> {
        match self.0 {
            printer::Stream::Out => show(text),
            printer::Stream::Err => {
                printer::tell(text);
                Ok(())
            }
        }
    }
}
