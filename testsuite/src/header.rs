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

use std::ops::Range;

use memchr::memmem;
use thiserror::Error;
use toml::de::{DeTable, DeValue};

/// What begins a line of the header.
const MARK: &str = ";;!";

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
/// The header is not TOML, or a known key has a value of another type.
pub fn parse(file: &str, text: &str) -> Result<Header, HeaderError> {
    let (document, rest) = split(text);
    let mut header = Header::default();
    if !document.is_empty() {
        let table = DeTable::parse(&document)
            .map_err(|error| at(file, &document, error.span(), format!("header: {}", error.message())))?;
        let mut entries: Vec<_> = table.into_inner().into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let place = |message: String| at(file, &document, Some(key.span()), message);
            let slot = match key.get_ref().as_ref() {
                "features" => &mut header.features,
                "reason" => &mut header.reason,
                unknown => {
                    let message =
                        format!("unknown key `{unknown}` in the header; known are `features` and `reason`");
                    header.warnings.push(place(message).to_string());
                    continue;
                }
            };
            match value.into_inner() {
                DeValue::String(string) => *slot = Some(string.into_owned()),
                other => {
                    let found = other.type_str();
                    return Err(place(format!("header: `{}` must be a string, not {found}", key.get_ref())));
                }
            }
        }
    }
    if let Some(line) = stray(text, rest) {
        header
            .warnings
            .push(format!("{file}:{line}: a `{MARK}` line after the first form is not part of the header"));
    }
    Ok(header)
}

/// The header as a TOML document in which every line and column is that of the script, and the offset of what follows the
/// header. The document is empty if there is no header.
fn split(text: &str) -> (String, usize) {
    let (mut document, mut found, mut rest) = (String::new(), false, 0);
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        if let Some(toml) = content.strip_prefix(MARK) {
            found = true;
            document.extend(std::iter::repeat_n(' ', line.chars().count() - toml.chars().count()));
            document.push_str(toml.trim_end());
        } else if !content.is_empty() && !content.starts_with(";;") {
            break;
        }
        document.push('\n');
        rest += line.len();
    }
    if found { (document, rest) } else { (String::new(), rest) }
}

/// The line of the first mark that begins a line at or after `rest`.
fn stray(text: &str, rest: usize) -> Option<usize> {
    let after = text.get(rest..)?;
    let at = memmem::find(after.as_bytes(), b"\n;;!")?;
    Some(text.get(..=rest + at)?.matches('\n').count() + 1)
}

/// An error at the start of `span` in `document`.
fn at(file: &str, document: &str, span: Option<Range<usize>>, message: String) -> HeaderError {
    let before = span.and_then(|span| document.get(..span.start)).unwrap_or_default();
    HeaderError {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
        // One line, whatever the parser of TOML says.
        message: message.split_whitespace().collect::<Vec<_>>().join(" "),
    }
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
    fn warnings_come_in_the_order_of_the_lines() {
        let header = parse("a", ";;! z = 1\n;;! a = 1\n").unwrap();
        assert!(header.warnings[0].starts_with("a:1:5: ") && header.warnings[1].starts_with("a:2:5: "));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(";;! x = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
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
