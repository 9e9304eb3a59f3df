//! A temporary folder for the modules that engines run.

use std::path::Path;

use wassay_drive::modules::Folder;

use super::error::EngineError;
use crate::scratch;

/// A temporary folder that is removed when the process ends.
#[derive(Debug)]
pub(super) struct Scratch(scratch::Folder);

impl Scratch {
    pub(super) fn new() -> Result<Scratch, EngineError> {
        let what = "cannot create a temporary folder for modules";
        scratch::folder().map(Scratch).map_err(|error| EngineError::System { what: what.to_owned(), error })
    }
}

impl Folder for Scratch {
    fn path(&self) -> &Path {
        self.0.path()
    }
}
