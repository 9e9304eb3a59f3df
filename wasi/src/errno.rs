//! WASI error numbers, and the conversion from the system's.

use std::fmt;
use std::io;

macro_rules! errnos {
    ($($(#[$attribute:meta])* $variant:ident = $code:literal $name:literal $(= $($system:ident)|+)?, $doc:literal;)*) => {
        /// A WASI error (`errno` in the specification).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Errno {
            $($(#[$attribute])* #[doc = $doc] $variant = $code,)*
        }

        impl Errno {
            /// The specification's name of the error, in capitals.
            pub fn name(self) -> &'static str {
                match self {
                    $(Errno::$variant => $name,)*
                }
            }

            /// The error with this number.
            pub fn from_code(code: u16) -> Option<Errno> {
                match code {
                    $($code => Some(Errno::$variant),)*
                    _ => None,
                }
            }
        }

        impl From<rustix::io::Errno> for Errno {
            fn from(error: rustix::io::Errno) -> Errno {
                match error {
                    $($($(rustix::io::Errno::$system)|+ => Errno::$variant,)?)*
                    _ => Errno::Io,
                }
            }
        }
    };
}

errnos! {
    #[default]
    Success = 0 "SUCCESS", "No error.";
    TooBig = 1 "2BIG" = TOOBIG, "Argument list too long.";
    Acces = 2 "ACCES" = ACCESS, "Permission denied.";
    AddrInUse = 3 "ADDRINUSE" = ADDRINUSE, "Address in use.";
    AddrNotAvail = 4 "ADDRNOTAVAIL" = ADDRNOTAVAIL, "Address not available.";
    AfNoSupport = 5 "AFNOSUPPORT" = AFNOSUPPORT, "Address family not supported.";
    Again = 6 "AGAIN" = AGAIN, "Resource unavailable, or operation would block.";
    Already = 7 "ALREADY" = ALREADY, "Connection already in progress.";
    Badf = 8 "BADF" = BADF, "Bad file descriptor.";
    BadMsg = 9 "BADMSG" = BADMSG, "Bad message.";
    Busy = 10 "BUSY" = BUSY, "Device or resource busy.";
    Canceled = 11 "CANCELED" = CANCELED, "Operation canceled.";
    Child = 12 "CHILD" = CHILD, "No child processes.";
    ConnAborted = 13 "CONNABORTED" = CONNABORTED, "Connection aborted.";
    ConnRefused = 14 "CONNREFUSED" = CONNREFUSED, "Connection refused.";
    ConnReset = 15 "CONNRESET" = CONNRESET, "Connection reset.";
    DeadLk = 16 "DEADLK" = DEADLK, "Resource deadlock would occur.";
    DestAddrReq = 17 "DESTADDRREQ" = DESTADDRREQ, "Destination address required.";
    Dom = 18 "DOM" = DOM, "Argument out of the function's domain.";
    Dquot = 19 "DQUOT" = DQUOT, "Quota exceeded.";
    Exist = 20 "EXIST" = EXIST, "File exists.";
    Fault = 21 "FAULT" = FAULT, "Bad address.";
    Fbig = 22 "FBIG" = FBIG, "File too large.";
    HostUnreach = 23 "HOSTUNREACH" = HOSTUNREACH, "Host is unreachable.";
    Idrm = 24 "IDRM" = IDRM, "Identifier removed.";
    Ilseq = 25 "ILSEQ" = ILSEQ, "Illegal byte sequence.";
    InProgress = 26 "INPROGRESS" = INPROGRESS, "Operation in progress.";
    Intr = 27 "INTR" = INTR, "Interrupted function.";
    Inval = 28 "INVAL" = INVAL, "Invalid argument.";
    Io = 29 "IO" = IO, "I/O error.";
    IsConn = 30 "ISCONN" = ISCONN, "Socket is connected.";
    IsDir = 31 "ISDIR" = ISDIR, "Is a directory.";
    Loop = 32 "LOOP" = LOOP, "Too many levels of symbolic links.";
    Mfile = 33 "MFILE" = MFILE, "Too many open descriptors.";
    Mlink = 34 "MLINK" = MLINK, "Too many links.";
    MsgSize = 35 "MSGSIZE" = MSGSIZE, "Message too large.";
    MultiHop = 36 "MULTIHOP" = MULTIHOP, "Reserved.";
    NameTooLong = 37 "NAMETOOLONG" = NAMETOOLONG, "Filename too long.";
    NetDown = 38 "NETDOWN" = NETDOWN, "Network is down.";
    NetReset = 39 "NETRESET" = NETRESET, "Connection aborted by the network.";
    NetUnreach = 40 "NETUNREACH" = NETUNREACH, "Network unreachable.";
    Nfile = 41 "NFILE" = NFILE, "Too many files open in the system.";
    NoBufs = 42 "NOBUFS" = NOBUFS, "No buffer space available.";
    NoDev = 43 "NODEV" = NODEV, "No such device.";
    NoEnt = 44 "NOENT" = NOENT, "No such file or directory.";
    NoExec = 45 "NOEXEC" = NOEXEC, "Executable file format error.";
    NoLck = 46 "NOLCK" = NOLCK, "No locks available.";
    NoLink = 47 "NOLINK" = NOLINK, "Reserved.";
    NoMem = 48 "NOMEM" = NOMEM, "Not enough space.";
    NoMsg = 49 "NOMSG" = NOMSG, "No message of the desired type.";
    NoProtoOpt = 50 "NOPROTOOPT" = NOPROTOOPT, "Protocol not available.";
    NoSpc = 51 "NOSPC" = NOSPC, "No space left on device.";
    NoSys = 52 "NOSYS" = NOSYS, "Function not supported.";
    NotConn = 53 "NOTCONN" = NOTCONN, "The socket is not connected.";
    NotDir = 54 "NOTDIR" = NOTDIR, "Not a directory.";
    NotEmpty = 55 "NOTEMPTY" = NOTEMPTY, "Directory not empty.";
    NotRecoverable = 56 "NOTRECOVERABLE" = NOTRECOVERABLE, "State not recoverable.";
    NotSock = 57 "NOTSOCK" = NOTSOCK, "Not a socket.";
    NotSup = 58 "NOTSUP" = NOTSUP, "Not supported, or operation not supported on socket.";
    NotTy = 59 "NOTTY" = NOTTY, "Inappropriate I/O control operation.";
    Nxio = 60 "NXIO" = NXIO, "No such device or address.";
    Overflow = 61 "OVERFLOW" = OVERFLOW, "Value too large to be stored in its type.";
    OwnerDead = 62 "OWNERDEAD" = OWNERDEAD, "Previous owner died.";
    Perm = 63 "PERM" = PERM, "Operation not permitted.";
    Pipe = 64 "PIPE" = PIPE, "Broken pipe.";
    Proto = 65 "PROTO" = PROTO, "Protocol error.";
    ProtoNoSupport = 66 "PROTONOSUPPORT" = PROTONOSUPPORT, "Protocol not supported.";
    Prototype = 67 "PROTOTYPE" = PROTOTYPE, "Protocol wrong type for socket.";
    Range = 68 "RANGE" = RANGE, "Result too large.";
    Rofs = 69 "ROFS" = ROFS, "Read-only file system.";
    Spipe = 70 "SPIPE" = SPIPE, "Invalid seek.";
    Srch = 71 "SRCH" = SRCH, "No such process.";
    Stale = 72 "STALE" = STALE, "Reserved.";
    TimedOut = 73 "TIMEDOUT" = TIMEDOUT, "Connection timed out.";
    TxtBsy = 74 "TXTBSY" = TXTBSY, "Text file busy.";
    Xdev = 75 "XDEV" = XDEV, "Cross-device link.";
    NotCapable = 76 "NOTCAPABLE", "The descriptor lacks a right, or the path leads out of its directory.";
}

impl Errno {
    /// Converts an I/O error. cap-std reports a path that leads out of its directory as "permission
    /// denied" without a system error number.
    pub(crate) fn from_io(error: &io::Error) -> Errno {
        match rustix::io::Errno::from_io_error(error) {
            Some(errno) => errno.into(),
            None if error.kind() == io::ErrorKind::PermissionDenied => Errno::NotCapable,
            None if error.kind() == io::ErrorKind::InvalidInput => Errno::Inval,
            None => Errno::Io,
        }
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        Errno::from_io(&error)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_its_error() {
        for code in 0..=76 {
            assert_eq!(Errno::from_code(code).unwrap() as u16, code);
        }
        assert_eq!(Errno::from_code(77), None);
    }

    #[test]
    fn permission_denied_without_a_system_number_is_an_escape() {
        assert_eq!(Errno::from(io::Error::from_raw_os_error(13)), Errno::Acces);
        assert_eq!(
            Errno::from(io::Error::new(io::ErrorKind::PermissionDenied, "outside")),
            Errno::NotCapable
        );
        assert_eq!(Errno::from(io::Error::other("?")), Errno::Io);
    }
}
