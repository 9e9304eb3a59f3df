//! The trait for judging scripts.

use crate::embed::{Embedder, Identity};
use crate::interpreter::run_parts;
use crate::options::Options;
use crate::reading::Reading;
use crate::verdict::ScriptResult;

/// Judges scripts: with an [`Embedder`], directive by directive, or by driving an engine in another
/// way, such as by [plans](crate::plan).
pub trait Judges {
    /// Whether it drives wassay's own engine: see [`Embedder::DRIVES_WASSAY`].
    const DRIVES_WASSAY: bool;

    /// Whether it obeys [`Options::nan_canonicalization`].
    const CANONICALIZES_NANS: bool = false;

    /// Whether it obeys [`Options::dialect`].
    const KNOWS_DIALECTS: bool = false;

    /// The identity of the engine in reports.
    fn identity(&self) -> Identity;

    /// Judges a script, from a fresh start of the engine.
    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult;
}

impl<E: Embedder> Judges for E {
    const DRIVES_WASSAY: bool = E::DRIVES_WASSAY;
    const CANONICALIZES_NANS: bool = E::CANONICALIZES_NANS;
    const KNOWS_DIALECTS: bool = true;

    fn identity(&self) -> Identity {
        Embedder::identity(self)
    }

    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
        run_parts(script.source(), script.parts(), options, self)
    }
}
