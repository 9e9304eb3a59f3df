//! How cases are run.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wassay_drive::wasi::Runtime;
use wassay_script::messages::MatchKind;
use wassay_script::{LineRange, Observer};
use wassay_terms::Features;

use crate::interrupt::Interrupt;

/// How scripts are run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Features that go before what a script's header and place say.
    #[serde(with = "written")]
    pub features: Option<Features>,
    /// How the texts of errors are compared.
    pub match_kind: MatchKind,
    /// The lines to judge; what stands before them is run for its effects.
    pub lines: Option<LineRange>,
    /// The directives of each script, by their number, that are passed over as if they did not
    /// stand in it.
    pub left_out: Vec<usize>,
    /// Whether nothing more is begun after the first failure. Scripts are then taken in the order
    /// given.
    pub fail_fast: bool,
    /// How long each script may run; what it has not reached by then fails as not run.
    pub timeout: Option<Duration>,
    /// Whether to find out which features the directives of a script depend on, which takes about
    /// as long as running it.
    pub uses: bool,
    /// Whether to find out the keys of directives, by which reports are compared.
    pub keys: bool,
    /// Whether each script has a process of its own, so that one that crashes takes nothing with
    /// it. The executable of this process has to call [`child`](crate::batch::child) first.
    pub isolate: bool,
    /// How many bytes the memories and the objects of a store may have; where cases are isolated
    /// also how much more memory the process of one may have than it begins with, compiler and all;
    /// it is ended where it has more.
    pub max_memory: Option<u64>,
    /// How many times more a script that fails is run, until it does not.
    pub retries: u32,
    /// What runs guests of WASI where that is not wassay's own engine.
    #[serde(skip)]
    pub guests: Option<Arc<Runtime>>,
    /// By what the run can be ended.
    #[serde(skip)]
    pub interrupt: Interrupt,
    /// Who is told of each directive of each script while it runs in this process.
    #[serde(skip)]
    pub observer: Option<Arc<dyn Observer>>,
}

/// Features as the expression that stands for them.
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

/// How long a script may run where nobody watches. The slowest of the official ones take less than
/// a second in a debug build.
pub const TIMEOUT: Duration = Duration::from_secs(30);
