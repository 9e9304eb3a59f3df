//! Attributes of a path's file: `path_filestat_get`, `path_filestat_set_times`.

use rustix::fs::AtFlags;

use super::resolve::{directory_to_change_in, final_name, find};
use crate::abi::flags::Rights;
use crate::abi::{Fd, FileStat, FstFlags, LookupFlags, Out, Text, Timestamp};
use crate::call::fd::stat::timestamps;
use crate::calling::Call;
use crate::errno::Errno;

/// Writes the attributes of a file (64 bytes), or of a symbolic link itself unless `symlink_follow`
/// is set.
///
/// Errors: those of all paths; NOTCAPABLE without `path_filestat_get`.
pub(crate) fn path_filestat_get(
    call: &mut Call<'_>,
    fd: Fd,
    flags: LookupFlags,
    path: Text,
    filestat: Out<FileStat>,
) -> Result<(), Errno> {
    let stat = stat(call, fd, flags, path)?;
    call.guest.write(filestat, stat)
}

/// The attributes of a path's file.
pub(crate) fn stat(call: &Call<'_>, fd: Fd, flags: LookupFlags, path: Text) -> Result<FileStat, Errno> {
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_FILESTAT_GET)?;
    let path = call.guest.text(path)?;
    let (_, stat) = find(dir, path, flags.contains(LookupFlags::SYMLINK_FOLLOW))?;
    Ok(FileStat::of(&stat))
}

/// Sets the access and modification times of a file, or of a symbolic link itself unless
/// `symlink_follow` is set. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_filestat_set_times`; INVAL if the flags
/// select both the given and the current time.
pub(crate) fn path_filestat_set_times(
    call: &mut Call<'_>,
    fd: Fd,
    flags: LookupFlags,
    path: Text,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: FstFlags,
) -> Result<(), Errno> {
    let times = timestamps(atim, mtim, fst_flags)?;
    let (path, follow) = (call.guest.text(path)?, flags.contains(LookupFlags::SYMLINK_FOLLOW));
    let dir = directory_to_change_in(&call.ctx.table, fd, Rights::PATH_FILESTAT_SET_TIMES, path, follow)?;
    let (target, _) = find(dir, path, follow)?;
    Ok(rustix::fs::utimensat(target.dir(), final_name(&target), &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
