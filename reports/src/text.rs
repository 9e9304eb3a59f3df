//! Text helpers for the renderers.

use std::borrow::Cow;
use std::time::Duration;

use crate::outcome::Counts;

/// The maximum number of characters of a directive or a value to show; the JSON report has
/// [more](crate::MAX_TEXT).
pub(crate) const MAX_SHOWN: usize = 4000;

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
    percent(counts.passed, counts.total())
}

/// A share, rounded down to a tenth of a percent; `None` of nothing.
pub(crate) fn percent(part: u64, total: u64) -> Option<String> {
    if total == 0 {
        return None;
    }
    let tenths = u128::from(part) * 1000 / u128::from(total);
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
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("éé", 2), "éé");
        assert_eq!(cut("ééé", 2), "éé…");
    }
}
