//! The specification's types.

pub(crate) mod flags;
pub(crate) mod layout;
pub(crate) mod pointer;

pub(crate) use flags::{
    Advice, ClockId, EventRwFlags, EventType, FdFlags, FileType, FstFlags, LookupFlags, OFlags, RiFlags,
    RoFlags, SdFlags, SiFlags, SubclockFlags, Whence,
};
pub(crate) use layout::{Dirent, Event, Fd, FdStat, FileSize, FileStat, PreStat, Timestamp};
pub(crate) use pointer::{Address, Buffer, IoVecs, Out, Text};
