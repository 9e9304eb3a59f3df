//! The specification's flags and enumerations, with their numbers.

use bitflags::bitflags;
use rustix::fs::FileType as SystemFileType;

use crate::errno::Errno;

bitflags! {
    /// The calls that a descriptor allows (`rights`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u64 {
        /// `fd_datasync`; with [`Rights::PATH_OPEN`], `path_open` with `dsync`.
        const FD_DATASYNC = 1 << 0;
        /// `fd_read`, `sock_recv`; with [`Rights::FD_SEEK`], `fd_pread`.
        const FD_READ = 1 << 1;
        /// `fd_seek`, which includes `fd_tell`.
        const FD_SEEK = 1 << 2;
        /// `fd_fdstat_set_flags`.
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        /// `fd_sync`; with [`Rights::PATH_OPEN`], `path_open` with `rsync` and `dsync`.
        const FD_SYNC = 1 << 4;
        /// `fd_tell`, and `fd_seek` that does not change the position.
        const FD_TELL = 1 << 5;
        /// `fd_write`, `sock_send`; with [`Rights::FD_SEEK`], `fd_pwrite`.
        const FD_WRITE = 1 << 6;
        /// `fd_advise`.
        const FD_ADVISE = 1 << 7;
        /// `fd_allocate`.
        const FD_ALLOCATE = 1 << 8;
        /// `path_create_directory`.
        const PATH_CREATE_DIRECTORY = 1 << 9;
        /// With [`Rights::PATH_OPEN`], `path_open` with `creat`.
        const PATH_CREATE_FILE = 1 << 10;
        /// `path_link` from this directory.
        const PATH_LINK_SOURCE = 1 << 11;
        /// `path_link` to this directory.
        const PATH_LINK_TARGET = 1 << 12;
        /// `path_open`.
        const PATH_OPEN = 1 << 13;
        /// `fd_readdir`.
        const FD_READDIR = 1 << 14;
        /// `path_readlink`.
        const PATH_READLINK = 1 << 15;
        /// `path_rename` from this directory.
        const PATH_RENAME_SOURCE = 1 << 16;
        /// `path_rename` to this directory.
        const PATH_RENAME_TARGET = 1 << 17;
        /// `path_filestat_get`.
        const PATH_FILESTAT_GET = 1 << 18;
        /// With [`Rights::PATH_OPEN`], `path_open` with `trunc`.
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        /// `path_filestat_set_times`.
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        /// `fd_filestat_get`.
        const FD_FILESTAT_GET = 1 << 21;
        /// `fd_filestat_set_size`.
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        /// `fd_filestat_set_times`.
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        /// `path_symlink`.
        const PATH_SYMLINK = 1 << 24;
        /// `path_remove_directory`.
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        /// `path_unlink_file`.
        const PATH_UNLINK_FILE = 1 << 26;
        /// With [`Rights::FD_READ`] or [`Rights::FD_WRITE`], `poll_oneoff` for reading or writing.
        const POLL_FD_READWRITE = 1 << 27;
        /// `sock_shutdown`.
        const SOCK_SHUTDOWN = 1 << 28;
        /// `sock_accept`.
        const SOCK_ACCEPT = 1 << 29;
    }

    /// The flags of a descriptor (`fdflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct FdFlags: u16 {
        const APPEND = 1 << 0;
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        const RSYNC = 1 << 3;
        const SYNC = 1 << 4;
    }

    /// How `path_open` opens (`oflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct OFlags: u16 {
        const CREAT = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCL = 1 << 2;
        const TRUNC = 1 << 3;
    }

    /// How a path is resolved (`lookupflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct LookupFlags: u32 {
        const SYMLINK_FOLLOW = 1 << 0;
    }

    /// Which times to set, and to what (`fstflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct FstFlags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }

    /// How `sock_recv` receives (`riflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct RiFlags: u16 {
        const RECV_PEEK = 1 << 0;
        const RECV_WAITALL = 1 << 1;
    }

    /// What `sock_recv` reports about a message (`roflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct RoFlags: u16 {
        const RECV_DATA_TRUNCATED = 1 << 0;
    }

    /// How `sock_send` sends (`siflags`); no flag is defined.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct SiFlags: u16 {}

    /// The directions that `sock_shutdown` closes (`sdflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct SdFlags: u8 {
        const RD = 1 << 0;
        const WR = 1 << 1;
    }

    /// How the timeout of a clock subscription is given (`subclockflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct SubclockFlags: u16 {
        const ABSTIME = 1 << 0;
    }

    /// The state of a descriptor in an event (`eventrwflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct EventRwFlags: u16 {
        const HANGUP = 1 << 0;
    }
}

/// A fieldless enumeration with the specification's numbers and names. Other numbers are INVAL.
macro_rules! enumeration {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$case_doc:meta])* $variant:ident = $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        $vis enum $name { $($(#[$case_doc])* $variant = $code,)* }

        impl $name {
            /// The value with this number.
            pub(crate) fn from_code(code: u32) -> Result<$name, Errno> {
                match code {
                    $($code => Ok($name::$variant),)*
                    _ => Err(Errno::Inval),
                }
            }

            /// The specification's name of the value, in capitals.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }
        }
    };
}

enumeration! {
    /// A clock (`clockid`).
    pub enum ClockId {
        /// Time since 1970-01-01T00:00:00Z.
        Realtime = 0 "REALTIME",
        /// Time since an unspecified moment, which never goes back.
        Monotonic = 1 "MONOTONIC",
        /// Processor time of the process that runs the guest.
        ProcessCpuTime = 2 "PROCESS_CPUTIME_ID",
        /// Processor time of the thread that runs the guest.
        ThreadCpuTime = 3 "THREAD_CPUTIME_ID",
    }
}

enumeration! {
    /// The type of what a descriptor refers to (`filetype`).
    pub(crate) enum FileType {
        Unknown = 0 "UNKNOWN",
        BlockDevice = 1 "BLOCK_DEVICE",
        CharacterDevice = 2 "CHARACTER_DEVICE",
        Directory = 3 "DIRECTORY",
        RegularFile = 4 "REGULAR_FILE",
        SocketDgram = 5 "SOCKET_DGRAM",
        SocketStream = 6 "SOCKET_STREAM",
        SymbolicLink = 7 "SYMBOLIC_LINK",
    }
}

enumeration! {
    /// The expected access pattern of a file (`advice`).
    pub(crate) enum Advice {
        Normal = 0 "NORMAL",
        Sequential = 1 "SEQUENTIAL",
        Random = 2 "RANDOM",
        WillNeed = 3 "WILLNEED",
        DontNeed = 4 "DONTNEED",
        NoReuse = 5 "NOREUSE",
    }
}

enumeration! {
    /// The kind of a subscription (`eventtype`).
    pub(crate) enum EventType {
        Clock = 0 "CLOCK",
        FdRead = 1 "FD_READ",
        FdWrite = 2 "FD_WRITE",
    }
}

enumeration! {
    /// What an offset is relative to (`whence`).
    pub(crate) enum Whence {
        Set = 0 "SET",
        Cur = 1 "CUR",
        End = 2 "END",
    }
}

impl From<SystemFileType> for FileType {
    /// A FIFO has no type in WASI. The mode does not say which kind a socket is; most are streams.
    fn from(ty: SystemFileType) -> FileType {
        match ty {
            SystemFileType::RegularFile => FileType::RegularFile,
            SystemFileType::Directory => FileType::Directory,
            SystemFileType::Symlink => FileType::SymbolicLink,
            SystemFileType::Socket => FileType::SocketStream,
            SystemFileType::CharacterDevice => FileType::CharacterDevice,
            SystemFileType::BlockDevice => FileType::BlockDevice,
            _ => FileType::Unknown,
        }
    }
}

impl Rights {
    /// The access mode of a descriptor (`O_RDONLY`, `O_WRONLY`, `O_RDWR` in POSIX).
    pub(crate) const ACCESS: Rights = Rights::FD_READ.union(Rights::FD_WRITE);

    /// The rights that apply to a directory.
    pub(crate) const DIRECTORY: Rights = Rights::FD_FDSTAT_SET_FLAGS
        .union(Rights::FD_ADVISE)
        .union(Rights::FD_DATASYNC)
        .union(Rights::FD_SYNC)
        .union(Rights::FD_READDIR)
        .union(Rights::FD_FILESTAT_GET)
        .union(Rights::FD_FILESTAT_SET_TIMES)
        .union(Rights::PATH_CREATE_DIRECTORY)
        .union(Rights::PATH_CREATE_FILE)
        .union(Rights::PATH_LINK_SOURCE)
        .union(Rights::PATH_LINK_TARGET)
        .union(Rights::PATH_OPEN)
        .union(Rights::PATH_READLINK)
        .union(Rights::PATH_RENAME_SOURCE)
        .union(Rights::PATH_RENAME_TARGET)
        .union(Rights::PATH_FILESTAT_GET)
        .union(Rights::PATH_FILESTAT_SET_SIZE)
        .union(Rights::PATH_FILESTAT_SET_TIMES)
        .union(Rights::PATH_SYMLINK)
        .union(Rights::PATH_REMOVE_DIRECTORY)
        .union(Rights::PATH_UNLINK_FILE);

    /// The rights that apply to a regular file.
    pub(crate) const FILE: Rights = Rights::STREAM
        .union(Rights::FD_SEEK)
        .union(Rights::FD_TELL)
        .union(Rights::FD_ALLOCATE)
        .union(Rights::FD_FILESTAT_SET_SIZE);

    /// The rights that apply to a terminal or pipe. As in POSIX, some of the calls do nothing or
    /// fail.
    pub(crate) const STREAM: Rights = Rights::ACCESS
        .union(Rights::FD_ADVISE)
        .union(Rights::FD_DATASYNC)
        .union(Rights::FD_FDSTAT_SET_FLAGS)
        .union(Rights::FD_FILESTAT_GET)
        .union(Rights::FD_FILESTAT_SET_TIMES)
        .union(Rights::FD_SYNC)
        .union(Rights::POLL_FD_READWRITE);

    /// The rights that apply to a connected socket.
    pub(crate) const SOCKET: Rights = Rights::STREAM.union(Rights::SOCK_SHUTDOWN);

    /// The rights that apply to a listening socket. Waiting for a connection is waiting for
    /// reading.
    pub(crate) const LISTENER: Rights =
        Rights::STREAM.difference(Rights::FD_WRITE).union(Rights::SOCK_ACCEPT);

    /// The rights that read-only access excludes, from the preopened directory and from everything
    /// opened through it. They include the source of a link, because the file could be written
    /// through a second name elsewhere.
    pub(crate) const CHANGES: Rights = Rights::FD_WRITE
        .union(Rights::FD_ALLOCATE)
        .union(Rights::FD_FILESTAT_SET_SIZE)
        .union(Rights::FD_FILESTAT_SET_TIMES)
        .union(Rights::PATH_CREATE_DIRECTORY)
        .union(Rights::PATH_CREATE_FILE)
        .union(Rights::PATH_LINK_SOURCE)
        .union(Rights::PATH_LINK_TARGET)
        .union(Rights::PATH_RENAME_SOURCE)
        .union(Rights::PATH_RENAME_TARGET)
        .union(Rights::PATH_FILESTAT_SET_SIZE)
        .union(Rights::PATH_FILESTAT_SET_TIMES)
        .union(Rights::PATH_SYMLINK)
        .union(Rights::PATH_REMOVE_DIRECTORY)
        .union(Rights::PATH_UNLINK_FILE);

    /// A request for any of these rights is a request to open for writing. Libraries request
    /// [`Rights::FD_ALLOCATE`] only for writing, and some request it without [`Rights::FD_WRITE`]
    /// if the directory does not pass that on.
    pub(crate) const WRITING: Rights = Rights::FD_WRITE.union(Rights::FD_ALLOCATE);

    /// The rights that apply to a descriptor of this type.
    pub(crate) fn of(ty: FileType) -> Rights {
        match ty {
            FileType::Directory => Rights::DIRECTORY,
            FileType::RegularFile | FileType::BlockDevice => Rights::FILE,
            FileType::SocketDgram | FileType::SocketStream => Rights::SOCKET,
            FileType::CharacterDevice | FileType::Unknown | FileType::SymbolicLink => Rights::STREAM,
        }
    }
}
