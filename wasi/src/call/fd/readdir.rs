//! Directories: `fd_readdir`.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType as SystemFileType, RawDir, RawDirEntry, SeekFrom};
use wassay_engine::Deadline;

use crate::abi::flags::Rights;
use crate::abi::host_fn::Stop;
use crate::abi::{Buffer, Dirent, Fd, FileType, Out};
use crate::call::Call;
use crate::call::wait::in_time;
use crate::entry::Kind;
use crate::errno::Errno;

/// How many bytes of entries are asked of the system at a time.
const CHUNK: usize = 8192;

/// Writes entries of a directory, from a cookie on, `.` and `..` among them: of each 24 bytes (`dirent`) and its name, one after the
/// other without padding, the last cut where the buffer ends; and how many bytes that are (4 bytes): less than the buffer has, where
/// all were written.
///
/// The cookie 0 is the first entry's, any other comes from an earlier entry. Cookies count entries (see [`crate::cookies`]); what they stand
/// for is the file system's own place, which stays good while entries come and go, as far as the file system sees to it.
///
/// Errors: BADF; NOTDIR; NOTCAPABLE without `fd_readdir`; INVAL where no entry of the descriptor had the cookie.
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
    let mut room = table.room;
    let entry = table.get_mut(fd)?;
    let allowed = entry.require(Rights::FD_READDIR);
    let Kind::Directory(directory) = &mut entry.kind else { return Err(Errno::NotDir.into()) };
    allowed?;
    let buffer = call.guest.bytes_mut(buf)?;
    let place = directory.cookies.place(cookie)?;
    let (reader, cookies) = directory.reader()?;
    rustix::fs::seek(reader, SeekFrom::Start(place))?;
    let behind = |before, place| cookies.behind(before, place, &mut room);
    let used = fill(reader, buffer, cookie, deadline, behind);
    table.room = room;
    Ok(call.guest.write(bufused, used? as u32)?)
}

/// Fills a buffer with entries, from a cookie on, and says how much of it they took. `behind` gives the cookie behind the entry of a cookie,
/// by the file system's place.
fn fill(
    reader: BorrowedFd<'_>,
    buffer: &mut [u8],
    mut cookie: u64,
    deadline: Option<Deadline>,
    mut behind: impl FnMut(u64, u64) -> u64,
) -> Result<usize, Stop> {
    let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
    let mut entries = RawDir::new(reader, &mut chunk);
    let mut used = 0;
    while used < buffer.len() {
        if entries.is_buffer_empty() {
            // The system is asked for the next entries.
            in_time(deadline)?;
        }
        let Some(entry) = entries.next() else { break };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        cookie = behind(cookie, entry.next_entry_cookie());
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

/// An entry's type; not every file system tells it along with the name.
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
