//! The answer to `hello`.

use thiserror::Error;

use super::answer::{Answer, Class};
use super::request::{PROTOCOL, decoded};
use crate::embed::{ErrorKind, Identity};

/// The answer to `hello`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The name of the engine.
    pub engine: String,
    /// Its version; empty if unknown.
    pub version: String,
    /// The name of the adapter, if given.
    pub adapter: Option<String>,
    /// The engine's package, if it was not packaged by its developers.
    pub package: Option<String>,
    /// The classes of errors that the adapter does not distinguish.
    pub merges: Merges,
    /// Whether it supports host references.
    pub host: bool,
    /// Whether it enables only the features of a script.
    pub features: bool,
    /// Whether its messages are comparable with the texts of scripts.
    pub texts: bool,
}

/// An invalid answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the adapter answered `hello wap/1` by `{line}`: {why}")]
pub struct BadHello {
    /// The answer.
    pub line: String,
    /// The problem.
    pub why: String,
}

/// Sets of classes that an adapter does not distinguish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merges(Vec<Vec<Class>>);

/// The relation of an actual error to the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distinction {
    /// It is of the expected kind.
    Same,
    /// It may be: the adapter does not distinguish the two.
    Coarsely,
    /// It is of another kind.
    Other,
}

impl Hello {
    /// Parses the answer to `hello`. Unknown words are ignored, so that later versions can add
    /// some.
    ///
    /// # Errors
    ///
    /// The answer is not `ok`, or does not name an engine.
    pub fn read(answer: &Answer) -> Result<Hello, BadHello> {
        let bad = |why: &str| BadHello { line: answer.to_string(), why: why.to_owned() };
        let Answer::Ok(words) = answer else { return Err(bad("expected `ok engine=NAME ..`")) };
        let mut hello = Hello::default();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let Some((key, value)) = word.split_once('=') else { continue };
            let value = decoded(value).ok_or_else(|| bad(&format!("`{word}` is not percent-encoded")))?;
            match key {
                "engine" => hello.engine = value,
                "version" => hello.version = value,
                "adapter" => hello.adapter = Some(value).filter(|value| !value.is_empty()),
                "package" => hello.package = Some(value).filter(|value| !value.is_empty()),
                "merges" => hello.merges = Merges::read(&value).map_err(|why| bad(&why))?,
                "caps" => {
                    for capability in value.split(',') {
                        match capability {
                            "host" => hello.host = true,
                            "features" => hello.features = true,
                            "texts" => hello.texts = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if hello.engine.is_empty() { Err(bad("it has no `engine=NAME`")) } else { Ok(hello) }
    }

    /// The engine's identity in reports.
    pub fn identity(&self) -> Identity {
        Identity {
            adapter: Some(self.adapter.clone().unwrap_or_else(|| PROTOCOL.to_owned())),
            package: self.package.clone(),
            ..Identity::new(&self.engine, &self.version)
        }
    }
}

impl Merges {
    /// Parses sets of classes, separated by `,`, with `+` within a set.
    fn read(text: &str) -> Result<Merges, String> {
        let class = |word: &str| {
            word.parse::<Class>().map_err(|()| format!("`{word}` in `merges` is not a class of errors"))
        };
        let sets = text.split(',').filter(|set| !set.is_empty());
        sets.map(|set| set.split('+').map(class).collect()).collect::<Result<_, _>>().map(Merges)
    }

    /// Relates an actual class to the expected kind. A rejection without a kind may mean malformed
    /// or invalid.
    pub fn compare(&self, came: Class, expected: ErrorKind) -> Distinction {
        let refused = [Class::Compile, Class::Malformed, Class::Invalid];
        let wanted = Class::of(expected);
        let in_one = |set: &[Class]| set.contains(&came) && set.contains(&wanted);
        if self.0.iter().any(|set| in_one(set)) || (came == Class::Compile && refused.contains(&wanted)) {
            Distinction::Coarsely
        } else if came == wanted {
            Distinction::Same
        } else {
            Distinction::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Hello, BadHello> {
        Hello::read(&line.parse().unwrap())
    }

    #[test]
    fn an_adapter_names_its_engine_and_what_it_cannot_tell_apart() {
        let hello =
            read("ok engine=node version=v20.1%20x merges=trap+exception,limit+error caps=host new=1")
                .unwrap();
        assert_eq!((hello.engine.as_str(), hello.version.as_str()), ("node", "v20.1 x"));
        assert!(hello.host && !hello.features && !hello.texts);
        let tell = |came, expected| hello.merges.compare(came, expected);
        assert_eq!(tell(Class::Trap, ErrorKind::Trap), Distinction::Coarsely);
        assert_eq!(tell(Class::Trap, ErrorKind::Exception), Distinction::Coarsely);
        assert_eq!(tell(Class::Link, ErrorKind::Unlinkable), Distinction::Same);
        assert_eq!(tell(Class::Trap, ErrorKind::Exhaustion), Distinction::Other);
        assert_eq!(tell(Class::Compile, ErrorKind::Invalid), Distinction::Coarsely);
        assert_eq!(tell(Class::Invalid, ErrorKind::Malformed), Distinction::Other);
        assert_eq!(tell(Class::Compile, ErrorKind::Unlinkable), Distinction::Other);
    }

    #[test]
    fn an_answer_that_names_no_engine_is_refused() {
        for line in
            ["ok", "ok version=1", "E unsupported wap/2", "v 0", "ok engine=%", "ok engine=a merges=b"]
        {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
