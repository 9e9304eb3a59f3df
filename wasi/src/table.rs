//! A guest's descriptors by their numbers.

use cap_std::fs::Dir;

use crate::abi::Fd;
use crate::abi::flags::Rights;
use crate::cookies::MOST;
use crate::entry::{Entry, Kind};
use crate::errno::Errno;

/// The numbers below are reserved for the standard streams, even while these are closed: otherwise a
/// file opened later would receive what the guest still writes to standard output. Only `fd_renumber`
/// reuses them.
const STANDARD: usize = 3;

/// Descriptors by their numbers.
#[derive(Debug)]
pub(crate) struct Table {
    /// The standard streams, and what follows.
    entries: Vec<Option<Entry>>,
    /// No number from `STANDARD` up to here is free.
    lowest: usize,
    limit: usize,
    /// How many more places in directories there is room to remember.
    pub(crate) room: usize,
}

impl Table {
    pub(crate) fn new(limit: usize, streams: [Entry; STANDARD]) -> Table {
        Table { entries: streams.map(Some).into(), lowest: STANDARD, limit, room: MOST }
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
        self.lowest = self.lowest.min(index.max(STANDARD));
        if let Kind::Directory(directory) = &entry.kind {
            self.room += directory.cookies.len();
        }
        Ok(entry)
    }

    /// Moves an entry to another number and closes the entry that was there. BADF if `from` is not
    /// open, or `to` is neither open nor a standard stream's.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(from)?;
        let index = to.0 as usize;
        if index >= STANDARD {
            self.get(to)?;
        }
        if from != to {
            let room = self.room;
            let entry = self.remove(from)?;
            // What it remembers goes with it.
            self.room = room;
            drop(self.remove(to));
            self.entries[index] = Some(entry);
        }
        Ok(())
    }

    /// A directory with these rights, to resolve paths in: BADF, NOTDIR, NOTCAPABLE, ROFS.
    pub(crate) fn directory(&self, fd: Fd, rights: Rights) -> Result<(&Dir, &Entry), Errno> {
        let entry = self.get(fd)?;
        let Kind::Directory(directory) = &entry.kind else { return Err(Errno::NotDir) };
        entry.require(rights)?;
        Ok((&directory.dir, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::FileType;
    use crate::entry::Directory;

    fn entry(ty: FileType) -> Entry {
        Entry::new(Kind::Output(None), ty)
    }

    fn table() -> Table {
        Table::new(7, [entry(FileType::Unknown), entry(FileType::Unknown), entry(FileType::Unknown)])
    }

    #[test]
    fn the_lowest_free_number_is_given() {
        let mut table = table();
        let insert = |table: &mut Table| table.insert(entry(FileType::Unknown));
        for number in 3..7 {
            assert_eq!(insert(&mut table), Ok(Fd(number)));
        }
        assert_eq!(insert(&mut table), Err(Errno::Mfile));
        table.remove(Fd(5)).unwrap();
        table.remove(Fd(4)).unwrap();
        assert_eq!(table.remove(Fd(4)).unwrap_err(), Errno::Badf);
        assert_eq!((insert(&mut table), insert(&mut table)), (Ok(Fd(4)), Ok(Fd(5))));
        assert_eq!(table.get(Fd(u32::MAX)).unwrap_err(), Errno::Badf);
    }

    #[test]
    fn a_closed_standard_stream_is_replaced_by_renumbering_alone() {
        let mut table = table();
        for number in 0..3 {
            table.remove(Fd(number)).unwrap();
        }
        assert_eq!(table.insert(entry(FileType::RegularFile)), Ok(Fd(3)));
        assert_eq!(table.get(Fd(1)).unwrap_err(), Errno::Badf);
        assert_eq!(table.renumber(Fd(3), Fd(1)), Ok(()));
        assert_eq!(table.get(Fd(1)).unwrap().file_type, FileType::RegularFile);
        assert_eq!(
            (table.renumber(Fd(3), Fd(2)), table.renumber(Fd(0), Fd(0))),
            (Err(Errno::Badf), Err(Errno::Badf))
        );
        assert_eq!(table.insert(entry(FileType::Unknown)), Ok(Fd(3)));
        assert_eq!(
            (table.renumber(Fd(1), Fd(0)), table.insert(entry(FileType::Unknown))),
            (Ok(()), Ok(Fd(4)))
        );
    }

    #[test]
    fn a_number_that_is_taken_over_is_not_free() {
        let mut table = table();
        for ty in [FileType::Unknown, FileType::RegularFile, FileType::Directory] {
            table.insert(entry(ty)).unwrap();
        }
        assert_eq!(
            (table.renumber(Fd(5), Fd(9)), table.renumber(Fd(9), Fd(5))),
            (Err(Errno::Badf), Err(Errno::Badf))
        );
        assert_eq!((table.renumber(Fd(4), Fd(4)), table.renumber(Fd(5), Fd(3))), (Ok(()), Ok(())));
        assert_eq!(table.get(Fd(3)).unwrap().file_type, FileType::Directory);
        assert_eq!(
            (table.insert(entry(FileType::Unknown)), table.insert(entry(FileType::Unknown))),
            (Ok(Fd(5)), Ok(Fd(6)))
        );
        assert_eq!(table.insert(entry(FileType::Unknown)), Err(Errno::Mfile));
    }

    #[test]
    fn what_a_closed_directory_remembered_makes_room() {
        let mut table = table();
        let dir = Dir::open_ambient_dir("/", cap_std::ambient_authority()).unwrap();
        let number =
            table.insert(Entry::new(Kind::Directory(Directory::new(dir)), FileType::Directory)).unwrap();
        let other = table.insert(entry(FileType::Unknown)).unwrap();
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
