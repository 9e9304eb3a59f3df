//! Checks that the cost of a script is linear in the number of its items: each kind of script is
//! doubled until it takes long enough, and the time must not grow much more than the size.
//!
//! `cargo bench -p wassay --bench linear [-- NAME...]`; it exits with 1 if a cost is not linear.

// A benchmark prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used, missing_docs)]

mod cases;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wassay::batch::{self, Selection, Settings, Workers};
use wassay_engine::Features;
use wassay_testsuite::directory;

/// A script is doubled until running it takes at least this long.
const LONG: Duration = Duration::from_millis(50);

/// The most that its time may grow by when it is doubled. The caches of a processor alone make it
/// more than 2; what is quadratic has 4.
const RATIO: f64 = 2.6;

/// So often it is doubled once more before a ratio counts as what it is.
const TRIES: usize = 3;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut all_linear = true;
    for (name, text) in cases::CASES {
        if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let (count, time, ratio) = growth(text);
        let linear = ratio < RATIO;
        all_linear &= linear;
        let verdict = if linear { "" } else { "  NOT LINEAR" };
        println!("{name:36} {count:9}  {:7.1} ms  x{ratio:4.2}{verdict}", time.as_secs_f64() * 1e3);
    }
    if all_linear { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A number of repetitions, how long a script with that many takes, and how many times as long as
/// one with half of them.
fn growth(text: &cases::Text) -> (usize, Duration, f64) {
    let (mut count, mut half) = (500, cost(&text(500)));
    let mut least = (0, Duration::ZERO, f64::INFINITY);
    let mut tries = 0;
    loop {
        count *= 2;
        let whole = cost(&text(count));
        let ratio = whole.as_secs_f64() / half.as_secs_f64().max(1e-6);
        if half > LONG || count > 2_000_000 {
            tries += 1;
            if ratio < least.2 {
                least = (count, whole, ratio);
            }
            if ratio < RATIO || tries == TRIES || count > 2_000_000 {
                return least;
            }
        }
        half = whole;
    }
}

/// The least time that reading, running, rendering and reporting a script takes.
fn cost(text: &str) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wast");
    std::fs::write(&path, text).unwrap();
    let selections = [Selection::all(directory::open(&path).unwrap())];
    let settings = || Settings {
        features: Some("3.0,legacy-exceptions".parse::<Features>().unwrap()),
        keys: true,
        ..Settings::default()
    };
    let once = || {
        let workers = Workers::start(NonZeroUsize::MIN, batch::embedder).unwrap();
        let begun = Instant::now();
        for finished in batch::run(&workers, &selections, settings(), |_, _| {}).into_iter().flatten() {
            std::hint::black_box((finished.render(true), finished.case("a.wast")));
        }
        begun.elapsed()
    };
    let first = once();
    let repeats = if first > 10 * LONG { 1 } else { 2 };
    (0..repeats).map(|_| once()).fold(first, Duration::min)
}
