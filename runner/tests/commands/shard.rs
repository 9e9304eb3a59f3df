//! Process tests of `--shard K/N`, and of merging the reports of shards.

use std::time::Duration;

use crate::common::{FAILS, Folder, PASSES, wassay};
use wassay_reports::{Report, json};

/// One suite has expected failures, one a single script, so that it is missing in most shards.
const SUITES: [&str; 4] =
    ["scripts", "proposals/mutable-global", "proposals/wide-arithmetic", "proposals/threads"];

fn read(path: &str) -> Report {
    json::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A report's text, without what is of the moment.
fn without_times(path: &str) -> String {
    let mut report = read(path);
    (report.started, report.duration) = (String::new(), Duration::ZERO);
    for case in report.suites.iter_mut().flat_map(|suite| &mut suite.cases) {
        case.duration = Duration::ZERO;
    }
    json::render(&report)
}

/// Runs suites with these options besides, and writes a report.
fn test(folder: &Folder, file: &str, suites: &[&str], more: &[&str]) -> (String, i32) {
    let path = folder.arg(file);
    let ran = wassay(&[&["test", "--report", &format!("json={path}")], suites, more].concat());
    assert!(ran.code < 2, "{}", ran.err);
    (path, ran.code)
}

fn merged(folder: &Folder, shards: &[String]) -> String {
    let out = folder.arg("merged.json");
    let mut args = vec!["report", "merge", "-o", &out];
    args.extend(shards.iter().map(String::as_str));
    assert_eq!(wassay(&args).code, 0);
    out
}

#[test]
fn four_shards_are_merged_into_what_one_run_finds() {
    let folder = Folder::new(&[("e.toml", "")]);
    let (whole, code) = test(&folder, "whole.json", &SUITES, &[]);
    assert_eq!(code, 0);
    let timings = ["--timings", whole.as_str()];
    for more in [&[][..], &timings] {
        let shards: Vec<String> = (1..=4)
            .map(|number| {
                let shard = format!("--shard={number}/4");
                let (path, code) =
                    test(&folder, &format!("{number}.json"), &SUITES, &[&[shard.as_str()], more].concat());
                // The catalogue has the counts of the whole suite.
                assert_eq!(code, 0, "{number}");
                path
            })
            .collect();
        let sizes: Vec<u64> = shards.iter().map(|path| read(path).totals().cases.total()).collect();
        assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
        let merged = merged(&folder, &shards);
        assert_eq!(read(&merged).totals(), read(&whole).totals());
        assert_eq!(without_times(&merged), without_times(&whole));
    }
}

#[test]
fn more_shards_than_cases_and_failures_among_them() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", FAILS), ("s/deep/c.wast", PASSES)]);
    let suite = folder.arg("s");
    let (whole, code) = test(&folder, "whole.json", &[&suite], &[]);
    assert_eq!(code, 1);
    let (shards, codes): (Vec<String>, Vec<i32>) = (1..=7)
        .map(|number| {
            let shard = format!("--shard={number}/7");
            let ran = test(&folder, &format!("{number}.json"), &[&suite], &[&shard, "--allow-empty"]);
            let is_empty = read(&ran.0).totals().cases.total() == 0;
            let strict = wassay(&["test", &suite, &shard]);
            assert_eq!(strict.code == 2, is_empty, "{}", strict.err);
            assert_eq!(strict.err.starts_with("error: --shard: this shard has no cases"), is_empty);
            ran
        })
        .unzip();
    assert_eq!(codes.iter().sum::<i32>(), 1, "one has what failed");
    assert_eq!(without_times(&merged(&folder, &shards)), without_times(&whole));
}

#[test]
fn a_shard_is_compared_with_its_part_of_the_baseline() {
    let folder = Folder::new(&[("e.toml", "")]);
    let (whole, _) = test(&folder, "whole.json", &SUITES, &[]);
    for number in ["1/3", "2/3", "3/3"] {
        let ran = wassay(&[&["test", "--shard", number, "--baseline", &whole], &SUITES[..]].concat());
        assert_eq!(ran.code, 0, "{}", ran.out);
        assert!(ran.out.contains("\nnothing regressed") && !ran.out.contains("gone"), "{}", ran.out);
    }
}

#[test]
fn what_is_no_shard_is_wrong_usage() {
    let gone = ["--shard", "1/2", "--timings", "gone.json"];
    let wrong: [&[&str]; 5] =
        [&["--shard", "0/2"], &["--shard", "3/2"], &["--shard", "2"], &["--timings", "a.json"], &gone];
    for args in wrong {
        let ran = wassay(&[&["test", "scripts"], args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

#[test]
fn a_lost_shard_is_noticed_and_a_foreign_one_too() {
    let names = (0..12).map(|number| format!("s/{number}.wast"));
    let files: Vec<(String, &str)> = names.map(|name| (name, PASSES)).collect();
    let folder = Folder::new(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    let suite = folder.arg("s");
    let (whole, _) = test(&folder, "whole.json", &[&suite], &[]);
    let shard = |file: &str, shard: &str, more: &[&str]| {
        test(&folder, file, &[&suite], &[&["--shard", shard], more].concat()).0
    };
    let shards = [1, 2, 3].map(|number| shard(&format!("{number}.json"), &format!("{number}/3"), &[]));
    let of_run = read(&shards[1]).shards.unwrap();
    assert_eq!((of_run.numbers.as_slice(), of_run.count, of_run.cases), (&[2][..], 3, 12));
    let out = folder.arg("merged.json");
    let merge =
        |files: &[&str], more: &[&str]| wassay(&[&["report", "merge", "-o", &out], more, files].concat());
    let [one, two, three] = shards.each_ref().map(String::as_str);

    let ran = merge(&[one, three], &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.starts_with("error: shard 2 of 3 is missing: ") && ran.err.contains("--partial"),
        "{}",
        ran.err
    );
    assert!(!folder.file("merged.json").exists());
    let ran = merge(&[one, two, one], &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains(&format!("{one}: shard 1 of 3 is already in {one}")), "{}", ran.err);
    for other in [
        shard("of-four.json", "2/4", &[]),
        shard("filtered.json", "2/3", &["--filter", "1"]),
        shard("ignored.json", "2/3", &["--match", "ignore"]),
        shard("features.json", "2/3", &["--features", "2.0"]),
        shard("timed.json", "2/3", &["--timings", &whole]),
        whole.clone(),
    ] {
        for more in [&[][..], &["--partial"]] {
            let ran = merge(&[one, &other, three], more);
            assert_eq!(ran.code, 2, "{other}");
            assert!(ran.err.contains(&other) && ran.err.lines().count() == 1, "{}", ran.err);
        }
    }

    // A part says that it is one, in every format, and a comparison with the whole is not green.
    assert_eq!(merge(&[one, three], &["--partial"]).code, 0);
    for format in ["json", "junit", "markdown", "html", "badge"] {
        let ran = wassay(&["report", "render", &out, "--to", format]);
        let told = ["shard 2 of 3 is missing", "(incomplete)", "\"numbers\""];
        assert!(told.iter().any(|told| ran.out.contains(told)), "{format}: {}", ran.out);
    }
    let ran = wassay(&["report", "diff", &whole, &out]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("the new report is incomplete: shard 2 of 3 is missing"), "{}", ran.out);
    assert!(ran.out.contains(" was removed: 4 directives") && ran.err.contains("--allow-less"), "{ran:?}");
    assert_eq!(wassay(&["report", "diff", &whole, &out, "--allow-less"]).code, 0);
    // With the shard that was missing it is whole again.
    let part = folder.arg("part.json");
    std::fs::rename(&out, &part).unwrap();
    assert_eq!(merge(&[&part, two], &[]).code, 0);
    assert_eq!(without_times(&out), without_times(&whole));
}
