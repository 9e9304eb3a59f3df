//! What an adapter says of itself.

use thiserror::Error;

use super::answer::{Answer, Class};
use super::request::{PROTOCOL, decoded};
use crate::embed::{ErrorKind, Identity};

/// The answer to `hello`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The name of the engine.
    pub engine: String,
    /// Its version; empty where it is not known.
    pub version: String,
    /// The adapter, where it says what it is called.
    pub adapter: Option<String>,
    /// Who packaged the engine, where that was not its makers.
    pub package: Option<String>,
    /// The classes of errors that the adapter cannot tell apart.
    pub merges: Merges,
    /// Whether it makes and compares references of the host.
    pub host: bool,
    /// Whether it switches features by those that a script is judged under.
    pub features: bool,
    /// Whether its messages are texts that scripts can be compared with.
    pub texts: bool,
}

/// An answer to `hello` that is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the adapter answered `hello wap/1` by `{line}`: {why}")]
pub struct BadHello {
    /// What it answered.
    pub line: String,
    /// What is wrong with it.
    pub why: String,
}

/// Sets of classes that an adapter cannot tell apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merges(Vec<Vec<Class>>);

/// How an error that came relates to the one expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is of the kind expected.
    Same,
    /// It may be: the adapter does not tell the two apart.
    Coarsely,
    /// It is of another kind.
    Other,
}

impl Hello {
    /// Reads the answer to `hello`. Words that are not known are passed over, so that later
    /// versions can add some.
    ///
    /// # Errors
    ///
    /// The answer is not `ok`, or names no engine.
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

    /// What reports call the engine, by what its adapter says.
    pub fn identity(&self) -> Identity {
        Identity {
            adapter: Some(self.adapter.clone().unwrap_or_else(|| PROTOCOL.to_owned())),
            package: self.package.clone(),
            ..Identity::new(&self.engine, &self.version)
        }
    }
}

impl Merges {
    /// Reads sets of classes: `+` within a set, `,` between them.
    fn read(text: &str) -> Result<Merges, String> {
        let class = |word: &str| {
            word.parse::<Class>().map_err(|()| format!("`{word}` in `merges` is not a class of errors"))
        };
        let sets = text.split(',').filter(|set| !set.is_empty());
        sets.map(|set| set.split('+').map(class).collect()).collect::<Result<_, _>>().map(Merges)
    }

    /// How a class that came relates to the kind expected. An engine that only refuses a module may
    /// have found it malformed or invalid.
    pub fn tell(&self, came: Class, expected: ErrorKind) -> Told {
        let refused = [Class::Compile, Class::Malformed, Class::Invalid];
        let wanted = Class::of(expected);
        let in_one = |set: &[Class]| set.contains(&came) && set.contains(&wanted);
        if self.0.iter().any(|set| in_one(set)) || (came == Class::Compile && refused.contains(&wanted)) {
            Told::Coarsely
        } else if came == wanted {
            Told::Same
        } else {
            Told::Other
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
        let tell = |came, expected| hello.merges.tell(came, expected);
        assert_eq!(tell(Class::Trap, ErrorKind::Trap), Told::Coarsely);
        assert_eq!(tell(Class::Trap, ErrorKind::Exception), Told::Coarsely);
        assert_eq!(tell(Class::Link, ErrorKind::Unlinkable), Told::Same);
        assert_eq!(tell(Class::Trap, ErrorKind::Exhaustion), Told::Other);
        assert_eq!(tell(Class::Compile, ErrorKind::Invalid), Told::Coarsely);
        assert_eq!(tell(Class::Invalid, ErrorKind::Malformed), Told::Other);
        assert_eq!(tell(Class::Compile, ErrorKind::Unlinkable), Told::Other);
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
