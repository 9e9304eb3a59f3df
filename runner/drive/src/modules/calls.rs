//! Tests the calls on an instance in several runs.
//!
//! One run makes all calls that should return. If it fails, runs of fewer calls find the unexpected
//! ones. A call that should trap ends its process, so it has its own run, after earlier calls that
//! may change the state. Its failure counts because the same module succeeded without it.

use wassay_script::plan::Reply;
use wassay_script::selfcheck::{self, Check, Entry, Form, Subject, Wrapper, build};
use wassay_script::wap::Class;

use super::reply::{error, value};
use super::run::{Ran, Runner};
use super::script::Call;

/// The maximum number of unexpected calls to find per instance.
const MOST_WRONG: usize = 1000;

/// Calls on an instance.
pub(super) struct Calls<'a> {
    subject: &'a Subject<'a>,
    wrappers: Vec<Wrapper<'a>>,
    entry: &'a Entry,
    calls: Vec<Made<'a>>,
    /// The line of a call that was not made and may have changed the state.
    left_out: Option<usize>,
}

/// A call and its state.
struct Made<'a> {
    call: &'a Call,
    wrapper: usize,
    /// Whether it may change the state of the instance.
    changes: bool,
    state: State,
}

/// The state of a call.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// It returns this number, or should.
    Gives(i32),
    /// It does not return, or should not, so it is excluded from runs with other calls.
    Ends,
    /// It has this reply, and is excluded from all runs.
    Known(Reply),
}

impl<'a> Calls<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, wrappers: Vec<Wrapper<'a>>, entry: &'a Entry) -> Calls<'a> {
        Calls { subject, wrappers, entry, calls: Vec::new(), left_out: None }
    }

    /// Appends a call.
    pub(super) fn push(&mut self, call: &'a Call, wrapper: usize) {
        let changes =
            self.wrappers.get(wrapper).is_none_or(|wrapper| wrapper.may_change(self.subject, &call.export));
        let state = match self.spoiled() {
            Some(why) => State::Known(Reply::NotApplicable(why)),
            None if call.ends => State::Ends,
            None => State::Gives(0),
        };
        self.calls.push(Made { call, wrapper, changes, state });
    }

    /// Records a call that cannot be made.
    pub(super) fn leave_out(&mut self, call: &Call, changes: bool) {
        if changes {
            self.left_out = self.left_out.or(Some(call.line));
        }
    }

    /// Why the state of the instance is unknown, if an earlier call may have changed it and ended
    /// its process.
    fn spoiled(&self) -> Option<String> {
        if let Some(line) = self.left_out {
            return Some(format!(
                "the call on line {line} was not made, but may change the state of the instance"
            ));
        }
        let is_spoiling = |made: &&Made<'_>| made.changes && made.state == State::Ends;
        let spoiling = self.calls.iter().find(is_spoiling)?;
        Some(format!(
            "the call on line {} may have changed the state of the instance before it ended the process",
            spoiling.call.line
        ))
    }

    /// Whether all calls that should return succeed.
    pub(super) fn all_well(&self, runner: &mut Runner<'_>) -> bool {
        self.run(runner, self.calls.len(), None) == Ran::Well
    }

    /// Finds wrappers that the engine rejects in the module, by index. Their calls are excluded
    /// from now on.
    pub(super) fn unsupported(&mut self, runner: &mut Runner<'_>) -> Vec<(usize, Reply)> {
        let alone = |wrappers: &[Wrapper<'_>]| build(self.subject, Form::Whole, wrappers, &[], self.entry);
        if self.wrappers.is_empty() || runner.run(&alone(&self.wrappers)) == Ran::Well {
            return Vec::new();
        }
        let mut unsupported = Vec::new();
        let mut kept = Vec::new();
        for (number, wrapper) in std::mem::take(&mut self.wrappers).into_iter().enumerate() {
            let ran = runner.run(&build(
                self.subject,
                Form::Whole,
                std::slice::from_ref(&wrapper),
                &[],
                self.entry,
            ));
            match ran {
                Ran::Well => kept.push((number, wrapper)),
                ran => unsupported.push((number, ran.reply(Class::Unsupported))),
            }
        }
        self.calls.retain_mut(|made| match kept.iter().position(|(number, _)| *number == made.wrapper) {
            Some(at) => {
                made.wrapper = at;
                true
            }
            None => false,
        });
        self.wrappers = kept.into_iter().map(|(_, wrapper)| wrapper).collect();
        unsupported
    }

    /// Finds the calls that should succeed but do not, in order.
    pub(super) fn search(&mut self, runner: &mut Runner<'_>) {
        let mut good = 0;
        for _ in 0..MOST_WRONG {
            let Some(at) = self.first_wrong(runner, good) else { return };
            good = at + 1;
            let state = self.found(runner, at);
            let Some(made) = self.calls.get_mut(at) else { return };
            let has_ended = matches!(state, State::Known(_));
            let (spoils, line) = (has_ended && made.changes, made.call.line);
            made.state = state;
            if spoils {
                let why = format!(
                    "the call on line {line} did not return, and may have changed the state of the instance"
                );
                self.give_up(good, &Reply::NotApplicable(why));
                return;
            }
        }
        self.give_up(good, &Reply::NotRun("the engine failed on too many calls of the instance".to_owned()));
    }

    /// Finds the first unexpected call after the first `good` ones.
    fn first_wrong(&mut self, runner: &mut Runner<'_>, good: usize) -> Option<usize> {
        let all = self.calls.len();
        let (mut good, mut step) = (good, 1);
        // Unexpected calls are often adjacent, so increase the number of calls gradually.
        let mut bad = loop {
            if good >= all {
                return None;
            }
            let end = (good + step).min(all);
            match self.run(runner, end, None) {
                Ran::Well => (good, step) = (end, step * 4),
                ran @ (Ran::NotRun | Ran::Lost(_)) => {
                    self.give_up(good, &ran.reply(Class::Error));
                    return None;
                }
                _ => break end,
            }
        };
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            match self.run(runner, middle, None) {
                Ran::Well => good = middle,
                _ => bad = middle,
            }
        }
        Some(bad - 1)
    }

    /// Determines the state of a call that does not return 0.
    fn found(&self, runner: &mut Runner<'_>, at: usize) -> State {
        let results = self.calls.get(at).map_or(0, |made| made.call.results).max(1);
        let mut ran = Ran::NotRun;
        for number in 1..=i32::try_from(results).unwrap_or(i32::MAX) {
            ran = self.run(runner, at, Some((at, Check::Is(number))));
            if ran == Ran::Well {
                return State::Gives(number);
            }
            if !matches!(ran, Ran::Badly(_)) {
                return State::Known(ran.reply(Class::Trap));
            }
        }
        match self.run(runner, at, Some((at, Check::Any))) {
            Ran::Well => {
                State::Known(error(Class::Error, "it returns a number that is not the index of a result"))
            }
            Ran::Badly(said) => State::Known(error(Class::Trap, &said)),
            // If this was not run, use the previous run.
            Ran::NotRun => State::Known(ran.reply(Class::Trap)),
            other => State::Known(other.reply(Class::Trap)),
        }
    }

    /// Sets a reply for all calls from an index.
    fn give_up(&mut self, from: usize, reply: &Reply) {
        for made in self.calls.iter_mut().skip(from) {
            made.state = State::Known(reply.clone());
        }
    }

    /// The replies to all calls. Calls that should end the process are run now.
    pub(super) fn replies(&self, runner: &mut Runner<'_>) -> Vec<(usize, Reply)> {
        let reply = |(at, made): (usize, &Made<'_>)| {
            let reply = match &made.state {
                State::Gives(number) => value(*number),
                State::Known(reply) => reply.clone(),
                State::Ends => match self.run(runner, at, Some((at, Check::Any))) {
                    // A call that should not have returned returns 1.
                    Ran::Well => value(1),
                    ran => ran.reply(Class::Trap),
                },
            };
            (made.call.request, reply)
        };
        self.calls.iter().enumerate().map(reply).collect()
    }

    /// Runs the first calls, as far as they return, and optionally one more, in which case calls
    /// without effects are excluded.
    fn run(&self, runner: &mut Runner<'_>, first: usize, last: Option<(usize, Check)>) -> Ran {
        let is_alone = last.is_some();
        let before = self.calls.iter().take(first).filter(|made| !is_alone || made.changes);
        let before = before.filter_map(|made| match made.state {
            State::Gives(number) => Some(made.call(Check::Is(number))),
            _ => None,
        });
        let last = last.and_then(|(at, check)| self.calls.get(at).map(|made| made.call(check)));
        let calls: Vec<selfcheck::Call<'_>> = before.chain(last).collect();
        runner.run(&build(self.subject, Form::Whole, &self.wrappers, &calls, self.entry))
    }
}

impl Made<'_> {
    fn call(&self, check: Check) -> selfcheck::Call<'_> {
        selfcheck::Call { wrapper: self.wrapper, export: &self.call.export, check }
    }
}
