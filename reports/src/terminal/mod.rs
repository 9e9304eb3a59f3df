//! Text for terminals and logs in which all data is escaped.
//!
//! Data from reports, scripts and guests is printed on terminals, which interpret control
//! sequences, and in logs of CI servers, which interpret certain lines as commands. [`Text`] is the
//! only kind of text that is printed: it escapes all data, so that data cannot control a terminal,
//! forge a line or issue a command to a CI server.

mod escape;

use std::fmt;
use std::ops::Deref;

use anstyle::Style;

pub(crate) use self::escape::{escaped, printable_lines, replaced};
pub use self::escape::{is_hidden, printable, printable_bytes};

/// The maximum number of bytes of a datum to show; longer ones are cut with a note.
pub const MAX_DATUM: usize = 64 << 10;

/// Lines of output. All data is escaped as by [`printable`] and cut at [`MAX_DATUM`] bytes.
///
/// No line of it is a command to a CI server: GitHub interprets lines that begin with `::` after
/// any blanks, GitHub and Azure what follows `##[` and `##vso[` anywhere in a line, TeamCity
/// `##teamcity[`. One character of these is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    text: String,
    colour: bool,
    /// The start of the current line.
    line: usize,
}

impl Text {
    /// Creates an empty text; styles are ignored without `colour`.
    pub fn new(colour: bool) -> Text {
        Text { text: String::new(), colour, line: 0 }
    }

    /// Converts text that a library has styled with ANSI sequences. Those that select a graphic
    /// rendition (`ESC [ … m`, ECMA-48 section 8.3.117) are kept with `colour`, and line feeds end
    /// lines. Data in it must be escaped before, since it could contain styles too.
    pub fn of_styled(styled: &str, colour: bool) -> Text {
        let mut text = Text::new(colour);
        for line in styled.split_inclusive('\n') {
            let (line, is_ended) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
            let mut rest = line;
            while let Some(at) = rest.find("\u{1b}[") {
                let (before, sequence) = rest.split_at(at);
                let parameters =
                    sequence[2..].bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
                let end = 2 + parameters;
                let is_rendition = sequence[end..].starts_with('m');
                let (sequence, after) = sequence.split_at(if is_rendition { end + 1 } else { 2 });
                text.put(before);
                match is_rendition {
                    true if colour => text.text.push_str(sequence),
                    true => {}
                    false => _ = text.put(sequence),
                }
                rest = after;
            }
            text.put(rest);
            if is_ended {
                text.end();
            }
        }
        text
    }

    /// Adds text or data to the current line.
    pub fn put(&mut self, datum: impl fmt::Display) -> &mut Text {
        self.paint(Style::new(), datum)
    }

    /// Like [`put`](Text::put), with a style.
    pub fn paint(&mut self, style: Style, datum: impl fmt::Display) -> &mut Text {
        let datum = datum.to_string();
        let (shown, left) = bounded(&datum);
        let style = if self.colour { style } else { Style::new() };
        self.text.push_str(&format!("{style}{}", printable(shown)));
        if left > 0 {
            self.text.push_str(&format!("… ({left} more bytes)"));
        }
        self.text.push_str(&format!("{style:#}"));
        self
    }

    /// Ends the line.
    pub fn end(&mut self) -> &mut Text {
        let line = self.text.get(self.line..).unwrap_or_default();
        if let Some(harmless) = without_commands(line, PLAIN) {
            self.text.truncate(self.line);
            self.text.push_str(&harmless);
        }
        self.text.push('\n');
        self.line = self.text.len();
        self
    }

    /// Adds a line.
    pub fn line(&mut self, datum: impl fmt::Display) -> &mut Text {
        self.put(datum).end()
    }

    /// Adds each line of a datum as a separate line, indented by `indent`. Tabs are kept.
    pub fn block(&mut self, indent: &str, datum: &str, style: impl Fn(&str) -> Style) -> &mut Text {
        let (shown, left) = bounded(datum);
        for line in shown.lines() {
            let style = if self.colour { style(line) } else { Style::new() };
            self.text.push_str(&format!("{indent}{style}{}{style:#}", printable_lines(line)));
            self.end();
        }
        if left > 0 {
            self.text.push_str(&format!("{indent}… ({left} more bytes)"));
            self.end();
        }
        self
    }

    /// Adds the lines of another text.
    pub fn append(&mut self, other: &Text) -> &mut Text {
        self.text.push_str(&other.text);
        self.line = self.text.len() - (other.text.len() - other.line);
        self
    }

    /// Ends the last line.
    pub fn ended(mut self) -> Text {
        if self.line < self.text.len() {
            self.end();
        }
        self
    }

    /// Returns the text as a string.
    pub fn into_string(self) -> String {
        self.text
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        *self == other.text
    }
}

/// Formats a text as a line of a [`Text`], without the line feed, for printing by other code.
pub fn as_line(text: &str) -> String {
    let mut line = Text::new(false);
    line.line(text);
    line.text.pop();
    line.text
}

/// Cuts a datum at the limit; returns the rest's size in bytes.
fn bounded(datum: &str) -> (&str, usize) {
    let end = datum.floor_char_boundary(MAX_DATUM);
    let (shown, left) = datum.split_at(end);
    (shown, left.len())
}

/// Replacements for the first colon of `::` and the last `#` of `##`.
#[derive(Clone, Copy, Debug)]
struct Replacements {
    colon: &'static str,
    hash: &'static str,
}

/// Escapes in plain text.
const PLAIN: Replacements = Replacements { colon: "\\u{3a}", hash: "\\u{23}" };

/// Escapes commands of CI servers in a line; `None` if there are none.
fn without_commands(line: &str, instead: Replacements) -> Option<String> {
    // Skip styles at the start of the line.
    let mut rest = line.trim_start();
    while let Some(styled) = rest.strip_prefix("\u{1b}[") {
        rest = styled.split_once('m').map_or("", |(_, rest)| rest).trim_start();
    }
    let begin = line.len() - rest.len();
    let is_command = rest.starts_with("::");
    let mut harmless = String::new();
    let mut written = 0;
    if is_command {
        harmless.push_str(&line[..begin]);
        harmless.push_str(instead.colon);
        written = begin + 1;
    }
    for (at, _) in line.match_indices("##") {
        let rest = line[at..].trim_start_matches('#');
        if at >= written && rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[') {
            let last = line.len() - rest.len() - 1;
            harmless.push_str(&line[written..last]);
            harmless.push_str(instead.hash);
            written = last + 1;
        }
    }
    (written > 0).then(|| harmless + &line[written..])
}

/// Escapes commands of CI servers in a document. The meaning in JSON, XML and HTML is unchanged.
pub(crate) fn document(text: String, language: Language) -> String {
    let instead = match language {
        // No line of a JSON document begins with a colon.
        Language::Json => Replacements { colon: ":", hash: "\\u0023" },
        Language::Markup => Replacements { colon: "&#58;", hash: "&#35;" },
        Language::Markdown => PLAIN,
    };
    if !text.contains("::") && !text.contains("##") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match without_commands(line, instead) {
            Some(harmless) => out.push_str(&harmless),
            None => out.push_str(line),
        }
    }
    out
}

/// The language of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Language {
    Json,
    /// XML and HTML.
    Markup,
    Markdown,
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn line(datum: &str) -> String {
        Text::new(false).line(datum).to_string()
    }

    #[test]
    fn a_datum_stays_within_its_line() {
        assert_eq!(line("a\n::error::b\r\u{1b}[2K"), "a\\n::error::b\\r\\u{1b}[2K\n");
        let mut text = Text::new(false);
        text.block("    ", "a\n\tb\r\n::error::c\n\u{9b}d", |_| Style::new());
        assert_eq!(text, "    a\n    \tb\n    \\u{3a}:error::c\n    \\u{9b}d\n");
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_server() {
        for (datum, expected) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("  \u{a0}::set-output name=a::b", "  \u{a0}\\u{3a}:set-output name=a::b"),
            ("a ::error::x", "a ::error::x"),
            ("a::b", "a::b"),
            ("##[error]x", "#\\u{23}[error]x"),
            ("a ##vso[task.setvariable]", "a #\\u{23}vso[task.setvariable]"),
            ("x ##teamcity[a] ##[b]", "x #\\u{23}teamcity[a] #\\u{23}[b]"),
            ("####[a] #[b] ## c", "###\\u{23}[a] #[b] ## c"),
            ("::##[a]", "\\u{3a}:#\\u{23}[a]"),
        ] {
            assert_eq!(line(datum), format!("{expected}\n"));
        }
        let mut text = Text::new(false);
        text.put(":").put(":error::").put("#").put("#[a]").end();
        assert_eq!(text, "\\u{3a}:error::#\\u{23}[a]\n");
        let mut text = Text::new(true);
        text.put(" ").paint(Style::new().bold(), "::error::a").end();
        assert_eq!(text, " \u{1b}[1m\\u{3a}:error::a\u{1b}[0m\n");
        assert_eq!(as_line("::a\n##[b]"), "\\u{3a}:a\\n#\\u{23}[b]");
    }

    #[test]
    fn escaping_commands_keeps_the_meaning_of_a_document() {
        let json = document("{\n  \"a\": \"##[b]::\"\n}\n".to_owned(), Language::Json);
        assert_eq!(json, "{\n  \"a\": \"#\\u0023[b]::\"\n}\n");
        let markup = document("<a>\n ::b ##[c]</a>\n".to_owned(), Language::Markup);
        assert_eq!(markup, "<a>\n &#58;:b #&#35;[c]</a>\n");
        assert_eq!(document("## a\n\n::b".to_owned(), Language::Markdown), "## a\n\n\\u{3a}:b");
    }

    #[test]
    fn styles_in_data_are_escaped() {
        let red = AnsiColor::Red.on_default();
        let text = |colour| Text::new(colour).paint(red, "\u{1b}[31mx").end().to_string();
        assert_eq!(text(true), "\u{1b}[31m\\u{1b}[31mx\u{1b}[0m\n");
        assert_eq!(text(false), "\\u{1b}[31mx\n");
    }

    #[test]
    fn only_styles_of_a_library_are_kept() {
        let styled = "\u{1b}[1;31merror:\u{1b}[0m a\u{1b}[2J\u{1b}]0;x\u{7}\nb\u{1b}[\n";
        let rest = "a\\u{1b}[2J\\u{1b}]0;x\\u{7}\nb\\u{1b}[\n";
        assert_eq!(Text::of_styled(styled, true), format!("\u{1b}[1;31merror:\u{1b}[0m {rest}"));
        assert_eq!(Text::of_styled(styled, false), format!("error: {rest}"));
    }

    #[test]
    fn a_datum_is_cut_with_a_note() {
        let long = "é".repeat(MAX_DATUM);
        let shown = line(&long);
        assert!(shown.ends_with("é… (65536 more bytes)\n"), "{}", &shown[shown.len() - 40..]);
        let mut text = Text::new(false);
        text.block("  ", &"a\n".repeat(MAX_DATUM), |_| Style::new());
        assert!(text.ends_with("  a\n  … (65536 more bytes)\n"));
    }

    #[test]
    fn texts_are_joined_line_by_line() {
        let (mut one, mut two) = (Text::new(false), Text::new(false));
        one.line("a");
        two.line("b").put("::c");
        assert_eq!(one.append(&two).clone().ended(), "a\nb\n\\u{3a}:c\n");
        one.put("d");
        assert_eq!(one.ended(), "a\nb\n\\u{3a}:cd\n");
    }
}
