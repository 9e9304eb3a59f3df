//! `path_open`.

use std::os::fd::OwnedFd;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags as SystemFlags;

use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileType, LookupFlags, OFlags, Out, Text};
use crate::call::Call;
use crate::errno::Errno;
use crate::table::{Directory, Entry, Kind};

/// Opens a file or a directory and writes its descriptor (4 bytes), the lowest number that is free.
///
/// The descriptor has those of the rights asked for that the directory passes on and that mean something for what was opened. It is
/// opened for writing where `fd_write` is asked for.
///
/// Errors: those of all paths; NOTCAPABLE without `path_open`, without `path_create_file` for `creat`, `path_filestat_set_size` for
/// `trunc`, and where `fd_read`, `fd_write`, `fd_datasync` for `dsync` or `fd_sync` for `sync` and `rsync` are asked for and not passed
/// on; INVAL for `creat` of a directory; EXIST for `excl`; LOOP where a link is not to be followed; NOTDIR where `directory` is asked
/// for, or by a slash behind the path; ISDIR where a directory is to be written; MFILE.
#[expect(clippy::too_many_arguments, reason = "the specification's own")]
pub(crate) fn path_open(
    call: &mut Call<'_>,
    fd: Fd,
    dirflags: LookupFlags,
    path: Text,
    oflags: OFlags,
    base: Rights,
    inheriting: Rights,
    fdflags: FdFlags,
    opened_fd: Out<Fd>,
) -> Result<(), Errno> {
    call.guest.check(opened_fd)?;
    let (dir, parent) = call.ctx.table.directory(fd, Rights::PATH_OPEN)?;
    parent.require(needed(oflags))?;
    let wanted = base.intersection(Rights::FD_READ.union(Rights::FD_WRITE)).union(implied(fdflags));
    if !parent.inheriting.contains(wanted) {
        return Err(Errno::NotCapable);
    }
    let request = Request {
        path: call.guest.text(path)?,
        follow: dirflags.contains(LookupFlags::SYMLINK_FOLLOW),
        oflags,
        fdflags,
        write: base.contains(Rights::FD_WRITE),
        read: base.intersects(Rights::FD_READ.union(Rights::FD_READDIR)),
    };
    call.ctx.table.free()?;
    let mut entry = request.open(dir)?;
    let mut passed = parent.inheriting;
    if !request.write {
        // The system would refuse these.
        passed.remove(Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE);
    }
    entry.base &= base & passed;
    if entry.file_type == FileType::Directory {
        entry.inheriting = inheriting & parent.inheriting;
    }
    let number = call.ctx.table.insert(entry)?;
    call.guest.write(opened_fd, number)
}

/// What the directory itself must allow.
fn needed(oflags: OFlags) -> Rights {
    let mut rights = Rights::empty();
    rights.set(Rights::PATH_CREATE_FILE, oflags.contains(OFlags::CREAT));
    rights.set(Rights::PATH_FILESTAT_SET_SIZE, oflags.contains(OFlags::TRUNC));
    rights
}

/// Why `creat` has failed. Where a link ends with a slash, the system says ISDIR before it looks where that leads, and cap-std without
/// openat2 INVAL: what it leads to decides.
fn not_created(dir: &Dir, path: &str, error: &std::io::Error) -> Errno {
    match Errno::from_io(error) {
        Errno::IsDir | Errno::Inval => dir.open_dir(path).map_or_else(Errno::from, |_| Errno::IsDir),
        errno => errno,
    }
}

/// Rights that are used by writing with these flags.
fn implied(fdflags: FdFlags) -> Rights {
    let mut rights = Rights::empty();
    rights.set(Rights::FD_DATASYNC, fdflags.contains(FdFlags::DSYNC));
    rights.set(Rights::FD_SYNC, fdflags.intersects(FdFlags::SYNC | FdFlags::RSYNC));
    rights
}

/// What is to be opened, and how.
struct Request<'a> {
    path: &'a str,
    follow: bool,
    oflags: OFlags,
    fdflags: FdFlags,
    read: bool,
    write: bool,
}

impl Request<'_> {
    fn open(&self, dir: &Dir) -> Result<Entry, Errno> {
        if self.path.starts_with('/') {
            return Err(Errno::NotCapable);
        }
        if self.oflags.contains(OFlags::CREAT | OFlags::DIRECTORY) {
            return Err(Errno::Inval);
        }
        // A slash asks for a directory, which is never made here.
        if self.oflags.contains(OFlags::DIRECTORY) || self.path.ends_with('/') {
            return self.open_directory(dir);
        }
        let file = match dir.open_with(self.path, &self.options()) {
            Err(error) if self.oflags.contains(OFlags::CREAT) => {
                return Err(not_created(dir, self.path, &error));
            }
            opened => opened?,
        };
        let stat = rustix::fs::fstat(&file)?;
        let file_type = rustix::fs::FileType::from_raw_mode(stat.st_mode).into();
        let kind = match file_type {
            FileType::Directory => Kind::Directory(Directory::new(Dir::from_std_file(file.into_std()))),
            _ => Kind::System(OwnedFd::from(file)),
        };
        let ours = file_type == FileType::RegularFile && !self.fdflags.contains(FdFlags::APPEND);
        Ok(Entry { flags: self.fdflags, position: ours.then_some(0), ..Entry::new(kind, file_type) })
    }

    fn open_directory(&self, dir: &Dir) -> Result<Entry, Errno> {
        let opened = match self.follow {
            true => dir.open_dir(self.path)?,
            false => dir.open_dir_nofollow(self.path)?,
        };
        if self.write || self.oflags.intersects(OFlags::CREAT | OFlags::TRUNC) {
            return Err(Errno::IsDir);
        }
        let kind = Kind::Directory(Directory::new(opened));
        Ok(Entry { flags: self.fdflags, ..Entry::new(kind, FileType::Directory) })
    }

    fn options(&self) -> OpenOptions {
        // A terminal does not become the host's.
        let mut flags = SystemFlags::NOCTTY;
        flags.set(SystemFlags::CREATE, self.oflags.contains(OFlags::CREAT));
        flags.set(SystemFlags::EXCL, self.oflags.contains(OFlags::CREAT | OFlags::EXCL));
        flags.set(SystemFlags::TRUNC, self.oflags.contains(OFlags::TRUNC));
        flags.set(SystemFlags::APPEND, self.fdflags.contains(FdFlags::APPEND));
        flags.set(SystemFlags::NONBLOCK, self.fdflags.contains(FdFlags::NONBLOCK));
        flags.set(SystemFlags::DSYNC, self.fdflags.contains(FdFlags::DSYNC));
        if self.fdflags.intersects(FdFlags::SYNC | FdFlags::RSYNC) {
            flags |= SystemFlags::SYNC;
        }
        let mut options = OpenOptions::new();
        options.read(self.read || !self.write).write(self.write).custom_flags(flags.bits() as i32);
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        options
    }
}
