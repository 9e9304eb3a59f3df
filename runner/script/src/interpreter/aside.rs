//! Parses quoted module texts under a deadline.

use std::borrow::Cow;

use wassay_terms::time::aside;

use super::run::Interpreter;
use super::threads::STACK;
use crate::embed::{EmbedError, Embedder};
use crate::failures::interrupt;
use crate::model::ModuleForm;
use crate::text::Grammar;

/// The minimum size in bytes of a text that is parsed on a separate thread if there is a deadline.
/// A shorter one takes about ten milliseconds.
const LARGE: usize = 256 << 10;

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// The bytes of a module, or an error of kind
    /// [`Timeout`](crate::embed::ErrorKind::Timeout) if the deadline passes first.
    pub(super) fn bytes_of<'a>(
        &self,
        form: &'a ModuleForm,
        grammar: Grammar,
    ) -> Result<Cow<'a, [u8]>, EmbedError> {
        let bytes = match (form, self.deadline) {
            (ModuleForm::Quote(text), Some(deadline)) if text.len() >= LARGE => {
                let quote = ModuleForm::Quote(text.clone());
                aside(deadline, ("reads-text", STACK), move || quote.bytes_as(grammar).map(Cow::into_owned))
                    .ok_or_else(interrupt)?
                    .map(Cow::Owned)
            }
            _ => form.bytes_as(grammar),
        };
        bytes.map_err(|error| self.malformed_text(form, error))
    }
}
