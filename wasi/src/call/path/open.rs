//! `path_open`.

use std::fs::File;
use std::os::fd::OwnedFd;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{Mode, OFlags as SystemFlags};

use super::resolve::{find, found, parent};
use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileType, LookupFlags, OFlags, Out, Text};
use crate::call::Call;
use crate::ctx::Access;
use crate::entry::{Directory, Entry, Kind};
use crate::errno::Errno;

/// Opens a file or a directory and writes its descriptor (4 bytes), the lowest number that is free and not a standard stream's.
///
/// It is opened for reading where `fd_read` or `fd_readdir` is asked for, for writing where `fd_write` is. Otherwise the descriptor has
/// all rights that the directory passes on and that mean something for what was opened, whichever are asked for: libraries ask for the
/// few that they know of and expect others to be there (see [`crate::entry`]).
///
/// Errors: those of all paths; ACCES where the system does not allow what it is opened for; NOTCAPABLE where the guest has given up
/// `path_open`, or `path_create_file` for `creat`, `path_filestat_set_size` for `trunc`, or one to pass on: `fd_read` or `fd_write` asked
/// for, `fd_datasync` for `dsync`, `fd_sync` for `sync` and `rsync`; ROFS where a directory that was given for reading only is to be
/// changed; INVAL for `creat` of a directory; EXIST for `excl`; LOOP where a link is not to be followed; NOTDIR where `directory` is
/// asked for, or by a slash behind the path; ISDIR where a directory is to be written; MFILE.
#[expect(clippy::too_many_arguments, reason = "the specification's own")]
pub(crate) fn path_open(
    call: &mut Call<'_>,
    fd: Fd,
    dirflags: LookupFlags,
    path: Text,
    oflags: OFlags,
    base: Rights,
    _inheriting: Rights,
    fdflags: FdFlags,
    opened_fd: Out<Fd>,
) -> Result<(), Errno> {
    call.guest.check(opened_fd)?;
    let (dir, from) = call.ctx.table.directory(fd, Rights::PATH_OPEN)?;
    let mode = base.intersection(Rights::ACCESS);
    let mut request = Request {
        path: call.guest.text(path)?,
        follow: dirflags.contains(LookupFlags::SYMLINK_FOLLOW),
        oflags,
        fdflags,
        write: mode.contains(Rights::FD_WRITE),
        read: base.intersects(Rights::FD_READ.union(Rights::FD_READDIR)),
    };
    let mut wanted = mode.union(implied(fdflags));
    if from.grant == Access::ReadOnly {
        request.change_nothing(dir, base.intersects(Rights::WRITING))?;
        // Still set for a directory only, which is refused with ISDIR.
        wanted.remove(Rights::FD_WRITE);
    }
    from.require(needed(request.oflags))?;
    if !from.inheriting.contains(wanted) {
        return Err(Errno::NotCapable);
    }
    call.ctx.table.free()?;
    let mut entry = request.open(dir)?;
    if entry.file_type == FileType::Directory {
        entry.inheriting = from.inheriting;
    } else {
        entry = entry.opened_for(mode);
    }
    entry.base &= from.inheriting;
    entry.grant = from.grant;
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
    /// Reduces the request to what changes nothing, or fails with ROFS. As on a file system that is
    /// mounted read-only (`open(2)`), errors of the lookup come first. `writes` is whether the guest
    /// wants to write.
    fn change_nothing(&mut self, dir: &Dir, writes: bool) -> Result<(), Errno> {
        // `open_directory` does not create, and refuses to write with ISDIR.
        if self.is_for_directory() {
            self.write |= writes;
            return Ok(());
        }
        let creates = self.oflags.contains(OFlags::CREAT);
        let creates_new = self.oflags.contains(OFlags::CREAT | OFlags::EXCL);
        let stat = match find(dir, self.path, self.follow && !creates_new) {
            // NOENT may mean the parent directory, too.
            Err(Errno::NoEnt) if creates => return Err(parent(dir, self.path).err().unwrap_or(Errno::Rofs)),
            found => found?.1,
        };
        if creates_new {
            return Err(Errno::Exist);
        }
        let writes = writes || self.oflags.contains(OFlags::TRUNC);
        self.oflags.remove(OFlags::CREAT);
        match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
            rustix::fs::FileType::Directory if writes || creates => Err(Errno::IsDir),
            rustix::fs::FileType::Symlink => Err(Errno::Loop),
            _ if writes => Err(Errno::Rofs),
            _ => Ok(()),
        }
    }

    /// Whether only a directory is acceptable; a trailing slash asks for one.
    fn is_for_directory(&self) -> bool {
        self.oflags.contains(OFlags::DIRECTORY) || self.path.ends_with('/')
    }

    fn open(&self, dir: &Dir) -> Result<Entry, Errno> {
        if self.path.starts_with('/') {
            return Err(Errno::NotCapable);
        }
        if self.oflags.contains(OFlags::CREAT | OFlags::DIRECTORY) {
            return Err(Errno::Inval);
        }
        if self.is_for_directory() {
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
            FileType::Directory => Kind::Directory(Directory::readable(Dir::from_std_file(file.into_std()))),
            _ => Kind::System(OwnedFd::from(file)),
        };
        let ours = file_type == FileType::RegularFile && !self.fdflags.contains(FdFlags::APPEND);
        Ok(Entry { flags: self.fdflags, position: ours.then_some(0), ..Entry::new(kind, file_type) })
    }

    fn open_directory(&self, dir: &Dir) -> Result<Entry, Errno> {
        let directory = match (self.read, self.follow) {
            (true, _) => self.readable_directory(dir)?,
            (false, true) => Directory::new(dir.open_dir(self.path)?),
            (false, false) => Directory::new(dir.open_dir_nofollow(self.path)?),
        };
        if self.write || self.oflags.intersects(OFlags::CREAT | OFlags::TRUNC) {
            return Err(Errno::IsDir);
        }
        Ok(Entry { flags: self.fdflags, ..Entry::new(Kind::Directory(directory), FileType::Directory) })
    }

    /// Opens a directory for reading, so that missing permission is an error here. cap-std opens
    /// directories with `O_PATH`, which needs none.
    fn readable_directory(&self, dir: &Dir) -> Result<Directory, Errno> {
        let (place, _) = find(dir, self.path, self.follow)?;
        let flags =
            SystemFlags::RDONLY | SystemFlags::DIRECTORY | SystemFlags::NOFOLLOW | SystemFlags::CLOEXEC;
        let opened = rustix::fs::openat(place.dir(), found(&place), flags, Mode::empty())?;
        Ok(Directory::readable(Dir::from_std_file(File::from(opened))))
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
