//! Command lines with placeholders.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use wassay_script::suggest::did_you_mean;

/// A command line whose words may contain placeholders in braces, such as
/// `["node", "{flags}", "{dir}/wap.js"]`.
///
/// A word is repeated for each value of a list placeholder, and omitted if the list is empty:
/// `{flags}` becomes one word per flag, and `--dir={dirs}` one option per folder. `{{` and `}}` are
/// escaped braces.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Template {
    words: Vec<Word>,
}

/// One word of a command line, or any other text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Word {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The folder of the built-in adapters.
    Adapters,
    /// The arguments of a WASI program.
    Args,
    /// The folder of the description.
    Dir,
    /// The words for the folders of a WASI program.
    Dirs,
    /// The words for its environment variables.
    Env,
    /// The flags of the column.
    Flags,
    /// The name of a folder in the guest.
    Guest,
    /// The host path of that folder.
    Host,
    /// The file of the module to run.
    Module,
    /// The name of a variable.
    Name,
    /// The program of the engine: the first of `program` that is installed.
    Program,
    /// The value of a variable.
    Value,
    /// The wassay executable.
    Wassay,
}

impl Placeholder {
    /// All placeholders.
    pub const ALL: [Placeholder; 13] = [
        Placeholder::Adapters,
        Placeholder::Args,
        Placeholder::Dir,
        Placeholder::Dirs,
        Placeholder::Env,
        Placeholder::Flags,
        Placeholder::Guest,
        Placeholder::Host,
        Placeholder::Module,
        Placeholder::Name,
        Placeholder::Program,
        Placeholder::Value,
        Placeholder::Wassay,
    ];

    /// The name between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Placeholder::Adapters => "adapters",
            Placeholder::Args => "args",
            Placeholder::Dir => "dir",
            Placeholder::Dirs => "dirs",
            Placeholder::Env => "env",
            Placeholder::Flags => "flags",
            Placeholder::Guest => "guest",
            Placeholder::Host => "host",
            Placeholder::Module => "module",
            Placeholder::Name => "name",
            Placeholder::Program => "program",
            Placeholder::Value => "value",
            Placeholder::Wassay => "wassay",
        }
    }

    /// Whether it is a list of values.
    pub fn is_list(self) -> bool {
        matches!(self, Placeholder::Args | Placeholder::Dirs | Placeholder::Env | Placeholder::Flags)
    }
}

impl FromStr for Placeholder {
    type Err = String;

    fn from_str(name: &str) -> Result<Placeholder, String> {
        let found = Placeholder::ALL.into_iter().find(|placeholder| placeholder.name() == name);
        found.ok_or_else(|| {
            let names = Placeholder::ALL.map(Placeholder::name);
            let listed = Placeholder::ALL.map(|placeholder| placeholder.to_string()).join(", ");
            let meant = did_you_mean(name, names);
            format!(
                "unknown placeholder `{{{name}}}`{meant}; expected one of {listed}, or `{{{{` and `}}}}` for braces"
            )
        })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{{{}}}`", self.name())
    }
}

impl Template {
    /// Replaces placeholders by values. A placeholder that is not a list uses the first value, or
    /// an empty text.
    pub fn fill(&self, values: &dyn Fn(Placeholder) -> Vec<String>) -> Vec<String> {
        self.words.iter().flat_map(|word| word.fill(values)).collect()
    }

    /// The placeholders in it, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.words.iter().flat_map(Word::placeholders)
    }

    /// The first word: the program.
    pub fn program(&self) -> Option<&Word> {
        self.words.first()
    }
}

impl Word {
    /// Replaces placeholders by values: one result for each value of a list, else one.
    pub fn fill(&self, values: &dyn Fn(Placeholder) -> Vec<String>) -> Vec<String> {
        let list = self.placeholders().find(|placeholder| placeholder.is_list());
        let filled = |item: &str| {
            let mut text = String::new();
            for piece in &self.pieces {
                match piece {
                    Piece::Text(part) => text.push_str(part),
                    Piece::Placeholder(placeholder) if placeholder.is_list() => text.push_str(item),
                    Piece::Placeholder(placeholder) => {
                        text.extend(values(*placeholder).into_iter().next());
                    }
                }
            }
            text
        };
        match list {
            Some(list) => values(list).iter().map(|item| filled(item)).collect(),
            None => vec![filled("")],
        }
    }

    /// The placeholders in it, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(*placeholder),
            Piece::Text(_) => None,
        })
    }

    /// Whether it is a path relative to the current folder.
    pub(super) fn is_relative_path(&self) -> bool {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text.contains('/') && !text.starts_with('/'),
            _ => false,
        }
    }
}

impl TryFrom<Vec<String>> for Template {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Template, String> {
        let words = words.into_iter().map(Word::try_from).collect::<Result<Vec<_>, _>>()?;
        match words.first() {
            None => {
                Err("expected a program and its arguments, such as `[\"my-engine\", \"--version\"]`"
                    .to_owned())
            }
            Some(program) if program.pieces.is_empty() => Err("the program is an empty word".to_owned()),
            Some(_) => Ok(Template { words }),
        }
    }
}

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Word, String> {
        let (mut pieces, mut part, mut rest) = (Vec::new(), String::new(), text.as_str());
        while let Some(at) = rest.find(['{', '}']) {
            part.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(brace) = ["{{", "}}"].into_iter().find(|brace| rest.starts_with(brace)) {
                part.push_str(&brace[1..]);
                rest = &rest[2..];
                continue;
            }
            let inside = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            let Some((name, after)) = inside else {
                return Err(format!("`{text}`: unpaired brace; use `{{{{` and `}}}}` for literal braces"));
            };
            let placeholder = name.parse::<Placeholder>()?;
            if !part.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut part)));
            }
            pieces.push(Piece::Placeholder(placeholder));
            rest = after;
        }
        part.push_str(rest);
        if !part.is_empty() {
            pieces.push(Piece::Text(part));
        }
        let word = Word { pieces };
        match word.placeholders().filter(|placeholder| placeholder.is_list()).count() {
            0 | 1 => Ok(word),
            _ => Err(format!("`{text}`: only one placeholder of a word may have several values")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let values = |placeholder| match placeholder {
            Placeholder::Flags => vec!["-a".to_owned(), "-b c".to_owned()],
            Placeholder::Adapters => Vec::new(),
            other => vec![format!("/{}", other.name()), "no".to_owned()],
        };
        Template::try_from(words).map(|template| template.fill(&values))
    }

    #[test]
    fn words_are_repeated_for_each_value_of_a_list() {
        assert_eq!(filled(&["a b"]).unwrap(), ["a b"]);
        assert_eq!(filled(&["{program}", "{flags}", "x"]).unwrap(), ["/program", "-a", "-b c", "x"]);
        assert_eq!(filled(&["e", "--{dir}={flags}."]).unwrap(), ["e", "--/dir=-a.", "--/dir=-b c."]);
        assert_eq!(filled(&["{adapters}/x", ""]).unwrap(), ["/x", ""]);
        assert_eq!(filled(&["a{{b}}", "{{{dir}}}", "é{dir}é"]).unwrap(), ["a{b}", "{/dir}", "é/diré"]);
    }

    #[test]
    fn unknown_placeholders_are_named() {
        let error = |words: &[&str]| filled(words).unwrap_err();
        assert!(error(&["{programm}"]).contains("did you mean `program`?"), "{}", error(&["{programm}"]));
        assert!(error(&["a", "{}"]).contains("unknown placeholder `{}`; expected one of `{adapters}`"));
        assert!(error(&["a{"]).contains("unpaired brace") && error(&["a}b"]).contains("unpaired brace"));
        assert!(error(&["a", "{flags}{flags}"]).contains("several values"));
        assert!(error(&[]).contains("expected a program") && error(&["", "a"]).contains("empty word"));
    }
}
