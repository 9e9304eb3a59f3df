//! The conditions that a script is judged under, unless its header or the command line says
//! otherwise.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The conditions that a script is judged under, from its folder or its suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The feature expression.
    pub features: Cow<'static, str>,
    /// The file and line that set the features, if a `wassay.toml` did.
    pub origin: Option<String>,
    /// Whether every NaN that an instruction computes is canonical.
    pub nan_canonicalization: bool,
    /// The dialect of the script.
    pub dialect: Dialect,
    /// The time limit.
    pub timeout: Option<Duration>,
}

/// What scripts may rely on beyond the specification's interpreter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Nothing.
    #[default]
    Specification,
    /// What the runner of wasmtime does: a module with an identifier is registered under that name,
    /// and a host module `wasmtime` has a function `gc`.
    Wasmtime,
}

impl From<&'static str> for Conditions {
    /// Only a feature expression.
    fn from(features: &'static str) -> Conditions {
        Conditions {
            features: Cow::Borrowed(features),
            origin: None,
            nan_canonicalization: false,
            dialect: Dialect::default(),
            timeout: None,
        }
    }
}

/// The maximum time limit that a suite can set for its own scripts.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// Parses a duration above zero, such as `10s`, `1m 30s` or `500ms`.
///
/// # Errors
///
/// The text is not a valid duration; the message says what is expected.
///
/// ```
/// use std::time::Duration;
/// use wassay_testsuite::conditions::duration;
///
/// assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
/// assert!(duration("10").is_err() && duration("0s").is_err());
/// ```
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || {
        format!(
            "invalid duration `{text}`: expected a duration above zero, such as `10s`, `500ms` or `1m 30s`"
        )
    };
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
    Duration::try_from(parsed).ok().filter(|duration| !duration.is_zero()).ok_or_else(bad)
}
