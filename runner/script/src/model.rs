//! The model of a parsed script: its directives, without the parser's lifetimes.
//!
//! The grammar is that of the reference interpreter's scripts (`interpreter/README.md`, "Scripts").

use std::sync::Arc;

use super::messages::Written;
use super::source::{Source, Span};
use super::value::{Pattern, Value};

/// A parsed script: its source and its directives in order.
#[derive(Debug)]
pub struct Script<'a> {
    /// The text that was parsed.
    pub source: Source<'a>,
    /// The directives; a form that does not parse is [`Command::Malformed`].
    pub directives: Vec<Directive>,
}

/// One top-level form.
#[derive(Debug)]
pub struct Directive {
    /// Its span in the source, including parentheses.
    pub span: Span,
    /// Its command.
    pub command: Command,
}

/// A name without its `$`.
pub type Name = Box<str>;

/// The command of a directive.
#[derive(Debug)]
pub enum Command {
    /// `(module ..)`: defines a module and instantiates it under the same name.
    Module(Definition),
    /// `(module definition ..)`: defines a module only.
    ModuleDefinition(Definition),
    /// `(module instance $instance? $module?)`: instantiates a definition, by default the last one.
    ModuleInstance {
        /// The name of the new instance.
        instance: Option<Name>,
        /// The definition to instantiate.
        module: Option<Name>,
    },
    /// `(register "name" $instance?)`: makes an instance importable.
    Register {
        /// The module name that imports will use.
        name: Box<str>,
        /// The instance; by default the current one.
        instance: Option<Name>,
    },
    /// `(invoke ..)` or `(get ..)` for its effect.
    Action(Action),
    /// `(assert_return action pattern*)`.
    AssertReturn {
        /// The action.
        action: Action,
        /// One pattern per result.
        results: Vec<Pattern>,
    },
    /// `(assert_trap action "text")`.
    AssertTrap {
        /// The action.
        action: Action,
        /// The text of the trap.
        text: Box<str>,
    },
    /// `(assert_trap (module ..) "text")`: instantiation traps.
    AssertUninstantiable {
        /// The module to instantiate.
        instance: Instantiation,
        /// The text of the trap.
        text: Box<str>,
    },
    /// `(assert_exhaustion action "text")`.
    AssertExhaustion {
        /// The action.
        action: Action,
        /// The text of the exhaustion.
        text: Box<str>,
    },
    /// `(assert_suspension action "text")` (stack-switching proposal).
    AssertSuspension {
        /// The action.
        action: Action,
        /// The text of the unhandled suspension.
        text: Box<str>,
    },
    /// `(assert_exception action)`.
    AssertException(Action),
    /// `(assert_malformed (module ..) "text")`.
    AssertMalformed {
        /// The module, which must not decode or parse.
        module: Definition,
        /// The text of the error.
        text: Box<str>,
    },
    /// `(assert_invalid (module ..) "text")`.
    AssertInvalid {
        /// The module, which must not validate.
        module: Definition,
        /// The text of the error.
        text: Box<str>,
    },
    /// `(assert_malformed_custom (module ..) "text")`.
    AssertMalformedCustom {
        /// The module, one of whose custom sections or annotations must be malformed.
        module: Definition,
        /// The text of the error.
        text: Box<str>,
    },
    /// `(assert_invalid_custom (module ..) "text")`.
    AssertInvalidCustom {
        /// The module, one of whose custom sections or annotations must be invalid.
        module: Definition,
        /// The text of the error.
        text: Box<str>,
    },
    /// `(assert_unlinkable (module ..) "text")`.
    AssertUnlinkable {
        /// The module to instantiate.
        instance: Instantiation,
        /// The text of the error.
        text: Box<str>,
    },
    /// `(thread $name (shared (module $instance))* directive*)`: runs directives on a new thread,
    /// in a new store that has the shared memories of these instances.
    Thread {
        /// The name for `wait`.
        name: Name,
        /// The instances whose shared memories the thread gets, under their names.
        shared: Vec<Name>,
        /// Its directives.
        directives: Arc<[Directive]>,
    },
    /// `(wait $thread)`: waits for the end of a thread, all of whose directives must pass.
    Wait {
        /// The name of the thread.
        thread: Name,
    },
    /// A directive that this runner does not support.
    Unsupported {
        /// Its keyword.
        keyword: Name,
    },
    /// A form that is not a directive.
    Malformed {
        /// What the parser expected.
        message: String,
        /// The offset of the error in the source.
        offset: usize,
    },
}

/// What an assertion instantiates.
#[derive(Debug)]
pub enum Instantiation {
    /// A module written in place.
    Module(Definition),
    /// `(module instance $module?)`: an earlier definition, by default the last one.
    Defined(Option<Name>),
}

/// A module in a script.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: Option<Name>,
    /// Its form.
    pub form: ModuleForm,
}

/// The three forms of a module in a script.
#[derive(Debug)]
pub enum ModuleForm {
    /// In the text format, in place: its encoding, or why it has none although it parsed.
    Text(Result<Vec<u8>, TextError>),
    /// `binary`: the bytes.
    Binary(Vec<u8>),
    /// `quote`: text in the text format, which is parsed when the directive runs.
    Quote(Vec<u8>),
}

impl ModuleForm {
    /// The format that the module is written in.
    pub fn written(&self) -> Written {
        match self {
            ModuleForm::Text(_) | ModuleForm::Quote(_) => Written::Text,
            ModuleForm::Binary(_) => Written::Binary,
        }
    }
}

/// Why the text of a module is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The message.
    pub message: String,
    /// The offset: in the source for a module in place, in the quoted text for a quoted one.
    pub offset: usize,
}

/// An action on an instance.
#[derive(Debug)]
pub enum Action {
    /// `(invoke $instance? "export" const*)`.
    Invoke {
        /// The instance; by default the current one.
        instance: Option<Name>,
        /// The name of the exported function.
        export: Box<str>,
        /// The arguments.
        arguments: Vec<Value>,
    },
    /// `(get $instance? "export")`.
    Get {
        /// The instance; by default the current one.
        instance: Option<Name>,
        /// The name of the exported global.
        export: Box<str>,
    },
}

impl Action {
    /// The name of the instance, if the action gives one.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Action::Invoke { instance, .. } | Action::Get { instance, .. } => instance.as_deref(),
        }
    }
}

/// All results of [`Command::keyword`].
pub(crate) const KEYWORDS: [&str; 20] = [
    "module",
    "module definition",
    "module instance",
    "register",
    "invoke",
    "get",
    "assert_return",
    "assert_trap",
    "assert_exhaustion",
    "assert_suspension",
    "assert_exception",
    "assert_malformed",
    "assert_invalid",
    "assert_malformed_custom",
    "assert_invalid_custom",
    "assert_unlinkable",
    "thread",
    "wait",
    "unsupported directive",
    "malformed form",
];

impl Command {
    /// The keyword of the directive, as in reports.
    pub fn keyword(&self) -> &'static str {
        match self {
            Command::Module(_) => "module",
            Command::ModuleDefinition(_) => "module definition",
            Command::ModuleInstance { .. } => "module instance",
            Command::Register { .. } => "register",
            Command::Action(Action::Invoke { .. }) => "invoke",
            Command::Action(Action::Get { .. }) => "get",
            Command::AssertReturn { .. } => "assert_return",
            Command::AssertTrap { .. } | Command::AssertUninstantiable { .. } => "assert_trap",
            Command::AssertExhaustion { .. } => "assert_exhaustion",
            Command::AssertSuspension { .. } => "assert_suspension",
            Command::AssertException(_) => "assert_exception",
            Command::AssertMalformed { .. } => "assert_malformed",
            Command::AssertInvalid { .. } => "assert_invalid",
            Command::AssertMalformedCustom { .. } => "assert_malformed_custom",
            Command::AssertInvalidCustom { .. } => "assert_invalid_custom",
            Command::AssertUnlinkable { .. } => "assert_unlinkable",
            Command::Thread { .. } => "thread",
            Command::Wait { .. } => "wait",
            Command::Unsupported { .. } => "unsupported directive",
            Command::Malformed { .. } => "malformed form",
        }
    }

    /// The module that the directive contains, if any.
    pub fn definition_mut(&mut self) -> Option<&mut Definition> {
        match self {
            Command::Module(definition) | Command::ModuleDefinition(definition) => Some(definition),
            Command::AssertUninstantiable { instance, .. } | Command::AssertUnlinkable { instance, .. } => {
                match instance {
                    Instantiation::Module(definition) => Some(definition),
                    Instantiation::Defined(_) => None,
                }
            }
            Command::AssertMalformed { module, .. }
            | Command::AssertInvalid { module, .. }
            | Command::AssertMalformedCustom { module, .. }
            | Command::AssertInvalidCustom { module, .. } => Some(module),
            _ => None,
        }
    }

    /// Whether the directive defines or names a module or an instance.
    pub fn defines(&self) -> bool {
        matches!(
            self,
            Command::Module(_)
                | Command::ModuleDefinition(_)
                | Command::ModuleInstance { .. }
                | Command::Register { .. }
        )
    }

    /// Whether running the directive can affect later directives. An unparsable form can, because
    /// it unbinds names.
    pub fn has_effects(&self) -> bool {
        !matches!(
            self,
            Command::AssertMalformed { .. }
                | Command::AssertInvalid { .. }
                | Command::AssertMalformedCustom { .. }
                | Command::AssertInvalidCustom { .. }
        )
    }
}
