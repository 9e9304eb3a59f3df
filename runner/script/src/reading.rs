//! Parses a script in parts, so that the directives of a large script are never all in memory.

use std::ops::Deref;

use super::model::Directive;
use super::parse::{all_of, at_once, begins_field, part_of};
use super::source::{Source, SourceError, Span};
use super::split::{for_each_form, split};
use super::text::Grammar;

/// The size in bytes after which a part ends.
const PART: usize = 1 << 20;

/// The maximum number of forms in a part. If one does not parse, each is parsed separately, which
/// takes a few microseconds per form.
const FORMS: usize = 1 << 14;

/// The maximum number of parts of a text that is parsed form by form immediately.
const SMALL: usize = 16;

/// The directives of a script, in parts. A script with one part is parsed once, one with several
/// parts on each iteration.
#[derive(Debug)]
pub struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    grammar: Grammar,
    parts: Vec<Chunk>,
}

/// A part of a script.
#[derive(Debug)]
enum Chunk {
    /// Its directives.
    Parsed(Vec<Directive>),
    /// Its span, and its number of forms, each of which is a directive.
    Text(Span, usize),
}

impl<'s, 'a> Reading<'s, 'a> {
    /// Reads a script whose modules use a version of the text grammar.
    ///
    /// # Errors
    ///
    /// The text cannot be split into forms.
    pub fn new(source: &'s Source<'a>, grammar: Grammar) -> Result<Reading<'s, 'a>, SourceError> {
        Reading::with_parts(source, grammar, PART, None)
    }

    /// Like [`new`](Reading::new), with a memory limit for parsing a form.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Reading::new), or a form would exceed the limit.
    pub fn within(
        source: &'s Source<'a>,
        grammar: Grammar,
        max_memory: Option<u64>,
    ) -> Result<Reading<'s, 'a>, SourceError> {
        Reading::with_parts(source, grammar, PART, max_memory)
    }

    fn with_parts(
        source: &'s Source<'a>,
        grammar: Grammar,
        size: usize,
        max_memory: Option<u64>,
    ) -> Result<Reading<'s, 'a>, SourceError> {
        let length = source.text().len();
        let parsed = if length <= 2 * size { at_once(source.text(), grammar) } else { None };
        let stretches = match parsed {
            None if length > size / SMALL => stretches(source, size, max_memory)?,
            _ => None,
        };
        let parts = match (parsed, stretches) {
            (Some(directives), _) => vec![Chunk::Parsed(directives)],
            (None, Some(stretches)) => stretches,
            (None, None) => vec![Chunk::Parsed(all_of(source, grammar)?)],
        };
        Ok(Reading { source, grammar, parts })
    }

    /// The script of directives that were parsed before, as one part.
    pub fn of(source: &'s Source<'a>, grammar: Grammar, directives: Vec<Directive>) -> Reading<'s, 'a> {
        Reading { source, grammar, parts: vec![Chunk::Parsed(directives)] }
    }

    /// The directives that are in memory: all of them where the script is one part.
    pub fn directives_mut(&mut self) -> &mut [Directive] {
        match self.parts.as_mut_slice() {
            [Chunk::Parsed(directives)] => directives,
            _ => &mut [],
        }
    }

    /// The text.
    pub fn source(&self) -> &'s Source<'a> {
        self.source
    }

    /// The parts, in order.
    pub fn parts(&self) -> Parts<'_> {
        Parts { reading: self, next: 0 }
    }

    /// The number of directives.
    pub fn directives(&self) -> usize {
        self.parts().remaining()
    }

    /// The spans of the directives, in order, without parsing them.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.parts.iter().flat_map(|part| match part {
            Chunk::Parsed(directives) => directives.iter().map(|directive| directive.span.clone()).collect(),
            Chunk::Text(part, _) => {
                let forms = split(&Source::new("", self.source.slice(part))).unwrap_or_default();
                let in_source = |form: Span| part.start + form.start..part.start + form.end;
                forms.into_iter().map(in_source).collect::<Vec<_>>()
            }
        })
    }
}

/// An iterator over the parts of a [`Reading`].
#[derive(Clone, Debug)]
pub struct Parts<'r> {
    reading: &'r Reading<'r, 'r>,
    next: usize,
}

impl Parts<'_> {
    /// The number of directives in the remaining parts, without parsing them.
    pub fn remaining(&self) -> usize {
        let parts = self.reading.parts.get(self.next..).unwrap_or_default();
        let lengths = parts.iter().map(|part| match part {
            Chunk::Parsed(directives) => directives.len(),
            Chunk::Text(_, forms) => *forms,
        });
        lengths.sum()
    }
}

impl<'r> Iterator for Parts<'r> {
    type Item = Part<'r>;

    fn next(&mut self) -> Option<Part<'r>> {
        let Reading { source, grammar, parts } = self.reading;
        let part = parts.get(self.next)?;
        self.next += 1;
        Some(match part {
            Chunk::Parsed(directives) => Part::Kept(directives),
            Chunk::Text(span, _) => Part::Parsed(part_of(source, span, *grammar)),
        })
    }
}

/// The maximum memory for parsing a token, in bytes. The `wast` crate's syntax trees have nodes of
/// fixed sizes: a function without instructions, three tokens, takes 460 bytes until it is encoded,
/// and a growing list temporarily takes half as much again.
const OF_TOKEN: u64 = 250;

/// The error for text with too many tokens for the memory limit.
pub(super) fn too_large_to_parse(tokens: usize, max_memory: Option<u64>) -> Option<String> {
    let (needed, limit) = (OF_TOKEN.saturating_mul(tokens as u64), max_memory?);
    (needed > limit).then(|| {
        format!("parsing these {tokens} tokens may take {needed} bytes, over --max-memory {limit}; increase the limit or split the module")
    })
}

/// Splits a script into parts; `None` if it consists of the fields of a module.
fn stretches(
    source: &Source<'_>,
    size: usize,
    max_memory: Option<u64>,
) -> Result<Option<Vec<Chunk>>, SourceError> {
    let mut too_large = None;
    let (mut parts, mut open): (Vec<Chunk>, Option<(usize, usize)>) = (Vec::new(), None);
    let mut end = 0;
    let mut is_module = false;
    for_each_form(source, |form, tokens| {
        if let Some(message) = too_large_to_parse(tokens, max_memory)
            && form.len() >= size
        {
            too_large.get_or_insert((form.start, message));
        }
        if parts.is_empty() && open.is_none() {
            is_module = begins_field(source.slice(&form));
        }
        let (start, before) = open.take().unwrap_or((form.start, 0));
        let forms = before + 1;
        end = form.end;
        if end - start >= size || forms >= FORMS {
            parts.push(Chunk::Text(start..end, forms));
        } else {
            open = Some((start, forms));
        }
    })?;
    parts.extend(open.map(|(start, forms)| Chunk::Text(start..end, forms)));
    if let Some((offset, message)) = too_large {
        return Err(SourceError { name: source.name().to_owned(), place: source.place(offset), message });
    }
    Ok((!is_module).then_some(parts))
}

/// The directives of a part.
#[derive(Debug)]
pub enum Part<'r> {
    /// Kept, for a script with one part.
    Kept(&'r [Directive]),
    /// Parsed for this iteration.
    Parsed(Vec<Directive>),
}

impl Deref for Part<'_> {
    type Target = [Directive];

    fn deref(&self) -> &[Directive] {
        match self {
            Part::Kept(directives) => directives,
            Part::Parsed(directives) => directives,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn shown(directives: &[Directive]) -> Vec<String> {
        directives.iter().map(|directive| format!("{directive:?}")).collect()
    }

    /// The directives of a text parsed at once, and in parts.
    fn both(text: &str, size: usize) -> (Vec<String>, Vec<String>, usize) {
        let source = Source::new("t.wast", text);
        let reading = Reading::with_parts(&source, Grammar::default(), size, None).unwrap();
        let in_parts: Vec<String> = reading.parts().flat_map(|part| shown(&part)).collect();
        let at_once = shown(&parse(Source::new("t.wast", text)).unwrap().directives);
        (at_once, in_parts, reading.parts.len())
    }

    #[test]
    fn parts_have_the_same_directives_at_the_same_places() {
        let text = "\u{feff}(module $m (func (export \"f\") (try (do) (catch_all)) (br $l))) ;; )\n(invoke \"f\")\n\
            (@note (x)) (thread $t (module (func (br $x))) (invoke \"f\"))\n(wait $t) (nope) é\n\
            (module (func (typo)))(module quote \"(func)\") (; ( ;) (invoke \"f\")";
        for size in [1, 10, 30, 60, 100] {
            let (at_once, in_parts, count) = both(text, size);
            assert_eq!(in_parts, at_once, "{size}");
            assert!(size > 60 || count > 1, "{size}");
        }
        let (at_once, in_parts, count) = both("(func) (memory 1) (func)", 2);
        assert_eq!((in_parts, count), (at_once, 1), "the fields of a module are one directive");
    }

    #[test]
    fn a_form_that_exceeds_the_memory_limit_is_named() {
        let text = format!(
            "(module)\n(module binary \"{}\")\n  (module {})",
            "x".repeat(5000),
            "(func)".repeat(999)
        );
        let source = Source::new("t.wast", &text);
        let read = |limit| Reading::with_parts(&source, Grammar::default(), 1000, Some(limit)).map(drop);
        let message = "t.wast:3:3: parsing these 3000 tokens may take 750000 bytes, over --max-memory 749999; increase the limit or split the module";
        assert_eq!(read(749_999).unwrap_err().to_string(), message);
        assert_eq!(read(750_000), Ok(()));
    }

    #[test]
    fn unclosed_forms_are_an_error_in_parts_too() {
        for text in ["(module) (module) (", "(module) (module) \"", "(module) (module) )"] {
            let source = Source::new("t.wast", text);
            let error = Reading::with_parts(&source, Grammar::default(), 2, None).err().unwrap();
            assert_eq!(error, parse(Source::new("t.wast", text)).unwrap_err());
        }
    }
}
