//! Runs cases of a target in this process, which may end with one of them.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, setrlimit};
use wassay_script::STACK;

use super::args::{Args, Target};
use super::targets::{Tested, check, input};
use crate::commands::{Error, Exit, print_document};
use crate::printer::panic_message;

/// Limits on what a case may take of the machine.
const MEMORY: u64 = 3 << 30;
const FILE: u64 = 1 << 20;

/// Runs the cases from `--first` on, and writes a line before each, and after each that fails.
pub(super) fn run(args: &Args, target: Target, seed: u64) -> Result<Exit, Error> {
    for (resource, bytes) in [(Resource::Data, MEMORY), (Resource::Fsize, FILE)] {
        limit(resource, bytes);
    }
    let end = args.modules.map_or(u64::MAX, |count| args.first.saturating_add(count));
    on_large_stack(|| cases(args.first..end, target, seed, &Tested::OWN, &mut |line| print_document(line)))?;
    Ok(Exit::Success)
}

/// Limits what this process may use. Without the limit the run is only less safe.
pub(super) fn limit(resource: Resource, bytes: u64) {
    let _ = setrlimit(resource, Rlimit { current: Some(bytes), maximum: Some(bytes) });
}

/// Works on a thread with the stack size for scripts.
pub(super) fn on_large_stack(work: impl FnOnce() -> Result<(), Error> + Send) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread =
            thread.map_err(|error| Error::System { what: "cannot start a thread".to_owned(), error })?;
        thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// Runs cases, and writes a line before each, and after each that fails.
fn cases(
    numbers: Range<u64>,
    target: Target,
    seed: u64,
    tested: &Tested,
    write: &mut dyn FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    for number in numbers {
        write(&format!("case {number}\n"))?;
        let input = input(target, seed, number);
        let checked = catch_unwind(AssertUnwindSafe(|| check(tested, target, &input, (seed, number))));
        let failed = match checked {
            Ok(Ok(())) => continue,
            Ok(Err(why)) => why,
            Err(payload) => format!("panicked: {}", panic_message(&*payload)),
        };
        let line: String = failed.chars().filter(|c| !c.is_control()).take(300).collect();
        write(&format!("failed {number} {line}\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wassay_reports::{Report, json};

    use super::*;
    use crate::verdict::ScriptResult;

    /// The first case of a target that fails, and why.
    fn first_failed(target: Target, tested: &Tested) -> Option<String> {
        let mut failed = None;
        for number in 0..200 {
            let mut write = |line: &str| {
                failed = line.strip_prefix("failed ").map(str::to_owned);
                Ok(())
            };
            cases(number..number + 1, target, 3, tested, &mut write).unwrap();
            if failed.is_some() {
                break;
            }
        }
        failed
    }

    const TARGETS: [Target; 4] = [Target::Script, Target::Wasi, Target::Report, Target::Cache];

    #[test]
    fn cases_pass_without_a_fault() {
        for target in TARGETS {
            let mut lines = Vec::new();
            let mut write = |line: &str| {
                lines.push(line.to_owned());
                Ok(())
            };
            cases(0..20, target, 3, &Tested::OWN, &mut write).unwrap();
            assert_eq!(lines, (0..20).map(|number| format!("case {number}\n")).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_in_any_target_is_a_finding() {
        let tested = Tested {
            judge: |_, _| panic!("planted"),
            wasi: |_, _| panic!("planted"),
            object: |_, _| panic!("planted"),
            parse: |_| panic!("planted"),
            ..Tested::OWN
        };
        for target in TARGETS {
            let failed = first_failed(target, &tested).unwrap_or_default();
            assert!(failed.ends_with(" panicked: planted\n"), "{target:?}: {failed}");
        }
    }

    #[test]
    fn a_wrong_answer_in_any_target_is_a_finding() {
        for (target, tested, why) in [
            (
                Target::Script,
                Tested { judge: |_, _| Some(ScriptResult::default()), ..Tested::OWN },
                "directives have a result",
            ),
            (Target::Wasi, Tested { wasi: |_, _| Err("no errno".to_owned()), ..Tested::OWN }, "no errno"),
            (
                Target::Cache,
                Tested { object: |_, _| Err("other code".to_owned()), ..Tested::OWN },
                "other code",
            ),
            (
                Target::Report,
                Tested {
                    render: |report| json::render(&Report { host: "other".to_owned(), ..report.clone() }),
                    ..Tested::OWN
                },
                "is another one",
            ),
        ] {
            let failed = first_failed(target, &tested).unwrap_or_default();
            assert!(failed.contains(why), "{target:?}: {failed}");
        }
    }
}
