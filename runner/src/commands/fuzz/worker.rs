//! Runs cases of a target in this process, which may end with one of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use wassay_fuzz::{Random, Step, mutate, mutated_text, wasi_module};
use wassay_reports::{Case, Counts, Engine, Outcome, Report, Suite, badge, html, json, junit, markdown};
use wassay_script::reading::Reading;
use wassay_script::source::Source;
use wassay_script::{Features, Grammar, Judges, Options, STACK, split};

use super::args::{Args, Target};
use crate::commands::{Error, Exit, print_document};
use crate::own;
use crate::printer::panic_message;
use crate::scratch;
use crate::verdict::ScriptResult;

/// Limits on what a case may take of the machine.
const MEMORY: u64 = 3 << 30;
const FILE: u64 = 1 << 20;

/// How long a script may run.
const TIME: Duration = Duration::from_secs(2);

/// Runs the cases from `--first` on, and writes a line before each, and after each that fails.
pub(super) fn run(args: &Args, target: Target, seed: u64) -> Result<Exit, Error> {
    for (resource, bytes) in [(Resource::Data, MEMORY), (Resource::Fsize, FILE)] {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        // Without a limit the run is only less safe.
        let _ = setrlimit(resource, limit);
    }
    let end = args.modules.map_or(u64::MAX, |count| args.first.saturating_add(count));
    std::thread::scope(|scope| {
        let work = || -> Result<(), Error> {
            for number in args.first..end {
                print_document(&format!("case {number}\n"))?;
                let input = input(target, seed, number);
                let checked = catch_unwind(AssertUnwindSafe(|| check(target, &input, seed, number)));
                let failed = match checked {
                    Ok(Ok(())) => continue,
                    Ok(Err(why)) => why,
                    Err(payload) => format!("panicked: {}", panic_message(&*payload)),
                };
                let line: String = failed.chars().filter(|c| !c.is_control()).take(300).collect();
                print_document(&format!("failed {number} {line}\n"))?;
            }
            Ok(())
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread =
            thread.map_err(|error| Error::System { what: "cannot start a thread".to_owned(), error })?;
        thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })?;
    Ok(Exit::Success)
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
            mutated_text(&mut random, &report).into_bytes()
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

/// A report with a few cases.
fn report(random: &mut Random) -> Report {
    let outcomes = [Outcome::Failed, Outcome::Skipped, Outcome::XFailed, Outcome::Crashed];
    let cases = (0..random.between(0, 4)).map(|number| {
        let outcome = random.pick(Outcome::Passed, &outcomes);
        let failed = u64::from(!matches!(outcome, Outcome::Passed));
        let directives = Counts { passed: random.below(100) as u64, failed, ..Counts::default() };
        let mut case = Case::new(format!("case-{number}"), outcome, Duration::from_millis(7), directives);
        if failed > 0 {
            case.failures.push(wassay_reports::Failure {
                line: random.below(1000) as u32,
                kind: "wrong-value".to_owned(),
                message: "result 0 has the wrong value".to_owned(),
                ..wassay_reports::Failure::default()
            });
        }
        case
    });
    let suite = Suite::new("suite".to_owned(), "fuzz".to_owned(), cases.collect());
    let started = "2026-01-01T00:00:00.000Z".to_owned();
    Report::new(Engine::new("engine", "1"), "host".to_owned(), started, Duration::from_secs(1), vec![suite])
}

/// Uses an input as the project does.
fn check(target: Target, input: &[u8], seed: u64, number: u64) -> Result<(), String> {
    match target {
        Target::Module => Ok(()),
        Target::Script => check_script(&String::from_utf8_lossy(input)),
        Target::Wasi => {
            let folder = scratch::folder().map_err(|error| error.to_string())?;
            own::run_wasi(input, folder.path())
        }
        Target::Cache => {
            let folder = scratch::folder().map_err(|error| error.to_string())?;
            own::run_object(input, folder.path())
        }
        Target::Report => check_report(&String::from_utf8_lossy(input), &mut Random::of_case(seed, number)),
    }
}

/// A script is parsed, planned, run and rendered; every directive has a result.
fn check_script(text: &str) -> Result<(), String> {
    let source = Source::new("fuzz.wast", text);
    let options = Options { timeout: Some(TIME), max_memory: Some(256 << 20), ..Options::default() };
    let Ok(reading) = Reading::within(&source, Grammar::of(options.features), options.max_memory) else {
        return Ok(());
    };
    let plan = wassay_script::plan::compile_parts(&reading, &options);
    if plan.directives.len() != reading.directives() {
        return Err(format!("{} of {} directives are planned", plan.directives.len(), reading.directives()));
    }
    let Some(make) = own::maker() else { return Ok(()) };
    let counts = judged(make, &reading, &options).counts();
    if counts.total() != reading.directives() as u64 {
        return Err(format!("{} of {} directives have a result", counts.total(), reading.directives()));
    }
    Ok(())
}

fn judged<E: Judges>(make: impl Fn() -> E, reading: &Reading<'_, '_>, options: &Options) -> ScriptResult {
    make().judge(reading, options)
}

/// A text that is a report is rendered in every format, and read again as the same report.
fn check_report(text: &str, random: &mut Random) -> Result<(), String> {
    let Ok(read) = json::parse(text) else { return Ok(()) };
    let rendered = json::render(&read);
    match json::parse(&rendered) {
        Ok(again) if json::render(&again) == rendered => {}
        Ok(_) => return Err("a report that is written and read is another one".to_owned()),
        Err(error) => return Err(format!("a report that is written cannot be read: {error}")),
    }
    let _ = (junit::render(&read), html::render(&read), badge::svg(&read), markdown::render(&read, None));
    let other = report(random);
    let _ = wassay_reports::merge::merge(vec![("a".to_owned(), read.clone()), ("b".to_owned(), other)], true);
    Ok(())
}
