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
pub(crate) struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    grammar: Grammar,
    parts: Vec<Stretch>,
}

/// A part of a script.
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
    pub(crate) fn new(source: &'s Source<'a>, grammar: Grammar) -> Result<Reading<'s, 'a>, SourceError> {
        Reading::with_parts(source, grammar, PART)
    }

    fn with_parts(
        source: &'s Source<'a>,
        grammar: Grammar,
        size: usize,
    ) -> Result<Reading<'s, 'a>, SourceError> {
        let whole = || Ok(vec![Stretch::Parsed(all_of(source, grammar)?)]);
        let parts = if source.text().len() <= 2 * size {
            whole()?
        } else {
            match stretches(source, size)? {
                Some(spans) => spans.into_iter().map(Stretch::Text).collect(),
                None => whole()?,
            }
        };
        Ok(Reading { source, grammar, parts })
    }

    pub(crate) fn source(&self) -> &'s Source<'a> {
        self.source
    }

    /// The parts, in order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.parts.iter().map(|part| match part {
            Stretch::Parsed(directives) => Part::Kept(directives),
            Stretch::Text(span) => Part::Parsed(part_of(self.source, span, self.grammar)),
        })
    }
}

/// Where the parts of a script stand; `None` where it is the fields of a module.
fn stretches(source: &Source<'_>, size: usize) -> Result<Option<Vec<Span>>, SourceError> {
    let (mut spans, mut open): (Vec<Span>, Option<Span>) = (Vec::new(), None);
    let mut is_module = false;
    for_each_form(source, |form| {
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
    Ok((!is_module).then_some(spans))
}

/// The directives of a part.
pub(crate) enum Part<'r> {
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
    use crate::script::parse;

    fn shown(directives: &[Directive]) -> Vec<String> {
        directives.iter().map(|directive| format!("{directive:?}")).collect()
    }

    /// The directives of a text as it is parsed at once, and in parts of some bytes.
    fn both(text: &str, size: usize) -> (Vec<String>, Vec<String>, usize) {
        let source = Source::new("t.wast", text);
        let reading = Reading::with_parts(&source, Grammar::default(), size).unwrap();
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
    fn what_does_not_close_is_an_error_in_parts_too() {
        for text in ["(module) (module) (", "(module) (module) \"", "(module) (module) )"] {
            let source = Source::new("t.wast", text);
            let error = Reading::with_parts(&source, Grammar::default(), 2).err().unwrap();
            assert_eq!(error, parse(Source::new("t.wast", text)).unwrap_err());
        }
    }
}
