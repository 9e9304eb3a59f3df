//! The requirements of a guest on its host.

use wassay_drive::wasi::Need;
use wassay_testsuite::wasi::spec::{Operation, Spec};
use wassay_testsuite::wasi::{Guest, GuestError};

/// Determines the needs of a guest from its specification and the files beside it.
pub(super) fn of(guest: &Guest, spec: &Spec) -> Result<Vec<Need>, GuestError> {
    let mut needs = Vec::new();
    let mut note = |need, is_needed: bool| {
        if is_needed && !needs.contains(&need) {
            needs.push(need);
        }
    };
    for operation in &spec.operations {
        match operation {
            Operation::Run(run) => {
                note(Need::Args, !run.args.is_empty());
                note(Need::Env, !run.env.is_empty());
                note(Need::Folders, !run.dirs.is_empty());
                note(Need::NamedFolders, run.dirs.len() > 1 || run.dirs.iter().any(|dir| dir.guest != "/"));
            }
            Operation::Write { .. } => note(Need::Stdin, true),
            Operation::Connect { .. } => note(Need::Sockets, true),
            _ => {}
        }
    }
    note(Need::ReadOnly, !spec.extension.read_only.is_empty());
    note(Need::Sockets, !spec.extension.listen.is_empty());
    note(Need::Preview0, spec.extension.previews.contains(&0));
    note(Need::Stdin, guest.has_stdin()?);
    Ok(needs)
}
