//! Serves our own engine over the process protocol `wap/1`, for `wassay adapter`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use wassay_engine::{
    Engine, Extern, ExternRef, Features, Func, FuncType, Instance, Linker, Module, Ref, Store, Val, ValType,
};
use wassay_script::embed::EmbedError;
use wassay_script::wap::{ALTERNATIVE, Answer, Class, PROTOCOL, decoded, encoded};

use super::EngineEmbedder;
use super::embed::told;

/// The module names under which wrappers import an instance and the host.
const INSTANCE: &str = "m";
const HOST: &str = "$h";

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Adapter {
    engines: EngineEmbedder,
    session: Option<Session>,
}

/// The state of one script.
#[derive(Debug)]
struct Session {
    engine: Engine,
    store: Store,
    registered: Linker,
    modules: HashMap<u32, Module>,
    instances: HashMap<u32, Instance>,
    /// The host's two functions, once a wrapper imports them.
    host: Option<[Extern; 2]>,
}

/// Why a request failed.
enum Refused {
    Handle,
    /// The instance has no exported function of the requested name.
    Export,
    Request(&'static str),
    Engine(EmbedError),
}

impl From<EmbedError> for Refused {
    fn from(error: EmbedError) -> Self {
        Refused::Engine(error)
    }
}

impl From<wassay_engine::Error> for Refused {
    fn from(error: wassay_engine::Error) -> Self {
        Refused::Engine(told(error))
    }
}

impl Adapter {
    pub(crate) fn new(engines: EngineEmbedder) -> Adapter {
        Adapter { engines, session: None }
    }

    /// Answers a line; `None` if it is not a request.
    pub(crate) fn answer(&mut self, line: &str) -> Option<Answer> {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let words: Vec<&str> = line.split(' ').collect();
        Some(self.request(&words).unwrap_or_else(|refused| match refused {
            Refused::Handle => Answer::Error(Class::NoHandle, "".into()),
            Refused::Export => Answer::Error(Class::Error, "no exported function of this name".into()),
            Refused::Request(why) => Answer::Error(Class::Unsupported, why.into()),
            Refused::Engine(error) => Answer::Error(Class::of(error.kind), texts(&error).into()),
        }))
    }

    fn request(&mut self, words: &[&str]) -> Result<Answer, Refused> {
        match words {
            ["hello", PROTOCOL] => {
                let version = encoded(env!("CARGO_PKG_VERSION"));
                Ok(Answer::Ok(
                    format!(
                        "engine=wassay version={version} adapter=wassay%20adapter caps=host,features,texts"
                    )
                    .into(),
                ))
            }
            ["B", name, features @ ..] => {
                self.session = None;
                let features = features.iter().find_map(|word| word.strip_prefix("features="));
                let features = features.map_or(Ok(Features::default()), str::parse);
                let features = features.map_err(|_| Refused::Request("unknown features"))?;
                self.session = Some(Session::new(self.engines.engine(features)?));
                Ok(Answer::Ok((*name).into()))
            }
            ["E", name] => Ok(Answer::Ok((*name).into())),
            _ => self
                .session
                .as_mut()
                .ok_or(Refused::Request("no script has begun; expected `B`"))?
                .request(words),
        }
    }
}

impl Session {
    fn new(engine: Engine) -> Session {
        let (store, registered) = (Store::new(&engine), Linker::new());
        let (modules, instances) = (HashMap::new(), HashMap::new());
        Session { engine, store, registered, modules, instances, host: None }
    }

    fn request(&mut self, words: &[&str]) -> Result<Answer, Refused> {
        match words {
            ["C", handle, bytes] => {
                let (handle, module) = (number(handle)?, self.compile(bytes)?);
                self.modules.insert(handle, module);
            }
            ["I", handle, module] => {
                let handle = number(handle)?;
                let module = self.modules.get(&number(module)?).ok_or(Refused::Handle)?;
                let instance = self.registered.instantiate(&mut self.store, module)?;
                self.instances.insert(handle, instance);
            }
            ["N", instance, name] => {
                let instance = self.instance(instance)?;
                self.registered.shadow_instance(&self.store, &text(name)?, instance);
            }
            ["X", instance, name] => {
                let (instance, name) = (self.instance(instance)?, text(name)?);
                for (export, thing) in instance.exports(&self.store) {
                    self.registered.shadow(&name, export, thing);
                }
            }
            ["U", name] => self.registered.undefine(&text(name)?),
            ["L", handle, instance, bytes] => {
                let (handle, instance) = (number(handle)?, self.instance(instance)?);
                let wrapper = self.compile(bytes)?;
                let mut linker = Linker::new();
                linker.define_instance(&self.store, INSTANCE, instance)?;
                if wrapper.imports().any(|import| import.module == HOST) {
                    let [make, equals] = self.host()?;
                    linker.define(HOST, "host", make)?;
                    linker.define(HOST, "eq", equals)?;
                }
                let wrapper = linker.instantiate(&mut self.store, &wrapper)?;
                self.instances.insert(handle, wrapper);
            }
            ["V", wrapper, export] => {
                let (wrapper, export) = (self.instance(wrapper)?, text(export)?);
                let Some(Extern::Func(function)) = wrapper.export(&self.store, &export) else {
                    return Err(Refused::Export);
                };
                return match function.invoke(&mut self.store, &[])?.as_slice() {
                    [Val::I32(value)] => Ok(Answer::Value(*value)),
                    _ => Err(Refused::Request("the function does not return an i32")),
                };
            }
            _ => return Err(Refused::Request("not a request of wap/1")),
        }
        Ok(Answer::Ok("".into()))
    }

    fn compile(&self, bytes: &str) -> Result<Module, Refused> {
        let bytes = BASE64.decode(bytes.as_bytes()).map_err(|_| Refused::Request("not base64"))?;
        Ok(Module::new(&self.engine, &bytes)?)
    }

    fn instance(&self, handle: &str) -> Result<Instance, Refused> {
        self.instances.get(&number(handle)?).copied().ok_or(Refused::Handle)
    }

    /// The host functions that create a reference from a number, always the same one, and that
    /// compare a reference with a number.
    fn host(&mut self) -> Result<[Extern; 2], Refused> {
        if let Some(host) = self.host {
            return Ok(host);
        }
        let made: Arc<Mutex<HashMap<i32, ExternRef>>> = Arc::default();
        let ty = FuncType::new([ValType::I32], [ValType::EXTERNREF]);
        let make = Func::alloc(&mut self.store, ty, move |mut caller, arguments, results| {
            let ([Val::I32(number)], [result]) = (arguments, results) else { return Ok(()) };
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            let value = match made.get(number) {
                Some(value) => value.clone(),
                None => made.entry(*number).insert_entry(ExternRef::new(&mut caller, *number)?).get().clone(),
            };
            *result = Val::Ref(Ref::Extern(value));
            Ok(())
        })?;
        let ty = FuncType::new([ValType::EXTERNREF, ValType::I32], [ValType::I32]);
        let equals = Func::alloc(&mut self.store, ty, |caller, arguments, results| {
            if let ([Val::Ref(Ref::Extern(value)), Val::I32(number)], [result]) = (arguments, results) {
                let data = value.data(&caller).and_then(|data| data.downcast_ref::<i32>());
                *result = Val::I32(i32::from(data == Some(number)));
            }
            Ok(())
        })?;
        Ok(*self.host.insert([Extern::Func(make), Extern::Func(equals)]))
    }
}

/// The message of an error, with the texts of the rules that it matches.
fn texts(error: &EmbedError) -> String {
    let rules = error.rules.iter().map(|rule| rule.text()).filter(|text| !error.message.starts_with(text));
    [error.message.as_str()].into_iter().chain(rules).collect::<Vec<_>>().join(ALTERNATIVE)
}

fn number(word: &str) -> Result<u32, Refused> {
    word.parse().map_err(|_| Refused::Request("invalid handle: expected a number"))
}

fn text(word: &str) -> Result<String, Refused> {
    decoded(word).ok_or(Refused::Request("invalid name: expected percent-encoding"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_requests_are_rejected_without_a_panic() {
        let mut adapter = Adapter::new(crate::own::embedder());
        let refused = |adapter: &mut Adapter, line: &str| {
            matches!(adapter.answer(line), Some(Answer::Error(Class::Unsupported, _)))
        };
        for line in ["V 0 0", "hello wap/2", "B a features=teleport", "X", "B"] {
            assert!(refused(&mut adapter, line), "{line}");
        }
        assert_eq!(adapter.answer("B a"), Some(Answer::Ok("a".into())));
        for line in ["C x AA==", "C 0 ?", "C 0", "I 0", "U %", "L 0 0", "V 0", "V -1 0", "Q 1"] {
            assert!(refused(&mut adapter, line), "{line}");
        }
        for line in ["I 0 0", "N 0 a", "L 0 0 AA==", "V 0 0"] {
            assert_eq!(adapter.answer(line), Some(Answer::Error(Class::NoHandle, "".into())), "{line}");
        }
        assert!(matches!(adapter.answer("C 0 "), Some(Answer::Error(Class::Malformed, _))));
        assert!(adapter.answer("").is_none() && adapter.answer("# B").is_none());
    }
}
