//! Downloads suites that are not embedded, with the system's git.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;
use wassay_testsuite::Suite;
use wassay_testsuite::directory::OpenError;
use wassay_testsuite::fetched::Fetched;

use crate::config::cache_folder;
use crate::scratch;

/// The default folder for a suite, in the user's cache (`XDG_CACHE_HOME`). `None` if there is no
/// home folder.
pub fn place(fetched: &Fetched) -> Option<PathBuf> {
    Some(cache_folder()?.join("suites").join(fetched.name))
}

/// Opens a fetched suite.
///
/// # Errors
///
/// It was not fetched, or cannot be opened.
pub fn open(fetched: &Fetched) -> Result<Suite, FetchError> {
    let place = place(fetched).ok_or(FetchError::NoPlace)?;
    if !fetched.cases_in(&place).is_dir() {
        return Err(FetchError::Absent { name: fetched.name });
    }
    Ok(fetched.open(&place)?)
}

/// Clones the repository of a suite at the pinned commit, and checks the result. A folder that
/// already has it is unchanged.
///
/// `from` is another copy of the repository. `to` is the folder for the clone, which must be
/// missing or empty.
///
/// # Errors
///
/// The folder has other content, git is missing or fails, or the result differs from what is
/// pinned. The folder is unchanged then.
pub fn fetch(fetched: &Fetched, from: Option<&str>, to: &Path) -> Result<Suite, FetchError> {
    // git runs in the new clone, so relative paths would be resolved there.
    let from = from.map(|from| match std::path::absolute(from) {
        Ok(path) if path.exists() => path.display().to_string(),
        _ => from.to_owned(),
    });
    let url = from.unwrap_or_else(|| fetched.url());
    let unusable = |error: io::Error| FetchError::Folder { folder: to.to_owned(), error };
    let is_free = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(unusable(error)),
    };
    if !is_free {
        // It must be a repository itself, not a folder within one.
        let head = to.join(".git").exists().then(|| git(to, &["rev-parse", "HEAD"]));
        return match head {
            Some(Ok(head)) if head == fetched.commit => check(fetched, to),
            Some(Err(error @ FetchError::NoGit { .. })) => Err(error),
            _ => Err(FetchError::Taken { folder: to.to_owned(), commit: fetched.commit }),
        };
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(unusable)?;
    // Clone to a temporary folder and rename it when it is complete.
    let begun = scratch::folder_in(parent).map_err(unusable)?;
    clone(fetched, &url, begun.path())?;
    check(fetched, begun.path())?;
    fs::rename(begun.path(), to).map_err(unusable)?;
    Ok(fetched.open(to)?)
}

/// Checks out the folder of the suite at the commit. Tries to fetch only the files of that folder
/// first, since the repository of an engine is large, then the commit, then the branch: not every
/// server allows fetching parts, or by commit.
fn clone(fetched: &Fetched, url: &str, folder: &Path) -> Result<(), FetchError> {
    git(folder, &["init", "--quiet"])?;
    git(folder, &["remote", "add", "--", REMOTE, url])?;
    if Path::new(url).is_dir() {
        git(folder, &["config", &format!("remote.{REMOTE}.uploadpack"), UPLOAD_PACK])?;
    }
    // An old git checks out all folders.
    let _ = git(folder, &["sparse-checkout", "set", "--no-cone", &format!("/{}/", fetched.folder)]);
    let of_commit = ["fetch", "--quiet", "--depth=1", "--filter=blob:none", "--", REMOTE, fetched.commit];
    let whole = of_commit.iter().copied().filter(|arg| !arg.starts_with("--filter")).collect::<Vec<_>>();
    if git(folder, &of_commit).is_err() && git(folder, &whole).is_err() {
        let fetched_branch = git(folder, &["fetch", "--quiet", "--", REMOTE, fetched.branch]);
        fetched_branch.map_err(|error| error.of_repository(url))?;
    }
    let checked_out =
        git(folder, &["-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", fetched.commit]);
    checked_out.map_err(|error| error.of_repository(url))?;
    Ok(())
}

/// The name of the repository that a clone is fetched from.
const REMOTE: &str = "origin";

/// How a repository on this machine is asked for a part of its files, which its configuration may
/// not allow.
const UPLOAD_PACK: &str =
    "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack";

/// Opens the clone and checks its commit, that nothing is modified, and the number of cases.
fn check(fetched: &Fetched, folder: &Path) -> Result<Suite, FetchError> {
    let wrong = |what: String| FetchError::Wrong { name: fetched.name, folder: folder.to_owned(), what };
    let head = git(folder, &["rev-parse", "HEAD"])?;
    if head != fetched.commit {
        return Err(wrong(format!("the commit is {head}, expected {}", fetched.commit)));
    }
    let changed = git(folder, &["status", "--porcelain", "--ignored"])?;
    if let Some(line) = changed.lines().next() {
        return Err(wrong(format!("it has changes: `{}`", line.trim())));
    }
    let suite = fetched.open(folder)?;
    let (found, pinned) = (suite.cases().len(), fetched.pin.cases);
    if found != pinned {
        return Err(wrong(format!("it has {found} cases, expected {pinned}")));
    }
    Ok(suite)
}

/// Runs git in a folder, isolated from other repositories, and returns its output.
fn git(folder: &Path, args: &[&str]) -> Result<String, FetchError> {
    let mut command = Command::new("git");
    let others = std::env::vars_os().filter(|(name, _)| is_of_repository(name));
    others.for_each(|(name, _)| {
        command.env_remove(name);
    });
    // Disable programs that the configuration of the folder would run.
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command.args(["-c", "core.autocrlf=false", "-c", "core.symlinks=true"]).args(args);
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").current_dir(folder).stdin(Stdio::null());
    let output = command.output().map_err(|error| FetchError::NoGit { error })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    let said = printed
        .lines()
        .map(str::trim)
        .rfind(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let said = said.or(printed.lines().next_back()).unwrap_or("no error message").to_owned();
    let what = args.iter().find(|arg| !arg.starts_with('-') && !arg.contains('=')).unwrap_or(&"").to_string();
    Err(FetchError::Git { what, said })
}

/// Whether a variable describes the location or parts of a repository, as within a hook: those of
/// `git rev-parse --local-env-vars` that are not configuration, and those of receive hooks.
fn is_of_repository(name: &OsStr) -> bool {
    let names = [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    ];
    names.iter().any(|other| name == *other)
}

/// Why a suite is not available.
#[derive(Debug, Error)]
pub enum FetchError {
    /// It was not fetched.
    #[error("{name}: not downloaded yet; run `wassay suite fetch {name}`")]
    Absent {
        /// The suite.
        name: &'static str,
    },
    /// There is no default folder.
    #[error(
        "cannot find the home folder to keep suites in: set XDG_CACHE_HOME, or give a folder with --to DIR"
    )]
    NoPlace,
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The folder has other content.
    #[error("{}: the folder contains something other than commit {commit}: remove it, or give another folder with --to DIR", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// The expected commit.
        commit: &'static str,
    },
    /// The folder cannot be used.
    #[error("{}: cannot download to this folder: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// git cannot be run.
    #[error(
        "cannot run git: {error}; install it, or fetch the suite on another machine and copy the folder, then use --from DIR"
    )]
    NoGit {
        /// The error.
        error: io::Error,
    },
    /// Git failed.
    #[error("git {what}: {said}")]
    Git {
        /// The git command.
        what: String,
        /// Its error message.
        said: String,
    },
    /// The repository could not be fetched.
    #[error("{url}: git {what}: {said}; without a network, give a clone of it with --from DIR")]
    Repository {
        /// The URL.
        url: String,
        /// The git command.
        what: String,
        /// Its error message.
        said: String,
    },
    /// The clone differs from what is pinned.
    #[error("{name}: {}: {what}", folder.display())]
    Wrong {
        /// The suite.
        name: &'static str,
        /// The folder.
        folder: PathBuf,
        /// The actual and the expected state.
        what: String,
    },
}

impl FetchError {
    /// Adds the URL of the remote repository to the error.
    fn of_repository(self, url: &str) -> FetchError {
        match self {
            FetchError::Git { what, said } => FetchError::Repository { url: url.to_owned(), what, said },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use wassay_testsuite::Pin;
    use wassay_testsuite::fetched;

    use super::*;

    /// A repository with a suite of two cases, pinned at its first commit, which is not the head of
    /// its branch. Without git, prints that the test is not run, even if output is captured.
    #[expect(clippy::disallowed_methods, reason = "a test prints by itself")]
    fn repository() -> Option<(tempfile::TempDir, Fetched)> {
        if let Err(FetchError::NoGit { .. }) = git(Path::new("."), &["--version"]) {
            io::stderr().write_all(b"not run: git is not installed: fetching is not tested\n").unwrap();
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet", "--initial-branch=cases"]).unwrap();
        let commit = |name: &str| {
            fs::create_dir_all(path.join("tests")).unwrap();
            fs::create_dir_all(path.join("src")).unwrap();
            fs::write(path.join("src").join(name), "not a part of the suite").unwrap();
            fs::write(path.join("tests").join(name), "(module)").unwrap();
            git(path, &["add", "."]).unwrap();
            let who = ["-c", "user.name=a", "-c", "user.email=a", "-c", "commit.gpgsign=false"];
            git(path, &[&who[..], &["commit", "--quiet", "-m", "x"]].concat()).unwrap();
            git(path, &["rev-parse", "HEAD"]).unwrap()
        };
        commit("a.wast");
        let pinned: &'static str = commit("b.wast").leak();
        commit("c.wast");
        let pin = Pin { cases: 2, directives: 2 };
        let spec = fetched::find("spec-official").unwrap();
        Some((folder, Fetched { branch: "cases", commit: pinned, folder: "tests", pin, ..*spec }))
    }

    /// The entries of a folder, including hidden ones.
    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_pinned_commit_is_fetched_once_and_found_again() {
        let Some((repository, fetched)) = repository() else { return };
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (repository.path().to_str(), folder.path().join("deep/clone"));
        let suite = fetch(&fetched, from, &to).unwrap();
        assert_eq!(
            suite.cases().iter().map(|case| case.name().to_owned()).collect::<Vec<_>>(),
            ["a.wast", "b.wast"]
        );
        assert_eq!(suite.pin(), Some(fetched.pin));
        // The other folders of the repository are not checked out.
        assert_eq!(entries(&to), [".git", "tests"]);
        assert_eq!(entries(&folder.path().join("deep")), ["clone"]);
        // The remote repository is not contacted again.
        assert!(fetch(&fetched, Some("/nowhere"), &to).is_ok());
    }

    #[test]
    fn a_folder_with_other_content_is_unchanged() {
        let Some((repository, fetched)) = repository() else { return };
        let from = repository.path().to_str();
        let folder = tempfile::tempdir().unwrap();
        let message = |fetched: &Fetched, to: &Path| fetch(fetched, from, to).unwrap_err().to_string();
        fs::write(folder.path().join("mine"), "").unwrap();
        assert!(
            message(&fetched, folder.path()).contains(": the folder contains something other than commit ")
        );
        assert_eq!(entries(folder.path()), ["mine"]);
        // A clone at another commit, or with changes, is rejected too.
        let clone = folder.path().join("clone");
        fetch(&fetched, from, &clone).unwrap();
        assert!(message(&Fetched { commit: "0", ..fetched }, &clone).contains("something other"));
        fs::write(clone.join("tests/b.wast"), "(module $changed)").unwrap();
        assert!(
            message(&fetched, &clone).ends_with(": it has changes: `M tests/b.wast`"),
            "{}",
            message(&fetched, &clone)
        );
        // A folder inside another repository is not a clone.
        let inside = repository.path().join("tests");
        assert!(message(&fetched, &inside).contains("something other"));
    }

    #[test]
    fn a_failed_fetch_leaves_no_files() {
        let Some((repository, fetched)) = repository() else { return };
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("clone");
        let message =
            |fetched: &Fetched, from: &Path| fetch(fetched, from.to_str(), &to).unwrap_err().to_string();
        let gone = message(&fetched, Path::new("/nowhere"));
        assert!(
            gone.starts_with("/nowhere: git fetch: ") && gone.ends_with("give a clone of it with --from DIR"),
            "{gone}"
        );
        assert_eq!(gone.lines().count(), 1);
        let other = "0123456789012345678901234567890123456789";
        let unknown = message(&Fetched { commit: other, ..fetched }, repository.path());
        assert!(unknown.contains(": git checkout: "), "{unknown}");
        let pin = Pin { cases: 3, ..fetched.pin };
        let lost = message(&Fetched { pin, ..fetched }, repository.path());
        assert!(lost.ends_with(": it has 2 cases, expected 3"), "{lost}");
        assert_eq!(entries(folder.path()), Vec::<String>::new());
    }
}
