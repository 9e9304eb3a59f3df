//! What whole suites cost in one process: reading scripts, and running them on one thread and on
//! two.
//!
//! `cargo bench -p wassay`; `docs/performance.md` has the figures of a day and a machine.

#![allow(clippy::unwrap_used, missing_docs)]

use std::num::NonZeroUsize;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wassay::batch::{self, Finished, Selection, Settings, Workers};
use wassay::script::parse;
use wassay::script::source::Source;
use wassay_testsuite::catalogue;

fn selections() -> Vec<Selection> {
    ["spec-v1", "spec-v2"].map(|name| Selection::all(catalogue::find(name).unwrap().clone())).into()
}

fn read(c: &mut Criterion) {
    let selections = selections();
    let texts: Vec<_> =
        selections.iter().flat_map(|s| s.suite.scripts()).map(|script| script.read().unwrap()).collect();
    let mut group = c.benchmark_group("read");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
    group.bench_function("spec-v1 and spec-v2: split, parse and encode", |b| {
        b.iter(|| {
            texts
                .iter()
                .map(|text| parse(Source::new("bench", text)).unwrap().directives.len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn run(c: &mut Criterion) {
    let selections = selections();
    let mut group = c.benchmark_group("run");
    group.sample_size(10);
    for jobs in [1, 2] {
        let workers = Workers::start(NonZeroUsize::new(jobs).unwrap(), batch::embedder).unwrap();
        let count = || batch::run(&workers, &selections, Settings::default(), |_, _| {});
        let directives: usize = count().iter().flatten().map(Finished::directives).sum();
        group.throughput(Throughput::Elements(directives as u64));
        group.bench_function(format!("spec-v1 and spec-v2, {jobs} jobs"), |b| b.iter(count));
    }
    group.finish();
}

criterion_group!(benches, read, run);
criterion_main!(benches);
