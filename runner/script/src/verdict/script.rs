//! What became of a script.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wassay_reports::{Aside, Case, Counts, Note};

use super::directive::{DirectiveResult, Failure, Outcome};
use super::directives::Directives;
use crate::source::Place;

/// The result of a script.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScriptResult {
    /// The name of the source.
    pub name: String,
    /// The results of the judged directives, in order.
    pub directives: Directives,
}

impl ScriptResult {
    /// Fails the directives at these positions with later failures, unless they have already failed
    /// or are not judged.
    pub fn fail_at(&mut self, failures: Vec<(Place, Failure)>) {
        if failures.is_empty() {
            return;
        }
        let mut failures: HashMap<Place, Failure> = failures.into_iter().collect();
        self.directives = self.directives.altered(|directive| {
            let failed = match directive.outcome {
                Outcome::Passed => failures.remove(&directive.place),
                _ => None,
            };
            let directive = directive.to_owned();
            match failed {
                Some(failure) => DirectiveResult { outcome: Outcome::Failed(failure.into()), ..directive },
                None => directive,
            }
        });
    }

    /// The directives that begin on a line.
    pub fn on_line(&self, line: usize) -> Directives {
        self.directives.on_line(line)
    }

    /// The number of directives by outcome.
    pub fn counts(&self) -> Counts {
        self.directives.counts()
    }

    /// The number of directives that passed by the kind of an error only.
    pub fn text_not_compared(&self) -> usize {
        self.directives.text_not_compared()
    }

    /// The number of directives that passed by the parser alone.
    pub fn reader_only(&self) -> usize {
        self.directives.reader_only()
    }

    /// The directives that say nothing about the engine, or less than they could.
    pub fn aside(&self) -> Aside {
        self.directives.aside()
    }

    /// Whether everything was as expected: no failures and no unexpected passes.
    pub fn is_success(&self) -> bool {
        self.counts().outcome().is_expected()
    }

    /// Converts the result to a case of a report.
    pub fn to_case(&self, duration: Duration) -> Case {
        let failures = self.failures().map(|(directive, failure)| failure.to_report(directive.place));
        let notes = self.directives.others().filter_map(DirectiveResult::note);
        Case {
            text_not_compared: self.text_not_compared() as u64,
            reader_only: self.reader_only() as u64,
            aside: self.aside(),
            failures: failures.chain(self.unlisted_failure()).collect(),
            notes: notes.chain(self.unlisted_note()).collect(),
            ..Case::new(self.name.clone(), self.directives.worst(), duration, self.counts())
        }
    }

    /// A note on directives that are not listed, if any.
    pub fn not_listed(&self) -> Option<String> {
        let unlisted = self.directives.unlisted();
        (unlisted > 0).then(|| format!("{unlisted} more directives did not pass and are not listed"))
    }

    /// The note as a failure of a report, if some of them failed.
    fn unlisted_failure(&self) -> Option<wassay_reports::Failure> {
        self.directives.worst_unlisted().filter(|worst| !worst.is_expected())?;
        let (kind, message) = ("not-listed".to_owned(), self.not_listed()?);
        Some(wassay_reports::Failure { kind, message, ..wassay_reports::Failure::default() })
    }

    /// The note as a note of a report, if none of them failed.
    fn unlisted_note(&self) -> Option<Note> {
        let outcome = self.directives.worst_unlisted().filter(|worst| worst.is_expected())?;
        Some(Note::new(outcome, self.not_listed()?))
    }

    /// The failed directives with their failures, at most [`LISTED`](super::LISTED).
    pub fn failures(&self) -> impl Iterator<Item = (&DirectiveResult, &Failure)> {
        self.directives.others().filter_map(|directive| match &directive.outcome {
            Outcome::Failed(failure) => Some((directive, &**failure)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use wassay_reports::Apart;

    use super::super::directive::FailureKind;
    use super::super::directives::LISTED;
    use super::*;
    use crate::matching::MismatchKind;

    fn failure(source: &str) -> Failure {
        let kind = FailureKind::Mismatch(MismatchKind::Value);
        let failure = Failure::new(kind, "result 0 has the wrong value")
            .with("i32 1 (0x00000001)", "i32 2 (0x00000002)");
        Failure { source: source.into(), ..failure }
    }

    const PLACE: Place = Place { line: 3, column: 5 };

    #[test]
    fn counts_add_up_and_an_unexpected_pass_is_not_a_success() {
        let directive = |outcome| DirectiveResult {
            place: PLACE,
            keyword: "invoke".into(),
            outcome,
            text_not_compared: false,
            reader_only: false,
            coarse: false,
        };
        let directives = [directive(Outcome::Passed)].into_iter().collect();
        let mut result = ScriptResult { name: "a.wast".into(), directives };
        assert!(result.is_success());
        result.directives.push(directive(Outcome::UnexpectedPass("bug".into())));
        assert!(!result.is_success());
        result.directives.push(directive(Outcome::Skipped("later".into())));
        result.directives.push(directive(Outcome::Failed(Box::new(failure("(x)")))));
        result.directives.push(directive(Outcome::ExpectedFailure(Box::new(failure("(x)")), "bug".into())));
        let expected = Counts { passed: 1, failed: 1, skipped: 1, xfailed: 1, xpassed: 1 };
        assert_eq!(result.counts(), expected);
        let case = result.to_case(Duration::from_millis(3));
        assert_eq!((case.outcome, case.directives), (wassay_reports::Outcome::Failed, expected));
        assert_eq!(
            (case.failures.len(), case.failures[0].line, case.failures[0].kind.as_str()),
            (1, 3, "wrong-value")
        );
        let notes: Vec<(wassay_reports::Outcome, &str)> =
            case.notes.iter().map(|note| (note.outcome, note.reason.as_str())).collect();
        use wassay_reports::Outcome::{Skipped, XFailed, XPassed};
        assert_eq!(notes, [(XPassed, "bug"), (Skipped, "later"), (XFailed, "bug")]);
    }

    #[test]
    fn unlisted_directives_are_a_failure_only_if_some_failed() {
        let told = "5 more directives did not pass and are not listed";
        let of = |outcome: Outcome| {
            let directive = DirectiveResult {
                place: PLACE,
                keyword: "assert_return".into(),
                outcome,
                text_not_compared: false,
                reader_only: false,
                coarse: false,
            };
            let directives = (0..LISTED + 5).map(|_| directive.clone());
            let result = ScriptResult { name: "a.wast".into(), directives: directives.collect() };
            assert_eq!((result.directives.len(), result.counts().total()), (LISTED + 5, LISTED as u64 + 5));
            let sent =
                serde_json::from_str::<ScriptResult>(&serde_json::to_string(&result).unwrap()).unwrap();
            assert_eq!(sent.counts(), result.counts());
            let mut altered = sent;
            altered.fail_at(vec![(PLACE, failure("(x)"))]);
            assert_eq!(altered.counts(), result.counts());
            result.to_case(Duration::ZERO)
        };
        let failed = of(Outcome::Failed(Box::new(failure("(x)"))));
        assert_eq!((failed.outcome, failed.notes.len()), (wassay_reports::Outcome::Failed, 0));
        assert_eq!(failed.failures.last().map(|last| last.message.as_str()), Some(told));
        let xfailed = of(Outcome::ExpectedFailure(Box::new(failure("(x)")), "bug".into()));
        assert_eq!((xfailed.outcome, xfailed.failures.len()), (wassay_reports::Outcome::XFailed, 0));
        assert_eq!(xfailed.notes.last().map(|last| last.reason.as_str()), Some(told));
        let apart = of(Outcome::Apart(Apart::Blocked, "why".into()));
        assert_eq!((apart.aside.blocked, apart.failures.len()), (LISTED as u64 + 5, 0));
    }
}
