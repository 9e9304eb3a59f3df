//! Parses the text of a script into directives.

use std::borrow::Cow;
use std::sync::Arc;

use wast::core::{Module, ModuleKind};
use wast::parser::{Cursor, Parse, ParseBuffer, Parser, Peek, parse as parse_all};

use super::encode::encode;
use super::grammar::{bare_module, command, directives, skip_rest, text_error, text_module};
use super::malformed_text::named;
use super::model::{Command, Definition, Directive, ModuleForm, Script, TextError};
use super::source::{Source, SourceError, Span};
use super::split::{lexer, split};
use super::text::{Checked, Grammar};

/// Parses a script.
///
/// A form that does not parse becomes a directive that fails ([`Command::Malformed`]); the others
/// still run. A file with the fields of a module but no `(module` is a single directive.
///
/// # Errors
///
/// The text cannot be split into forms: a parenthesis, a string or a comment is not closed.
pub fn parse(source: Source<'_>) -> Result<Script<'_>, SourceError> {
    parse_as(source, Grammar::default())
}

/// Parses a script whose modules use a version of the text grammar.
///
/// # Errors
///
/// Those of [`parse`].
pub fn parse_as(source: Source<'_>, grammar: Grammar) -> Result<Script<'_>, SourceError> {
    let directives = all_of(&source, grammar)?;
    Ok(Script { source, directives })
}

/// Parses the directives of a script.
pub(super) fn all_of(source: &Source<'_>, grammar: Grammar) -> Result<Vec<Directive>, SourceError> {
    match at_once(source.text(), grammar) {
        Some(directives) => Ok(directives),
        None => form_by_form(source, grammar),
    }
}

/// Parses the directives of a range of complete forms.
pub(super) fn part_of(source: &Source<'_>, part: &Span, grammar: Grammar) -> Vec<Directive> {
    let text = source.slice(part);
    if let Some(mut directives) = at_once(text, grammar) {
        move_all(&mut directives, &|offset| part.start + offset);
        return directives;
    }
    let forms = split(&Source::new("", text)).unwrap_or_default();
    forms
        .into_iter()
        .map(|span| one(source, part.start + span.start..part.start + span.end, grammar))
        .collect()
}

impl ModuleForm {
    /// The module's bytes, encoded if it is text.
    ///
    /// # Errors
    ///
    /// The text is malformed.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, TextError> {
        self.bytes_as(Grammar::default())
    }

    /// Like [`bytes`](Self::bytes), with quoted text in a version of the text grammar.
    ///
    /// # Errors
    ///
    /// The text is malformed.
    pub fn bytes_as(&self, grammar: Grammar) -> Result<Cow<'_, [u8]>, TextError> {
        match self {
            ModuleForm::Text(encoded) => encoded.as_deref().map(Cow::Borrowed).map_err(Clone::clone),
            ModuleForm::Binary(bytes) => Ok(Cow::Borrowed(bytes)),
            ModuleForm::Quote(text) => quoted_as(text, grammar).map(Cow::Owned),
        }
    }
}

/// Parses and encodes the text of a module, quoted or from a file.
///
/// # Errors
///
/// The text is malformed. The offset is relative to the text.
pub fn quoted(text: &[u8]) -> Result<Vec<u8>, TextError> {
    quoted_as(text, Grammar::default())
}

fn quoted_as(text: &[u8], grammar: Grammar) -> Result<Vec<u8>, TextError> {
    let text = std::str::from_utf8(text).map_err(|error| TextError {
        message: "malformed UTF-8 encoding".to_owned(),
        offset: error.valid_up_to(),
    })?;
    let Checked { rewritten, derived } = Checked::module(text, grammar);
    let encode = || {
        let buffer = ParseBuffer::new_with_lexer(lexer(&rewritten.text))?;
        let Quoted(mut module) = parse_all(&buffer)?;
        encode(&mut module)
    };
    let bytes = encode().map_err(|error| named(&rewritten.text, text_error(error)));
    let bytes = bytes.map_err(|error| TextError { offset: rewritten.original(error.offset), ..error })?;
    derived.map(|()| bytes)
}

/// Parses a text in a single pass; `None` unless all its forms parse.
pub(super) fn at_once(text: &str, grammar: Grammar) -> Option<Vec<Directive>> {
    let Checked { rewritten, derived } = Checked::script(text, grammar);
    derived.ok()?;
    let buffer = ParseBuffer::new_with_lexer(lexer(&rewritten.text)).ok()?;
    let Forms(mut directives) = parse_all(&buffer).ok()?;
    move_all(&mut directives, &|offset| rewritten.original(offset));
    let closed = |directive: &Directive| {
        directive.span.end.checked_sub(1).and_then(|last| text.as_bytes().get(last)) == Some(&b')')
    };
    directives.iter().all(closed).then_some(directives)
}

/// Parses a text form by form, after one did not parse.
fn form_by_form(source: &Source<'_>, grammar: Grammar) -> Result<Vec<Directive>, SourceError> {
    let spans = split(source)?;
    if spans.first().is_some_and(|first| begins_field(source.slice(first))) {
        let span = spans.first().map_or(0, |first| first.start)..spans.last().map_or(0, |last| last.end);
        return Ok(vec![form::<Fields>(span.clone(), Checked::module(source.slice(&span), grammar))]);
    }
    Ok(spans.into_iter().map(|span| one(source, span, grammar)).collect())
}

/// Parses a form as a directive.
fn one(source: &Source<'_>, span: Span, grammar: Grammar) -> Directive {
    form::<Form>(span.clone(), Checked::directives(source.slice(&span), grammar))
}

/// Parses a range of the source by itself.
fn form<T: for<'a> Parse<'a> + Into<Command>>(span: Span, checked: Checked<'_>) -> Directive {
    let Checked { rewritten, derived } = checked;
    let in_source = |offset| span.start + rewritten.original(offset);
    let parsed = ParseBuffer::new_with_lexer(lexer(&rewritten.text))
        .and_then(|buffer| parse_all::<T>(&buffer).map(Into::into));
    let command = match (parsed, derived) {
        (Ok(mut command), Ok(())) => {
            move_within(&mut command, &in_source);
            command
        }
        (Ok(_), Err(error)) => {
            Command::Malformed { message: error.message, offset: span.start + error.offset }
        }
        (Err(error), _) => {
            Command::Malformed { message: error.message(), offset: in_source(error.span().offset()) }
        }
    };
    Directive { span, command }
}

/// Makes the offsets of and within directives relative to the source.
fn move_all(directives: &mut [Directive], in_source: &dyn Fn(usize) -> usize) {
    for Directive { span, command } in directives {
        *span = in_source(span.start)..in_source(span.end);
        move_within(command, in_source);
    }
}

/// Makes the offsets within a directive, of a thread's directives and of errors in a module's text,
/// relative to the source.
fn move_within(command: &mut Command, in_source: &dyn Fn(usize) -> usize) {
    if let Command::Thread { directives, .. } = command
        && let Some(directives) = Arc::get_mut(directives)
    {
        move_all(directives, in_source);
    }
    if let Some(Definition { form: ModuleForm::Text(Err(error)), .. }) = command.definition_mut() {
        error.offset = in_source(error.offset);
    }
}

pub(super) fn begins_field(text: &str) -> bool {
    ParseBuffer::new_with_lexer(lexer(text))
        .is_ok_and(|buffer| parse_all::<BeginsField>(&buffer).is_ok_and(|BeginsField(begins)| begins))
}

/// A complete script.
struct Forms(Vec<Directive>);

/// One form in its parentheses.
struct Form(Command);

/// A module's fields without `(module`.
struct Fields(Command);

/// A quoted module: one in its parentheses, or its fields without them.
struct Quoted<'a>(Module<'a>);

struct BeginsField(bool);

impl<'a> Parse<'a> for Forms {
    fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
        if parser.peek2::<ModuleField>()? {
            let start = parser.cur_span().offset();
            let Fields(command) = parser.parse()?;
            return Ok(Forms(vec![Directive { span: start..parser.prev_span().offset(), command }]));
        }
        directives(parser).map(Forms)
    }
}

impl<'a> Parse<'a> for Form {
    fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
        parser.parens(command).map(Form)
    }
}

impl<'a> Parse<'a> for Fields {
    fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
        let encoded = encode(&mut bare_module(parser)?);
        Ok(Fields(Command::Module(Definition { name: None, form: text_module(encoded) })))
    }
}

impl<'a> Parse<'a> for Quoted<'a> {
    fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
        if !parser.peek2::<wast::kw::module>()? {
            return bare_module(parser).map(Quoted);
        }
        let module: Module<'a> = parser.parens(Parser::parse)?;
        match module.kind {
            ModuleKind::Text(_) => Ok(Quoted(module)),
            ModuleKind::Binary(_) => Err(parser.error_at(module.span, "unexpected token `binary`")),
        }
    }
}

impl<'a> Parse<'a> for BeginsField {
    fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
        let begins = parser.peek2::<ModuleField>()?;
        parser.parens(skip_rest)?;
        Ok(BeginsField(begins))
    }
}

impl From<Form> for Command {
    fn from(Form(command): Form) -> Self {
        command
    }
}

impl From<Fields> for Command {
    fn from(Fields(command): Fields) -> Self {
        command
    }
}

/// The keyword of a module field (core spec, section 6.6.13).
struct ModuleField;

impl Peek for ModuleField {
    fn peek(cursor: Cursor<'_>) -> wast::parser::Result<bool> {
        const FIELDS: [&str; 12] = [
            "type", "rec", "import", "func", "table", "memory", "global", "export", "start", "elem", "data",
            "tag",
        ];
        Ok(cursor.keyword()?.is_some_and(|(word, _)| FIELDS.contains(&word)))
    }

    fn display() -> &'static str {
        "a module field"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of every form, with strings, comments and annotations that hide parentheses.
    const SCRIPT: &str = "(module $m (@custom \"a\" \")\") (func)) ;; )
(module definition quote \"(func)\") (; ( ;) (module instance $i $m)
(register \"m\" $m)(invoke \"f\" (i32.const 1))
(get $m \"g\") (assert_return (invoke \"(\") (i32.const 1)) (assert_trap (invoke \"f\") \")\")
(assert_trap (module) \"\") (assert_exhaustion (invoke \"f\") \"\") (assert_exception (invoke \"f\"))
(assert_suspension (invoke \"f\") \"\")
(assert_malformed (module quote \"(\") \"\") (assert_invalid (module) \"\") (assert_unlinkable (module) \"\")
(assert_malformed_custom (module) \"\") (assert_invalid_custom (module) \"\") (wait $t)";

    fn seen(source: &Source<'_>, directives: &[Directive]) -> Vec<(String, &'static str)> {
        let seen =
            |directive: &Directive| (source.slice(&directive.span).to_owned(), directive.command.keyword());
        directives.iter().map(seen).collect()
    }

    #[test]
    fn both_ways_of_parsing_give_the_same_directives() {
        let source = Source::new("t.wast", SCRIPT);
        let seen_at_once = seen(&source, &at_once(SCRIPT, Grammar::default()).unwrap());
        assert_eq!(seen_at_once, seen(&source, &form_by_form(&source, Grammar::default()).unwrap()));
        assert_eq!(seen_at_once.len(), 18);
        let in_parentheses = |(text, _): &(String, _)| text.starts_with('(') && text.ends_with(')');
        assert!(seen_at_once.iter().all(in_parentheses), "{seen_at_once:?}");
        assert_eq!(seen_at_once[1], ("(module definition quote \"(func)\")".to_owned(), "module definition"));
    }

    #[test]
    fn a_bare_module_spans_its_fields() {
        for text in ["  (func) (memory 1) ;; end", "  (func) (funk) ;; end"] {
            let script = parse(Source::new("t.wast", text)).unwrap();
            assert_eq!(script.directives.len(), 1);
            assert!(script.source.slice(&script.directives[0].span).starts_with("(func) ("));
            assert!(script.source.slice(&script.directives[0].span).ends_with(')'));
        }
    }

    #[test]
    fn a_module_keeps_its_bytes_name_and_custom_sections() {
        let script = parse(Source::new("t.wast", "(module $m (@custom \"key\" \"val\") (func))")).unwrap();
        let Command::Module(definition) = &script.directives[0].command else {
            panic!("{:?}", script.directives)
        };
        assert_eq!(definition.name.as_deref(), Some("m"));
        let bytes = definition.form.bytes().unwrap();
        assert!(bytes.windows(7).any(|window| window == b"\x03keyval"), "{bytes:?}");
        // Definitions are parsed by a separate function.
        let script =
            parse(Source::new("t.wast", "(module definition (@custom \"key\" \"val\") (func))")).unwrap();
        let Command::ModuleDefinition(definition) = &script.directives[0].command else {
            panic!("{:?}", script.directives)
        };
        let bytes = definition.form.bytes().unwrap();
        assert!(bytes.windows(7).any(|window| window == b"\x03keyval"), "{bytes:?}");
    }

    #[test]
    fn errors_after_a_folded_try_have_the_right_position() {
        let text =
            "(module (func (try (do) (catch_all)) (br $l)))\n(module (func (try (do) (delegate 0)) (nope)))";
        let script = parse(Source::new("t.wast", text)).unwrap();
        let Command::Module(Definition { form: ModuleForm::Text(Err(unresolved)), .. }) =
            &script.directives[0].command
        else {
            panic!("{script:?}")
        };
        assert_eq!(unresolved.offset, text.find("$l").unwrap());
        let Command::Malformed { offset, .. } = script.directives[1].command else { panic!("{script:?}") };
        assert_eq!(offset, text.find("nope").unwrap());
        // All forms parse: the single pass gives the same result.
        let text = text.replace("(nope)", "");
        let script = parse(Source::new("t.wast", &text)).unwrap();
        assert_eq!(script.source.slice(&script.directives[1].span), text.lines().nth(1).unwrap());
        let Command::Module(Definition { form: ModuleForm::Text(Err(unresolved)), .. }) =
            &script.directives[0].command
        else {
            panic!("{script:?}")
        };
        assert_eq!(unresolved.offset, text.find("$l").unwrap());
        let quoted = ModuleForm::Quote(b"(func (try (do) (catch_all))\n(br $l))".to_vec());
        assert_eq!(quoted.bytes().unwrap_err().offset, 33);
    }

    #[test]
    fn strings_and_comments_may_contain_any_character() {
        let text = "(module (func (export \"\u{202e}\"))) ;; \u{2066}\n(module quote \"(func) ;; \u{202e}\")";
        let script = parse(Source::new("t.wast", text)).unwrap();
        for directive in &script.directives {
            let Command::Module(definition) = &directive.command else { panic!("{directive:?}") };
            assert!(definition.form.bytes().is_ok(), "{directive:?}");
        }
        assert_eq!(script.directives.len(), 2);
    }
}
