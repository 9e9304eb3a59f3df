//! The parts of wassay that are targets: their inputs, and what is checked.

use std::path::Path;
use std::time::Duration;

use wassay_fuzz::{Random, Step, mutate, mutated_text, wasi_module};
use wassay_reports::json::ParseError;
use wassay_reports::{Case, Counts, Engine, Outcome, Report, Suite, badge, html, json, junit, markdown};
use wassay_script::reading::Reading;
use wassay_script::source::Source;
use wassay_script::{Features, Grammar, Judges, Options, split};

use super::args::Target;
use crate::own;
use crate::scratch;
use crate::verdict::ScriptResult;

/// How long a script may run.
const TIME: Duration = Duration::from_secs(2);

/// The functions that targets test.
pub(super) struct Tested {
    /// Judges a script; `None` in a build without an engine.
    pub(super) judge: fn(&Reading<'_, '_>, &Options) -> Option<ScriptResult>,
    /// Runs a WASI program with a folder.
    pub(super) wasi: fn(&[u8], &Path) -> Result<(), String>,
    /// Runs an object file, which may be written to a folder.
    pub(super) object: fn(&[u8], &Path) -> Result<(), String>,
    /// Reads a report.
    pub(super) parse: fn(&str) -> Result<Report, ParseError>,
    /// Writes a report.
    pub(super) render: fn(&Report) -> String,
}

impl Tested {
    /// Those of wassay.
    pub(super) const OWN: Tested = Tested {
        judge: judged,
        wasi: own::run_wasi,
        object: own::run_object,
        parse: json::parse,
        render: json::render,
    };
}

/// The input of a case.
pub(super) fn input(target: Target, seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::of_case(seed, number);
    match target {
        Target::Module => Vec::new(),
        Target::Script => mutated_text(&mut random, &script(seed, number)).into_bytes(),
        Target::Wasi => wasi_module(&mut random),
        Target::Cache => {
            let case = wassay_fuzz::case(seed, number, Features::DEFAULT);
            let module = case.iter().flat_map(|case| &case.steps).find_map(|step| match step {
                Step::Module { bytes, instantiated: true, .. } => Some(bytes.as_slice()),
                _ => None,
            });
            let mut object = own::object(module.unwrap_or(b"\0asm\x01\0\0\0")).unwrap_or_default();
            mutate(&mut random, &mut object);
            object
        }
        Target::Report => {
            let report = json::render(&report(&mut random));
            // Most mutated reports cannot be read. The words of others are mutated.
            let text = if random.chance(50) { mutated_text(&mut random, &report) } else { report };
            text.into_bytes()
        }
    }
}

/// The extension of the file of an input.
pub(super) fn extension(target: Target) -> &'static str {
    match target {
        Target::Module | Target::Script => "wast",
        Target::Wasi => "wasm",
        Target::Cache => "o",
        Target::Report => "json",
    }
}

/// A few forms of a script of ours.
fn script(seed: u64, number: u64) -> String {
    let mut random = Random::of_case(seed ^ 1, number);
    let suite = wassay_testsuite::catalogue::find("scripts");
    let scripts: Vec<_> = suite.iter().flat_map(|suite| suite.scripts()).collect();
    let Some(script) = scripts.get(random.below(scripts.len())) else { return String::new() };
    let Ok(text) = script.read() else { return String::new() };
    let source = Source::new("", &text);
    let forms = split(&source).unwrap_or_default();
    let first = random.below(forms.len());
    let forms = forms.into_iter().skip(first).take(random.between(1, 8));
    forms.map(|form| source.slice(&form).to_owned() + "\n").collect()
}

/// A word or sentence of a report, which may be any text.
fn words(random: &mut Random, usual: &str) -> String {
    if random.chance(30) { mutated_text(random, usual) } else { usual.to_owned() }
}

/// A report with a few cases.
fn report(random: &mut Random) -> Report {
    let outcomes = [Outcome::Failed, Outcome::Skipped, Outcome::XFailed, Outcome::Crashed];
    let cases = (0..random.between(0, 4)).map(|number| {
        let outcome = random.pick(Outcome::Passed, &outcomes);
        let failed = u64::from(!matches!(outcome, Outcome::Passed));
        let directives = Counts { passed: random.below(100) as u64, failed, ..Counts::default() };
        let name = words(random, &format!("case-{number}"));
        let mut case = Case::new(name, outcome, Duration::from_millis(7), directives);
        if failed > 0 {
            case.failures.push(wassay_reports::Failure {
                line: random.below(1000) as u32,
                kind: "wrong-value".to_owned(),
                message: words(random, "result 0 has the wrong value"),
                ..wassay_reports::Failure::default()
            });
        }
        case
    });
    let cases = cases.collect();
    let suite = Suite::new(words(random, "suite"), "fuzz".to_owned(), cases);
    let started = "2026-01-01T00:00:00.000Z".to_owned();
    let engine = Engine::new(words(random, "engine"), "1");
    Report::new(engine, words(random, "host"), started, Duration::from_secs(1), vec![suite])
}

/// Uses the input of a case as the project does.
pub(super) fn check(
    tested: &Tested,
    target: Target,
    input: &[u8],
    (seed, number): (u64, u64),
) -> Result<(), String> {
    match target {
        Target::Module => Ok(()),
        Target::Script => check_script(tested, &String::from_utf8_lossy(input)),
        Target::Wasi => {
            let folder = scratch::folder().map_err(|error| error.to_string())?;
            (tested.wasi)(input, folder.path())
        }
        Target::Cache => {
            let folder = scratch::folder().map_err(|error| error.to_string())?;
            (tested.object)(input, folder.path())
        }
        Target::Report => {
            check_report(tested, &String::from_utf8_lossy(input), &mut Random::of_case(seed, number))
        }
    }
}

/// A script is parsed, planned, run and rendered; every directive has a result.
fn check_script(tested: &Tested, text: &str) -> Result<(), String> {
    let source = Source::new("fuzz.wast", text);
    let options = Options { timeout: Some(TIME), max_memory: Some(256 << 20), ..Options::default() };
    let Ok(reading) = Reading::within(&source, Grammar::of(options.features), options.max_memory) else {
        return Ok(());
    };
    let plan = wassay_script::plan::compile_parts(&reading, &options);
    if plan.directives.len() != reading.directives() {
        return Err(format!("{} of {} directives are planned", plan.directives.len(), reading.directives()));
    }
    let Some(result) = (tested.judge)(&reading, &options) else { return Ok(()) };
    let counts = result.counts();
    if counts.total() != reading.directives() as u64 {
        return Err(format!("{} of {} directives have a result", counts.total(), reading.directives()));
    }
    Ok(())
}

/// Judges a script on the own engine; `None` in a build without it.
fn judged(reading: &Reading<'_, '_>, options: &Options) -> Option<ScriptResult> {
    own::maker().map(|make| make().judge(reading, options))
}

/// A text that is a report is rendered in every format, and read again as the same report.
fn check_report(tested: &Tested, text: &str, random: &mut Random) -> Result<(), String> {
    let Ok(read) = (tested.parse)(text) else { return Ok(()) };
    let rendered = (tested.render)(&read);
    match (tested.parse)(&rendered) {
        Ok(again) if again == read => {}
        Ok(_) => return Err("a report that is written and read is another one".to_owned()),
        Err(error) => return Err(format!("a report that is written cannot be read: {error}")),
    }
    let _ = (junit::render(&read), html::render(&read), badge::svg(&read), markdown::render(&read, None));
    let other = report(random);
    let _ = wassay_reports::merge::merge(vec![("a".to_owned(), read.clone()), ("b".to_owned(), other)], true);
    Ok(())
}
