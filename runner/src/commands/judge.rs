//! `wassay judge`: judges an engine's recorded answers to a plan.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use wassay_reports::terminal::Text;
use wassay_reports::{Case, Key, Report, Suite, summary};
use wassay_script::plan::file::{Plan, ScriptHeader, replies};
use wassay_script::plan::{Engine, Reply, ScriptPlan};
use wassay_script::source::Place;
use wassay_script::wap::Hello;

use super::checkout::annotate;
use super::report_file::{self, ReportFile, check_all, write_all};
use super::{Begin, Console, Error, Exit, plural, protect, show};
use crate::batch::{End, Finished, uses};
use crate::printer;
use crate::verdict::{Apart, Outcome};

/// Judge an engine's answers to a plan
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long = "report", value_name = "FORMAT=FILE", help = report_file::help())]
    reports: Vec<ReportFile>,
    /// The plan that `wassay plan` wrote
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The answers of an adapter, one line per request; may be compressed
    #[arg(value_name = "ANSWERS")]
    answers: PathBuf,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    check_all(&args.reports)?;
    let files = [args.plan.clone(), args.answers.clone()];
    let reports: Vec<&Path> = args.reports.iter().map(ReportFile::path).collect();
    protect::refuse_overwrites(&reports, &files, &[])?;
    let begin = Begin::now();
    let plan = Plan::read(open(&args.plan, "the plan")?)
        .map_err(|error| Error::Usage(format!("{}: {error}", args.plan.display())))?;
    let requests = plan.requests();
    let (replies, answers) = replies(open(&args.answers, "the answers")?, requests)
        .map_err(|error| Error::Usage(format!("{}: {error}", args.answers.display())))?;
    let unusable = |error: String| Error::Usage(format!("{}: {error}", args.answers.display()));
    let hello = match replies.first() {
        Some(Reply::Answered(answer)) => {
            Hello::read(answer).map_err(|error| unusable(format!("line 1: {error}")))?
        }
        Some(Reply::Broken(why)) => return Err(unusable(format!("line 1: {why}"))),
        _ => return Err(unusable("expected an answer to each request, but the file has none".to_owned())),
    };
    if requests != answers {
        let (requests, answers) = (plural(requests, "request"), plural(answers, "answer"));
        printer::warning(&format!("{}: {answers} to {requests}", args.answers.display()));
    }
    let engine = Engine { hello, match_kind: plan.header.match_kind };
    let judged = judged(&plan, &replies, &engine);
    if plan.header.altered {
        return control(&judged);
    }
    let identity = engine.hello.identity();
    let suites = plan.suites.iter().zip(&judged).map(|((suite, _), finished)| {
        let cases = finished.iter().map(|(name, finished)| finished.case(name)).collect();
        Suite { url: suite.url.clone(), ..Suite::new(suite.name.clone(), suite.source.clone(), cases) }
    });
    let report = begin.report(identity, plan.header.match_kind, suites.collect());
    finish(&args, &report, &judged)
}

/// The maximum number of reasons for unjudged directives to show.
const MOST_REASONS: usize = 12;

/// The scripts of each suite, by name.
type Judged = Vec<Vec<(String, Finished)>>;

fn judged(plan: &Plan, replies: &[Reply], engine: &Engine) -> Judged {
    let mut at = 1;
    let mut of_script = |header: &ScriptHeader, script: &ScriptPlan| {
        let begin = at.min(replies.len());
        at += script.requests.len();
        let replies = replies.get(begin..at.min(replies.len())).unwrap_or_default();
        (header.name.clone(), finished(header, script, replies, engine))
    };
    let suites = plan.suites.iter();
    suites
        .map(|(_, scripts)| scripts.iter().map(|(header, script)| of_script(header, script)).collect())
        .collect()
}

fn finished(header: &ScriptHeader, script: &ScriptPlan, replies: &[Reply], engine: &Engine) -> Finished {
    let label = header.label.clone();
    if let Some(message) = &header.unusable {
        return Finished::new(label, End::Unusable { message: message.clone(), place: None });
    }
    let broken: Vec<Reply>;
    let replies = match script.in_step(replies) {
        Ok(()) => replies,
        Err(why) => {
            broken = script.out_of_step(why);
            &broken
        }
    };
    let keys = script.directives.iter();
    let keys: Vec<(Place, Key)> = keys.filter_map(|planned| Some((planned.place, planned.key?))).collect();
    let result = script.judge(replies, engine);
    let needs = uses::of_plan(&header.needs, script, &result, &keys);
    let features = Some(header.features.clone());
    Finished { keys, needs, features, ..Finished::new(label, End::Judged(result)) }
}

fn open(path: &Path, what: &str) -> Result<File, Error> {
    let opened = File::open(path);
    opened.map_err(|error| Error::Usage(format!("{}: cannot read {what}: {error}", path.display())))
}

/// Prints the results and writes the reports.
fn finish(args: &Args, report: &Report, judged: &Judged) -> Result<Exit, Error> {
    let console = Console::new(args.reports.iter().any(ReportFile::takes_stdout));
    let colour = console.has_colour();
    let mut text = Text::new(colour);
    judged.iter().flatten().for_each(|(_, finished)| {
        text.append(&finished.render(colour));
    });
    if !text.is_empty() {
        text.end();
    }
    text.append(&summary::render(report, colour));
    // Reports are written even if this fails.
    let shown = console.show(&text);
    write_all(&args.reports, report, None)?;
    shown?;
    annotate(report);
    Ok(if report.is_expected() && !report.is_unjudged() { Exit::Success } else { Exit::Failure })
}

/// Shows which directives passed despite altered expectations: their checks are incomplete. Counts
/// directives that were not judged, by reason.
fn control(judged: &Judged) -> Result<Exit, Error> {
    let (mut text, mut failed, mut passed) = (Text::new(false), 0, 0);
    let mut apart = BTreeMap::<String, usize>::new();
    for (_, finished) in judged.iter().flatten() {
        let End::Judged(result) = &finished.end else { continue };
        for directive in &result.directives {
            match directive.outcome {
                Outcome::Passed => {
                    passed += 1;
                    let case: Case = finished.case(&finished.label);
                    text.line(format_args!(
                        "{}:{}: {} passed with its expectation altered",
                        case.name, directive.place, directive.keyword
                    ));
                }
                Outcome::Failed(_) => failed += 1,
                // The text of these reasons is different for each directive: count them by kind.
                Outcome::Apart(way @ (Apart::Blocked | Apart::Limit), _) => {
                    *apart.entry(way.word().to_owned()).or_default() += 1;
                }
                Outcome::Apart(way, why) => {
                    *apart.entry(format!("{}: {why}", way.word())).or_default() += 1;
                }
                other => *apart.entry(other.word().to_string()).or_default() += 1,
            }
        }
    }
    let not_judged: usize = apart.values().sum();
    text.line(format_args!(
        "altered expectations: {failed} failed as they should, {passed} passed, {not_judged} were not judged"
    ));
    let mut reasons: Vec<(String, usize)> = apart.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let left = reasons.split_off(reasons.len().min(MOST_REASONS));
    for (reason, count) in &reasons {
        text.line(format_args!("{count:8} {reason}"));
    }
    if !left.is_empty() {
        let count: usize = left.iter().map(|(_, count)| count).sum();
        text.line(format_args!("{count:8} for {} other reasons", left.len()));
    }
    show(&text)?;
    Ok(if passed == 0 && failed > 0 { Exit::Success } else { Exit::Failure })
}
