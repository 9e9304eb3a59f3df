//! A script that is read in parts, so that a large one never has all its directives in memory.

use std::ops::Deref;

use super::model::Directive;
use super::parse::{all_of, begins_field, part_of};
use super::source::{Source, SourceError, Span};
use super::split::for_each_form;
use super::text::Grammar;

/// How many bytes a part has that ends with the form which makes it so large.
const PART: usize = 1 << 20;

/// The directives of a script, in parts. A script of one part is parsed once, one of several each time that it is gone through.
#[derive(Debug)]
pub struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    grammar: Grammar,
    parts: Vec<Stretch>,
}

/// A part of a script.
#[derive(Debug)]
enum Stretch {
    /// Its directives.
    Parsed(Vec<Directive>),
    /// Where it stands.
    Text(Span),
}

impl<'s, 'a> Reading<'s, 'a> {
    /// Reads a script whose modules are in a version of the text grammar.
    ///
    /// # Errors
    ///
    /// Where the text does not fall into forms.
    pub fn new(source: &'s Source<'a>, grammar: Grammar) -> Result<Reading<'s, 'a>, SourceError> {
        Reading::with_parts(source, grammar, PART, None)
    }

    /// The same, where parsing a form may take so many bytes.
    ///
    /// # Errors
    ///
    /// Where a form would take more, too.
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
        let whole = || Ok(vec![Stretch::Parsed(all_of(source, grammar)?)]);
        let parts = if source.text().len() <= 2 * size {
            whole()?
        } else {
            match stretches(source, size, max_memory)? {
                Some(spans) => spans.into_iter().map(Stretch::Text).collect(),
                None => whole()?,
            }
        };
        Ok(Reading { source, grammar, parts })
    }

    /// The text.
    pub fn source(&self) -> &'s Source<'a> {
        self.source
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.parts.iter().map(|part| match part {
            Stretch::Parsed(directives) => Part::Kept(directives),
            Stretch::Text(span) => Part::Parsed(part_of(self.source, span, self.grammar)),
        })
    }
}

/// How many bytes of memory parsing takes for a token, at most. The `wast` crate's syntax trees have nodes of fixed sizes: a function without
/// instructions, three tokens, takes 460 bytes until it is encoded, and a list that grows takes half as much again for a moment.
const OF_TOKEN: u64 = 250;

/// Why text of so many tokens is not parsed where that may take so many bytes.
pub(super) fn too_large_to_parse(tokens: usize, max_memory: Option<u64>) -> Option<String> {
    let (needed, limit) = (OF_TOKEN.saturating_mul(tokens as u64), max_memory?);
    (needed > limit).then(|| {
        format!("parsing these {tokens} tokens may take {needed} bytes, over --max-memory {limit}: raise that or split the module")
    })
}

/// Where the parts of a script stand; `None` where it is the fields of a module.
fn stretches(
    source: &Source<'_>,
    size: usize,
    max_memory: Option<u64>,
) -> Result<Option<Vec<Span>>, SourceError> {
    let mut too_large = None;
    let (mut spans, mut open): (Vec<Span>, Option<Span>) = (Vec::new(), None);
    let mut is_module = false;
    for_each_form(source, |form, tokens| {
        if let Some(message) = too_large_to_parse(tokens, max_memory)
            && form.len() >= size
        {
            too_large.get_or_insert((form.start, message));
        }
        if spans.is_empty() && open.is_none() {
            is_module = begins_field(source.slice(&form));
        }
        let start = open.take().map_or(form.start, |open| open.start);
        if form.end - start >= size {
            spans.push(start..form.end);
        } else {
            open = Some(start..form.end);
        }
    })?;
    spans.extend(open);
    if let Some((offset, message)) = too_large {
        return Err(SourceError { name: source.name().to_owned(), place: source.place(offset), message });
    }
    Ok((!is_module).then_some(spans))
}

/// The directives of a part.
#[derive(Debug)]
pub enum Part<'r> {
    /// Of a script that is one part.
    Kept(&'r [Directive]),
    /// Parsed for this time.
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

    /// The directives of a text as it is parsed at once, and in parts of some bytes.
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
    fn a_form_that_would_take_too_much_is_named() {
        let text = format!(
            "(module)\n(module binary \"{}\")\n  (module {})",
            "x".repeat(5000),
            "(func)".repeat(999)
        );
        let source = Source::new("t.wast", &text);
        let read = |limit| Reading::with_parts(&source, Grammar::default(), 1000, Some(limit)).map(drop);
        let message = "t.wast:3:3: parsing these 3000 tokens may take 750000 bytes, over --max-memory 749999: raise that or split the module";
        assert_eq!(read(749_999).unwrap_err().to_string(), message);
        assert_eq!(read(750_000), Ok(()));
    }

    #[test]
    fn what_does_not_close_is_an_error_in_parts_too() {
        for text in ["(module) (module) (", "(module) (module) \"", "(module) (module) )"] {
            let source = Source::new("t.wast", text);
            let error = Reading::with_parts(&source, Grammar::default(), 2, None).err().unwrap();
            assert_eq!(error, parse(Source::new("t.wast", text)).unwrap_err());
        }
    }
}
