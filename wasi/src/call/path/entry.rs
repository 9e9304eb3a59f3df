//! Directory entries: `path_create_directory`, `path_remove_directory`, `path_rename`,
//! `path_unlink_file`.

use rustix::fs::{AtFlags, Mode};

use super::resolve::{directory_to_create_in, parent};
use crate::abi::flags::Rights;
use crate::abi::{Fd, Text};
use crate::calling::Call;
use crate::errno::Errno;

/// Creates a directory. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_create_directory`; EXIST.
pub(crate) fn path_create_directory(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let path = call.guest.text(path)?;
    let dir = directory_to_create_in(&call.ctx.table, fd, Rights::PATH_CREATE_DIRECTORY, path)?;
    let target = parent(dir, path)?;
    Ok(rustix::fs::mkdirat(target.dir(), target.entry(), Mode::from_raw_mode(0o777))?)
}

/// Removes an empty directory. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_remove_directory`; NOTDIR; NOTEMPTY; INVAL
/// if the path ends with `.`; BUSY.
pub(crate) fn path_remove_directory(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_REMOVE_DIRECTORY)?;
    let target = parent(dir, call.guest.text(path)?)?;
    Ok(rustix::fs::unlinkat(target.dir(), target.entry(), AtFlags::REMOVEDIR)?)
}

/// Removes a file or a symbolic link. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_unlink_file`; ISDIR; NOTDIR if the path
/// ends with a slash and does not name a directory.
pub(crate) fn path_unlink_file(call: &mut Call<'_>, fd: Fd, path: Text) -> Result<(), Errno> {
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_UNLINK_FILE)?;
    let target = parent(dir, call.guest.text(path)?)?;
    Ok(rustix::fs::unlinkat(target.dir(), target.entry(), AtFlags::empty())?)
}

/// Renames a file, directory or symbolic link, replacing what the new path names. Writes no
/// results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_rename_source`, or `path_rename_target` for
/// the new path; ISDIR, NOTDIR and NOTEMPTY if what the new path names cannot be replaced; XDEV,
/// also between a read-only and a writable preopened directory, which are different file systems
/// for the guest; INVAL if a directory would be moved below itself.
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
