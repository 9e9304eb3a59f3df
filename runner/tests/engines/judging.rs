//! Judges scripts on two engines, and with altered expectations.

use wassay::script::model::Script as Parsed;
use wassay::script::plan::{Alter, Engine, Reply, ScriptPlan, compile};
use wassay::script::reading::Reading;
use wassay::script::source::Source;
use wassay::script::wap::Hello;
use wassay::script::{EngineEmbedder, Grammar, Judges, Options, parse_as};
use wassay::verdict::{Outcome, Verdict};
use wassay_engine::Config;
use wassay_testsuite::Script;

/// Asserts that the directives of scripts have the same verdict on our engine directly and on
/// another one, but for those that `is_apart` accepts. Returns how many were compared.
pub(super) fn same_verdicts(
    scripts: &[Script],
    driven: &mut impl Judges,
    mut is_apart: impl FnMut(Verdict<'_>) -> bool,
) -> usize {
    let mut direct = EngineEmbedder::new(Config::new());
    let (mut judged, mut differ) = (0, Vec::new());
    each(scripts, |script, options| {
        let reading = Reading::new(&script.source, Grammar::of(options.features)).unwrap();
        let (direct, driven) = (direct.judge(&reading, options), driven.judge(&reading, options));
        assert_eq!(direct.directives.len(), driven.directives.len(), "{}", direct.name);
        for (one, other) in direct.directives.iter().zip(&driven.directives) {
            assert_eq!((one.place, &one.keyword), (other.place, &other.keyword));
            if is_apart(other) {
                continue;
            }
            judged += 1;
            if verdict(one) != verdict(other) {
                let (name, place) = (&direct.name, one.place);
                differ.push(format!("{name}:{place}: {:?} and {:?}", one.outcome, other.outcome));
            }
        }
    });
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    judged
}

fn verdict(directive: Verdict<'_>) -> String {
    match directive.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        other => format!("{other:?}"),
    }
}

/// Asserts that no directive of scripts passes with its expectation altered at `part`. Returns how
/// many failed.
pub(super) fn none_altered_passes(
    scripts: &[Script],
    part: usize,
    hello: &Hello,
    mut answers: impl FnMut(&ScriptPlan) -> Vec<Reply>,
) -> usize {
    let engine = Engine { hello: hello.clone(), ..Engine::default() };
    let (mut failed, mut met) = (0, Vec::new());
    each(scripts, |script, options| {
        let plan = compile(script, options, &[], Some(Alter(part)));
        for directive in &plan.judge(&answers(&plan), &engine).directives {
            match directive.outcome {
                Outcome::Failed(_) => failed += 1,
                Outcome::Passed => met.push(format!("{}:{}", plan.name, directive.place)),
                _ => {}
            }
        }
    });
    assert!(met.is_empty(), "{met:#?}");
    failed
}

/// Calls `judge` with each script, parsed, under its features.
fn each(scripts: &[Script], mut judge: impl FnMut(&Parsed<'_>, &Options)) {
    for script in scripts {
        let text = script.read().unwrap();
        let header = wassay_testsuite::header::parse(script.name(), &text).unwrap();
        let features = header.features.as_deref().unwrap_or(script.features()).parse().unwrap();
        let options = Options { features, ..Options::default() };
        judge(&parse_as(Source::new(script.name(), &text), Grammar::of(features)).unwrap(), &options);
    }
}
