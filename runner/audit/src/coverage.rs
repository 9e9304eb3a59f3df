//! What a suite covers: which instructions, constructs of modules and rules occur in it, and which
//! instructions are executed, trap, and matter to an assertion.
//!
//! An instruction is executed if the result of a directive changes when the instruction traps
//! instead. So the engine need not count anything, and coverage works like an audit, on whatever
//! judges scripts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use wasmparser::{Parser, Payload};
use wassay_script::model::{Command, Directive};
use wassay_script::reading::Reading;
use wassay_script::source::{Place, Source};
use wassay_script::verdict::{Outcome, ScriptResult};
use wassay_script::{Features, Grammar, Options, parse_as};

use crate::code;
use crate::fault::{Change, Fault};
use crate::inject::{SLOWDOWN, Script, Settings, replace, restore};
use crate::instruction::{INSTRUCTIONS, is_delimiter, may_trap, named, text};
use crate::opcode::Opcode;
use crate::subject::{Injected, Module, modules};

/// Something that a suite can cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// The kind.
    pub kind: ItemKind,
    /// For an instruction the proposal that added it, as the parser names it; else empty.
    pub group: &'static str,
    /// The name of the instruction, the construct or the rule.
    pub name: String,
}

/// The kind of an [`Item`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// An instruction.
    Instruction,
    /// A construct of valid modules: a type, a section, or a part of one.
    Construct,
    /// A rule of decoding or validation.
    Rule,
}

/// How an item is covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// The number of modules in which it occurs; for a rule, of modules that violate it.
    pub modules: u64,
    /// The number of scripts that execute it.
    pub executed: u64,
    /// The number of scripts that assert a trap of it.
    pub trapped: u64,
    /// The number of scripts with an assertion whose result depends on it.
    pub asserted: u64,
}

/// What scripts cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<Item, Use>);

impl Coverage {
    /// No script: all items of these faults' constructs and rules, and all instructions, unused.
    pub fn of_nothing(faults: &[Fault]) -> Coverage {
        let mut items = BTreeMap::new();
        for (group, visitor) in INSTRUCTIONS {
            if !is_delimiter(visitor) {
                items.insert(instruction(group, visitor), Use::default());
            }
        }
        for fault in faults {
            let kind = match &fault.change {
                Change::Refuse(_) => ItemKind::Construct,
                Change::Accept { at: None, .. } => ItemKind::Rule,
                _ => continue,
            };
            items.insert(Item { kind, group: "", name: fault.subject.clone() }, Use::default());
        }
        Coverage(items)
    }

    /// Adds what other scripts cover.
    pub fn add(&mut self, other: Coverage) {
        for (item, uses) in other.0 {
            let sum = self.0.entry(item).or_default();
            sum.modules += uses.modules;
            sum.executed += uses.executed;
            sum.trapped += uses.trapped;
            sum.asserted += uses.asserted;
        }
    }

    /// The items with their use, in order.
    pub fn items(&self) -> impl Iterator<Item = (&Item, &Use)> {
        self.0.iter()
    }
}

/// Determines what a script covers. Of the settings, the faults are those whose constructs and
/// rules are items. `judge` judges the script on a fresh engine or store; if `stop` returns true,
/// the remaining instructions are left out.
///
/// # Errors
///
/// A message if the script cannot be parsed.
pub fn coverage(
    script: &Script<'_>,
    settings: Settings<'_>,
    judge: &mut dyn FnMut(&Reading<'_, '_>, &Options) -> ScriptResult,
    stop: &dyn Fn() -> bool,
) -> Result<Coverage, String> {
    let Script { name, text, options } = script;
    let grammar = Grammar::of(options.features);
    let parsed = parse_as(Source::new(*name, text), grammar).map_err(|error| error.to_string())?;
    let source = Source::new(*name, text);
    let known = modules(&parsed.directives, options.features, settings.classify);
    let traps = traps(&source, &parsed.directives);
    let mut reading = Reading::of(&source, grammar, parsed.directives);
    let mut covered = occurrences(&known, settings.faults);
    let start = Instant::now();
    let clean = outcomes(&judge(&reading, options));
    let time = settings.minimum_timeout.max(start.elapsed() * SLOWDOWN);
    let options = Options { timeout: Some(time), ..options.clone() };
    let present: BTreeSet<(&'static str, &'static str, Opcode)> =
        known.iter().flat_map(|module| instructions(module.valid().unwrap_or_default())).collect();
    let mut by_name: BTreeMap<(&'static str, &'static str), BTreeSet<Opcode>> = BTreeMap::new();
    for (group, visitor, opcode) in present {
        by_name.entry((group, visitor)).or_default().insert(opcode);
    }
    for ((group, visitor), opcodes) in by_name {
        if stop() {
            break;
        }
        let injected = known.iter().map(|module| trapping(module, &opcodes, options.features)).collect();
        let kept = replace(&mut reading, injected);
        let result = outcomes(&judge(&reading, &options));
        restore(&mut reading, kept);
        let changed: Vec<Place> = clean
            .iter()
            .filter(|(place, (passed, _))| *passed && result.get(*place).is_none_or(|(passes, _)| !passes))
            .map(|(place, _)| *place)
            .collect();
        let asserts = |place: &Place| clean.get(place).is_some_and(|(_, asserts)| *asserts);
        let traps =
            |place: &Place| traps.get(place).is_some_and(|text| may_trap(visitor, &text.to_lowercase()));
        let uses = covered.0.entry(instruction(group, visitor)).or_default();
        uses.executed = u64::from(!changed.is_empty());
        uses.asserted = u64::from(changed.iter().any(asserts));
        uses.trapped = u64::from(changed.iter().any(traps));
    }
    Ok(covered)
}

/// In how many modules each item occurs.
fn occurrences(known: &[Module], faults: &[(usize, &Fault)]) -> Coverage {
    let mut items: BTreeMap<Item, Use> = BTreeMap::new();
    let mut count = |item: Item| items.entry(item).or_default().modules += 1;
    for module in known {
        let names: BTreeSet<(&str, &str)> = instructions(module.valid().unwrap_or_default())
            .into_iter()
            .map(|(group, visitor, _)| (group, visitor))
            .collect();
        names.into_iter().for_each(|(group, visitor)| count(instruction(group, visitor)));
        for (_, fault) in faults {
            let kind = match &fault.change {
                Change::Refuse(_) => ItemKind::Construct,
                Change::Accept { at: None, .. } => ItemKind::Rule,
                _ => continue,
            };
            if module.may_change(fault) {
                count(Item { kind, group: "", name: fault.subject.clone() });
            }
        }
    }
    Coverage(items)
}

/// Whether each directive passes, and whether it is an assertion.
fn outcomes(result: &ScriptResult) -> HashMap<Place, (bool, bool)> {
    let directives = result.directives.iter();
    let outcome = |passes: &Outcome| matches!(passes, Outcome::Passed);
    directives
        .map(|directive| {
            let asserts = directive.keyword.starts_with("assert_");
            (directive.place, (outcome(directive.outcome), asserts))
        })
        .collect()
}

/// The texts of the traps that a script asserts.
fn traps(source: &Source<'_>, directives: &[Directive]) -> HashMap<Place, String> {
    let texts = directives.iter().filter_map(|directive| match &directive.command {
        Command::AssertTrap { text, .. } | Command::AssertUninstantiable { text, .. } => {
            Some((source.place(directive.span.start), text.to_string()))
        }
        _ => None,
    });
    texts.collect()
}

/// A module in which instructions trap instead of being executed.
fn trapping(module: &Module, opcodes: &BTreeSet<Opcode>, features: Features) -> Injected {
    let Some(bytes) = module.valid() else { return Injected::Unaffected };
    // `unreachable`; in front of that itself `i32.const 0; i32.const 0; i32.div_u; drop`, whose
    // trap has another text.
    const UNREACHABLE: u8 = 0;
    const DIVISION: [u8; 6] = [0x41, 0, 0x41, 0, 0x6e, 0x1a];
    let rewritten = code::rewrite(bytes, &|site, _| {
        let trap: &[u8] = if site.opcode.first == UNREACHABLE { &DIVISION } else { &[UNREACHABLE] };
        opcodes.contains(&site.opcode).then(|| [trap, site.bytes].concat())
    });
    match rewritten {
        Some(bytes) if crate::subject::is_valid(&bytes, features) => Injected::Rewritten(bytes),
        Some(_) => Injected::Invalid,
        None => Injected::Unaffected,
    }
}

/// The instructions in the functions of a module: proposal, visitor and opcode.
fn instructions(module: &[u8]) -> Vec<(&'static str, &'static str, Opcode)> {
    let bodies = Parser::new(0).parse_all(module).map_while(Result::ok).filter_map(|payload| match payload {
        Payload::CodeSectionEntry(body) => body.get_operators_reader().ok(),
        _ => None,
    });
    let mut found = BTreeSet::new();
    for (operator, offset) in bodies.flat_map(|body| body.into_iter_with_offsets().map_while(Result::ok)) {
        let (group, visitor) = named(&operator);
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let opcode = module.get(at..).and_then(Opcode::read);
        if let Some((opcode, _)) = opcode.filter(|_| !is_delimiter(visitor)) {
            found.insert((group, visitor, opcode));
        }
    }
    found.into_iter().collect()
}

fn instruction(group: &'static str, visitor: &str) -> Item {
    Item { kind: ItemKind::Instruction, group, name: text(visitor) }
}
