//! Standard input and output in memory.

use std::io::{IoSlice, IoSliceMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::errno::Errno;

/// Collects what a guest writes. Clones share what they collect.
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
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Capture {
    /// Collects so many bytes at most; a guest that writes more gets NOSPC.
    pub fn new(limit: usize) -> Capture {
        Capture { bytes: Arc::default(), limit }
    }

    /// What was written since this was last called.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write(&self, buffers: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        if total > self.limit.saturating_sub(bytes.len()) {
            return Err(Errno::NoSpc);
        }
        for buffer in buffers {
            bytes.extend_from_slice(buffer);
        }
        Ok(total)
    }
}

/// Bytes to read, and how many were read.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    position: usize,
}

impl Input {
    pub(crate) fn new(bytes: Vec<u8>) -> Input {
        Input { bytes, position: 0 }
    }

    /// What was not read yet.
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
