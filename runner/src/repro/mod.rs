//! Reduces a script to a smaller one in which a directive fails in the same way.
//!
//! First whole directives are removed, then fields of the remaining modules. A removal is kept only
//! if the directive still fails with the same kind, message and values, and the results of the
//! remaining directives are unchanged.

mod fields;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use thiserror::Error;
use wassay_reports::terminal::as_line;
use wassay_script::model::{Command, Script};
use wassay_script::shrink::shrink;
use wassay_script::source::{Place, Source, Span};
use wassay_script::{Grammar, LineRange, Options, Position, parse_as};

use self::fields::{fields, without};
use crate::verdict::{Failure, FailureKind, Outcome, ScriptResult};

/// A reduced script.
#[derive(Clone, Debug)]
pub struct Repro {
    /// Its text, with a header that sets the features.
    pub text: String,
    /// The position of the directive in the original script.
    pub place: Place,
    /// How it fails.
    pub failure: Failure,
    /// The number of directives, and the number in the original script up to this one.
    pub directives: (usize, usize),
    /// Whether the time limit was reached before the reduction was complete.
    pub out_of_time: bool,
}

/// Why a script cannot be reduced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoRepro {
    /// No directive begins on the line.
    #[error("no directive begins on this line")]
    NoDirective,
    /// The directive passes.
    #[error("the directive on this line passes: there is no failure to reproduce")]
    Passes,
    /// The directive is not reached.
    #[error("the directive was not reached: the script timed out earlier; increase --timeout")]
    NotReached,
    /// The reduced script behaves differently.
    #[error("the reduced script no longer reproduces the failure: {0}")]
    Differs(String),
}

/// Reduces a script to the first failing directive on this line; a thread counts at the directive
/// that waits for it. `time` limits all runs after the first. `run` runs a script and survives
/// crashes.
///
/// # Errors
///
/// See [`NoRepro`].
pub fn reproduce(
    script: &Script<'_>,
    line: &LineRange,
    options: &Options,
    time: Duration,
    run: &mut dyn FnMut(&Script<'_>, &Options) -> ScriptResult,
) -> Result<Repro, NoRepro> {
    let mut search = Search { script, options, run, end: Instant::now() + time, out_of_time: false };
    let (target, failures) = search.target(line)?;
    let mut kept = search.directives(target, &failures);
    kept.push(target);
    let failures: Failures = kept.iter().map(|number| failures[*number].clone()).collect();
    let text = search.text(&kept, &failures)?;
    let place = script.source.place(script.directives[target].span.start);
    let failure = failures.into_iter().next_back().flatten().ok_or(NoRepro::Passes)?;
    let text = format!(
        ";;! features = \"{}\"\n{}\n{text}",
        options.features,
        as_line(&format!(";; {}:{place}: {}: {}", script.source.name(), failure.kind, failure.message)),
    );
    let directives = (kept.len(), target + 1);
    Ok(Repro { text, place, failure, directives, out_of_time: search.out_of_time })
}

/// The state of the reduction.
struct Search<'a> {
    script: &'a Script<'a>,
    options: &'a Options,
    run: &'a mut dyn FnMut(&Script<'_>, &Options) -> ScriptResult,
    /// When to stop.
    end: Instant,
    out_of_time: bool,
}

/// The failure of each directive of a run, if any.
type Failures = Vec<Option<Failure>>;

impl Search<'_> {
    /// The index of the directive to reproduce, and the failures up to it.
    fn target(&mut self, line: &LineRange) -> Result<(usize, Failures), NoRepro> {
        let there = self.there(line);
        let last = there.iter().max().ok_or(NoRepro::NoDirective)?;
        let all: Vec<usize> = (0..=*last).collect();
        let mut failures = self.run_of(&all);
        let fails = |number: &&usize| failures.get(**number).is_some_and(Option::is_some);
        let target = *there.iter().find(fails).ok_or(NoRepro::Passes)?;
        failures.truncate(target + 1);
        match failures.last().and_then(Option::as_ref) {
            Some(failure) if failure.kind == FailureKind::NotRun => Err(NoRepro::NotReached),
            _ => Ok((target, failures)),
        }
    }

    /// The indices of the directives on a line, with those that wait for its threads.
    fn there(&self, line: &LineRange) -> Vec<usize> {
        let directives = &self.script.directives;
        let mut there = Vec::new();
        for (number, directive) in directives.iter().enumerate() {
            if line.position(&self.script.source, &directive.span) != Position::Within {
                continue;
            }
            there.push(number);
            if let Command::Thread { name, .. } = &directive.command {
                let waits = |command: &Command| matches!(command, Command::Wait { thread } if thread == name);
                let behind = directives.iter().enumerate().skip(number);
                there.extend(behind.filter(|(_, other)| waits(&other.command)).map(|(at, _)| at).take(1));
            }
        }
        there
    }

    /// Runs only these directives and returns their failures.
    fn run_of(&mut self, kept: &[usize]) -> Failures {
        let kept_set: HashSet<&usize> = kept.iter().collect();
        let left_out =
            (0..self.script.directives.len()).filter(|number| !kept_set.contains(number)).collect();
        let options = Options { left_out, ..self.plain_options() };
        let mut all = failures((self.run)(self.script, &options));
        kept.iter().map(|number| all.get_mut(*number).and_then(Option::take)).collect()
    }

    /// The directives that the target needs to fail in the same way. Each keeps its result.
    fn directives(&mut self, target: usize, failures: &Failures) -> Vec<usize> {
        let command = |number: &usize| &self.script.directives[*number].command;
        // Most targets need only modules; none needs directives without effects.
        let modules: Vec<usize> = (0..target).filter(|number| command(number).defines()).collect();
        let effects: Vec<usize> = (0..target).filter(|number| command(number).has_effects()).collect();
        let mut needs = |kept: &[usize]| {
            let kept: Vec<usize> = kept.iter().copied().chain([target]).collect();
            let wanted = kept.iter().map(|number| &failures[*number]);
            self.in_time() && wanted.eq(&self.run_of(&kept))
        };
        let start = [modules, effects].into_iter().find(|kept| needs(kept));
        shrink(start.unwrap_or_else(|| (0..target).collect()), &mut needs)
    }

    /// The text of these directives, without module fields that the failure does not need.
    fn text(&mut self, kept: &[usize], failures: &Failures) -> Result<String, NoRepro> {
        let source = &self.script.source;
        let pieces: Vec<&str> =
            kept.iter().map(|number| source.slice(&self.script.directives[*number].span)).collect();
        // The last one is the target, and is not changed.
        let modules = pieces.iter().take(kept.len() - 1).enumerate();
        let all: Vec<(usize, Span)> = modules
            .flat_map(|(index, piece)| fields(piece).into_iter().map(move |span| (index, span)))
            .collect();
        let text = |kept: &[(usize, Span)]| {
            let left_out = |index: usize| {
                let of_piece = all.iter().filter(move |(of, _)| *of == index);
                of_piece
                    .filter(|field| !kept.contains(field))
                    .map(|(_, span)| span.clone())
                    .collect::<Vec<_>>()
            };
            let pieces = pieces.iter().enumerate();
            pieces.map(|(index, piece)| without(piece, &left_out(index)) + "\n").collect::<String>()
        };
        if let Some(other) = self.other_end(&text(&all), failures) {
            return Err(NoRepro::Differs(other));
        }
        let needed = shrink(all.clone(), &mut |kept: &[(usize, Span)]| {
            self.in_time() && self.other_end(&text(kept), failures).is_none()
        });
        Ok(text(&needed))
    }

    /// The first result of a text that differs from the wanted ones.
    fn other_end(&mut self, text: &str, wanted: &Failures) -> Option<String> {
        let source = Source::new(self.script.source.name(), text);
        let script = match parse_as(source, Grammar::of(self.options.features)) {
            Ok(script) if script.directives.len() == wanted.len() => script,
            Ok(_) => return Some("its text parses differently by itself".to_owned()),
            Err(error) => return Some(error.message),
        };
        let options = self.plain_options();
        let found = failures((self.run)(&script, &options));
        let other = found
            .into_iter()
            .zip(wanted)
            .rfind(|(found, wanted)| !is_same(found.as_ref(), wanted.as_ref()))?;
        Some(
            other
                .0
                .map_or("it passes".to_owned(), |failure| format!("{}: {}", failure.kind, failure.message)),
        )
    }

    fn plain_options(&self) -> Options {
        Options { lines: None, fail_fast: false, ..self.options.clone() }
    }

    fn in_time(&mut self) -> bool {
        let in_time = Instant::now() < self.end;
        self.out_of_time |= !in_time;
        in_time
    }
}

fn failures(result: ScriptResult) -> Failures {
    let failure = |outcome| match outcome {
        Outcome::Failed(failure) => Some(*failure),
        _ => None,
    };
    result.directives.iter().map(|directive| failure(directive.to_owned().outcome)).collect()
}

/// Whether two results are the same except for source positions in their messages.
fn is_same(one: Option<&Failure>, other: Option<&Failure>) -> bool {
    let same = |one: &str, other: &str| without_places(one) == without_places(other);
    match (one, other) {
        (Some(one), Some(other)) => {
            let sides = [(&one.expected, &other.expected), (&one.actual, &other.actual)];
            let same_side = |(one, other): (&Option<String>, &Option<String>)| match (one, other) {
                (Some(one), Some(other)) => same(one, other),
                (one, other) => one == other,
            };
            one.kind == other.kind && same(&one.message, &other.message) && sides.into_iter().all(same_side)
        }
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The words of a text without source positions: `12:5`, and what follows `line`. Values are kept.
fn without_places(text: &str) -> Vec<&str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut after_line = false;
    let mut is_place = |word: &str| {
        let word = word.trim_matches(|character: char| !character.is_ascii_alphanumeric());
        let place = word.split_once(':').is_some_and(|(line, column)| is_number(line) && is_number(column));
        let after = std::mem::replace(&mut after_line, word == "line");
        place || after && is_number(word)
    };
    text.split_whitespace().filter(|word| !is_place(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_but_positions_are_not() {
        let same = |one, other| without_places(one) == without_places(other);
        assert!(same(
            "the directive on line 2 was to make it (at 7:12)",
            "the directive on line 31 was to make it (at 9:1)"
        ));
        assert!(!same("i32 97 (0x00000061)", "i32 0 (0x00000000)"));
        assert!(!same("result 0 has the wrong value", "result 1 has the wrong value"));
        assert!(!same("v128 1 2", "v128 12"));
    }
}
