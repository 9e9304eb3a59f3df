//! Where a guest is in a directory, in numbers that its library can keep.
//!
//! A file system's own numbers may need all of 63 bits, as ext4's hashes do, while `telldir` of a guest with 32-bit addresses has 32. So
//! the guest gets the count of the entries before the place, and the place is remembered here, as long as there is room for that.

use crate::errno::Errno;

/// Marks a cookie that is the file system's own number, for want of room.
const UNCOUNTED: u64 = 1 << 63;

/// How many places all directories of a guest remember together: a mebibyte of them.
pub(crate) const MOST: usize = 1 << 17;

/// The places of one directory that the guest was told of.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    /// The file system's number of the place behind each entry, in the order in which they were read.
    places: Vec<u64>,
    /// Whether the guest was given a file system's own number.
    uncounted: bool,
}

impl Cookies {
    /// The file system's number for a cookie: INVAL where the guest has it from elsewhere.
    pub(crate) fn place(&self, cookie: u64) -> Result<u64, Errno> {
        match cookie {
            0 => Ok(0),
            _ if cookie & UNCOUNTED != 0 && self.uncounted => Ok(cookie & !UNCOUNTED),
            _ => usize::try_from(cookie - 1)
                .ok()
                .and_then(|index| self.places.get(index))
                .copied()
                .ok_or(Errno::Inval),
        }
    }

    /// The cookie for the place behind the entry that begins at `cookie`; `room` is for how many more places there is room.
    pub(crate) fn behind(&mut self, cookie: u64, place: u64, room: &mut usize) -> u64 {
        let index = usize::try_from(cookie).unwrap_or(usize::MAX);
        if let Some(known) = self.places.get_mut(index) {
            // Entries come and go: what is read now is what the cookie stands for.
            *known = place;
            return cookie + 1;
        }
        if index == self.places.len() && *room > 0 {
            *room -= 1;
            self.places.push(place);
            return cookie + 1;
        }
        self.uncounted = true;
        place | UNCOUNTED
    }

    /// How many places are remembered.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_long_as_there_is_room() {
        let (mut cookies, mut room) = (Cookies::default(), 2);
        assert_eq!(cookies.place(1), Err(Errno::Inval));
        assert_eq!(cookies.behind(0, 700, &mut room), 1);
        assert_eq!(cookies.behind(1, 800, &mut room), 2);
        assert_eq!(cookies.place(UNCOUNTED | 900), Err(Errno::Inval), "it was not given");
        assert_eq!(cookies.behind(2, 900, &mut room), UNCOUNTED | 900);
        assert_eq!(cookies.behind(UNCOUNTED | 900, 950, &mut room), UNCOUNTED | 950);
        assert_eq!(
            [0, 1, 2, UNCOUNTED | 900].map(|cookie| cookies.place(cookie).unwrap()),
            [0, 700, 800, 900]
        );
        assert_eq!(cookies.place(3), Err(Errno::Inval));
        // Read again from the first entry on, one of which is gone.
        assert_eq!(cookies.behind(0, 800, &mut room), 1);
        assert_eq!((cookies.place(1), cookies.len(), room), (Ok(800), 2, 0));
    }
}
