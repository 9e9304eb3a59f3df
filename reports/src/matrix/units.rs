//! What of a case is compared: scripts directive by directive, guests as a whole.

use std::slice;

use crate::key::Key;
use crate::model::Case;

/// The units of a case that are compared between engines: the directives of a script, or a whole
/// guest.
pub(super) fn units(case: &Case) -> &[Key] {
    case.guest.as_ref().map_or(&case.keys, slice::from_ref)
}

/// Whether a case ran at all: cases that an engine cannot run are skipped as a whole.
pub(super) fn is_run(case: &Case) -> bool {
    !units(case).is_empty() || case.directives.total() != case.directives.skipped
}
