//! What a call of WASI costs: one program in C makes half a million of them, as a process from
//! start to end, in `wassay`, in wasmtime, and as a native program.
//!
//! `cargo bench -p wassay --bench wasi`. wasmtime is the one that `WASMTIME` names, else the one on
//! the path. Both run without their caches of compiled code (cold) and with them (warm); that of
//! `wassay` is a temporary folder. Files are in memory where the machine has a folder for that, so
//! that calls are measured and not the disk. In the end the fastest runs are compared: `wassay` has
//! to take at most six tenths of the time that wasmtime takes, cold.

// A benchmark prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;

/// 200,000 writes, as many reads, and 20,000 times open, fstat, stat, close and unlink.
const CALLS: u64 = 2 * 200_000 + 5 * 20_000;

/// How much of wasmtime's time `wassay` may take.
const LIMIT: f64 = 0.6;

/// A program to measure, with a name.
type Program = (&'static str, Box<dyn Fn() -> Command>);

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testsuite/guests/c/calls.c")
}

/// A folder in memory, or else any.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A program in a host that gives it the folder as `/`.
fn hosted(name: &'static str, host: PathBuf, options: &'static [&'static str], folder: &Path) -> Program {
    let given = format!("{}::/", folder.display());
    let program = source().with_extension("wasm");
    let command = move || {
        let mut command = Command::new(&host);
        command.arg("run").args(options).args(["--dir", &given]).arg(&program).arg("/");
        command
    };
    (name, Box::new(command))
}

/// The program for this machine, built here.
fn native(folder: &Path, to: &Path) -> Option<Program> {
    let program = to.join("calls");
    let built = Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(source()).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("not run: no C compiler `cc`: the native program");
        return None;
    }
    let folder = folder.to_owned();
    let command = move || {
        let mut command = Command::new(&program);
        command.arg(&folder);
        command
    };
    Some(("native", Box::new(command)))
}

fn wasmtime() -> Option<PathBuf> {
    let name = std::env::var_os("WASMTIME").map_or_else(|| PathBuf::from("wasmtime"), PathBuf::from);
    let version = Command::new(&name).arg("--version").output();
    match version {
        Ok(version) if version.status.success() => {
            println!("compared with {}", String::from_utf8_lossy(&version.stdout).trim());
            Some(name)
        }
        _ => {
            println!("not run: no wasmtime: set WASMTIME to its path, or put it on the path");
            None
        }
    }
}

/// Runs a program once and says how long that took.
fn time(command: &dyn Fn() -> Command) -> Duration {
    let mut command = command();
    let begun = Instant::now();
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    begun.elapsed()
}

fn calls(c: &mut Criterion) {
    let (folder, built) = (folder(), tempfile::tempdir().unwrap());
    let path = folder.path();
    let cache = built.path().join("cache");
    let ours = || PathBuf::from(env!("CARGO_BIN_EXE_wassay"));
    let (_, warm) = hosted("wassay, warm", ours(), &[], path);
    let warm = move || {
        let mut command = warm();
        command.env("XDG_CACHE_HOME", &cache);
        command
    };
    let mut programs =
        vec![hosted("wassay, cold", ours(), &["--no-cache"], path), ("wassay, warm", Box::new(warm) as _)];
    programs.extend(native(path, built.path()));
    if let Some(wasmtime) = wasmtime() {
        programs.push(hosted("wasmtime, cold", wasmtime.clone(), &["-C", "cache=n"], path));
        programs.push(hosted("wasmtime, warm", wasmtime, &["-C", "cache=y"], path));
    }
    let mut group = c.benchmark_group("500,000 calls of WASI");
    group.sample_size(10).measurement_time(Duration::from_secs(15)).throughput(Throughput::Elements(CALLS));
    let mut fastest = Vec::new();
    for (name, command) in &programs {
        let mut best = Duration::MAX;
        group.bench_function(*name, |b| {
            b.iter_custom(|count| {
                let times: Vec<Duration> = (0..count).map(|_| time(command.as_ref())).collect();
                best = times.iter().copied().fold(best, Duration::min);
                times.iter().sum()
            });
        });
        fastest.push((*name, best));
    }
    group.finish();
    compare(&fastest);
}

/// Says how the fastest runs compare, and holds the limit.
fn compare(fastest: &[(&str, Duration)]) {
    // Nothing was measured where benches are only listed, or others were asked for.
    if fastest.iter().any(|(_, time)| *time == Duration::MAX) {
        return;
    }
    let ours = fastest[0].1.as_secs_f64();
    for (name, time) in &fastest[1..] {
        println!("wassay, cold, takes {:.2} of the time of {name}", ours / time.as_secs_f64());
    }
    if let Some((name, time)) = fastest.iter().find(|(name, _)| *name == "wasmtime, cold") {
        let ratio = ours / time.as_secs_f64();
        assert!(ratio <= LIMIT, "{ratio:.2} of the time of {name}: at most {LIMIT} is allowed");
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
