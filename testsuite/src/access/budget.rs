//! How much may be read, and until when.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How many bytes may be read where nothing else is said.
const MOST: u64 = 1 << 30;

/// How many bytes the files of a case may have however little memory it is given: the least with which ordinary cases work.
const LEAST: u64 = 64 << 20;

/// How many bytes a file of expectations may have.
const EXPECTATIONS: u64 = 64 << 20;

/// How many bytes the entries of all folders of a suite may take. It is enough for half a million cases.
const LISTING: u64 = 256 << 20;

/// What a folder that a link leads to takes of that: links can multiply.
const LINK: u64 = 4 << 10;

/// How many bytes an entry of a folder takes in memory, beside its path.
const ENTRY: u64 = 256;

/// How many bytes may still be read, and until when.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: u64,
    left: u64,
    deadline: Option<Instant>,
}

impl Default for Budget {
    /// 1 GiB, and all the time that it takes.
    fn default() -> Budget {
        Budget::new(MOST)
    }
}

impl Budget {
    /// So many bytes.
    pub fn new(limit: u64) -> Budget {
        Budget { limit, left: limit, deadline: None }
    }

    /// What the files of a case may take: as much as its guest or script (`--max-memory`), but at least 64 MiB, and at most 1 GiB.
    pub fn of_case(max_memory: Option<u64>) -> Budget {
        Budget::new(max_memory.unwrap_or(MOST).clamp(LEAST, MOST))
    }

    /// What a file of expectations may have.
    pub fn of_expectations() -> Budget {
        Budget::new(EXPECTATIONS)
    }

    /// What the entries of the folders of a suite may take.
    pub(crate) fn of_listing() -> Budget {
        Budget::new(LISTING)
    }

    /// The same, until a deadline.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Budget {
        Budget { deadline: Some(deadline), ..self }
    }

    /// Takes bytes out of it.
    ///
    /// # Errors
    ///
    /// There are not so many left, or the time is over.
    pub fn spend(&mut self, bytes: u64) -> io::Result<()> {
        self.check_time()?;
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(self.exceeded("more")),
        }
        Ok(())
    }

    /// Takes out what an entry of a folder costs.
    ///
    /// # Errors
    ///
    /// Those of [`Budget::spend`].
    pub fn spend_entry(&mut self, path: &Path) -> io::Result<()> {
        self.spend(ENTRY + path.as_os_str().len() as u64)
    }

    /// Takes out what a folder costs that a link leads to.
    pub(crate) fn spend_link(&mut self) -> io::Result<()> {
        self.spend(LINK)
    }

    /// Whether a file of this length can be read.
    ///
    /// # Errors
    ///
    /// It is longer than what is left, or the time is over.
    pub fn allow(&self, length: u64) -> io::Result<()> {
        self.check_time()?;
        if length > self.left {
            return Err(self.exceeded(&format!("a file of {length} bytes is more")));
        }
        Ok(())
    }

    /// Whether there is time left.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn check_time(&self) -> io::Result<()> {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => {
                Err(io::Error::new(ErrorKind::TimedOut, "the time allowed is over"))
            }
            _ => Ok(()),
        }
    }

    /// How much time is left, at most so much.
    pub fn time(&self, most: Duration) -> Duration {
        self.deadline.map_or(most, |deadline| deadline.saturating_duration_since(Instant::now()).min(most))
    }

    /// Whether an error says that the time was over.
    pub fn is_over_time(error: &io::Error) -> bool {
        error.kind() == ErrorKind::TimedOut
    }

    /// Whether an error says that there were not enough bytes left.
    pub fn is_exceeded(error: &io::Error) -> bool {
        error.kind() == ErrorKind::QuotaExceeded
    }

    fn exceeded(&self, what: &str) -> io::Error {
        let message = format!("{what} than the {} bytes that may be read here", self.limit);
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
        assert_eq!(error.to_string(), "more than the 1000 bytes that may be read here");
        let late = Budget::new(10).until(Instant::now());
        assert!(Budget::is_over_time(&late.allow(1).unwrap_err()));
        assert_eq!(late.time(Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn a_case_may_read_what_it_may_have() {
        let limit = |max_memory| Budget::of_case(max_memory).limit;
        assert_eq!((limit(None), limit(Some(1))), (MOST, LEAST));
        assert_eq!((limit(Some(100 << 20)), limit(Some(u64::MAX))), (100 << 20, MOST));
    }
}
