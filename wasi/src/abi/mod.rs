//! The specification's types, and the conversion between calls and Rust functions.

pub(crate) mod arg;
pub(crate) mod flags;
pub(crate) mod host_fn;
pub(crate) mod layout;

pub(crate) use arg::{Buffer, IoVecs, Out, Text};
pub(crate) use flags::{
    Advice, ClockId, EventRwFlags, EventType, FdFlags, FileType, FstFlags, LookupFlags, OFlags, RiFlags,
    RoFlags, SdFlags, SiFlags, SubclockFlags, Whence,
};
pub(crate) use layout::{Dirent, Event, Fd, FdStat, FileSize, FileStat, PreStat, Timestamp};
