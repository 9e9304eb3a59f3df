//! Directory cookies: positions in a directory, as small numbers that a guest's libc can store.
//!
//! A file system's own directory offsets may use all of 63 bits (ext4's are hashes), but `telldir`
//! of a guest with 32-bit addresses returns 32 bits. The guest therefore gets the number of entries
//! before the position, and the matching offset is remembered here until the budget for offsets is
//! used up.

use crate::errno::Errno;

/// Marks a cookie that contains the file system's own offset, because the budget was used up.
const RAW: u64 = 1 << 63;

/// Offsets that all directories of a guest may remember together (1 MiB in all).
pub(crate) const MAX_OFFSETS: usize = 1 << 17;

/// The positions of one directory that the guest has seen.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    /// The file system's offset after each entry, in the order in which entries were read.
    offsets: Vec<u64>,
    /// Whether the guest received a cookie with a file system's own offset.
    has_raw: bool,
}

impl Cookies {
    /// Returns the file system's offset for a cookie, or INVAL if the guest did not get it from
    /// here.
    pub(crate) fn offset(&self, cookie: u64) -> Result<u64, Errno> {
        match cookie {
            0 => Ok(0),
            _ if cookie & RAW != 0 && self.has_raw => Ok(cookie & !RAW),
            _ => usize::try_from(cookie - 1)
                .ok()
                .and_then(|index| self.offsets.get(index))
                .copied()
                .ok_or(Errno::Inval),
        }
    }

    /// Returns the cookie for the position after the entry at `cookie`. `budget` is the number of
    /// offsets that may still be remembered.
    pub(crate) fn after(&mut self, cookie: u64, offset: u64, budget: &mut usize) -> u64 {
        let index = usize::try_from(cookie).unwrap_or(usize::MAX);
        if let Some(known) = self.offsets.get_mut(index) {
            // Entries come and go: the cookie now stands for the entry just read.
            *known = offset;
            return cookie + 1;
        }
        if index == self.offsets.len() && *budget > 0 {
            *budget -= 1;
            self.offsets.push(offset);
            return cookie + 1;
        }
        self.has_raw = true;
        offset | RAW
    }

    /// The number of offsets that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_count_entries_until_the_budget_is_used_up() {
        let (mut cookies, mut budget) = (Cookies::default(), 2);
        assert_eq!(cookies.offset(1), Err(Errno::Inval));
        assert_eq!(cookies.after(0, 700, &mut budget), 1);
        assert_eq!(cookies.after(1, 800, &mut budget), 2);
        assert_eq!(cookies.offset(RAW | 900), Err(Errno::Inval), "the guest has not received this cookie");
        assert_eq!(cookies.after(2, 900, &mut budget), RAW | 900);
        assert_eq!(cookies.after(RAW | 900, 950, &mut budget), RAW | 950);
        assert_eq!([0, 1, 2, RAW | 900].map(|cookie| cookies.offset(cookie).unwrap()), [0, 700, 800, 900]);
        assert_eq!(cookies.offset(3), Err(Errno::Inval));
        // Rewind and read again after an entry has been removed.
        assert_eq!(cookies.after(0, 800, &mut budget), 1);
        assert_eq!((cookies.offset(1), cookies.len(), budget), (Ok(800), 2, 0));
    }
}
