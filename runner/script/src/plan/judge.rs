//! Judges the directives of a script by the answers to the requests of its plan.

use std::collections::{HashMap, HashSet};

use super::check::kind;
use super::model::{Planned, Reply, ResultType, ScriptPlan, Want, Wrapped};
use super::taint::Taint;
use super::wrapper::NOTED;
use crate::embed::{EmbedError, ErrorKind};
use crate::failures::{
    accepted, instead, list_written, missed, not_returned, patterns_written, unexpected, wrong_text,
};
use crate::matching::{MismatchKind, miscounted, mismatch};
use crate::messages::{Comparison, MatchKind, Written, compare};
use crate::options::Options;
use crate::value::{HeapType, Pattern, Reference, Value};
use crate::verdict::{Apart, DirectiveResult, Failure, FailureKind, Outcome, ScriptResult};
use crate::wap::{ALTERNATIVE, Answer, Class, Distinction, Hello};

/// The engine that answered, and how its errors are compared.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// Its adapter's answer to `hello`.
    pub hello: Hello,
    /// How error texts are compared.
    pub match_kind: MatchKind,
}

/// The words of unexpected values, by the request of the call.
pub type Noted = HashMap<usize, Vec<u32>>;

/// How completely a passing directive was judged.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    text_not_compared: bool,
    coarse: bool,
}

/// Why a directive did not pass.
enum Ended {
    Failed(Box<Failure>),
    Apart(Apart, String),
    Skipped(String),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Failed(Box::new(failure))
    }
}

/// The result of a directive's requests: the number that a call returned, or the first error, with
/// its class.
type Came = Result<i32, (EmbedError, Option<Class>)>;

impl ScriptPlan {
    /// Judges each directive. Missing replies at the end count as requests that were not sent.
    pub fn judge(&self, replies: &[Reply], engine: &Engine) -> ScriptResult {
        let directives = self.results(replies, &Noted::new(), engine).into_iter().collect();
        ScriptResult { name: self.name.clone(), directives }
    }

    /// Judges each directive, with additional unexpected values.
    fn results(&self, replies: &[Reply], more: &Noted, engine: &Engine) -> Vec<DirectiveResult> {
        let (noted, taint) = (self.last_unexpected(replies), Taint::of(self, replies, engine.hello.host));
        let judge = Judge { plan: self, replies, engine, noted, more, taint };
        let mut directives = self.directives.iter().map(|planned| judge.result(planned)).collect::<Vec<_>>();
        self.blame(replies, &mut directives);
        directives
    }

    /// Fails the next directive if the engine ended during a request that belongs to no directive,
    /// so that such failures are not lost.
    fn blame(&self, replies: &[Reply], directives: &mut [DirectiveResult]) {
        if replies.iter().all(|reply| matches!(reply, Reply::Answered(_))) {
            return;
        }
        let requests = |planned: &Planned| {
            let made = planned.wrapper.as_ref().map(|wrapped| wrapped.made);
            (planned.requests.start..planned.requests.end.min(replies.len())).chain(made)
        };
        let owned: HashSet<usize> = self.directives.iter().flat_map(requests).collect();
        for (request, reply) in replies.iter().enumerate() {
            let failure = match reply {
                Reply::Crashed(how) => Failure::new(FailureKind::Crashed, how.as_str()),
                Reply::TimedOut(how) => {
                    Failure::new(FailureKind::Unexpected(ErrorKind::Timeout), how.as_str())
                }
                Reply::Broken(how) => {
                    Failure::new(FailureKind::Unexpected(ErrorKind::Internal), how.as_str())
                }
                Reply::Answered(_) | Reply::NotRun(_) | Reply::NotApplicable(_) => continue,
            };
            if owned.contains(&request) {
                continue;
            }
            let after = self.directives.partition_point(|planned| planned.requests.start < request);
            let at = after.min(directives.len().saturating_sub(1));
            if let (Some(directive), Some(planned)) = (directives.get_mut(at), self.directives.get(at)) {
                let failure = Failure { source: planned.source.as_str().into(), ..failure };
                directive.outcome = Outcome::Failed(Box::new(failure));
            }
        }
    }

    /// Like [`judge`](Self::judge), with expectations and `fail_fast` from the options.
    pub fn judge_under(
        &self,
        replies: &[Reply],
        noted: &Noted,
        engine: &Engine,
        options: &Options,
    ) -> ScriptResult {
        let mut directives = self.results(replies, noted, engine);
        let mut has_failed = false;
        for (planned, directive) in self.directives.iter().zip(&mut directives) {
            if has_failed && options.fail_fast {
                directive.outcome = Outcome::Skipped("not run because of the first failure".to_owned());
            }
            let expectations = options.expected.get(&planned.number).map_or(&[][..], Vec::as_slice);
            let outcome = std::mem::replace(&mut directive.outcome, Outcome::Passed);
            directive.outcome = outcome.under(expectations);
            has_failed |= matches!(directive.outcome, Outcome::Failed(_));
            let passed = matches!(directive.outcome, Outcome::Passed);
            directive.text_not_compared &= passed;
            directive.coarse &= passed;
            if let Some(observer) = &options.observer {
                observer.judged(directive);
            }
        }
        ScriptResult { name: self.name.clone(), directives: directives.into_iter().collect() }
    }

    /// The calls with unexpected values that the replies do not have, each with the requests that
    /// return the values when sent right after it. Running the script again with them yields the
    /// values.
    pub fn not_noted(&self, replies: &[Reply]) -> Vec<(usize, Vec<String>)> {
        let last = self.last_unexpected(replies);
        let mut calls = Vec::new();
        for planned in self.directives.iter().filter(|planned| !planned.requests.is_empty()) {
            let (Some(wrapped), request) = (&planned.wrapper, planned.requests.start) else { continue };
            let is_unexpected = matches!(replies.get(request), Some(Reply::Answered(Answer::Value(1..))));
            if !is_unexpected || last.get(&wrapped.made) == Some(&request) || wrapped.noted.is_empty() {
                continue;
            }
            let Some((call, _)) = self.requests.line(request).trim_end().rsplit_once(' ') else { continue };
            let words = NOTED.iter().take(wrapped.noted.len());
            calls.push((request, words.map(|word| format!("{call} {word}\n")).collect()));
        }
        calls
    }

    /// The last call with an unexpected value of each wrapper: the wrapper has that value.
    fn last_unexpected(&self, replies: &[Reply]) -> HashMap<usize, usize> {
        let mut last = HashMap::new();
        for planned in &self.directives {
            let Some(wrapped) = &planned.wrapper else { continue };
            let request = planned.requests.start;
            if matches!(replies.get(request), Some(Reply::Answered(Answer::Value(1..)))) {
                last.insert(wrapped.made, request);
            }
        }
        last
    }
}

struct Judge<'a> {
    plan: &'a ScriptPlan,
    replies: &'a [Reply],
    engine: &'a Engine,
    noted: HashMap<usize, usize>,
    more: &'a Noted,
    taint: Taint,
}

impl Judge<'_> {
    fn result(&self, planned: &Planned) -> DirectiveResult {
        let judged = self.judged(planned);
        let Passed { text_not_compared, coarse } = judged.as_ref().copied().unwrap_or_default();
        let outcome = match judged {
            Ok(_) => Outcome::Passed,
            Err(Ended::Failed(failure)) => {
                Outcome::Failed(Box::new(Failure { source: planned.source.as_str().into(), ..*failure }))
            }
            Err(Ended::Apart(apart, why)) => Outcome::Apart(apart, why),
            Err(Ended::Skipped(why)) => Outcome::Skipped(why),
        };
        let (place, keyword) = (planned.place, planned.keyword.clone().into());
        DirectiveResult { place, keyword, outcome, text_not_compared, reader_only: false, coarse }
    }

    fn judged(&self, planned: &Planned) -> Result<Passed, Ended> {
        match &planned.want {
            Want::Skipped(why) => Err(Ended::Skipped(why.clone())),
            Want::NotApplicable(why) => Err(Ended::Apart(Apart::NotApplicable, why.clone())),
            Want::Failed(failure) => Err((**failure).clone().into()),
            Want::Known { kind, message, want } => {
                self.depends(planned)?;
                let error = EmbedError::new(*kind, message.as_str());
                self.meets(planned, Err((error, None)), want)
            }
            want => {
                self.depends(planned)?;
                let came = self.came(planned)?;
                self.meets(planned, came, want).map_err(|ended| self.tainted(planned, ended))
            }
        }
    }

    fn reply(&self, request: usize) -> Result<&Answer, Ended> {
        let failed = |kind, message: &str| Err(Failure::new(kind, message).into());
        match self.replies.get(request) {
            Some(Reply::Answered(answer)) => Ok(answer),
            Some(Reply::Crashed(how)) => failed(FailureKind::Crashed, how),
            Some(Reply::TimedOut(after)) => failed(FailureKind::Unexpected(ErrorKind::Timeout), after),
            Some(Reply::Broken(why)) => failed(FailureKind::Unexpected(ErrorKind::Internal), why),
            Some(Reply::NotRun(why)) => failed(FailureKind::NotRun, why),
            Some(Reply::NotApplicable(why)) => Err(Ended::Apart(Apart::NotApplicable, why.clone())),
            None => failed(FailureKind::NotRun, "the answers end before this request"),
        }
    }

    /// Checks that the directive's dependencies exist.
    fn depends(&self, planned: &Planned) -> Result<(), Ended> {
        for request in &planned.after {
            match self.reply(*request) {
                Ok(Answer::Ok(_)) => {}
                // If the script ended earlier, the directive itself was not run.
                Err(Ended::Failed(failure)) if failure.kind == FailureKind::NotRun => {
                    return Err(Ended::Failed(failure));
                }
                Err(ended @ Ended::Apart(..)) => return Err(ended),
                _ => return Err(Ended::Apart(Apart::Blocked, self.blocked_by(*request))),
            }
        }
        let Some(Wrapped { made, host, .. }) = &planned.wrapper else { return Ok(()) };
        if *host && !self.engine.hello.host {
            return self.needs_host(planned, *made);
        }
        match self.reply(*made)? {
            Answer::Ok(_) => Ok(()),
            Answer::Error(Class::NoHandle, _) => {
                Err(Ended::Apart(Apart::Blocked, self.blocked_by(planned.requests.start)))
            }
            Answer::Error(Class::Limit, message) => Err(Ended::Apart(Apart::Limit, message.to_string())),
            Answer::Error(Class::Unsupported, message) => {
                let why = format!("the engine cannot run the wrapper of the assertion: {message}");
                Err(Ended::Apart(Apart::NotApplicable, why))
            }
            Answer::Error(class, message) => {
                let message = format!("the wrapper of the assertion was rejected: {message}");
                Err(Failure::new(FailureKind::Unexpected(class.kind()), message).into())
            }
            other => Err(self.out_of_place(other, "`ok` or an error")),
        }
    }

    /// The result of a directive that needs host references, if the adapter does not support them.
    /// If the engine ended during its requests, it is still a failure.
    fn needs_host(&self, planned: &Planned, made: usize) -> Result<(), Ended> {
        for request in planned.requests.clone().chain([made]) {
            self.reply(request)?;
        }
        let why = "it needs host references, which the adapter does not support (`caps=host`)".to_owned();
        Err(Ended::Apart(Apart::NotApplicable, why))
    }

    /// Replaces a failure that the state of the instance may have caused.
    fn tainted(&self, planned: &Planned, ended: Ended) -> Ended {
        let Ended::Failed(failure) = &ended else { return ended };
        // If the engine ended, that is a failure in any state.
        if planned.wrapper.is_none() || failure.kind.is_end() {
            return ended;
        }
        let mut instances = planned.after.iter();
        match instances.find_map(|instance| self.taint.before(*instance, planned.place.line)) {
            Some(missing) => {
                Ended::Apart(missing.apart(), format!("{}; {}", missing.description(), failure.message))
            }
            None => ended,
        }
    }

    /// The reason that names the directive that another one depends on.
    fn blocked_by(&self, request: usize) -> String {
        let at = self.plan.directives.partition_point(|planned| planned.requests.end <= request);
        match self.plan.directives.get(at).filter(|planned| planned.requests.contains(&request)) {
            Some(planned) => {
                format!("it depends on the directive on line {}, which failed", planned.place.line)
            }
            None => "it depends on an earlier directive, which failed".to_owned(),
        }
    }

    fn out_of_place(&self, answer: &Answer, expected: &str) -> Ended {
        let message = format!("unexpected answer `{answer}` from the adapter: expected {expected}");
        Failure::new(FailureKind::Unexpected(ErrorKind::Internal), message).into()
    }

    /// The result of a directive's requests, in order.
    fn came(&self, planned: &Planned) -> Result<Came, Ended> {
        let mut number = 0;
        for request in planned.requests.clone() {
            let is_call = planned.wrapper.is_some();
            match self.reply(request)? {
                Answer::Ok(_) if !is_call => {}
                Answer::Value(value) if is_call => number = *value,
                Answer::Error(Class::NoHandle, _) => {
                    return Err(Ended::Apart(Apart::Blocked, self.blocked_by(request)));
                }
                Answer::Error(Class::Limit, message) if !self.wants_limit(planned) => {
                    return Err(Ended::Apart(Apart::Limit, message.to_string()));
                }
                Answer::Error(class, message) => {
                    let error = EmbedError::new(class.kind(), &**message);
                    return Ok(Err((error, Some(*class))));
                }
                other => return Err(self.out_of_place(other, if is_call { "`v`" } else { "`ok`" })),
            }
        }
        Ok(Ok(number))
    }

    /// Whether the directive asserts an error that the adapter may report as a limit.
    fn wants_limit(&self, planned: &Planned) -> bool {
        match &planned.want {
            Want::Fails { kind, .. } => {
                self.engine.hello.merges.compare(Class::Limit, *kind) != Distinction::Other
            }
            _ => false,
        }
    }

    fn meets(&self, planned: &Planned, came: Came, want: &Want) -> Result<Passed, Ended> {
        match (want, came) {
            (Want::Fails { kind, text, written, superseded }, came) => {
                let text = text.as_deref().map(|text| (text, *written));
                self.fails(planned, came, *kind, text, *superseded)
            }
            (Want::Throws, Ok(0)) => Ok(Passed::default()),
            (Want::Throws, Ok(1)) => Err(self.missed(planned, ErrorKind::Exception).into()),
            (Want::Throws, Err((error, class))) => self.kind(&error, class, ErrorKind::Exception, None),
            (Want::Returns(patterns), Ok(number)) => self.returned(planned, number, patterns),
            (Want::Returns(patterns), Err((error, _))) => Err(not_returned(&error, patterns).into()),
            (_, Ok(0)) => Ok(Passed::default()),
            (_, Ok(number)) => Err(self.out_of_place(&Answer::Value(number), "another number")),
            (_, Err((error, _))) => Err(unexpected(&error).into()),
        }
    }

    /// Judges the result of a directive that expects an error.
    fn fails(
        &self,
        planned: &Planned,
        came: Came,
        kind: ErrorKind,
        text: Option<(&str, Written)>,
        superseded: bool,
    ) -> Result<Passed, Ended> {
        let judged = match came {
            Err((error, class)) => self.kind(&error, class, kind, text),
            Ok(_) if planned.wrapper.is_some() => Err(self.missed(planned, kind).into()),
            Ok(_) => {
                let refuses = matches!(kind, ErrorKind::Malformed | ErrorKind::Invalid);
                let what = if refuses { "the module was accepted" } else { "the module was instantiated" };
                Err(accepted(kind, text.map_or("", |(text, _)| text), what).into())
            }
        };
        match judged {
            Err(Ended::Failed(failure)) if superseded && !self.engine.hello.features => {
                let why = format!("later versions of the specification differ: {}", failure.message);
                Err(Ended::Apart(Apart::Superseded, why))
            }
            judged => judged,
        }
    }

    /// Judges the kind and the text of an error.
    fn kind(
        &self,
        error: &EmbedError,
        class: Option<Class>,
        expected: ErrorKind,
        text: Option<(&str, Written)>,
    ) -> Result<Passed, Ended> {
        let distinction = match class {
            Some(class) => self.engine.hello.merges.compare(class, expected),
            None if error.kind == expected => Distinction::Same,
            None => Distinction::Other,
        };
        let coarse = distinction == Distinction::Coarsely;
        if distinction == Distinction::Other {
            return Err(instead(error, expected, text.map(|(text, _)| text)).into());
        }
        let Some((text, written)) = text else { return Ok(Passed { text_not_compared: false, coarse }) };
        let match_kind = self.engine.match_kind;
        // The engine does not use the texts of scripts, unless its adapter declares `texts`.
        if match_kind == MatchKind::Class && !self.engine.hello.texts {
            return Ok(Passed { text_not_compared: true, coarse });
        }
        match compared(match_kind, text, error, written) {
            Comparison::Same => Ok(Passed { text_not_compared: false, coarse }),
            Comparison::NotCompared => Ok(Passed { text_not_compared: true, coarse }),
            Comparison::Different => Err(wrong_text(error, text, match_kind).into()),
        }
    }

    /// Judges results by the number of the first unexpected one, from 1; 0 if there is none.
    fn returned(&self, planned: &Planned, number: i32, patterns: &[Pattern]) -> Result<Passed, Ended> {
        let types = planned.wrapper.as_ref().map_or(&[][..], |wrapped| &wrapped.results);
        if types.len() != patterns.len() {
            let mismatch = miscounted(types.len(), patterns.len());
            let actual = list_written(self.results(planned).iter().map(Value::to_string));
            let failure = Failure::new(FailureKind::Mismatch(mismatch.kind), mismatch.message);
            let mut results = vec![None; types.len()];
            if let Some(first) = results.first_mut() {
                *first = self.results(planned).first().copied();
            }
            return Err(failure.with(patterns_written(patterns), actual).of_results(results).into());
        }
        let index = match usize::try_from(number) {
            Ok(0) => return Ok(Passed::default()),
            Ok(number) if number <= patterns.len() => number - 1,
            _ => return Err(self.out_of_place(&Answer::Value(number), "the number of a result")),
        };
        let (Some(pattern), Some(ty)) = (patterns.get(index), types.get(index)) else {
            return Err(self.out_of_place(&Answer::Value(number), "the number of a result"));
        };
        let value = self.noted(planned, *ty);
        let found = value.and_then(|value| mismatch(index, &value, pattern));
        let (kind, message) = found.map_or_else(
            || (MismatchKind::Value, format!("result {index} has the wrong value")),
            |mismatch| (mismatch.kind, mismatch.message),
        );
        let failure = Failure::new(FailureKind::Mismatch(kind), message);
        let failure = Failure { expected: Some(patterns_written(patterns)), ..failure };
        let actual = value.map(|value| {
            let written = (0..types.len()).map(|at| match at == index {
                true => value.in_shape(pattern.shape()),
                false => "…".to_owned(),
            });
            list_written(written)
        });
        let results = (0..types.len()).map(|at| value.filter(|_| at == index));
        Err(Failure { actual, ..failure }.of_results(results).into())
    }

    /// The failure of a call that should not have returned.
    fn missed(&self, planned: &Planned, kind: ErrorKind) -> Failure {
        let results = self.results(planned);
        let failure = missed(kind, &results);
        let has_results = planned.wrapper.as_ref().is_some_and(|wrapped| !wrapped.results.is_empty());
        // The results are unknown if the wrapper did not record them.
        let actual = failure.actual.filter(|_| !results.is_empty() || !has_results);
        Failure { actual, ..failure }
    }

    /// The recorded results of a call that should not have returned.
    fn results(&self, planned: &Planned) -> crate::embed::Results {
        let first = planned.wrapper.as_ref().and_then(|wrapped| wrapped.results.first());
        first.and_then(|ty| self.noted(planned, *ty)).into_iter().collect()
    }

    /// The value that the wrapper recorded, if it belongs to this directive.
    fn noted(&self, planned: &Planned, ty: ResultType) -> Option<Value> {
        let wrapped = planned.wrapper.as_ref()?;
        let more = self.more.get(&planned.requests.start);
        if more.is_none() && self.noted.get(&wrapped.made) != Some(&planned.requests.start) {
            return None;
        }
        let recorded = |number: usize| match self.replies.get(wrapped.noted.start.saturating_add(number)) {
            Some(Reply::Answered(Answer::Value(word))) if number < wrapped.noted.len() => {
                Some(word.cast_unsigned())
            }
            _ => None,
        };
        let word = |number: usize| match more {
            Some(words) => words.get(number).copied(),
            None => recorded(number),
        };
        let long = |number: usize| Some(u64::from(word(number)?) | u64::from(word(number + 1)?) << 32);
        Some(match ty {
            ResultType::I32 => Value::I32(word(0)?.cast_signed()),
            ResultType::F32 => Value::F32(word(0)?),
            ResultType::I64 => Value::I64(long(0)?.cast_signed()),
            ResultType::F64 => Value::F64(long(0)?),
            ResultType::V128 => Value::V128(u128::from(long(0)?) | u128::from(long(2)?) << 64),
            ResultType::Ref(top) => Value::Ref(reference(top, i64::from(word(0)?), word(1)?)?),
        })
    }
}

/// Compares a text with all texts of an error, since a module may break several rules.
fn compared(match_kind: MatchKind, text: &str, error: &EmbedError, written: Written) -> Comparison {
    let texts = error.message.split(ALTERNATIVE);
    let comparisons = texts.map(|message| {
        compare(match_kind, text, &EmbedError { message: message.to_owned(), ..error.clone() }, written)
    });
    comparisons.fold(Comparison::NotCompared, |first, next| match (first, next) {
        (Comparison::Same, _) | (_, Comparison::Same) => Comparison::Same,
        (Comparison::Different, _) | (_, Comparison::Different) => Comparison::Different,
        _ => Comparison::NotCompared,
    })
}

/// Decodes a recorded reference.
fn reference(top: HeapType, noted: i64, bits: u32) -> Option<Reference> {
    Some(match noted {
        kind::NULL => Reference::Null(top),
        kind::FUNC => Reference::Func,
        kind::EXTERN => Reference::Extern(None),
        kind::EXN => Reference::Exn,
        kind::I31 => Reference::I31(bits),
        kind::STRUCT => Reference::Struct,
        kind::ARRAY => Reference::Array,
        // The number of a host reference is unknown.
        _ => return None,
    })
}
