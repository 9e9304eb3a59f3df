//! Directories: `fd_readdir`.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType as SystemFileType, RawDir, RawDirEntry, SeekFrom};
use wassay_engine::Deadline;

use crate::abi::flags::Rights;
use crate::abi::{Buffer, Dirent, Fd, FileType, Out};
use crate::call::wait::check_deadline;
use crate::calling::{Call, Stop};
use crate::entry::Kind;
use crate::errno::Errno;

/// How many bytes of entries to request from the system at a time.
const CHUNK: usize = 8192;

/// Writes the entries of a directory from a cookie on, including `.` and `..`, and the number of
/// bytes written (4 bytes). An entry consists of a header (`dirent`, 24 bytes) and a name, without
/// padding. The last entry is truncated if the buffer ends there; fewer bytes than the size of the
/// buffer mean that there are no more entries.
///
/// Cookie 0 is the start; any other must come from an earlier entry. Cookies count entries and
/// stand for the file system's own offsets (see [`crate::cookies`]), which stay valid while entries
/// are added and removed, as far as the file system guarantees that.
///
/// Errors: BADF; NOTDIR; NOTCAPABLE without `fd_readdir`; INVAL if no entry of this descriptor had
/// the cookie.
pub(crate) fn fd_readdir(
    call: &mut Call<'_>,
    fd: Fd,
    buf: Buffer,
    cookie: u64,
    bufused: Out<u32>,
) -> Result<(), Stop> {
    call.guest.check(bufused)?;
    let deadline = call.deadline;
    let table = &mut call.ctx.table;
    let mut budget = table.cookie_budget;
    let entry = table.get_mut(fd)?;
    let allowed = entry.require(Rights::FD_READDIR);
    let Kind::Directory(directory) = &mut entry.kind else { return Err(Errno::NotDir.into()) };
    allowed?;
    let buffer = call.guest.bytes_mut(buf)?;
    let offset = directory.cookies.offset(cookie)?;
    let (reader, cookies) = directory.reader()?;
    rustix::fs::seek(reader, SeekFrom::Start(offset))?;
    let after = |before, offset| cookies.after(before, offset, &mut budget);
    let used = fill(reader, buffer, cookie, deadline, after);
    table.cookie_budget = budget;
    Ok(call.guest.write(bufused, used? as u32)?)
}

/// Fills a buffer with entries from a cookie on, and returns the number of bytes written. `after`
/// maps the cookie of an entry and the file system's offset after it to the next cookie.
fn fill(
    reader: BorrowedFd<'_>,
    buffer: &mut [u8],
    mut cookie: u64,
    deadline: Option<Deadline>,
    mut after: impl FnMut(u64, u64) -> u64,
) -> Result<usize, Stop> {
    let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
    let mut entries = RawDir::new(reader, &mut chunk);
    let mut used = 0;
    while used < buffer.len() {
        if entries.is_buffer_empty() {
            // The next call of `next` requests entries from the system.
            check_deadline(deadline)?;
        }
        let Some(entry) = entries.next() else { break };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        cookie = after(cookie, entry.next_entry_cookie());
        let head = Dirent {
            next: cookie,
            ino: entry.ino(),
            name_len: name.len() as u32,
            file_type: file_type(reader, &entry),
        };
        for part in [&head.bytes()[..], name] {
            let rest = &mut buffer[used..];
            let count = part.len().min(rest.len());
            rest[..count].copy_from_slice(&part[..count]);
            used += count;
        }
    }
    Ok(used)
}

/// The type of an entry. Not every file system returns it with the name.
fn file_type(reader: BorrowedFd<'_>, entry: &RawDirEntry<'_>) -> FileType {
    match entry.file_type() {
        SystemFileType::Unknown => {
            match rustix::fs::statat(reader, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => SystemFileType::from_raw_mode(stat.st_mode).into(),
                Err(_) => FileType::Unknown,
            }
        }
        known => known.into(),
    }
}
