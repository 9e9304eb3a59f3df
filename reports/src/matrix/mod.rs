//! Engines by proposals: one table of several reports, computed and never curated.
//!
//! [`Matrix::of`] takes reports of different engines, and perhaps older ones of the same engines; a
//! renderer shows what came of it: [`html`] a page with the evidence for every cell, [`markdown`] a
//! table for a readme, [`json`] everything for other programs, and [`features_json`] the shape of
//! webassembly.org's `features.json`. As the other renderers do, none of them touches the file
//! system or the clock.
//!
//! A cell is honest by these rules:
//!
//! 1. A feature is supported only where the modules that need it compile: an engine that refuses
//!    everything passes every assertion that something is refused ([`State`]).
//! 2. Directives whose module did not come into being are blocked, and not failed.
//! 3. Assertions that a later version of the specification revoked are superseded, and not failed.
//! 4. Limits of an implementation are counted apart.
//! 5. The flags of an engine are published, and each configuration has a column of its own.
//! 6. Only complete runs count: where the newest one is not, the last complete one stays, with its
//!    date ([`Column::notes`]).
//! 7. An engine that others packaged is named with its package.

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

/// Engines by proposals.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The engines, each in one version and configuration, in the order of their names and
    /// versions.
    pub columns: Vec<Column>,
    /// The rows, by version of the specification and phase of the proposal.
    pub groups: Vec<Group>,
    /// The directives and guests on which engines differ.
    pub disagreements: Disagreements,
    /// What has to be known before columns are compared, a line each.
    pub warnings: Vec<String>,
    /// The reports that are in no column, and why.
    pub left_out: Vec<LeftOut>,
}

impl Matrix {
    /// The table of these reports. Those of `history` are no columns: they say since when an engine
    /// supports something, and stand in where an engine has no other complete run.
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
