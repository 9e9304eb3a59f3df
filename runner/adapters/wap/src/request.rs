//! Requests, one per line; `docs/protocol.md` has their grammar.

use data_encoding::BASE64;

use crate::{Class, Failure, Features};

/// A number that the driver assigns to a module or an instance.
pub(crate) type Handle = u32;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Hello,
    Begin { script: String, features: Option<Features> },
    Compile { module: Handle, wasm: Vec<u8> },
    Instantiate { instance: Handle, module: Handle },
    Register { instance: Handle, name: String },
    Extend { instance: Handle, name: String },
    Unregister { name: String },
    Wrap { wrapper: Handle, instance: Handle, wasm: Vec<u8> },
    Call { instance: Handle, export: String },
    End { script: String },
}

impl Request {
    /// Parses a request.
    ///
    /// # Errors
    /// [`Class::Unsupported`] for a request that is unknown in this version of the protocol,
    /// [`Class::Error`] for an invalid one.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Failure> {
        let line = str::from_utf8(line).map_err(|error| Failure::new(Class::Error, error))?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["hello", "wap/1", ..] => Ok(Self::Hello),
            ["B", script, ref options @ ..] => {
                let features = options.iter().find_map(|option| option.strip_prefix("features="));
                let features = features.map(text).transpose()?.map(|text| Features::parse(&text));
                Ok(Self::Begin { script: script.to_owned(), features })
            }
            ["C", module, wasm] => Ok(Self::Compile { module: handle(module)?, wasm: bytes(wasm)? }),
            ["I", instance, module] => {
                Ok(Self::Instantiate { instance: handle(instance)?, module: handle(module)? })
            }
            ["N", instance, name] => Ok(Self::Register { instance: handle(instance)?, name: text(name)? }),
            ["X", instance, name] => Ok(Self::Extend { instance: handle(instance)?, name: text(name)? }),
            ["U", name] => Ok(Self::Unregister { name: text(name)? }),
            ["L", wrapper, instance, wasm] => {
                Ok(Self::Wrap { wrapper: handle(wrapper)?, instance: handle(instance)?, wasm: bytes(wasm)? })
            }
            ["V", instance, export] => Ok(Self::Call { instance: handle(instance)?, export: text(export)? }),
            ["E", script] => Ok(Self::End { script: script.to_owned() }),
            _ => {
                let start: String = line.chars().take(40).collect();
                Err(Failure::new(Class::Unsupported, format_args!("not a request of wap/1: `{start}`")))
            }
        }
    }
}

fn handle(word: &str) -> Result<Handle, Failure> {
    word.parse().map_err(|_| Failure::new(Class::Error, format_args!("`{word}` is not a handle")))
}

fn bytes(word: &str) -> Result<Vec<u8>, Failure> {
    BASE64
        .decode(word.as_bytes())
        .map_err(|error| Failure::new(Class::Error, format_args!("not base64: {error}")))
}

/// Decodes a percent-encoded name.
fn text(word: &str) -> Result<String, Failure> {
    let wrong = || Failure::new(Class::Error, format_args!("`{word}` is not percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = rest.split_off(..2).ok_or_else(wrong)?;
            let digits = str::from_utf8(digits).map_err(|_| wrong())?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
