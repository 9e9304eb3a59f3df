//! Files whose contents are run as machine code.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::FromRawFd;

/// A file with machine code that the process can run.
///
/// Code of the engine is not checked: it can do everything that the process can. Checksums in the
/// file detect damage, but not changes by somebody who computes them again.
#[derive(Debug)]
pub struct TrustedFile(File);

impl TrustedFile {
    /// Declares a file as trusted.
    ///
    /// # Safety
    ///
    /// The file was written by this engine, and only those who could run any code in this process
    /// anyway were able to change it since then. Damaged files are allowed, and files of other
    /// versions and machines.
    pub unsafe fn new(file: File) -> TrustedFile {
        TrustedFile(file)
    }

    /// A file in memory with these bytes, which were created by this process and are not accessible
    /// to others.
    pub(crate) fn of_this_process(bytes: &[u8]) -> io::Result<TrustedFile> {
        // SAFETY: the name is a string with its end.
        let file = unsafe { libc::memfd_create(c"wassay-object".as_ptr(), libc::MFD_CLOEXEC) };
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is open, and nothing else owns it.
        let mut file = unsafe { File::from_raw_fd(file) };
        file.write_all(bytes)?;
        Ok(TrustedFile(file))
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}
