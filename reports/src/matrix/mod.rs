//! A table of engines and proposals, computed from several reports.
//!
//! [`Matrix::of`] combines reports of different engines, and optionally older reports of the same
//! engines. The renderers are [`html`], a page with the evidence for every cell; [`markdown`], a
//! table for a README; [`json`], the complete data; and [`features_json`], the format of
//! webassembly.org's `features.json`. None of them accesses the file system or the clock.
//!
//! The rules for cells:
//!
//! 1. A feature is supported only if the modules that need it compile: an engine that rejects
//!    everything passes every assertion of an error ([`State`]).
//! 2. Directives whose module failed are blocked, not failed.
//! 3. Assertions that a later version of the specification changed are superseded, not failed.
//! 4. Limits of an implementation are counted separately.
//! 5. The flags of an engine are shown, and each configuration has its own column.
//! 6. Only complete runs count: if the newest one is incomplete, the last complete one is shown
//!    with its date ([`Column::notes`]).
//! 7. A repackaged engine is shown with its package.

mod assess;
mod column;
mod digest;
mod disagree;
mod evidence;
pub mod features_json;
mod guests;
mod history;
pub mod html;
pub mod json;
pub mod markdown;
mod proposals;
mod row;
mod units;
mod version;

pub use self::assess::{SetAside, State};
pub use self::column::{Column, LeftOut, Named, Ran, Run};
pub use self::disagree::{Disagreement, Disagreements, Kind, Uncompared, Verdict};
pub use self::evidence::Failing;
pub use self::history::Since;
pub use self::proposals::{PROPOSALS, Proposal, Standard, find as proposal};
pub use self::row::{Cell, Group, Row, Summary, Unit};

/// A table of engines and proposals.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The engines, each in one version and configuration, sorted by name and version.
    pub columns: Vec<Column>,
    /// The rows, by version of the specification and phase of the proposal.
    pub groups: Vec<Group>,
    /// The directives and guests on which engines differ.
    pub disagreements: Disagreements,
    /// Warnings about comparing the columns, one line each.
    pub warnings: Vec<String>,
    /// The reports that are in no column, with reasons.
    pub left_out: Vec<LeftOut>,
}

impl Matrix {
    /// Computes the table of these reports. Reports of `history` are not columns: they show since
    /// when an engine supports something, and replace a missing complete run of an engine.
    pub fn of(reports: &[Named], history: &[Named]) -> Matrix {
        let (picked, left_out) = column::pick(reports, history);
        let timelines = history::timelines(&picked, reports, history);
        Matrix {
            groups: row::groups(&picked, &timelines),
            disagreements: disagree::disagreements(&picked),
            warnings: column::warnings(&picked),
            columns: picked.iter().map(column::Picked::column).collect(),
            left_out,
        }
    }
}
