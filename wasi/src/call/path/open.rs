//! Opening files and directories: `path_open`.

use std::fs::File;
use std::os::fd::OwnedFd;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{Mode, OFlags as SystemFlags};

use super::resolve::{final_name, find, parent};
use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileType, LookupFlags, OFlags, Out, Text};
use crate::calling::Call;
use crate::entry::{Access, Directory, Entry, Kind};
use crate::errno::Errno;

/// Opens a file or directory and writes its descriptor (4 bytes), the lowest free number after the
/// standard streams.
///
/// It is opened for reading if `fd_read` or `fd_readdir` is requested, and for writing if
/// `fd_write` is. The requested rights have no other effect: the descriptor gets all inheriting
/// rights of the directory that apply to its type, because libraries request only the few rights
/// they know and expect to get the others (see [`crate::entry`]).
///
/// Errors: those of all paths; ACCES if the system does not permit the access mode; NOTCAPABLE if
/// the guest has given up `path_open`, `path_create_file` (for `creat`), `path_filestat_set_size`
/// (for `trunc`), or an inheriting right: `fd_read` or `fd_write` if requested, `fd_datasync` for
/// `dsync`, `fd_sync` for `sync` and `rsync`; ROFS if the call would change a directory with
/// read-only access; INVAL for `creat` with `directory`; EXIST for `excl`; LOOP for a symbolic link
/// that is not to be followed; NOTDIR if `directory` or a trailing slash requests a directory;
/// ISDIR if a directory would be opened for writing; MFILE.
#[expect(clippy::too_many_arguments, reason = "as in the specification")]
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
        request.restrict_to_read_only(dir, base.intersects(Rights::WRITING))?;
        // `write` remains set only for a directory, which is refused with ISDIR.
        wanted.remove(Rights::FD_WRITE);
    }
    if !request.is_for_directory() {
        // A directory is neither created nor truncated, whatever the flags are.
        from.require(needed(request.oflags))?;
    }
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

/// The rights that the directory must have for these flags.
fn needed(oflags: OFlags) -> Rights {
    let mut rights = Rights::empty();
    rights.set(Rights::PATH_CREATE_FILE, oflags.contains(OFlags::CREAT));
    rights.set(Rights::PATH_FILESTAT_SET_SIZE, oflags.contains(OFlags::TRUNC));
    rights
}

/// The error of a failed `creat`. If a symbolic link ends with a slash, the system returns ISDIR
/// without following it (and cap-std without openat2 INVAL), so check whether it leads to a
/// directory.
fn not_created(dir: &Dir, path: &str, error: &std::io::Error) -> Errno {
    match Errno::from_io(error) {
        Errno::IsDir | Errno::Inval => dir.open_dir(path).map_or_else(Errno::from, |_| Errno::IsDir),
        errno => errno,
    }
}

/// The rights that writing with these flags requires.
fn implied(fdflags: FdFlags) -> Rights {
    let mut rights = Rights::empty();
    rights.set(Rights::FD_DATASYNC, fdflags.contains(FdFlags::DSYNC));
    rights.set(Rights::FD_SYNC, fdflags.intersects(FdFlags::SYNC | FdFlags::RSYNC));
    rights
}

/// A request to open a file or directory.
struct Request<'a> {
    path: &'a str,
    follow: bool,
    oflags: OFlags,
    fdflags: FdFlags,
    read: bool,
    write: bool,
}

impl Request<'_> {
    /// Restricts the request to what changes nothing, or fails with ROFS. As on a file system that
    /// is mounted read-only (`open(2)`), errors of the lookup take precedence. `writes` is whether
    /// the guest wants to write.
    fn restrict_to_read_only(&mut self, dir: &Dir, writes: bool) -> Result<(), Errno> {
        // `open_directory` does not create, and refuses to write with ISDIR.
        if self.is_for_directory() {
            self.write |= writes;
            return Ok(());
        }
        let creates = self.oflags.contains(OFlags::CREAT);
        let creates_new = self.oflags.contains(OFlags::CREAT | OFlags::EXCL);
        let stat = match find(dir, self.path, self.follow && !creates_new) {
            // NOENT may also refer to the parent directory.
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

    /// Whether a directory is requested, by flag or by a trailing slash.
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
            return match self.open_directory(dir) {
                // As in `open(2)`, no file is created under a name with a slash after it.
                Err(Errno::NoEnt)
                    if self.oflags.contains(OFlags::CREAT)
                        && parent(dir, self.path).is_ok_and(|target| !target.exists()) =>
                {
                    Err(Errno::IsDir)
                }
                opened => opened,
            };
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

    /// Opens a directory for reading, so that a missing permission is reported here. cap-std opens
    /// directories with `O_PATH`, which requires no permission to read.
    fn readable_directory(&self, dir: &Dir) -> Result<Directory, Errno> {
        let (target, _) = find(dir, self.path, self.follow)?;
        let flags =
            SystemFlags::RDONLY | SystemFlags::DIRECTORY | SystemFlags::NOFOLLOW | SystemFlags::CLOEXEC;
        let opened = rustix::fs::openat(target.dir(), final_name(&target), flags, Mode::empty())?;
        Ok(Directory::readable(Dir::from_std_file(File::from(opened))))
    }

    fn options(&self) -> OpenOptions {
        // Prevents a terminal from becoming the controlling terminal of the host process.
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
