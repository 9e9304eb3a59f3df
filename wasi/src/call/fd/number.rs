//! A descriptor's number and name: `fd_close`, `fd_prestat_dir_name`, `fd_prestat_get`, `fd_renumber`.

use crate::abi::{Buffer, Fd, Out, PreStat};
use crate::call::Call;
use crate::errno::Errno;

/// Closes a descriptor; one that was given to the guest may be closed like any other. It writes nothing.
///
/// Errors: BADF.
pub(crate) fn fd_close(call: &mut Call<'_>, fd: Fd) -> Result<(), Errno> {
    call.ctx.table.remove(fd).map(drop)
}

/// Gives a descriptor the number of another, which is closed; its own number is free then. A standard stream that is closed already can
/// be replaced as well, since nothing else can get its number. It writes nothing.
///
/// Errors: BADF where there is either of them not: nothing is closed then.
pub(crate) fn fd_renumber(call: &mut Call<'_>, fd: Fd, to: Fd) -> Result<(), Errno> {
    call.ctx.table.renumber(fd, to)
}

/// Writes what a descriptor was given as (8 bytes): a directory, and the length of its name.
///
/// Errors: BADF where it was not given to the guest as a directory: so ends a search for those that were.
pub(crate) fn fd_prestat_get(call: &mut Call<'_>, fd: Fd, prestat: Out<PreStat>) -> Result<(), Errno> {
    let name = call.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    let name_len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    call.guest.write(prestat, PreStat { name_len })
}

/// Writes the name of a directory that was given to the guest: as many bytes as it has, and no NUL.
///
/// Errors: BADF as for `fd_prestat_get`; NAMETOOLONG where the buffer is too short.
pub(crate) fn fd_prestat_dir_name(call: &mut Call<'_>, fd: Fd, path: Buffer) -> Result<(), Errno> {
    let name = call.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    let place = call.guest.bytes_mut(path)?;
    place.get_mut(..name.len()).ok_or(Errno::NameTooLong)?.copy_from_slice(name.as_bytes());
    Ok(())
}
