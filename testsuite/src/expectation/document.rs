//! Edits files of expectations. Comments, reasons and the order of the entries are preserved.

use std::collections::HashSet;

use thiserror::Error;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError, value};

use super::model::Expected;

/// The first line of a new file.
pub const HEAD: &str = "# Directives that are expected to fail or are not run, each with the reason.\n";

/// A file of expectations that is being edited.
#[derive(Debug, Clone)]
pub struct Document(DocumentMut);

/// A new entry for one directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The suite.
    pub suite: String,
    /// The script.
    pub script: String,
    /// The key of the directive.
    pub key: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The text of the directive on one line, possibly shortened.
    pub text: String,
    /// The kind of failure, as in reports.
    pub kind: String,
    /// The expected outcome.
    pub outcome: Expected,
    /// The reason.
    pub reason: String,
}

/// A file of expectations that cannot be edited.
#[derive(Debug, Clone, Error)]
pub enum DocumentError {
    /// The file is not TOML.
    #[error(transparent)]
    NotToml(#[from] TomlError),
    /// The entries are inline tables in an array, which leaves little room for comments.
    #[error("`expected` is an inline array: write each entry as a table under `[[expected]]`")]
    Inline,
}

impl Document {
    /// Parses a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not TOML, or its entries are not separate tables.
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        let document: DocumentMut = text.parse()?;
        match document.get(EXPECTED) {
            None | Some(Item::ArrayOfTables(_)) => Ok(Document(document)),
            // An empty array is the same as none.
            Some(Item::Value(array)) if array.as_array().is_some_and(toml_edit::Array::is_empty) => {
                let mut document = document;
                document.remove(EXPECTED);
                Ok(Document(document))
            }
            Some(_) => Err(DocumentError::Inline),
        }
    }

    /// Updates the line and text of the directive of an entry. `index` is the position of the entry
    /// in the file, from 0.
    pub fn locate(&mut self, index: usize, line: usize, text: &str) {
        let Some(entry) = self.entries().and_then(|entries| entries.get_mut(index)) else { return };
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        if entry.get("line").and_then(Item::as_integer) != Some(line) {
            set(entry, "line", line);
        }
        if entry.get("text").and_then(Item::as_str) != Some(text) {
            set(entry, "text", text);
        }
    }

    /// Removes entries by their positions in the file, from 0. Comments directly above an entry are
    /// removed with it; those further above are kept.
    pub fn remove(&mut self, indices: &[usize]) {
        let Some(entries) = self.entries() else { return };
        let indices: HashSet<usize> = indices.iter().copied().collect();
        let mut kept = ArrayOfTables::new();
        // Kept comments above removed entries, to be put before the next entry.
        let mut above = String::new();
        for (index, entry) in entries.iter().enumerate() {
            let prefix = entry.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            if indices.contains(&index) {
                above.push_str(kept_part(prefix, index == 0));
            } else {
                let mut entry = entry.clone();
                let prefix = format!("{above}{prefix}");
                entry.decor_mut().set_prefix(if kept.is_empty() {
                    prefix.trim_start_matches('\n')
                } else {
                    &prefix
                });
                above.clear();
                kept.push(entry);
            }
        }
        let trailing = format!("{above}{}", self.0.trailing().as_str().unwrap_or_default());
        self.0.set_trailing(trailing);
        if kept.is_empty() {
            self.0.remove(EXPECTED);
        } else {
            self.0.insert(EXPECTED, Item::ArrayOfTables(kept));
        }
    }

    /// Appends entries.
    pub fn add(&mut self, added: &[Added]) {
        if added.is_empty() {
            return;
        }
        // Text after the last entry, or in a file without entries, goes before the new ones.
        let trailing = self.0.trailing().as_str().unwrap_or_default().to_owned();
        self.0.set_trailing("");
        let is_empty = self.0.is_empty();
        let entries = self.0.entry(EXPECTED).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let Some(entries) = entries.as_array_of_tables_mut() else { return };
        for (number, entry) in added.iter().enumerate() {
            let mut table = table(entry);
            let above = match (number, is_empty, trailing.trim().is_empty()) {
                (0, true, true) => format!("{HEAD}\n"),
                (0, _, false) => format!("{}\n\n", trailing.trim_end()),
                _ => "\n".to_owned(),
            };
            table.decor_mut().set_prefix(above);
            entries.push(table);
        }
    }

    fn entries(&mut self) -> Option<&mut ArrayOfTables> {
        self.0.get_mut(EXPECTED).and_then(Item::as_array_of_tables_mut)
    }
}

/// Writes the file.
impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

const EXPECTED: &str = "expected";

/// The part of the lines above an entry that is kept when the entry is removed: all but the
/// comments directly above it, and everything at the beginning of the file.
fn kept_part(prefix: &str, is_first: bool) -> &str {
    if is_first && prefix.contains('#') {
        return prefix;
    }
    match prefix.rfind("\n\n") {
        Some(end) if prefix[..end].contains('#') => prefix.get(..=end).unwrap_or_default(),
        _ => "",
    }
}

/// Sets a value and keeps the comment next to it.
fn set(entry: &mut Table, key: &str, new: impl Into<toml_edit::Value>) {
    let mut new = new.into();
    if let Some(old) = entry.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    entry[key] = Item::Value(new);
}

fn table(added: &Added) -> Table {
    let mut table = Table::new();
    table["suite"] = value(&added.suite);
    table["script"] = value(&added.script);
    table["key"] = value(&added.key);
    table["line"] = value(i64::try_from(added.line).unwrap_or(i64::MAX));
    table["text"] = value(&added.text);
    table["kind"] = value(&added.kind);
    table["outcome"] = value(match added.outcome {
        Expected::Xfail => "xfail",
        Expected::Skip => "skip",
    });
    table["reason"] = value(&added.reason);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(key: &str) -> Added {
        Added {
            suite: "s".to_owned(),
            script: "a.wast".to_owned(),
            key: key.to_owned(),
            line: 3,
            text: "(invoke \"f\")".to_owned(),
            kind: "wrong-value".to_owned(),
            outcome: Expected::Xfail,
            reason: "r".to_owned(),
        }
    }

    const FILE: &str = "\
# The file.

# About one.
[[expected]] # here
script = \"a.wast\"
line = 1 # it moves
outcome = \"xfail\"
reason = \"one\"

# A section.

# About two.
[[expected]]
script = \"b.wast\"
outcome   = 'skip'
reason = \"two\"
# The end.
";

    fn changed(change: impl Fn(&mut Document)) -> String {
        let mut document = Document::parse(FILE).unwrap();
        change(&mut document);
        document.to_string()
    }

    #[test]
    fn unchanged_parts_are_preserved() {
        assert_eq!(changed(|_| {}), FILE);
        let moved = changed(|document| document.locate(0, 7, "x"));
        let expected =
            FILE.replace("line = 1 #", "line = 7 #").replace("\"one\"\n", "\"one\"\ntext = \"x\"\n");
        assert_eq!(moved, expected);
    }

    #[test]
    fn an_entry_is_removed_with_its_own_comments_only() {
        let first = changed(|document| document.remove(&[0]));
        assert!(first.starts_with("# The file.\n"), "{first}");
        assert!(first.contains("# A section.\n\n# About two.\n[[expected]]\nscript = \"b.wast\""), "{first}");
        assert!(!first.contains("\"one\""), "{first}");
        let second = changed(|document| document.remove(&[1]));
        assert!(second.contains("# A section.") && second.contains("# The end."), "{second}");
        assert!(!second.contains("# About two.") && !second.contains("\"two\""), "{second}");
        let none = changed(|document| document.remove(&[0, 1]));
        assert!(
            ["# The file.", "# A section.", "# The end."].iter().all(|text| none.contains(text)),
            "{none}"
        );
    }

    #[test]
    fn entries_are_appended() {
        let text = changed(|document| document.add(&[added("0123456789ab"), added("0123456789ac")]));
        assert!(text.starts_with(FILE.trim_end()), "{text}");
        assert_eq!(text.matches("[[expected]]").count(), 4);
        let mut new = Document::parse("").unwrap();
        new.add(&[added("0123456789ab")]);
        let text = new.to_string();
        assert!(text.starts_with(HEAD) && text.contains("text = '(invoke \"f\")'\n"), "{text}");
        assert!(super::super::Expectations::parse("e.toml", &text).is_ok());
        let mut comment = Document::parse("# Mine.\n").unwrap();
        comment.add(&[added("0123456789ab")]);
        assert!(comment.to_string().starts_with("# Mine.\n\n[[expected]]\n"), "{comment}");
    }

    #[test]
    fn inline_arrays_are_refused() {
        assert!(matches!(Document::parse("expected = [{}]\n"), Err(DocumentError::Inline)));
        assert!(Document::parse("expected = []\n").is_ok());
        assert!(matches!(Document::parse("expected = ["), Err(DocumentError::NotToml(_))));
    }
}
