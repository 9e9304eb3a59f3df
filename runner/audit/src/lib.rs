//! Mutation testing of test suites: which faults of an engine a suite detects.
//!
//! A [`Fault`] is one thing that an engine may do wrong, defined by a line of a [`table`]. It is
//! injected by rewriting the modules of a script so that they behave as on an engine with the
//! fault, and running the script again. The fault is *killed* by the first directive that fails
//! then; otherwise it *survives*. The engine itself does not change, so faults work with everything
//! that [judges scripts](wassay_script::Judges): an [`Embedder`](wassay_script::Embedder), or a
//! process that executes plans.
//!
//! - Instructions are replaced by other instructions, or by code that computes something else using
//!   additional locals (`code`, `template`, `tweak`). - Steps of instantiation become code of a
//!   start function (`state`). Exported functions are   wrapped in functions that alter their
//!   results (`export`). - A module that the faulty engine would accept wrongly becomes an empty
//!   module; one that it would   reject wrongly becomes a module that every engine rejects
//!   (`subject`).
//!
//! If a rewritten module is invalid, the original is used. After each run of a script its original
//! modules are restored.

mod code;
mod construct;
pub mod coverage;
mod export;
mod fault;
mod inject;
mod instruction;
mod link;
mod module;
mod opcode;
mod state;
mod subject;
pub mod table;
mod template;
mod tweak;

pub use construct::Construct;
pub use fault::Fault;
pub use inject::{Audited, Effect, Script, Settings, audit};
pub use link::{Match, Mismatch};
pub use opcode::Opcode;
pub use state::State;
pub use subject::Classify;
pub use table::{BadTable, families, faults};
pub use template::Template;
pub use tweak::Tweak;
