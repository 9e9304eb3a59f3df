//! The time limits of a script and of each of its requests.

use std::fmt;
use std::time::{Duration, Instant};

/// A practically infinite time limit that the clock can represent.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The deadline of a script, with the time limit of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    script: Instant,
    request: Duration,
    /// Whether the time limit of a request is a share of the script's.
    is_share: bool,
}

/// A request that timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    waited: Duration,
    limit: Limit,
}

/// The time limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// That of a request.
    Request,
    /// That of a request, which is a share of the script's.
    Share,
    /// That of the script.
    Script,
}

impl Deadline {
    /// The deadline of a script that begins now. A request has its own time limit, but a third of
    /// the script's at most, which leaves time to send the script again.
    pub(crate) fn begin(script: Duration, request: Duration) -> Deadline {
        let script = script.min(LONGEST);
        let share = script / 3;
        Deadline { script: Instant::now() + script, request: request.min(share), is_share: share < request }
    }

    /// Whether the script has timed out.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.script
    }

    /// The same deadline, with half the time for a request, but 0.1 s at least.
    #[must_use]
    pub(crate) fn hurried(self) -> Deadline {
        Deadline { request: (self.request / 2).max(Duration::from_millis(100)), ..self }
    }

    /// The time by which a request that begins now has to be answered.
    pub(crate) fn of_request(&self) -> Instant {
        self.script.min(Instant::now() + self.request)
    }

    /// Describes a request that began then and timed out now.
    pub(crate) fn late(&self, begun: Instant) -> Late {
        let limit = match self.is_share {
            _ if self.is_over() => Limit::Script,
            true => Limit::Share,
            false => Limit::Request,
        };
        Late { waited: begun.elapsed(), limit }
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.waited.as_secs_f64();
        match self.limit {
            Limit::Request => write!(f, "the engine timed out after {waited:.1} s"),
            Limit::Share => {
                write!(f, "the engine timed out after {waited:.1} s, a third of the script's time limit")
            }
            Limit::Script => write!(f, "the script timed out, {waited:.1} s into this request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_timed_out_names_the_limit_that_was_reached() {
        let late = |script, request| {
            let limits = (Duration::from_secs(script), Duration::from_secs(request));
            Deadline::begin(limits.0, limits.1).late(Instant::now()).to_string()
        };
        assert_eq!(late(600, 5), "the engine timed out after 0.0 s");
        assert_eq!(late(60, 50), "the engine timed out after 0.0 s, a third of the script's time limit");
        assert_eq!(late(0, 5), "the script timed out, 0.0 s into this request");
    }

    #[test]
    fn a_request_never_outlasts_its_script() {
        let deadline = Deadline::begin(Duration::MAX, Duration::MAX);
        assert!(!deadline.is_over() && deadline.of_request() > Instant::now());
        assert!(Deadline::begin(Duration::ZERO, Duration::from_secs(5)).of_request() <= Instant::now());
        let hurried = (0..9).fold(deadline, |deadline, _| deadline.hurried());
        assert!(hurried.of_request() < deadline.of_request());
    }
}
