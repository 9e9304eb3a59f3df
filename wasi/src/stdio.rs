//! In-memory standard input and output.

use std::io::{IoSlice, IoSliceMut};

use wassay_engine::Deadline;
use wassay_terms::Stream;

use crate::errno::Errno;

/// Captures what a guest writes. Clones share the captured bytes.
///
/// ```
/// # use wassay_wasi::{Capture, WasiCtx};
/// let out = Capture::new(1 << 20);
/// let ctx = WasiCtx::builder().capture_stdout(&out).build()?;
/// # drop(ctx);
/// assert_eq!(out.take(), b"");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Capture {
    stream: Stream,
    limit: usize,
}

impl Capture {
    /// Creates a capture of at most `limit` bytes; a guest that writes more gets NOSPC.
    pub fn new(limit: usize) -> Capture {
        Capture { stream: Stream::default(), limit }
    }

    /// Removes and returns the captured bytes.
    pub fn take(&self) -> Vec<u8> {
        self.stream.take()
    }

    /// Returns a copy of the captured bytes.
    pub fn peek(&self) -> Vec<u8> {
        self.stream.peek()
    }

    /// Waits until `enough` is true for the captured bytes, [`end`](Capture::end) is called, or the
    /// deadline `until` passes. Returns whether `enough` is true.
    pub fn wait(&self, until: impl Into<Deadline>, enough: impl Fn(&[u8]) -> bool) -> bool {
        self.stream.wait(until, enough)
    }

    /// Marks the end of the output, so that every [`wait`](Capture::wait) returns.
    pub fn end(&self) {
        self.stream.end();
    }

    pub(crate) fn write(&self, buffers: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let total: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        self.stream.append(|bytes| {
            if total > self.limit.saturating_sub(bytes.len()) {
                return Err(Errno::NoSpc);
            }
            buffers.iter().for_each(|buffer| bytes.extend_from_slice(buffer));
            Ok(total)
        })
    }
}

/// An input and how much of it has been read.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    position: usize,
}

impl Input {
    pub(crate) fn new(bytes: Vec<u8>) -> Input {
        Input { bytes, position: 0 }
    }

    /// The bytes that have not been read yet.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.position..]
    }

    pub(crate) fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> usize {
        let before = self.position;
        for buffer in buffers {
            let rest = self.rest();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            self.position += count;
        }
        self.position - before
    }
}
