//! Tests that our engine has the same verdicts directly and through the protocol, and that altered
//! expectations fail.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use wassay::verdict::{Apart, Outcome, Verdict};
use wassay_drive::{Command, Driver, Known, Limits};
use wassay_testsuite::{Script, catalogue};

use super::common::trials::trial;
use super::common::with_stack;
use super::{judging, own};

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
    let suites = ["scripts", "proposals/exceptions", "proposals/gc", "proposals/threads"];
    let found = suites.iter().map(|name| catalogue::find(name).unwrap());
    let scripts: Vec<Script> = found.flat_map(|suite| suite.scripts()).collect();
    assert!(scripts.len() > 20, "{} scripts", scripts.len());
    scripts
}

/// Whether a directive can only be judged directly: text, custom sections and threads.
fn is_direct_only(directive: Verdict<'_>) -> bool {
    matches!(directive.outcome, Outcome::Apart(Apart::NotApplicable, _))
}

fn same_verdicts() {
    let judged = judging::same_verdicts(&scripts(), &mut driver(), is_direct_only);
    println!("{judged} directives judged both ways");
    assert!(judged > 1000, "{judged} directives");
}

fn altered() {
    let (scripts, mut driver) = (scripts(), driver());
    let hello = driver.hello().clone();
    // Of several results, and of the lanes of a vector, the first and the last.
    let failed: usize = [0, 15]
        .into_iter()
        .map(|part| {
            judging::none_altered_passes(&scripts, part, &hello, |plan| {
                driver.run(plan, Duration::from_secs(120))
            })
        })
        .sum();
    assert!(failed > 2000, "{failed} directives");
}
