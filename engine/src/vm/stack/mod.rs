//! The stacks of continuations (stack-switching proposal), and the switches between them.
//!
//! A continuation runs on a [stack](record::VmStack) of its own, which its first `resume` takes
//! from the [pool](pool) of its store. Compiled code switches stacks by the functions of
//! [`switch`], which it calls like functions of its own. Code of Rust never runs on these stacks,
//! except for a few frames that [go back](thread) to the thread's stack: so a stack can be as small
//! as wasm code permits, and what the host does with its stack remains right.
//!
//! The stacks whose code waits for the running code form a chain, by [`parent`]: from the one that
//! runs, or that called the host, to the one that was resumed on the thread's stack. A suspended
//! continuation is a chain as well, from the stack that suspended itself to the one whose `resume`
//! handled that.
//!
//! [`parent`]: record::VmStack::parent

pub(super) mod pool;
pub(crate) mod prepare;
pub(crate) mod record;
pub(super) mod switch;
pub(super) mod thread;
mod walk;

pub(crate) use walk::Continuations;
