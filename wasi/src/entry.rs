//! An open descriptor: what it refers to, its access mode and its rights.
//!
//! The rights come from the preopened directory. A file or directory that the guest opens gets all
//! the inheriting rights of its parent directory that apply to its type; the rights requested in
//! `path_open` only select reading, writing or both. Only `fd_fdstat_set_rights` removes rights.
//! Each call checks the type first, then the access mode, then the rights, so that guests get the
//! errors of POSIX wherever POSIX defines one.

use std::fmt;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cap_std::fs::Dir;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags as SystemFlags, SeekFrom};
use rustix::io::Errno as SystemErrno;

use crate::abi::flags::Rights;
use crate::abi::{FdFlags, FileType};
use crate::cookies::Cookies;
use crate::errno::Errno;
use crate::stdio::{Capture, Input};

/// The access that a guest gets to a preopened directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Full access, within the permissions of the host process.
    ReadWrite,
    /// No access that changes a file or directory, or links a file elsewhere.
    ReadOnly,
}

/// An open descriptor.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) file_type: FileType,
    pub(crate) flags: FdFlags,
    /// The access mode: [`Rights::FD_READ`], [`Rights::FD_WRITE`] or both.
    pub(crate) mode: Rights,
    /// The access of the preopened directory that it was opened through.
    pub(crate) grant: Access,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    /// The guest's name for it, if it is a preopened directory.
    pub(crate) preopen: Option<Box<str>>,
    /// The current position, if the guest alone has the file open; `None` if the system keeps the
    /// position. With it, reads and writes are positioned (`pread`, `pwrite`), for which the system
    /// takes no lock.
    pub(crate) position: Option<u64>,
}

/// What a descriptor refers to.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A system descriptor that only the guest uses.
    System(OwnedFd),
    /// A listening socket.
    Listener(Listener),
    /// A directory.
    Directory(Directory),
    /// A standard stream of the host.
    Inherited(Inherited),
    /// An in-memory input.
    Input(Input),
    /// An in-memory output; `None` discards what is written.
    Output(Option<Capture>),
}

/// A listening socket. The system descriptor is nonblocking; a blocking call polls first.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: OwnedFd,
    /// Whether the guest has read or set the flags, and thus knows whether the socket blocks. Until
    /// then `sock_accept` blocks, which is the default of POSIX.
    pub(crate) flags_known: bool,
}

/// A standard stream of the host. Its flags are never changed, because other processes share them.
#[derive(Debug)]
pub(crate) struct Inherited {
    pub(crate) fd: BorrowedFd<'static>,
    /// Whether `O_NONBLOCK` is set on it.
    pub(crate) nonblocking: bool,
}

/// A directory: a descriptor to resolve paths from and, if entries cannot be read from that one, a
/// second descriptor, opened when it is first needed.
pub(crate) struct Directory {
    pub(crate) dir: Dir,
    /// Whether entries can be read from `dir`.
    pub(crate) is_readable: bool,
    reader: Option<OwnedFd>,
    /// The positions that the guest has seen in it.
    pub(crate) cookies: Cookies,
}

impl Entry {
    /// Creates an entry that is open for reading and writing, with all rights that apply to its
    /// type and no inheriting rights.
    pub(crate) fn new(kind: Kind, file_type: FileType) -> Entry {
        let mut entry = Entry {
            kind,
            file_type,
            flags: FdFlags::empty(),
            mode: Rights::ACCESS,
            grant: Access::ReadWrite,
            base: Rights::of(file_type),
            inheriting: Rights::empty(),
            preopen: None,
            position: None,
        };
        if file_type == FileType::CharacterDevice && !entry.is_terminal() {
            // This is the `isatty` of guest libraries: they take a character device for a terminal
            // if it has neither right.
            entry.base |= Rights::FD_SEEK | Rights::FD_TELL;
        }
        entry
    }

    /// Restricts the entry to this access mode.
    pub(crate) fn opened_for(mut self, mode: Rights) -> Entry {
        self.mode = mode.intersection(Rights::ACCESS);
        self.base.remove(Rights::ACCESS.difference(self.mode));
        if !self.mode.contains(Rights::FD_WRITE) {
            // The system refuses these on a descriptor that is not open for writing.
            self.base.remove(Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE);
        }
        self
    }

    /// Returns BADF unless the descriptor was opened with this access mode.
    pub(crate) fn require_mode(&self, mode: Rights) -> Result<(), Errno> {
        if self.mode.contains(mode) { Ok(()) } else { Err(Errno::Badf) }
    }

    /// Checks rights. A missing right is BADF if the access mode excludes it, ROFS if read-only
    /// access does, and NOTCAPABLE otherwise.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        let missing = rights.difference(self.base);
        if missing.is_empty() { Ok(()) } else { Err(self.refusal(missing)) }
    }

    #[cold]
    fn refusal(&self, missing: Rights) -> Errno {
        if missing.intersects(Rights::ACCESS.difference(self.mode)) {
            Errno::Badf
        } else if self.grant == Access::ReadOnly && missing.intersects(Rights::CHANGES) {
            Errno::Rofs
        } else {
            Errno::NotCapable
        }
    }

    /// Returns SPIPE unless the descriptor is seekable: pipes, FIFOs, terminals and sockets are
    /// not.
    pub(crate) fn require_seekable(&self) -> Result<(), Errno> {
        match self.file_type {
            FileType::RegularFile | FileType::BlockDevice => Ok(()),
            FileType::CharacterDevice => Ok(rustix::fs::tell(self.system(Errno::Spipe)?).map(drop)?),
            _ => Err(Errno::Spipe),
        }
    }

    fn is_terminal(&self) -> bool {
        self.system(Errno::Badf).is_ok_and(rustix::termios::isatty)
    }

    /// The system descriptor, or `other` if there is none.
    pub(crate) fn system(&self, other: Errno) -> Result<BorrowedFd<'_>, Errno> {
        match &self.kind {
            Kind::System(fd) => Ok(fd.as_fd()),
            Kind::Listener(listener) => Ok(listener.socket.as_fd()),
            Kind::Directory(directory) => Ok(directory.dir.as_fd()),
            Kind::Inherited(inherited) => Ok(inherited.fd),
            Kind::Input(_) | Kind::Output(_) => Err(other),
        }
    }

    /// Reads at the current position.
    pub(crate) fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        self.would_block(PollFlags::IN)?;
        if let Kind::Input(input) = &mut self.kind {
            return Ok(input.read(buffers));
        }
        let fd = self.system(Errno::Badf)?;
        if let Some(position) = self.position {
            match read_at(fd, buffers, position) {
                // Some regular files of the system are not seekable. The system then keeps the
                // position.
                Err(SystemErrno::SPIPE) => self.lose_position(),
                count => return self.moved(position, count),
            }
        }
        let fd = self.system(Errno::Badf)?;
        let read = match buffers {
            [buffer] => rustix::io::read(fd, &mut **buffer),
            _ => rustix::io::readv(fd, buffers),
        };
        Ok(read?)
    }

    /// Writes at the current position.
    pub(crate) fn write(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize, Errno> {
        self.would_block(PollFlags::OUT)?;
        if let Kind::Output(capture) = &self.kind {
            return match capture {
                Some(capture) => capture.write(buffers),
                None => Ok(buffers.iter().map(|buffer| buffer.len()).sum()),
            };
        }
        let fd = self.system(Errno::Badf)?;
        if let Some(position) = self.position {
            match write_at(fd, buffers, position) {
                Err(SystemErrno::SPIPE) => self.lose_position(),
                count => return self.moved(position, count),
            }
        }
        let fd = self.system(Errno::Badf)?;
        let written = match buffers {
            [buffer] => rustix::io::write(fd, buffer),
            _ => rustix::io::writev(fd, buffers),
        };
        Ok(written?)
    }

    /// Advances the position after a transfer at `position`.
    fn moved(&mut self, position: u64, count: Result<usize, SystemErrno>) -> Result<usize, Errno> {
        let count = count?;
        self.position = Some(position + count as u64);
        Ok(count)
    }

    /// Sets the position and returns it.
    pub(crate) fn seek(&mut self, to: SeekFrom) -> Result<u64, Errno> {
        let to = match (self.position, to) {
            (Some(position), SeekFrom::Current(0)) => return Ok(position),
            (Some(position), SeekFrom::Current(offset)) => {
                SeekFrom::Start(position.checked_add_signed(offset).ok_or(Errno::Inval)?)
            }
            (_, to) => to,
        };
        let reached = rustix::fs::seek(self.system(Errno::Spipe)?, to)?;
        if self.position.is_some() {
            self.position = Some(reached);
        }
        Ok(reached)
    }

    /// Makes the system keep the position, and sets it there if the system accepts it.
    fn lose_position(&mut self) {
        if self.release_position().is_err() {
            self.position = None;
        }
    }

    /// Makes the system keep the position, as `O_APPEND` requires.
    pub(crate) fn release_position(&mut self) -> Result<(), Errno> {
        if let Some(position) = self.position {
            rustix::fs::seek(self.system(Errno::Spipe)?, SeekFrom::Start(position))?;
            self.position = None;
        }
        Ok(())
    }

    /// Returns AGAIN if the guest requested nonblocking mode and the host's blocking descriptor is
    /// not ready.
    fn would_block(&self, flags: PollFlags) -> Result<(), Errno> {
        match &self.kind {
            Kind::Inherited(Inherited { fd, nonblocking: false })
                if self.flags.contains(FdFlags::NONBLOCK) =>
            {
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                match poll(&mut [PollFd::from_borrowed_fd(*fd, flags)], Some(&now))? {
                    0 => Err(Errno::Again),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Directory {
    /// A directory opened for resolving paths only (`O_PATH`).
    pub(crate) fn new(dir: Dir) -> Directory {
        Directory { dir, is_readable: false, reader: None, cookies: Cookies::default() }
    }

    /// A directory opened for reading.
    pub(crate) fn readable(dir: Dir) -> Directory {
        Directory { is_readable: true, ..Directory::new(dir) }
    }

    /// A descriptor that entries can be read from and that can be synchronized (an `O_PATH`
    /// descriptor can not), and the guest's cookies.
    pub(crate) fn reader(&mut self) -> Result<(BorrowedFd<'_>, &mut Cookies), Errno> {
        if self.is_readable {
            return Ok((self.dir.as_fd(), &mut self.cookies));
        }
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let flags = SystemFlags::RDONLY | SystemFlags::DIRECTORY | SystemFlags::CLOEXEC;
                rustix::fs::openat(&self.dir, ".", flags, Mode::empty())?
            }
        };
        let reader: &OwnedFd = self.reader.insert(reader);
        Ok((reader.as_fd(), &mut self.cookies))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("fd", &self.dir.as_fd()).finish_non_exhaustive()
    }
}

/// Reads at an offset of a file.
pub(crate) fn read_at(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    offset: u64,
) -> Result<usize, SystemErrno> {
    match buffers {
        [buffer] => rustix::io::pread(fd, &mut **buffer, offset),
        buffers => rustix::io::preadv(fd, buffers, offset),
    }
}

/// Writes at an offset of a file.
pub(crate) fn write_at(
    fd: BorrowedFd<'_>,
    buffers: &[IoSlice<'_>],
    offset: u64,
) -> Result<usize, SystemErrno> {
    match buffers {
        [buffer] => rustix::io::pwrite(fd, buffer, offset),
        buffers => rustix::io::pwritev(fd, buffers, offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_seek_is_read_and_written_sequentially() {
        let (reader, writer) = std::io::pipe().unwrap();
        let file = |fd| Entry { position: Some(0), ..Entry::new(Kind::System(fd), FileType::RegularFile) };
        let (mut reader, mut writer) = (file(reader.into()), file(writer.into()));
        assert_eq!(writer.write(&[IoSlice::new(b"abc")]), Ok(3));
        let mut bytes = [0; 4];
        assert_eq!(reader.read(&mut [IoSliceMut::new(&mut bytes)]), Ok(3));
        assert_eq!((&bytes, reader.position, writer.position), (b"abc\0", None, None));
        assert_eq!(reader.seek(SeekFrom::Current(0)), Err(Errno::Spipe));
    }
}
