//! Directives that say nothing about the engine, or less than they could.

use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Why a directive is neither a pass nor a failure of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Apart {
    /// It depends on a directive that failed.
    Blocked,
    /// It cannot be tested in the way that the engine is driven.
    NotApplicable,
    /// A limit of the engine or the machine was reached.
    Limit,
    /// It needs what the engine validates, but does not run.
    Unsupported,
    /// It asserts behaviour that a later version of the specification changed, and the engine
    /// implements the later version.
    Superseded,
}

impl Apart {
    /// Its word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Apart::Blocked => "blocked",
            Apart::NotApplicable => "not applicable",
            Apart::Limit => "limit",
            Apart::Unsupported => "unsupported",
            Apart::Superseded => "superseded",
        }
    }
}

/// The number of directives of a case that were set aside, by reason. All but the last count as
/// skipped; they occur when another engine is driven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Aside {
    /// They depend on a directive that failed.
    pub blocked: u64,
    /// They cannot be tested in the way that the engine is driven.
    pub not_applicable: u64,
    /// A limit of the engine or the machine was reached.
    pub limit: u64,
    /// They need what the engine validates, but does not run.
    #[serde(skip_serializing_if = "is_zero")]
    pub unsupported: u64,
    /// They assert behaviour that a later version of the specification changed, and the engine
    /// implements the later version.
    pub superseded: u64,
    /// They passed with an error whose kind is not distinguished from the expected one, by the
    /// engine's adapter or in the dialect of the script. These count as passed.
    pub coarse: u64,
}

/// Describes directives that passed with an error whose kind is not distinguished.
pub const COARSELY: &str = "judged coarsely";

impl Aside {
    /// Counts one for this reason, saturating.
    pub fn record(&mut self, apart: Apart) {
        let count = match apart {
            Apart::Blocked => &mut self.blocked,
            Apart::NotApplicable => &mut self.not_applicable,
            Apart::Limit => &mut self.limit,
            Apart::Unsupported => &mut self.unsupported,
            Apart::Superseded => &mut self.superseded,
        };
        *count = count.saturating_add(1);
    }

    /// Whether nothing was set aside.
    pub fn is_empty(&self) -> bool {
        *self == Aside::default()
    }

    /// The nonzero counts, with descriptions.
    pub fn counts(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let counts = [
            (self.blocked, "blocked by an earlier failure"),
            (self.not_applicable, "not applicable"),
            (self.limit, "reached a limit of the engine"),
            (self.unsupported, "not supported by the engine"),
            (self.superseded, "superseded by later versions"),
            (self.coarse, COARSELY),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0)
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl AddAssign for Aside {
    fn add_assign(&mut self, other: Aside) {
        for (sum, more) in [
            (&mut self.blocked, other.blocked),
            (&mut self.not_applicable, other.not_applicable),
            (&mut self.limit, other.limit),
            (&mut self.unsupported, other.unsupported),
            (&mut self.superseded, other.superseded),
            (&mut self.coarse, other.coarse),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Sum for Aside {
    fn sum<I: Iterator<Item = Aside>>(all: I) -> Aside {
        all.fold(Aside::default(), |mut sum, aside| {
            sum += aside;
            sum
        })
    }
}
