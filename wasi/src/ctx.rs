//! The context of a guest: its arguments, environment and descriptors, and the builder for it.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::OFlags as SystemFlags;
use rustix::net::SocketType;
use rustix::net::sockopt::socket_type;
use wassay_engine::{Instance, Memory};

use crate::abi::flags::Rights;
use crate::abi::{ClockId, FdFlags, FileType};
use crate::entry::{Access, Directory, Entry, Inherited, Kind, Listener};
use crate::stdio::{Capture, Input};
use crate::table::Table;
use crate::trace::Observer;

/// The resources of one guest: arguments, environment and descriptors. The guest can access nothing
/// else.
///
/// It is the [data](wassay_engine::Store::with_data) of the guest's store, or a part of it.
pub struct WasiCtx {
    pub(crate) args: Strings,
    pub(crate) environ: Strings,
    pub(crate) table: Table,
    pub(crate) clocks: Option<Box<dyn Clocks>>,
    pub(crate) random: Option<Random>,
    pub(crate) observer: Option<Observer>,
    /// The instance that called last, and the memory it exports. Saves a lookup for each call.
    pub(crate) memory: Option<(Instance, Memory)>,
}

/// Builds a [`WasiCtx`].
///
/// ```
/// # use wassay_wasi::{Access, Capture, WasiCtx};
/// let out = Capture::new(1 << 20);
/// let ctx = WasiCtx::builder()
///     .args(["program", "--verbose"])
///     .env("HOME", "/")
///     .preopen(std::env::temp_dir(), "/", Access::ReadOnly)?
///     .stdin_bytes("one\ntwo\n")
///     .capture_stdout(&out)
///     .inherit_stderr()
///     .build()?;
/// # drop(ctx);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    environ: Vec<Vec<u8>>,
    stdio: [Entry; 3],
    preopens: Vec<Entry>,
    listeners: Vec<Entry>,
    descriptors: usize,
    clocks: Option<Box<dyn Clocks>>,
    random: Option<Random>,
    observer: Option<Observer>,
    invalid: Option<String>,
}

/// Clocks to use instead of the system's. Blocking calls always use the system's time.
pub trait Clocks: Send {
    /// The resolution of the clock in nanoseconds.
    fn resolution(&self, clock: ClockId) -> u64;

    /// The current time of the clock in nanoseconds.
    fn now(&self, clock: ClockId) -> u64;
}

/// Fills a buffer with random bytes.
type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// Strings in the format of `args_get` and `environ_get`.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// All strings, each terminated by a NUL.
    pub(crate) bytes: Vec<u8>,
    /// The offset of each string in `bytes`.
    pub(crate) starts: Vec<u32>,
}

impl WasiCtx {
    /// The default limit on a guest's open descriptors.
    pub const DESCRIPTORS: usize = 16_384;

    /// Creates a builder for a guest without arguments, variables or preopened directories. Its
    /// standard input is empty; its standard output and error are discarded.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder {
            args: Vec::new(),
            environ: Vec::new(),
            stdio: [input(Vec::new()), output(None), output(None)],
            preopens: Vec::new(),
            listeners: Vec::new(),
            descriptors: WasiCtx::DESCRIPTORS,
            clocks: None,
            random: None,
            observer: None,
            invalid: None,
        }
    }
}

impl AsMut<WasiCtx> for WasiCtx {
    fn as_mut(&mut self) -> &mut WasiCtx {
        self
    }
}

impl WasiCtxBuilder {
    /// Adds an argument. By convention, the first is the name of the program.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> WasiCtxBuilder {
        self.args.push(arg.as_ref().as_encoded_bytes().to_vec());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> WasiCtxBuilder {
        args.into_iter().fold(self, WasiCtxBuilder::arg)
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> WasiCtxBuilder {
        let (name, value) = (name.as_ref().as_encoded_bytes(), value.as_ref().as_encoded_bytes());
        if name.is_empty() || name.contains(&b'=') {
            let name = String::from_utf8_lossy(name).into_owned();
            self.invalid.get_or_insert(format!(
                "invalid environment variable name `{name}`: it must not be empty or contain `=`"
            ));
        }
        self.environ.push([name, b"=", value].concat());
        self
    }

    /// Preopens a host directory for the guest under the name `guest`. Preopened directories get
    /// descriptors from 3 on, in order.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be opened.
    pub fn preopen(
        mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: Access,
    ) -> io::Result<WasiCtxBuilder> {
        let host = host.as_ref();
        let dir = Dir::open_ambient_dir(host, ambient_authority()).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot open the directory `{}`: {error}", host.display()))
        })?;
        let denied = match access {
            Access::ReadWrite => Rights::empty(),
            Access::ReadOnly => Rights::CHANGES,
        };
        self.preopens.push(Entry {
            grant: access,
            base: Rights::DIRECTORY.difference(denied),
            // wasi-libc masks the rights it requests with these. It requests FD_ALLOCATE only for
            // writing. Passing that on lets `path_open` recognise a request to write and refuse it
            // at once; since FD_WRITE is missing, wasi-libc's `access(2)` reports the file as not
            // writable.
            inheriting: Rights::DIRECTORY.union(Rights::FILE).difference(denied).union(Rights::FD_ALLOCATE),
            preopen: Some(guest.into().into()),
            ..Entry::new(Kind::Directory(Directory::new(dir)), FileType::Directory)
        });
        Ok(self)
    }

    /// Gives the guest a listening socket. Listeners get the descriptors after the preopened
    /// directories, in order.
    ///
    /// If the socket is nonblocking (`O_NONBLOCK`), the guest sees that in its flags; runtimes with
    /// an event loop, such as Go's, check them. Until the guest has read or set the flags,
    /// `sock_accept` blocks, which is the default of POSIX. The socket itself becomes nonblocking
    /// in any case; blocking calls poll first.
    #[must_use]
    pub fn listener(mut self, listener: impl Into<OwnedFd>) -> WasiCtxBuilder {
        let socket = listener.into();
        let flags = flags_of(socket.as_fd()).intersection(FdFlags::NONBLOCK);
        // If this fails, a connection that is reset between poll and accept only delays the guest.
        let _ = rustix::io::ioctl_fionbio(&socket, true);
        let listener = Listener { socket, flags_known: false };
        self.listeners.push(Entry {
            base: Rights::LISTENER,
            inheriting: Rights::SOCKET,
            flags,
            ..Entry::new(Kind::Listener(listener), FileType::SocketStream)
        });
        self
    }

    /// Gives the guest the host's standard input, output and error.
    #[must_use]
    pub fn inherit_stdio(self) -> WasiCtxBuilder {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest the host's standard input.
    #[must_use]
    pub fn inherit_stdin(mut self) -> WasiCtxBuilder {
        self.stdio[0] = inherited(rustix::stdio::stdin(), Rights::FD_READ);
        self
    }

    /// Gives the guest the host's standard output.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the stream belongs to the guest")]
    pub fn inherit_stdout(mut self) -> WasiCtxBuilder {
        self.stdio[1] = inherited(rustix::stdio::stdout(), Rights::FD_WRITE);
        self
    }

    /// Gives the guest the host's standard error.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the stream belongs to the guest")]
    pub fn inherit_stderr(mut self) -> WasiCtxBuilder {
        self.stdio[2] = inherited(rustix::stdio::stderr(), Rights::FD_WRITE);
        self
    }

    /// Uses these bytes as the guest's standard input.
    #[must_use]
    pub fn stdin_bytes(mut self, bytes: impl Into<Vec<u8>>) -> WasiCtxBuilder {
        self.stdio[0] = input(bytes.into());
        self
    }

    /// Uses an open file, pipe or socket as the guest's standard input.
    #[must_use]
    pub fn stdin_file(mut self, file: impl Into<OwnedFd>) -> WasiCtxBuilder {
        self.stdio[0] = owned(file.into(), Rights::FD_READ);
        self
    }

    /// Captures the guest's standard output.
    #[must_use]
    pub fn capture_stdout(mut self, capture: &Capture) -> WasiCtxBuilder {
        self.stdio[1] = output(Some(capture.clone()));
        self
    }

    /// Captures the guest's standard error.
    #[must_use]
    pub fn capture_stderr(mut self, capture: &Capture) -> WasiCtxBuilder {
        self.stdio[2] = output(Some(capture.clone()));
        self
    }

    /// Uses an open file, pipe or socket as the guest's standard output.
    #[must_use]
    pub fn stdout_file(mut self, file: impl Into<OwnedFd>) -> WasiCtxBuilder {
        self.stdio[1] = owned(file.into(), Rights::FD_WRITE);
        self
    }

    /// Uses an open file, pipe or socket as the guest's standard error.
    #[must_use]
    pub fn stderr_file(mut self, file: impl Into<OwnedFd>) -> WasiCtxBuilder {
        self.stdio[2] = owned(file.into(), Rights::FD_WRITE);
        self
    }

    /// Limits the guest's open descriptors; opening one more fails with MFILE. Default:
    /// [`WasiCtx::DESCRIPTORS`].
    #[must_use]
    pub fn descriptors(mut self, limit: usize) -> WasiCtxBuilder {
        self.descriptors = limit;
        self
    }

    /// Replaces the system's clocks.
    #[must_use]
    pub fn clocks(mut self, clocks: impl Clocks + 'static) -> WasiCtxBuilder {
        self.clocks = Some(Box::new(clocks));
        self
    }

    /// Replaces the system's source of random bytes.
    #[must_use]
    pub fn random(mut self, fill: impl FnMut(&mut [u8]) + Send + 'static) -> WasiCtxBuilder {
        self.random = Some(Box::new(fill));
        self
    }

    /// Calls an observer after each WASI call.
    #[must_use]
    pub fn observer(
        mut self,
        observer: impl FnMut(&crate::trace::CallRecord) + Send + 'static,
    ) -> WasiCtxBuilder {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Builds the context.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument or variable contains a NUL, if a variable name is empty or
    /// contains `=`, or if there are more descriptors than the guest may have.
    pub fn build(self) -> io::Result<WasiCtx> {
        if let Some(invalid) = self.invalid {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, invalid));
        }
        let mut table = Table::new(self.descriptors, self.stdio);
        let too_many =
            || io::Error::new(io::ErrorKind::InvalidInput, "more descriptors than the guest's limit");
        if self.descriptors < 3 {
            return Err(too_many());
        }
        for entry in self.preopens.into_iter().chain(self.listeners) {
            table.insert(entry).map_err(|_| too_many())?;
        }
        Ok(WasiCtx {
            args: Strings::new(&self.args)?,
            environ: Strings::new(&self.environ)?,
            table,
            clocks: self.clocks,
            random: self.random,
            observer: self.observer,
            memory: None,
        })
    }
}

impl Strings {
    fn new(strings: &[Vec<u8>]) -> io::Result<Strings> {
        let mut result = Strings::default();
        for string in strings {
            let invalid = |what: &str| {
                let text = format!("{what}: {:?}", String::from_utf8_lossy(string));
                io::Error::new(io::ErrorKind::InvalidInput, text)
            };
            if string.contains(&0) {
                return Err(invalid("NUL in an argument or environment variable"));
            }
            let start = u32::try_from(result.bytes.len());
            result
                .starts
                .push(start.map_err(|_| invalid("more than 4 GiB of arguments or environment variables"))?);
            result.bytes.extend_from_slice(string);
            result.bytes.push(0);
        }
        Ok(result)
    }
}

fn input(bytes: Vec<u8>) -> Entry {
    Entry::new(Kind::Input(Input::new(bytes)), FileType::Unknown).opened_for(Rights::FD_READ)
}

fn output(capture: Option<Capture>) -> Entry {
    Entry::new(Kind::Output(capture), FileType::Unknown).opened_for(Rights::FD_WRITE)
}

/// An entry for a standard stream of the host. The guest may not change the size or times of what
/// it refers to.
fn inherited(fd: BorrowedFd<'static>, mode: Rights) -> Entry {
    let flags = flags_of(fd);
    let nonblocking = flags.contains(FdFlags::NONBLOCK);
    let kind = Kind::Inherited(Inherited { fd, nonblocking });
    let mut entry = Entry { flags, ..Entry::new(kind, file_type(fd)).opened_for(mode) };
    entry.base.remove(
        Rights::FD_FILESTAT_SET_SIZE
            | Rights::FD_FILESTAT_SET_TIMES
            | Rights::FD_ALLOCATE
            | Rights::SOCK_SHUTDOWN,
    );
    entry
}

fn owned(fd: OwnedFd, mode: Rights) -> Entry {
    let (flags, ty) = (flags_of(fd.as_fd()), file_type(fd.as_fd()));
    Entry { flags, ..Entry::new(Kind::System(fd), ty).opened_for(mode) }
}

/// The flags of a system descriptor that a guest can change.
fn flags_of(fd: BorrowedFd<'_>) -> FdFlags {
    let system = rustix::fs::fcntl_getfl(fd).unwrap_or(SystemFlags::empty());
    let mut flags = FdFlags::empty();
    flags.set(FdFlags::APPEND, system.contains(SystemFlags::APPEND));
    flags.set(FdFlags::NONBLOCK, system.contains(SystemFlags::NONBLOCK));
    flags
}

fn file_type(fd: BorrowedFd<'_>) -> FileType {
    let Ok(stat) = rustix::fs::fstat(fd) else { return FileType::Unknown };
    match rustix::fs::FileType::from_raw_mode(stat.st_mode).into() {
        FileType::SocketStream if socket_type(fd) == Ok(SocketType::DGRAM) => FileType::SocketDgram,
        ty => ty,
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx").field("table", &self.table).finish_non_exhaustive()
    }
}

impl fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtxBuilder").field("preopens", &self.preopens).finish_non_exhaustive()
    }
}
