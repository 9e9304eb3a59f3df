//! Groups directives that were set aside by reason: a run may have thousands of them, but few
//! reasons.

use std::collections::BTreeMap;

use crate::aside::{Apart, Aside};
use crate::model::{Case, Note, Report};
use crate::text::{listed, plural};

/// The maximum number of reasons of each kind to list for a run; the others are summed up.
const MOST_REASONS: usize = 8;

/// Directives of a case that were set aside for the same reason.
pub(crate) struct Group<'a> {
    pub(crate) apart: Apart,
    pub(crate) reason: &'a str,
    /// Their notes, in the order of the script; at least one.
    pub(crate) notes: Vec<&'a Note>,
}

/// Groups the directives of a case that were set aside, in the order of the first of each reason.
pub(crate) fn groups(case: &Case) -> Vec<Group<'_>> {
    let mut at: BTreeMap<(Apart, &str), usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (apart, reason, note) in case.notes.iter().filter_map(reason) {
        let index = *at.entry((apart, reason)).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.notes.push(note),
            None => groups.push(Group { apart, reason, notes: vec![note] }),
        }
    }
    groups
}

/// The reason for setting a directive aside, without the leading word of the note.
fn reason(note: &Note) -> Option<(Apart, &str, &Note)> {
    let apart = note.apart?;
    let reason = note.reason.strip_prefix(apart.word()).and_then(|rest| rest.strip_prefix(": "));
    Some((apart, reason.unwrap_or(&note.reason), note))
}

impl Group<'_> {
    /// The reason, with the number of directives and their lines if there are several.
    pub(crate) fn description(&self) -> String {
        let Group { reason, notes, .. } = self;
        match notes.len() as u64 {
            1 => (*reason).to_owned(),
            count => {
                let lines = listed(notes.iter().map(|note| note.line.to_string()), count);
                format!("{reason} ({}, on lines {lines})", plural(count, "directive"))
            }
        }
    }
}

/// The directives of a run that were set aside for one reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) apart: Apart,
    pub(crate) reason: String,
    pub(crate) directives: u64,
    pub(crate) cases: u64,
}

/// Sums up what was set aside in a run, by kind, the most frequent reason first. Blocked directives
/// are merged, since each has its own reason.
pub(crate) fn sums(report: &Report) -> Vec<Sum> {
    let mut found: BTreeMap<(Apart, &str), (u64, u64)> = BTreeMap::new();
    for case in report.suites.iter().flat_map(|suite| &suite.cases) {
        let mut of_case: BTreeMap<(Apart, &str), u64> = BTreeMap::new();
        for Group { apart, reason, notes } in groups(case) {
            let reason = if apart == Apart::Blocked {
                "a module or instance that they depend on does not exist"
            } else {
                reason
            };
            *of_case.entry((apart, reason)).or_default() += notes.len() as u64;
        }
        for (key, directives) in of_case {
            let (all, cases) = found.entry(key).or_default();
            (*all, *cases) = (all.saturating_add(directives), cases.saturating_add(1));
        }
    }
    let mut sums: Vec<Sum> = found
        .into_iter()
        .map(|((apart, reason), (directives, cases))| Sum {
            apart,
            reason: reason.to_owned(),
            directives,
            cases,
        })
        .collect();
    sums.sort_by_key(|sum| (sum.apart, std::cmp::Reverse(sum.directives)));
    let mut shown: Vec<Sum> = Vec::new();
    for sum in sums {
        let of_kind = shown.iter().filter(|known| known.apart == sum.apart).count();
        match shown.last_mut().filter(|_| of_kind > MOST_REASONS) {
            // A case may have several of these reasons.
            Some(last) => {
                last.reason = "other reasons".to_owned();
                last.directives = last.directives.saturating_add(sum.directives);
                last.cases = last.cases.max(sum.cases);
            }
            None => shown.push(sum),
        }
    }
    shown
}

impl Aside {
    /// The counts of what was set aside, including zeros, but not coarse passes.
    pub(crate) fn by_kind(&self) -> [(Apart, u64); 5] {
        [
            (Apart::Blocked, self.blocked),
            (Apart::NotApplicable, self.not_applicable),
            (Apart::Limit, self.limit),
            (Apart::Unsupported, self.unsupported),
            (Apart::Superseded, self.superseded),
        ]
    }

    /// The number of skipped directives that were skipped for another reason.
    pub(crate) fn rest_of(&self, skipped: u64) -> u64 {
        let apart = self.by_kind().into_iter().fold(0u64, |sum, (_, count)| sum.saturating_add(count));
        skipped.saturating_sub(apart)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Engine, Suite};
    use crate::outcome::{Counts, Outcome};

    fn note(line: u32, apart: Apart, reason: &str) -> Note {
        let reason = format!("{}: {reason}", apart.word());
        Note { line, column: 1, apart: Some(apart), ..Note::new(Outcome::Skipped, reason) }
    }

    fn case(name: &str, notes: Vec<Note>) -> Case {
        Case { notes, ..Case::new(name.to_owned(), Outcome::Skipped, Duration::ZERO, Counts::default()) }
    }

    #[test]
    fn directives_with_the_same_reason_are_grouped() {
        let case = case(
            "a.wast",
            vec![
                note(3, Apart::NotApplicable, "no text"),
                note(4, Apart::Blocked, "line 1"),
                note(7, Apart::NotApplicable, "no text"),
            ],
        );
        let description: Vec<(Apart, String)> =
            groups(&case).iter().map(|group| (group.apart, group.description())).collect();
        let together = "no text (2 directives, on lines 3 and 7)".to_owned();
        assert_eq!(description, [(Apart::NotApplicable, together), (Apart::Blocked, "line 1".to_owned())]);
    }

    #[test]
    fn the_number_of_reasons_is_limited() {
        let many = (0..30).map(|number| note(number, Apart::Limit, &format!("limit {number}"))).collect();
        let blocked = |line| note(line, Apart::Blocked, &format!("line {line}"));
        let cases =
            vec![case("a", many), case("b", vec![blocked(1), blocked(2)]), case("c", vec![blocked(1)])];
        let suite = Suite::new("s".into(), "s".into(), cases);
        let report =
            Report::new(Engine::new("e", "1"), String::new(), String::new(), Duration::ZERO, vec![suite]);
        let sums = sums(&report);
        assert_eq!((sums.len(), sums[0].directives, sums[0].cases), (2 + MOST_REASONS, 3, 2));
        let last = &sums[1 + MOST_REASONS];
        assert_eq!((last.reason.as_str(), last.directives), ("other reasons", 30 - MOST_REASONS as u64));
    }

    #[test]
    fn other_skipped_directives_are_the_rest() {
        let aside = Aside { blocked: 2, limit: 1, coarse: 9, ..Aside::default() };
        assert_eq!((aside.rest_of(5), aside.rest_of(1)), (2, 0));
    }
}
