//! `wassay plan`: compiles scripts to requests for any engine.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use flate2::Compression;
use flate2::write::GzEncoder;
use wassay_script::keys;
use wassay_script::messages::MatchKind;
use wassay_script::plan::file::{Header, ScriptHeader, SuiteHeader, Writer};
use wassay_script::plan::{Alter, ScriptPlan, compile};
use wassay_script::source::Source;
use wassay_script::{Grammar, Options, STACK, parse_as};
use wassay_terms::Features;
use wassay_testsuite::{Case, naming};

use super::{Error, Exit, destination, features, match_kind, plural, protect};
use crate::batch::{Selection, full_name, label, uses};
use crate::catalogue::{judging, resolve};
use crate::printer;

const EXAMPLES: &str = "\
Examples:
  wassay plan spec-v2 -o spec-v2.plan      compile a suite
  wassay plan ./scripts -o scripts.plan.gz  write a compressed file
  node runner/adapters/js/wap.js < spec-v2.plan > answers
  wassay judge spec-v2.plan answers        judge the answers

The file has one request per line, for an adapter that speaks wap/1 (docs/protocol.md). Lines
that begin with `#` are for the judge; adapters ignore them.";

/// Compile scripts to requests for another engine, to judge its answers later
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Use only scripts whose name, such as `spec-v1::i32.wast`, contains this text. Repeatable
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,
    /// How to compare error texts: class, exact, prefix or ignore. The kind of error is always
    /// compared
    #[arg(long = "match", value_name = "KIND", default_value_t, value_parser = match_kind)]
    match_kind: MatchKind,
    /// Features, as in `3.0,threads,-gc`: a version, then names to add or remove; overrides suite
    /// defaults and `;;!` headers
    #[arg(long, value_name = "LIST", value_parser = features)]
    features: Option<Features>,
    /// Alter every expectation, as a control: each directive must then fail. N selects which result
    /// or lane to alter
    #[arg(long, value_name = "N")]
    altered: Option<usize>,
    /// Output file; compressed if its name ends in `.gz`
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Suites by name, folders and files by path
    #[arg(required = true, value_name = "SUITE or DIR")]
    suites: Vec<String>,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    let suites = args.suites.iter().map(|word| resolve(word)).collect::<Result<Vec<_>, _>>()?;
    let mut selections: Vec<Selection> = naming::tell_apart(suites).into_iter().map(Selection::all).collect();
    for Selection { suite, cases } in &mut selections {
        let is_named = |case: &Case| {
            let name = full_name(suite, case);
            args.filters.is_empty() || args.filters.iter().any(|filter| name.contains(filter))
        };
        cases.retain(|case| matches!(case, Case::Script(_)) && is_named(case));
    }
    let scripts = selections.iter().map(|selection| selection.cases.len()).sum::<usize>();
    if scripts == 0 {
        return Err(Error::Usage("no script to plan".to_owned()));
    }
    protect::refuse_overwrites(&[&args.output], &[], &selections)?;
    let unwritable = || format!("{}: cannot write the plan", args.output.display());
    destination::check(&args.output).map_err(|error| Error::Usage(format!("{}: {error}", unwritable())))?;
    let plans = plan_all(&args, &selections);
    let directives: usize = plans.iter().map(|(_, plan)| plan.directives.len()).sum();
    let (bytes, requests) = written(&args, &selections, plans)
        .map_err(|error| Error::System { what: "cannot write the plan".to_owned(), error })?;
    destination::write(&args.output, &bytes).map_err(|error| Error::System { what: unwritable(), error })?;
    printer::note(&format!(
        "{}, {}: {}, {}",
        plural(scripts, "script"),
        plural(directives, "directive"),
        plural(requests, "request"),
        plural(bytes.len(), "byte")
    ));
    Ok(Exit::Success)
}

/// The plans of all scripts, in order, created in parallel.
fn plan_all(args: &Args, selections: &[Selection]) -> Vec<(ScriptHeader, ScriptPlan)> {
    let cases: Vec<(&Selection, &Case)> = selections
        .iter()
        .flat_map(|selection| selection.cases.iter().map(move |case| (selection, case)))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(cases.len())));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((selection, case)) = cases.get(index) else { return };
            let planned = plan_one(args, selection, case);
            if let Ok(mut done) = done.lock() {
                done.push((index, planned));
            }
        }
    };
    let threads = available_parallelism().map_or(1, NonZeroUsize::get).min(cases.len());
    thread::scope(|scope| {
        let started = (0..threads)
            .filter(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok())
            .count();
        if started == 0 {
            work();
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, planned)| planned).collect()
}

fn plan_one(args: &Args, selection: &Selection, case: &Case) -> (ScriptHeader, ScriptPlan) {
    let name = case.name().to_owned();
    let label = label(&selection.suite, case);
    let unusable = |label: &str, why: String| {
        let header = ScriptHeader { name: name.clone(), label: label.to_owned(), ..ScriptHeader::default() };
        (ScriptHeader { unusable: Some(why), ..header }, ScriptPlan::default())
    };
    let Some(script) = case.script() else { return unusable(&label, "it is not a script".to_owned()) };
    let text = match script.read() {
        Ok(text) => text,
        Err(error) => return unusable(&label, error.to_string()),
    };
    let features = match judging(script, &label, &text, args.features) {
        Ok(judging) => judging.features,
        Err(error) => return unusable(&label, error.to_string()),
    };
    let options = Options { features, ..Options::default() };
    match parse_as(Source::new(&label, &text), Grammar::of(features)) {
        Ok(script) => {
            let plan = compile(&script, &options, &keys::of(&script), args.altered.map(Alter));
            let needs = uses::dependents(&script, &plan, features);
            (ScriptHeader { name, label, features: features.to_string(), unusable: None, needs }, plan)
        }
        Err(error) => unusable(&label, error.to_string()),
    }
}

/// The bytes of the file, and the number of requests.
fn written(
    args: &Args,
    selections: &[Selection],
    plans: Vec<(ScriptHeader, ScriptPlan)>,
) -> io::Result<(Vec<u8>, usize)> {
    let header = Header { match_kind: args.match_kind, altered: args.altered.is_some() };
    if args.output.extension().is_some_and(|extension| extension == "gz") {
        // No name and no time, so that equal plans are identical files.
        let out = GzEncoder::new(Vec::new(), Compression::default());
        let (out, requests) = write(out, &header, selections, plans)?;
        return Ok((out.finish()?, requests));
    }
    write(Vec::new(), &header, selections, plans)
}

fn write<W: Write>(
    out: W,
    header: &Header,
    selections: &[Selection],
    plans: Vec<(ScriptHeader, ScriptPlan)>,
) -> io::Result<(W, usize)> {
    let mut writer = Writer::new(out, header)?;
    let mut plans = plans.into_iter();
    for Selection { suite, cases } in selections {
        let (name, source) = (suite.name().to_owned(), suite.source().to_owned());
        let first = cases.first();
        let url = first.and_then(|case| super::source_url::of_file(case.path()?, case.name()));
        writer.suite(&SuiteHeader { name, source, url })?;
        for (script, plan) in plans.by_ref().take(cases.len()) {
            if let Some(why) = &script.unusable {
                printer::warning(why);
            }
            writer.script(&script, &plan)?;
        }
    }
    writer.finish()
}
