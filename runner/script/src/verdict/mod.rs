//! Results of directives and scripts.

mod directive;
mod directives;
mod script;

pub use wassay_reports::Apart;

pub use self::directive::{DirectiveResult, Failure, FailureKind, Outcome, panic_message};
pub use self::directives::{Directives, LISTED, Verdict};
pub use self::script::ScriptResult;
