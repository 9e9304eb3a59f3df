//! A guest's descriptors.

use std::fmt;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cap_std::fs::Dir;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags as SystemFlags, SeekFrom};
use rustix::io::Errno as SystemErrno;

use crate::abi::flags::Rights;
use crate::abi::{Fd, FdFlags, FileType};
use crate::cookies::{Cookies, MOST};
use crate::errno::Errno;
use crate::stdio::{Capture, Input};

/// Descriptors by their numbers.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Option<Entry>>,
    /// No number below is free.
    lowest: usize,
    limit: usize,
    /// How many more places in directories there is room to remember.
    pub(crate) room: usize,
}

/// One descriptor.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) file_type: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    /// The guest's name of a directory that was given to it.
    pub(crate) preopen: Option<Box<str>>,
    /// Where a file stands whose open description is the guest's alone; `None` where the system keeps that. A call that is told the
    /// place takes no lock for it.
    pub(crate) position: Option<u64>,
}

/// What a descriptor leads to.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Anything of the system's whose open description is the guest's alone.
    System(OwnedFd),
    /// A socket that accepts connections.
    Listener(OwnedFd),
    /// A directory.
    Directory(Directory),
    /// A descriptor of the host's own: its flags stay as they are, for they are shared with whoever else has it.
    Inherited(BorrowedFd<'static>),
    /// Bytes of the embedder's.
    Input(Input),
    /// Bytes for the embedder; `None` forgets them.
    Output(Option<Capture>),
}

/// A directory: a descriptor that paths start from, and, once it was needed, one that entries can be read from.
pub(crate) struct Directory {
    pub(crate) dir: Dir,
    reader: Option<OwnedFd>,
    /// Where the guest was in it.
    pub(crate) cookies: Cookies,
}

impl Table {
    pub(crate) fn new(limit: usize) -> Table {
        Table { entries: Vec::new(), lowest: 0, limit, room: MOST }
    }

    /// The lowest number that is free: MFILE where there are as many as the embedder allows. A call that opens something asks before
    /// it does.
    pub(crate) fn free(&self) -> Result<usize, Errno> {
        let free = self.entries[self.lowest..].iter().position(Option::is_none);
        let index = free.map_or(self.entries.len(), |offset| self.lowest + offset);
        if index < self.limit { Ok(index) } else { Err(Errno::Mfile) }
    }

    /// Gives an entry the lowest number that is free, or MFILE.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<Fd, Errno> {
        let index = self.free()?;
        match self.entries.get_mut(index) {
            Some(place) => *place = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        self.lowest = index + 1;
        Ok(Fd(index as u32))
    }

    /// The entry of that number, or BADF.
    pub(crate) fn get(&self, fd: Fd) -> Result<&Entry, Errno> {
        self.entries.get(fd.0 as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    /// [`Table::get`], to change.
    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Entry, Errno> {
        self.entries.get_mut(fd.0 as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Takes an entry out, or BADF.
    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Entry, Errno> {
        let index = fd.0 as usize;
        let entry = self.entries.get_mut(index).and_then(Option::take).ok_or(Errno::Badf)?;
        self.lowest = self.lowest.min(index);
        if let Kind::Directory(directory) = &entry.kind {
            self.room += directory.cookies.len();
        }
        Ok(entry)
    }

    /// Gives an entry the number of another, which is closed: BADF where there is either of them not.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let room = self.room;
            let entry = self.remove(from)?;
            // What it remembers goes with it.
            self.room = room;
            drop(self.remove(to)?);
            self.entries[to.0 as usize] = Some(entry);
        }
        Ok(())
    }

    /// Something with bytes, and these rights: BADF, ISDIR, NOTCAPABLE.
    pub(crate) fn file(&mut self, fd: Fd, rights: Rights) -> Result<&mut Entry, Errno> {
        let entry = self.get_mut(fd)?;
        if let Kind::Directory(_) = entry.kind {
            return Err(Errno::IsDir);
        }
        entry.require(rights)?;
        Ok(entry)
    }

    /// A directory with these rights, to resolve paths in: BADF, NOTDIR, NOTCAPABLE.
    pub(crate) fn directory(&self, fd: Fd, rights: Rights) -> Result<(&Dir, &Entry), Errno> {
        let entry = self.get(fd)?;
        let Kind::Directory(directory) = &entry.kind else { return Err(Errno::NotDir) };
        entry.require(rights)?;
        Ok((&directory.dir, entry))
    }
}

impl Entry {
    /// An entry with all rights that its type has, which inherits nothing.
    pub(crate) fn new(kind: Kind, file_type: FileType) -> Entry {
        let (base, inheriting, flags) = (Rights::of(file_type), Rights::empty(), FdFlags::empty());
        Entry { kind, file_type, flags, base, inheriting, preopen: None, position: None }
    }

    /// NOTCAPABLE where one of these rights is missing.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.base.contains(rights) { Ok(()) } else { Err(Errno::NotCapable) }
    }

    /// The system's descriptor; `other` where there is none.
    pub(crate) fn system(&self, other: Errno) -> Result<BorrowedFd<'_>, Errno> {
        match &self.kind {
            Kind::System(fd) | Kind::Listener(fd) => Ok(fd.as_fd()),
            Kind::Directory(directory) => Ok(directory.dir.as_fd()),
            Kind::Inherited(fd) => Ok(*fd),
            Kind::Input(_) | Kind::Output(_) => Err(other),
        }
    }

    /// Reads where the descriptor stands.
    pub(crate) fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        self.would_block(PollFlags::IN)?;
        if let Kind::Input(input) = &mut self.kind {
            return Ok(input.read(buffers));
        }
        let fd = self.system(Errno::Badf)?;
        if let Some(position) = self.position {
            match read_at(fd, buffers, position) {
                // A file without places, as the system has some: where it stands is the system's to know.
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

    /// Writes where the descriptor stands.
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

    /// Goes on by as many bytes as were transferred at a place.
    fn moved(&mut self, position: u64, count: Result<usize, SystemErrno>) -> Result<usize, Errno> {
        let count = count?;
        self.position = Some(position + count as u64);
        Ok(count)
    }

    /// Moves to a place, and says where that is.
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

    /// Leaves it to the system to know where the file stands, and tells it so far as it takes that.
    fn lose_position(&mut self) {
        if self.give_up_position().is_err() {
            self.position = None;
        }
    }

    /// Leaves it to the system to know where the file stands, as writing at its end asks for.
    pub(crate) fn give_up_position(&mut self) -> Result<(), Errno> {
        if let Some(position) = self.position {
            rustix::fs::seek(self.system(Errno::Spipe)?, SeekFrom::Start(position))?;
            self.position = None;
        }
        Ok(())
    }

    /// AGAIN where the guest does not want to wait and the host's own descriptor, which may wait, is not ready.
    fn would_block(&self, flags: PollFlags) -> Result<(), Errno> {
        match self.kind {
            Kind::Inherited(fd) if self.flags.contains(FdFlags::NONBLOCK) => {
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&now))? {
                    0 => Err(Errno::Again),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Directory {
    pub(crate) fn new(dir: Dir) -> Directory {
        Directory { dir, reader: None, cookies: Cookies::default() }
    }

    /// A descriptor that entries can be read from and that can be synchronised, which one that only paths start from can not; and where the
    /// guest was.
    pub(crate) fn reader(&mut self) -> Result<(BorrowedFd<'_>, &mut Cookies), Errno> {
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

/// Reads at a place of a file.
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

/// Writes at a place of a file.
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
    fn the_lowest_free_number_is_given() {
        let entry = || Entry::new(Kind::Output(None), FileType::Unknown);
        let mut table = Table::new(4);
        for number in 0..4 {
            assert_eq!(table.insert(entry()), Ok(Fd(number)));
        }
        assert_eq!(table.insert(entry()), Err(Errno::Mfile));
        table.remove(Fd(2)).unwrap();
        table.remove(Fd(1)).unwrap();
        assert_eq!(table.remove(Fd(1)).unwrap_err(), Errno::Badf);
        assert_eq!((table.insert(entry()), table.insert(entry())), (Ok(Fd(1)), Ok(Fd(2))));
        assert_eq!(table.get(Fd(u32::MAX)).unwrap_err(), Errno::Badf);
    }

    #[test]
    fn a_number_that_is_taken_over_is_not_free() {
        let entry = |ty| Entry::new(Kind::Output(None), ty);
        let mut table = Table::new(4);
        for ty in [FileType::Unknown, FileType::RegularFile, FileType::Directory] {
            table.insert(entry(ty)).unwrap();
        }
        assert_eq!(
            (table.renumber(Fd(2), Fd(9)), table.renumber(Fd(9), Fd(2))),
            (Err(Errno::Badf), Err(Errno::Badf))
        );
        assert_eq!((table.renumber(Fd(1), Fd(1)), table.renumber(Fd(2), Fd(0))), (Ok(()), Ok(())));
        assert_eq!(table.get(Fd(0)).unwrap().file_type, FileType::Directory);
        assert_eq!(
            (table.insert(entry(FileType::Unknown)), table.insert(entry(FileType::Unknown))),
            (Ok(Fd(2)), Ok(Fd(3)))
        );
        assert_eq!(table.insert(entry(FileType::Unknown)), Err(Errno::Mfile));
    }

    #[test]
    fn what_has_no_places_is_read_and_written_all_the_same() {
        let (reader, writer) = std::io::pipe().unwrap();
        let file = |fd| Entry { position: Some(0), ..Entry::new(Kind::System(fd), FileType::RegularFile) };
        let (mut reader, mut writer) = (file(reader.into()), file(writer.into()));
        assert_eq!(writer.write(&[IoSlice::new(b"abc")]), Ok(3));
        let mut bytes = [0; 4];
        assert_eq!(reader.read(&mut [IoSliceMut::new(&mut bytes)]), Ok(3));
        assert_eq!((&bytes, reader.position, writer.position), (b"abc\0", None, None));
        assert_eq!(reader.seek(SeekFrom::Current(0)), Err(Errno::Spipe));
    }

    #[test]
    fn what_a_closed_directory_remembered_makes_room() {
        let mut table = Table::new(4);
        let dir = Dir::open_ambient_dir("/", cap_std::ambient_authority()).unwrap();
        let number =
            table.insert(Entry::new(Kind::Directory(Directory::new(dir)), FileType::Directory)).unwrap();
        let other = table.insert(Entry::new(Kind::Output(None), FileType::Unknown)).unwrap();
        let mut room = table.room;
        let Kind::Directory(directory) = &mut table.get_mut(number).unwrap().kind else { unreachable!() };
        assert_eq!(directory.cookies.behind(0, 5, &mut room), 1);
        table.room = room;
        assert_eq!(table.room, MOST - 1);
        table.renumber(number, other).unwrap();
        assert_eq!(table.room, MOST - 1);
        table.remove(other).unwrap();
        assert_eq!(table.room, MOST);
    }
}
