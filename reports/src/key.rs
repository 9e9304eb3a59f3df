//! The key of a directive: depends on its text, not on its position.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The size of a key in bytes. Two of the 10,000 directives of a large script collide in one of
/// five million scripts.
const BYTES: usize = 6;

/// Identifies a directive within its script, independent of its line and of comments: the first 48
/// bits of the SHA-256 of its tokens, each followed by a space, and of the decimal number of
/// earlier directives with the same tokens.
///
/// It is written as twelve hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; BYTES]);

impl Key {
    /// Takes the key from the start of a digest.
    pub fn from_digest(digest: &[u8; 32]) -> Key {
        let [a, b, c, d, e, f, ..] = *digest;
        Key([a, b, c, d, e, f])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// The error for an invalid key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid key: expected twelve lower-case hexadecimal digits")]
pub struct BadKey;

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Key, BadKey> {
        let digits: [u8; 2 * BYTES] = text.as_bytes().try_into().map_err(|_| BadKey)?;
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(BadKey),
                };
                *byte = (*byte << 4) | value;
            }
        }
        Ok(Key(bytes))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Serialises a list of keys as one concatenated string, since a report has one for every
/// directive.
pub(crate) mod run {
    use std::fmt::Write as _;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{BYTES, BadKey, Key};

    pub(crate) fn serialize<S: Serializer>(keys: &[Key], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(keys.len() * 2 * BYTES);
        for key in keys {
            // Writing to a string cannot fail.
            let _ = write!(text, "{key}");
        }
        serializer.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let keys = text.as_bytes().chunks(2 * BYTES);
        let keys = keys.map(|digits| std::str::from_utf8(digits).map_err(|_| BadKey)?.parse());
        keys.collect::<Result<Vec<Key>, BadKey>>().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_and_read_as_twelve_digits() {
        let mut digest = [0xff; 32];
        digest[..6].copy_from_slice(&[0, 1, 0x2a, 0x80, 0x9f, 0xff]);
        let key = Key::from_digest(&digest);
        assert_eq!(key.to_string(), "00012a809fff");
        assert_eq!("00012a809fff".parse(), Ok(key));
        for bad in
            ["", "00012a809ff", "00012a809fff0", "00012A809FFF", "00012a809ffg", "é2a809ffff", "+00012a809ff"]
        {
            assert_eq!(bad.parse::<Key>(), Err(BadKey), "{bad}");
        }
    }

    #[test]
    fn keys_are_concatenated() {
        #[derive(Serialize, Deserialize)]
        struct Run(#[serde(with = "run")] Vec<Key>);
        let json = "\"00012a809fff00012a809ffe\"";
        let Run(keys) = serde_json::from_str(json).unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(serde_json::to_string(&Run(keys)).unwrap(), json);
        for bad in ["\"00012a809fff0\"", "\"é\"", "\"00012a809ffé\"", "7"] {
            assert!(serde_json::from_str::<Run>(bad).is_err(), "{bad}");
        }
    }
}
