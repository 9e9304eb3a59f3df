//! A build without the feature `engine` has no engine of its own to run guests of WASI on.

use super::process::Host;
use crate::settings::Settings;

/// Nothing.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of the engine's")]
pub(super) fn host(_: &Settings) -> Result<Option<Box<dyn Host>>, String> {
    Ok(None)
}
