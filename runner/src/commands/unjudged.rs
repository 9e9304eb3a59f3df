//! Runs in which nothing was judged.

use wassay_reports::Report;

use crate::printer;

/// Whether a run fails because nothing was judged, which is printed as an error. `is_allowed` says
/// that the selection of the run may be empty.
pub(super) fn is_unjudged(report: &Report, is_allowed: bool) -> bool {
    let is_unjudged = report.is_unjudged() && !is_allowed;
    if is_unjudged {
        printer::error("nothing was judged: no directive ran");
    }
    is_unjudged
}
