//! Paths of case files within a checkout, and GitHub annotations for their failures.

use std::path::{Path, PathBuf};

use wassay_reports::{Case, Report, Suite};

use crate::printer::Annotation;

/// GitHub shows at most this many errors per step.
const MOST: usize = 10;

/// The path of a file relative to the checkout that the environment names, else to the current
/// folder, else unchanged.
pub(crate) fn file(path: &Path) -> Option<String> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let roots = [variable("GITHUB_WORKSPACE"), variable("CI_PROJECT_DIR"), std::env::current_dir().ok()];
    within(path, roots.into_iter().flatten())
}

/// The path of a file relative to the first of these folders that contains it.
fn within(path: &Path, roots: impl Iterator<Item = PathBuf>) -> Option<String> {
    let full = path.canonicalize().ok();
    let mut relative = roots.filter_map(|root| {
        let root = root.canonicalize().ok()?;
        full.as_deref()?.strip_prefix(root).ok().map(Path::to_owned)
    });
    relative.next().unwrap_or_else(|| path.to_owned()).to_str().map(str::to_owned)
}

/// Prints annotations for failures when running in GitHub Actions.
pub(crate) fn annotate(report: &Report) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        annotations(report).iter().for_each(Annotation::tell);
    }
}

/// One annotation per failure, up to GitHub's limit, at the line of the failure. The first failure
/// of every case comes before the second of any.
fn annotations(report: &Report) -> Vec<Annotation> {
    let cases = report.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
    let cases = cases.filter(|(_, case)| !case.outcome.is_expected());
    let mut places: Vec<(usize, Annotation)> =
        cases.flat_map(|(suite, case)| of_case(suite, case).enumerate()).collect();
    places.sort_by_key(|(number, _)| *number);
    let shown = if places.len() > MOST { MOST - 1 } else { places.len() };
    let more = places.len() - shown;
    let mut annotations: Vec<Annotation> =
        places.into_iter().take(shown).map(|(_, annotation)| annotation).collect();
    if more > 0 {
        let (title, message) =
            ("wassay".to_owned(), format!("{more} more failures are in the log and in the reports"));
        annotations.push(Annotation { title, message, ..Annotation::default() });
    }
    annotations
}

fn of_case<'a>(suite: &'a Suite, case: &'a Case) -> impl Iterator<Item = Annotation> + 'a {
    let title = format!("{}::{}", suite.name, case.name);
    let annotation = move |line, column, message| Annotation {
        file: case.file.clone(),
        line,
        column,
        title: title.clone(),
        message,
    };
    let none = case.failures.is_empty().then(|| annotation(0, 0, case.outcome.to_string()));
    let annotation = annotation.clone();
    let failures = case.failures.iter().map(move |failure| {
        let mut message = format!("{}: {}", failure.kind, failure.message);
        for (label, value) in [("expected", &failure.expected), ("actual", &failure.actual)] {
            if let Some(value) = value {
                message.push_str(&format!("\n{label} {value}"));
            }
        }
        annotation(failure.line, failure.column, message)
    });
    none.into_iter().chain(failures)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wassay_reports::{Counts, Engine, Failure, Outcome};

    use super::*;

    fn report(cases: Vec<Case>) -> Report {
        let engine = Engine::new("e", "1");
        let suite = Suite::new("my: suite, 100%".to_owned(), String::new(), cases);
        Report::new(engine, String::new(), String::new(), Duration::ZERO, vec![suite])
    }

    fn failing(name: &str, failures: usize) -> Case {
        let failure = |number: usize| Failure {
            line: 7 + number as u32,
            column: 3,
            kind: "wrong-value".to_owned(),
            message: "50% are\r\nwrong: a, b".to_owned(),
            expected: Some("i32 1".to_owned()),
            ..Failure::default()
        };
        Case {
            file: Some(format!("tests/{name}")),
            failures: (0..failures).map(failure).collect(),
            ..Case::new(name.to_owned(), Outcome::Failed, Duration::ZERO, Counts::default())
        }
    }

    #[test]
    fn an_annotation_is_at_the_place_of_its_failure() {
        let annotation = |case: Case| annotations(&report(vec![case]));
        let expected = Annotation {
            file: Some("tests/a.wast".to_owned()),
            line: 7,
            column: 3,
            title: "my: suite, 100%::a.wast".to_owned(),
            message: "wrong-value: 50% are\r\nwrong: a, b\nexpected i32 1".to_owned(),
        };
        assert_eq!(annotation(failing("a.wast", 1)), [expected]);
        let case = |outcome| Case::new("a".to_owned(), outcome, Duration::ZERO, Counts::default());
        assert_eq!(annotation(case(Outcome::Passed)), []);
        let [unread] = &annotation(case(Outcome::Crashed))[..] else { panic!("one annotation") };
        assert_eq!((unread.message.as_str(), &unread.file, unread.line), ("crashed", &None, 0));
    }

    #[test]
    fn annotations_are_limited_and_cover_every_case_first() {
        let found = annotations(&report(vec![failing("a", 30), failing("b", 2)]));
        assert_eq!(found.len(), 10);
        let places: Vec<_> = found.iter().take(2).map(|one| (one.file.as_deref(), one.line)).collect();
        assert_eq!(places, [(Some("tests/a"), 7), (Some("tests/b"), 7)]);
        assert_eq!(found[9].message, "23 more failures are in the log and in the reports");
        assert_eq!(annotations(&report(vec![failing("a", 10)])).len(), 10);
    }

    #[test]
    fn a_file_is_relative_to_the_first_folder_that_contains_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("checkout/deep")).unwrap();
        let path = root.join("checkout/deep/a.wast");
        std::fs::write(&path, "").unwrap();
        let from = |roots: &[&str]| within(&path, roots.iter().map(|name| root.join(name)));
        assert_eq!(from(&["gone", "checkout", "."]).as_deref(), Some("deep/a.wast"));
        assert_eq!(from(&["."]).as_deref(), Some("checkout/deep/a.wast"));
        assert_eq!(from(&["gone"]).as_deref(), path.to_str());
        assert_eq!(within(Path::new("gone.wast"), [root].into_iter()).as_deref(), Some("gone.wast"));
    }
}
