//! Faults: what exactly one thing an engine does wrong.

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

/// One fault of an engine.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The table that it is in.
    pub family: String,
    /// What it is about: an instruction, a rule, or another subject.
    pub subject: String,
    /// What the engine does instead.
    pub what: String,
    /// Why no test can see it, where that is so.
    pub equivalent: Option<String>,
    /// How it is played.
    pub(crate) change: Change,
}

/// How a fault is played: what the engine is given in place of a module.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// An instruction is executed as another one.
    Becomes { of: Opcode, to: Opcode, width: Option<u32> },
    /// An instruction does something else.
    Does { of: Opcode, template: Template },
    /// The immediates of an instruction are others.
    Tweak { of: Opcode, tweak: Tweak },
    /// Something is wrong with instances.
    State(State),
    /// Values that leave a module are altered.
    Value(Template),
    /// What violates a rule is accepted; of instructions only this one's.
    Accept { rule: Rule, at: Option<Opcode> },
    /// Modules with a construct are refused.
    Refuse(Construct),
    /// What does not match an import is accepted.
    Link(Mismatch),
    /// What matches an import is refused.
    Unlink(Match),
}

impl Fault {
    /// The name of the fault: family, subject and what is done.
    pub fn name(&self) -> String {
        format!("{}/{}: {}", self.family, self.subject, self.what)
    }

    /// The instruction without which a module does not change, if there is one.
    pub(crate) fn opcode(&self) -> Option<Opcode> {
        match &self.change {
            Change::Becomes { of, .. } | Change::Does { of, .. } | Change::Tweak { of, .. } => Some(*of),
            _ => None,
        }
    }

    /// The valid module that an engine with the fault would run; `None` where it runs the one that
    /// there is.
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

/// Another instruction with the same immediates; of a memory access with an alignment that its
/// width allows.
fn sibling(site: Site<'_>, to: Opcode, width: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    to.write(&mut out);
    let immediates = site.immediates();
    let mut reader = BinaryReader::new(immediates, 0);
    let aligned = width.and_then(|width| reader.read_var_u32().ok().map(|flags| (width, flags)));
    if let Some((width, flags)) = aligned {
        let alignment = (flags & 0x3f).min(width);
        // Atomic accesses have the alignment of their width (proposal threads).
        let alignment = if to.first == 0xfe { width } else { alignment };
        ((flags & !0x3f) | alignment).encode(&mut out);
        out.extend_from_slice(immediates.get(reader.current_position()..).unwrap_or_default());
    } else {
        out.extend_from_slice(immediates);
    }
    out
}
