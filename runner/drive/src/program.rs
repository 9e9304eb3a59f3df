//! Where programs are looked for, and what is said of one that cannot be started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders in which the system looks for programs where `PATH` is not set (execvp(3)).
pub const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The file of a program: the path itself if it has a `/`, otherwise the first program of that name
/// in the folders of `PATH`, or in those of [`DEFAULT_PATH`] if `PATH` is not set.
///
/// A folder without a name, which means the current folder, is not searched.
pub fn find(program: &str) -> Option<PathBuf> {
    find_in(program.as_ref(), env::var_os("PATH").as_deref())
}

/// `PATH`, followed by the folders of [`DEFAULT_PATH`].
///
/// A child process with this `PATH` finds the tools that every system has, such as `sh` and
/// `sleep`, whatever `PATH` is here. Tests give it to the shell scripts that they run.
pub fn path_with_default() -> OsString {
    match env::var_os("PATH") {
        Some(mut path) => {
            path.push(":");
            path.push(DEFAULT_PATH);
            path
        }
        None => DEFAULT_PATH.into(),
    }
}

fn find_in(program: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let folders = env::split_paths(path.unwrap_or(DEFAULT_PATH.as_ref()));
    let folders = folders.filter(|folder| !folder.as_os_str().is_empty());
    folders.map(|folder| folder.join(program)).find(|path| is_program(path))
}

/// The error of a command that could not be started. If something was not found, it says what, and
/// where it was looked for.
pub(crate) fn not_started(command: &Command, error: io::Error) -> io::Error {
    let has_folder = command.get_current_dir().is_none_or(Path::is_dir);
    if error.kind() != io::ErrorKind::NotFound || !has_folder {
        return error;
    }
    let inherited = env::var_os("PATH");
    let set = command.get_envs().find(|(name, _)| *name == "PATH");
    let path = set.map_or(inherited.as_deref(), |(_, value)| value);
    let program = command.get_program();
    let name = program.display();
    let what = match (find_in(program, path), path) {
        (Some(file), _) => {
            let file = file.display();
            format!("{file} exists, but the interpreter in its first line, or its loader, does not")
        }
        (None, _) if program.as_encoded_bytes().contains(&b'/') => return error,
        (None, Some(path)) => format!("no program `{name}` in the folders of PATH ({})", path.display()),
        (None, None) => format!("PATH is not set, and there is no program `{name}` in {DEFAULT_PATH}"),
    };
    io::Error::new(error.kind(), what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_files_that_can_be_run() {
        let path = Some(OsStr::new("/nonexistent::/usr/bin:/bin"));
        for program in ["sh", "/bin/sh"] {
            assert!(find_in(program.as_ref(), path).is_some(), "{program}");
        }
        for absent in ["", ".", "..", "/", "/etc/passwd", "no-such-program-anywhere", "/bin/sh/x"] {
            assert_eq!(find_in(absent.as_ref(), path), None, "{absent}");
        }
    }

    #[test]
    fn without_path_the_folders_of_the_system_are_searched() {
        assert!(find_in("sh".as_ref(), None).is_some());
        for path in ["", "/nonexistent"] {
            assert_eq!(find_in("sh".as_ref(), Some(path.as_ref())), None, "{path}");
        }
    }

    #[test]
    fn an_error_says_what_was_looked_for() {
        let told = |command: &mut Command| {
            let error = command.spawn().expect_err("there is no such program");
            let error = not_started(command, error);
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            error.to_string()
        };
        let absent = "no-such-program-anywhere";
        assert_eq!(
            told(Command::new(absent).env("PATH", "/nonexistent:/bin")),
            format!("no program `{absent}` in the folders of PATH (/nonexistent:/bin)")
        );
        assert_eq!(
            told(Command::new(absent).env_remove("PATH")),
            format!("PATH is not set, and there is no program `{absent}` in /bin:/usr/bin")
        );
        assert_eq!(told(&mut Command::new("/no/such/program")), "No such file or directory (os error 2)");
        assert_eq!(
            told(Command::new("/bin/sh").current_dir("/no/such/folder")),
            "No such file or directory (os error 2)"
        );
    }
}
