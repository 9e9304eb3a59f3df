//! The interpreter: it carries out the directives of a script one by one, on an engine behind the
//! [`Embedder`](crate::Embedder) trait.
//!
//! | file | is |
//! |---|---|
//! | `run` | what each directive does |
//! | `assert`, `assert_custom` | what each assertion asks |
//! | `thread`, `threads` | the threads of a script |
//! | `aside` | the text of a quoted module, read as long as there is time |
//! | `apart` | what says nothing about the engine |
//! | `asked`, `judged` | whether the engine was asked, and how far a directive was judged |

mod apart;
mod aside;
mod asked;
mod assert;
mod assert_custom;
mod dialect;
mod judged;
mod run;
mod thread;
mod threads;

pub(crate) use run::run_parts;
pub use run::{run, run_script};
pub use threads::STACK;
