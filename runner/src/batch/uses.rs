//! What the modules of a script use, computed from their bytes.

use std::borrow::BorrowMut;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use wasmparser::{Validator, WasmFeatures};
use wassay_engine::Features;

use crate::script::Embedder;
use crate::script::embed::{Begun, EmbedError, Results};
use crate::script::value::Value;
use crate::script::wanted::{flag, flags};

/// An embedder that notes which features the modules need that another one compiles. Modules that are malformed or invalid
/// under the features of the script need none.
///
/// `H` holds the embedder: the script's first thread borrows it, each other thread owns its own.
#[derive(Debug)]
pub(super) struct Recorder<E, H> {
    embedder: H,
    /// The features of the script.
    given: WasmFeatures,
    /// What was needed on any thread.
    needed: Arc<Mutex<WasmFeatures>>,
    held: PhantomData<fn() -> E>,
}

impl<'a, E: Embedder> Recorder<E, &'a mut E> {
    pub(super) fn new(embedder: &'a mut E) -> Self {
        let needed = Arc::new(Mutex::new(WasmFeatures::empty()));
        Recorder { embedder, given: WasmFeatures::empty(), needed, held: PhantomData }
    }

    /// The names of the features that were needed beyond 1.0.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let needed = *self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        Features::names().filter(move |name| needed.contains(flag(name)))
    }
}

impl<E: Embedder, H: BorrowMut<E>> Embedder for Recorder<E, H> {
    type Module = E::Module;
    type Instance = E::Instance;
    type Thread = Recorder<E::Thread, E::Thread>;

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.given = flags(features);
        self.embedder.borrow_mut().begin(features, deadline)
    }

    fn limit_memory(&mut self, bytes: Option<u64>) {
        self.embedder.borrow_mut().limit_memory(bytes);
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<E::Module, EmbedError> {
        *self.needed.lock().unwrap_or_else(PoisonError::into_inner) |= needed(bytes, self.given);
        self.embedder.borrow_mut().compile(bytes)
    }

    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        self.embedder.borrow_mut().check_custom_sections(bytes)
    }

    fn instantiate(&mut self, module: &E::Module) -> Result<E::Instance, EmbedError> {
        self.embedder.borrow_mut().instantiate(module)
    }

    fn register(&mut self, name: &str, instance: Option<&E::Instance>) -> Result<(), EmbedError> {
        self.embedder.borrow_mut().register(name, instance)
    }

    fn invoke(
        &mut self,
        instance: &E::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        self.embedder.borrow_mut().invoke(instance, export, arguments)
    }

    fn global(&mut self, instance: &E::Instance, export: &str) -> Result<Value, EmbedError> {
        self.embedder.borrow_mut().global(instance, export)
    }

    fn begin_thread(&mut self, shared: &[E::Instance]) -> Result<Begun<Self::Thread>, EmbedError> {
        let (embedder, instances) = self.embedder.borrow_mut().begin_thread(shared)?;
        let (given, needed) = (self.given, Arc::clone(&self.needed));
        Ok((Recorder { embedder, given, needed, held: PhantomData }, instances))
    }
}

/// A smallest set of features beyond 1.0 under which a module is valid, as far as it has to be from `given`; of two features
/// either of which would do, the older.
fn needed(bytes: &[u8], given: WasmFeatures) -> WasmFeatures {
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    let versions = [WasmFeatures::WASM1, WasmFeatures::WASM2, WasmFeatures::WASM3];
    let within = versions.into_iter().map(|version| version & given).find(|features| valid(*features));
    let Some(mut set) = within.or_else(|| valid(given).then_some(given)) else {
        return WasmFeatures::empty();
    };
    let mut beyond: Vec<WasmFeatures> = Features::names().map(flag).collect();
    beyond.retain(|flag| set.contains(*flag) && !WasmFeatures::WASM1.contains(*flag));
    for flag in beyond.into_iter().rev() {
        if valid(set - flag) {
            set -= flag;
        }
    }
    set - WasmFeatures::WASM1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::embedder;
    use crate::script::{Options, run_script};

    fn uses(text: &str, features: Features) -> Vec<&'static str> {
        let mut embedder = embedder();
        let mut recorder = Recorder::new(&mut embedder);
        let options = Options { features, ..Options::default() };
        run_script("a.wast", text, &options, &mut recorder).unwrap();
        recorder.names().collect()
    }

    #[test]
    fn every_feature_of_the_engine_is_one_of_the_validator() {
        for name in Features::names() {
            assert_ne!(flag(name), WasmFeatures::empty(), "{name}");
        }
    }

    #[test]
    fn each_feature_is_found_by_what_needs_it_and_no_other_is() {
        for (text, expected) in [
            ("(module (func (export \"f\") (result i32) (i32.const 1)))", &[][..]),
            ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", &["multi-value"]),
            ("(module (func (param v128)))", &["simd"]),
            (
                "(module (memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))))",
                &["bulk-memory"],
            ),
            ("(module (func (drop (i32.extend8_s (i32.const 0)))))", &["sign-extension"]),
            ("(module (func $f (return_call $f)))", &["tail-call"]),
            ("(module (memory 1) (memory 1))", &["multi-memory"]),
            ("(module (memory i64 1))", &["memory64"]),
            ("(module (memory 1 1 shared))", &["threads"]),
            ("(module (type (struct)))", &["gc"]),
            ("(module (tag))", &["exceptions"]),
            ("(module (func (param v128))) (module (table 1 externref))", &["reference-types", "simd"]),
            ("(thread $t (module (func (param v128)))) (wait $t)", &["simd"]),
        ] {
            assert_eq!(uses(text, Features::DEFAULT), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_valid_needs_nothing() {
        assert_eq!(uses("(module (func (param v128) (i32.const 1)))", Features::DEFAULT), [""; 0]);
        assert_eq!(uses("(module (func (param v128)))", Features::V1), [""; 0]);
        assert_eq!(uses("(assert_malformed (module binary \"\\00asm\") \"x\")", Features::DEFAULT), [""; 0]);
    }
}
