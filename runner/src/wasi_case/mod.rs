//! Runs WASI guests as cases: sets up and runs each as in its
//! [specification](wassay_testsuite::wasi::spec), and judges the results.
//!
//! A guest runs in a fresh copy of its folders, with a deadline: on wassay's own engine on a thread
//! of this process, on another engine in a separate process ([`wassay_drive::wasi`]). Expectations
//! and judgement are the same.
//!
//! With `BLESS=1` in the environment, the golden files of guests that end as expected are updated
//! instead of compared.

mod bless;
mod drive;
mod excerpt;
mod exchange;
mod foreign;
mod judge;
mod key;
mod needs;
#[cfg_attr(not(feature = "engine"), path = "../absent/guests.rs")]
mod own;
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "some of it is for wassay's own engine"))]
mod process;

use std::borrow::Cow;

use wassay_drive::wasi::expectations::Expected;
use wassay_script::source::Place;
use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::{Guest, GuestError};

use self::drive::{Setup, drive, due};
pub(crate) use self::key::key;
use self::process::Host;
use crate::finished::End;
pub use crate::finished::GuestResult;
use crate::settings::{Settings, TIMEOUT};
use crate::verdict::Apart;

/// The module names of WASI: preview 0 and preview 1.
const PREVIEWS: [&str; 2] = ["wasi_unstable", "wasi_snapshot_preview1"];

/// Runs a guest and judges it.
pub(crate) fn run(label: &str, guest: &Guest, settings: &Settings) -> End {
    judged(label, guest, settings).unwrap_or_else(|end| end)
}

/// The number of judged steps of a guest; 0 if unknown.
pub(crate) fn checks(guest: &Guest) -> usize {
    guest.checks().unwrap_or(0)
}

/// The result of a guest; the error says why it was not run.
#[expect(clippy::result_large_err, reason = "it is made once for each guest")]
fn judged(label: &str, guest: &Guest, settings: &Settings) -> Result<End, End> {
    let unusable = |message: String| End::Unusable { message: format!("{label}: {message}"), place: None };
    if let Some(version) = guest.other_version().map_err(broken)? {
        let message = format!("its manifest requires {version}, but only preview 1 is supported");
        return Ok(End::Skipped { message, directives: 1, apart: None });
    }
    let (fails, skipped) = expected(guest, settings).map_err(broken)?;
    if let Some(message) = skipped {
        return Ok(End::Skipped { message, directives: checks(guest), apart: None });
    }
    let spec = guest.spec().map_err(broken)?;
    let checks = guest.checks().map_err(broken)?;
    let timeout = settings.timeout.unwrap_or(TIMEOUT);
    let deadline = due(timeout).map_err(|why| unusable(why.to_owned()))?;
    let mut budget = Budget::of_case(settings.max_memory).until(deadline.instant());
    let module = guest.module(&mut budget).map_err(|error| match error.is_timeout() {
        true => End::TimedOut { message: error.to_string(), directives: checks },
        false => broken(error),
    })?;
    let own = if settings.guests.is_none() { own::host(settings).map_err(unusable)? } else { None };
    let runtime = settings.guests.as_deref().map(|runtime| runtime as &dyn Host);
    let Some(host) = runtime.or(own.as_deref()) else {
        let message = "this build of wassay has no built-in engine for WASI cases".to_owned();
        return Ok(End::Skipped { message, directives: checks, apart: None });
    };
    if let Some(why) = host.lacks(&needs::of(guest, &spec).map_err(broken)?) {
        return Err(not_applicable(why, checks));
    }
    let mut result = GuestResult { name: label.to_owned(), checks, to_fail: fails, ..GuestResult::default() };
    let goldens = (checks / spec.extension.previews.len().max(1)).saturating_sub(spec.operations.len());
    let (max_memory, blesses) = (settings.max_memory, bless::is_asked_for() && guest.path().is_some());
    for (preview, module) in previews(&module, &spec.extension.previews).map_err(unusable)? {
        let setup =
            Setup { label, guest, spec: &spec, goldens, blesses, host, module: &module, timeout, max_memory };
        let outcome = drive(&setup).map_err(|message| End::Unusable { message, place: None })?;
        result.timed_out |= outcome.timed_out;
        if let Some((left, _folders)) = outcome.left {
            bless::write(guest, &left, &mut Budget::of_case(max_memory)).map_err(broken)?;
        }
        result.failures.extend(outcome.failures.into_iter().map(|mut failure| {
            if let Some(preview) = preview {
                failure.message.insert_str(0, &format!("preview {preview}: "));
            }
            failure
        }));
    }
    Ok(End::Ran(Box::new(result)))
}

/// The reasons for an expected failure and for a skip, from the engine's expectations for the
/// official suite.
fn expected(guest: &Guest, settings: &Settings) -> Result<(Option<String>, Option<String>), GuestError> {
    let Some(runtime) = &settings.guests else { return Ok((None, None)) };
    let name = guest.name().rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Ok(match runtime.expectations.of(&guest.suite()?.unwrap_or_default(), stem) {
        Some(Expected::Fail(why)) => (Some(why.clone()), None),
        Some(Expected::Skip(why)) => (None, Some(why.clone())),
        None => (None, None),
    })
}

/// A preview, if one is named, and the module for it.
type Under<'a> = (Option<u8>, Cow<'a, [u8]>);

/// The module for each named preview, or the module itself if none is named.
fn previews<'a>(module: &'a [u8], previews: &[u8]) -> Result<Vec<Under<'a>>, String> {
    if previews.is_empty() {
        return Ok(vec![(None, Cow::Borrowed(module))]);
    }
    let text = str::from_utf8(module).ok().filter(|text| !text.starts_with("\0asm"));
    let text = text.ok_or("`previews` requires a module in text format, but this is a binary")?;
    let names = PREVIEWS;
    let under = |preview: &u8| {
        let [preview_0, preview_1] = PREVIEWS;
        let name = if *preview == 0 { preview_0 } else { preview_1 };
        let text = names.iter().fold(text.to_owned(), |text, other| text.replace(other, name));
        (Some(*preview), Cow::Owned(text.into_bytes()))
    };
    Ok(previews.iter().map(under).collect())
}

/// A case that the host cannot run.
fn not_applicable(message: String, directives: usize) -> End {
    End::Skipped { message, directives, apart: Some(Apart::NotApplicable) }
}

fn broken(error: GuestError) -> End {
    let place = error.position().map(|(line, column)| Place { line, column });
    End::Unusable { message: error.to_string(), place }
}
