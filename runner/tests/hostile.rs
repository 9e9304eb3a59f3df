//! Modules and scripts that nobody meant: truncated and bit-flipped ones, made from the official suites.
//!
//! Each module is compiled; what still compiles is instantiated with imports of the right types and its exports are called, under a deadline
//! and limits. Whatever becomes of it must be a value or an error: a panic fails the test, a crash or a hang ends it.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::with_stack;
use wassay::script::model::{Command, Definition, Directive, ModuleForm};
use wassay::script::parse;
use wassay::script::source::Source;
use wassay_engine::{
    Config, Engine, ErrorKind, Extern, ExternType, Features, Func, Global, Instance, Memory, Module, Ref,
    Store, StoreLimits, Table, Val,
};

/// One module of a suite in this many is used: more find nothing new within a test's time.
const SAMPLE: usize = 2;
/// How many truncations and how many flips are made of each.
const TRUNCATIONS: usize = 4;
const FLIPS: usize = 16;
/// How long one module may run.
const DEADLINE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Tally {
    made: usize,
    malformed: usize,
    invalid: usize,
    compiled: usize,
    unlinkable: usize,
    ran: usize,
    trapped: usize,
    exhausted: usize,
    interrupted: usize,
    limited: usize,
}

#[test]
fn damaged_modules_end_in_an_error_or_run() {
    let tally = with_stack(|| {
        let mut tally = Tally::default();
        for (suite, features) in [("spec-v2", Features::V2), ("spec", Features::DEFAULT)] {
            let limits = StoreLimits {
                memory_bytes: 64 << 20,
                table_elements: 1 << 20,
                instances: 16,
                heap_bytes: 64 << 20,
            };
            let engine =
                Engine::new(&Config::new().features(features).verifier(true).limits(limits)).unwrap();
            for (number, module) in modules(suite).iter().step_by(SAMPLE).enumerate() {
                for damaged in damage(module, number as u64) {
                    try_module(&engine, &damaged, &mut tally);
                }
            }
        }
        tally
    });
    println!("{tally:?}");
    assert!(tally.made > 5_000, "a few thousand modules were tried: {tally:?}");
    for (what, count) in [
        ("malformed", tally.malformed),
        ("invalid", tally.invalid),
        ("compiled", tally.compiled),
        ("ran", tally.ran),
        ("trapped", tally.trapped),
    ] {
        assert!(count > 50, "{what}: the damage is of every depth: {tally:?}");
    }
}

#[test]
fn damaged_scripts_are_read_or_refused() {
    with_stack(|| {
        let (mut read, mut refused, mut malformed) = (0, 0, 0);
        for (number, script) in
            wassay_testsuite::catalogue::find("spec").unwrap().scripts().iter().enumerate()
        {
            let text = script.read().unwrap();
            // What the largest scripts hold, the first lines of them hold as well.
            let text = &text.as_bytes()[..text.len().min(20_000)];
            for damaged in damage(text, number as u64) {
                match parse(Source::new(script.name(), &String::from_utf8_lossy(&damaged))) {
                    Ok(script) => {
                        read += 1;
                        let is_malformed =
                            |directive: &&Directive| matches!(directive.command, Command::Malformed { .. });
                        malformed += script.directives.iter().filter(is_malformed).count();
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(!error.to_string().contains('\n'), "one line: {error}");
                    }
                }
            }
        }
        println!("{read} read, {refused} refused, {malformed} forms malformed");
        assert!(read > 100 && refused > 100 && malformed > 100, "the damage is of every depth");
    });
}

/// The valid modules of a suite, as bytes.
fn modules(suite: &str) -> Vec<Vec<u8>> {
    let mut modules = Vec::new();
    for script in wassay_testsuite::catalogue::find(suite).unwrap().scripts() {
        let text = script.read().unwrap();
        for directive in parse(Source::new(script.name(), &text)).unwrap().directives {
            if let Command::Module(Definition {
                form: ModuleForm::Text(Ok(bytes)) | ModuleForm::Binary(bytes),
                ..
            }) = directive.command
            {
                modules.push(bytes);
            }
        }
    }
    modules
}

/// Copies of a module with its end cut off, and copies with a few bits flipped.
fn damage(module: &[u8], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..TRUNCATIONS + FLIPS).map(move |kind| {
        let mut copy = module.to_vec();
        if kind < TRUNCATIONS {
            copy.truncate(random.below(module.len()));
        } else {
            // The header is spared: without it every module is the same to the decoder.
            for _ in 0..1 + random.below(3) {
                let at = 8.min(copy.len() - 1) + random.below(copy.len().saturating_sub(8).max(1));
                let at = at.min(copy.len() - 1);
                copy[at] ^= 1 << random.below(8);
            }
        }
        copy
    })
}

fn try_module(engine: &Engine, bytes: &[u8], tally: &mut Tally) {
    tally.made += 1;
    let module = match Module::new(engine, bytes) {
        Ok(module) => module,
        Err(error) => {
            match error.kind() {
                ErrorKind::Malformed => tally.malformed += 1,
                ErrorKind::Invalid => tally.invalid += 1,
                ErrorKind::Unsupported | ErrorKind::Limit => tally.limited += 1,
                kind => panic!("compiling ended in {kind:?}: {error}\n{bytes:02x?}"),
            }
            return;
        }
    };
    tally.compiled += 1;
    let mut store = Store::new(engine);
    store.set_deadline(Some(Instant::now() + DEADLINE));
    let types: Vec<ExternType> = module.imports().map(|import| import.ty.clone()).collect();
    let imports: Option<Vec<Extern>> = types.iter().map(|ty| import(&mut store, ty)).collect();
    let Some(imports) = imports else {
        tally.unlinkable += 1;
        return;
    };
    match Instance::instantiate(&mut store, &module, &imports) {
        Ok(instance) => call_exports(&mut store, instance, tally),
        Err(error) => count(&error, tally),
    }
}

fn call_exports(store: &mut Store, instance: Instance, tally: &mut Tally) {
    let exports: Vec<Extern> = instance.exports(store).map(|(_, export)| export).collect();
    for export in exports {
        let Extern::Func(func) = export else { continue };
        let args: Option<Vec<Val>> = func.ty(store).params().iter().map(|ty| Val::default_of(*ty)).collect();
        let Some(args) = args else { continue };
        match func.invoke(store, &args) {
            Ok(_) => tally.ran += 1,
            Err(error) => count(&error, tally),
        }
    }
}

fn count(error: &wassay_engine::Error, tally: &mut Tally) {
    match error.kind() {
        ErrorKind::Trap(_) => tally.trapped += 1,
        ErrorKind::Exhaustion => tally.exhausted += 1,
        ErrorKind::Interrupted => tally.interrupted += 1,
        ErrorKind::Limit | ErrorKind::Unsupported => tally.limited += 1,
        ErrorKind::Unlinkable => tally.unlinkable += 1,
        kind => panic!("running ended in {kind:?}: {error}"),
    }
}

/// Something of the type that a module wants, where the host can make it.
fn import(store: &mut Store, ty: &ExternType) -> Option<Extern> {
    Some(match ty {
        ExternType::Func(_, ty) => Extern::Func(Func::alloc(store, (**ty).clone(), |_, _, _| Ok(())).ok()?),
        ExternType::Memory(ty) => Extern::Memory(Memory::alloc(store, *ty).ok()?),
        ExternType::Table(ty) => Extern::Table(Table::alloc(store, *ty, Ref::Null(ty.element.heap)).ok()?),
        ExternType::Global(ty) => {
            Extern::Global(Global::alloc(store, *ty, Val::default_of(ty.content)?).ok()?)
        }
        _ => return None,
    })
}

/// A small generator: the same modules on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
