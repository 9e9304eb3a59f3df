//! The rows of the tables.

use wassay_engine::Rule;

/// The expected classification of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Valid,
    Malformed(Rule),
    Invalid(Rule),
}

/// A description, a module, and its classification in the three versions.
pub(crate) type Row = (&'static str, Bytes, [Kind; 3]);

/// The bytes of a module.
pub(crate) enum Bytes {
    /// Sections, each an id and its content in hexadecimal digits.
    S(Sections),
    /// Sections in addition to those of a function without parameters, results and locals; and the
    /// body of the function.
    F(Sections, &'static str),
    /// The whole module.
    B(&'static [u8]),
}

type Sections = &'static [(u8, &'static str)];

impl Bytes {
    /// The bytes.
    pub(crate) fn of(&self) -> Vec<u8> {
        match self {
            Bytes::S(sections) => module(sections),
            Bytes::F(before, body) => function(before, body),
            Bytes::B(bytes) => bytes.to_vec(),
        }
    }
}

pub(crate) const MEMORY: (u8, &str) = (5, "01 00 01");
pub(crate) const TABLE: (u8, &str) = (4, "01 70 00 01");

pub(crate) const OPCODE: Kind = Kind::Malformed(Rule::IllegalOpcode);
pub(crate) const VALUE: Kind = Kind::Malformed(Rule::MalformedValueType);
pub(crate) const DEFINITION: Kind = Kind::Malformed(Rule::MalformedDefinitionType);
pub(crate) const LIMITS: Kind = Kind::Malformed(Rule::MalformedLimits);

/// The 16 zero bytes of a vector.
macro_rules! zeros {
    () => {
        "00000000000000000000000000000000"
    };
}
pub(crate) use zeros;

/// Parses hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// A module with these sections, each an id and its content.
pub(crate) fn module(sections: &[(u8, &str)]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in sections {
        let content = hex(content);
        bytes.push(*id);
        bytes.push(content.len() as u8);
        bytes.extend(content);
    }
    bytes
}

/// A module with a function without parameters, results and locals; `before` are other sections.
pub(crate) fn function(before: &[(u8, &str)], body: &str) -> Vec<u8> {
    let code = format!("01 {:02x} 00 {body} 0b", hex(body).len() + 2);
    let mut sections = vec![(1, "01 60 00 00"), (3, "01 00")];
    sections.extend(before.iter().filter(|(id, _)| *id != 11));
    sections.push((10, &code));
    sections.extend(before.iter().filter(|(id, _)| *id == 11));
    module(&sections)
}
