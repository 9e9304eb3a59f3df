//! Descriptor numbers and names of preopened directories: `fd_close`, `fd_prestat_dir_name`,
//! `fd_prestat_get`, `fd_renumber`.

use crate::abi::{Buffer, Fd, Out, PreStat};
use crate::calling::Call;
use crate::errno::Errno;

/// Closes a descriptor, whether or not it is preopened. Writes no results.
///
/// Errors: BADF.
pub(crate) fn fd_close(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    call.ctx.table.remove(fd).map(drop)
}

/// Moves a descriptor to the number of another one, which is closed. The number of a closed
/// standard stream is allowed as well, since no other call can reuse it. Writes no results.
///
/// Errors: BADF if either descriptor does not exist; nothing is closed then.
pub(crate) fn fd_renumber(call: &mut Call<'_>, fd: Fd, to: Fd) -> Result<(), Errno> {
    call.ctx.table.renumber(fd, to)
}

/// Writes the type of a preopened descriptor, always a directory, and the length of its name (8
/// bytes).
///
/// Errors: BADF if the descriptor is not preopened. Guest libraries count up from 3 until they get
/// this error.
pub(crate) fn fd_prestat_get(call: &mut Call<'_>, fd: Fd, prestat: Out<PreStat>) -> Result<(), Errno> {
    let name = call.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    let name_len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    call.guest.write(prestat, PreStat { name_len })
}

/// Writes the name of a preopened directory, without a NUL.
///
/// Errors: BADF as for `fd_prestat_get`; NAMETOOLONG if the buffer is too short.
pub(crate) fn fd_prestat_dir_name(call: &mut Call<'_>, fd: Fd, path: Buffer) -> Result<(), Errno> {
    let name = call.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    let buffer = call.guest.bytes_mut(path)?;
    buffer.get_mut(..name.len()).ok_or(Errno::NameTooLong)?.copy_from_slice(name.as_bytes());
    Ok(())
}
