//! The layouts of the specification's types in a guest's memory. Numbers are little-endian; padding
//! is written as zeros.

use rustix::fs::Stat;

use super::flags::{EventRwFlags, EventType, FdFlags, FileType, Rights, RoFlags};
use crate::errno::Errno;

/// A value that is stored in a guest's memory.
pub(crate) trait Layout: Sized {
    /// Its size in bytes.
    const SIZE: usize;
    /// Its alignment in bytes.
    const ALIGN: u32;

    /// Writes the value into exactly [`Layout::SIZE`] bytes.
    fn store(&self, bytes: &mut [u8]);

    /// For traces: the text of the value in exactly [`Layout::SIZE`] bytes.
    fn show(bytes: &[u8]) -> String;
}

/// The little-endian number at an offset, or zero if it is out of bounds.
pub(crate) fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    if let Some(found) = bytes.get(at..at + N) {
        word[..N].copy_from_slice(found);
    }
    u64::from_le_bytes(word)
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, number: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&number);
}

/// The number of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fd(pub(crate) u32);

/// Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) u64);

/// A length or an offset in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileSize(pub(crate) u64);

/// A type that consists of one number.
macro_rules! scalar {
    ($ty:ty, $number:ty, $size:literal, |$value:ident| $get:expr) => {
        impl Layout for $ty {
            const SIZE: usize = $size;
            const ALIGN: u32 = $size;

            fn store(&self, bytes: &mut [u8]) {
                let $value = self;
                let number: $number = $get;
                put(bytes, 0, number.to_le_bytes());
            }

            fn show(bytes: &[u8]) -> String {
                number::<$size>(bytes, 0).to_string()
            }
        }
    };
}

scalar!(u8, u8, 1, |value| *value);
scalar!(u32, u32, 4, |value| *value);
scalar!(Fd, u32, 4, |value| value.0);
scalar!(Timestamp, u64, 8, |value| value.0);
scalar!(FileSize, u64, 8, |value| value.0);
scalar!(RoFlags, u16, 2, |value| value.bits());

/// Type, flags and rights of a descriptor (`fdstat`, 24 bytes): type at 0, flags at 2, rights at 8,
/// inheriting rights at 16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FdStat {
    pub(crate) file_type: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
}

impl Layout for FdStat {
    const SIZE: usize = 24;
    const ALIGN: u32 = 8;

    fn store(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        bytes[0] = self.file_type as u8;
        put(bytes, 2, self.flags.bits().to_le_bytes());
        put(bytes, 8, self.base.bits().to_le_bytes());
        put(bytes, 16, self.inheriting.bits().to_le_bytes());
    }

    fn show(bytes: &[u8]) -> String {
        format!(
            "{{{} flags={:#x} rights={:#x}/{:#x}}}",
            file_type(number::<1>(bytes, 0)),
            number::<2>(bytes, 2),
            number::<8>(bytes, 8),
            number::<8>(bytes, 16)
        )
    }
}

/// Attributes of a file (`filestat`, 64 bytes): device at 0, inode at 8, type at 16, link count at
/// 24, size at 32, times of access, modification and status change at 40, 48 and 56.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) file_type: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) times: [Timestamp; 3],
}

impl FileStat {
    /// The attributes of a file of which only the type is known.
    pub(crate) fn unknown(file_type: FileType) -> FileStat {
        FileStat { dev: 0, ino: 0, file_type, nlink: 0, size: 0, times: [Timestamp(0); 3] }
    }

    /// Converts the system's attributes. Times before 1970 and after 2554 do not fit into 64 bits
    /// of nanoseconds and become the nearest that does.
    pub(crate) fn of(stat: &Stat) -> FileStat {
        let file_type = rustix::fs::FileType::from_raw_mode(stat.st_mode).into();
        FileStat {
            dev: stat.st_dev,
            ino: stat.st_ino,
            file_type,
            nlink: stat.st_nlink,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            times: [
                nanoseconds(stat.st_atime, stat.st_atime_nsec),
                nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
                nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
            ],
        }
    }

    /// Writes the layout of preview 0 (56 bytes): 32 bits of link count at 20, so that the size is
    /// at 24 and the times begin at 32.
    pub(crate) fn store_preview0(&self, bytes: &mut [u8]) {
        self.store_head(bytes);
        put(bytes, 20, u32::try_from(self.nlink).unwrap_or(u32::MAX).to_le_bytes());
        self.store_tail(bytes, 24);
    }

    fn store_head(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        put(bytes, 0, self.dev.to_le_bytes());
        put(bytes, 8, self.ino.to_le_bytes());
        bytes[16] = self.file_type as u8;
    }

    fn store_tail(&self, bytes: &mut [u8], at: usize) {
        put(bytes, at, self.size.to_le_bytes());
        for (index, time) in self.times.iter().enumerate() {
            put(bytes, at + 8 + 8 * index, time.0.to_le_bytes());
        }
    }

    /// For traces: the fields that both previews have. `size` is the offset of the size.
    pub(crate) fn show_at(bytes: &[u8], size: usize) -> String {
        let ty = file_type(number::<1>(bytes, 16));
        format!("{{{ty} ino={} size={}}}", number::<8>(bytes, 8), number::<8>(bytes, size))
    }
}

impl Layout for FileStat {
    const SIZE: usize = 64;
    const ALIGN: u32 = 8;

    fn store(&self, bytes: &mut [u8]) {
        self.store_head(bytes);
        put(bytes, 24, self.nlink.to_le_bytes());
        self.store_tail(bytes, 32);
    }

    fn show(bytes: &[u8]) -> String {
        FileStat::show_at(bytes, 32)
    }
}

/// A preopened descriptor (`prestat`, 8 bytes): the tag 0 for a directory at 0, the length of its
/// name at 4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreStat {
    pub(crate) name_len: u32,
}

impl Layout for PreStat {
    const SIZE: usize = 8;
    const ALIGN: u32 = 4;

    fn store(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        put(bytes, 4, self.name_len.to_le_bytes());
    }

    fn show(bytes: &[u8]) -> String {
        format!("{{DIR name_len={}}}", number::<4>(bytes, 4))
    }
}

/// The header before each name that `fd_readdir` writes (`dirent`, 24 bytes): the cookie of the
/// next entry at 0, inode at 8, length of the name at 16, type at 20.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dirent {
    pub(crate) next: u64,
    pub(crate) ino: u64,
    pub(crate) name_len: u32,
    pub(crate) file_type: FileType,
}

impl Dirent {
    pub(crate) fn bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        put(&mut bytes, 0, self.next.to_le_bytes());
        put(&mut bytes, 8, self.ino.to_le_bytes());
        put(&mut bytes, 16, self.name_len.to_le_bytes());
        bytes[20] = self.file_type as u8;
        bytes
    }
}

/// An event of `poll_oneoff` (`event`, 32 bytes): the subscription's userdata at 0, error at 8,
/// type at 10; for a descriptor, the number of available bytes at 16 and flags at 24.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) userdata: u64,
    pub(crate) error: Errno,
    pub(crate) event_type: EventType,
    pub(crate) bytes: u64,
    pub(crate) flags: EventRwFlags,
}

impl Layout for Event {
    const SIZE: usize = 32;
    const ALIGN: u32 = 8;

    fn store(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        put(bytes, 0, self.userdata.to_le_bytes());
        put(bytes, 8, (self.error as u16).to_le_bytes());
        bytes[10] = self.event_type as u8;
        put(bytes, 16, self.bytes.to_le_bytes());
        put(bytes, 24, self.flags.bits().to_le_bytes());
    }

    fn show(bytes: &[u8]) -> String {
        let error = Errno::from_code(number::<2>(bytes, 8) as u16).map_or("?", Errno::name);
        let ty = EventType::from_code(number::<1>(bytes, 10) as u32).map_or("?", EventType::name);
        format!("{{{ty} userdata={:#x} {error} bytes={}}}", number::<8>(bytes, 0), number::<8>(bytes, 16))
    }
}

fn file_type(code: u64) -> &'static str {
    FileType::from_code(code as u32).map_or("?", FileType::name)
}

fn nanoseconds(seconds: i64, nanoseconds: impl Into<i128>) -> Timestamp {
    let total = i128::from(seconds) * 1_000_000_000 + nanoseconds.into();
    Timestamp(u64::try_from(total.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_out_of_range_become_the_nearest() {
        assert_eq!(nanoseconds(-1, 0u64), Timestamp(0));
        assert_eq!(nanoseconds(1, 5u64), Timestamp(1_000_000_005));
        assert_eq!(nanoseconds(i64::MAX, 999_999_999u64), Timestamp(u64::MAX));
        assert_eq!(nanoseconds(i64::MIN, 0u64), Timestamp(0));
    }

    #[test]
    fn each_preview_has_its_own_layout_of_filestat() {
        let stat = FileStat {
            nlink: 3,
            size: 5,
            times: [7, 8, 9].map(Timestamp),
            ..FileStat::unknown(FileType::Directory)
        };
        let (mut new, mut old) = ([0xff; 64], [0xff; 56]);
        stat.store(&mut new);
        stat.store_preview0(&mut old);
        assert_eq!(
            (new[16], number::<8>(&new, 24), number::<8>(&new, 32), number::<8>(&new, 56)),
            (3, 3, 5, 9)
        );
        assert_eq!(
            (old[16], number::<4>(&old, 20), number::<8>(&old, 24), number::<8>(&old, 48)),
            (3, 3, 5, 9)
        );
    }
}
