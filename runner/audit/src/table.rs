//! The tables of faults: one file for each family, one line for each fault.
//!
//! | key | the faulty engine |
//! |---|---|
//! | `op`, `becomes` | executes an instruction as another one, with the same immediates |
//! | `op`, `does` | executes other code instead of an instruction: see [`Template`] |
//! | `op`, `tweak` | uses wrong immediates of an instruction: see [`Tweak`] |
//! | `state` | makes a mistake in instantiation or sharing: see [`State`] |
//! | `value` | alters the last result of exported functions, if it has the template's type |
//! | `accept`, `at` | accepts modules that violate a [`Rule`]; with `at`, only if that instruction does |
//! | `refuse` | rejects modules with a [`Construct`] |
//! | `link` | accepts a [`Mismatch`] of an import |
//! | `unlink` | rejects a [`Match`] of an import |
//!
//! `what` describes the wrong behaviour; `equivalent` says why no test can detect it.

use serde::Deserialize;
use thiserror::Error;
use wassay_terms::Rule;

use crate::construct::Construct;
use crate::fault::{Change, Fault};
use crate::link::{Match, Mismatch};
use crate::opcode::Opcode;
use crate::state::State;
use crate::template::Template;
use crate::tweak::Tweak;

/// The families and their tables.
const TABLES: &[(&str, &str)] = &[
    ("integers", include_str!("../faults/integers.toml")),
    ("floats", include_str!("../faults/floats.toml")),
    ("conversions", include_str!("../faults/conversions.toml")),
    ("memory", include_str!("../faults/memory.toml")),
    ("vectors", include_str!("../faults/vectors.toml")),
    ("atomics", include_str!("../faults/atomics.toml")),
    ("control", include_str!("../faults/control.toml")),
    ("tables", include_str!("../faults/tables.toml")),
    ("objects", include_str!("../faults/objects.toml")),
    ("exceptions", include_str!("../faults/exceptions.toml")),
    ("traps", include_str!("../faults/traps.toml")),
    ("values", include_str!("../faults/values.toml")),
    ("decoding", include_str!("../faults/decoding.toml")),
    ("validation", include_str!("../faults/validation.toml")),
    ("constructs", include_str!("../faults/constructs.toml")),
    ("linking", include_str!("../faults/linking.toml")),
    ("state", include_str!("../faults/state.toml")),
];

/// An error in a table of faults.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{family}.toml: {message}")]
pub struct BadTable {
    /// The family.
    pub family: String,
    /// The errors, one per line, each with the fault it is in.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    faults: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    op: Option<String>,
    what: Option<String>,
    becomes: Option<String>,
    does: Option<String>,
    tweak: Option<Tweak>,
    state: Option<State>,
    value: Option<String>,
    accept: Option<String>,
    at: Option<String>,
    refuse: Option<Construct>,
    link: Option<Mismatch>,
    unlink: Option<Match>,
    equivalent: Option<String>,
}

/// Returns the built-in faults, in the order of the tables.
///
/// # Errors
///
/// If a built-in table is invalid. A test checks that none is.
pub fn faults() -> Result<Vec<Fault>, BadTable> {
    let mut all = Vec::new();
    for (family, text) in TABLES {
        all.extend(read(family, text)?);
    }
    Ok(all)
}

/// Returns the names of the families, in order.
pub fn families() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(family, _)| *family)
}

/// Parses a table of faults.
///
/// # Errors
///
/// If the table is invalid. The message lists all invalid faults, one per line.
pub fn read(family: &str, text: &str) -> Result<Vec<Fault>, BadTable> {
    let bad = |message: String| BadTable { family: family.to_owned(), message };
    let table: Table = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    let (mut faults, mut wrong) = (Vec::new(), Vec::new());
    for line in table.faults {
        match line.fault(family) {
            Ok(fault) => faults.push(fault),
            Err(message) => wrong.push(message),
        }
    }
    if wrong.is_empty() { Ok(faults) } else { Err(bad(wrong.join("\n"))) }
}

impl Line {
    fn fault(self, family: &str) -> Result<Fault, String> {
        let (subject, default, change) = self.change()?;
        let what = self.what.or(default).ok_or_else(|| format!("{subject}: `what` is missing"))?;
        Ok(Fault { family: family.to_owned(), subject, what, equivalent: self.equivalent, change })
    }

    /// Returns the subject, the default description of the wrong behaviour, and the change.
    fn change(&self) -> Result<(String, Option<String>, Change), String> {
        let opcode = |name: &str| Opcode::named(name).ok_or_else(|| format!("unknown instruction `{name}`"));
        let ways = [
            self.becomes.is_some(),
            self.does.is_some(),
            self.tweak.is_some(),
            self.state.is_some(),
            self.value.is_some(),
            self.accept.is_some(),
            self.refuse.is_some(),
            self.link.is_some(),
            self.unlink.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(format!("{:?}, {:?}: expected exactly one change", self.op, self.what));
        }
        if let Some(op) = &self.op {
            let of = opcode(op)?;
            let change = match (&self.becomes, &self.does, self.tweak) {
                (Some(to), _, _) => Change::Becomes { of, to: opcode(to)?, width: Opcode::width(to) },
                (_, Some(text), _) => {
                    let template =
                        Template::read(text, op).map_err(|error| format!("{op}: {text}: {error}"))?;
                    Change::Does { of, template }
                }
                (_, _, Some(tweak)) => Change::Tweak { of, tweak },
                _ => return Err(format!("`{op}`: expected `becomes`, `does` or `tweak`")),
            };
            return Ok((op.clone(), self.becomes.as_ref().map(|to| format!("executed as {to}")), change));
        }
        if let Some(name) = &self.accept {
            let rule = Rule::ALL.iter().find(|rule| format!("{rule:?}") == *name);
            let rule = *rule.ok_or_else(|| format!("unknown rule `{name}`"))?;
            let at = self.at.as_deref().map(opcode).transpose()?;
            let subject = self.at.as_deref().unwrap_or(rule.text()).to_owned();
            let what = match at {
                Some(_) => format!("accepted although: {}", rule.text()),
                None => format!("accepted ({})", rule.section()),
            };
            return Ok((subject, Some(what), Change::Accept { rule, at }));
        }
        let named = |name: String| name.chars().flat_map(spaced).collect::<String>().trim().to_owned();
        Ok(match (self.state, &self.value, self.refuse, self.link, self.unlink) {
            (Some(state), ..) => {
                ("instances".to_owned(), Some(named(format!("{state:?}"))), Change::State(state))
            }
            (_, Some(text), ..) => {
                let template = Template::read(text, "").map_err(|error| format!("{text}: {error}"))?;
                ("results".to_owned(), None, Change::Value(template))
            }
            (_, _, Some(construct), ..) => {
                (named(format!("{construct:?}")), Some("refused".to_owned()), Change::Refuse(construct))
            }
            (_, _, _, Some(mismatch), _) => (
                named(format!("{mismatch:?}")),
                Some("accepted as an import".to_owned()),
                Change::Link(mismatch),
            ),
            (_, _, _, _, Some(matched)) => (
                named(format!("{matched:?}")),
                Some("refused as an import".to_owned()),
                Change::Unlink(matched),
            ),
            _ => return Err("expected a change, such as `op` with `becomes`, or `accept`".to_owned()),
        })
    }
}

/// Converts a letter of a camel-case name to lower case, with a space before capitals.
fn spaced(letter: char) -> impl Iterator<Item = char> {
    let space = letter.is_ascii_uppercase() || letter.is_ascii_digit();
    space.then_some(' ').into_iter().chain([letter.to_ascii_lowercase()])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_built_in_tables_are_valid_and_names_are_unique() {
        let faults = faults().unwrap_or_else(|error| panic!("{error}"));
        assert!(faults.len() >= 500, "{}", faults.len());
        let mut names = HashSet::new();
        for fault in &faults {
            assert!(names.insert(fault.name()), "duplicate fault {}", fault.name());
            if let Change::Becomes { of, to, .. } = &fault.change {
                assert_ne!(of, to, "{}", fault.name());
            }
        }
    }

    #[test]
    fn errors_in_tables_name_the_line() {
        let error = |line: &str| read("f", &format!("faults = [{line}]")).unwrap_err().to_string();
        assert!(
            error("{ op = \"i32.sum\", becomes = \"i32.add\" }").contains("unknown instruction `i32.sum`")
        );
        assert!(error("{ op = \"i32.add\" }").contains("expected exactly one change"));
        assert!(error("{ accept = \"Nothing\" }").contains("unknown rule `Nothing`"));
        assert!(
            error("{ op = \"i32.add\", does = \"(param i32) i32.sum\", what = \"x\" }").contains("i32.sum")
        );
        assert!(error("{ oops = 1 }").contains("oops"));
    }
}
