//! Arguments: `args_get`, `args_sizes_get`.

use crate::abi::{Buffer, Out};
use crate::calling::Call;
use crate::ctx::Strings;
use crate::errno::Errno;
use crate::guest::Guest;

/// Writes the arguments to `argv_buf`, each terminated by a NUL, and the address of each (4 bytes)
/// to `argv`.
pub(crate) fn args_get(call: &mut Call<'_>, argv: Out<u32>, argv_buf: Out<u8>) -> Result<(), Errno> {
    write(&mut call.guest, &call.ctx.args, argv, argv_buf)
}

/// Writes the number of arguments (4 bytes) and their total size with the NULs (4 bytes).
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
    let range = guest.array(addresses.address, count, 4, 4)?;
    guest.bytes_mut(Buffer { address: buffer.address, len })?.copy_from_slice(&strings.bytes);
    let slots = guest.bytes_mut(Buffer { address: addresses.address, len: range.len() as u32 })?;
    for (slot, start) in slots.chunks_exact_mut(4).zip(&strings.starts) {
        slot.copy_from_slice(&(buffer.address + start).to_le_bytes());
    }
    Ok(())
}

/// Writes the number of strings and their total size.
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
