//! Orders versions.

use std::cmp::Ordering;

/// Compares two versions: numbers by value, everything else as text. A part after `-` is a
/// prerelease, which precedes the version itself (Semantic Versioning 2.0.0, section 11).
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.is_empty(), b.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) if b.starts_with('-') => return Ordering::Greater,
            (false, true) if a.starts_with('-') => return Ordering::Less,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let ((left, rest_a), (right, rest_b)) = (part(a), part(b));
        let order = match (number(left), number(right)) {
            (Some(left), Some(right)) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
            _ => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Splits off the first run of digits or of other characters.
fn part(text: &str) -> (&str, &str) {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(text.len());
    text.split_at(end)
}

/// The digits of a number without leading zeros.
fn number(text: &str) -> Option<&str> {
    text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let ordered = ["", "2", "9.8", "10.0-rc.1", "10.0-rc.2", "10.0", "10.0.1", "10.2", "10.11", "v1"];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("1.02", "1.2"), Ordering::Equal);
        assert_eq!(compare("99999999999999999999999", "100000000000000000000000"), Ordering::Less);
    }
}
