//! What the renderers say of reports, cases and failures, in one line each.

use crate::model::{Attempt, Case, Failure, Report, Suite, Totals};
use crate::terminal::printable;
use crate::text::{MAX_SHOWN, at, cut, plural, seconds};

/// The verdict of the run, in a line without a full stop. It includes the number of directives that
/// reached a limit of the engine, since these were to be judged and were not.
pub(crate) fn verdict(report: &Report, totals: &Totals) -> String {
    let verdict = cases_verdict(report, totals);
    match totals.aside.limit {
        0 => verdict,
        limit => format!("{verdict}; {} reached a limit of the engine", plural(limit, "directive")),
    }
}

/// Whether the verdict has reservations: caveats, or directives that reached a limit of the engine.
pub(crate) fn has_reservations(report: &Report, totals: &Totals) -> bool {
    totals.aside.limit > 0 || !caveats(report).is_empty()
}

fn cases_verdict(report: &Report, totals: &Totals) -> String {
    let (cases, time) = (totals.cases.total(), seconds(report.duration));
    let unexpected = totals.cases.failed.saturating_add(totals.cases.xpassed);
    if cases == 0 {
        format!("no cases ran in {time}")
    } else if unexpected > 0 {
        format!("{unexpected} of {} not as expected in {time}", plural(cases, "case"))
    } else if report.is_unjudged() {
        format!("nothing was judged in {} in {time}", plural(cases, "case"))
    } else if totals.cases.skipped > 0 {
        format!(
            "{} as expected, {} skipped, in {time}",
            plural(cases - totals.cases.skipped, "case"),
            totals.cases.skipped
        )
    } else {
        format!("{} as expected in {time}", plural(cases, "case"))
    }
}

/// Caveats about the verdict, one line each.
pub(crate) fn caveats(report: &Report) -> Vec<String> {
    let mut caveats = Vec::new();
    if let Some(why) = report.incomplete() {
        caveats.push(format!("the report is incomplete: {why}"));
    }
    if report.is_by_reader_alone() {
        caveats.push("all passed directives were judged by the parser alone, without the engine".to_owned());
    }
    caveats
}

/// The headline of a failure: `wrong-value: result 0 has the wrong value`.
pub(crate) fn headline(failure: &Failure) -> String {
    printable(&cut(&format!("{}: {}", failure.kind, failure.message), MAX_SHOWN)).into_owned()
}

/// The failed attempts of a flaky case, one line each: the number, and the first failure.
pub(crate) fn attempts(case: &Case) -> impl Iterator<Item = String> {
    let of = |(number, attempt): (usize, &Attempt)| {
        let first = attempt.failures.first();
        let place = first.map_or_else(|| case.name.clone(), |first| at(&case.name, first.line, first.column));
        let what = first.map_or_else(|| attempt.outcome.to_string(), headline);
        format!("attempt {}: {}: {what}", number + 1, printable(&place))
    };
    case.attempts.iter().enumerate().map(of)
}

/// The URL of a line of a case, if known; only http and https are allowed.
pub(crate) fn link(suite: &Suite, case: &str, line: u32) -> Option<String> {
    let base = suite.url.as_deref()?;
    let web = ["https://", "http://"].iter().any(|scheme| base.starts_with(scheme));
    if !web || !base.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>()[]\\`{|}^#?".contains(&byte)) {
        return None;
    }
    let mut url = base.trim_end_matches('/').to_owned();
    for part in case.split('/').filter(|part| !matches!(*part, "" | ".")) {
        url.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if line > 0 {
        url.push_str(&format!("#L{line}"));
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_linked() {
        let linked = |url: &str, case: &str, line| {
            let suite =
                Suite { name: "s".into(), source: "s".into(), url: Some(url.into()), cases: Vec::new() };
            link(&suite, case, line)
        };
        assert_eq!(
            linked("https://example.org/a/", "./b c/é\".wast", 7).as_deref(),
            Some("https://example.org/a/b%20c/%C3%A9%22.wast#L7")
        );
        assert_eq!(linked("http://example.org", "a.wast", 0).as_deref(), Some("http://example.org/a.wast"));
        for bad in
            ["javascript:alert(1)//", "https://e.org/\" onclick=\"x", "https://e.org/a)", "", "file:///etc"]
        {
            assert_eq!(linked(bad, "a", 1), None, "{bad}");
        }
    }
}
