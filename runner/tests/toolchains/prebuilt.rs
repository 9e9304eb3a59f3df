//! The programs in C and Rust that lie in the repository are what their sources say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use wassay_drive::program::path_with_default;

use crate::common::trials::{NotRun, find, ignored, trial};
use crate::common::{Folder, run};
use crate::guests::sources;

/// The tests of programs in a language.
type Test = fn(&str) -> Result<(), NotRun>;

/// The languages, with a compiler whose absence is seen without starting anything.
const LANGUAGES: [(&str, &str); 2] = [("c", "clang"), ("rust", "rustc")];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("prebuilt::programs_are_small", programs_are_small)];
    for (language, compiler) in LANGUAGES {
        let tests: [(&str, Test); 2] = [
            ("are_what_their_sources_say", |language| compare(language, &[])),
            ("depend_on_their_compilers_alone", depend_on_their_compilers_alone),
        ];
        for (name, test) in tests {
            let name = format!("prebuilt::programs_in_{language}_{name}");
            trials.push(match find(&["bash"]).and_then(|_| find(&[compiler])) {
                Ok(_) => trial(&name, move || test(language)),
                Err(why) => ignored(&name, why),
            });
        }
    }
    trials
}

/// `testsuite/guests/build.sh` with these variables set.
fn script(args: &[&str], variables: &[(&str, String)]) -> crate::common::Ran {
    let mut script = Command::new(sources().join("build.sh"));
    script.args(args).envs(variables.iter().map(|(name, value)| (name, value)));
    // A rustup proxy finds its compiler by them.
    for name in ["HOME", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            script.env(name, value);
        }
    }
    run(&mut script)
}

/// Whether this machine has the compilers that built the programs of a language.
pub(crate) fn same_compilers(language: &str) -> Result<(), NotRun> {
    let found = script(&["--compilers", language], &[]);
    if found.code != 0 {
        let why = found.out.lines().chain(found.err.lines()).next().unwrap_or("no compiler").to_owned();
        return Err(NotRun(why));
    }
    let recorded = fs::read_to_string(sources().join(language).join("compilers")).unwrap();
    let differs = |(found, recorded): &(&str, &str)| found != recorded;
    if let Some((found, recorded)) = found.out.lines().zip(recorded.lines()).find(differs) {
        return Err(NotRun(format!("{found} differs from the recorded {recorded}")));
    }
    if found.out != recorded {
        return Err(NotRun(format!("another number of tools than recorded in guests/{language}/compilers")));
    }
    Ok(())
}

/// The programs below a folder, with their bytes.
fn programs(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| (path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// The compilers that built the programs build each of them again to the byte, whatever variables
/// are set.
fn compare(language: &str, variables: &[(&str, String)]) -> Result<(), NotRun> {
    same_compilers(language)?;
    let folder = Folder::new::<&str>(&[]);
    let to = folder.arg("built here");
    let ran = script(&[language, &to], variables);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (ours, built) = (programs(&sources().join(language)), programs(Path::new(&to)));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        built.keys().collect::<Vec<_>>(),
        "each source has its program"
    );
    for (name, bytes) in &ours {
        assert!(
            bytes == &built[name],
            "guests/{language}/{} is not what its source says: run testsuite/guests/build.sh {language}",
            name.display()
        );
    }
    Ok(())
}

/// Neither `wasm-opt`, nor headers, libraries and options that the environment names have a part in
/// a program.
fn depend_on_their_compilers_alone(language: &str) -> Result<(), NotRun> {
    let folder = Folder::new(&[("headers/stdio.h", "#error not the one of the sysroot\n")]);
    crate::machines::install(&folder, "tools/wasm-opt", "for file; do echo spoiled > \"$file\"; done");
    let (tools, headers) = (folder.arg("tools"), folder.arg("headers"));
    let path = format!("{tools}:{}", path_with_default().display());
    let variables = [
        ("PATH", path),
        ("COMPILER_PATH", tools),
        ("CPATH", headers.clone()),
        ("C_INCLUDE_PATH", headers.clone()),
        ("LIBRARY_PATH", headers),
        ("CCC_OVERRIDE_OPTIONS", "+-O0".to_owned()),
        ("CFLAGS", "-O0".to_owned()),
        ("RUSTFLAGS", "-Copt-level=0".to_owned()),
        ("LANG", "de_DE.UTF-8".to_owned()),
        ("SOURCE_DATE_EPOCH", "1".to_owned()),
    ];
    compare(language, &variables)
}

fn programs_are_small() {
    for (language, _) in LANGUAGES {
        for (name, bytes) in programs(&sources().join(language)) {
            assert!(bytes.len() < 150_000, "{language}/{}: {} bytes", name.display(), bytes.len());
        }
    }
}
