//! A case: what is done with an engine, before anything is known of what comes of it.

use std::fmt::Write as _;

use wassay_script::model::{Action, Command, Definition, Directive, ModuleForm};
use wassay_script::value::Value;
use wassay_terms::Features;

use crate::literal::{constant, string};

/// Modules, and calls of what they export.
#[derive(Clone, Debug)]
pub struct Case {
    /// The features that the modules are judged under.
    pub features: Features,
    /// What the case is about.
    pub kind: Kind,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The indices of the globals that limit how long functions run, of each module.
    pub fuel: Vec<u32>,
    /// A random number that selects an engine, where these take turns.
    pub choice: u32,
}

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Valid modules are run.
    Run,
    /// Whether bytes are a valid module.
    Verdict,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Compiles a module, and instantiates it if that is wanted.
    Module {
        /// The name of the definition and the instance.
        name: String,
        /// The module.
        bytes: Vec<u8>,
        /// Whether it is instantiated.
        instantiated: bool,
    },
    /// Registers an instance under its own name.
    Register {
        /// The instance.
        instance: String,
    },
    /// Calls a function.
    Invoke {
        /// The instance.
        instance: String,
        /// The name of the function.
        export: String,
        /// The arguments.
        arguments: Vec<Value>,
    },
    /// Reads a global.
    Get {
        /// The instance.
        instance: String,
        /// The name of the global.
        export: String,
    },
    /// Reads a range of a memory or a table: calls a function of type `[i64 i64] -> [i64]`.
    Observe {
        /// The instance of the observer.
        instance: String,
        /// The name of the function.
        export: String,
        /// From where to where it reads.
        range: (u64, u64),
    },
}

impl Case {
    /// The directives, each on a line of its own; the text that belongs to them is
    /// [`lines`](Case::lines).
    pub(crate) fn directives(&self) -> Vec<Directive> {
        let steps = self.steps.iter().enumerate();
        steps.map(|(line, step)| Directive { span: line..line + 1, command: step.command() }).collect()
    }

    /// As many lines as there are steps. To print modules as text takes longer than to run them.
    pub(crate) fn lines(&self) -> String {
        "\n".repeat(self.steps.len())
    }

    /// The case as a script in which nothing is asserted. If `as_text`, modules that are
    /// instantiated are text if they can be printed, otherwise all are binary.
    pub(crate) fn text(&self, as_text: bool) -> String {
        let mut text = String::new();
        for step in &self.steps {
            step.write(&mut text, as_text);
        }
        text
    }
}

impl Step {
    fn command(&self) -> Command {
        let invoke = |instance: &str, export: &str, arguments| Action::Invoke {
            instance: Some(instance.into()),
            export: export.into(),
            arguments,
        };
        match self {
            Step::Module { name, bytes, instantiated } => {
                let form = ModuleForm::Binary(bytes.clone());
                let definition = Definition { name: Some(name.as_str().into()), form };
                match instantiated {
                    true => Command::Module(definition),
                    false => Command::ModuleDefinition(definition),
                }
            }
            Step::Register { instance } => {
                Command::Register { name: instance.as_str().into(), instance: Some(instance.as_str().into()) }
            }
            Step::Invoke { instance, export, arguments } => {
                Command::Action(invoke(instance, export, arguments.clone()))
            }
            Step::Get { instance, export } => Command::Action(Action::Get {
                instance: Some(instance.as_str().into()),
                export: export.as_str().into(),
            }),
            Step::Observe { instance, export, range } => Command::Action(invoke(
                instance,
                export,
                [range.0, range.1].map(|end| Value::I64(end.cast_signed())).to_vec(),
            )),
        }
    }

    fn write(&self, text: &mut String, as_text: bool) {
        // Writing to a string does not fail.
        let _ = match self {
            Step::Module { name, bytes, instantiated } => {
                let definition = if *instantiated { "" } else { "definition " };
                match fields(bytes).filter(|_| as_text && *instantiated) {
                    Some(fields) => writeln!(text, "(module ${name}{fields})"),
                    None => writeln!(text, "(module {definition}${name} binary {})", string(bytes)),
                }
            }
            Step::Register { instance } => writeln!(text, "(register \"{instance}\" ${instance})"),
            Step::Invoke { instance, export, arguments } => {
                let arguments: String =
                    arguments.iter().map(|value| format!(" {}", constant(value))).collect();
                writeln!(text, "(invoke ${instance} \"{export}\"{arguments})")
            }
            Step::Get { instance, export } => writeln!(text, "(get ${instance} \"{export}\")"),
            Step::Observe { instance, export, range } => writeln!(
                text,
                "(invoke ${instance} \"{export}\" (i64.const {}) (i64.const {}))",
                range.0, range.1
            ),
        };
    }
}

/// The fields of a module in the text format, folded and with a name for everything.
fn fields(bytes: &[u8]) -> Option<String> {
    let mut config = wasmprinter::Config::new();
    config.name_unnamed(true).fold_instructions(true);
    let mut text = String::new();
    config.print(bytes, &mut wasmprinter::PrintFmtWrite(&mut text)).ok()?;
    let text = text.trim_end().strip_prefix("(module")?.strip_suffix(')')?.to_owned();
    Some(text)
}
