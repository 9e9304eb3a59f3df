//! A script as faults see it: its modules, and what is known of each.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use wasmparser::Validator;
use wassay_script::model::{Command, Definition, Directive, Instantiation, ModuleForm};
use wassay_script::{Features, Grammar, spectest, wanted};
use wassay_terms::{Classification, Rule};

use crate::construct::Construct;
use crate::fault::{Change, Fault};
use crate::link::{Fit, Linking, Match, Mismatch};
use crate::module::HEADER;
use crate::opcode::{Opcode, opcodes};

/// Says whether bytes are a valid module, and which rule they violate else.
pub type Classify = fn(&[u8], Features) -> Classification;

/// A module that every engine refuses: its version is unknown.
const REFUSED: &[u8] = b"\0asm\xff\0\0\0";

/// A valid module that no engine links: nothing is registered under this name.
const UNLINKABLE: &str = "(module (import \"\\00 refused by the audit\" \"\" (func)))";

/// What a script does with a module that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It is to be valid.
    Valid,
    /// It is to be valid and not to link.
    Unlinkable,
    /// It is to be refused.
    Refused,
    /// Its custom sections are to be refused, which no fault is about.
    Custom,
}

/// A module that a script writes, in the order in which it does.
pub(crate) struct Module {
    bytes: Vec<u8>,
    purpose: Purpose,
    is_valid: bool,
    /// The rule that it violates, and the offset where it does.
    violated: Option<(Rule, Option<Rule>, u64)>,
    opcodes: BTreeSet<Opcode>,
    constructs: OnceCell<BTreeSet<Construct>>,
    fits: Vec<Fit>,
}

/// What a fault makes of a module.
pub(crate) enum Played {
    /// The fault does not concern it.
    Same,
    /// The rewritten module is not valid, so that this is not a fault.
    Invalid,
    /// Another module.
    Other(Vec<u8>),
}

/// Calls a function with each module that directives write, in order, those of threads included.
pub(crate) fn each_module(directives: &mut [Directive], each: &mut dyn FnMut(&mut Definition)) {
    for directive in directives {
        if let Command::Thread { directives, .. } = &mut directive.command {
            // A thread that is still running would hold on to them; all have ended between runs.
            if let Some(directives) = std::sync::Arc::get_mut(directives) {
                each_module(directives, each);
            }
        } else if let Some(definition) = directive.command.definition_mut() {
            each(definition);
        }
    }
}

/// The modules of a script that is judged under these features.
pub(crate) fn modules(
    directives: &[Directive],
    features: Features,
    classify: Option<Classify>,
) -> Vec<Module> {
    let mut reading = Modules {
        features,
        classify,
        modules: Vec::new(),
        linking: Linking::default(),
        definitions: Named::default(),
        instances: Named::default(),
    };
    let host = spectest::module(features.contains("memory64"), features.contains("threads"));
    if let Some((_, exports)) = reading.linking.types.interface(&host) {
        reading.linking.extend(spectest::NAME, exports);
    }
    reading.directives(directives);
    reading.modules
}

/// What names stand for: modules by their number.
#[derive(Default)]
struct Named {
    last: Option<usize>,
    named: HashMap<String, usize>,
}

impl Named {
    fn bind(&mut self, name: Option<&str>, module: Option<usize>) {
        self.last = module;
        match (name, module) {
            (Some(name), Some(module)) => drop(self.named.insert(name.to_owned(), module)),
            (Some(name), None) => drop(self.named.remove(name)),
            (None, _) => {}
        }
    }

    fn get(&self, name: Option<&str>) -> Option<usize> {
        match name {
            Some(name) => self.named.get(name).copied(),
            None => self.last,
        }
    }
}

struct Modules {
    features: Features,
    classify: Option<Classify>,
    modules: Vec<Module>,
    linking: Linking,
    definitions: Named,
    instances: Named,
}

impl Modules {
    fn directives(&mut self, directives: &[Directive]) {
        for directive in directives {
            match &directive.command {
                Command::Module(definition) => {
                    let number = self.add(definition, Purpose::Valid);
                    self.definitions.bind(definition.name.as_deref(), Some(number));
                    self.instances.bind(definition.name.as_deref(), Some(number));
                }
                Command::ModuleDefinition(definition) => {
                    let number = self.add(definition, Purpose::Valid);
                    self.definitions.bind(definition.name.as_deref(), Some(number));
                }
                Command::ModuleInstance { instance, module } => {
                    let module = self.definitions.get(module.as_deref());
                    self.instances.bind(instance.as_deref(), module);
                }
                Command::Register { name, instance } => {
                    let module = self.instances.get(instance.as_deref());
                    let bytes =
                        module.and_then(|module| self.modules.get(module)).map(|module| &*module.bytes);
                    let interface = bytes.and_then(|bytes| self.linking.types.interface(bytes));
                    let exports = interface.map(|(_, exports)| exports).unwrap_or_default();
                    self.linking.register(name, exports);
                }
                Command::AssertUninstantiable { instance: Instantiation::Module(definition), .. } => {
                    self.add(definition, Purpose::Valid);
                }
                Command::AssertUnlinkable { instance: Instantiation::Module(definition), .. } => {
                    self.add(definition, Purpose::Unlinkable);
                }
                Command::AssertMalformed { module, .. } | Command::AssertInvalid { module, .. } => {
                    self.add(module, Purpose::Refused);
                }
                Command::AssertMalformedCustom { module, .. }
                | Command::AssertInvalidCustom { module, .. } => {
                    self.add(module, Purpose::Custom);
                }
                Command::Thread { directives, .. } => self.directives(directives),
                _ => {}
            }
        }
    }

    /// Adds a module, and gives its number.
    fn add(&mut self, definition: &Definition, purpose: Purpose) -> usize {
        let number = self.modules.len();
        let bytes = definition.form.bytes_as(Grammar::of(self.features));
        let bytes = bytes.map(std::borrow::Cow::into_owned).unwrap_or_default();
        let is_valid = is_valid(&bytes, self.features);
        let mut module = Module {
            purpose,
            is_valid,
            violated: None,
            opcodes: BTreeSet::new(),
            constructs: OnceCell::new(),
            fits: Vec::new(),
            bytes,
        };
        if is_valid {
            module.opcodes = opcodes(&module.bytes).unwrap_or_default();
            if let Some((imports, _)) = self.linking.types.interface(&module.bytes) {
                module.fits = self.linking.fits(&imports);
            }
        } else if let (false, Some(classify)) = (module.bytes.is_empty(), self.classify) {
            module.violated = match classify(&module.bytes, self.features) {
                Classification::Malformed { rule, also, offset } => Some((rule, also, offset)),
                Classification::Invalid { rule, offset } => Some((rule, None, offset)),
                _ => None,
            };
        }
        self.modules.push(module);
        number
    }
}

fn is_valid(bytes: &[u8], features: Features) -> bool {
    Validator::new_with_features(wanted::flags(features)).validate_all(bytes).is_ok()
}

impl Module {
    /// Whether a fault may concern the module, by what is known of it.
    fn may_change(&self, fault: &Fault) -> bool {
        match &fault.change {
            Change::Accept { rule, at } => self.violates(*rule, *at),
            Change::Refuse(construct) => {
                self.is_valid
                    && self.constructs.get_or_init(|| Construct::of(&self.bytes)).contains(construct)
            }
            Change::Link(mismatch) => {
                let not = |fit: &&Fit| matches!(fit, Fit::Not(_));
                let is = |fit: &Fit| *fit == Fit::Not(*mismatch);
                // Where several imports do not fit the module is refused for the others.
                self.purpose == Purpose::Unlinkable
                    && self.fits.iter().any(is)
                    && self.fits.iter().filter(not).all(is)
            }
            Change::Unlink(matched) => {
                let is = |fit: &Fit| match fit {
                    Fit::Is(fit) => fit == matched,
                    // In a module that links the other type is a subtype.
                    Fit::Not(Mismatch::ConstantType) => *matched == Match::ConstantSubtype,
                    Fit::Not(_) => false,
                };
                self.purpose == Purpose::Valid && self.fits.iter().any(is)
            }
            _ => {
                let has = |opcode: Opcode| self.opcodes.contains(&opcode);
                self.is_valid && fault.opcode().is_none_or(has)
            }
        }
    }

    fn violates(&self, rule: Rule, at: Option<Opcode>) -> bool {
        let Some((violated, also, offset)) = self.violated else { return false };
        if self.purpose != Purpose::Refused || (violated != rule && also != Some(rule)) {
            return false;
        }
        let Some(at) = at else { return true };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.bytes.get(start..).and_then(Opcode::read).is_some_and(|(opcode, _)| opcode == at)
    }

    /// What a fault makes of the module.
    pub(crate) fn play(&self, fault: &Fault, features: Features) -> Played {
        if self.purpose == Purpose::Custom || !self.may_change(fault) {
            return Played::Same;
        }
        match &fault.change {
            Change::Accept { .. } | Change::Link(_) => Played::Other(HEADER.to_vec()),
            Change::Refuse(_) => Played::Other(REFUSED.to_vec()),
            Change::Unlink(_) => match wassay_script::quoted(UNLINKABLE.as_bytes()) {
                Ok(bytes) => Played::Other(bytes),
                Err(_) => Played::Same,
            },
            _ => match fault.rewrite(&self.bytes) {
                None => Played::Same,
                Some(bytes) if is_valid(&bytes, features) => Played::Other(bytes),
                Some(_) => Played::Invalid,
            },
        }
    }
}

/// Another module in place of the one that is written, in the format in which it is.
pub(crate) fn form(bytes: Vec<u8>, of: &ModuleForm) -> ModuleForm {
    match of {
        ModuleForm::Text(_) | ModuleForm::Quote(_) => ModuleForm::Text(Ok(bytes)),
        ModuleForm::Binary(_) => ModuleForm::Binary(bytes),
    }
}
