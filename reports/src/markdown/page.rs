//! A text in Markdown that keeps to its limit, and what is escaped for it.

use crate::terminal::{self, Language, printable, printable_lines};
use crate::text::{cut, plural};

/// The maximum size in bytes: a GitHub comment can have 65,536 characters.
pub const MAX_LENGTH: usize = 60_000;

/// The maximum number of rows of a table, and of items of a list.
pub(super) const MAX_ROWS: usize = 60;

/// The maximum number of characters of a directive or a value to show.
pub(crate) const MAX_SHOWN: usize = 800;

/// A text built of blocks up to a limit.
pub(crate) struct Page {
    pub(crate) text: String,
    pub(super) limit: usize,
}

impl Page {
    pub(crate) fn new() -> Page {
        Page { text: String::new(), limit: MAX_LENGTH }
    }

    /// The space reserved for the last line.
    const REST: usize = 1000;

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Returns the text, with commands of CI servers escaped.
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

    /// Adds up to `most` blocks as long as they fit, then a line with the number of `things` left
    /// out.
    pub(crate) fn list<T>(&mut self, items: &[T], most: usize, things: &str, block: impl Fn(&T) -> String) {
        let shown = items.iter().take(most).take_while(|item| self.fits(&block(item))).count();
        let left = (items.len() - shown) as u64;
        if left > 0 {
            self.push(&format!("\n… and {}\n", plural(left, things)));
        }
    }
}

/// A name, as a link if there is a URL.
pub(crate) fn linked(name: &str, url: Option<String>) -> String {
    match url {
        Some(url) => format!("[{}]({url})", code(name)),
        None => code(name),
    }
}

/// Formats `text` as a code span, with more backticks than it has in a row.
pub(crate) fn code(text: &str) -> String {
    let text = cut(text, MAX_SHOWN);
    let text = printable(&text);
    if text.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // Renderers strip one blank on each side.
    if text.contains('`') || text.starts_with(' ') {
        format!("{ticks} {text} {ticks}")
    } else {
        format!("{ticks}{text}{ticks}")
    }
}

/// Formats `text` as a code span in a table cell, where bars must be escaped.
pub(crate) fn in_table(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Formats `text` as a code block; empty if it is empty.
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

/// Escapes `text` for HTML.
pub(super) fn html(text: &str) -> String {
    let text = cut(text, MAX_SHOWN);
    let text = printable(&text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "&#64;")
}
