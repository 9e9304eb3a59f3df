//! Paths of suites on disk.

use std::path::{Component, Path, PathBuf};

/// The canonical path of a folder or file.
pub(crate) fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Whether a folder is the root of a repository: its `.git` is a git directory, or the file of a
/// worktree or submodule.
pub(crate) fn is_repository(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.join("HEAD").is_file()
}

/// Whether a word in an expectation or in an older report refers to the suite at this
/// [canonical](real) path: its last components, or all of them. An absolute path may contain
/// symbolic links.
pub(crate) fn ends_in(path: &Path, word: &str) -> bool {
    let parts = Path::new(word).components().filter(|part| *part != Component::CurDir);
    let word: PathBuf = parts.collect();
    !word.as_os_str().is_empty() && (path.ends_with(&word) || word.is_absolute() && real(&word) == path)
}

/// The last `count` components of a path.
pub(crate) fn tail(path: &Path, count: usize) -> String {
    let all = path.components().count();
    let names: PathBuf = path.components().skip(all.saturating_sub(count)).collect();
    names.display().to_string()
}
