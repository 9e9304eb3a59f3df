//! Groups the requests of a plan by instance, since the process of a command has a single one.

use std::collections::{BTreeMap, HashMap};

use wassay_script::Features;
use wassay_script::embed::ErrorKind;
use wassay_script::plan::{ScriptPlan, Want};
use wassay_script::selfcheck::{Entry, Subject, Unfit, imported_modules};
use wassay_script::spectest;
use wassay_script::wap::Request;

/// The structure of a plan.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The features that the script is judged under.
    pub(super) features: Features,
    /// The modules, by the request that compiles each.
    pub(super) modules: BTreeMap<usize, Module>,
    /// The instances, in order.
    pub(super) instances: Vec<Instance>,
    /// The requests for unexpected values, which a command cannot answer.
    pub(super) noted: Vec<usize>,
    /// The requests that register instances.
    pub(super) links: Vec<usize>,
}

/// A module of the script.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) bytes: Vec<u8>,
    pub(super) is_instantiated: bool,
}

/// An instance of a module.
#[derive(Debug)]
pub(super) struct Instance {
    /// The request that compiles its module, and the one that instantiates it.
    pub(super) module: usize,
    pub(super) made: usize,
    /// The wrappers of calls on it.
    pub(super) wrappers: Vec<Wrapped>,
    /// The calls, in order.
    pub(super) calls: Vec<Call>,
    /// Why its instantiation cannot be tested.
    pub(super) unmade: Option<String>,
    /// Whether modules that import from it may change its state.
    exposes: bool,
    /// The request from which its state is shared, and why.
    pub(super) shared: Option<(usize, String)>,
}

/// A wrapper.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) made: usize,
    pub(super) bytes: Vec<u8>,
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) request: usize,
    /// The number of the wrapper.
    pub(super) wrapper: usize,
    pub(super) export: String,
    /// Whether it is expected to end the process.
    pub(super) ends: bool,
    /// The number of compared results.
    pub(super) results: usize,
    /// The line of its directive.
    pub(super) line: usize,
}

/// The state while reading the requests.
struct Reader<'p> {
    plan: &'p ScriptPlan,
    entry: &'p Entry,
    /// The directive of each request.
    owners: HashMap<usize, usize>,
    layout: Layout,
    /// By handle: the request of a module, the index of an instance, and of a wrapper.
    modules: HashMap<u32, usize>,
    instances: HashMap<u32, usize>,
    wrappers: HashMap<u32, (usize, usize)>,
    registered: HashMap<String, usize>,
    /// The instances that share an item of `spectest`, each with whether it or its functions may
    /// change the item.
    users: HashMap<String, Vec<(usize, bool, bool)>>,
}

impl Layout {
    /// Reads a plan for an engine with this entry.
    pub(super) fn of(plan: &ScriptPlan, entry: &Entry) -> Layout {
        let directives = plan.directives.iter().enumerate();
        let owners =
            directives.flat_map(|(at, planned)| planned.requests.clone().map(move |request| (request, at)));
        let mut reader = Reader {
            plan,
            entry,
            owners: owners.collect(),
            layout: Layout::default(),
            modules: HashMap::new(),
            instances: HashMap::new(),
            wrappers: HashMap::new(),
            registered: HashMap::new(),
            users: HashMap::new(),
        };
        for request in 0..plan.requests.len() {
            if let Some(what) = Request::read(plan.requests.line(request)) {
                reader.request(request, what);
            }
        }
        reader.layout
    }
}

impl Reader<'_> {
    fn request(&mut self, request: usize, what: Request) {
        let is_owned = self.owners.contains_key(&request);
        match what {
            Request::Begin { features } => self.layout.features = features.parse().unwrap_or_default(),
            // A module without a directive is `spectest`, which is not needed: modules define its
            // items.
            Request::Compile { handle, module } if is_owned => {
                self.modules.insert(handle, request);
                self.layout.modules.insert(request, Module { bytes: module, is_instantiated: false });
            }
            Request::Instantiate { handle, module } if is_owned => {
                if let Some(module) = self.modules.get(&module).copied() {
                    self.instantiate(request, handle, module);
                }
            }
            Request::Register { instance, name } if is_owned => {
                self.layout.links.push(request);
                if let Some(instance) = self.instances.get(&instance) {
                    self.registered.insert(name, *instance);
                }
            }
            Request::Extend { .. } if is_owned => self.layout.links.push(request),
            Request::Unregister { name } => {
                self.registered.remove(&name);
            }
            Request::Wrap { handle, instance, wrapper } => {
                if let Some(number) = self.instances.get(&instance)
                    && let Some(instance) = self.layout.instances.get_mut(*number)
                {
                    self.wrappers.insert(handle, (*number, instance.wrappers.len()));
                    instance.wrappers.push(Wrapped { made: request, bytes: wrapper });
                }
            }
            Request::Call { wrapper, export } => self.call(request, wrapper, export),
            _ => {}
        }
    }

    fn call(&mut self, request: usize, wrapper: u32, export: String) {
        let planned = self.owners.get(&request).and_then(|owner| self.plan.directives.get(*owner));
        let (Some((instance, wrapper)), true) =
            (self.wrappers.get(&wrapper).copied(), export.parse::<u32>().is_ok())
        else {
            self.layout.noted.push(request);
            return;
        };
        let ends = planned.is_some_and(|planned| matches!(planned.want, Want::Fails { .. }));
        let wrapped = planned.and_then(|planned| planned.wrapper.as_ref());
        let results = wrapped.map_or(0, |wrapped| wrapped.results.len());
        let line = planned.map_or(0, |planned| planned.place.line);
        if let Some(instance) = self.layout.instances.get_mut(instance) {
            instance.calls.push(Call { request, wrapper, export, ends, results, line });
        }
    }

    fn instantiate(&mut self, request: usize, handle: u32, module: usize) {
        let number = self.layout.instances.len();
        self.instances.insert(handle, number);
        let mut instance = Instance {
            module,
            made: request,
            wrappers: Vec::new(),
            calls: Vec::new(),
            unmade: None,
            exposes: true,
            shared: None,
        };
        let line = self.line(request);
        let Some(Module { bytes, is_instantiated }) = self.layout.modules.get_mut(&module) else { return };
        *is_instantiated = true;
        match Subject::read(bytes, self.entry) {
            Ok(subject) => {
                instance.exposes = subject.exposes();
                let (changes, functions) = (subject.changes(), subject.has_changing_functions());
                for item in subject.shares() {
                    let users = self.users.entry(item.to_owned()).or_default();
                    if users.iter().any(|(_, changed, _)| *changed) {
                        let why =
                            format!("it shares `{}.{item}` with modules that may change it", spectest::NAME);
                        if subject.has_start() || users.iter().any(|(_, _, functions)| *functions) {
                            instance.unmade = Some(why.clone());
                        }
                        instance.shared = Some((request, why));
                    }
                    for (other, ..) in users.iter().filter(|_| changes) {
                        let why =
                            format!("it shares `{}.{item}` with the module on line {line}", spectest::NAME);
                        share(&mut self.layout.instances, *other, request, why);
                    }
                    users.push((number, changes, functions));
                }
            }
            Err(Unfit::Linked(_)) => {
                let owner = self.owners.get(&request).and_then(|owner| self.plan.directives.get(*owner));
                let links = !owner.is_some_and(|planned| {
                    matches!(planned.want, Want::Fails { kind: ErrorKind::Unlinkable, .. })
                });
                let why = format!(
                    "the module on line {line} shares it, and instances cannot be linked on a command line"
                );
                for name in imported_modules(bytes).into_iter().filter(|_| links) {
                    let other = self.registered.get(&name);
                    let exposes =
                        |other: &usize| self.layout.instances.get(*other).is_some_and(|it| it.exposes);
                    if let Some(other) = other.copied().filter(exposes) {
                        share(&mut self.layout.instances, other, request, why.clone());
                    }
                }
            }
            Err(Unfit::Unreadable) => {}
        }
        self.layout.instances.push(instance);
    }

    fn line(&self, request: usize) -> usize {
        let owner = self.owners.get(&request).and_then(|owner| self.plan.directives.get(*owner));
        owner.map_or(0, |planned| planned.place.line)
    }
}

/// Records that the state of an instance is shared from a request on.
fn share(instances: &mut [Instance], number: usize, request: usize, why: String) {
    if let Some(instance) = instances.get_mut(number)
        && instance.shared.is_none()
    {
        instance.shared = Some((request, why));
    }
}
