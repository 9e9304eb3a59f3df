//! What judges scripts.

use crate::embed::{Embedder, Identity};
use crate::interpreter::run_parts;
use crate::options::Options;
use crate::reading::Reading;
use crate::verdict::ScriptResult;

/// Whatever judges scripts: an [`Embedder`], directive by directive, or what drives an engine in
/// another way, such as by [plans](crate::plan).
pub trait Judges {
    /// Whether wassay's own engine is what is driven: see [`Embedder::DRIVES_WASSAY`].
    const DRIVES_WASSAY: bool;

    /// What reports call the engine.
    fn identity(&self) -> Identity;

    /// Judges a script, from a fresh start of the engine.
    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult;
}

impl<E: Embedder> Judges for E {
    const DRIVES_WASSAY: bool = E::DRIVES_WASSAY;

    fn identity(&self) -> Identity {
        Embedder::identity(self)
    }

    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
        run_parts(script.source(), script.parts(), options, self)
    }
}
