//! Compares error texts: the specification's text in a script with the text of an engine.
//!
//! The texts in scripts are those of the reference interpreter, which compares them as prefixes.
//! Other engines have other texts. A script's text stands for the rule of the specification that is
//! broken; the table in `message_table` lists each rule once, with the interpreter's texts and
//! those of the libraries used here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use wassay_terms::Rule;

use super::embed::EmbedError;
use super::message_table::{NAMES, NAMES_IN_TEXT, TEXTS, Texts, VAGUE};

/// How error texts are compared. The kind of an error is always compared strictly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchKind {
    /// Both texts must state the same rule, or the script's must be a prefix of the other up to a
    /// word boundary.
    #[default]
    Class,
    /// Both texts must be equal.
    Exact,
    /// The script's text must be a prefix of the other, as in the reference interpreter.
    Prefix,
    /// Texts are not compared.
    Ignore,
}

impl From<MatchKind> for wassay_reports::MatchKind {
    fn from(kind: MatchKind) -> Self {
        match kind {
            MatchKind::Class => wassay_reports::MatchKind::Class,
            MatchKind::Exact => wassay_reports::MatchKind::Exact,
            MatchKind::Prefix => wassay_reports::MatchKind::Prefix,
            MatchKind::Ignore => wassay_reports::MatchKind::Ignore,
        }
    }
}

/// The result of comparing two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They have the same meaning.
    Same,
    /// They have different meanings.
    Different,
    /// One of them is not in the table, so the result is unknown.
    NotCompared,
}

/// The format of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Written {
    /// The binary format, or there is no module.
    #[default]
    Binary,
    /// The text format.
    Text,
}

/// Compares the text that a script expects with the actual error.
pub fn compare(kind: MatchKind, expected: &str, actual: &EmbedError, written: Written) -> Comparison {
    let same = match kind {
        MatchKind::Ignore => true,
        MatchKind::Exact => expected == actual.message,
        MatchKind::Prefix => actual.message.starts_with(expected),
        MatchKind::Class => return compare_class(expected, actual, written),
    };
    if same { Comparison::Same } else { Comparison::Different }
}

fn compare_class(expected: &str, actual: &EmbedError, written: Written) -> Comparison {
    let message = &*actual.message;
    if begins(expected, message) {
        return Comparison::Same;
    }
    let rule = actual.rules.is_empty().then(|| Rule::of_message(message)).flatten();
    let mut rules = actual.rules.iter().copied().chain(rule).peekable();
    let has_rule = rules.peek().is_some();
    let is_of_rule = || has_rule || TEXTS.iter().any(|texts| texts.has_ours(message));
    if rules.any(|rule| names(expected, rule, message, written))
        || TEXTS.iter().any(|texts| texts.joins(expected, message))
    {
        Comparison::Same
    } else if is_of_rule() && is_known(expected) && !is_vague(expected, message) {
        Comparison::Different
    } else {
        Comparison::NotCompared
    }
}

/// Whether a library uses this message for the rule that a script's text names, among others.
fn is_vague(expected: &str, message: &str) -> bool {
    let vague = VAGUE.iter().filter(|(text, _)| *text == message);
    vague.flat_map(|(_, rules)| *rules).any(|rule| names(expected, *rule, "", Written::Binary))
}

/// Whether a script's text states a rule.
fn names(expected: &str, rule: Rule, message: &str, written: Written) -> bool {
    if expected == rule.text() {
        return true;
    }
    let listed = |names: &[(Rule, &[&str])]| {
        let mut texts = names.iter().filter(|(of, _)| *of == rule).flat_map(|(_, texts)| *texts);
        texts.any(|pattern| matches(pattern, expected))
    };
    let named = listed(NAMES) || (written == Written::Text && listed(NAMES_IN_TEXT));
    named && !other_index(expected, rule, message)
}

/// Whether both texts have an index of the unknown item, and the indices differ.
fn other_index(expected: &str, rule: Rule, message: &str) -> bool {
    let index = |text: &str| {
        let rest = text.strip_prefix(rule.text())?.strip_prefix(' ')?;
        rest.split(|end: char| !end.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    matches!((index(expected), index(message)), (Some(expected), Some(actual)) if expected != actual)
}

/// Whether a script's text is in the tables.
fn is_known(expected: &str) -> bool {
    let listed = |names: &[(Rule, &[&str])]| {
        names.iter().flat_map(|(_, texts)| *texts).any(|pattern| matches(pattern, expected))
    };
    Rule::ALL.iter().any(|rule| rule.text() == expected)
        || listed(NAMES)
        || listed(NAMES_IN_TEXT)
        || TEXTS.iter().any(|texts| texts.has_spec(expected))
}

/// Whether a text is a prefix of another up to a word boundary.
fn begins(start: &str, text: &str) -> bool {
    let rest = text.strip_prefix(start).filter(|_| !start.is_empty());
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

impl Texts {
    fn joins(&self, expected: &str, actual: &str) -> bool {
        self.has_spec(expected) && self.has_ours(actual)
    }

    fn has_spec(&self, text: &str) -> bool {
        self.spec.iter().any(|pattern| matches(pattern, text))
    }

    fn has_ours(&self, text: &str) -> bool {
        self.ours.iter().any(|pattern| matches(pattern, text))
    }
}

/// Whether a text matches a pattern of the table: `#` matches a number, `*` matches anything.
fn matches(pattern: &str, text: &str) -> bool {
    // Fast path: most patterns differ in the first byte.
    match pattern.as_bytes().first() {
        Some(b'#' | b'*') => {}
        first if first != text.as_bytes().first() => return false,
        _ => {}
    }
    let Some(at) = pattern.find(['#', '*']) else { return pattern == text };
    let (literal, wild) = pattern.split_at(at);
    let (Some(text), Some(rest)) = (text.strip_prefix(literal), wild.get(1..)) else { return false };
    if wild.starts_with('#') {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let end = digits.find(|next: char| !next.is_ascii_hexdigit()).unwrap_or(digits.len());
        return end > 0 && digits.get(end..).is_some_and(|text| matches(rest, text));
    }
    rest.is_empty()
        || text.char_indices().any(|(at, _)| text.get(at..).is_some_and(|text| matches(rest, text)))
}

impl FromStr for MatchKind {
    type Err = UnknownMatchKind;

    fn from_str(text: &str) -> Result<Self, UnknownMatchKind> {
        Ok(match text {
            "class" => MatchKind::Class,
            "exact" => MatchKind::Exact,
            "prefix" => MatchKind::Prefix,
            "ignore" => MatchKind::Ignore,
            _ => return Err(UnknownMatchKind(text.to_owned())),
        })
    }
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MatchKind::Class => "class",
            MatchKind::Exact => "exact",
            MatchKind::Prefix => "prefix",
            MatchKind::Ignore => "ignore",
        })
    }
}

/// The error for an unknown kind of text comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of text comparison `{0}`: expected class, exact, prefix or ignore")]
pub struct UnknownMatchKind(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::ErrorKind;

    fn class(expected: &str, actual: &str) -> Comparison {
        compare(MatchKind::Class, expected, &EmbedError::new(ErrorKind::Invalid, actual), Written::Binary)
    }

    #[test]
    fn patterns_match_numbers_and_suffixes() {
        assert!(matches("unknown type #", "unknown type 12"));
        assert!(matches("byte (#) for *", "byte (0x4c) for type"));
        assert!(!matches("unknown type #", "unknown type"));
        assert!(!matches("unknown type #", "unknown type x"));
        assert!(!matches("unknown type #", "unknown type 1: more"));
        assert!(matches("unknown type #*", "unknown type 1: more"));
        assert!(matches("a * c", "a b b c"));
        assert!(!matches("a * c", "a b b cd"));
    }

    #[test]
    fn texts_of_the_same_rule_are_equivalent() {
        assert_eq!(
            class("unknown function 7", "unknown function 7: function index out of bounds"),
            Comparison::Same
        );
        assert_eq!(
            class("unknown function", "unknown function 7: function index out of bounds"),
            Comparison::Same
        );
        assert_eq!(
            class("unknown function", "unknown global 7: global index out of bounds"),
            Comparison::Different
        );
        assert_eq!(class("type mismatch", "uninitialized local: 0"), Comparison::Different);
        assert_eq!(class("unknown operator", "duplicate func identifier"), Comparison::Different);
        assert_eq!(class("integer overflow", "integer divide by zero"), Comparison::Different);
    }

    #[test]
    fn unbound_identifiers_are_distinguished_by_index_space() {
        for (ours, spec) in [
            ("unknown func: failed to find name `$x`", "unknown function"),
            ("unknown func: failed to find name `$x`", "unknown function $x"),
            ("unknown data: failed to find name `$x`", "unknown data segment"),
            ("unknown elem: failed to find name `$x`", "unknown elem segment"),
            ("unknown field: failed to find name `$x`", "unknown field"),
            ("accessing a named field `x` in a struct without named fields, type index 0", "unknown field"),
        ] {
            assert_eq!(class(spec, ours), Comparison::Same, "{ours}");
            assert_eq!(class("unknown global", ours), Comparison::Different, "{ours}");
        }
        assert_eq!(class("illegal escape", "invalid unicode scalar value 0x110000"), Comparison::Same);
        assert_eq!(class("import after memory", "multiple start sections"), Comparison::Different);
    }

    #[test]
    fn an_index_may_follow_a_trap() {
        assert_eq!(class("uninitialized element 7", "uninitialized element"), Comparison::Same);
        assert_eq!(class("uninitialized element 7", "uninitialized element 7"), Comparison::Same);
        assert_eq!(class("uninitialized element 7", "undefined element"), Comparison::Different);
    }

    #[test]
    fn prefixes_end_at_a_word_boundary() {
        assert_eq!(class("out of bounds", "out of bounds memory access"), Comparison::Same);
        assert_eq!(class("out of bounds", "undefined element"), Comparison::Different);
        assert_eq!(class("un", "unreachable"), Comparison::NotCompared);
        assert_eq!(class("", "unreachable"), Comparison::NotCompared);
    }

    #[test]
    fn a_text_that_is_in_no_rule_is_not_compared() {
        assert_eq!(class("moon phase", "unreachable"), Comparison::NotCompared);
        assert_eq!(class("unreachable", "moon phase"), Comparison::NotCompared);
        assert_eq!(class("moon phase", "moon phase"), Comparison::Same);
    }

    #[test]
    fn the_other_kinds_compare_the_texts_literally() {
        use Comparison::{Different, Same};
        let compared = |kind, actual: &str| {
            let actual = EmbedError::new(ErrorKind::Invalid, actual);
            compare(kind, "unknown type", &actual, Written::Binary)
        };
        for (kind, equal, begun, other) in [
            (MatchKind::Exact, Same, Different, Different),
            (MatchKind::Prefix, Same, Same, Different),
            (MatchKind::Ignore, Same, Same, Same),
        ] {
            assert_eq!(compared(kind, "unknown type"), equal);
            assert_eq!(compared(kind, "unknown type 1"), begun);
            assert_eq!(compared(kind, "unknown import"), other);
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("fuzzy".parse::<MatchKind>().unwrap_err().to_string().contains("`fuzzy`"));
    }

    #[test]
    fn no_pattern_matches_everything() {
        // A pattern that matches everything would make all texts equivalent.
        let foreign = ["moon phase", "unexpected moon", "out of moon", "unknown moon 7"];
        for rule in TEXTS {
            for text in foreign {
                assert!(!rule.has_spec(text), "{text} is of {:?}", rule.spec);
                assert!(!rule.has_ours(text), "{text} is of {:?}", rule.ours);
            }
        }
    }
}
