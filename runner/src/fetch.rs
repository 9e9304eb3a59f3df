//! Brings suites that are no part of the binary onto this machine, with the system's git.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use directories::ProjectDirs;
use thiserror::Error;
use wassay_testsuite::Suite;
use wassay_testsuite::directory::OpenError;
use wassay_testsuite::fetched::Fetched;

use crate::scratch;

/// Where a suite is fetched to if nobody says otherwise: in the user's folder of things that can be
/// had again (`XDG_CACHE_HOME`). `None` where the user has no home.
pub fn place(fetched: &Fetched) -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "wassay")?;
    Some(folders.cache_dir().join("suites").join(fetched.name))
}

/// The suite as it was fetched.
///
/// # Errors
///
/// It was not, or what is there cannot be opened.
pub fn open(fetched: &Fetched) -> Result<Suite, FetchError> {
    let place = place(fetched).ok_or(FetchError::NoPlace)?;
    if !fetched.cases_in(&place).is_dir() {
        return Err(FetchError::Absent { name: fetched.name });
    }
    Ok(fetched.open(&place)?)
}

/// Clones the repository of a suite, at the commit that is pinned, and checks what came. A folder
/// that has it already is left as it is.
///
/// `from` is another place that has the repository. `to` is the folder for the clone, which has to
/// be missing or empty.
///
/// # Errors
///
/// There is something else in the folder, git is missing or fails, or what came is not what is
/// pinned; the folder is then as it was.
pub fn fetch(fetched: &Fetched, from: Option<&str>, to: &Path) -> Result<Suite, FetchError> {
    // git runs in the new clone, from where a relative path would lead elsewhere.
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
        // Its own git folder, not one of a folder above it.
        let head = to.join(".git").exists().then(|| git(to, &["rev-parse", "HEAD"]));
        return match head {
            Some(Ok(head)) if head == fetched.commit => check(fetched, to),
            Some(Err(error @ FetchError::NoGit { .. })) => Err(error),
            _ => Err(FetchError::Taken { folder: to.to_owned(), commit: fetched.commit }),
        };
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(unusable)?;
    // What is not complete never stands where it is looked for.
    let begun = scratch::folder_in(parent).map_err(unusable)?;
    clone(fetched, &url, begun.path())?;
    check(fetched, begun.path())?;
    fs::rename(begun.path(), to).map_err(unusable)?;
    Ok(fetched.open(to)?)
}

/// Checks out the commit, which is asked for by itself first: not every server gives one that no
/// branch ends with.
fn clone(fetched: &Fetched, url: &str, folder: &Path) -> Result<(), FetchError> {
    git(folder, &["init", "--quiet"])?;
    if git(folder, &["fetch", "--quiet", "--depth=1", "--", url, fetched.commit]).is_err() {
        let fetched_branch = git(folder, &["fetch", "--quiet", "--", url, fetched.branch]);
        fetched_branch.map_err(|error| error.of_repository(url))?;
    }
    let checked_out =
        git(folder, &["-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", fetched.commit]);
    checked_out.map_err(|error| error.of_repository(url))?;
    Ok(())
}

/// Opens what came where it is the commit, with nothing changed, and has so many cases.
fn check(fetched: &Fetched, folder: &Path) -> Result<Suite, FetchError> {
    let wrong = |what: String| FetchError::Wrong { name: fetched.name, folder: folder.to_owned(), what };
    let head = git(folder, &["rev-parse", "HEAD"])?;
    if head != fetched.commit {
        return Err(wrong(format!("the commit is {head}, expected {}", fetched.commit)));
    }
    let changed = git(folder, &["status", "--porcelain", "--ignored"])?;
    if let Some(line) = changed.lines().next() {
        return Err(wrong(format!("it was changed: `{}`", line.trim())));
    }
    let suite = fetched.open(folder)?;
    let (found, pinned) = (suite.cases().len(), fetched.pin.cases);
    if found != pinned {
        return Err(wrong(format!("there are {found} cases, expected {pinned}")));
    }
    Ok(suite)
}

/// Runs git in a folder, with nothing of another repository's, and gives what it prints.
fn git(folder: &Path, args: &[&str]) -> Result<String, FetchError> {
    let mut command = Command::new("git");
    let others = std::env::vars_os().filter(|(name, _)| is_of_repository(name));
    others.for_each(|(name, _)| {
        command.env_remove(name);
    });
    // What a folder's own configuration would have git run is not run.
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
    let said = said.or(printed.lines().next_back()).unwrap_or("it does not say why").to_owned();
    let what = args.iter().find(|arg| !arg.starts_with('-') && !arg.contains('=')).unwrap_or(&"").to_string();
    Err(FetchError::Git { what, said })
}

/// Whether a variable tells git where a repository is or what it consists of, as it does inside of
/// a hook: those of `git rev-parse --local-env-vars` that are not configuration, and what a hook on
/// the receiving side has besides.
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

/// Why a suite is not there.
#[derive(Debug, Error)]
pub enum FetchError {
    /// It was not fetched.
    #[error("{name}: not downloaded yet; run `wassay suite fetch {name}`")]
    Absent {
        /// The suite.
        name: &'static str,
    },
    /// There is no folder to fetch to.
    #[error(
        "cannot find the home folder to keep suites in: set XDG_CACHE_HOME, or give a folder with --to DIR"
    )]
    NoPlace,
    /// What is there cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is something else.
    #[error("{}: the folder contains something other than commit {commit}: remove it, or give another folder with --to DIR", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// What was to be there.
        commit: &'static str,
    },
    /// The system refuses the folder.
    #[error("{}: cannot download to this folder: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is no git.
    #[error(
        "cannot run git: {error}; install it, or fetch the suite on another machine and take the folder along with --from DIR"
    )]
    NoGit {
        /// What the system said.
        error: io::Error,
    },
    /// Git failed.
    #[error("git {what}: {said}")]
    Git {
        /// What it was to do.
        what: String,
        /// What it said.
        said: String,
    },
    /// The repository could not be fetched.
    #[error("{url}: git {what}: {said}; without a network, give a clone of it with --from DIR")]
    Repository {
        /// Where it was looked for.
        url: String,
        /// What git was to do.
        what: String,
        /// What it said.
        said: String,
    },
    /// What came is not what is pinned.
    #[error("{name}: {}: {what}", folder.display())]
    Wrong {
        /// The suite.
        name: &'static str,
        /// Where it is.
        folder: PathBuf,
        /// What is wrong, and what was expected.
        what: String,
    },
}

impl FetchError {
    /// The same, where it was about a repository elsewhere.
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

    /// A repository with a suite of two cases, and how to fetch it: its first commit, which its
    /// branch does not end with. Without git it says that the test is not run, also where the
    /// output of tests is captured.
    #[expect(clippy::disallowed_methods, reason = "a test prints by itself")]
    fn repository() -> Option<(tempfile::TempDir, Fetched)> {
        if let Err(FetchError::NoGit { .. }) = git(Path::new("."), &["--version"]) {
            io::stderr().write_all(b"not run: no git: fetching is not tested\n").unwrap();
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet", "--initial-branch=cases"]).unwrap();
        let commit = |name: &str| {
            fs::create_dir_all(path.join("tests")).unwrap();
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

    /// What is in a folder, the hidden too.
    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_commit_that_is_pinned_is_fetched_and_a_second_time_found() {
        let Some((repository, fetched)) = repository() else { return };
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (repository.path().to_str(), folder.path().join("deep/clone"));
        let suite = fetch(&fetched, from, &to).unwrap();
        assert_eq!(
            suite.cases().iter().map(|case| case.name().to_owned()).collect::<Vec<_>>(),
            ["a.wast", "b.wast"]
        );
        assert_eq!(suite.pin(), Some(fetched.pin));
        assert_eq!(entries(&folder.path().join("deep")), ["clone"]);
        // The repository is not asked again.
        assert!(fetch(&fetched, Some("/nowhere"), &to).is_ok());
    }

    #[test]
    fn a_folder_with_something_else_is_left_as_it_is() {
        let Some((repository, fetched)) = repository() else { return };
        let from = repository.path().to_str();
        let folder = tempfile::tempdir().unwrap();
        let message = |fetched: &Fetched, to: &Path| fetch(fetched, from, to).unwrap_err().to_string();
        fs::write(folder.path().join("mine"), "").unwrap();
        assert!(
            message(&fetched, folder.path()).contains(": the folder contains something other than commit ")
        );
        assert_eq!(entries(folder.path()), ["mine"]);
        // A clone at another commit, or with changes, is something else too.
        let clone = folder.path().join("clone");
        fetch(&fetched, from, &clone).unwrap();
        assert!(message(&Fetched { commit: "0", ..fetched }, &clone).contains("something other"));
        fs::write(clone.join("tests/b.wast"), "(module $changed)").unwrap();
        assert!(
            message(&fetched, &clone).ends_with(": it was changed: `M tests/b.wast`"),
            "{}",
            message(&fetched, &clone)
        );
        // A folder inside of another repository is no clone.
        let inside = repository.path().join("tests");
        assert!(message(&fetched, &inside).contains("something other"));
    }

    #[test]
    fn what_cannot_be_fetched_leaves_nothing_behind() {
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
        assert!(lost.ends_with(": there are 2 cases, expected 3"), "{lost}");
        assert_eq!(entries(folder.path()), Vec::<String>::new());
    }
}
