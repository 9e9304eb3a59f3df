//! Processes that sleep, and have to be gone at the end of a test.

use std::fmt;

/// A command `sleep` that no other process of the machine has, whatever other tests run.
pub(crate) struct Sleep(String);

impl Sleep {
    /// A command that sleeps for this many seconds, and a little longer.
    pub(crate) fn new(seconds: u32) -> Sleep {
        Sleep(format!("{seconds}.{:010}", std::process::id()))
    }

    /// Whether such a process runs.
    pub(crate) fn is_running(&self) -> bool {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        lines.any(|line| line == format!("sleep\0{}\0", self.0).as_bytes())
    }
}

impl fmt::Display for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sleep {}", self.0)
    }
}
