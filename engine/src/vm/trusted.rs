//! Files whose contents are run as machine code.

use std::fs::File;

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

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}
