//! Private temporary folders that are removed however the process ends.
//!
//! A process has one folder in the system's temporary folder (`TMPDIR`), whose name is `wassay-`
//! and 16 digits, and below it one for each [`Folder`]. It is removed with the last of them or, if
//! there is a [`Session`], at the end of the session, even if an abandoned thread still uses it;
//! and by [signals](signal) that end the process. Folders of killed processes are removed by the
//! next process (`sweep`). A folder that takes long to remove is removed in the background, so that
//! it does not delay results.
//!
//! | file | is |
//! |---|---|
//! | `root` | the folder of a process, its lock, and folders of killed processes |
//! | `remove` | removal of trees of any depth, mode and contents |
//! | `later` | removal in the background |
//! | `signal` | removal on signals |

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

/// How long removing a folder in the default location may block its thread.
const PROMPT: Duration = Duration::from_millis(20);

/// The same for a folder in another location, which must be gone when the thread continues.
const COMPLETE: Duration = Duration::from_secs(10);

/// A temporary folder, initially empty, that is removed on drop.
pub(crate) struct Folder {
    root: Arc<Root>,
    name: String,
    path: PathBuf,
    /// How long its removal may block the thread that drops it.
    prompt: Duration,
}

impl Folder {
    fn new(root: Arc<Root>, prompt: Duration) -> io::Result<Folder> {
        let name = root.make()?;
        Ok(Folder { path: root.path().join(&name), root, name, prompt })
    }

    /// Its absolute path.
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

/// Creates a temporary folder.
///
/// # Errors
///
/// It cannot be created, or the process is ending.
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

/// Creates a temporary folder in `parent`, so that it can be renamed within that file system.
/// Folders of killed processes there are removed.
///
/// # Errors
///
/// It cannot be created, or the process is ending.
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

/// Keeps the temporary folder of the process until its work ends.
#[derive(Debug)]
pub(crate) struct Session(());

impl Session {
    /// Begins a session: removes folders of killed processes.
    pub(crate) fn begin() -> Session {
        state().has_session = true;
        root::sweep(&std::env::temp_dir());
        Session(())
    }

    /// Ends the session: removes all temporary folders of this process, even if threads still use
    /// them. No new ones can be created afterwards.
    ///
    /// # Errors
    ///
    /// Something cannot be removed: a message that names the folder.
    pub(crate) fn end(self) -> Result<(), String> {
        std::mem::forget(self);
        end()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // During a panic, errors are not reported.
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

/// The parents of this process's temporary folders.
struct State {
    root: Weak<Root>,
    /// The same, held until the end of the session.
    held: Option<Arc<Root>>,
    /// Those in other locations.
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
    fn a_folder_is_removed_on_drop_and_is_below_that_of_the_process() {
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
