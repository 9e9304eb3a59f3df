//! What cases use: features and operators, to keep those cases that have something new.

use std::collections::BTreeSet;

use wasmparser::{Operator, Parser, Payload};
use wassay_script::Grammar;
use wassay_script::source::Source;
use wassay_terms::Features;

use crate::case::{Case, Step};
use crate::observe::modules;

/// What has been used by the cases of a corpus: names of features, sections and operators.
#[derive(Clone, Debug, Default)]
pub struct Uses(BTreeSet<String>);

impl Uses {
    /// What a module uses under a set of features.
    pub fn of(bytes: &[u8], features: Features) -> Uses {
        let mut uses = BTreeSet::new();
        uses.extend(features.iter().map(|name| format!("feature {name}")));
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            if let Some((id, _)) = payload.as_section() {
                uses.insert(format!("section {id}"));
            }
            let Payload::CodeSectionEntry(body) = payload else { continue };
            let Ok(operators) = body.get_operators_reader() else { continue };
            for operator in operators.into_iter().map_while(Result::ok) {
                uses.insert(name(&operator));
            }
        }
        Uses(uses)
    }

    /// What the modules of a case use.
    pub fn of_case(case: &Case) -> Uses {
        let mut uses = Uses::default();
        for step in &case.steps {
            if let Step::Module { bytes, .. } = step {
                uses.add(Uses::of(bytes, case.features));
            }
        }
        uses
    }

    /// What the modules of a script use, under the features in its header.
    pub fn of_script(text: &str) -> Uses {
        let header = text.lines().find_map(|line| line.strip_prefix(";;! features = \"")?.strip_suffix('"'));
        let features = header.and_then(|list| list.parse().ok()).unwrap_or_default();
        let parsed = wassay_script::parse_as(Source::new("", text), Grammar::of(features));
        let mut directives = parsed.map(|script| script.directives).unwrap_or_default();
        let mut uses = Uses::default();
        for bytes in modules(&mut directives) {
            uses.add(Uses::of(&bytes, features));
        }
        uses
    }

    /// Adds what others use, and says whether that has anything new.
    pub fn add(&mut self, others: Uses) -> bool {
        let before = self.0.len();
        self.0.extend(others.0);
        self.0.len() > before
    }

    /// How many different things are used.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the operators.
    pub(crate) fn operators(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|name| !name.contains(' ')).map(String::as_str)
    }
}

/// The name of an operator, as the parser spells it.
fn name(operator: &Operator<'_>) -> String {
    let shown = format!("{operator:?}");
    shown.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_new_by_an_operator_or_a_feature() {
        let module = |text: &str| wassay_script::quoted(text.as_bytes()).unwrap();
        let one = module("(module (func (drop (i32.const 1))))");
        let two = module("(module (func (drop (i64.const 1))))");
        let mut known = Uses::default();
        assert!(known.add(Uses::of(&one, Features::V1)));
        assert!(!known.add(Uses::of(&one, Features::V1)));
        assert!(known.add(Uses::of(&two, Features::V1)));
        assert!(known.add(Uses::of(&one, Features::V2)));
        let operators: Vec<String> = known.operators().map(str::to_owned).collect();
        assert_eq!(operators, ["Drop", "End", "I32Const", "I64Const"]);
    }
}
