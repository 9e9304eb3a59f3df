//! Updates golden files.

use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::spec::Stream;
use wassay_testsuite::wasi::{Goldens, Guest, GuestError};

use crate::printer::note;

/// The environment variable that enables blessing if it is `1`.
const BLESS: &str = "BLESS";

pub(super) fn is_asked_for() -> bool {
    std::env::var_os(BLESS).is_some_and(|value| value == "1")
}

/// Updates the existing golden files that differ from the guest's results, and prints their names.
pub(super) fn write(guest: &Guest, left: &Goldens, budget: &mut Budget) -> Result<(), GuestError> {
    let old = guest.goldens(budget)?;
    let streams = [(Stream::Stdout, &old.stdout, &left.stdout), (Stream::Stderr, &old.stderr, &left.stderr)];
    for (stream, old, left) in streams {
        if let (Some(old), Some(left)) = (old, left)
            && old != left
        {
            say(&guest.bless_stream(stream, left)?);
        }
    }
    if let (Some(old), Some(left)) = (&old.files, &left.files)
        && !guest.has_same_files(old, left, budget)?
    {
        say(&guest.bless_files(left, budget)?);
    }
    Ok(())
}

fn say(path: &std::path::Path) {
    note(&format!("blessed: {}", path.display()));
}
