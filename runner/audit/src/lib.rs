//! Mutation testing of test suites: which faults of an engine a suite would find.
//!
//! A [`Fault`] is one thing that an engine may do wrong, a line of a [`table`]. It is played
//! for any engine: a script is judged again on the same engine, with the modules in it
//! rewritten as an engine with the fault would understand them. The fault is *killed* by the first
//! directive that fails then, or it *survives*. So the engine need not know of it, and a fault
//! works in the same way on whatever [judges scripts](wassay_script::Judges): an
//! [`Embedder`](wassay_script::Embedder), or a process that is sent plans.
//!
//! - An instruction is replaced by another one, or by code that computes something else, with
//!   locals of its own (`code`, `template`, `tweak`).
//! - What happens at instantiation becomes code of a start function (`state`); what leaves a
//!   module passes through functions that alter it (`export`).
//! - A refused module that the faulty engine would accept becomes an empty one, and what it would
//!   refuse becomes a module that every engine refuses (`subject`).
//!
//! A rewritten module that is not valid is not a fault, and the module stays as it is. Nothing of a
//! fault outlives the run of a script: the directives have their own modules back after it.

mod code;
mod construct;
mod export;
mod fault;
mod link;
mod module;
mod opcode;
mod play;
mod state;
mod subject;
pub mod table;
mod template;
mod tweak;

pub use construct::Construct;
pub use fault::Fault;
pub use link::{Match, Mismatch};
pub use opcode::Opcode;
pub use play::{Audited, Effect, Script, Settings, audit};
pub use state::State;
pub use subject::Classify;
pub use table::{BadTable, families, faults};
pub use template::Template;
pub use tweak::Tweak;
