//! Checks with small scripts, judged as usual and with wrong expectations.

use std::sync::Arc;
use std::time::Duration;

use wassay_script::plan::{Alter, Engine, compile};
use wassay_script::reading::Reading;
use wassay_script::source::Source;
use wassay_script::verdict::{Outcome, ScriptResult};
use wassay_script::{Features, Grammar, Judges, Options, parse_as};

use super::finding::Finding;
use crate::driver::{Driver, Known, Limits};

/// A topic, the features that its script is judged under, and the script.
const SCRIPTS: [(&str, &str, &str); 6] = [
    ("numbers", "2.0", include_str!("scripts/numbers.wast")),
    ("vectors", "2.0", include_str!("scripts/vectors.wast")),
    ("references", "2.0", include_str!("scripts/references.wast")),
    ("linking and spectest", "2.0", include_str!("scripts/linking.wast")),
    ("exceptions", "3.0", include_str!("scripts/exceptions.wast")),
    ("objects", "3.0", include_str!("scripts/objects.wast")),
];
/// A script with an endless loop between directives that pass.
const ENDLESS: &str = include_str!("scripts/endless.wast");
/// The time limit for the endless script.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time limit for other scripts.
const TIME: Duration = Duration::from_secs(30);

pub(super) fn check(known: &Arc<Known>, tell: &mut dyn FnMut(Finding)) {
    let mut driver = known.driver();
    for (topic, features, text) in SCRIPTS {
        let features = features.parse().unwrap_or_default();
        script(&mut driver, topic, features, text).into_iter().for_each(&mut *tell);
    }
    tell(recovers(known));
}

fn script(driver: &mut Driver, topic: &str, features: Features, text: &str) -> Vec<Finding> {
    let what = format!("correct expectations pass: {topic}");
    let Some(result) = judged(driver, topic, features, text) else {
        return vec![Finding::note(&what, "not checked: the script does not parse")];
    };
    let place = |failed: &str| format!("{topic}.wast:{failed}");
    let mut failed = result
        .failures()
        .map(|(directive, failure)| format!("{}: {}: {}", directive.place, failure.kind, failure.message));
    let is_module =
        result.directives.iter().next().is_some_and(|first| !matches!(first.outcome, Outcome::Passed));
    match failed.next() {
        Some(why) if is_module => {
            return vec![Finding::note(&what, format!("not checked: the engine rejects the module: {why}"))];
        }
        Some(why) => {
            let more = failed.count();
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let fix = "a conforming engine gives these results: find out whether the engine or the adapter is wrong";
            return vec![Finding::bad(&what, format!("{}{more}", place(&why)), fix)];
        }
        None => {}
    }
    let mut findings = vec![Finding::good(&what)];
    findings.push(control(driver, topic, features, text));
    findings
}

fn judged(driver: &mut Driver, topic: &str, features: Features, text: &str) -> Option<ScriptResult> {
    let source = Source::new(topic, text);
    let reading = Reading::new(&source, Grammar::of(features)).ok()?;
    Some(driver.judge(&reading, &Options { features, timeout: Some(TIME), ..Options::default() }))
}

/// Checks for false passes: with an altered expectation, each directive must fail.
fn control(driver: &mut Driver, topic: &str, features: Features, text: &str) -> Finding {
    let what = format!("wrong expectations fail: {topic}");
    let Ok(script) = parse_as(Source::new(topic, text), Grammar::of(features)) else {
        return Finding::note(&what, "not checked: the script does not parse");
    };
    let options = Options { features, ..Options::default() };
    let engine = Engine { hello: driver.hello().clone(), ..Engine::default() };
    let mut met = Vec::new();
    for part in [0, 15] {
        let plan = compile(&script, &options, &[], Some(Alter(part)));
        let replies = driver.run(&plan, TIME);
        for directive in &plan.judge(&replies, &engine).directives {
            if matches!(directive.outcome, Outcome::Passed) {
                met.push(format!("{topic}.wast:{}: {}", directive.place, directive.keyword));
            }
        }
    }
    met.dedup();
    match met.first() {
        None => Finding::good(&what),
        Some(first) => Finding::bad(
            &what,
            format!("{first} passes despite a wrong expectation, and {} more", met.len() - 1),
            "answer with the actual result: `v` and the number that the function returns, and `ok` only on success",
        ),
    }
}

/// Checks that a hanging engine is killed, and later directives are judged.
fn recovers(known: &Arc<Known>) -> Finding {
    let what = "an endless loop fails only one directive";
    let limits = Limits { request: PATIENCE, ..known.limits() };
    let mut driver = Arc::new(Known::clone(known).within(limits)).driver();
    let Some(result) = judged(&mut driver, "endless", Features::default(), ENDLESS) else {
        return Finding::note(what, "not checked: the script does not parse");
    };
    let lines: Vec<(usize, String)> = result
        .failures()
        .map(|(directive, failure)| (directive.place.line, failure.kind.to_string()))
        .collect();
    match lines.as_slice() {
        [(4, kind)] if kind.contains("timeout") => Finding::good(what),
        [] => Finding::bad(what, "the endless loop ended", "call the function that `V` names"),
        _ => {
            let lines = lines.iter().map(|(line, kind)| format!("endless.wast:{line}: {kind}"));
            let why =
                format!("expected endless.wast:4 to time out, got {}", lines.collect::<Vec<_>>().join(", "));
            Finding::bad(
                what,
                why,
                "the adapter is restarted after it was killed: it must not depend on an earlier process",
            )
        }
    }
}
