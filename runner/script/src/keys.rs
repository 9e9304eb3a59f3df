//! Computes the keys of a script's directives, which identify them in reports and expectations
//! independent of their lines.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use wassay_reports::Key;
use wast::lexer::{Lexer, TokenKind};

use crate::model::Script;
use crate::reading::Reading;
use crate::source::{Place, Source, Span};

/// The position and the [key](Key) of each directive of a script, in order.
pub fn of(script: &Script<'_>) -> Vec<(Place, Key)> {
    let mut keys = Keys::default();
    script.directives.iter().map(|directive| keys.next(&script.source, &directive.span)).collect()
}

/// Like [`of`], for a script that is parsed in parts.
pub fn in_parts(reading: &Reading<'_, '_>) -> Vec<(Place, Key)> {
    let mut keys = Keys::default();
    reading.spans().map(|span| keys.next(reading.source(), &span)).collect()
}

/// Counts directives with the same tokens.
#[derive(Default)]
struct Keys {
    /// The counts by the start of the digest, which is as distinctive as the key.
    before: HashMap<u64, u32>,
}

impl Keys {
    /// The position and the key of the next directive.
    fn next(&mut self, source: &Source<'_>, span: &Span) -> (Place, Key) {
        let tokens = tokens(source.slice(span));
        let digest = tokens.clone().finalize();
        let beginning = digest.first_chunk().copied().unwrap_or_default();
        let occurrence = self.before.entry(u64::from_le_bytes(beginning)).or_default();
        let key = Key::from_digest(&tokens.chain_update(occurrence.to_string()).finalize().into());
        *occurrence += 1;
        (source.place(span.start), key)
    }
}

/// The digest of the tokens of a text, each followed by a space. Blanks and comments are not tokens
/// (core spec, section 6.3.3).
fn tokens(text: &str) -> Sha256 {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let (mut digest, mut position) = (Sha256::new(), 0);
    loop {
        let start = position;
        let token = match lexer.parse(&mut position) {
            Ok(None) => return digest,
            Ok(Some(token)) => match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => continue,
                _ => text.get(start..position),
            },
            // Text that cannot be tokenised is hashed as it is.
            Err(_) => text.get(start..),
        };
        let token = token.unwrap_or_default();
        digest.update(token);
        digest.update(" ");
        if start + token.len() == text.len() || position == start {
            return digest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn keys(text: &str) -> Vec<String> {
        of(&parse(Source::new("a.wast", text)).unwrap()).iter().map(|(_, key)| key.to_string()).collect()
    }

    #[test]
    fn lines_blanks_and_comments_change_no_key() {
        let text = "(module)\n(assert_return (invoke \"f\" (i32.const 1)))";
        let moved = ";; moved\n\n  (module (; empty ;) )(assert_return\n(invoke \"f\";;\n (i32.const  1)) )";
        assert_eq!(keys(text), keys(moved));
        let other = ["\"g\" (i32.const 1)", "\"f\" (i32.const 2)", "\"f\" (i64.const 1)", "\"f\"(; ;) \"f\""];
        for other in other.map(|other| text.replace("\"f\" (i32.const 1)", other)) {
            let keys = (keys(text), keys(&other));
            assert_eq!(keys.0[0], keys.1[0]);
            assert_ne!(keys.0[1], keys.1[1], "{other}");
        }
        assert_ne!(keys("(module quote \"a b\")"), keys("(module quote \"a  b\")"), "a string is one token");
    }

    #[test]
    fn equal_directives_differ_by_their_occurrence() {
        let three = keys("(invoke \"f\") (invoke \"g\") (invoke \"f\") (invoke \"f\")");
        let distinct: std::collections::HashSet<&String> = three.iter().collect();
        assert_eq!(distinct.len(), 4);
        // Inserting another directive changes no other key.
        let more = keys("(invoke \"f\") (invoke \"h\") (invoke \"g\") (invoke \"f\") (invoke \"f\")");
        assert_eq!([&more[0], &more[2], &more[3], &more[4]], [&three[0], &three[1], &three[2], &three[3]]);
    }

    #[test]
    fn a_key_is_computed_as_documented() {
        // printf '( register "m" ) 0' | sha256sum
        assert_eq!(keys("(register \"m\")"), ["b261bd087095"]);
        assert_eq!(keys("(register \"m\") (register\n\"m\")")[1], "1b3bafd84215");
    }

    #[test]
    fn text_that_is_not_tokens_has_a_key_too() {
        let script = parse(Source::new("a.wast", "(module) (\u{7}) (foo \u{7} a) (foo \u{7} b)")).unwrap();
        let keys = of(&script);
        assert_eq!(keys.len(), 4);
        assert_ne!(keys[2].1, keys[3].1);
    }
}
