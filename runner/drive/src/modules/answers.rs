//! What runs of self-checking modules say of the requests of a plan.

use wassay_script::plan::{Reply, ScriptPlan};
use wassay_script::selfcheck::{
    Entry, Form, Subject, Unfit, Wrapper, build, empty, hides_fault, imports_something, is_valid,
};
use wassay_script::wap::Class;

use super::calls::Calls;
use super::reply::{error, ok};
use super::run::{Ran, Runner};
use super::script::{Instance, Layout};

/// Why what needs other instances is not asked.
const NOT_LINKED: &str = "a command runs one module, so that instances are not registered and linked";

/// Why a module that is valid is not asked about where it is not to be instantiated, and that
/// fails.
const ONLY_DEFINED: &str =
    "the module is only to be compiled, and a command instantiates it too, which failed";

/// Answers the requests of a plan by runs of modules that are entered so.
pub(super) fn answer(plan: &ScriptPlan, entry: &Entry, runner: &mut Runner<'_>) -> Vec<Reply> {
    let layout = Layout::of(plan, entry);
    let mut answers = Answers { replies: vec![ok(); plan.requests.len()], layout: &layout, entry, runner };
    for request in &layout.noted {
        answers.set(*request, error(Class::Unsupported, "a command gives no values"));
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

/// What came of compiling a module.
struct Compiled {
    reply: Reply,
    /// What came of instantiating it, where it was.
    made: Option<Ran>,
}

impl Answers<'_, '_, '_> {
    fn set(&mut self, request: usize, reply: Reply) {
        if let Some(place) = self.replies.get_mut(request) {
            *place = reply;
        }
    }

    /// Asks for a module, without calls.
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
        // Whether it was compiled is said by the same module without what can fail later, unless
        // that is where its fault is.
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
            let why = "the module may trap while its globals are made, so that it is not known whether it was refused or trapped";
            return only(Reply::NotApplicable(why.to_owned()));
        }
        // That it is refused means something only where the engine accepts what of it is valid.
        let hollow = build(&subject, Form::Hollow, &[], &[], entry);
        if is_valid(&hollow, self.layout.features) && hollow != still && !self.runner.runs_well(&hollow) {
            let Ran::Badly(said) = stopped else { return only(stopped.reply(Class::Compile)) };
            return only(self.refuses_valid_part(module, &said));
        }
        only(stopped.reply(Class::Compile))
    }

    /// The reply where an engine refuses a module, and also what of it is valid. Of a module that
    /// is valid it is what was asked.
    fn refuses_valid_part(&self, module: &[u8], said: &str) -> Reply {
        if is_valid(module, self.layout.features) {
            return error(Class::Compile, said);
        }
        Reply::NotApplicable(format!(
            "the engine refuses the module, but also what of it is valid, so that nothing follows: {said}"
        ))
    }

    /// Asks for a module that nothing can be added to.
    fn as_it_is(&mut self, module: &[u8]) -> Reply {
        if imports_something(module) {
            let why = "it imports something, and nothing can be put in the place of that in a module with such a fault";
            return Reply::NotApplicable(why.to_owned());
        }
        if !self.runner.runs_well(&empty()) {
            let why = "nothing can be added to the module, and the engine does not end with exit code 0 on one that has no entry";
            return Reply::NotApplicable(why.to_owned());
        }
        self.runner.run(module).reply(Class::Compile)
    }

    /// Asks for an instance, its wrappers and its calls.
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
                    true => Reply::NotApplicable("nothing can be added to the module".to_owned()),
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
                    let why = "it needs references of the host, which a module cannot make";
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
                // The wrapper has the reason.
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

    /// Nothing of an instance can be asked.
    fn not_applicable(&mut self, instance: &Instance, why: &str) {
        let reply = Reply::NotApplicable(why.to_owned());
        self.set(instance.module, reply.clone());
        self.all(instance, &reply);
    }

    /// Gives every request about an instance the same reply.
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
