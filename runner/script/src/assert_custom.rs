//! Assertions about custom sections and annotations (appendix "Custom Sections and Annotations").

use super::annotations::without_annotations;
use super::assert::{Judged, accepted};
use super::embed::{EmbedError, Embedder, ErrorKind};
use super::model::{Definition, ModuleForm};
use super::run::Interpreter;
use crate::verdict::Failure;

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// The module must be well-formed but for an annotation or a custom section: its text without its annotations, its bytes but
    /// for what those sections hold.
    pub(super) fn assert_malformed_custom(
        &mut self,
        module: &Definition,
        text: &str,
    ) -> Result<Judged, Failure> {
        let checked = match module.form.bytes() {
            Ok(bytes) => self.embedder.check_custom_sections(&bytes),
            Err(malformed) => {
                let bare = match &module.form {
                    ModuleForm::Quote(text) => ModuleForm::Quote(without_annotations(text)).bytes().is_ok(),
                    ModuleForm::Text(_) | ModuleForm::Binary(_) => false,
                };
                let kind = if bare { ErrorKind::MalformedCustom } else { ErrorKind::Malformed };
                Err(EmbedError { kind, ..self.malformed_text(&module.form, malformed) })
            }
        };
        self.assert_custom(checked, ErrorKind::MalformedCustom, text)
    }

    /// The module must be valid, and its annotations and custom sections well-formed; one of them is not valid.
    pub(super) fn assert_invalid_custom(
        &mut self,
        module: &Definition,
        text: &str,
    ) -> Result<Judged, Failure> {
        let checked = module
            .form
            .bytes()
            .map_err(|error| self.malformed_text(&module.form, error))
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
