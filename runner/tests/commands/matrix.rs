//! Process tests of `wassay matrix`.

use crate::common::engines::folder;
use crate::common::{Folder, wassay};
use serde_json::Value;

/// Makes a matrix of reports of the folder.
fn matrix(folder: &Folder, reports: &[&str], more: &[&str]) -> crate::common::Ran {
    let mut args = vec!["matrix".to_owned()];
    args.extend(reports.iter().map(|name| folder.arg(&format!("{name}.json"))));
    args.extend(more.iter().map(|word| (*word).to_owned()));
    wassay(&args)
}

fn json(folder: &Folder, reports: &[&str], more: &[&str]) -> Value {
    let ran = matrix(folder, reports, &[&["-o", "-", "--format", "json"], more].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn a_run_says_which_modules_compile() {
    let folder = folder();
    let value = json(&folder, &["a"], &[]);
    let groups = value["groups"].as_array().unwrap();
    let rows: Vec<&Value> = groups.iter().flat_map(|group| group["rows"].as_array().unwrap()).collect();
    let of = |feature: &str| rows.iter().find(|row| row["feature"] == feature).unwrap()["cells"][0].clone();
    for feature in ["", "gc"] {
        let cell = of(feature);
        assert_eq!((&cell["state"], &cell["modules"]["passed"]), (&"full".into(), &1.into()), "{feature}");
    }
    assert_eq!(of("gc")["directives"]["passed"], 3);
}

#[test]
fn each_format_is_written_and_the_file_says_which() {
    let folder = folder();
    for (file, begins) in [
        ("m.html", "<!doctype html>"),
        ("m.md", "## Engines and proposals\n"),
        ("m.json", "{\n  \"schema\": 1,\n  \"columns\""),
    ] {
        let out = folder.arg(file);
        let ran = matrix(&folder, &["a", "b", "c", "d"], &["-o", &out]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
        let text = std::fs::read_to_string(folder.file(file)).unwrap();
        assert!(text.starts_with(begins), "{file}: {text}");
    }
    let ran = matrix(&folder, &["a", "c"], &["-o", "-", "--format", "features-json"]);
    let features: Value = serde_json::from_str(&ran.out).unwrap();
    let gc = |engine: &str| features["browsers"][engine]["features"]["gc"].clone();
    assert_eq!((gc("alpha"), gc("gamma")), (Value::from(true), Value::from(false)));
}

#[test]
fn engines_disagree_where_they_do() {
    let folder = folder();
    let value = json(&folder, &["a", "b", "c", "d"], &[]);
    let titles: Vec<&str> = value["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["engine"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["alpha", "beta", "beta", "gamma"]);
    let found = &value["disagreements"];
    assert_eq!(
        (&found["one_fails"], &found["all_fail"], &found["differ"]),
        (&1.into(), &0.into(), &0.into())
    );
    assert_eq!(found["directives"][0]["case"], "good.wast");
}

#[test]
fn an_incomplete_run_is_left_out_with_a_note() {
    let folder = folder();
    let cut = std::fs::read_to_string(folder.file("b.json")).unwrap();
    std::fs::write(
        folder.file("cut.json"),
        cut.replacen("\"host\"", "\"interrupted\": true,\n  \"host\"", 1),
    )
    .unwrap();
    let out = folder.arg("m.json");
    let ran = matrix(&folder, &["a", "cut"], &["-o", &out]);
    let line = format!("{}: not shown (beta 1.0): the run was interrupted\n", folder.arg("cut.json"));
    assert_eq!((ran.code, ran.err), (0, line));
    // Alone there is nothing to show, and nothing is written over.
    std::fs::write(folder.file("m.json"), "mine").unwrap();
    let ran = matrix(&folder, &["cut"], &["-o", &out]);
    assert!(
        ran.code == 2 && ran.err.contains("expected at least one report of a complete run"),
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read_to_string(folder.file("m.json")).unwrap(), "mine");
    // An older run replaces it.
    let history = folder.arg("b.json");
    let ran = matrix(&folder, &["cut"], &["--history", &history, "-o", &out]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn wrong_usage_is_said() {
    let folder = folder();
    let file = folder.arg("a.json");
    for (args, expected) in [
        (vec!["matrix"], "<REPORT>"),
        (vec!["matrix", &file], "--output <FILE>"),
        (vec!["matrix", &file, "-o", &file], "the command reads this file"),
        (
            vec!["matrix", &file, "-o", "-", "--format", "xml"],
            "[possible values: html, markdown, json, features-json]",
        ),
        (vec!["matrix", "gone.json", "-o", "-"], "gone.json: cannot read the report"),
        (vec!["matrix", &file, "-o", "gone/m.html"], "gone/m.html: cannot write the report"),
    ] {
        let ran = wassay(&args);
        assert!(ran.code == 2 && ran.err.contains(expected), "{args:?}: {}", ran.err);
    }
}
