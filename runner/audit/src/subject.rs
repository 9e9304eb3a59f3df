//! The modules of a script, with the properties that decide which faults affect them.

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

/// Decides whether bytes are a valid module, and which rule they violate if not.
pub type Classify = fn(&[u8], Features) -> Classification;

/// A module that every engine rejects: its version is unknown.
const REFUSED: &[u8] = b"\0asm\xff\0\0\0";

/// A valid module that no engine links: the module that it imports from is not registered.
const UNLINKABLE: &str = "(module (import \"\\00 refused by the audit\" \"\" (func)))";

/// What a script expects of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The module is valid.
    Valid,
    /// The module is valid and does not link.
    Unlinkable,
    /// The module is malformed or invalid.
    Refused,
    /// A custom section of the module is malformed or invalid; there are no faults of this kind.
    Custom,
}

/// A module in a script.
pub(crate) struct Module {
    bytes: Vec<u8>,
    purpose: Purpose,
    is_valid: bool,
    /// The rule that the module violates, a more specific one if known, and the offset.
    violated: Option<(Rule, Option<Rule>, u64)>,
    opcodes: BTreeSet<Opcode>,
    constructs: OnceCell<BTreeSet<Construct>>,
    fits: Vec<Fit>,
}

/// The result of injecting a fault into a module.
pub(crate) enum Injected {
    /// The fault does not affect the module.
    Unaffected,
    /// The rewritten module is invalid and cannot be used.
    Invalid,
    /// The rewritten module.
    Rewritten(Vec<u8>),
}

/// Calls a function with each module in the directives, in order, including those of threads.
pub(crate) fn each_module(directives: &mut [Directive], each: &mut dyn FnMut(&mut Definition)) {
    for directive in directives {
        if let Command::Thread { directives, .. } = &mut directive.command {
            // Only a running thread shares them, and between runs all threads have ended.
            if let Some(directives) = std::sync::Arc::get_mut(directives) {
                each_module(directives, each);
            }
        } else if let Some(definition) = directive.command.definition_mut() {
            each(definition);
        }
    }
}

/// Returns the modules of a script, which is judged with these features.
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

/// The meaning of names in a script: numbers of modules.
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

    /// Adds a module and returns its number.
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

/// Whether a module is valid under these features.
pub(crate) fn is_valid(bytes: &[u8], features: Features) -> bool {
    Validator::new_with_features(wanted::flags(features)).validate_all(bytes).is_ok()
}

impl Module {
    /// The bytes of the module, if it is valid.
    pub(crate) fn valid(&self) -> Option<&[u8]> {
        (self.is_valid && self.purpose != Purpose::Custom).then_some(&*self.bytes)
    }

    /// Whether a fault may affect the module.
    pub(crate) fn may_change(&self, fault: &Fault) -> bool {
        match &fault.change {
            Change::Accept { rule, at } => self.violates(*rule, *at),
            Change::Refuse(construct) => {
                self.is_valid
                    && self.constructs.get_or_init(|| Construct::of(&self.bytes)).contains(construct)
            }
            Change::Link(mismatch) => {
                let not = |fit: &&Fit| matches!(fit, Fit::Not(_));
                let is = |fit: &Fit| *fit == Fit::Not(*mismatch);
                // If several imports do not match, the module is rejected for the others.
                self.purpose == Purpose::Unlinkable
                    && self.fits.iter().any(is)
                    && self.fits.iter().filter(not).all(is)
            }
            Change::Unlink(matched) => {
                let is = |fit: &Fit| match fit {
                    Fit::Is(fit) => fit == matched,
                    // In a module that links, the other type is a subtype.
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

    /// Injects a fault into the module.
    pub(crate) fn inject(&self, fault: &Fault, features: Features) -> Injected {
        if self.purpose == Purpose::Custom || !self.may_change(fault) {
            return Injected::Unaffected;
        }
        match &fault.change {
            Change::Accept { .. } | Change::Link(_) => Injected::Rewritten(HEADER.to_vec()),
            Change::Refuse(_) => Injected::Rewritten(REFUSED.to_vec()),
            Change::Unlink(_) => match wassay_script::quoted(UNLINKABLE.as_bytes()) {
                Ok(bytes) => Injected::Rewritten(bytes),
                Err(_) => Injected::Unaffected,
            },
            _ => match fault.rewrite(&self.bytes) {
                None => Injected::Unaffected,
                Some(bytes) if is_valid(&bytes, features) => Injected::Rewritten(bytes),
                Some(_) => Injected::Invalid,
            },
        }
    }
}

/// Encodes a rewritten module in the form (text or binary) of the original.
pub(crate) fn form(bytes: Vec<u8>, of: &ModuleForm) -> ModuleForm {
    match of {
        ModuleForm::Text(_) | ModuleForm::Quote(_) => ModuleForm::Text(Ok(bytes)),
        ModuleForm::Binary(_) => ModuleForm::Binary(bytes),
    }
}
