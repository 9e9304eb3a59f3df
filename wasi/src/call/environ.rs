//! The environment: `environ_get`, `environ_sizes_get`.

use super::args;
use crate::abi::Out;
use crate::calling::Call;
use crate::errno::Errno;

/// Writes the variables (`NAME=VALUE`) to `environ_buf`, each terminated by a NUL, and the address
/// of each (4 bytes) to `environ`.
pub(crate) fn environ_get(call: &mut Call<'_>, environ: Out<u32>, environ_buf: Out<u8>) -> Result<(), Errno> {
    args::write(&mut call.guest, &call.ctx.environ, environ, environ_buf)
}

/// Writes the number of variables (4 bytes) and their total size with the NULs (4 bytes).
pub(crate) fn environ_sizes_get(
    call: &mut Call<'_>,
    environc: Out<u32>,
    environ_buf_size: Out<u32>,
) -> Result<(), Errno> {
    args::write_sizes(&mut call.guest, &call.ctx.environ, environc, environ_buf_size)
}
