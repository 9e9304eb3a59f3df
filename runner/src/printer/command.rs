//! Workflow commands of GitHub Actions. Other text is escaped so that it cannot contain one.

use std::io::{self, Write};

use wassay_reports::terminal::printable;

/// The maximum number of characters of a message: an annotation is limited to 4 KiB.
const MESSAGE: usize = 1000;

/// An error annotation, with or without a position in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Annotation {
    /// The file, relative to the checkout.
    pub(crate) file: Option<String>,
    /// The line, from 1; 0 if unknown.
    pub(crate) line: u32,
    /// The column, from 1; 0 if unknown.
    pub(crate) column: u32,
    /// The title.
    pub(crate) title: String,
    /// The message, of one or more lines.
    pub(crate) message: String,
}

impl Annotation {
    /// Writes the command to standard error, since standard output may have a report.
    #[expect(clippy::disallowed_methods, reason = "the printer's own")]
    pub(crate) fn tell(&self) {
        let _ = io::stderr().lock().write_all(self.command().as_bytes());
    }

    /// The command, on one line.
    pub(crate) fn command(&self) -> String {
        let mut properties = Vec::new();
        if let Some(file) = &self.file {
            properties.push(format!("file={}", property(file)));
        }
        if self.line > 0 {
            properties.push(format!("line={}", self.line));
        }
        if self.column > 0 {
            properties.push(format!("col={}", self.column));
        }
        properties.push(format!("title={}", property(&self.title)));
        let message: String = self.message.chars().take(MESSAGE).collect();
        // GitHub supports messages of several lines.
        let lines: Vec<String> = message.lines().map(data).collect();
        format!("::error {}::{}\n", properties.join(","), lines.join("%0A"))
    }
}

/// Escapes the data of a workflow command.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_escaped_as_workflow_commands_are() {
        let annotation = Annotation {
            file: Some("tests/a,b.wast".to_owned()),
            line: 7,
            column: 3,
            title: "my: suite, 100%".to_owned(),
            message: "50% are\r\nwrong: a, b\nexpected i32 1".to_owned(),
        };
        assert_eq!(
            annotation.command(),
            "::error file=tests/a%2Cb.wast,line=7,col=3,title=my%3A suite%2C 100%25::50%25 are%0Awrong: a, b%0A\
             expected i32 1\n"
        );
        let none =
            Annotation { title: "a".to_owned(), message: "crashed".to_owned(), ..Annotation::default() };
        assert_eq!(none.command(), "::error title=a::crashed\n");
    }

    #[test]
    fn control_characters_in_an_annotation_are_escaped() {
        let title = "a\n::error::b\r\u{1b}[2J\u{202e}".to_owned();
        let command = Annotation { message: title.clone(), title, ..Annotation::default() }.command();
        assert_eq!(
            command,
            "::error title=a\\n%3A%3Aerror%3A%3Ab\\r\\u{1b}[2J\\u{202e}::a%0A::error::b\\r\\u{1b}[2J\\u{202e}\n"
        );
    }
}
