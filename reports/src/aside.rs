//! What of a case says nothing about the engine, or less than it could.

use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Why the outcome of a directive is neither a pass nor a failure of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Apart {
    /// What it depends on did not come into being: another directive has failed.
    Blocked,
    /// It cannot be asked of the engine in the way that it is driven.
    NotApplicable,
    /// A limit of the engine or the machine was reached.
    Limit,
    /// It asserts what a later version of the specification revoked, and the engine implements the
    /// later one.
    Superseded,
}

impl Apart {
    /// The word that reports have for it.
    pub fn word(self) -> &'static str {
        match self {
            Apart::Blocked => "blocked",
            Apart::NotApplicable => "not applicable",
            Apart::Limit => "limit",
            Apart::Superseded => "superseded",
        }
    }
}

/// How many directives of a case were put aside, and why. All but the last count as skipped; they
/// occur where another engine is driven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Aside {
    /// What they depend on did not come into being: another directive has failed.
    pub blocked: u64,
    /// They cannot be asked of the engine in the way that it is driven.
    pub not_applicable: u64,
    /// A limit of the engine or the machine was reached.
    pub limit: u64,
    /// They assert what a later version of the specification revoked, and the engine implements the
    /// later one.
    pub superseded: u64,
    /// They passed, by an error that the engine's adapter does not tell apart from others. These
    /// count as passed.
    pub coarse: u64,
}

impl Aside {
    /// Counts one more for this reason; a count that would overflow stays at its maximum.
    pub fn record(&mut self, apart: Apart) {
        let count = match apart {
            Apart::Blocked => &mut self.blocked,
            Apart::NotApplicable => &mut self.not_applicable,
            Apart::Limit => &mut self.limit,
            Apart::Superseded => &mut self.superseded,
        };
        *count = count.saturating_add(1);
    }

    /// Whether nothing was put aside.
    pub fn is_empty(&self) -> bool {
        *self == Aside::default()
    }

    /// Each count that is not zero, with what it counts.
    pub fn counts(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let counts = [
            (self.blocked, "blocked by one that failed"),
            (self.not_applicable, "not applicable"),
            (self.limit, "met a limit of the engine"),
            (self.superseded, "superseded by later versions"),
            (self.coarse, "passed by errors that the adapter does not tell apart"),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0)
    }
}

impl AddAssign for Aside {
    fn add_assign(&mut self, other: Aside) {
        for (sum, more) in [
            (&mut self.blocked, other.blocked),
            (&mut self.not_applicable, other.not_applicable),
            (&mut self.limit, other.limit),
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
