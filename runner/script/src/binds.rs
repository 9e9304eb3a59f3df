//! Determines what a directive binds: the names that later directives use.
//!
//! A directive that is not run, because it does not parse, is skipped or is unsupported, binds
//! nothing. The names that it would have bound must be unbound: otherwise later directives would
//! run on an older module and pass. They are determined from the structure of the form, even if it
//! does not parse. If it is ambiguous which name was meant, all candidates count:
//!
//! | form | would bind |
//! |---|---|
//! | `(module $m? ..)` | the definition and the instance `$m`, and the current ones |
//! | `(module definition $m? ..)` | the definition `$m`, and the current one |
//! | `(module instance $i $m ..)` | the instance `$i`, and the current one |
//! | any of these with something else in place of a name | of its kind every name directly in it |
//! | `(register "name" ..)` | the registration `"name"`; without a readable name, every registration |
//! | `(thread $t ..)` | the thread `$t`; without a readable name, every thread |
//! | `(input ..)` | everything: it runs another file |
//! | `(invoke ..)`, `(get ..)`, `(wait ..)`, `(assert_… ..)` | nothing |
//! | a form with any other word, or without one | every name in it of every kind, every string in it as a registration, and the current definition and instance |
//! | text outside parentheses | nothing |

use wast::parser::{Parse, ParseBuffer, Parser, parse};
use wast::token::Id;

use super::model::{Command, Name};
use super::split::lexer;
use super::tokens::{Token, TokenKind, tokens};

/// What a directive binds, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bindings {
    /// Definitions of modules; the last one is included unless there are none.
    pub(super) definitions: Names,
    /// Instances; the current one is included unless there are none.
    pub(super) instances: Names,
    /// Registered names.
    pub(super) registrations: Names,
    /// Threads.
    pub(super) threads: Names,
}

/// Names of one kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Names {
    /// No names.
    #[default]
    Nothing,
    /// These names, and the unnamed one.
    These(Vec<Name>),
    /// All names.
    All,
}

impl Bindings {
    /// The bindings of a directive with this text.
    pub(super) fn of(command: &Command, text: &str) -> Bindings {
        let one = |name: &Option<Name>| Names::These(name.iter().cloned().collect());
        let nothing = Bindings::default();
        match command {
            Command::Module(definition) => {
                Bindings { definitions: one(&definition.name), instances: one(&definition.name), ..nothing }
            }
            Command::ModuleDefinition(definition) => {
                Bindings { definitions: one(&definition.name), ..nothing }
            }
            Command::ModuleInstance { instance, .. } => Bindings { instances: one(instance), ..nothing },
            Command::Register { name, .. } => {
                Bindings { registrations: Names::These(vec![name.clone()]), ..nothing }
            }
            Command::Thread { name, .. } => Bindings { threads: Names::These(vec![name.clone()]), ..nothing },
            Command::Unsupported { .. } | Command::Malformed { .. } => Form::read(text).bindings(),
            _ => nothing,
        }
    }

    fn everything() -> Bindings {
        let all = || Names::All;
        Bindings { definitions: all(), instances: all(), registrations: all(), threads: all() }
    }
}

/// The readable part of a form that does not parse: the tokens within its parentheses, without
/// annotations.
struct Form<'a> {
    /// The tokens with their depth in the form.
    tokens: Vec<(usize, Item<'a>)>,
}

/// A token, classified for use as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item<'a> {
    Paren,
    /// `$name`
    Id(&'a str),
    /// `"string"`
    String(&'a str),
    Word(&'a str),
    /// Any other token, or an invalid one.
    Other,
}

impl<'a> Form<'a> {
    fn read(text: &'a str) -> Form<'a> {
        let (mut depth, mut annotation, mut found) = (0usize, None, Vec::new());
        for Token { kind, span } in tokens(text).map_while(Result::ok) {
            let item = match kind {
                TokenKind::Open | TokenKind::Annotation => {
                    if kind == TokenKind::Annotation {
                        annotation = annotation.or(Some(depth));
                    }
                    depth += 1;
                    Item::Paren
                }
                TokenKind::Close => {
                    depth = depth.saturating_sub(1);
                    if annotation == Some(depth) {
                        annotation = None;
                        continue;
                    }
                    Item::Paren
                }
                TokenKind::Atom => Item::of(text.get(span).unwrap_or_default()),
            };
            if annotation.is_none() {
                let around = if kind == TokenKind::Open { depth - 1 } else { depth };
                found.push((around, item));
            }
        }
        Form { tokens: found }
    }

    fn bindings(&self) -> Bindings {
        let nothing = Bindings::default();
        if self.item(0) != Item::Paren {
            return nothing;
        }
        match self.item(1) {
            Item::Word("module") => self.module(),
            Item::Word("register") => {
                let name = match self.item(2) {
                    Item::String(token) => string(token),
                    _ => None,
                };
                Bindings { registrations: one_or_all(name), ..nothing }
            }
            Item::Word("thread") => Bindings { threads: one_or_all(self.item(2).name()), ..nothing },
            Item::Word("input") => Bindings::everything(),
            Item::Word("invoke" | "get" | "wait") => nothing,
            Item::Word(word) if word.starts_with("assert_") => nothing,
            _ => self.unknown(),
        }
    }

    fn module(&self) -> Bindings {
        let nothing = Bindings::default();
        let names = |at: usize| match self.item(at) {
            item @ Item::Id(_) => one_or_all(item.name()),
            _ => Names::These(self.names(1)),
        };
        match self.item(2) {
            Item::Word("definition") => Bindings { definitions: names(3), ..nothing },
            Item::Word("instance") => {
                let instances = match (self.item(3), self.item(4)) {
                    (Item::Id(_), Item::Id(_)) => names(3),
                    _ => Names::These(self.names(1)),
                };
                Bindings { instances, ..nothing }
            }
            _ => Bindings { definitions: names(2), instances: names(2), ..nothing },
        }
    }

    fn unknown(&self) -> Bindings {
        let names = || Names::These(self.names(usize::MAX));
        let strings = self.tokens.iter().filter_map(|(_, item)| match item {
            Item::String(token) => string(token),
            _ => None,
        });
        let registrations = Names::These(strings.collect());
        Bindings { definitions: names(), instances: names(), registrations, threads: names() }
    }

    /// The names up to this depth.
    fn names(&self, deepest: usize) -> Vec<Name> {
        let within = self.tokens.iter().filter(|(depth, _)| *depth <= deepest);
        within.filter_map(|(_, item)| item.name()).collect()
    }

    fn item(&self, at: usize) -> Item<'a> {
        self.tokens.get(at).map_or(Item::Other, |(_, item)| *item)
    }
}

impl<'a> Item<'a> {
    fn of(token: &'a str) -> Item<'a> {
        match token.as_bytes().first() {
            Some(b'$') => Item::Id(token),
            Some(b'"') => Item::String(token),
            Some(b'a'..=b'z') => Item::Word(token),
            _ => Item::Other,
        }
    }

    fn name(self) -> Option<Name> {
        match self {
            Item::Id(token) => identifier(token),
            _ => None,
        }
    }
}

/// The name if it is known, else all names.
fn one_or_all(name: Option<Name>) -> Names {
    name.map_or(Names::All, |name| Names::These(vec![name]))
}

/// The name of an identifier token.
fn identifier(token: &str) -> Option<Name> {
    struct Identifier(Name);
    impl<'a> Parse<'a> for Identifier {
        fn parse(parser: Parser<'a>) -> wast::parser::Result<Self> {
            parser.parse::<Id<'a>>().map(|id| Identifier(id.name().into()))
        }
    }
    let buffer = ParseBuffer::new_with_lexer(lexer(token)).ok()?;
    parse(&buffer).ok().map(|Identifier(name)| name)
}

/// The text of a string token.
fn string(token: &str) -> Option<Name> {
    let buffer = ParseBuffer::new_with_lexer(lexer(token)).ok()?;
    parse::<String>(&buffer).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bindings of an unparsable form: definitions, instances, registrations and threads.
    fn bound(text: &str) -> [String; 4] {
        let Bindings { definitions, instances, registrations, threads } = Form::read(text).bindings();
        [definitions, instances, registrations, threads].map(|names| match names {
            Names::Nothing => "-".to_owned(),
            Names::These(names) => names.join(" "),
            Names::All => "*".to_owned(),
        })
    }

    #[test]
    fn an_unparsable_form_binds_the_names_in_its_head() {
        for (text, expected) in [
            ("(module (func) (typo))", ["", "", "-", "-"]),
            ("(module $m (func $f) (typo $x))", ["m", "m", "-", "-"]),
            ("(module $\"a b\" (typo))", ["a b", "a b", "-", "-"]),
            ("(module(;;);;\n$m(typo))", ["m", "m", "-", "-"]),
            ("(module (@a $x) $m (typo))", ["m", "m", "-", "-"]),
            ("(module $m quote typo)", ["m", "m", "-", "-"]),
            ("(module binary 1)", ["", "", "-", "-"]),
            ("(module binary $m \"\")", ["m", "m", "-", "-"]),
            ("(module (func $f) $m)", ["m", "m", "-", "-"]),
            ("(module definition quote $d \"\")", ["d", "-", "-", "-"]),
            ("(module definition $m (func $f) typo)", ["m", "-", "-", "-"]),
            ("(module definition quote 1)", ["", "-", "-", "-"]),
            ("(module instance $i $m extra)", ["-", "i", "-", "-"]),
            ("(module instance $i $m $n)", ["-", "i", "-", "-"]),
            ("(register \"r\" junk)", ["-", "-", "r", "-"]),
            ("(register \"\\72\" $i junk)", ["-", "-", "r", "-"]),
            ("(thread $t (shared $m))", ["-", "-", "-", "t"]),
        ] {
            assert_eq!(bound(text), expected, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_form_binds_all_candidate_names() {
        for (text, expected) in [
            ("(module 5 $m (func $f))", ["m", "m", "-", "-"]),
            ("(module definiton $m (func $f))", ["m", "m", "-", "-"]),
            ("(module \"m\" $m)", ["m", "m", "-", "-"]),
            ("(module $ (func))", ["*", "*", "-", "-"]),
            ("(module definition 5 $m)", ["m", "-", "-", "-"]),
            ("(module instance $i m)", ["-", "i", "-", "-"]),
            ("(module instance i $i $m)", ["-", "i m", "-", "-"]),
            ("(register r $x)", ["-", "-", "*", "-"]),
            ("(register)", ["-", "-", "*", "-"]),
            ("(register \"\\q\")", ["-", "-", "*", "-"]),
            ("(register \"\\ff\")", ["-", "-", "*", "-"]),
            ("(thread (invoke \"f\"))", ["-", "-", "-", "*"]),
            ("(input \"a.wast\")", ["*", "*", "*", "*"]),
        ] {
            assert_eq!(bound(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_form_binds_all_names_in_it() {
        for text in
            ["(modul $m (instance $i) \"r\")", "(\"r\" $m $i)", "($m ($i \"r\"))", "((module $m) $i \"r\")"]
        {
            assert_eq!(bound(text), ["m i", "m i", "r", "m i"], "{text}");
        }
        assert_eq!(bound("()"), ["", "", "", ""]);
        assert_eq!(bound("(\u{7} $m)"), ["m", "m", "", "m"]);
    }

    #[test]
    fn assertions_and_text_without_parentheses_bind_nothing() {
        for text in [
            "(assert_return (invoke $m \"f\") typo)",
            "(assert_something_new (module $m))",
            "(invoke $m typo)",
            "(get $m)",
            "(wait t)",
            "$m",
            "\"r\"",
            "word",
        ] {
            assert_eq!(bound(text), ["-", "-", "-", "-"], "{text}");
        }
    }
}
