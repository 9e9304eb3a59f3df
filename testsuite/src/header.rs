//! The header of a script: the lines that begin with `;;!`, before its first form.
//!
//! Together the lines are one TOML document. Blank lines and line comments may stand between and before them.
//!
//! ```text
//! ;;! features = "2.0,threads"
//! ;;! reason = "waits on a shared memory"
//! ```
//!
//! | key | is |
//! |---|---|
//! | `features` | the [feature expression](crate::features) to judge the script under, before what its place says |
//! | `reason` | why, for the reader; it changes nothing |
//!
//! Other people's comments begin with `;;!` too. So where the lines are not TOML together, each is read by itself: one that is not TOML is a
//! comment, with a warning, unless it sets a known key; then the header is an error, since the script would be judged under other
//! features than it says.

use std::ops::Range;

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use crate::text;

/// What begins a line of the header.
const MARK: &str = ";;!";

/// The most bytes of TOML in a header.
const MOST: usize = 64 << 10;

/// What the header of a script says. All empty for a script without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The feature expression, as it was written.
    pub features: Option<String>,
    /// Why the script has the header it has.
    pub reason: Option<String>,
    /// What is odd but does no harm, such as an unknown key: one line each, with file and line.
    pub warnings: Vec<String>,
}

/// A header that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct HeaderError {
    /// The name the caller has for the script.
    pub file: String,
    /// The line in the script, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// Reads the header of the script `text`; `file` is what messages call it.
///
/// # Errors
///
/// A known key is set to what is not TOML, to a value of another type, or twice, or there are more than 64 KiB.
pub fn parse(file: &str, text: &str) -> Result<Header, HeaderError> {
    let (marked, rest) = split(text);
    let mut reader = Reader { file, header: Header::default() };
    let mut length = 0usize;
    let passes = |Marked { toml, .. }: &&Marked<'_>| {
        length = length.saturating_add(toml.len() + 1);
        length > MOST
    };
    if let Some(Marked { line, column, .. }) = marked.iter().find(passes) {
        return Err(reader.error((*line, *column), "header: expected at most 64 KiB in all its lines"));
    }
    let document = document(&marked);
    match DeTable::parse(&document) {
        Ok(table) => {
            let starts: Vec<usize> = text::line_starts(&document).collect();
            let place = |offset: usize| {
                let line = starts.partition_point(|start| *start <= offset);
                let start = line.checked_sub(1).and_then(|line| starts.get(line)).copied().unwrap_or(0);
                (line, document.get(start..offset).map_or(0, |before| before.chars().count()) + 1)
            };
            reader.entries(table.into_inner(), &place)?;
        }
        Err(_) => reader.by_line(&marked)?,
    }
    if let Some(line) = rest.and_then(|rest| stray(text, rest)) {
        reader
            .header
            .warnings
            .push(format!("{file}:{line}: a `{MARK}` line after the first form is not part of the header"));
    }
    Ok(reader.header)
}

/// A line of the header: its number, the column at which the TOML begins, and the TOML.
struct Marked<'a> {
    line: usize,
    column: usize,
    toml: &'a str,
}

/// The lines of the header, and the number of the first line after it, if there is one.
fn split(text: &str) -> (Vec<Marked<'_>>, Option<usize>) {
    let mut marked = Vec::new();
    for (line, content) in (1..).zip(text::lines(text)) {
        let trimmed = content.trim_start();
        if let Some(toml) = trimmed.strip_prefix(MARK) {
            let column = content.chars().count() - toml.chars().count() + 1;
            marked.push(Marked { line, column, toml: toml.trim_end() });
        } else if !trimmed.is_empty() && !trimmed.starts_with(";;") {
            return (marked, Some(line));
        }
    }
    (marked, None)
}

/// The header as a TOML document in which every line and column is that of the script.
fn document(marked: &[Marked<'_>]) -> String {
    let (mut document, mut lines) = (String::new(), 1);
    for Marked { line, column, toml } in marked {
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
    /// Takes what a TOML document says, with the position that an offset in it has.
    fn entries(
        &mut self,
        table: DeTable<'_>,
        place: &dyn Fn(usize) -> (usize, usize),
    ) -> Result<(), HeaderError> {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let at = |message: String| self.error(place(key.span().start), &message);
            let slot = match key.get_ref().as_ref() {
                "features" => &self.header.features,
                "reason" => &self.header.reason,
                unknown => {
                    let known = "known are `features` and `reason`";
                    let warning = at(format!("unknown key `{unknown}` in the header; {known}")).to_string();
                    self.header.warnings.push(warning);
                    continue;
                }
            };
            if slot.is_some() {
                return Err(at(format!("header: `{}` is set twice", key.get_ref())));
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

    /// Reads each line by itself, since together they are not TOML.
    fn by_line(&mut self, marked: &[Marked<'_>]) -> Result<(), HeaderError> {
        let mut prose = Vec::new();
        for Marked { line, column, toml } in marked {
            let place = |offset: usize| {
                (*line, column + toml.get(..offset).map_or(0, |before| before.chars().count()))
            };
            match DeTable::parse(toml) {
                Ok(table) => self.entries(table.into_inner(), &place)?,
                Err(error) if sets_known(toml) => {
                    let start = error.span().map_or(0, |span: Range<usize>| span.start);
                    return Err(self.error(place(start), &format!("header: {}", error.message())));
                }
                Err(_) => prose.push(*line),
            }
        }
        if let Some((first, others)) = prose.split_first() {
            let more = match others.len() {
                0 => String::new(),
                count => format!(" (and {count} more of them)"),
            };
            self.header.warnings.push(format!(
                "{}:{first}: a `{MARK}` line that is not `key = \"value\"` is read as a comment{more}",
                self.file
            ));
        }
        Ok(())
    }

    fn error(&self, (line, column): (usize, usize), message: &str) -> HeaderError {
        // One line, whatever the parser of TOML says.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        HeaderError { file: self.file.to_owned(), line, column, message }
    }
}

/// Whether a line that is not TOML was meant to set a known key: no other word follows the key, as one would in a sentence.
fn sets_known(toml: &str) -> bool {
    let toml = toml.trim_start();
    ["features", "reason"].iter().any(|key| {
        let value = toml.strip_prefix(key).map(str::trim_start);
        value.is_some_and(|value| !value.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '-')))
    })
}

/// The first line from this one on that begins with the mark.
fn stray(text: &str, rest: usize) -> Option<usize> {
    (1..).zip(text::lines(text)).skip(rest - 1).find(|(_, line)| line.starts_with(MARK)).map(|(line, _)| line)
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
            Header { features: Some("1.0".into()), reason: Some("why".into()), warnings: vec![] }
        );
    }

    #[test]
    fn a_header_has_a_limit() {
        let text = |count: usize| ";;! k = 1\n".repeat(count);
        assert_eq!(parse("a", &text(1)).unwrap().warnings.len(), 1);
        let error = parse("a", &text(1_000_000)).unwrap_err().to_string();
        assert_eq!(error, "a:9363:4: header: expected at most 64 KiB in all its lines");
        assert!(parse("a", &format!(";;! {}", "#".repeat(100_000))).is_err());
    }

    #[test]
    fn blank_lines_and_comments_may_stand_around_it() {
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
        let header = parse("d/a.wast", ";; x\n;;! gc = true\n;;! features = \"3.0\"\n;;! [table]\n").unwrap();
        assert_eq!(header.features.as_deref(), Some("3.0"));
        assert_eq!(header.warnings.len(), 2, "{:?}", header.warnings);
        assert_eq!(
            header.warnings[0],
            "d/a.wast:2:5: unknown key `gc` in the header; known are `features` and `reason`"
        );
        assert!(header.warnings[1].starts_with("d/a.wast:4:"), "{:?}", header.warnings);
    }

    #[test]
    fn what_is_no_toml_is_an_error_with_its_place() {
        for (text, place) in [
            (";;! features = \n(module)", "a.wast:1:"),
            (";; c\n\n;;! reason = \"r\"\n;;! features 2.0\n", "a.wast:4:"),
            (";;! features = \"1.0\"\n;;! features = \"2.0\"\n", "a.wast:2:5: "),
            (";;! features = \"1.0\n(module)", "a.wast:1:"),
        ] {
            let message = parse("a.wast", text).unwrap_err().to_string();
            assert!(message.starts_with(place), "{text:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn prose_that_begins_as_a_header_does_is_a_comment_and_warns() {
        for (text, line, features) in [
            (";;! This file tests x = y.\n(module)", 1, None),
            (";;! Careful!\n;;! features = \"1.0\"\n", 1, Some("1.0")),
            (";;! features = \"1.0\"\n;;!!! features of\u{a0}tables\n(module)", 2, Some("1.0")),
            (";;! features of this file are odd\n", 1, None),
            ("\u{d};;!> reasons", 2, None),
        ] {
            let header = parse("a.wast", text).unwrap();
            assert_eq!(header.features.as_deref(), features, "{text:?}");
            let warning =
                format!("a.wast:{line}: a `;;!` line that is not `key = \"value\"` is read as a comment");
            assert_eq!(header.warnings, [warning], "{text:?}");
        }
        let many = parse("a.wast", ";;! a b\n;;! c d\n;;! e f\n").unwrap();
        assert!(
            many.warnings[0].starts_with("a.wast:1: ") && many.warnings[0].ends_with("(and 2 more of them)")
        );
        assert_eq!(many.warnings.len(), 1);
    }

    #[test]
    fn a_known_key_that_is_set_badly_is_an_error_also_beside_prose() {
        for (text, place) in [
            (";;! Careful!\n;;! features: \"1.0\"\n", "a.wast:2:"),
            (";;! Careful!\n;;! features = [\"1.0\"]\n", "a.wast:2:5: "),
            (";;! features = \"1.0\"\n;;! Careful!\n  ;;! features = \"2.0\"\n", "a.wast:3:7: "),
        ] {
            let message = parse("a.wast", text).unwrap_err().to_string();
            assert!(message.starts_with(place), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_value_may_have_several_lines() {
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
    fn a_mark_after_the_first_form_warns() {
        let header = parse("a.wast", "(module)\n\n;;! features = \"1.0\"\n").unwrap();
        assert_eq!(header.features, None);
        assert_eq!(
            header.warnings,
            ["a.wast:3: a `;;!` line after the first form is not part of the header"]
        );
        // Inside a line the three characters are a comment like any other.
        assert_eq!(parse("a.wast", "(module) ;;! no\n").unwrap(), Header::default());
    }
}
