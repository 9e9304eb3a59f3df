//! Our own engine directly and through the protocol: the same verdict for every directive, and none
//! that passes whatever is expected.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use wassay::script::plan::{Alter, Engine, compile};
use wassay::script::reading::Reading;
use wassay::script::source::Source;
use wassay::script::{EngineEmbedder, Grammar, Judges, Options, parse_as};
use wassay::verdict::{Apart, Outcome, Verdict};
use wassay_drive::{Command, Driver, Known, Limits};
use wassay_engine::Config;
use wassay_testsuite::{Script, catalogue};

use super::common::trials::trial;
use super::common::with_stack;
use super::own;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("both_ways::every_directive_has_the_same_verdict", || with_stack(same_verdicts)),
        trial("both_ways::no_altered_expectation_is_met", || with_stack(altered)),
    ]
}

fn driver() -> Driver {
    let limits =
        Limits { request: Duration::from_secs(60), script: Duration::from_secs(120), ..Limits::default() };
    Arc::new(Known::ask(Command::read(&own()).unwrap(), limits).unwrap()).driver()
}

/// The scripts that are judged both ways: those of ours, and of proposals that use all that
/// wrappers have.
fn scripts() -> Vec<Script> {
    let suites = ["scripts", "proposals/exception-handling", "proposals/gc", "proposals/threads"];
    let found = suites.iter().filter_map(|name| catalogue::find(name));
    let scripts: Vec<Script> = found.flat_map(|suite| suite.scripts()).collect();
    assert!(scripts.len() > 20, "{} scripts", scripts.len());
    scripts
}

/// Does something with each script under its features.
fn each(mut judge: impl FnMut(&wassay::script::model::Script<'_>, &Options)) {
    for script in scripts() {
        let text = script.read().unwrap();
        let header = wassay_testsuite::header::parse(script.name(), &text).unwrap();
        let features = header.features.as_deref().unwrap_or(script.features()).parse().unwrap();
        let options = Options { features, ..Options::default() };
        judge(&parse_as(Source::new(script.name(), &text), Grammar::of(features)).unwrap(), &options);
    }
}

/// Whether a directive can only be judged directly: text, custom sections and threads.
fn is_direct_only(directive: Verdict<'_>) -> bool {
    matches!(directive.outcome, Outcome::Apart(Apart::NotApplicable, _))
}

fn same_verdicts() {
    let (mut direct, mut driven) = (EngineEmbedder::new(Config::new()), driver());
    let (mut judged, mut differ) = (0, Vec::new());
    each(|script, options| {
        let reading = Reading::new(&script.source, Grammar::of(options.features)).unwrap();
        let (direct, driven) = (direct.judge(&reading, options), driven.judge(&reading, options));
        assert_eq!(direct.directives.len(), driven.directives.len(), "{}", direct.name);
        for (one, other) in direct.directives.iter().zip(&driven.directives) {
            assert_eq!((one.place, &one.keyword), (other.place, &other.keyword));
            if is_direct_only(other) {
                continue;
            }
            judged += 1;
            let verdict = |directive: Verdict<'_>| match directive.outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Failed(failure) => failure.kind.to_string(),
                other => format!("{other:?}"),
            };
            if verdict(one) != verdict(other) {
                differ.push(format!(
                    "{}:{}: {:?} and {:?}",
                    direct.name, one.place, one.outcome, other.outcome
                ));
            }
        }
    });
    println!("{judged} directives judged both ways");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(judged > 1000, "{judged} directives");
}

fn altered() {
    let mut driver = driver();
    let engine = Engine { hello: driver.hello().clone(), ..Engine::default() };
    let (mut failed, mut met) = (0, Vec::new());
    // Of several results, and of the lanes of a vector, the first and the last.
    for part in [0, 15] {
        each(|script, options| {
            let plan = compile(script, options, &[], Some(Alter(part)));
            let replies = driver.run(&plan, Duration::from_secs(120));
            for directive in &plan.judge(&replies, &engine).directives {
                match directive.outcome {
                    Outcome::Failed(_) => failed += 1,
                    Outcome::Passed => met.push(format!("{}:{}", plan.name, directive.place)),
                    _ => {}
                }
            }
        });
    }
    assert!(met.is_empty(), "{met:#?}");
    assert!(failed > 2000, "{failed} directives");
}
