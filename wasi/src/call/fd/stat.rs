//! Attributes of descriptors and their files: `fd_fdstat_get`, `fd_fdstat_set_flags`,
//! `fd_fdstat_set_rights`, `fd_filestat_get`, `fd_filestat_set_size`, `fd_filestat_set_times`.

use rustix::fs::{AtFlags, OFlags as SystemFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FdStat, FileSize, FileStat, FileType, FstFlags, Out, Timestamp};
use crate::calling::Call;
use crate::entry::Kind;
use crate::errno::Errno;

/// Writes the type, flags and rights of a descriptor (24 bytes).
///
/// Errors: BADF.
pub(crate) fn fd_fdstat_get(call: &mut Call<'_>, fd: Fd, fdstat: Out<FdStat>) -> Result<(), Errno> {
    call.guest.check(fdstat)?;
    let entry = call.ctx.table.get_mut(fd)?;
    if let Kind::Listener(listener) = &mut entry.kind {
        listener.flags_known = true;
    }
    let (base, inheriting) = (entry.base, entry.inheriting);
    call.guest.write(fdstat, FdStat { file_type: entry.file_type, flags: entry.flags, base, inheriting })
}

/// Sets the flags of a descriptor. Writes no results.
///
/// The flags of the host's own standard streams stay as they are: `nonblock` takes effect for the
/// guest only.
///
/// Errors: BADF; NOTCAPABLE without `fd_fdstat_set_flags`; NOTSUP if `dsync`, `rsync` or `sync`
/// would change, or `append` of a standard stream of the host.
pub(crate) fn fd_fdstat_set_flags(call: &mut Call<'_>, fd: Fd, flags: FdFlags) -> Result<(), Errno> {
    let entry = call.ctx.table.get_mut(fd)?;
    entry.require(Rights::FD_FDSTAT_SET_FLAGS)?;
    let changed = entry.flags.symmetric_difference(flags);
    if changed.intersects(FdFlags::DSYNC | FdFlags::RSYNC | FdFlags::SYNC) {
        return Err(Errno::NotSup);
    }
    if flags.contains(FdFlags::APPEND) {
        entry.release_position()?;
    }
    match &mut entry.kind {
        // Listeners are always nonblocking; `sock_accept` polls.
        Kind::Listener(listener) => listener.flags_known = true,
        Kind::System(system) => {
            let mut now = rustix::fs::fcntl_getfl(&*system)?;
            now.set(SystemFlags::APPEND, flags.contains(FdFlags::APPEND));
            now.set(SystemFlags::NONBLOCK, flags.contains(FdFlags::NONBLOCK));
            rustix::fs::fcntl_setfl(&*system, now)?;
        }
        Kind::Inherited(_) if changed.contains(FdFlags::APPEND) => return Err(Errno::NotSup),
        Kind::Inherited(_) | Kind::Directory(_) | Kind::Input(_) | Kind::Output(_) => {}
    }
    entry.flags = flags;
    Ok(())
}

/// Reduces the rights of a descriptor to these. Writes no results.
///
/// Errors: BADF; NOTCAPABLE if the descriptor lacks one of these rights.
pub(crate) fn fd_fdstat_set_rights(
    call: &mut Call<'_>,
    fd: Fd,
    base: Rights,
    inheriting: Rights,
) -> Result<(), Errno> {
    let entry = call.ctx.table.get_mut(fd)?;
    entry.require(base)?;
    if !entry.inheriting.contains(inheriting) {
        return Err(Errno::NotCapable);
    }
    (entry.base, entry.inheriting) = (base, inheriting);
    Ok(())
}

/// Writes the attributes of a descriptor's file (64 bytes).
///
/// Errors: BADF; NOTCAPABLE without `fd_filestat_get`.
pub(crate) fn fd_filestat_get(call: &mut Call<'_>, fd: Fd, filestat: Out<FileStat>) -> Result<(), Errno> {
    let stat = stat(call, fd)?;
    call.guest.write(filestat, stat)
}

/// The attributes of a descriptor's file.
pub(crate) fn stat(call: &Call<'_>, fd: Fd) -> Result<FileStat, Errno> {
    let entry = call.ctx.table.get(fd)?;
    entry.require(Rights::FD_FILESTAT_GET)?;
    match entry.system(Errno::Badf) {
        Ok(system) => Ok(FileStat::of(&rustix::fs::fstat(system)?)),
        Err(_) => Ok(FileStat::unknown(entry.file_type)),
    }
}

/// Truncates a file to a size, or extends it with zeros. Writes no results.
///
/// Errors: BADF; INVAL if it is not a regular file or not open for writing, or the size is greater
/// than 2^63-1; NOTCAPABLE without `fd_filestat_set_size`; FBIG.
pub(crate) fn fd_filestat_set_size(call: &mut Call<'_>, fd: Fd, size: FileSize) -> Result<(), Errno> {
    let entry = call.ctx.table.get(fd)?;
    if entry.file_type != FileType::RegularFile || entry.require_mode(Rights::FD_WRITE).is_err() {
        return Err(Errno::Inval);
    }
    entry.require(Rights::FD_FILESTAT_SET_SIZE)?;
    i64::try_from(size.0).map_err(|_| Errno::Inval)?;
    Ok(rustix::fs::ftruncate(entry.system(Errno::Inval)?, size.0)?)
}

/// Sets the access and modification times of a file, each to a given time, to the current time, or
/// not at all. Writes no results.
///
/// Errors: BADF; NOTCAPABLE without `fd_filestat_set_times`; ROFS; INVAL if the flags select both
/// the given and the current time.
pub(crate) fn fd_filestat_set_times(
    call: &mut Call<'_>,
    fd: Fd,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: FstFlags,
) -> Result<(), Errno> {
    let times = timestamps(atim, mtim, fst_flags)?;
    let entry = call.ctx.table.get(fd)?;
    entry.require(Rights::FD_FILESTAT_SET_TIMES)?;
    match &entry.kind {
        Kind::Directory(directory) if !directory.is_readable => {
            Ok(rustix::fs::utimensat(&directory.dir, ".", &times, AtFlags::SYMLINK_NOFOLLOW)?)
        }
        _ => Ok(rustix::fs::futimens(entry.system(Errno::Inval)?, &times)?),
    }
}

/// Converts the requested times.
pub(crate) fn timestamps(atim: Timestamp, mtim: Timestamp, flags: FstFlags) -> Result<Timestamps, Errno> {
    let time =
        |given: Timestamp, set: FstFlags, now: FstFlags| match (flags.contains(set), flags.contains(now)) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(Timespec {
                tv_sec: (given.0 / 1_000_000_000) as i64,
                tv_nsec: (given.0 % 1_000_000_000) as i64,
            }),
            (false, true) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
            (false, false) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        };
    Ok(Timestamps {
        last_access: time(atim, FstFlags::ATIM, FstFlags::ATIM_NOW)?,
        last_modification: time(mtim, FstFlags::MTIM, FstFlags::MTIM_NOW)?,
    })
}
