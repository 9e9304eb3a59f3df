//! A text in Markdown that keeps to its limit, and what is escaped for it.

use crate::terminal::{self, Language, printable, printable_lines};
use crate::text::{cut, plural};

/// How long it is at most, in bytes: a comment on GitHub holds 65,536 characters.
pub const MAX_LENGTH: usize = 60_000;

/// So many rows a table has at most, and so many items a list.
pub(super) const MAX_ROWS: usize = 60;

/// So many characters of a directive's text, or of a value, are shown.
pub(crate) const MAX_SHOWN: usize = 800;

/// A text that grows block by block up to its limit.
pub(crate) struct Page {
    pub(crate) text: String,
    pub(super) limit: usize,
}

impl Page {
    pub(crate) fn new() -> Page {
        Page { text: String::new(), limit: MAX_LENGTH }
    }

    /// So much is kept free for the last line.
    const REST: usize = 1000;

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text, in which no line is a command to a CI server.
    pub(crate) fn finish(self) -> String {
        terminal::document(self.text, Language::Markdown)
    }

    /// Adds a block if it fits.
    pub(crate) fn fits(&mut self, block: &str) -> bool {
        let fits = self.text.len() + block.len() + Page::REST <= self.limit;
        if fits {
            self.text.push_str(block);
        }
        fits
    }

    /// Adds blocks as long as they fit and are no more than `most`, then a line that says how many
    /// `things` are left out.
    pub(crate) fn list<T>(&mut self, items: &[T], most: usize, things: &str, block: impl Fn(&T) -> String) {
        let shown = items.iter().take(most).take_while(|item| self.fits(&block(item))).count();
        let left = (items.len() - shown) as u64;
        if left > 0 {
            self.push(&format!("\n… and {}\n", plural(left, things)));
        }
    }
}

/// A name that leads somewhere, where it does.
pub(crate) fn linked(name: &str, url: Option<String>) -> String {
    match url {
        Some(url) => format!("[{}]({url})", code(name)),
        None => code(name),
    }
}

/// `text` as code within a line: between more backticks than it has in a row.
pub(crate) fn code(text: &str) -> String {
    let text = cut(text, MAX_SHOWN);
    let text = printable(&text);
    if text.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // A blank after the backticks is taken away again where there is one before the others too.
    if text.contains('`') || text.starts_with(' ') {
        format!("{ticks} {text} {ticks}")
    } else {
        format!("{ticks}{text}{ticks}")
    }
}

/// `text` as code within a cell of a table, where a bar would end the cell even there.
pub(crate) fn in_table(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// `text` as a block of code; nothing where there is none.
pub(crate) fn fence(language: &str, text: &str) -> String {
    let text = printable_lines(text.trim_end());
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{ticks}{language}\n{text}\n{ticks}\n\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// `text` between tags of HTML.
pub(super) fn html(text: &str) -> String {
    let text = cut(text, MAX_SHOWN);
    let text = printable(&text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "&#64;")
}
