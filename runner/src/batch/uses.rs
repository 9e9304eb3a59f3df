//! Which features the directives of a script depend on, computed from the bytes of its modules.
//!
//! A directive depends on what its module needs: the module that it defines, instantiates, or whose
//! instance it names; for a thread, the modules of the thread's directives. Modules that this one
//! imports from are ignored.
//!
//! A module needs a smallest set of features beyond 1.0 under which validation gives the same
//! result as under the features of the script: valid, or rejected at the same offset for the same
//! reason. A module that is rejected under these features and valid under all needs those that make
//! it valid, unless the directive asserts the rejection.

use std::collections::HashMap;
use std::iter::Peekable;

use wasmparser::{Parser, Payload, SubType, Validator, WasmFeatures};
use wassay_reports::{Key, Needs, Outcome as Word};
use wassay_script::embed::ErrorKind;
use wassay_script::model::{Action, Command, Definition, Directive, Instantiation, Name, Script};
use wassay_script::plan::ScriptPlan;
use wassay_script::plan::file::Dependents;
use wassay_script::reading::Reading;
use wassay_script::source::Place;
use wassay_script::wanted::{self, flag, flags};
use wassay_terms::{Deadline, Features};

use crate::verdict::{FailureKind, Outcome, ScriptResult, Verdict};

/// Returns the results of a script's directives, judged under these features, grouped by the
/// features that each depends on. Directives for which that cannot be determined are left out.
/// `keys` has the key of each directive by its position, in order; it is empty if keys are not
/// wanted. The result is empty if the script times out first.
pub(super) fn needs(
    reading: &Reading<'_, '_>,
    result: &ScriptResult,
    keys: &[(Place, Key)],
    (given, deadline): (Features, Option<Deadline>),
) -> Vec<Needs> {
    let mut scope = Scope { given: flags(given), deadline, ..Scope::default() };
    let mut counted = Counted::new(result, keys);
    for part in reading.parts() {
        for directive in part.iter() {
            if is_over(deadline) {
                return Vec::new();
            }
            let needed = scope.directive(directive);
            let place = reading.source().place(directive.span.start);
            counted.add(place, needed, is_module(directive));
        }
    }
    counted.groups.into_iter().map(|(_, group)| group).collect()
}

/// Groups the directives of a plan by the features that each depends on, for judging its answers
/// later.
pub(crate) fn dependents(script: &Script<'_>, plan: &ScriptPlan, given: Features) -> Vec<Dependents> {
    let mut scope = Scope { given: flags(given), ..Scope::default() };
    let mut groups: Vec<(WasmFeatures, Dependents)> = Vec::new();
    let mut planned = plan.directives.iter().enumerate().peekable();
    for directive in &script.directives {
        let needed = scope.directive(directive);
        let place = script.source.place(directive.span.start);
        while planned.next_if(|(_, planned)| planned.place < place).is_some() {}
        let (Some(needed), Some((number, _))) =
            (needed, planned.next_if(|(_, planned)| planned.place == place))
        else {
            continue;
        };
        let at = group_of(&mut groups, needed, |features| Dependents { features, ..Dependents::default() });
        if let Some((_, group)) = groups.get_mut(at) {
            if is_module(directive) { group.modules.push(number) } else { group.directives.push(number) }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The results of a plan's directives, by the features that each depends on.
pub(crate) fn of_plan(
    dependents: &[Dependents],
    plan: &ScriptPlan,
    result: &ScriptResult,
    keys: &[(Place, Key)],
) -> Vec<Needs> {
    let mut needed: Vec<(Place, WasmFeatures, bool)> = Vec::with_capacity(plan.directives.len());
    for Dependents { features, modules, directives } in dependents {
        let known = features.iter().filter(|name| Features::names().any(|known| known == **name));
        let set = known.map(|name| flag(name)).fold(WasmFeatures::empty(), WasmFeatures::union);
        let numbers = modules.iter().map(|number| (number, true));
        let numbers = numbers.chain(directives.iter().map(|number| (number, false)));
        let placed = numbers
            .filter_map(|(number, compiles)| Some((plan.directives.get(*number)?.place, set, compiles)));
        needed.extend(placed);
    }
    needed.sort_by_key(|(place, ..)| *place);
    let mut counted = Counted::new(result, keys);
    for (place, set, compiles) in needed {
        counted.add(place, Some(set), compiles);
    }
    counted.groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether a directive is a module that should compile.
fn is_module(directive: &Directive) -> bool {
    matches!(directive.command, Command::Module(_) | Command::ModuleDefinition(_))
}

/// The index of the group with these features, which is created if needed.
fn group_of<T>(
    groups: &mut Vec<(WasmFeatures, T)>,
    needed: WasmFeatures,
    make: impl FnOnce(Vec<String>) -> T,
) -> usize {
    groups.iter().position(|(set, _)| *set == needed).unwrap_or_else(|| {
        groups.push((needed, make(names(needed))));
        groups.len() - 1
    })
}

/// Counts directives that are added in order of their positions.
struct Counted<'a> {
    judged: Peekable<Box<dyn Iterator<Item = Verdict<'a>> + 'a>>,
    keys: &'a [(Place, Key)],
    groups: Vec<(WasmFeatures, Needs)>,
}

impl<'a> Counted<'a> {
    fn new(result: &'a ScriptResult, keys: &'a [(Place, Key)]) -> Self {
        let judged: Box<dyn Iterator<Item = Verdict<'a>> + 'a> = Box::new(result.directives.iter());
        Counted { judged: judged.peekable(), keys, groups: Vec::new() }
    }

    /// Counts the directive at a position, if it was judged and its features are known.
    fn add(&mut self, place: Place, needed: Option<WasmFeatures>, compiles: bool) {
        while self.judged.next_if(|judged| judged.place < place).is_some() {}
        let (Some(needed), Some(judged)) = (needed, self.judged.next_if(|judged| judged.place == place))
        else {
            return;
        };
        let at = group_of(&mut self.groups, needed, |features| Needs { features, ..Needs::default() });
        if let Some((_, group)) = self.groups.get_mut(at) {
            count(group, judged, compiles, self.keys);
        }
    }
}

/// Counts a directive. `compiles` says whether it is a module that should compile.
fn count(group: &mut Needs, judged: Verdict<'_>, compiles: bool, keys: &[(Place, Key)]) {
    let word = judged.outcome.word();
    group.directives.record(word);
    judged.put_aside(&mut group.aside);
    if compiles {
        group.modules.record(if has_compiled(judged.outcome) { Word::Passed } else { word });
    }
    if word != Word::Passed
        && let Ok(at) = keys.binary_search_by_key(&judged.place, |(place, _)| *place)
    {
        group.not_passed.extend(keys.get(at).map(|(_, key)| *key));
    }
}

/// Whether a module compiled, even if it could not be instantiated.
fn has_compiled(outcome: &Outcome) -> bool {
    let (Outcome::Failed(failure) | Outcome::ExpectedFailure(failure, _)) = outcome else {
        return matches!(outcome, Outcome::Passed | Outcome::UnexpectedPass(_));
    };
    matches!(
        failure.kind,
        FailureKind::Unexpected(
            ErrorKind::Unlinkable
                | ErrorKind::Trap
                | ErrorKind::Exhaustion
                | ErrorKind::Suspension
                | ErrorKind::Exception
        )
    )
}

/// The names of a script with the features that their modules need; `None` if unknown.
#[derive(Default)]
struct Scope {
    /// The features that the script is judged under.
    given: WasmFeatures,
    modules: Names,
    instances: Names,
    threads: HashMap<Name, Option<WasmFeatures>>,
    /// The deadline for the computation.
    deadline: Option<Deadline>,
}

#[derive(Default)]
struct Names {
    current: Option<WasmFeatures>,
    named: HashMap<Name, Option<WasmFeatures>>,
}

impl Names {
    fn bind(&mut self, name: Option<&Name>, needed: Option<WasmFeatures>) {
        if let Some(name) = name {
            self.named.insert(name.clone(), needed);
        }
        self.current = needed;
    }

    fn get(&self, name: Option<&str>) -> Option<WasmFeatures> {
        match name {
            None => self.current,
            Some(name) => self.named.get(name).copied().flatten(),
        }
    }
}

impl Scope {
    /// The features that a directive depends on. Binds what it defines, even if the definition
    /// fails.
    fn directive(&mut self, directive: &Directive) -> Option<WasmFeatures> {
        match &directive.command {
            Command::Module(definition) => {
                let needed = self.defined(definition);
                self.modules.bind(definition.name.as_ref(), needed);
                self.instances.bind(definition.name.as_ref(), needed);
                needed
            }
            Command::ModuleDefinition(definition) => {
                let needed = self.defined(definition);
                self.modules.bind(definition.name.as_ref(), needed);
                needed
            }
            Command::ModuleInstance { instance, module } => {
                let needed = self.modules.get(module.as_deref());
                self.instances.bind(instance.as_ref(), needed);
                needed
            }
            Command::Register { instance, .. } => self.instances.get(instance.as_deref()),
            Command::Action(action)
            | Command::AssertReturn { action, .. }
            | Command::AssertTrap { action, .. }
            | Command::AssertExhaustion { action, .. }
            | Command::AssertSuspension { action, .. }
            | Command::AssertException(action) => self.instances.get(Action::instance(action)),
            Command::AssertUninstantiable { instance, .. } | Command::AssertUnlinkable { instance, .. } => {
                match instance {
                    Instantiation::Module(definition) => self.defined(definition),
                    Instantiation::Defined(name) => self.modules.get(name.as_deref()),
                }
            }
            Command::AssertMalformed { module, .. } | Command::AssertInvalid { module, .. } => {
                let bytes = module.form.bytes().ok()?;
                let judgement = judge(&bytes, self.given);
                Some(reduced(&bytes, self.given, &judgement, self.deadline))
            }
            Command::AssertMalformedCustom { module, .. } | Command::AssertInvalidCustom { module, .. } => {
                self.defined(module)
            }
            Command::Thread { name, shared, directives } => {
                let needed = self.thread(shared, directives);
                self.threads.insert(name.clone(), needed);
                needed
            }
            Command::Wait { thread } => self.threads.get(thread).copied().flatten(),
            Command::Unsupported { .. } | Command::Malformed { .. } => {
                // It may have been intended as a definition.
                self.modules.current = None;
                self.instances.current = None;
                None
            }
        }
    }

    fn thread(&self, shared: &[Name], directives: &[Directive]) -> Option<WasmFeatures> {
        let mut scope = Scope { given: self.given, deadline: self.deadline, ..Scope::default() };
        for name in shared {
            scope.instances.bind(Some(name), self.instances.get(Some(name)));
        }
        let needed = directives.iter().filter_map(|directive| scope.directive(directive));
        needed.reduce(WasmFeatures::union)
    }

    /// The features that a valid module needs.
    fn defined(&self, definition: &Definition) -> Option<WasmFeatures> {
        let bytes = definition.form.bytes().ok()?;
        // Most modules need nothing beyond 1.0, and a module stays valid when features are added.
        if judge(&bytes, WasmFeatures::WASM1 & self.given).is_ok() {
            return Some(WasmFeatures::empty());
        }
        let judgement = judge(&bytes, self.given);
        let all = Features::names().map(flag).fold(self.given, WasmFeatures::union);
        Some(if judgement.is_err() && judge(&bytes, all).is_ok() {
            // The smallest set of missing features.
            reduced(&bytes, all, &Ok(()), self.deadline)
        } else if judgement.is_err() && has_descriptors(&bytes) {
            // The validator implements older rules of that proposal and rejects some modules.
            reduced(&bytes, self.given, &judgement, self.deadline) | WasmFeatures::CUSTOM_DESCRIPTORS
        } else {
            reduced(&bytes, self.given, &judgement, self.deadline)
        })
    }
}

/// Whether a type of a module has a descriptor or is one (custom descriptors proposal, "Types").
fn has_descriptors(bytes: &[u8]) -> bool {
    let sections = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    let groups = sections.filter_map(|payload| match payload {
        Payload::TypeSection(types) => Some(types.into_iter().map_while(Result::ok)),
        _ => None,
    });
    let is_one = |ty: &SubType| {
        ty.composite_type.descriptor_idx.is_some() || ty.composite_type.describes_idx.is_some()
    };
    groups.flatten().any(|group| group.types().any(is_one))
}

fn is_over(deadline: Option<Deadline>) -> bool {
    deadline.is_some_and(Deadline::is_over)
}

/// The validator's result for a module: the offset and the message of an error.
type Judgement = Result<(), (u64, String)>;

fn judge(bytes: &[u8], features: WasmFeatures) -> Judgement {
    let validated = Validator::new_with_features(features).validate_all(bytes);
    validated.map(drop).map_err(|error| (error.offset(), error.message().to_owned()))
}

/// A smallest set of features beyond 1.0 under which a module has the same result as under `given`;
/// of two features that both suffice, the older. After the deadline the set need not be smallest.
fn reduced(
    bytes: &[u8],
    given: WasmFeatures,
    judgement: &Judgement,
    deadline: Option<Deadline>,
) -> WasmFeatures {
    let same = |features| judge(bytes, features) == *judgement;
    let versions = [WasmFeatures::WASM1, WasmFeatures::WASM2, WasmFeatures::WASM3];
    let set =
        versions.into_iter().map(|version| version & given).find(|features| same(*features)).unwrap_or(given);
    let beyond: Vec<WasmFeatures> =
        Features::names().map(flag).filter(|flag| !WasmFeatures::WASM1.contains(*flag)).collect();
    let will_do = |features| !is_over(deadline) && same(features);
    wanted::reduced(set, beyond.into_iter(), will_do) - WasmFeatures::WASM1
}

fn names(set: WasmFeatures) -> Vec<String> {
    Features::names().filter(|name| set.contains(flag(name))).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::embedder;
    use crate::finished::union;
    use wassay_script::source::Source;
    use wassay_script::{Grammar, Options, parse, run};

    /// The features that the directives of a script depend on, with passed and total counts.
    fn groups(text: &str, features: Features) -> Vec<(String, u64, u64)> {
        let script = parse(Source::new("a.wast", text)).unwrap();
        let options = Options { features, ..Options::default() };
        let result = run(&script, &options, &mut embedder());
        let reading = Reading::new(&script.source, Grammar::default()).unwrap();
        let needs = needs(&reading, &result, &[], (features, None)).into_iter();
        needs
            .map(|group| (group.features.join(" "), group.directives.passed, group.directives.total()))
            .collect()
    }

    fn uses(text: &str, features: Features) -> Vec<String> {
        let script = parse(Source::new("a.wast", text)).unwrap();
        let options = Options { features, ..Options::default() };
        let result = run(&script, &options, &mut embedder());
        let reading = Reading::new(&script.source, Grammar::default()).unwrap();
        union(&needs(&reading, &result, &[], (features, None)))
    }

    #[test]
    fn every_feature_of_the_engine_is_one_of_the_validator() {
        for name in Features::names() {
            assert_ne!(flag(name), WasmFeatures::empty(), "{name}");
        }
    }

    #[test]
    fn each_feature_is_detected_by_a_module_that_needs_only_it() {
        for (text, expected) in [
            ("(module (func (export \"f\") (result i32) (i32.const 1)))", &[][..]),
            ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", &["multi-value"]),
            ("(module (func (param v128)))", &["simd"]),
            (
                "(module (memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))))",
                &["bulk-memory"],
            ),
            ("(module (func (drop (i32.extend8_s (i32.const 0)))))", &["sign-extension"]),
            ("(module (func $f (return_call $f)))", &["tail-call"]),
            ("(module (memory 1) (memory 1))", &["multi-memory"]),
            ("(module (memory i64 1))", &["memory64"]),
            ("(module (memory 1 1 shared))", &["threads"]),
            ("(module (type (struct)))", &["gc"]),
            ("(module (tag))", &["exceptions"]),
            ("(module (func (param v128))) (module (table 1 externref))", &["reference-types", "simd"]),
            ("(thread $t (module (func (param v128)))) (wait $t)", &["simd"]),
        ] {
            assert_eq!(uses(text, Features::DEFAULT), expected, "{text}");
        }
    }

    #[test]
    fn a_module_with_descriptors_needs_them_also_where_the_validator_has_older_rules() {
        let text = "(module (rec (type $a (sub (struct))) (type $b (sub $a (descriptor $d) (struct)))
            (type $d (sub (describes $b) (struct)))))";
        let features = "3.0,custom-descriptors".parse().unwrap();
        assert_eq!(groups(text, features), [("gc custom-descriptors".to_owned(), 1, 1)]);
    }

    #[test]
    fn a_directive_depends_on_its_own_module_and_on_no_other_of_the_script() {
        let mixed = "(module $plain (func (export \"f\")))
            (module $tail (func $f (export \"f\") (return_call $g)) (func $g))
            (module $both (memory 1) (memory 1) (func $f (export \"f\") (return_call $g)) (func $g))
            (invoke $plain \"f\") (assert_return (invoke $tail \"f\")) (assert_return (invoke \"f\"))
            (register \"t\" $tail) (assert_trap (invoke $tail \"f\") \"unreachable\")
            (module definition $d (func (param v128))) (module instance $i $d)
            (assert_malformed (module quote \"(func\") \"x\")";
        assert_eq!(
            groups(mixed, Features::DEFAULT),
            [
                (String::new(), 2, 2),
                ("tail-call".to_owned(), 3, 4),
                ("tail-call multi-memory".to_owned(), 2, 2),
                ("simd".to_owned(), 2, 2)
            ]
        );
    }

    #[test]
    fn modules_that_should_compile_are_counted_even_if_they_cannot_be_instantiated() {
        let text = "(module (memory 1)) (module (func (param v128)))
            (module (func $f unreachable) (start $f)) (module (import \"m\" \"f\" (func)))
            (module definition $d (table 1 externref)) (module (func (result i32)))
            (assert_invalid (module (func (result i32))) \"type mismatch\") (invoke \"f\")";
        let script = parse(Source::new("a.wast", text)).unwrap();
        let keys = wassay_script::keys::of(&script);
        let features: Features = "1.0,reference-types,bulk-memory".parse().unwrap();
        let options = Options { features, ..Options::default() };
        let result = run(&script, &options, &mut embedder());
        let reading = Reading::new(&script.source, Grammar::default()).unwrap();
        let modules: Vec<(String, u64, u64, u64)> = needs(&reading, &result, &keys, (features, None))
            .into_iter()
            .map(|of| {
                (of.features.join(" "), of.modules.passed, of.modules.failed, of.not_passed.len() as u64)
            })
            .collect();
        // Modules that trap or lack an import have compiled; the invalid one and the vectors have
        // not. An assertion is not a module.
        let plain = (String::new(), 3, 1, 4);
        assert_eq!(modules, [plain, ("simd".to_owned(), 0, 1, 1), ("reference-types".to_owned(), 1, 0, 0)]);
        let places: Vec<_> = [2, 3, 5, 7].map(|at: usize| keys[at].1).into();
        assert_eq!(needs(&reading, &result, &keys, (features, None))[0].not_passed, places);
    }

    #[test]
    fn a_module_rejected_for_a_missing_feature_and_its_users_depend_on_it() {
        let text = "(module (func (export \"f\") (param v128))) (invoke \"f\" (v128.const i32x4 0 0 0 0))
            (module (func (export \"g\"))) (invoke \"g\")";
        assert_eq!(groups(text, Features::V1), [("simd".to_owned(), 0, 2), (String::new(), 2, 2)]);
        // Here the missing feature is asserted.
        let text = "(assert_invalid (module (func (param v128))) \"\") (assert_malformed (module (func (param v128))) \"\")";
        let groups = groups(text, Features::V1);
        assert_eq!((groups.len(), groups[0].0.as_str(), groups[0].2), (1, "", 2), "{groups:?}");
    }

    #[test]
    fn an_invalid_module_depends_on_the_features_before_its_error() {
        let text = "(assert_invalid (module (func (param v128) (i32.const 1))) \"type mismatch\")
            (assert_invalid (module (func (i32.const 1))) \"type mismatch\")
            (assert_malformed (module binary \"\\00asm\") \"unexpected end\")";
        assert_eq!(groups(text, Features::DEFAULT), [("simd".to_owned(), 1, 1), (String::new(), 2, 2)]);
    }

    #[test]
    fn an_unparsable_form_makes_the_features_of_later_directives_unknown() {
        let text = "(module (func (export \"f\") (param v128))) (module (typo)) (invoke \"f\")";
        assert_eq!(groups(text, Features::DEFAULT), [("simd".to_owned(), 1, 1)]);
    }
}
