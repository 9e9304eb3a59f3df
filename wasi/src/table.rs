//! The table of a guest's descriptors.

use cap_std::fs::Dir;

use crate::abi::Fd;
use crate::abi::flags::Rights;
use crate::cookies::MAX_OFFSETS;
use crate::entry::{Entry, Kind};
use crate::errno::Errno;

/// Descriptors below this number are reserved for the standard streams, even after these have been
/// closed: otherwise a file opened later would receive what the guest still writes to standard
/// output. Only `fd_renumber` reuses them.
const STANDARD: usize = 3;

/// The descriptors of a guest, indexed by number.
#[derive(Debug)]
pub(crate) struct Table {
    /// The standard streams, followed by all other descriptors.
    entries: Vec<Option<Entry>>,
    /// All numbers from `STANDARD` to the one before this are in use.
    lowest: usize,
    limit: usize,
    /// How many more directory offsets may be remembered.
    pub(crate) cookie_budget: usize,
}

impl Table {
    pub(crate) fn new(limit: usize, streams: [Entry; STANDARD]) -> Table {
        Table { entries: streams.map(Some).into(), lowest: STANDARD, limit, cookie_budget: MAX_OFFSETS }
    }

    /// The lowest free number, or MFILE if the guest's limit is reached. A call that opens
    /// something checks this first.
    pub(crate) fn free(&self) -> Result<usize, Errno> {
        let free = self.entries[self.lowest..].iter().position(Option::is_none);
        let index = free.map_or(self.entries.len(), |offset| self.lowest + offset);
        if index < self.limit { Ok(index) } else { Err(Errno::Mfile) }
    }

    /// Inserts an entry at the lowest free number, or returns MFILE.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<Fd, Errno> {
        let index = self.free()?;
        match self.entries.get_mut(index) {
            Some(slot) => *slot = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        self.lowest = index + 1;
        Ok(Fd(index as u32))
    }

    /// The entry with this number, or BADF.
    pub(crate) fn get(&self, fd: Fd) -> Result<&Entry, Errno> {
        self.entries.get(fd.0 as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    /// The entry with this number, mutable, or BADF.
    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Entry, Errno> {
        self.entries.get_mut(fd.0 as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Removes and returns an entry, or BADF.
    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Entry, Errno> {
        let index = fd.0 as usize;
        let entry = self.entries.get_mut(index).and_then(Option::take).ok_or(Errno::Badf)?;
        self.lowest = self.lowest.min(index.max(STANDARD));
        if let Kind::Directory(directory) = &entry.kind {
            self.cookie_budget += directory.cookies.len();
        }
        Ok(entry)
    }

    /// Moves an entry to another number and closes the entry that was there. BADF if `from` is not
    /// open, or if `to` is neither open nor the number of a standard stream.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(from)?;
        let index = to.0 as usize;
        if index >= STANDARD {
            self.get(to)?;
        }
        if from != to {
            let budget = self.cookie_budget;
            let entry = self.remove(from)?;
            // The entry keeps its remembered offsets, which `remove` has returned to the budget.
            self.cookie_budget = budget;
            drop(self.remove(to));
            self.entries[index] = Some(entry);
        }
        Ok(())
    }

    /// The directory to resolve paths in, checked for these rights: BADF, NOTDIR, NOTCAPABLE, ROFS.
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
    fn only_renumbering_replaces_a_closed_standard_stream() {
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
    fn a_renumbered_entry_frees_only_its_old_number() {
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
    fn closing_a_directory_returns_its_offsets_to_the_budget() {
        let mut table = table();
        let dir = Dir::open_ambient_dir("/", cap_std::ambient_authority()).unwrap();
        let number =
            table.insert(Entry::new(Kind::Directory(Directory::new(dir)), FileType::Directory)).unwrap();
        let other = table.insert(entry(FileType::Unknown)).unwrap();
        let mut budget = table.cookie_budget;
        let Kind::Directory(directory) = &mut table.get_mut(number).unwrap().kind else { unreachable!() };
        assert_eq!(directory.cookies.after(0, 5, &mut budget), 1);
        table.cookie_budget = budget;
        assert_eq!(table.cookie_budget, MAX_OFFSETS - 1);
        table.renumber(number, other).unwrap();
        assert_eq!(table.cookie_budget, MAX_OFFSETS - 1);
        table.remove(other).unwrap();
        assert_eq!(table.cookie_budget, MAX_OFFSETS);
    }
}
