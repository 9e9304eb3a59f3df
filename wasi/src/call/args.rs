//! Arguments: `args_get`, `args_sizes_get`.

use super::Call;
use crate::abi::{Buffer, Out};
use crate::ctx::Strings;
use crate::errno::Errno;
use crate::guest::Guest;

/// Writes the arguments: at `argv` the address of each (4 bytes), at `argv_buf` the arguments themselves, each with a NUL.
pub(crate) fn args_get(call: &mut Call<'_>, argv: Out<u32>, argv_buf: Out<u8>) -> Result<(), Errno> {
    write(&mut call.guest, &call.ctx.args, argv, argv_buf)
}

/// Writes how many arguments there are (4 bytes) and how many bytes they take, each with a NUL (4 bytes).
pub(crate) fn args_sizes_get(
    call: &mut Call<'_>,
    argc: Out<u32>,
    argv_buf_size: Out<u32>,
) -> Result<(), Errno> {
    write_sizes(&mut call.guest, &call.ctx.args, argc, argv_buf_size)
}

/// Writes strings and their addresses.
pub(super) fn write(
    guest: &mut Guest<'_>,
    strings: &Strings,
    addresses: Out<u32>,
    buffer: Out<u8>,
) -> Result<(), Errno> {
    let count = strings.starts.len() as u32;
    let len = u32::try_from(strings.bytes.len()).map_err(|_| Errno::Overflow)?;
    let places = guest.array(addresses.address, count, 4, 4)?;
    guest.bytes_mut(Buffer { address: buffer.address, len })?.copy_from_slice(&strings.bytes);
    let places = guest.bytes_mut(Buffer { address: addresses.address, len: places.len() as u32 })?;
    for (place, start) in places.chunks_exact_mut(4).zip(&strings.starts) {
        place.copy_from_slice(&(buffer.address + start).to_le_bytes());
    }
    Ok(())
}

/// Writes how many strings there are, and how many bytes.
pub(super) fn write_sizes(
    guest: &mut Guest<'_>,
    strings: &Strings,
    count: Out<u32>,
    size: Out<u32>,
) -> Result<(), Errno> {
    guest.check(size)?;
    guest.write(count, strings.starts.len() as u32)?;
    guest.write(size, u32::try_from(strings.bytes.len()).map_err(|_| Errno::Overflow)?)
}
