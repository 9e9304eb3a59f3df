//! The grammar of directives, over the tokens of the `wast` crate.

use wast::core::{Module, ModuleKind};
use wast::parser::{Cursor, Parser, Result};
use wast::token::{Id, Span};

use super::encode::encode;
use super::literal::{constant, keyword, pattern};
use super::model::{Action, Command, Definition, Directive, Instantiation, ModuleForm, Name, TextError};

/// The annotations of module texts that the encoding keeps.
const ANNOTATIONS: [&str; 5] = ["custom", "producers", "name", "dylink.0", "metadata.code.branch_hint"];

/// Parses the contents of a directive's parentheses.
pub(crate) fn command(parser: Parser<'_>) -> Result<Command> {
    if parser.peek::<wast::kw::module>()? {
        return module_command(parser);
    }
    let word = keyword(parser)?;
    Ok(match word {
        "register" => {
            Command::Register { name: string(parser)?, instance: parser.parse::<Option<Id<'_>>>()?.map(name) }
        }
        "invoke" => Command::Action(invoke(parser)?),
        "get" => Command::Action(get(parser)?),
        "assert_return" => {
            let action = parser.parens(action)?;
            Command::AssertReturn { action, results: list(parser, pattern)? }
        }
        "assert_trap" => assert_trap(parser)?,
        "assert_exhaustion" => {
            Command::AssertExhaustion { action: parser.parens(action)?, text: string(parser)? }
        }
        "assert_suspension" => {
            Command::AssertSuspension { action: parser.parens(action)?, text: string(parser)? }
        }
        "assert_exception" => Command::AssertException(parser.parens(action)?),
        "assert_malformed" => {
            Command::AssertMalformed { module: parser.parens(module)?, text: string(parser)? }
        }
        "assert_invalid" => Command::AssertInvalid { module: parser.parens(module)?, text: string(parser)? },
        "assert_malformed_custom" => {
            Command::AssertMalformedCustom { module: parser.parens(module)?, text: string(parser)? }
        }
        "assert_invalid_custom" => {
            Command::AssertInvalidCustom { module: parser.parens(module)?, text: string(parser)? }
        }
        "assert_unlinkable" => {
            Command::AssertUnlinkable { instance: parser.parens(instantiation)?, text: string(parser)? }
        }
        "thread" => thread(parser)?,
        "wait" => Command::Wait { thread: name(parser.parse()?) },
        _ => {
            skip_rest(parser)?;
            Command::Unsupported { keyword: word.into() }
        }
    })
}

/// Parses directives up to the end of the text or of the form around them.
pub(crate) fn directives(parser: Parser<'_>) -> Result<Vec<Directive>> {
    let mut directives = Vec::new();
    while !parser.is_empty() {
        let start = parser.cur_span().offset();
        let command = parser.parens(command)?;
        // The parser's previous position is the end of the previous token, which is after the `)`.
        directives.push(Directive { span: start..parser.prev_span().offset(), command });
    }
    Ok(directives)
}

/// The encoding of a module, or why it has none.
pub(crate) fn text_module(encoded: std::result::Result<Vec<u8>, wast::Error>) -> ModuleForm {
    ModuleForm::Text(encoded.map_err(text_error))
}

/// Converts an error in text, with its position.
pub(crate) fn text_error(error: wast::Error) -> TextError {
    TextError { message: error.message(), offset: error.span().offset() }
}

/// A module's fields without the parentheses around them.
pub(crate) fn bare_module(parser: Parser<'_>) -> Result<Module<'_>> {
    let _annotations = ANNOTATIONS.map(|name| parser.register_annotation(name));
    fields(parser, parser.cur_span(), None)
}

/// Skips to the closing parenthesis of the current form.
pub(crate) fn skip_rest(parser: Parser<'_>) -> Result<()> {
    parser.step(|mut cursor| {
        let mut depth = 0usize;
        loop {
            if let Some(rest) = cursor.lparen()? {
                depth += 1;
                cursor = rest;
            } else if let Some(rest) = cursor.rparen()? {
                let Some(outer) = depth.checked_sub(1) else { return Ok(((), cursor)) };
                depth = outer;
                cursor = rest;
            } else {
                cursor = atom(cursor)?.ok_or_else(|| cursor.error("expected `)`"))?;
            }
        }
    })
}

/// The cursor after the next token, unless that is a parenthesis.
fn atom(cursor: Cursor<'_>) -> Result<Option<Cursor<'_>>> {
    let found = [
        cursor.keyword()?.map(|(_, rest)| rest),
        cursor.id()?.map(|(_, rest)| rest),
        cursor.string()?.map(|(_, rest)| rest),
        cursor.integer()?.map(|(_, rest)| rest),
        cursor.float()?.map(|(_, rest)| rest),
        cursor.reserved()?.map(|(_, rest)| rest),
        cursor.annotation()?.map(|(_, rest)| rest),
    ];
    Ok(found.into_iter().flatten().next())
}

fn assert_trap(parser: Parser<'_>) -> Result<Command> {
    if parser.peek2::<wast::kw::module>()? {
        let instance = parser.parens(instantiation)?;
        return Ok(Command::AssertUninstantiable { instance, text: string(parser)? });
    }
    Ok(Command::AssertTrap { action: parser.parens(action)?, text: string(parser)? })
}

fn action(parser: Parser<'_>) -> Result<Action> {
    match keyword(parser)? {
        "invoke" => invoke(parser),
        "get" => get(parser),
        other => Err(parser.error(format!("invalid action `{other}`: expected `invoke` or `get`"))),
    }
}

fn invoke(parser: Parser<'_>) -> Result<Action> {
    let instance = parser.parse::<Option<Id<'_>>>()?.map(name);
    Ok(Action::Invoke { instance, export: string(parser)?, arguments: list(parser, constant)? })
}

fn get(parser: Parser<'_>) -> Result<Action> {
    Ok(Action::Get { instance: parser.parse::<Option<Id<'_>>>()?.map(name), export: string(parser)? })
}

/// The maximum depth of nested threads.
const MAX_THREADS: usize = 16;

fn thread(parser: Parser<'_>) -> Result<Command> {
    // Threads are nested in the form of the thread that starts them.
    if parser.parens_depth() > MAX_THREADS {
        return Err(parser.error(format!("threads are nested more than {MAX_THREADS} deep")));
    }
    let id = name(parser.parse()?);
    let mut shared = Vec::new();
    while parser.peek2::<wast::kw::shared>()? {
        shared.push(parser.parens(|parser| {
            parser.parse::<wast::kw::shared>()?;
            parser.parens(|parser| {
                parser.parse::<wast::kw::module>()?;
                Ok(name(parser.parse()?))
            })
        })?);
    }
    Ok(Command::Thread { name: id, shared, directives: directives(parser)?.into() })
}

fn list<'a, T>(parser: Parser<'a>, item: fn(Parser<'a>) -> Result<T>) -> Result<Vec<T>> {
    let mut items = Vec::new();
    while !parser.is_empty() {
        items.push(parser.parens(item)?);
    }
    Ok(items)
}

fn string(parser: Parser<'_>) -> Result<Box<str>> {
    parser.parse::<&str>().map(Into::into)
}

fn name(id: Id<'_>) -> Name {
    id.name().into()
}

/// The part between `module` and the content of a module.
struct Head<'a> {
    verb: Verb,
    name: Option<&'a str>,
    form: Form,
}

#[derive(PartialEq)]
enum Verb {
    /// Define and instantiate.
    Both,
    Definition,
    Instance,
}

enum Form {
    Text,
    Binary,
    Quote,
}

/// Parses the head of a module, up to the first string if its content is given as strings.
fn head(parser: Parser<'_>) -> Result<Head<'_>> {
    parser.step(|start| {
        let (_, mut cursor) = start.keyword()?.ok_or_else(|| start.error("expected `module`"))?;
        let mut verb = Verb::Both;
        match cursor.keyword()? {
            Some(("definition", rest)) => (verb, cursor) = (Verb::Definition, rest),
            Some(("instance", rest)) => (verb, cursor) = (Verb::Instance, rest),
            _ => {}
        }
        if verb == Verb::Instance {
            return Ok((Head { verb, name: None, form: Form::Text }, cursor));
        }
        let mut name = None;
        if let Some((found, rest)) = cursor.id()? {
            (name, cursor) = (Some(found), rest);
        }
        Ok(match cursor.keyword()? {
            Some(("binary", rest)) => (Head { verb, name, form: Form::Binary }, rest),
            Some(("quote", rest)) => (Head { verb, name, form: Form::Quote }, rest),
            _ => (Head { verb, name, form: Form::Text }, start),
        })
    })
}

fn module_command(parser: Parser<'_>) -> Result<Command> {
    let head = head(parser)?;
    Ok(match head.verb {
        Verb::Instance => {
            let first = parser.parse::<Option<Id<'_>>>()?.map(name);
            let second = parser.parse::<Option<Id<'_>>>()?.map(name);
            // A single name is that of the definition.
            match second {
                Some(_) => Command::ModuleInstance { instance: first, module: second },
                None => Command::ModuleInstance { instance: None, module: first },
            }
        }
        Verb::Definition => Command::ModuleDefinition(definition(parser, head)?),
        Verb::Both => Command::Module(definition(parser, head)?),
    })
}

/// Parses a module in an assertion, which does not bind it.
fn module(parser: Parser<'_>) -> Result<Definition> {
    let head = head(parser)?;
    match head.verb {
        Verb::Instance => Err(parser.error("expected a module, not an instance")),
        Verb::Both | Verb::Definition => definition(parser, head),
    }
}

fn instantiation(parser: Parser<'_>) -> Result<Instantiation> {
    let head = head(parser)?;
    match head.verb {
        Verb::Instance => Ok(Instantiation::Defined(parser.parse::<Option<Id<'_>>>()?.map(name))),
        Verb::Both => definition(parser, head).map(Instantiation::Module),
        Verb::Definition => Err(parser.error("a definition is not instantiated: expected `(module ..)`")),
    }
}

fn definition<'a>(parser: Parser<'a>, head: Head<'a>) -> Result<Definition> {
    let form = match head.form {
        Form::Binary => ModuleForm::Binary(strings(parser)?),
        Form::Quote => ModuleForm::Quote(strings(parser)?),
        Form::Text if head.verb == Verb::Definition => text_module(encode(&mut defined(parser)?)),
        Form::Text => text_module(encode(&mut parser.parse::<Module<'a>>()?)),
    };
    Ok(Definition { name: head.name.map(Into::into), form })
}

/// Parses the text module of a `module definition`, whose second keyword the module parser does not
/// support.
fn defined(parser: Parser<'_>) -> Result<Module<'_>> {
    let _annotations = ANNOTATIONS.map(|name| parser.register_annotation(name));
    let span = parser.cur_span();
    keyword(parser)?;
    keyword(parser)?;
    let id = parser.parse()?;
    fields(parser, span, id)
}

/// Parses a module's name annotation and fields, with module annotations enabled.
fn fields<'a>(parser: Parser<'a>, span: Span, id: Option<Id<'a>>) -> Result<Module<'a>> {
    let name = parser.parse()?;
    let mut fields = Vec::new();
    while !parser.is_empty() {
        fields.push(parser.parens(Parser::parse)?);
    }
    Ok(Module { span, id, name, kind: ModuleKind::Text(fields) })
}

fn strings(parser: Parser<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !parser.is_empty() {
        bytes.extend_from_slice(parser.parse()?);
    }
    Ok(bytes)
}
