//! The position of a descriptor: `fd_seek`, `fd_tell`.

use rustix::fs::SeekFrom;

use crate::abi::flags::Rights;
use crate::abi::{Fd, FileSize, FileType, Out, Whence};
use crate::calling::Call;
use crate::errno::Errno;

/// Sets the position to an offset from the beginning, from the current position or from the end,
/// and writes the new position (8 bytes).
///
/// Errors: BADF; ISDIR; SPIPE if the descriptor is not seekable; NOTCAPABLE without `fd_seek` (or
/// `fd_tell`, if the position stays the same); INVAL if the new position is before the beginning or
/// greater than 2^63-1, or `whence` is undefined.
pub(crate) fn fd_seek(
    call: &mut Call<'_>,
    fd: Fd,
    offset: i64,
    whence: Whence,
    newoffset: Out<FileSize>,
) -> Result<(), Errno> {
    call.guest.check(newoffset)?;
    let stays = whence == Whence::Cur && offset == 0;
    let entry = call.ctx.table.get_mut(fd)?;
    if entry.file_type == FileType::Directory {
        return Err(Errno::IsDir);
    }
    entry.require_seekable()?;
    let enough = if stays { Rights::FD_SEEK.union(Rights::FD_TELL) } else { Rights::FD_SEEK };
    if !entry.base.intersects(enough) {
        return Err(Errno::NotCapable);
    }
    let to = match whence {
        Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
        Whence::Cur => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    let position = entry.seek(to)?;
    call.guest.write(newoffset, FileSize(position))
}

/// Writes the current position (8 bytes).
///
/// Errors: BADF; ISDIR; SPIPE if the descriptor is not seekable; NOTCAPABLE without `fd_tell` or
/// `fd_seek`.
pub(crate) fn fd_tell(call: &mut Call<'_>, fd: Fd, offset: Out<FileSize>) -> Result<(), Errno> {
    fd_seek(call, fd, 0, Whence::Cur, offset)
}
