//! Limits on the bytes and the time that reading may take.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// The default limit on bytes.
const MAX_BYTES: u64 = 1 << 30;

/// The minimum for the files of a case, whatever `--max-memory` says: enough for ordinary cases.
const MIN_CASE_BYTES: u64 = 64 << 20;

/// The maximum size of a file of expectations.
const EXPECTATIONS: u64 = 64 << 20;

/// The limit on the entries of all folders of a suite, in bytes of memory. Enough for half a
/// million cases.
const LISTING: u64 = 256 << 20;

/// The cost of a folder that a symbolic link leads to, because links can multiply folders.
const LINK: u64 = 4 << 10;

/// The memory that an entry of a folder takes, apart from its path.
const ENTRY: u64 = 256;

/// A number of bytes that may still be read, and a deadline.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: u64,
    left: u64,
    deadline: Option<Instant>,
}

impl Default for Budget {
    /// 1 GiB, without a deadline.
    fn default() -> Budget {
        Budget::new(MAX_BYTES)
    }
}

impl Budget {
    /// Creates a budget of `limit` bytes.
    pub fn new(limit: u64) -> Budget {
        Budget { limit, left: limit, deadline: None }
    }

    /// The budget for the files of a case: as much memory as the guest or script may use
    /// (`--max-memory`), but at least 64 MiB and at most 1 GiB.
    pub fn of_case(max_memory: Option<u64>) -> Budget {
        Budget::new(max_memory.unwrap_or(MAX_BYTES).clamp(MIN_CASE_BYTES, MAX_BYTES))
    }

    /// The budget for a file of expectations.
    pub fn of_expectations() -> Budget {
        Budget::new(EXPECTATIONS)
    }

    /// The budget for listing the folders of a suite.
    pub(crate) fn of_listing() -> Budget {
        Budget::new(LISTING)
    }

    /// Sets a deadline.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Budget {
        Budget { deadline: Some(deadline), ..self }
    }

    /// Consumes bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if fewer bytes are left, or the deadline has passed.
    pub fn spend(&mut self, bytes: u64) -> io::Result<()> {
        self.check_time()?;
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(self.exceeded(None)),
        }
        Ok(())
    }

    /// Consumes the cost of an entry of a folder.
    ///
    /// # Errors
    ///
    /// Those of [`Budget::spend`].
    pub fn spend_entry(&mut self, path: &Path) -> io::Result<()> {
        self.spend(ENTRY + path.as_os_str().len() as u64)
    }

    /// Consumes the cost of a folder that a symbolic link leads to.
    pub(crate) fn spend_link(&mut self) -> io::Result<()> {
        self.spend(LINK)
    }

    /// Checks that a file of this length may be read.
    ///
    /// # Errors
    ///
    /// Returns an error if fewer bytes are left, or the deadline has passed.
    pub fn allow(&self, length: u64) -> io::Result<()> {
        self.check_time()?;
        if length > self.left {
            return Err(self.exceeded(Some(length)));
        }
        Ok(())
    }

    /// Checks the deadline.
    ///
    /// # Errors
    ///
    /// Returns an error if the deadline has passed.
    pub fn check_time(&self) -> io::Result<()> {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => {
                Err(io::Error::new(ErrorKind::TimedOut, "timed out"))
            }
            _ => Ok(()),
        }
    }

    /// The time left, limited to `most`.
    pub fn time(&self, most: Duration) -> Duration {
        self.deadline.map_or(most, |deadline| deadline.saturating_duration_since(Instant::now()).min(most))
    }

    /// Whether an error says that the deadline has passed.
    pub fn is_timeout(error: &io::Error) -> bool {
        error.kind() == ErrorKind::TimedOut
    }

    /// Whether an error says that too few bytes are left.
    pub fn is_exceeded(error: &io::Error) -> bool {
        error.kind() == ErrorKind::QuotaExceeded
    }

    fn exceeded(&self, file: Option<u64>) -> io::Error {
        let message = match file {
            Some(length) => format!("a file of {length} bytes exceeds the limit of {} bytes", self.limit),
            None => format!("exceeds the limit of {} bytes", self.limit),
        };
        io::Error::new(ErrorKind::QuotaExceeded, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_time_run_out() {
        let mut budget = Budget::new(1000);
        assert!(budget.allow(1000).is_ok() && Budget::is_exceeded(&budget.allow(1001).unwrap_err()));
        budget.spend(600).unwrap();
        assert!(budget.spend_entry(Path::new("a")).is_ok());
        let error = budget.spend(600).unwrap_err();
        assert_eq!(error.to_string(), "exceeds the limit of 1000 bytes");
        let late = Budget::new(10).until(Instant::now());
        assert!(Budget::is_timeout(&late.allow(1).unwrap_err()));
        assert_eq!(late.time(Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn the_budget_of_a_case_follows_its_memory_limit() {
        let limit = |max_memory| Budget::of_case(max_memory).limit;
        assert_eq!((limit(None), limit(Some(1))), (MAX_BYTES, MIN_CASE_BYTES));
        assert_eq!((limit(Some(100 << 20)), limit(Some(u64::MAX))), (100 << 20, MAX_BYTES));
    }
}
