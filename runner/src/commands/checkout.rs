//! Where the files of cases lie in a checkout, and annotations of GitHub for what failed in them.

use std::path::{Path, PathBuf};

use wassay_reports::{Case, Report, Suite};

use super::output::note;

/// GitHub keeps this many errors of a step and leaves out the others.
const MOST: usize = 10;

/// The path of a file from the folder of the checkout where the environment names one that holds it, else from the current folder, else as it is.
pub(crate) fn file(path: &Path) -> Option<String> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let roots = [variable("GITHUB_WORKSPACE"), variable("CI_PROJECT_DIR"), std::env::current_dir().ok()];
    within(path, roots.into_iter().flatten())
}

/// The path of a file from the first of these folders that holds it.
fn within(path: &Path, roots: impl Iterator<Item = PathBuf>) -> Option<String> {
    let full = path.canonicalize().ok();
    let mut relative = roots.filter_map(|root| {
        let root = root.canonicalize().ok()?;
        full.as_deref()?.strip_prefix(root).ok().map(Path::to_owned)
    });
    relative.next().unwrap_or_else(|| path.to_owned()).to_str().map(str::to_owned)
}

/// Annotates what failed, in a job of GitHub Actions; on standard error, since a report may go to standard output.
pub(crate) fn annotate(report: &Report) {
    let is_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let annotations = if is_github { annotations(report) } else { String::new() };
    annotations.lines().for_each(note);
}

/// A workflow command of GitHub for each failure, as many as it keeps: an annotation at the line where the script failed. The first failure of
/// each case comes before the second of any.
fn annotations(report: &Report) -> String {
    let cases = report.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
    let cases = cases.filter(|(_, case)| !case.outcome.is_expected());
    let mut places: Vec<(usize, Annotation)> =
        cases.flat_map(|(suite, case)| of_case(suite, case).enumerate()).collect();
    places.sort_by_key(|(number, _)| *number);
    let shown = if places.len() > MOST { MOST - 1 } else { places.len() };
    let mut text: String = places.iter().take(shown).map(|(_, annotation)| annotation.command()).collect();
    if places.len() > shown {
        let more = places.len() - shown;
        text.push_str(&format!(
            "::error title=wassay::{more} more failures are in the log and in the reports\n"
        ));
    }
    text
}

struct Annotation {
    file: Option<String>,
    line: u32,
    column: u32,
    title: String,
    message: String,
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

impl Annotation {
    fn command(&self) -> String {
        let mut properties = Vec::new();
        if let Some(file) = &self.file {
            properties.push(format!("file={}", property(file)));
        }
        if self.line > 0 {
            properties.push(format!("line={}", self.line));
        }
        if self.column > 0 {
            properties.push(format!("col={}", self.column));
        }
        properties.push(format!("title={}", property(&self.title)));
        format!("::error {}::{}\n", properties.join(","), data(&cut(&self.message)))
    }
}

/// An annotation has room for 4 KiB.
fn cut(text: &str) -> String {
    text.chars().take(1000).collect()
}

/// A text as the data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
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
    fn an_annotation_is_escaped_as_workflow_commands_are() {
        assert_eq!(
            annotations(&report(vec![failing("a,b.wast", 1)])),
            "::error file=tests/a%2Cb.wast,line=7,col=3,title=my%3A suite%2C 100%25%3A%3Aa%2Cb.wast::wrong-value: 50%25 are%0D%0Awrong: \
             a, b%0Aexpected i32 1\n"
        );
        let passed = Case::new("a".to_owned(), Outcome::Passed, Duration::ZERO, Counts::default());
        assert_eq!(annotations(&report(vec![passed])), "");
        let unread = Case::new("a".to_owned(), Outcome::Crashed, Duration::ZERO, Counts::default());
        assert_eq!(
            annotations(&report(vec![unread])),
            "::error title=my%3A suite%2C 100%25%3A%3Aa::crashed\n"
        );
    }

    #[test]
    fn there_are_as_many_as_github_keeps_and_each_case_has_one_first() {
        let text = annotations(&report(vec![failing("a", 30), failing("b", 2)]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines[0].contains("tests/a,line=7") && lines[1].contains("tests/b,line=7"), "{text}");
        assert!(lines[9].ends_with("::23 more failures are in the log and in the reports"), "{text}");
        assert_eq!(annotations(&report(vec![failing("a", 10)])).lines().count(), 10);
    }

    #[test]
    fn a_file_is_named_from_the_first_folder_that_holds_it() {
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
