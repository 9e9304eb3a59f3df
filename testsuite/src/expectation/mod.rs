//! Expectations: directives and WASI cases that fail or are not run, each with the reason.
//!
//! A file of expectations is TOML:
//!
//! ```text
//! [[expected]]
//! suite = "proposals/mutable-global"  # the suite of the script; default: all suites of the run
//! script = "linking.wast"             # the script's name in the suite, or a glob: "simd/*.wast"
//! key = "b261bd087095"                # the key of the directive
//! line = 17                           # its line and text; only for readers if there is a key
//! text = '(assert_unlinkable (module …'
//! outcome = "xfail"                   # run and expected to fail; or "skip": not run
//! reason = "a later version of the specification says otherwise"
//! link = "https://..."                # optional: where to read more
//! ```
//!
//! The fields of an entry select the directives that it applies to:
//!
//! | fields | directives |
//! |---|---|
//! | `key` | the directive with this key, on any line |
//! | `line`, `text` or both, no `key` | those on this line and with this text; `…` at the end matches the rest |
//! | `script`, none of these | all directives of the script, or of all scripts that the glob matches |
//! | only `kind` | all directives of the suite |
//! | `kind` with any of these | those of the above that fail with this kind |
//!
//! A WASI case is selected by its name or a glob, in `case`, which is another name of `script`, and
//! by `kind`. It has no directives, so `key`, `line` and `text` cannot be used. It fails as
//! expected if entries cover each of its failures.
//!
//! A key is 12 hexadecimal digits, a hash of the tokens of the directive and of the number of equal
//! directives before it. It stays the same when lines shift. A `kind` is the name of a failure as
//! in reports, or its first words: `invalid-instead` matches `invalid-instead-of-malformed`.
//! Timeouts and crashes are only covered by entries with that `kind`, which then also cover the
//! directives that were not run because of it. In a glob, `*` does not match `/`, and `**` does.
//!
//! Expectations must be met. An entry for single directives fails the run if such a directive
//! passes or does not exist. Any other entry fails a complete run in which none of its directives
//! failed as expected. Entries for suites that are not part of the run are ignored.

mod document;
mod entry;
mod file;
mod model;
mod scope;

pub use self::document::{Added, AddedDirective, Document, DocumentError, HEAD};
pub use self::entry::Entry;
pub use self::file::{ExpectationError, Expectations};
pub(crate) use self::file::{RawEntries, line_of};
pub use self::model::{Expectation, Expected, Origin, Target, one_line};
pub use self::scope::Scope;
pub(crate) use self::scope::glob;
