//! Limits the size of failures in a report.

use crate::model::{Case, Failure, Note, Report};
use crate::terminal::MAX_DATUM;

/// The maximum size in bytes of each text of a failure in a report: the output of a guest, or a
/// directive, may be very large.
pub const MAX_TEXT: usize = MAX_DATUM;

impl Report {
    /// Cuts every text of a failure, expected or not, at [`MAX_TEXT`] bytes, with a note of how
    /// much is left out.
    #[must_use]
    pub fn bounded(mut self) -> Report {
        let cases = self.suites.iter_mut().flat_map(|suite| &mut suite.cases);
        cases.for_each(bound_case);
        self
    }
}

fn bound_case(case: &mut Case) {
    let attempts = case.attempts.iter_mut().flat_map(|attempt| &mut attempt.failures);
    case.failures.iter_mut().chain(attempts).for_each(bound_failure);
    for Note { message, expected, actual, .. } in &mut case.notes {
        [message, expected, actual].into_iter().flatten().for_each(bound_text);
    }
}

fn bound_failure(failure: &mut Failure) {
    let Failure { message, expected, actual, source, diff, calls, .. } = failure;
    let texts =
        [message, source].into_iter().chain([expected, actual, diff].into_iter().flatten()).chain(calls);
    texts.for_each(bound_text);
}

fn bound_text(text: &mut String) {
    if text.len() > MAX_TEXT {
        let end = text.floor_char_boundary(MAX_TEXT);
        let left = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("… ({left} more bytes)"));
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Attempt, Counts, Engine, Outcome, Suite};

    #[test]
    fn texts_of_failures_are_cut_with_a_note_and_no_other_is_changed() {
        let failure = Failure {
            message: "m".into(),
            actual: Some("é".repeat(MAX_TEXT)),
            source: "s".repeat(MAX_TEXT),
            ..Failure::default()
        };
        let counts = Counts { failed: 1, ..Counts::default() };
        let mut case = Case::new("a".into(), Outcome::Failed, Duration::ZERO, counts);
        case.attempts = vec![Attempt {
            outcome: Outcome::Failed,
            duration: Duration::ZERO,
            failures: vec![failure.clone()],
        }];
        case.failures = vec![failure.clone()];
        case.notes = vec![Note::new(Outcome::XFailed, "why".into()).with_failure(failure.clone())];
        let engine = Engine::new("e", "");
        let suites = vec![Suite::new("s".into(), String::new(), vec![case])];
        let report = Report::new(engine, String::new(), String::new(), Duration::ZERO, suites).bounded();
        let case = &report.suites[0].cases[0];
        let actual = case.notes[0].actual.as_deref().unwrap();
        assert!(actual.ends_with("é… (65536 more bytes)"), "{}", actual.len());
        for cut in [&case.failures[0], &case.attempts[0].failures[0]] {
            let actual = cut.actual.as_deref().unwrap();
            assert!(actual.len() < MAX_TEXT + 40 && actual.ends_with("é… (65536 more bytes)"));
            assert_eq!((&cut.message, &cut.source), (&failure.message, &failure.source));
        }
    }
}
