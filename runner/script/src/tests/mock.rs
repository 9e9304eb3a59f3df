//! An embedder for tests: it really decodes and validates, and its functions behave as their names
//! say.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wassay_terms::Features;

use crate::embed::{Begun, EmbedError, Embedder, ErrorKind, Location, Results};
use crate::value::{HeapType, Reference, Value};

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Mock {
    features: Features,
    registered: HashMap<String, Instance>,
    instances: i32,
    /// Whether every start fails.
    broken: bool,
}

impl Mock {
    /// An embedder that cannot start.
    pub(crate) fn broken() -> Self {
        Mock { broken: true, ..Mock::default() }
    }
}

/// The imports of a module.
pub(crate) type Imports = Vec<(String, String)>;

#[derive(Clone)]
pub(crate) struct Instance {
    number: i32,
    state: Arc<AtomicI32>,
}

impl Embedder for Mock {
    type Module = Imports;
    type Instance = Instance;
    type Thread = Mock;

    /// Directives are judged as for wassay's own engine; see `foreign.rs` for other engines.
    const DRIVES_WASSAY: bool = true;

    fn begin(&mut self, features: Features, _deadline: Option<Instant>) -> Result<(), EmbedError> {
        *self = Mock { features, broken: self.broken, ..Mock::default() };
        if self.broken { Err(EmbedError::new(ErrorKind::Internal, "no machine")) } else { Ok(()) }
    }

    /// Decodes and validates; the name of an import from `compile` selects another failure.
    fn compile(&mut self, bytes: &[u8]) -> Result<Imports, EmbedError> {
        let features = if self.features == Features::V1 { WasmFeatures::WASM1 } else { WasmFeatures::WASM3 };
        let imports = imports(bytes).map_err(|error| failed(ErrorKind::Malformed, &error))?;
        let mut validator = Validator::new_with_features(features);
        validator.validate_all(bytes).map_err(|error| failed(ErrorKind::Invalid, &error))?;
        match imports.iter().find(|(module, _)| module == "compile") {
            Some((_, name)) => behave(name).map(|_| imports.clone()),
            None => Ok(imports),
        }
    }

    /// A custom section named `malformed` or `invalid` causes that error, with its contents as the
    /// message.
    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        for payload in Parser::new(0).parse_all(bytes) {
            let Payload::CustomSection(section) =
                payload.map_err(|error| failed(ErrorKind::Malformed, &error))?
            else {
                continue;
            };
            let kind = match section.name() {
                "malformed" => ErrorKind::MalformedCustom,
                "invalid" => ErrorKind::InvalidCustom,
                _ => continue,
            };
            return Err(EmbedError::new(kind, String::from_utf8_lossy(section.data())));
        }
        Ok(())
    }

    /// Links by name only; an import from `start` behaves as its name says.
    fn instantiate(&mut self, module: &Imports) -> Result<Instance, EmbedError> {
        for (module, name) in module {
            if module == "start" {
                behave(name)?;
            } else if !self.registered.contains_key(module) {
                return Err(EmbedError::new(ErrorKind::Unlinkable, "unknown import"));
            }
        }
        self.instances += 1;
        Ok(Instance { number: self.instances, state: Arc::default() })
    }

    fn register(&mut self, name: &str, instance: Option<&Instance>) -> Result<(), EmbedError> {
        if name == "registry" {
            return Err(EmbedError::new(ErrorKind::Limit, "no room for names"));
        }
        match instance {
            Some(instance) => self.registered.insert(name.to_owned(), instance.clone()),
            None => self.registered.remove(name),
        };
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: &Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        match (export, arguments) {
            ("number", []) => Ok(Results::from_slice(&[Value::I32(instance.number)])),
            ("echo", _) => Ok(Results::from_slice(arguments)),
            ("set", [Value::I32(value)]) => {
                instance.state.store(*value, Ordering::Relaxed);
                Ok(Results::new())
            }
            ("state", []) => Ok(Results::from_slice(&[Value::I32(instance.state.load(Ordering::Relaxed))])),
            ("number" | "set" | "state", _) => {
                Err(EmbedError::new(ErrorKind::WrongArguments, "other arguments are expected"))
            }
            _ => behave(export),
        }
    }

    fn global(&mut self, _instance: &Instance, export: &str) -> Result<Value, EmbedError> {
        behave(export)?.first().copied().ok_or_else(|| EmbedError::new(ErrorKind::NoSuchExport, "no global"))
    }

    /// The instances keep their numbers and share state.
    fn begin_thread(&mut self, shared: &[Instance]) -> Result<Begun<Mock>, EmbedError> {
        Ok((Mock { features: self.features, ..Mock::default() }, shared.to_vec()))
    }
}

fn failed(kind: ErrorKind, error: &wasmparser::Error) -> EmbedError {
    EmbedError::new(kind, error.message()).at(Some(Location::Offset(error.offset())))
}

/// Parses everything except function bodies, which is enough for these tests.
fn imports(bytes: &[u8]) -> wasmparser::Result<Imports> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                found.push((import.module.to_owned(), import.name.to_owned()));
            }
        }
    }
    Ok(found)
}

/// Behaves as a name says: `i32 1, ref.func` returns two values, `trap unreachable` traps.
fn behave(name: &str) -> Result<Results, EmbedError> {
    let (verb, text) = name.split_once(' ').unwrap_or((name, ""));
    let kind = match verb {
        "trap" => ErrorKind::Trap,
        "exhaustion" => ErrorKind::Exhaustion,
        "suspension" => ErrorKind::Suspension,
        "exception" => ErrorKind::Exception,
        "limit" => ErrorKind::Limit,
        "timeout" => ErrorKind::Timeout,
        "unsupported" => ErrorKind::Unsupported,
        "internal" => ErrorKind::Internal,
        "refused" => ErrorKind::Refused,
        "not-applicable" => ErrorKind::NotApplicable,
        "void" => return Ok(Results::new()),
        _ => {
            let values: Option<Results> = name.split(", ").map(value).collect();
            return values.ok_or_else(|| {
                EmbedError::new(ErrorKind::NoSuchExport, format!("nothing is called `{name}`"))
            });
        }
    };
    Err(EmbedError::new(kind, text))
}

fn value(text: &str) -> Option<Value> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let bits = || u128::from_str_radix(rest.trim_start_matches("0x"), 16).ok();
    Some(match word {
        "i32" => Value::I32(rest.parse().ok()?),
        "i64" => Value::I64(rest.parse().ok()?),
        "f32" => Value::F32(bits()? as u32),
        "f64" => Value::F64(bits()? as u64),
        "v128" => Value::V128(bits()?),
        "ref.null" => Value::Ref(Reference::Null(HeapType::from_keyword(rest)?)),
        "ref.func" => Value::Ref(Reference::Func),
        "ref.extern" => Value::Ref(Reference::Extern(rest.parse().ok())),
        "ref.host" => Value::Ref(Reference::Host(rest.parse().ok()?)),
        "ref.i31" => Value::Ref(Reference::I31(7)),
        "ref.struct" => Value::Ref(Reference::Struct),
        "ref.array" => Value::Ref(Reference::Array),
        "ref.exn" => Value::Ref(Reference::Exn),
        _ => return None,
    })
}
