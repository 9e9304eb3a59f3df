//! Temporary folders that others cannot enter, and that go with the process whatever ends it.
//!
//! A process has one folder in the system's temporary folder (`TMPDIR`), whose name is `wassay-`
//! and 16 digits, and below it one for each [`Folder`]. It is removed with the last of them or,
//! where there is a [`Session`], at the end of that, though a thread that was abandoned may still
//! use it; and by [signals](signal) that end the process. What is left of a process that was killed
//! is removed by the next one (`sweep`). A folder that takes long to remove is removed in the
//! background, so that it delays no verdict.
//!
//! | file | is |
//! |---|---|
//! | `root` | the folder of a process, its lock, and what others have left |
//! | `remove` | removal of trees of any depth, mode and contents |
//! | `later` | removal in the background |
//! | `signal` | what signals do |

mod later;
mod remove;
mod root;
pub(crate) mod signal;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use self::root::Root;

/// How long the removal of a folder in the usual place may delay the thread that is done with it.
const PROMPT: Duration = Duration::from_millis(20);

/// The same for a folder in another place, of which nothing is to be left when the thread goes on.
const COMPLETE: Duration = Duration::from_secs(10);

/// A temporary folder, empty when it is made. It is removed with this value.
pub(crate) struct Folder {
    root: Arc<Root>,
    name: String,
    path: PathBuf,
    /// How long its removal may delay the thread that drops it.
    prompt: Duration,
}

impl Folder {
    fn new(root: Arc<Root>, prompt: Duration) -> io::Result<Folder> {
        let name = root.make()?;
        Ok(Folder { path: root.path().join(&name), root, name, prompt })
    }

    /// Its path, which is absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        later::remove(&self.root, &self.name, self.prompt);
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Folder").field(&self.path).finish()
    }
}

/// Makes a temporary folder.
///
/// # Errors
///
/// The system refuses, or the process is ending.
pub(crate) fn folder() -> io::Result<Folder> {
    let mut state = state();
    state.check()?;
    let root = match state.root.upgrade() {
        Some(root) => root,
        None => {
            let root = Arc::new(Root::new(&std::env::temp_dir())?);
            state.root = Arc::downgrade(&root);
            if state.has_session {
                state.held = Some(Arc::clone(&root));
            }
            root
        }
    };
    drop(state);
    Folder::new(root, PROMPT)
}

/// Makes a temporary folder in another place than the usual one, from where it can be renamed to a
/// place in that. What killed processes have left there is removed.
///
/// # Errors
///
/// The system refuses, or the process is ending.
pub(crate) fn folder_in(parent: &Path) -> io::Result<Folder> {
    root::sweep(parent);
    let mut state = state();
    state.check()?;
    let root = Arc::new(Root::new(parent)?);
    state.others.retain(|other| other.strong_count() > 0);
    state.others.push(Arc::downgrade(&root));
    drop(state);
    Folder::new(root, COMPLETE)
}

/// The time from the beginning of a process's work to its end.
#[derive(Debug)]
pub(crate) struct Session(());

impl Session {
    /// Begins it: removes what processes that were killed have left.
    pub(crate) fn begin() -> Session {
        state().has_session = true;
        root::sweep(&std::env::temp_dir());
        Session(())
    }

    /// Ends it: removes all temporary folders of this process, whatever threads still use them.
    /// From now on there are no others.
    ///
    /// # Errors
    ///
    /// Something cannot be removed: a line for people, with the folder.
    pub(crate) fn end(self) -> Result<(), String> {
        std::mem::forget(self);
        end()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The process panics, and there is enough on its standard error.
        let _ = end();
    }
}

fn end() -> Result<(), String> {
    let mut state = state();
    state.has_ended = true;
    let others = std::mem::take(&mut state.others);
    let roots = state.held.take().or_else(|| state.root.upgrade()).into_iter();
    let roots: Vec<_> = roots.chain(others.iter().filter_map(Weak::upgrade)).collect();
    drop(state);
    let not_removed = roots.iter().filter_map(|root| {
        let left = root.remove_all().err()?;
        Some(format!("cannot remove the temporary folder {}: {left}", root.path().display()))
    });
    let not_removed: Vec<String> = not_removed.collect();
    if not_removed.is_empty() { Ok(()) } else { Err(not_removed.join("; ")) }
}

/// What the temporary folders of this process are below.
struct State {
    root: Weak<Root>,
    /// The same, where it is to live as long as the session.
    held: Option<Arc<Root>>,
    /// Those in other places.
    others: Vec<Weak<Root>>,
    has_session: bool,
    has_ended: bool,
}

impl State {
    fn check(&self) -> io::Result<()> {
        if self.has_ended { Err(io::Error::other("the process is ending")) } else { Ok(()) }
    }
}

static STATE: Mutex<State> = Mutex::new(State {
    root: Weak::new(),
    held: None,
    others: Vec::new(),
    has_session: false,
    has_ended: false,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_value_and_is_below_that_of_the_process() {
        let (one, other) = (folder().unwrap(), folder().unwrap());
        assert_ne!(one.path(), other.path());
        let root = one.path().parent().unwrap().to_owned();
        assert_eq!(other.path().parent(), Some(root.as_path()));
        std::fs::write(one.path().join("file"), "").unwrap();
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && other.path().is_dir());
    }
}
