//! Standard input and output, in chunks of whole lines for the page.

use std::io::{self, Read, Write};
use std::mem;
use std::sync::{Mutex, PoisonError};

/// The size of a read.
const PIECE: usize = 1 << 16;

/// Requests from standard input.
pub(crate) struct Requests<R> {
    input: R,
    /// The incomplete line at the end of the last read.
    rest: Vec<u8>,
}

impl<R: Read> Requests<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, rest: Vec::new() }
    }

    /// Reads one or more lines; returns nothing at the end of the input.
    pub(crate) fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE];
        loop {
            let count = self.input.read(&mut piece)?;
            let new = piece.get(..count).unwrap_or_default();
            if count == 0 {
                // The last line may lack a line feed.
                return Ok(match mem::take(&mut self.rest) {
                    line if line.is_empty() => line,
                    line => [line, b"\n".to_vec()].concat(),
                });
            }
            match new.iter().rposition(|byte| *byte == b'\n') {
                None => self.rest.extend_from_slice(new),
                Some(end) => {
                    let (lines, rest) = new.split_at(end + 1);
                    let lines = [mem::replace(&mut self.rest, rest.to_vec()), lines.to_vec()].concat();
                    return Ok(lines);
                }
            }
        }
    }
}

/// Writes replies to standard output and flushes it.
pub(crate) fn answer(answers: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(answers)?;
    output.flush()
}

/// Locks a mutex, even if a thread panicked while it held it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn the_page_gets_whole_lines() {
        let mut requests = Requests::new(Pieces(vec![b"a\nb", b"b", b"b\n", b"c\nd\n", b"e"]));
        let mut next = || String::from_utf8(requests.next().unwrap()).unwrap();
        assert_eq!([next(), next(), next(), next(), next()], ["a\n", "bbb\n", "c\nd\n", "e\n", ""]);
    }
}
