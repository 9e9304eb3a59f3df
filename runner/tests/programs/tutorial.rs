//! Tests of the WASI tutorial: a program that copies files with the standard library of its
//! language works only in granted folders, under their guest names. For C and Rust; Go resolves
//! folders differently, and has its own tests.

use std::os::unix::fs::symlink;

use crate::common::wassay;
use crate::guests::{ELSEWHERE, Place, built, sources};

/// What the copy says in a language, and how it ends.
struct Dialect {
    program: &'static str,
    /// The exit code where it could not copy: that of the tutorial's own program.
    failed: i32,
    /// Why `test.txt` cannot be opened where no folder that was given holds it.
    missing: &'static str,
    /// Why a file outside of a folder that was given cannot be opened.
    outside: &'static str,
}

const C: Dialect = Dialect {
    program: "c/copy",
    failed: 1,
    missing: "Capabilities insufficient",
    outside: "Capabilities insufficient",
};

const RUST: Dialect = Dialect {
    program: "rust/copy",
    failed: 0,
    missing: "failed to find a pre-opened file descriptor through which \"test.txt\" could be opened",
    outside: "Capabilities insufficient (os error 76)",
};

impl Dialect {
    fn place(&self) -> Place {
        Place::new(&built(self.program))
    }

    #[track_caller]
    fn refuses(&self, line: &str, err: &str) {
        let place = self.place();
        place.expect(line, self.failed, "", err);
        place.expect_files(&[]);
    }

    #[track_caller]
    fn copies(&self, line: &str, to: &str) {
        let place = self.place();
        place.expect(line, 0, "", "");
        place.expect_files(&[(to, "hello world\n")]);
    }
}

#[test]
fn without_arguments_it_says_how_to_use_it() {
    for dialect in [C, RUST] {
        for line in ["demo.wasm", "run demo.wasm", "demo.wasm test.txt", "demo.wasm --dir=."] {
            dialect.refuses(line, "usage: demo.wasm <from> <to>\n");
        }
    }
}

#[test]
fn without_a_folder_nothing_can_be_opened() {
    if std::env::var_os(ELSEWHERE).is_some() {
        // Each version of a C library has another text for a name that no folder leads to.
        return;
    }
    for dialect in [C, RUST] {
        let said = format!("error opening input test.txt: {}\n", dialect.missing);
        dialect.refuses("demo.wasm test.txt OTHER/somewhere.txt", &said);
        // The guest's library looks for `.`, and knows no absolute name of it.
        dialect.refuses("run --dir=PWD --dir=OTHER demo.wasm test.txt OTHER/somewhere.txt", &said);
        dialect.refuses("demo.wasm --dir=OTHER test.txt OTHER/somewhere.txt", &said);
    }
}

#[test]
fn with_both_folders_it_copies() {
    for dialect in [C, RUST] {
        for line in [
            "run --dir=. --dir=OTHER demo.wasm test.txt OTHER/somewhere.txt",
            "--dir=. --dir=OTHER demo.wasm test.txt OTHER/somewhere.txt",
            "demo.wasm --dir=. --dir=OTHER test.txt OTHER/somewhere.txt",
            "run --dir . --dir OTHER demo.wasm ./test.txt OTHER/./somewhere.txt",
            "run --dir PWD --dir OTHER demo.wasm PWD/test.txt OTHER/somewhere.txt",
            "run --dir-ro . --dir OTHER demo.wasm test.txt OTHER/somewhere.txt",
        ] {
            dialect.copies(line, "other/somewhere.txt");
        }
        dialect.copies("demo.wasm --dir=. test.txt copy.txt", "work/copy.txt");
    }
}

#[test]
fn a_parent_leads_nowhere() {
    for dialect in [C, RUST] {
        for to in ["OTHER/../secret", "OTHER/../../../../../../../etc/passwd", "OTHER/../other/new"] {
            let said = format!("error opening output {to}: {}\n", dialect.outside);
            dialect.refuses(&format!("run --dir=. --dir=OTHER demo.wasm test.txt {to}"), &said);
        }
        let said = format!("error opening input ../secret: {}\n", dialect.outside);
        dialect.refuses("run --dir=. demo.wasm ../secret copy.txt", &said);
    }
}

#[test]
fn a_link_leads_nowhere_else() {
    for dialect in [C, RUST] {
        for target in ["../secret", "/etc/passwd"] {
            let place = dialect.place();
            symlink(target, place.file("work/link")).unwrap();
            for (line, doing) in
                [("demo.wasm --dir=. link copy.txt", "input"), ("demo.wasm --dir=. test.txt link", "output")]
            {
                let said = format!("error opening {doing} link: {}\n", dialect.outside);
                place.expect(line, dialect.failed, "", &said);
            }
            place.remove("work/link");
            place.expect_files(&[]);
        }
    }
}

#[test]
fn a_folder_has_the_name_that_it_is_given() {
    for dialect in [C, RUST] {
        for option in
            ["--mapdir=/tmp::OTHER", "--mapdir=/tmp:OTHER", "--dir=OTHER::/tmp", "--mapdir /tmp:OTHER"]
        {
            let line = format!("run --dir=. {option} demo.wasm test.txt /tmp/somewhere.txt");
            dialect.copies(&line, "other/somewhere.txt");
        }
        dialect.copies("run --mapdir=/::. --mapdir=/deep/er:OTHER demo.wasm test.txt deep/er/x", "other/x");
        dialect.copies("run --dir=.::/ demo.wasm test.txt /copy.txt", "work/copy.txt");
    }
}

#[test]
fn a_read_only_folder_is_not_changed() {
    for (dialect, text) in [(C, "Read-only file system"), (RUST, "Read-only file system (os error 69)")] {
        let said = format!("error opening output copy.txt: {text}\n");
        dialect.refuses("run --dir-ro=. demo.wasm test.txt copy.txt", &said);
    }
}

#[test]
fn a_lister_gives_the_files_of_a_folder_with_their_sizes() {
    let place = Place::new(&built("rust/sizer"));
    let size = std::fs::metadata(place.file("work/demo.wasm")).unwrap().len();
    let out = format!("{size:>10} demo.wasm\n        12 test.txt\n{:>10} bytes in 2 files\n", size + 12);
    for line in ["demo.wasm --dir=. .", "run --dir=. demo.wasm .", "run --dir-ro=.::/ demo.wasm /"] {
        place.expect(line, 0, &out, "");
    }
    place.expect("demo.wasm --dir=OTHER OTHER", 0, "         0 bytes in 0 files\n", "");
    place.expect("demo.wasm", 2, "", "usage: sizer <folder>\n");
    let refused = place.run("demo.wasm .");
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.starts_with(".: failed to find a pre-opened file descriptor"), "{}", refused.err);
    place.expect("demo.wasm --dir=. gone", 1, "", "gone: No such file or directory (os error 44)\n");
    place.expect("demo.wasm --dir=. test.txt", 1, "", "test.txt: Not a directory (os error 54)\n");
}

#[test]
fn text_modules_run_as_they_are() {
    let hooray = sources().join("wat/hooray.wat");
    for words in [vec!["run"], vec![]] {
        let ran = wassay(&[words, vec![hooray.to_str().unwrap()]].concat());
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "Hooray it's WASI\n", ""));
    }
    let place = Place::new(&sources().join("wat/folder.wat"));
    // BADF: there is no descriptor 3.
    place.expect("demo.wasm", 8, "", "");
    // ROFS.
    place.expect("demo.wasm --dir-ro=.", 69, "", "");
    assert!(!place.file("work/wasi-folder").exists());
    place.expect("demo.wasm --dir=.", 0, "", "");
    assert!(place.file("work/wasi-folder").is_dir());
    // EXIST.
    place.expect("demo.wasm --dir=.", 20, "", "");
    place.expect("demo.wasm --dir-ro=.", 20, "", "");
}
