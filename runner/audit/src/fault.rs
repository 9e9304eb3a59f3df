//! Faults: a fault is exactly one thing that an engine does wrong.

use wasm_encoder::Encode;
use wasmparser::BinaryReader;
use wassay_terms::Rule;

use crate::code::{self, Locals, Site};
use crate::construct::Construct;
use crate::export;
use crate::link::{Match, Mismatch};
use crate::opcode::Opcode;
use crate::state::State;
use crate::template::Template;
use crate::tweak::Tweak;

/// A fault of an engine.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The family: the name of the table that defines the fault.
    pub family: String,
    /// The subject: an instruction, a rule, or another part of an engine.
    pub subject: String,
    /// What the faulty engine does instead.
    pub what: String,
    /// Why no test can detect the fault, if none can.
    pub equivalent: Option<String>,
    /// How the fault is injected.
    pub(crate) change: Change,
}

/// How a fault is injected: the change of the modules that the engine gets.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// An instruction is executed as another one.
    Becomes { of: Opcode, to: Opcode, width: Option<u32> },
    /// An instruction does something else.
    Does { of: Opcode, template: Template },
    /// An instruction uses wrong immediates.
    Tweak { of: Opcode, tweak: Tweak },
    /// Instantiation or sharing between instances goes wrong.
    State(State),
    /// Values that leave a module are altered.
    Value(Template),
    /// Modules that violate a rule are accepted; with an opcode, only if this instruction violates
    /// it.
    Accept { rule: Rule, at: Option<Opcode> },
    /// Modules with a construct are rejected.
    Refuse(Construct),
    /// An import of a type that does not match is accepted.
    Link(Mismatch),
    /// An import of a type that matches is rejected.
    Unlink(Match),
}

impl Fault {
    /// The name of the fault: family, subject and wrong behaviour.
    pub fn name(&self) -> String {
        format!("{}/{}: {}", self.family, self.subject, self.what)
    }

    /// Returns the instruction that a module must contain to be affected, if there is one.
    pub(crate) fn opcode(&self) -> Option<Opcode> {
        match &self.change {
            Change::Becomes { of, .. } | Change::Does { of, .. } | Change::Tweak { of, .. } => Some(*of),
            _ => None,
        }
    }

    /// Rewrites a valid module to behave as on an engine with the fault. Returns `None` if the
    /// module does not change.
    pub(crate) fn rewrite(&self, module: &[u8]) -> Option<Vec<u8>> {
        match &self.change {
            Change::Becomes { of, to, width } => {
                let becomes = |site: Site<'_>| (site.opcode == *of).then(|| sibling(site, *to, *width));
                let code = code::rewrite(module, &|site, _| becomes(site));
                let constants = code::rewrite_constants(code.as_deref().unwrap_or(module), &becomes);
                constants.or(code)
            }
            Change::Does { of, template } => {
                let edit = |site: Site<'_>, locals: &mut Locals| {
                    if site.opcode == *of { template.apply(site, locals) } else { None }
                };
                code::rewrite(module, &edit)
            }
            Change::Tweak { of, tweak } => {
                let altered = |site: Site<'_>| if site.opcode == *of { tweak.apply(site) } else { None };
                let code = code::rewrite(module, &|site, _| altered(site));
                let constants = code::rewrite_constants(code.as_deref().unwrap_or(module), &altered);
                constants.or(code)
            }
            Change::State(state) => state.apply(module),
            Change::Value(template) => export::altered(module, template),
            Change::Accept { .. } | Change::Refuse(_) | Change::Link(_) | Change::Unlink(_) => None,
        }
    }
}

/// Encodes another instruction with the same immediates. The alignment of a memory access is
/// limited to the width of the new instruction.
fn sibling(site: Site<'_>, to: Opcode, width: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    to.write(&mut out);
    let immediates = site.immediates();
    let mut reader = BinaryReader::new(immediates, 0);
    let aligned = width.and_then(|width| reader.read_var_u32().ok().map(|flags| (width, flags)));
    if let Some((width, flags)) = aligned {
        let alignment = (flags & 0x3f).min(width);
        // Atomic accesses must have the alignment of their width (threads proposal).
        let alignment = if to.first == 0xfe { width } else { alignment };
        ((flags & !0x3f) | alignment).encode(&mut out);
        out.extend_from_slice(immediates.get(reader.current_position()..).unwrap_or_default());
    } else {
        out.extend_from_slice(immediates);
    }
    out
}
