//! WASI guests in a build without the feature `engine`: there is no engine to run them on.

use super::process::Host;
use crate::settings::Settings;

/// Returns `None`: this build has no engine for guests.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of the engine's")]
pub(super) fn host(_: &Settings) -> Result<Option<Box<dyn Host>>, String> {
    Ok(None)
}
