//! What is known while a script is compiled to its plan.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::alter::Alter;
use super::model::{ScriptPlan, Want};
use super::module::Info;
use super::wrapper::{Call, Item, Wanted};
use crate::env::{Env, Missing};
use crate::failures::no_such;
use crate::model::Name;
use crate::options::Options;
use crate::source::Source;
use crate::verdict::FailureKind;

pub(super) struct Planner<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) options: &'a Options,
    pub(super) alter: Option<Alter>,
    pub(super) env: Env<Module, Instance>,
    pub(super) plan: ScriptPlan,
    /// The request that registered each name.
    pub(super) registered: HashMap<Name, usize>,
    pub(super) spectest: Spectest,
    /// Calls that no other directive comes between.
    pub(super) batch: Vec<Pending<'a>>,
    pub(super) handles: u32,
    /// Whether the script has started a thread.
    pub(super) is_threaded: bool,
}

/// A module with a handle.
pub(super) struct Module {
    pub(super) handle: u32,
    /// The request that compiles it.
    pub(super) made: usize,
    pub(super) info: Option<Info>,
}

/// An instance with a handle.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) handle: u32,
    /// The request that instantiates it.
    pub(super) made: usize,
    pub(super) module: Rc<Module>,
}

/// The state of the module `spectest`.
#[derive(Default)]
pub(super) struct Spectest {
    /// Whether it was instantiated, or the script registered its name.
    pub(super) is_made: bool,
    /// Whether the name still refers to it.
    pub(super) is_ours: bool,
    /// The additional items, each with the request that added it.
    pub(super) extensions: HashMap<String, usize>,
}

impl Spectest {
    /// Records that its name refers to something else from now on.
    pub(super) fn give_up(&mut self) {
        *self = Spectest { is_made: true, is_ours: false, extensions: HashMap::new() };
    }
}

/// How to perform a directive: its requests, and those that it depends on.
pub(super) struct Step {
    pub(super) requests: Range<usize>,
    pub(super) after: Vec<usize>,
    pub(super) want: Want,
}

impl Step {
    /// A step without requests.
    pub(super) fn without(want: Want) -> Step {
        Step { requests: 0..0, after: Vec::new(), want }
    }
}

pub(super) fn not_applicable(why: &str) -> Want {
    Want::NotApplicable(why.to_owned())
}

pub(super) fn no_instance(name: Option<&str>, missing: Missing) -> Want {
    Want::Failed(Box::new(no_such(FailureKind::NoSuchInstance, "instance", name, missing)))
}

/// A call that is pending for its wrapper.
pub(super) struct Pending<'a> {
    /// The directive, if it is judged.
    pub(super) slot: Option<usize>,
    pub(super) instance: Instance,
    pub(super) export: &'a str,
    pub(super) call: Call<'a>,
    pub(super) want: Want,
}

impl Pending<'_> {
    pub(super) fn item(&self) -> Item<'_> {
        let wanted = match &self.want {
            Want::Returns(patterns) => Wanted::Results(patterns),
            Want::Fails { .. } => Wanted::NoReturn,
            Want::Throws => Wanted::Exception,
            _ => Wanted::Return,
        };
        let call = match &self.call {
            Call::Function(function, arguments) => Call::Function(function.clone(), arguments),
            Call::Global(global) => Call::Global(*global),
        };
        Item { export: self.export, call, wanted }
    }
}
