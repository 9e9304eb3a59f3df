//! The command line of an engine's adapter.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The words, at least one.
    words: Vec<String>,
    /// Additional environment variables.
    env: BTreeMap<String, String>,
}

/// An invalid command line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadCommand {
    /// It is empty.
    #[error("expected a command, such as `node wap.js`")]
    Empty,
    /// A quote is not closed.
    #[error("`{0}`: unclosed quote")]
    Unclosed(String),
}

impl Command {
    /// Parses a command line: words separated by blanks, and quoted words in single or double
    /// quotes. Other shell syntax is not supported.
    ///
    /// # Errors
    ///
    /// The line is empty, or a quote is not closed.
    ///
    /// ```
    /// use wassay_drive::Command;
    ///
    /// let command = Command::read("node 'my adapter.js' --flag=\"a b\"").unwrap();
    /// assert_eq!(command.words(), ["node", "my adapter.js", "--flag=a b"]);
    /// assert!(Command::read(" ").is_err() && Command::read("node 'a").is_err());
    /// ```
    pub fn read(line: &str) -> Result<Command, BadCommand> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for c in line.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => word.get_or_insert_default().push(c),
                None if c == '\'' || c == '"' => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                None if c.is_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        if quote.is_some() {
            return Err(BadCommand::Unclosed(line.to_owned()));
        }
        Command::new(words, BTreeMap::new())
    }

    /// Creates a command from words, with additional environment variables.
    ///
    /// # Errors
    ///
    /// There are no words.
    pub fn new(words: Vec<String>, env: BTreeMap<String, String>) -> Result<Command, BadCommand> {
        if words.is_empty() { Err(BadCommand::Empty) } else { Ok(Command { words, env }) }
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The additional environment variables.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}
