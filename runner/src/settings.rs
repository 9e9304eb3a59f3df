//! How cases are run.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wassay_drive::wasi::Runtime;
use wassay_script::messages::MatchKind;
use wassay_script::{LineRange, Observer};
use wassay_terms::Features;
use wassay_testsuite::Case;

use crate::interrupt::Interrupt;

/// How to run scripts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Features that override a script's header and suite.
    #[serde(with = "written")]
    pub features: Option<Features>,
    /// How to compare error texts.
    pub match_kind: MatchKind,
    /// The lines to check; earlier directives run unchecked.
    pub lines: Option<LineRange>,
    /// The directives of each script to skip, by their number, as if the script did not have them.
    pub left_out: Vec<usize>,
    /// Whether to stop at the first failure. Scripts then run in the given order.
    pub fail_fast: bool,
    /// The time limit for each script; directives not reached by then fail as not run.
    pub timeout: Option<Duration>,
    /// The time limit for each script if there is no other one, neither in `timeout` nor in a
    /// `wassay.toml`.
    pub default_timeout: Option<Duration>,
    /// Whether to compute which features the directives of a script depend on, which takes about as
    /// long as running it.
    pub uses: bool,
    /// Whether to compute the keys of directives, which reports are compared by.
    pub keys: bool,
    /// Whether to run each script in its own process, so that a crash affects that script only. The
    /// executable must call [`child`](crate::batch::child) first.
    pub isolate: bool,
    /// The limit in bytes for the memories, tables and objects of a store. If cases are isolated,
    /// it is also the limit for the growth of the process of each, including the compiler; the
    /// process is killed if it exceeds it.
    pub max_memory: Option<u64>,
    /// How many cases run at the same time; `None` is one per processor. Guests share what the
    /// process has, such as descriptors, by this number.
    pub jobs: Option<NonZeroUsize>,
    /// How often to retry a script that fails.
    pub retries: u32,
    /// Runs WASI guests on another engine than wassay's own.
    #[serde(skip)]
    pub guests: Option<Arc<Runtime>>,
    /// Interrupts the run.
    #[serde(skip)]
    pub interrupt: Interrupt,
    /// Observes each directive of each script that runs in this process.
    #[serde(skip)]
    pub observer: Option<Arc<dyn Observer>>,
}

impl Settings {
    /// The settings with the time limit of a case as `timeout`.
    pub(crate) fn of_case(&self, case: &Case) -> Settings {
        let of_suite = case.conditions().and_then(|conditions| conditions.timeout);
        Settings { timeout: self.timeout.or(of_suite).or(self.default_timeout), ..self.clone() }
    }
}

/// Serialises features as their expression.
mod written {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use wassay_terms::Features;

    pub(super) fn serialize<S: Serializer>(
        features: &Option<Features>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        features.map(|features| features.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Features>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// The default time limit for a script. The slowest official scripts take less than a second in a
/// debug build.
pub const TIMEOUT: Duration = Duration::from_secs(30);
