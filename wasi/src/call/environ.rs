//! The environment: `environ_get`, `environ_sizes_get`.

use super::{Call, args};
use crate::abi::Out;
use crate::errno::Errno;

/// Writes the variables, `NAME=VALUE`: at `environ` the address of each (4 bytes), at `environ_buf` the variables, each with a NUL.
pub(crate) fn environ_get(call: &mut Call<'_>, environ: Out<u32>, environ_buf: Out<u8>) -> Result<(), Errno> {
    args::write(&mut call.guest, &call.ctx.environ, environ, environ_buf)
}

/// Writes how many variables there are (4 bytes) and how many bytes they take, each with a NUL (4 bytes).
pub(crate) fn environ_sizes_get(
    call: &mut Call<'_>,
    environc: Out<u32>,
    environ_buf_size: Out<u32>,
) -> Result<(), Errno> {
    args::write_sizes(&mut call.guest, &call.ctx.environ, environc, environ_buf_size)
}
