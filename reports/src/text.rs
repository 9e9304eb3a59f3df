//! Text helpers for the renderers.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::{Attempt, Case, Failure, Report, Suite, Totals};
use crate::outcome::Counts;
use crate::terminal::printable;

/// The maximum number of characters of a directive or a value to show; the JSON report has
/// [more](crate::MAX_TEXT).
pub(crate) const MAX_SHOWN: usize = 4000;

/// The verdict of the run, in a line without a full stop.
pub(crate) fn verdict(report: &Report, totals: &Totals) -> String {
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

/// Formats a count with its noun.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Formats a count with grouped digits and its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Lists `count` items as `a, b and c`; only the first eleven if there are more.
pub(crate) fn listed(items: impl Iterator<Item = String>, count: u64) -> String {
    const MOST: usize = 11;
    let mut shown: Vec<String> = items.take(MOST).collect();
    let left = count.saturating_sub(shown.len() as u64);
    let last = if left > 0 { Some(format!("{left} more")) } else { shown.pop() };
    match last {
        Some(last) if !shown.is_empty() => format!("{} and {last}", shown.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// A duration in seconds.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Formats a number with a comma before every three digits.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The pass rate, rounded down to a tenth of a percent, so that it is 100 only if everything
/// passed. `None` if there is nothing.
pub(crate) fn percent_passed(counts: &Counts) -> Option<String> {
    let total = counts.total();
    if total == 0 {
        return None;
    }
    let tenths = u128::from(counts.passed) * 1000 / u128::from(total);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    Some(if tenth == 0 { format!("{whole} %") } else { format!("{whole}.{tenth} %") })
}

/// Cuts `text` at a number of characters, with an ellipsis.
pub(crate) fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or(text))),
        None => Cow::Borrowed(text),
    }
}

/// Formats a name with a position, `name:3:1`, without unknown parts.
pub(crate) fn at(name: &str, line: u32, column: u32) -> String {
    match (line, column) {
        (0, _) => name.to_owned(),
        (_, 0) => format!("{name}:{line}"),
        _ => format!("{name}:{line}:{column}"),
    }
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
    fn only_a_complete_pass_is_a_hundred_percent() {
        let percent = |passed, failed| percent_passed(&Counts { passed, failed, ..Counts::default() });
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(0, 1).as_deref(), Some("0 %"));
        assert_eq!(percent(999_999, 1).as_deref(), Some("99.9 %"));
        assert_eq!(percent(2, 1).as_deref(), Some("66.6 %"));
        assert_eq!(percent(u64::MAX, 0).as_deref(), Some("100 %"));
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let written = [0, 999, 1000, 67_012, 1_000_000].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "67,012", "1,000,000"]);
    }

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

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("éé", 2), "éé");
        assert_eq!(cut("ééé", 2), "éé…");
    }
}
