//! Values of the options of `wassay run`.

use std::path::PathBuf;
use std::str::FromStr;

/// A host folder, and its name in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) host: PathBuf,
    pub(super) guest: String,
}

impl Grant {
    fn new(host: &str, guest: &str) -> Option<Grant> {
        let named = !host.is_empty() && !guest.is_empty();
        named.then(|| Grant { host: host.into(), guest: guest.to_owned() })
    }
}

/// Parses `HOST` or `HOST::GUEST`.
pub(super) fn dir(text: &str) -> Result<Grant, String> {
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    Grant::new(host, guest)
        .ok_or_else(|| "expected HOST or HOST::GUEST, such as `.` or `./data::/`".to_owned())
}

/// Parses `GUEST::HOST` or `GUEST:HOST`.
pub(super) fn mapdir(text: &str) -> Result<Grant, String> {
    let (guest, host) = text.split_once("::").or_else(|| text.split_once(':')).unwrap_or_default();
    Grant::new(host, guest).ok_or_else(|| "expected GUEST::HOST or GUEST:HOST, such as `/::.`".to_owned())
}

/// An environment variable: `NAME=VALUE`, or `NAME` to inherit the host's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Variable, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        match name {
            "" => Err("expected NAME=VALUE or NAME".to_owned()),
            _ => Ok(Variable { name: name.to_owned(), value }),
        }
    }
}

/// A module that others can import from: `NAME=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preload {
    pub(super) name: String,
    pub(super) file: PathBuf,
}

impl FromStr for Preload {
    type Err = String;

    fn from_str(text: &str) -> Result<Preload, String> {
        match text.split_once('=') {
            Some((name, file)) if !file.is_empty() => {
                Ok(Preload { name: name.to_owned(), file: file.into() })
            }
            _ => Err("expected NAME=FILE, such as `env=library.wasm`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(host: &str, guest: &str) -> Grant {
        Grant { host: host.into(), guest: guest.to_owned() }
    }

    #[test]
    fn a_directory_has_two_names() {
        assert_eq!(dir("a"), Ok(grant("a", "a")));
        assert_eq!(dir("a::/b"), Ok(grant("a", "/b")));
        assert_eq!(dir("a:b"), Ok(grant("a:b", "a:b")));
        assert_eq!(mapdir("/b::a"), Ok(grant("a", "/b")));
        assert_eq!(mapdir("/b:a"), Ok(grant("a", "/b")));
        for bad in ["", "::", "::b", "a::"] {
            assert!(dir(bad).is_err() && mapdir(bad).is_err(), "{bad}");
        }
        assert!(mapdir("a").is_err() && mapdir("a:").is_err() && mapdir(":a").is_err());
    }

    #[test]
    fn a_variable_and_a_preload_have_a_name() {
        let variable = |name: &str, value: Option<&str>| {
            Ok(Variable { name: name.to_owned(), value: value.map(str::to_owned) })
        };
        assert_eq!("A=b=c".parse(), variable("A", Some("b=c")));
        assert_eq!("A=".parse(), variable("A", Some("")));
        assert_eq!("A".parse(), variable("A", None));
        assert!("".parse::<Variable>().is_err() && "=a".parse::<Variable>().is_err());
        assert_eq!("a=b=c".parse(), Ok(Preload { name: "a".to_owned(), file: "b=c".into() }));
        assert!("a".parse::<Preload>().is_err() && "a=".parse::<Preload>().is_err());
    }
}
