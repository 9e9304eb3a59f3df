//! Runs guests of WASI as cases: gives each what its [specification](wassay_testsuite::wasi::spec) says, does with it what that says, and
//! judges what comes of it.
//!
//! A guest runs in this process, on a thread of its own, in a fresh copy of its folders, and until a deadline.
//!
//! With `BLESS=1` in the environment what a guest leaves behind is not compared with its golden files but written there, where it ended as
//! expected.

mod bless;
mod drive;
mod excerpt;
mod exchange;
mod judge;
mod process;
mod result;

use std::borrow::Cow;

use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::{Guest, GuestError};
use wassay_wasi::{PREVIEW_0, PREVIEW_1};

use self::drive::{Setup, drive, due};
pub use self::result::GuestResult;
use crate::batch::{self, End, Settings, TIMEOUT};
use crate::script::source::Place;

/// Runs a guest, and judges it.
pub(crate) fn run(label: &str, guest: &Guest, settings: &Settings) -> End {
    judged(label, guest, settings).unwrap_or_else(|end| *end)
}

/// How many steps of a guest are judged; 0 where that is not known.
pub(crate) fn checks(guest: &Guest) -> usize {
    guest.checks().unwrap_or(0)
}

/// What became of a guest; as an error, why it was not run.
fn judged(label: &str, guest: &Guest, settings: &Settings) -> Result<End, Box<End>> {
    let unusable = |message: String| End::Unusable { message: format!("{label}: {message}"), place: None };
    if let Some(version) = guest.other_version().map_err(broken)? {
        let message = format!("its manifest says {version}, and preview 1 is what is run");
        return Ok(End::Skipped { message, directives: 1 });
    }
    let spec = guest.spec().map_err(broken)?;
    let checks = guest.checks().map_err(broken)?;
    let timeout = settings.timeout.unwrap_or(TIMEOUT);
    let deadline = due(timeout).map_err(|why| unusable(why.to_owned()))?;
    let mut budget = Budget::of_case(settings.max_memory).until(deadline.instant());
    let module = guest.module(&mut budget).map_err(|error| match error.is_over_time() {
        true => End::TimedOut { message: error.to_string(), directives: checks },
        false => broken(error),
    })?;
    let engine = batch::engine(settings.features.unwrap_or_default(), settings.max_memory)
        .map_err(|error| unusable(error.to_string()))?;
    let mut result = GuestResult { name: label.to_owned(), checks, ..GuestResult::default() };
    let goldens = (checks / spec.extension.previews.len().max(1)).saturating_sub(spec.operations.len());
    let (max_memory, blesses) = (settings.max_memory, bless::is_asked_for() && guest.path().is_some());
    for (preview, module) in previews(&module, &spec.extension.previews).map_err(unusable)? {
        let setup = Setup {
            label,
            guest,
            spec: &spec,
            goldens,
            blesses,
            engine: &engine,
            module: &module,
            timeout,
            max_memory,
        };
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
    Ok(End::Ran(result))
}

/// A preview, where one is named, and the module for it.
type Under<'a> = (Option<u8>, Cow<'a, [u8]>);

/// The module under each preview that it is to be run under; under none in particular, where none is named.
fn previews<'a>(module: &'a [u8], previews: &[u8]) -> Result<Vec<Under<'a>>, String> {
    if previews.is_empty() {
        return Ok(vec![(None, Cow::Borrowed(module))]);
    }
    let text = str::from_utf8(module).ok().filter(|text| !text.starts_with("\0asm"));
    let text = text.ok_or("`previews` is for modules in the text format, and this is a binary")?;
    let names = [PREVIEW_0, PREVIEW_1];
    let under = |preview: &u8| {
        let name = if *preview == 0 { PREVIEW_0 } else { PREVIEW_1 };
        let text = names.iter().fold(text.to_owned(), |text, other| text.replace(other, name));
        (Some(*preview), Cow::Owned(text.into_bytes()))
    };
    Ok(previews.iter().map(under).collect())
}

fn broken(error: GuestError) -> End {
    let place = error.place().map(|(line, column)| Place { line, column });
    End::Unusable { message: error.to_string(), place }
}
