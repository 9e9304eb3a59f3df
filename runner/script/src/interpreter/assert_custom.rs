//! Judges assertions about custom sections and annotations (appendix "Custom Sections and
//! Annotations").

use super::judged::Judged;
use super::run::Interpreter;
use crate::annotations::without_annotations;
use crate::embed::{EmbedError, Embedder, ErrorKind};
use crate::failures::accepted;
use crate::model::{Definition, ModuleForm};
use crate::text::Grammar;
use crate::verdict::Failure;

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// The module must be well-formed except for an annotation or a custom section: its text
    /// without annotations, its bytes without the contents of those sections.
    pub(super) fn assert_malformed_custom(
        &mut self,
        module: &Definition,
        text: &str,
    ) -> Result<Judged, Failure> {
        let checked = match self.bytes_of(&module.form, Grammar::default()) {
            Ok(bytes) => self.embedder.check_custom_sections(&bytes),
            Err(malformed) if malformed.kind == ErrorKind::Malformed => {
                let bare = match &module.form {
                    ModuleForm::Quote(text) => {
                        let bare = ModuleForm::Quote(without_annotations(text));
                        self.bytes_of(&bare, Grammar::default()).map(drop)
                    }
                    ModuleForm::Text(_) | ModuleForm::Binary(_) => Err(malformed.clone()),
                };
                Err(match bare {
                    Ok(()) => EmbedError { kind: ErrorKind::MalformedCustom, ..malformed },
                    Err(error) if error.kind == ErrorKind::Timeout => error,
                    Err(_) => malformed,
                })
            }
            Err(other) => Err(other),
        };
        self.assert_custom(checked, ErrorKind::MalformedCustom, text)
    }

    /// The module must be valid, and its annotations and custom sections well-formed but one of
    /// them invalid.
    pub(super) fn assert_invalid_custom(
        &mut self,
        module: &Definition,
        text: &str,
    ) -> Result<Judged, Failure> {
        let checked = self
            .bytes_of(&module.form, Grammar::default())
            .and_then(|bytes| self.embedder.compile(&bytes).map(|_| bytes))
            .and_then(|bytes| self.embedder.check_custom_sections(&bytes));
        self.assert_custom(checked, ErrorKind::InvalidCustom, text)
    }

    fn assert_custom(
        &self,
        checked: Result<(), EmbedError>,
        kind: ErrorKind,
        text: &str,
    ) -> Result<Judged, Failure> {
        match checked {
            Ok(()) => Err(accepted(kind, text, "the annotations and custom sections were accepted")),
            Err(error) => self.assert_error(&error, kind, Some(text)),
        }
    }
}
