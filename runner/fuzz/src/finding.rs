//! Findings: a difference as a script that passes on one engine and fails on the other.

use std::fmt::Write as _;

use wassay_script::Grammar;
use wassay_script::embed::ErrorKind;
use wassay_script::model::{Command, Directive};
use wassay_script::source::Source;
use wassay_terms::{Classification, Features};

use crate::compare::Difference;
use crate::literal::pattern;
use crate::observe::Seen;
use crate::tree::Node;

/// The names of the two engines of a difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// The engine whose verdicts the script asserts.
    pub a: &'a str,
    /// The engine on which the script fails.
    pub b: &'a str,
}

/// The script of a difference: what the first engine did is asserted, up to where they differ.
/// `about` says where it comes from.
pub(crate) fn script(
    text: &str,
    features: Features,
    seen: &[Seen],
    difference: &Difference,
    (names, about): (Names<'_>, &str),
) -> String {
    let mut written = format!(";;! features = \"{features}\"\n");
    let verdict = |seen: &Seen| one_line(&seen.to_string());
    let Names { a, b } = names;
    // Writing to a string does not fail.
    let _ = writeln!(written, ";; {about}: {}", difference.class);
    let _ = writeln!(written, ";; {a}: {}", verdict(&difference.a));
    let _ = writeln!(written, ";; {b}: {}", verdict(&difference.b));
    write_directives(&mut written, text, features, seen.get(..=difference.step).unwrap_or(seen));
    written
}

/// A script that asserts what an engine did, directive by directive, as far as that is known.
pub(crate) fn asserting(
    text: &str,
    features: Features,
    seen: &[Seen],
    (engine, about): (&str, &str),
) -> String {
    let mut written = format!(";;! features = \"{features}\"\n;; {about}, as {engine} judges it\n");
    write_directives(&mut written, text, features, seen);
    written
}

/// Appends the directives of a script, with what was seen as assertions.
fn write_directives(written: &mut String, text: &str, features: Features, seen: &[Seen]) {
    let source = Source::new("", text);
    let parsed = wassay_script::parse_as(Source::new("", text), Grammar::of(features));
    let directives = parsed.map(|script| script.directives).unwrap_or_default();
    for (directive, seen) in directives.iter().zip(seen) {
        let asserted = asserted(directive, source.slice(&directive.span), seen);
        let nodes = Node::read(&asserted).unwrap_or_default();
        match nodes.as_slice() {
            [node] => written.push_str(&node.pretty()),
            _ => written.push_str(&asserted),
        }
        written.push('\n');
    }
}

/// The directive that asserts what was seen.
fn asserted(directive: &Directive, text: &str, seen: &Seen) -> String {
    let assertion = |name: &str, rest: &str| format!("({name} {text}{rest})");
    let is_action = matches!(directive.command, Command::Action(_));
    match seen {
        Seen::Returned(values) if is_action => {
            let patterns: String = values.iter().map(|value| format!(" {}", pattern(value))).collect();
            assertion("assert_return", &patterns)
        }
        Seen::Ended(kind, message) => {
            let message = format!(" {}", crate::literal::string(bare(*kind, message).as_bytes()));
            match kind {
                ErrorKind::Exception if is_action => assertion("assert_exception", ""),
                ErrorKind::Exhaustion if is_action => assertion("assert_exhaustion", &message),
                ErrorKind::Trap => assertion("assert_trap", &message),
                ErrorKind::Unlinkable => assertion("assert_unlinkable", &message),
                ErrorKind::Malformed => refused(text, "assert_malformed", &message),
                ErrorKind::Invalid | ErrorKind::Refused => refused(text, "assert_invalid", &message),
                _ => text.to_owned(),
            }
        }
        _ => text.to_owned(),
    }
}

/// An assertion about a module that is refused, which is only a definition.
fn refused(text: &str, name: &str, message: &str) -> String {
    let module = text.replacen("(module definition ", "(module ", 1);
    format!("({name} {module}{message})")
}

/// A message without its kind and its place in the module.
fn bare(kind: ErrorKind, message: &str) -> String {
    let message =
        message.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message);
    let message = message.split(" (at ").next().unwrap_or_default();
    one_line(message)
}

/// What `classify` says as what an engine that agrees would have done.
pub(crate) fn of_classification(classification: Classification) -> Seen {
    match classification {
        Classification::Valid => Seen::Returned(Vec::new()),
        Classification::Malformed { rule, .. } => {
            Seen::Ended(ErrorKind::Malformed, format!("malformed: {}", rule.text()))
        }
        Classification::Invalid { rule, .. } => {
            Seen::Ended(ErrorKind::Invalid, format!("invalid: {}", rule.text()))
        }
        _ => Seen::Unknown("the module exceeds the limits of the classification".to_owned()),
    }
}

/// The first line, bounded.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(160).collect()
}
