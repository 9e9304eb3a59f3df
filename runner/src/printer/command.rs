//! Workflow commands of GitHub Actions, which have to begin a line as no other text may.

use std::io::{self, Write};

use wassay_reports::terminal::printable;

/// How many characters of a message are shown: an annotation has room for 4 KiB.
const MESSAGE: usize = 1000;

/// An error that is shown beside a line of a file, or without a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Annotation {
    /// The file, from the folder of the checkout.
    pub(crate) file: Option<String>,
    /// The line, from 1; 0 where it is not known.
    pub(crate) line: u32,
    /// The column, from 1; 0 where it is not known.
    pub(crate) column: u32,
    /// What it is about.
    pub(crate) title: String,
    /// What is wrong, in a line or several.
    pub(crate) message: String,
}

impl Annotation {
    /// Writes the command to standard error, since a report may go to standard output.
    #[expect(clippy::disallowed_methods, reason = "the printer's own")]
    pub(crate) fn tell(&self) {
        let _ = io::stderr().lock().write_all(self.command().as_bytes());
    }

    /// The command, which is one line.
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
        // GitHub shows the lines of a message.
        let lines: Vec<String> = message.lines().map(data).collect();
        format!("::error {}::{}\n", properties.join(","), lines.join("%0A"))
    }
}

/// A text as the data of a workflow command.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// A text as a property of a workflow command.
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
    fn an_annotation_neither_ends_early_nor_steers_a_terminal() {
        let title = "a\n::error::b\r\u{1b}[2J\u{202e}".to_owned();
        let command = Annotation { message: title.clone(), title, ..Annotation::default() }.command();
        assert_eq!(
            command,
            "::error title=a\\n%3A%3Aerror%3A%3Ab\\r\\u{1b}[2J\\u{202e}::a%0A::error::b\\r\\u{1b}[2J\\u{202e}\n"
        );
    }
}
