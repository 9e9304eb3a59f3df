//! Links: `path_link`, `path_readlink`, `path_symlink`.

use rustix::fs::{AtFlags, linkat, readlinkat_raw, symlinkat};

use super::resolve::{find, found, to_make_in, vacant};
use crate::abi::flags::Rights;
use crate::abi::{Buffer, Fd, LookupFlags, Out, Text};
use crate::call::Call;
use crate::errno::Errno;

/// Gives a file a second path; a link itself, where it is not to be followed. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_link_source` and, of the new one, `path_link_target`; EXIST; PERM where it is a
/// directory; NOENT or NOTDIR where a slash follows the new path; XDEV, also from a directory that was granted read-only to one that
/// was not, which are two file systems for the guest; MLINK.
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
    let new_dir = to_make_in(table, new_fd, Rights::PATH_LINK_TARGET, new_path)?;
    let follow = old_flags.contains(LookupFlags::SYMLINK_FOLLOW);
    let found_old = find(old_dir, call.guest.text(old_path)?, follow);
    match table.directory(old_fd, Rights::PATH_LINK_SOURCE) {
        Err(Errno::Rofs) => return Err(found_old.err().unwrap_or(Errno::Xdev)),
        source => _ = source?,
    }
    let (old, _) = found_old?;
    let new = vacant(new_dir, new_path)?;
    Ok(linkat(old.dir(), found(&old), new.dir(), new.entry(), AtFlags::empty())?)
}

/// Makes a link with these contents. It writes nothing.
///
/// Errors: those of all paths; NOTCAPABLE without `path_symlink`, or where the contents are an absolute path, which would mean
/// something else to whoever follows the link on the host; EXIST; NOENT or NOTDIR where a slash follows the new path.
pub(crate) fn path_symlink(call: &mut Call<'_>, old_path: Text, fd: Fd, new_path: Text) -> Result<(), Errno> {
    let contents = call.guest.text(old_path)?;
    let path = call.guest.text(new_path)?;
    let dir = to_make_in(&call.ctx.table, fd, Rights::PATH_SYMLINK, path)?;
    if contents.starts_with('/') {
        return Err(Errno::NotCapable);
    }
    let place = vacant(dir, path)?;
    Ok(symlinkat(contents, place.dir(), place.entry())?)
}

/// Writes the contents of a link, as far as the buffer holds them, without a NUL, and how many bytes that are (4 bytes).
///
/// Errors: those of all paths; NOTCAPABLE without `path_readlink`, or where the contents are an absolute path: they tell of the host;
/// INVAL where it is no link.
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
    let (place, _) = find(dir, call.guest.text(path)?, false)?;
    let mut contents = [0; LONGEST];
    let len = readlinkat_raw(place.dir(), found(&place), &mut contents)?;
    if contents[0] == b'/' {
        return Err(Errno::NotCapable);
    }
    drop(place);
    let buffer = call.guest.bytes_mut(buf)?;
    let count = len.min(buffer.len());
    buffer[..count].copy_from_slice(&contents[..count]);
    call.guest.write(bufused, count as u32)
}
