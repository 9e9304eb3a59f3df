//! Modules: random valid ones whose functions all end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arbitrary::Unstructured;
use wasm_encoder::{EntityType, ImportSection, Module};
use wasm_smith::Config;
use wasmparser::{Operator, Parser, Payload, Validator};
use wassay_terms::Features;

use super::lengths::shortened;
use crate::random::Random;
use crate::shape::{Shape, export_all};

/// How many loop iterations, calls and elements of bulk instructions a module may take in all. A
/// recursion of this depth must not exhaust the stack, whose size depends on the engine.
const FUEL: u32 = 400;

/// How often another module is tried if one is unusable.
const ATTEMPTS: usize = 4;

/// A generated module that exports everything.
#[derive(Clone, Debug)]
pub(super) struct Generated {
    pub(super) bytes: Vec<u8>,
    pub(super) shape: Shape,
    /// The index of the global that limits how long its functions run.
    pub(super) fuel: u32,
}

/// Generates a module that may import what `available` imports.
pub(super) fn module(
    random: &mut Random,
    config: &Config,
    features: Features,
    available: Option<&[u8]>,
) -> Option<Generated> {
    (0..ATTEMPTS).find_map(|_| {
        let length = random.between(100, 4000);
        let bytes = random.bytes(length);
        let mut config = config.clone();
        config.available_imports = available.map(<[u8]>::to_vec);
        config.max_imports = if available.is_some() { 20 } else { 0 };
        // The generator does not support every module of available imports, and then panics.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
            let fuel = module.ensure_termination(FUEL).ok()?;
            Some((module.to_bytes(), fuel))
        }));
        let (bytes, fuel) = made.ok()??;
        let bytes = export_all(&shortened(&bytes)?)?;
        let mut validator = Validator::new_with_features(features.library_flags());
        (validator.validate_all(&bytes).is_ok() && !is_unusable(&bytes, features))
            .then(|| Some(Generated { shape: Shape::read(&bytes)?, bytes, fuel }))?
    })
}

/// Whether a module may wait for other threads, which there are none of, or has the tail call of
/// function references without tail calls. Engines differ in which feature that is part of.
fn is_unusable(bytes: &[u8], features: Features) -> bool {
    let has_tail_calls = features.contains("tail-call");
    Parser::new(0).parse_all(bytes).map_while(Result::ok).any(|payload| {
        let Payload::CodeSectionEntry(body) = payload else { return false };
        let Ok(operators) = body.get_operators_reader() else { return true };
        operators.into_iter().any(|operator| match operator {
            Ok(Operator::MemoryAtomicWait32 { .. } | Operator::MemoryAtomicWait64 { .. }) | Err(_) => true,
            Ok(Operator::ReturnCallRef { .. }) => !has_tail_calls,
            Ok(_) => false,
        })
    })
}

/// A module that imports all exports of another one under a name, as an offer to the generator.
pub(super) fn offer(shape: &Shape, name: &str) -> Option<Vec<u8>> {
    let mut imports = ImportSection::new();
    for (export, kind, index) in shape.exports() {
        let index = index as usize;
        let ty: EntityType = match kind {
            wasm_encoder::ExportKind::Func => EntityType::Function(*shape.functions.get(index)?),
            wasm_encoder::ExportKind::Table => {
                EntityType::Table((*shape.tables.get(index)?).try_into().ok()?)
            }
            wasm_encoder::ExportKind::Memory => EntityType::Memory((*shape.memories.get(index)?).into()),
            wasm_encoder::ExportKind::Global => {
                EntityType::Global((*shape.globals.get(index)?).try_into().ok()?)
            }
            wasm_encoder::ExportKind::Tag => EntityType::Tag(wasm_encoder::TagType {
                kind: wasm_encoder::TagKind::Exception,
                func_type_idx: *shape.tags.get(index)?,
            }),
        };
        imports.import(name, &export, ty);
    }
    let mut module = Module::new();
    shape.add_types(&[], &mut module);
    module.section(&imports);
    let module = module.finish();
    Validator::new().validate_all(&module).ok()?;
    Some(module)
}
