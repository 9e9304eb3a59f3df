//! Where programs come from, and a place to run them in.

// Each test binary uses a part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{Folder, Ran, run};

/// Has the tests take programs in C and Rust from another folder than the repository's.
pub(crate) const ELSEWHERE: &str = "WASSAY_TEST_GUESTS";

/// The folder of the repository that has the programs' sources.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testsuite/guests").canonicalize().unwrap()
}

/// The path of a program in C or Rust, by its name without extension, such as `c/copy`.
pub(crate) fn built(name: &str) -> PathBuf {
    let folder = std::env::var_os(ELSEWHERE).map_or_else(sources, PathBuf::from);
    folder.join(name).with_extension("wasm")
}

/// A folder `work` to stand in, with what a user put there, beside a folder `other` and a file
/// `secret` that no guest is given.
pub(crate) struct Place(Folder);

impl Place {
    /// The place with the program as `demo.wasm`, and `test.txt`, in `work`.
    pub(crate) fn new(program: &Path) -> Place {
        let place = Place(Folder::new(&[("work/test.txt", "hello world\n"), ("secret", "secret\n")]));
        fs::create_dir(place.0.file("other")).unwrap();
        fs::copy(program, place.0.file("work/demo.wasm")).unwrap();
        place
    }

    /// Runs `wassay` in `work` with these words; in each, `PWD` and `OTHER` stand for the folders,
    /// absolute.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let words = line.split_whitespace();
        let words: Vec<String> = words
            .map(|word| word.replace("PWD", &self.0.arg("work")).replace("OTHER", &self.other()))
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.args(&words).current_dir(self.0.file("work")).stdin(Stdio::null()))
    }

    /// [`Place::run`] that has to end with that code and say that, and no more; `OTHER` stands for
    /// the folder.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str, code: i32, out: &str, err: &str) {
        let ran = self.run(line);
        let err = err.replace("OTHER", &self.other());
        assert_eq!((ran.code, ran.out.as_str(), ran.err), (code, out, err), "wassay {line}");
    }

    /// The folder `other`.
    pub(crate) fn other(&self) -> String {
        self.0.arg("other")
    }

    /// A file of the place.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.file(name)
    }

    /// All files of the place but the program, by name, with what is in them.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let entries =
            walkdir::WalkDir::new(self.0.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| !entry.file_type().is_dir() && entry.file_name() != "demo.wasm");
        files
            .map(|entry| {
                let name = entry.path().strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    /// The files are those that were there in the beginning, and these, in the order of their
    /// names.
    #[track_caller]
    pub(crate) fn expect_files(&self, more: &[(&str, &str)]) {
        let mut expected = vec![("secret", "secret\n"), ("work/test.txt", "hello world\n")];
        expected.extend(more);
        expected.sort_unstable();
        let found = self.files();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
    }

    /// Removes a file that a guest has left.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.0.file(name)).unwrap();
    }
}
