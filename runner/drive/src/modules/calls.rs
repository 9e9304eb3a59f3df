//! The calls on one instance, by runs that each make some of them.
//!
//! All calls that are to return are made by one run. Where that does not end well, runs of fewer
//! calls find the ones that are not as expected. A call that is to trap ends its process, so that
//! it has a run of its own, after those before it that may have changed the state. That it does not
//! return counts since the same module has run well without it.

use wassay_script::plan::Reply;
use wassay_script::selfcheck::{self, Check, Entry, Form, Subject, Wrapper, build};
use wassay_script::wap::Class;

use super::reply::{error, value};
use super::run::{Ran, Runner};
use super::script::Call;

/// How many calls of an instance are looked for that are not as expected.
const MOST_WRONG: usize = 1000;

/// Calls on an instance.
pub(super) struct Calls<'a> {
    subject: &'a Subject<'a>,
    wrappers: Vec<Wrapper<'a>>,
    entry: &'a Entry,
    calls: Vec<Made<'a>>,
    /// The line of a call that was not made, and may have changed the state.
    left_out: Option<usize>,
}

/// A call and what is known of it.
struct Made<'a> {
    call: &'a Call,
    wrapper: usize,
    /// Whether it may change the state of the instance.
    changes: bool,
    state: State,
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// It gives this number, or is to.
    Gives(i32),
    /// It does not return, or is not to: it has no place in a run with others.
    Ends,
    /// It has this reply, and no place in any run.
    Known(Reply),
}

impl<'a> Calls<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, wrappers: Vec<Wrapper<'a>>, entry: &'a Entry) -> Calls<'a> {
        Calls { subject, wrappers, entry, calls: Vec::new(), left_out: None }
    }

    /// Adds a call, after the others.
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

    /// Notes a call that cannot be made.
    pub(super) fn leave_out(&mut self, call: &Call, changes: bool) {
        if changes {
            self.left_out = self.left_out.or(Some(call.line));
        }
    }

    /// Why the state of the instance is not what it would be, where a call before may have changed
    /// it and ended its process.
    fn spoiled(&self) -> Option<String> {
        if let Some(line) = self.left_out {
            return Some(format!(
                "the call on line {line} was not made, and may have changed the state of the instance"
            ));
        }
        let is_spoiling = |made: &&Made<'_>| made.changes && made.state == State::Ends;
        let spoiling = self.calls.iter().find(is_spoiling)?;
        Some(format!(
            "the call on line {} may have changed the state of the instance before it ended the process",
            spoiling.call.line
        ))
    }

    /// Whether all calls that are to return give 0.
    pub(super) fn all_well(&self, runner: &mut Runner<'_>) -> bool {
        self.run(runner, self.calls.len(), None) == Ran::Well
    }

    /// The wrappers that the engine does not accept in the module, by their numbers. Their calls
    /// are left out from now on.
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

    /// Finds the calls that do not give 0 as they are to, the first one first.
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

    /// The first call that is not as it is to be, where the first `good` are; `None` where all are.
    fn first_wrong(&mut self, runner: &mut Runner<'_>, good: usize) -> Option<usize> {
        let all = self.calls.len();
        let (mut good, mut step) = (good, 1);
        // Calls that are wrong often follow each other, so that few are tried first, and then more
        // and more.
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

    /// What a call does that does not give 0.
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
            Ran::Well => State::Known(error(Class::Error, "it gives a number that stands for no result")),
            Ran::Badly(said) => State::Known(error(Class::Trap, &said)),
            // Where this was not run, the run before says what is known.
            Ran::NotRun => State::Known(ran.reply(Class::Trap)),
            other => State::Known(other.reply(Class::Trap)),
        }
    }

    /// Gives all calls from one on a reply.
    fn give_up(&mut self, from: usize, reply: &Reply) {
        for made in self.calls.iter_mut().skip(from) {
            made.state = State::Known(reply.clone());
        }
    }

    /// The replies to all calls. Those that are to end the process are run now.
    pub(super) fn replies(&self, runner: &mut Runner<'_>) -> Vec<(usize, Reply)> {
        let reply = |(at, made): (usize, &Made<'_>)| {
            let reply = match &made.state {
                State::Gives(number) => value(*number),
                State::Known(reply) => reply.clone(),
                State::Ends => match self.run(runner, at, Some((at, Check::Any))) {
                    // What returns and is not to gives 1.
                    Ran::Well => value(1),
                    ran => ran.reply(Class::Trap),
                },
            };
            (made.call.request, reply)
        };
        self.calls.iter().enumerate().map(reply).collect()
    }

    /// Runs the first calls, as far as they return, and one more. Before that one, those are left
    /// out that change nothing.
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
