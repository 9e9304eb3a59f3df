//! Entries of directories: `path_create_directory`, `path_remove_directory`, `path_rename`, `path_unlink_file`.

use rustix::fs::{AtFlags, Mode};

use super::resolve::{parent, to_make_in};
use crate::abi::flags::Rights;
use crate::abi::{Fd, Text};
use crate::call::Call;
use crate::errno::Errno;

/// Makes a directory. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_create_directory`; EXIST.
pub(crate) fn path_create_directory(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let path = call.guest.text(path)?;
    let dir = to_make_in(&call.ctx.table, fd, Rights::PATH_CREATE_DIRECTORY, path)?;
    let place = parent(dir, path)?;
    Ok(rustix::fs::mkdirat(place.dir(), place.entry(), Mode::from_raw_mode(0o777))?)
}

/// Removes a directory that is empty. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_remove_directory`; NOTDIR; NOTEMPTY; INVAL where the path ends with `.`; BUSY.
pub(crate) fn path_remove_directory(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_REMOVE_DIRECTORY)?;
    let place = parent(dir, call.guest.text(path)?)?;
    Ok(rustix::fs::unlinkat(place.dir(), place.entry(), AtFlags::REMOVEDIR)?)
}

/// Removes a file, or a link itself. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_unlink_file`; ISDIR; NOTDIR where a slash follows what is no directory.
pub(crate) fn path_unlink_file(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_UNLINK_FILE)?;
    let place = parent(dir, call.guest.text(path)?)?;
    Ok(rustix::fs::unlinkat(place.dir(), place.entry(), AtFlags::empty())?)
}

/// Gives a file, a directory or a link itself another path, in place of what is there. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_rename_source` and, of the new one, `path_rename_target`; ISDIR, NOTDIR and
/// NOTEMPTY where the new path has what the old one's cannot take the place of; XDEV, also between a directory that was granted
/// read-only and one that was not, which are two file systems for the guest; INVAL where a directory would go below itself.
pub(crate) fn path_rename(
    call: &mut Call<'_>,
    fd: Fd,
    old_path: Text,
    new_fd: Fd,
    new_path: Text,
) -> Result<(), Errno> {
    let table = &call.ctx.table;
    let (old_dir, old_entry) = table.directory(fd, Rights::empty())?;
    let (new_dir, new_entry) = table.directory(new_fd, Rights::empty())?;
    let old = parent(old_dir, call.guest.text(old_path)?);
    let new = parent(new_dir, call.guest.text(new_path)?);
    if old_entry.grant != new_entry.grant {
        return Err(old.and(new).err().unwrap_or(Errno::Xdev));
    }
    old_entry.require(Rights::PATH_RENAME_SOURCE)?;
    new_entry.require(Rights::PATH_RENAME_TARGET)?;
    let (old, new) = (old?, new?);
    Ok(rustix::fs::renameat(old.dir(), old.entry(), new.dir(), new.entry())?)
}
