//! Answers the requests of a plan by running self-checking modules.

use wassay_script::plan::{Reply, ScriptPlan};
use wassay_script::selfcheck::{
    Entry, Form, Subject, Unfit, Wrapper, build, empty, hides_fault, imports_something, is_valid,
};
use wassay_script::wap::Class;

use super::calls::Calls;
use super::reply::{error, ok};
use super::run::{Ran, Runner};
use super::script::{Instance, Layout};

/// The reason for not testing requests that need other instances.
const NOT_LINKED: &str = "a command runs a single module, so instances cannot be registered and linked";

/// The reason for not testing the compilation of a valid module whose instantiation fails.
const ONLY_DEFINED: &str =
    "the module should only be compiled, but a command also instantiates it, which failed";

/// Answers the requests of a plan for an engine with this entry.
pub(super) fn answer(plan: &ScriptPlan, entry: &Entry, runner: &mut Runner<'_>) -> Vec<Reply> {
    let layout = Layout::of(plan, entry);
    let mut answers = Answers { replies: vec![ok(); plan.requests.len()], layout: &layout, entry, runner };
    for request in &layout.noted {
        answers.set(*request, error(Class::Unsupported, "a command returns no values"));
    }
    for request in &layout.links {
        answers.set(*request, Reply::NotApplicable(NOT_LINKED.to_owned()));
    }
    for (request, module) in &layout.modules {
        if !module.is_instantiated {
            let compiled = answers.compiled(&module.bytes);
            let is_accepted = compiled.reply == ok();
            let reply = match is_accepted || !is_valid(&module.bytes, layout.features) {
                true => compiled.reply,
                false => Reply::NotApplicable(ONLY_DEFINED.to_owned()),
            };
            answers.set(*request, reply);
        }
    }
    for instance in &layout.instances {
        answers.instance(instance);
    }
    answers.replies
}

struct Answers<'a, 'r, 'e> {
    replies: Vec<Reply>,
    layout: &'a Layout,
    entry: &'a Entry,
    runner: &'r mut Runner<'e>,
}

/// The result of compiling a module.
struct Compiled {
    reply: Reply,
    /// The result of instantiating it, if it was.
    made: Option<Ran>,
}

impl Answers<'_, '_, '_> {
    fn set(&mut self, request: usize, reply: Reply) {
        if let Some(place) = self.replies.get_mut(request) {
            *place = reply;
        }
    }

    /// Tests a module without calls.
    fn compiled(&mut self, module: &[u8]) -> Compiled {
        let only = |reply| Compiled { reply, made: None };
        let entry = self.entry;
        let subject = match Subject::read(module, entry) {
            Ok(subject) => subject,
            Err(Unfit::Linked(why)) => return only(Reply::NotApplicable(why)),
            Err(Unfit::Unreadable) => return only(self.as_it_is(module)),
        };
        let whole = build(&subject, Form::Whole, &[], &[], entry);
        if hides_fault(module, &whole, self.layout.features) {
            return only(self.as_it_is(module));
        }
        let made = self.runner.run(&whole);
        if matches!(made, Ran::Well | Ran::NotRun | Ran::Lost(_)) {
            return Compiled { reply: made.clone().reply(Class::Compile), made: Some(made) };
        }
        // The same module without parts that can fail later shows whether it compiles, unless the
        // error is in these.
        let still = build(&subject, Form::Still, &[], &[], entry);
        if hides_fault(module, &still, self.layout.features) {
            let reply = match (&made, self.runner.runs_well(&still)) {
                (Ran::Badly(said), false) => self.refuses_valid_part(module, said),
                _ => made.reply(Class::Compile),
            };
            return only(reply);
        }
        let stopped = if still == whole { made.clone() } else { self.runner.run(&still) };
        let Ran::Badly(_) = stopped else {
            return Compiled { reply: stopped.reply(Class::Compile), made: Some(made) };
        };
        if subject.may_trap_early() && is_valid(module, self.layout.features) {
            let why = "the module may trap while initialising its globals, so a rejection cannot be distinguished from a trap";
            return only(Reply::NotApplicable(why.to_owned()));
        }
        // A rejection is meaningful only if the engine accepts the valid part of the module.
        let hollow = build(&subject, Form::Hollow, &[], &[], entry);
        if is_valid(&hollow, self.layout.features) && hollow != still && !self.runner.runs_well(&hollow) {
            let Ran::Badly(said) = stopped else { return only(stopped.reply(Class::Compile)) };
            return only(self.refuses_valid_part(module, &said));
        }
        only(stopped.reply(Class::Compile))
    }

    /// The reply if an engine rejects a module and also its valid part. For a valid module, that is
    /// a rejection.
    fn refuses_valid_part(&self, module: &[u8], said: &str) -> Reply {
        if is_valid(module, self.layout.features) {
            return error(Class::Compile, said);
        }
        Reply::NotApplicable(format!(
            "the engine rejects the module, but also its valid part, so the result is not meaningful: {said}"
        ))
    }

    /// Tests a module that cannot be extended.
    fn as_it_is(&mut self, module: &[u8]) -> Reply {
        if imports_something(module) {
            let why =
                "it has imports, which cannot be replaced by definitions in a module with such an error";
            return Reply::NotApplicable(why.to_owned());
        }
        if !self.runner.runs_well(&empty()) {
            let why = "the module cannot be extended, and the engine does not exit with code 0 on a module without an entry";
            return Reply::NotApplicable(why.to_owned());
        }
        self.runner.run(module).reply(Class::Compile)
    }

    /// Tests an instance, its wrappers and its calls.
    fn instance(&mut self, instance: &Instance) {
        let (layout, entry) = (self.layout, self.entry);
        let Some(module) = layout.modules.get(&instance.module) else { return };
        let bytes = &module.bytes;
        let subject = Subject::read(bytes, entry);
        let hides = |subject: &Subject<'_>| {
            let whole = build(subject, Form::Whole, &[], &[], entry);
            hides_fault(bytes, &whole, layout.features)
        };
        let subject = match (subject, &instance.unmade) {
            (Ok(subject), None) if !hides(&subject) => subject,
            (Ok(_), Some(why)) => return self.not_applicable(instance, why),
            (Err(Unfit::Linked(why)), _) => return self.not_applicable(instance, &why),
            (Ok(_), None) | (Err(Unfit::Unreadable), _) => {
                let reply = self.as_it_is(bytes);
                let was_accepted = reply == ok();
                self.set(instance.module, reply);
                let made = match was_accepted {
                    true => Reply::NotApplicable("the module cannot be extended".to_owned()),
                    false => no_handle(),
                };
                return self.all(instance, &made);
            }
        };
        let (mut wrappers, mut numbers) = (Vec::new(), Vec::new());
        for wrapped in &instance.wrappers {
            match Wrapper::read(&subject, &wrapped.bytes) {
                Ok(wrapper) if !wrapper.needs_host() => {
                    numbers.push(Ok(wrappers.len()));
                    wrappers.push(wrapper);
                }
                other => {
                    numbers.push(Err(other.ok()));
                    let why = "it needs host references, which a module cannot create";
                    self.set(wrapped.made, Reply::NotApplicable(why.to_owned()));
                }
            }
        }
        let mut calls = Calls::new(&subject, wrappers, entry);
        for call in &instance.calls {
            match (&instance.shared, numbers.get(call.wrapper)) {
                (Some((from, why)), _) if call.request > *from => {
                    self.set(call.request, Reply::NotApplicable(why.clone()));
                }
                (_, Some(Ok(wrapper))) => calls.push(call, *wrapper),
                // The reply of the wrapper has the reason.
                (_, Some(Err(wrapper))) => {
                    let may_change = |wrapper: &Wrapper<'_>| wrapper.may_change(&subject, &call.export);
                    calls.leave_out(call, wrapper.as_ref().is_none_or(may_change));
                }
                (_, None) => {}
            }
        }
        if calls.all_well(self.runner) {
            return self.answer(&calls);
        }
        let compiled = self.compiled(bytes);
        self.set(instance.module, compiled.reply);
        match compiled.made {
            Some(Ran::Well) => {}
            Some(made) => {
                self.all(instance, &no_handle());
                return self.set(instance.made, made.reply(Class::Trap));
            }
            None => {
                let was_judged = !matches!(self.replies.get(instance.module), Some(Reply::NotApplicable(_)));
                let why = self.replies.get(instance.module).cloned().unwrap_or_else(ok);
                return self.all(instance, &if was_judged { no_handle() } else { why });
            }
        }
        for (number, reply) in calls.unsupported(self.runner) {
            if let Some(at) = numbers.iter().position(|known| matches!(known, Ok(known) if *known == number))
                && let Some(wrapped) = instance.wrappers.get(at)
            {
                self.set(wrapped.made, reply);
            }
        }
        calls.search(self.runner);
        self.answer(&calls);
    }

    /// Answers the calls on an instance.
    fn answer(&mut self, calls: &Calls<'_>) {
        for (request, reply) in calls.replies(self.runner) {
            self.set(request, reply);
        }
    }

    /// Marks all requests of an instance as not applicable.
    fn not_applicable(&mut self, instance: &Instance, why: &str) {
        let reply = Reply::NotApplicable(why.to_owned());
        self.set(instance.module, reply.clone());
        self.all(instance, &reply);
    }

    /// Sets the same reply for all requests of an instance.
    fn all(&mut self, instance: &Instance, reply: &Reply) {
        let wrappers = instance.wrappers.iter().map(|wrapped| wrapped.made);
        let calls = instance.calls.iter().map(|call| call.request);
        for request in [instance.made].into_iter().chain(wrappers).chain(calls) {
            self.set(request, reply.clone());
        }
    }
}

fn no_handle() -> Reply {
    error(Class::NoHandle, "")
}
