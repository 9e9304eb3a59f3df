//! Parses filters of `cargo test` and the variable `WASSAY_SUITES`.
//!
//! `cargo test FILTER` passes the filter to every test binary, so one that matches nothing here may
//! be intended for another. It is an error only if it can refer to nothing but cases.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Completion, Trial};
use wassay_reports::terminal::as_line;
use wassay_script::parse;
use wassay_script::source::Source;
use wassay_script::suggest::{closest, did_you_mean};
use wassay_testsuite::naming::is_of_catalogue;
use wassay_testsuite::{Case, Script, Suite, catalogue, directory};

use crate::batch::full_name;
use crate::catalogue::{ResolveError, SUITE, resolve};
use crate::fetch::FetchError;

/// The extensions of case names.
const ENDINGS: [&str; 3] = [".wast", ".wasm", ".wat"];

/// Splits a filter that ends in a line number into the name and the line.
pub(super) fn with_line(filter: &str) -> Option<(&str, usize)> {
    let (name, line) = filter.rsplit_once(':')?;
    let is_case = ENDINGS.iter().any(|ending| name.ends_with(ending));
    line.parse().ok().filter(|_| is_case).map(|line| (name, line))
}

/// The error for a filter that refers to cases but matches no trial.
pub(super) fn missed(args: &Arguments, trials: &[Trial], suites: &[Suite]) -> Option<String> {
    let filter = args.filter.as_deref().filter(|_| !args.list)?;
    // Disregard --skip and --ignored.
    let alone = Arguments { skip: Vec::new(), ignored: false, include_ignored: true, ..args.clone() };
    if trials.iter().any(|trial| !alone.is_filtered_out(trial)) {
        return None;
    }
    let (name, line) = with_line(filter).map_or((filter, None), |(name, line)| (name, Some(line)));
    let names_case = ENDINGS.iter().any(|ending| name.ends_with(ending));
    if !names_case && !names_suite(name, suites) {
        return None;
    }
    let all: Vec<(String, Case)> = suites
        .iter()
        .flat_map(|suite| suite.cases().into_iter().map(|case| (full_name(suite, &case), case)))
        .collect();
    let is_named = |full: &str| if args.exact { full == name } else { full.ends_with(name) };
    let there = all.iter().find(|(full, _)| is_named(full));
    Some(match (line, there) {
        (Some(line), Some((full, case))) => format!("{full}:{line}: {}", no_directive(case, line)),
        _ => {
            let short = all.iter().filter_map(|(full, _)| full.rsplit("::").next());
            let names = all.iter().map(|(full, _)| full.as_str()).chain(short);
            let meant = did_you_mean(name, names);
            format!("{filter}: no case of these suites has a name that contains it{meant}")
        }
    })
}

/// Whether a filter begins with the name of a suite and `::`, or with a misspelt one. If it may
/// also be a Rust path, such as `wasi::clock`, it counts only if that suite is among these.
fn names_suite(filter: &str, suites: &[Suite]) -> bool {
    let Some((suite, _)) = filter.split_once("::") else { return false };
    let names = || suites.iter().chain(catalogue::suites()).map(Suite::name);
    let is_identifier = suite.chars().all(|c| c == '_' || c.is_alphanumeric());
    let is_meant = is_of_catalogue(suite) || closest(suite, names()).is_some();
    suites.iter().any(|known| known.name() == suite) || !is_identifier && is_meant
}

/// The message for a line on which no directive begins.
fn no_directive(case: &Case, line: usize) -> String {
    let Some(script) = case.script() else {
        return "WASI cases have no directives; remove the line number".to_owned();
    };
    let lines = lines_of(script).unwrap_or_default();
    let before = lines.iter().rev().find(|begin| **begin < line);
    let after = lines.iter().find(|begin| **begin > line);
    let nearest: Vec<String> = [before, after].into_iter().flatten().map(usize::to_string).collect();
    match nearest.as_slice() {
        [] => "no directive begins on this line; the script has none".to_owned(),
        [one] => format!("no directive begins on this line; the nearest begins on line {one}"),
        _ => {
            format!("no directive begins on this line; the nearest begin on lines {}", nearest.join(" and "))
        }
    }
}

/// Resolves the words of `WASSAY_SUITES` to suites, and to trials for words that name none.
pub(super) fn more_suites(variable: &OsStr) -> (Vec<Suite>, Vec<Trial>) {
    let (mut suites, mut trials) = (Vec::new(), Vec::new());
    for path in words(variable) {
        let opened = match path.to_str() {
            Some(word) => resolve(word),
            None => directory::open(&path).map_err(ResolveError::from),
        };
        match opened {
            Ok(suite) => suites.push(suite),
            Err(error) => {
                let is_absent = matches!(
                    error,
                    ResolveError::Unknown { .. } | ResolveError::Fetch(FetchError::Absent { .. })
                );
                trials.push(not_opened(&path, is_absent, error.to_string()));
            }
        }
    }
    (suites, trials)
}

/// Splits the variable at `:`, except within `suite:NAME`.
fn words(variable: &OsStr) -> Vec<PathBuf> {
    let mut words: Vec<PathBuf> = Vec::new();
    for path in std::env::split_paths(variable).filter(|path| !path.as_os_str().is_empty()) {
        let prefix = Path::new(SUITE.trim_end_matches(':'));
        match words.last_mut() {
            Some(last) if last == prefix && path.to_str().is_some_and(is_of_catalogue) => {
                *last = PathBuf::from(format!("{SUITE}{}", path.display()));
            }
            _ => words.push(path),
        }
    }
    words
}

/// The lines on which directives begin, if it is a script.
pub(super) fn lines_of(script: &Script) -> Option<Vec<usize>> {
    let text = script.read().ok()?;
    let script = parse(Source::new(script.name(), &text)).ok()?;
    let begins = script.directives.iter().map(|directive| script.source.line(directive.span.start));
    let mut lines: Vec<usize> = begins.collect();
    lines.dedup();
    Some(lines)
}

/// The trial for a folder that is missing, which is ignored, or that cannot be opened, which fails.
pub(super) fn not_opened(path: &Path, is_absent: bool, message: String) -> Trial {
    let name = as_line(&path.display().to_string());
    let message = as_line(&message);
    if !is_absent {
        return Trial::test(name, move || Err(message.into()));
    }
    let ignored = move || Ok(Completion::ignored_with(format!("not run: {message}")));
    Trial::ignorable_test(name, ignored).with_kind("not run").with_ignored_flag(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed_of(filter: &str, exact: bool) -> Option<String> {
        let suites = [catalogue::find("scripts").unwrap().clone(), catalogue::find("wasi").unwrap().clone()];
        let names = suites.iter().flat_map(|suite| {
            suite.cases().into_iter().map(|case| full_name(suite, &case)).collect::<Vec<_>>()
        });
        let trials: Vec<Trial> = names.map(|name| Trial::test(name, || Ok(()))).collect();
        let args = Arguments { filter: Some(filter.to_owned()), exact, ..Arguments::default() };
        missed(&args, &trials, &suites)
    }

    #[test]
    fn a_filter_that_can_only_refer_to_cases_must_match() {
        for filter in [
            "nothing.wast",
            "scripts::nothing",
            "spec-v1::i32",
            "spce-v1::i32",
            "proposals/gc::array",
            "memory/page-boundary.wast:100000",
            "nothing.wast:1",
            "wasi::nothing.wasm",
            "wast:1.wast",
        ] {
            assert!(missed_of(filter, false).is_some(), "{filter}");
        }
        for filter in [
            "page-boundary",
            "scripts::memory",
            "verdict::tests",
            "engine",
            "a b",
            "",
            "foo::bar::baz",
            "parse-tests::a",
        ] {
            assert_eq!(missed_of(filter, false), None, "{filter}");
        }
        assert!(missed_of("page-boundary.wast", true).is_some());
        let slip = missed_of("memory/page-bonudary.wast", false).unwrap();
        assert!(slip.ends_with("; did you mean `memory/page-boundary.wast`?"), "{slip}");
    }

    #[test]
    fn the_error_for_a_line_names_the_nearest_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wast");
        std::fs::write(&path, "(module)\n\n\n(module)\n").unwrap();
        let case = Case::Script(directory::script(&path).unwrap());
        assert!(no_directive(&case, 2).ends_with("the nearest begin on lines 1 and 4"));
        assert!(no_directive(&case, 9).ends_with("the nearest begins on line 4"));
        assert_eq!(with_line("s::a.wasm:3"), Some(("s::a.wasm", 3)));
        assert_eq!((with_line("s::a:3"), with_line("a.wast:x")), (None, None));
    }

    #[test]
    fn colons_separate_words_except_after_suite() {
        let words = |text: &str| {
            let words = words(OsStr::new(text));
            words.iter().map(|word| word.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(words("a:b::c"), ["a", "b", "c"]);
        assert_eq!(words("a:suite:spec-v1:b"), ["a", "suite:spec-v1", "b"]);
        assert_eq!(words("suite:b"), ["suite", "b"]);
    }
}
