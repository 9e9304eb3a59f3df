//! The header of a script: the lines before the first form that begin with `;;!`.
//!
//! Together, the lines are a TOML document. Blank lines and line comments may appear before and
//! between them.
//!
//! ```text
//! ;;! features = "2.0,threads"
//! ;;! reason = "waits on a shared memory"
//! ```
//!
//! | key | meaning |
//! |---|---|
//! | `features` | the [feature expression](crate::features); overrides the one of the folder |
//! | `reason` | the reason, for readers; has no effect |
//! | any other, with `true` or `false` | enables or disables the feature of that name, with `-` or `_` |
//!
//! Other projects use `;;!` for ordinary comments. If the lines are not TOML together, each is
//! therefore parsed by itself: a line that is not TOML is ignored with a warning, unless it sets a
//! known key. In that case the header is an error, since the script would otherwise run with the
//! wrong features.

use std::ops::Range;

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use crate::text;

/// The prefix of header lines.
const PREFIX: &str = ";;!";

/// What is expected of a key.
pub const EXPECTED: &str = "expected `features`, `reason`, or a feature with `true` or `false`";

/// The maximum size of a header's TOML, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The contents of a header. Empty for a script without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The feature expression, as written.
    pub features: Option<String>,
    /// The reason for the header.
    pub reason: Option<String>,
    /// The keys that are set to `true` or `false`, in order.
    pub switches: Vec<Switch>,
    /// Warnings, such as for an unknown key, each with file and line.
    pub warnings: Vec<String>,
}

/// A key that is set to `true` or `false`. Which keys there are is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The key, with `-` between words.
    pub key: String,
    /// Its value.
    pub on: bool,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

/// An invalid header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct HeaderError {
    /// The name of the script, for messages.
    pub file: String,
    /// The line in the script, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The problem, and what was expected.
    pub message: String,
}

/// Parses the header of the script `text`. `file` is the name of the script in messages.
///
/// # Errors
///
/// Returns an error if a known key is not valid TOML, has a value of the wrong type, or is set
/// twice, or if the header is larger than 64 KiB.
pub fn parse(file: &str, text: &str) -> Result<Header, HeaderError> {
    let (header_lines, rest) = split(text);
    let mut reader = Reader { file, header: Header::default() };
    let mut length = 0usize;
    let exceeds = |HeaderLine { toml, .. }: &&HeaderLine<'_>| {
        length = length.saturating_add(toml.len() + 1);
        length > MAX_BYTES
    };
    if let Some(HeaderLine { line, column, .. }) = header_lines.iter().find(exceeds) {
        return Err(reader.error((*line, *column), "header: larger than 64 KiB"));
    }
    let document = document(&header_lines);
    match DeTable::parse(&document) {
        Ok(table) => {
            let starts: Vec<usize> = text::line_starts(&document).collect();
            let position = |offset: usize| {
                let line = starts.partition_point(|start| *start <= offset);
                let start = line.checked_sub(1).and_then(|line| starts.get(line)).copied().unwrap_or(0);
                (line, document.get(start..offset).map_or(0, |before| before.chars().count()) + 1)
            };
            reader.entries(table.into_inner(), &position)?;
        }
        Err(_) => reader.by_line(&header_lines)?,
    }
    if let Some(line) = rest.and_then(|rest| find_prefix(text, rest)) {
        reader.header.warnings.push(format!("{file}:{line}: ignored a `{PREFIX}` line after the first form"));
    }
    Ok(reader.header)
}

/// A line of the header: its number, the column at which the TOML begins, and the TOML.
struct HeaderLine<'a> {
    line: usize,
    column: usize,
    toml: &'a str,
}

/// Returns the lines of the header, and the number of the first line after it, if there is one.
fn split(text: &str) -> (Vec<HeaderLine<'_>>, Option<usize>) {
    let mut header_lines = Vec::new();
    for (line, content) in (1..).zip(text::lines(text)) {
        let trimmed = content.trim_start();
        if let Some(toml) = trimmed.strip_prefix(PREFIX) {
            let column = content.chars().count() - toml.chars().count() + 1;
            header_lines.push(HeaderLine { line, column, toml: toml.trim_end() });
        } else if !trimmed.is_empty() && !trimmed.starts_with(";;") {
            return (header_lines, Some(line));
        }
    }
    (header_lines, None)
}

/// The header as a TOML document whose lines and columns are those of the script.
fn document(header_lines: &[HeaderLine<'_>]) -> String {
    let (mut document, mut lines) = (String::new(), 1);
    for HeaderLine { line, column, toml } in header_lines {
        document.extend(std::iter::repeat_n('\n', line - lines));
        document.extend(std::iter::repeat_n(' ', column - 1));
        document.push_str(toml);
        lines = *line;
    }
    document
}

struct Reader<'a> {
    file: &'a str,
    header: Header,
}

impl Reader<'_> {
    /// Reads the entries of a TOML document. `position` maps an offset in it to line and column.
    fn entries(
        &mut self,
        table: DeTable<'_>,
        position: &dyn Fn(usize) -> (usize, usize),
    ) -> Result<(), HeaderError> {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let at = |message: String| self.error(position(key.span().start), &message);
            let slot = match key.get_ref().as_ref() {
                "features" => &self.header.features,
                "reason" => &self.header.reason,
                other if value.get_ref().as_bool().is_some() => {
                    let ((line, column), key) = (position(key.span().start), other.replace('_', "-"));
                    if self.header.switches.iter().any(|switch| switch.key == key) {
                        return Err(at(format!("header: duplicate key `{other}`")));
                    }
                    let on = value.get_ref().as_bool().unwrap_or_default();
                    self.header.switches.push(Switch { key, on, line, column });
                    continue;
                }
                unknown => {
                    let message = format!("unknown header key `{unknown}`: {EXPECTED}");
                    let warning = at(message).to_string();
                    self.header.warnings.push(warning);
                    continue;
                }
            };
            if slot.is_some() {
                return Err(at(format!("header: duplicate key `{}`", key.get_ref())));
            }
            let DeValue::String(string) = value.get_ref() else {
                let found = value.get_ref().type_str();
                return Err(at(format!("header: `{}` must be a string, not {found}", key.get_ref())));
            };
            let value = Some(string.clone().into_owned());
            match key.get_ref().as_ref() {
                "features" => self.header.features = value,
                _ => self.header.reason = value,
            }
        }
        Ok(())
    }

    /// Parses each line by itself, because together they are not TOML.
    fn by_line(&mut self, header_lines: &[HeaderLine<'_>]) -> Result<(), HeaderError> {
        let mut ignored = Vec::new();
        for HeaderLine { line, column, toml } in header_lines {
            let position = |offset: usize| {
                (*line, column + toml.get(..offset).map_or(0, |before| before.chars().count()))
            };
            match DeTable::parse(toml) {
                Ok(table) => self.entries(table.into_inner(), &position)?,
                Err(error) if sets_known(toml) => {
                    let start = error.span().map_or(0, |span: Range<usize>| span.start);
                    return Err(self.error(position(start), &format!("header: {}", error.message())));
                }
                Err(_) => ignored.push(*line),
            }
        }
        if let Some((first, others)) = ignored.split_first() {
            let more = match others.len() {
                0 => String::new(),
                count => format!(" (and {count} more)"),
            };
            self.header.warnings.push(format!(
                "{}:{first}: ignored a `{PREFIX}` line that is not `key = \"value\"`{more}",
                self.file
            ));
        }
        Ok(())
    }

    fn error(&self, (line, column): (usize, usize), message: &str) -> HeaderError {
        // Reduce the message of the TOML parser to one line.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        HeaderError { file: self.file.to_owned(), line, column, message }
    }
}

/// Whether an invalid line was meant to set a known key: the key is not followed by another word,
/// as in a sentence.
fn sets_known(toml: &str) -> bool {
    let toml = toml.trim_start();
    ["features", "reason"].iter().any(|key| {
        let value = toml.strip_prefix(key).map(str::trim_start);
        value.is_some_and(|value| !value.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '-')))
    })
}

/// Finds the first line from `rest` on that begins with the prefix.
fn find_prefix(text: &str, rest: usize) -> Option<usize> {
    (1..)
        .zip(text::lines(text))
        .skip(rest - 1)
        .find(|(_, line)| line.starts_with(PREFIX))
        .map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Option<String> {
        let header = parse("a.wast", text).unwrap();
        assert_eq!(header.warnings, Vec::<String>::new());
        header.features
    }

    #[test]
    fn a_header_is_read() {
        assert_eq!(features(";;! features = \"2.0,threads\"\n(module)").as_deref(), Some("2.0,threads"));
        assert_eq!(features(";;! features = \"2.0\"").as_deref(), Some("2.0"));
        assert_eq!(features(";;!features='2.0'\r\n(module)\r\n").as_deref(), Some("2.0"));
        assert_eq!(
            parse("a", ";;! features = \"1.0\"\n;;! reason = \"why\"\n").unwrap(),
            Header { features: Some("1.0".into()), reason: Some("why".into()), ..Header::default() }
        );
    }

    #[test]
    fn a_header_has_a_limit() {
        let text = |count: usize| ";;! k = 1\n".repeat(count);
        assert_eq!(parse("a", &text(1)).unwrap().warnings.len(), 1);
        let error = parse("a", &text(1_000_000)).unwrap_err().to_string();
        assert_eq!(error, "a:9363:4: header: larger than 64 KiB");
        assert!(parse("a", &format!(";;! {}", "#".repeat(100_000))).is_err());
    }

    #[test]
    fn blank_lines_and_comments_are_allowed_around_it() {
        assert_eq!(
            features("\n;; A licence.\n  ;;! reason = \"r\"\n\n;;! features = \"1.0\"\n").as_deref(),
            Some("1.0")
        );
    }

    #[test]
    fn a_script_without_a_header_has_none() {
        for text in ["", "(module)", ";; features = \"1.0\"\n(module)", ";;!", ";;!\n;;!\n"] {
            assert_eq!(parse("a.wast", text).unwrap(), Header::default(), "{text:?}");
        }
    }

    #[test]
    fn an_unknown_key_warns_with_its_line() {
        let header = parse("d/a.wast", ";; x\n;;! gc = 1\n;;! features = \"3.0\"\n;;! [table]\n").unwrap();
        assert_eq!(header.features.as_deref(), Some("3.0"));
        assert_eq!(header.warnings.len(), 2, "{:?}", header.warnings);
        assert_eq!(header.warnings[0], format!("d/a.wast:2:5: unknown header key `gc`: {EXPECTED}"));
        assert!(header.warnings[1].starts_with("d/a.wast:4:"), "{:?}", header.warnings);
    }

    #[test]
    fn features_may_be_switched_by_name() {
        let header = parse("a", ";;! bulk_memory = false\n;;!   memory64 = true\n;;! Careful!\n").unwrap();
        let switch = |key: &str, on, line, column| Switch { key: key.to_owned(), on, line, column };
        assert_eq!(header.switches, [switch("bulk-memory", false, 1, 5), switch("memory64", true, 2, 7)]);
        assert_eq!(header.warnings.len(), 1, "{:?}", header.warnings);
        let error = parse("a", ";;! tail_call = true\n;;! tail-call = false\n").unwrap_err().to_string();
        assert_eq!(error, "a:2:5: header: duplicate key `tail-call`");
    }

    #[test]
    fn invalid_toml_is_an_error_with_its_position() {
        for (text, position) in [
            (";;! features = \n(module)", "a.wast:1:"),
            (";; c\n\n;;! reason = \"r\"\n;;! features 2.0\n", "a.wast:4:"),
            (";;! features = \"1.0\"\n;;! features = \"2.0\"\n", "a.wast:2:5: "),
            (";;! features = \"1.0\n(module)", "a.wast:1:"),
        ] {
            let message = parse("a.wast", text).unwrap_err().to_string();
            assert!(message.starts_with(position), "{text:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn other_comments_with_the_prefix_are_ignored_with_a_warning() {
        for (text, line, features) in [
            (";;! This file tests x = y.\n(module)", 1, None),
            (";;! Careful!\n;;! features = \"1.0\"\n", 1, Some("1.0")),
            (";;! features = \"1.0\"\n;;!!! features of\u{a0}tables\n(module)", 2, Some("1.0")),
            (";;! features of this file are odd\n", 1, None),
            ("\u{d};;!> reasons", 2, None),
        ] {
            let header = parse("a.wast", text).unwrap();
            assert_eq!(header.features.as_deref(), features, "{text:?}");
            let warning = format!("a.wast:{line}: ignored a `;;!` line that is not `key = \"value\"`");
            assert_eq!(header.warnings, [warning], "{text:?}");
        }
        let many = parse("a.wast", ";;! a b\n;;! c d\n;;! e f\n").unwrap();
        assert!(many.warnings[0].starts_with("a.wast:1: ") && many.warnings[0].ends_with("(and 2 more)"));
        assert_eq!(many.warnings.len(), 1);
    }

    #[test]
    fn an_invalid_known_key_is_an_error_even_next_to_other_comments() {
        for (text, position) in [
            (";;! Careful!\n;;! features: \"1.0\"\n", "a.wast:2:"),
            (";;! Careful!\n;;! features = [\"1.0\"]\n", "a.wast:2:5: "),
            (";;! features = \"1.0\"\n;;! Careful!\n  ;;! features = \"2.0\"\n", "a.wast:3:7: "),
        ] {
            let message = parse("a.wast", text).unwrap_err().to_string();
            assert!(message.starts_with(position), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_value_may_span_lines() {
        let header =
            parse("a.wast", ";;! reason = \"\"\"one\n;;! two\"\"\"\n;;! features = \"1.0\"\n").unwrap();
        assert_eq!((header.features.as_deref(), header.warnings.len()), (Some("1.0"), 0));
    }

    #[test]
    fn warnings_come_in_the_order_of_the_lines() {
        let header = parse("a", ";;! z = 1\n;;! a = 1\n").unwrap();
        assert!(header.warnings[0].starts_with("a:1:5: ") && header.warnings[1].starts_with("a:2:5: "));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(";;! x = {}{}\n", "[".repeat(30_000), "]".repeat(30_000));
        assert!(parse("a.wast", &deep).unwrap().warnings[0].starts_with("a.wast:1: "));
        let deep = deep.replace(" x ", " features ");
        assert!(parse("a.wast", &deep).unwrap_err().to_string().starts_with("a.wast:1:"));
    }

    #[test]
    fn a_value_of_another_type_is_an_error() {
        let error = parse("a.wast", ";;! reason = \"r\"\n;;! features = [\"2.0\"]").unwrap_err();
        assert_eq!((error.line, error.column), (2, 5));
        assert_eq!(error.message, "header: `features` must be a string, not array");
    }

    #[test]
    fn the_prefix_after_the_first_form_warns() {
        let header = parse("a.wast", "(module)\n\n;;! features = \"1.0\"\n").unwrap();
        assert_eq!(header.features, None);
        assert_eq!(header.warnings, ["a.wast:3: ignored a `;;!` line after the first form"]);
        // In the middle of a line, `;;!` is an ordinary comment.
        assert_eq!(parse("a.wast", "(module) ;;! no\n").unwrap(), Header::default());
    }
}
