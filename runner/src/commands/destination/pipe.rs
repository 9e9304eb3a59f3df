//! Writes to FIFOs and devices.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::time::Timespec;

/// How long to wait for a reader to open the FIFO, and to read more.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often to check for a reader.
const TICK: Duration = Duration::from_millis(20);

/// Writes to a FIFO or a device as long as it has a reader.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    send(&mut open(path)?, bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let until = Instant::now() + PATIENCE;
    let file = loop {
        match File::options().write(true).custom_flags(flags.bits().cast_signed()).open(path) {
            // There is no reader (`fifo(7)`).
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                if Instant::now() >= until {
                    return Err(io::Error::other(format!(
                        "no process opened it for reading within {PATIENCE:?}"
                    )));
                }
                thread::sleep(TICK);
            }
            opened => break opened?,
        }
    };
    let kind = file.metadata()?.file_type();
    if !(kind.is_fifo() || kind.is_char_device()) {
        return Err(io::Error::other("it was replaced while the command ran"));
    }
    Ok(file)
}

fn send(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(file)?,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                return Err(io::Error::new(ErrorKind::BrokenPipe, "its reader closed it before the end"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until something can be written.
fn wait(file: &File) -> io::Result<()> {
    let time = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&time)) {
        Ok(0) => Err(io::Error::other(format!("its reader did not read for {PATIENCE:?}"))),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
