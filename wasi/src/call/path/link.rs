//! Hard and symbolic links: `path_link`, `path_readlink`, `path_symlink`.

use rustix::fs::{AtFlags, linkat, readlinkat_raw, symlinkat};

use super::resolve::{directory_to_create_in, final_name, find, parent_of_new_file};
use crate::abi::flags::Rights;
use crate::abi::{Buffer, Fd, LookupFlags, Out, Text};
use crate::calling::Call;
use crate::errno::Errno;

/// Creates a hard link. If `old_path` names a symbolic link and `symlink_follow` is not set, the
/// link is to the symbolic link itself. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_link_source`, or `path_link_target` for the
/// new path; EXIST; PERM for a directory; NOENT or NOTDIR if the new path ends with a slash; XDEV,
/// also from a read-only to a writable preopened directory, which are different file systems for
/// the guest; MLINK.
pub(crate) fn path_link(
    call: &mut Call<'_>,
    old_fd: Fd,
    old_flags: LookupFlags,
    old_path: Text,
    new_fd: Fd,
    new_path: Text,
) -> Result<(), Errno> {
    let table = &call.ctx.table;
    let (old_dir, _) = table.directory(old_fd, Rights::empty())?;
    let new_path = call.guest.text(new_path)?;
    let new_dir = directory_to_create_in(table, new_fd, Rights::PATH_LINK_TARGET, new_path)?;
    let follow = old_flags.contains(LookupFlags::SYMLINK_FOLLOW);
    let old = find(old_dir, call.guest.text(old_path)?, follow);
    match table.directory(old_fd, Rights::PATH_LINK_SOURCE) {
        Err(Errno::Rofs) => return Err(old.err().unwrap_or(Errno::Xdev)),
        source => _ = source?,
    }
    let (old, _) = old?;
    let new = parent_of_new_file(new_dir, new_path)?;
    Ok(linkat(old.dir(), final_name(&old), new.dir(), new.entry(), AtFlags::empty())?)
}

/// Creates a symbolic link. Writes no results.
///
/// Errors: those of all paths; NOTCAPABLE without `path_symlink`, or if the contents are an
/// absolute path, which the host would resolve from its own root; EXIST; NOENT or NOTDIR if the new
/// path ends with a slash.
pub(crate) fn path_symlink(call: &mut Call<'_>, old_path: Text, fd: Fd, new_path: Text) -> Result<(), Errno> {
    let contents = call.guest.text(old_path)?;
    let path = call.guest.text(new_path)?;
    let dir = directory_to_create_in(&call.ctx.table, fd, Rights::PATH_SYMLINK, path)?;
    if contents.starts_with('/') {
        return Err(Errno::NotCapable);
    }
    let target = parent_of_new_file(dir, path)?;
    Ok(symlinkat(contents, target.dir(), target.entry())?)
}

/// Writes the contents of a symbolic link without a NUL, truncated to the buffer, and the number of
/// bytes written (4 bytes).
///
/// Errors: those of all paths; NOTCAPABLE without `path_readlink`, or if the contents are an
/// absolute path, which would reveal a path of the host; INVAL if it is not a symbolic link.
pub(crate) fn path_readlink(
    call: &mut Call<'_>,
    fd: Fd,
    path: Text,
    buf: Buffer,
    bufused: Out<u32>,
) -> Result<(), Errno> {
    const LONGEST: usize = 4096;
    call.guest.check(bufused)?;
    let (dir, _) = call.ctx.table.directory(fd, Rights::PATH_READLINK)?;
    let (target, _) = find(dir, call.guest.text(path)?, false)?;
    let mut contents = [0; LONGEST];
    let len = readlinkat_raw(target.dir(), final_name(&target), &mut contents)?;
    if contents[0] == b'/' {
        return Err(Errno::NotCapable);
    }
    drop(target);
    let buffer = call.guest.bytes_mut(buf)?;
    let count = len.min(buffer.len());
    buffer[..count].copy_from_slice(&contents[..count]);
    call.guest.write(bufused, count as u32)
}
