//! Modules and scripts that nobody meant: truncated and bit-flipped ones, made from the official
//! suites and from modules of our own.
//!
//! Each module is compiled; what still compiles is instantiated with imports of the right types and
//! its exports are called, under a deadline and limits. Whatever becomes of it must be a value or
//! an error: a panic fails the test, a crash or a hang ends it.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod common;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use common::with_stack;
use wassay::script::model::{Command, Definition, Directive, ModuleForm};
use wassay::script::parse;
use wassay::script::source::Source;
use wassay_engine::{
    Config, Engine, ErrorKind, Extern, ExternRef, ExternType, Features, Func, Global, HeapType, I31,
    Instance, Memory, Module, Ref, Store, StoreLimits, Table, Val, ValType,
};
use wassay_testsuite::{Script, catalogue, directory};

/// One module of a suite in this many is used: more find nothing new within a test's time.
const SAMPLE: usize = 2;
/// How many truncations and how many flips are made of each.
const TRUNCATIONS: usize = 4;
const FLIPS: usize = 16;
/// How many flips are made in the code of each module of our own.
const FLIPS_IN_CODE: usize = 500;
/// How long one module may run.
const DEADLINE: Duration = Duration::from_millis(50);

/// Modules of our own, each full of one family of instructions.
const SEEDS: [(&str, &str); 6] = [
    ("addresses", include_str!("seeds/addresses.wat")),
    ("continuations", include_str!("seeds/continuations.wat")),
    ("exceptions", include_str!("seeds/exceptions.wat")),
    ("objects", include_str!("seeds/objects.wat")),
    ("tail_calls", include_str!("seeds/tail_calls.wat")),
    ("threads", include_str!("seeds/threads.wat")),
];

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
    threw: usize,
    suspended: usize,
    interrupted: usize,
    limited: usize,
}

#[test]
fn damaged_modules_end_in_an_error_or_run() {
    let tally = with_stack(|| {
        let mut tally = Tally::default();
        for (suite, features) in [("spec-v2", Features::V2), ("spec", Features::DEFAULT)] {
            let engine = engine(Config::new().features(features));
            for (number, module) in modules(embedded(suite)).iter().step_by(SAMPLE).enumerate() {
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
fn damaged_code_of_every_family_ends_in_an_error_or_runs() {
    with_stack(|| {
        let config = Config::new().features("stack-switching".parse().unwrap());
        let configs = [
            ("by default", config.clone()),
            ("collecting always", config.collect_always(true).guard_pages(false).optimize(false)),
        ];
        for (name, text) in SEEDS {
            let module = bytes(text);
            let code = code_section(&module);
            for (how, config) in &configs {
                let engine = engine(config.clone());
                let mut whole = Tally::default();
                try_module(&engine, &module, &mut whole);
                assert_eq!((whole.compiled, whole.limited, whole.unlinkable), (1, 0, 0), "{name}, {how}");
                assert!(whole.ran > 0, "{name}, {how}: {whole:?}");

                let mut tally = Tally::default();
                let mut random = Random::new(name.len() as u64);
                for _ in 0..FLIPS_IN_CODE {
                    try_module(&engine, &flipped(&module, code.clone(), 1, &mut random), &mut tally);
                }
                println!("{name}, {how}: {tally:?}");
                let wild = tally.trapped + tally.threw + tally.exhausted;
                assert!(
                    tally.compiled > FLIPS_IN_CODE / 10 && tally.ran > 200 && wild > 20,
                    "{name}, {how}: the damage is of every depth: {tally:?}"
                );
            }
        }
    });
}

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite, and some minutes"]
fn damaged_modules_of_the_official_suite_end_in_an_error_or_run() {
    let folder =
        std::env::var_os("WASSAY_OFFICIAL").expect("WASSAY_OFFICIAL is the folder of the official suite");
    let tally = with_stack(move || {
        let mut tally = Tally::default();
        let engine = engine(Config::new());
        for (number, module) in
            modules(directory::open(Path::new(&folder)).unwrap().scripts()).iter().enumerate()
        {
            // Only modules that are valid by themselves have code that is worth damaging.
            let code = code_section(module);
            let mut random = Random::new(number as u64);
            for _ in 0..FLIPS {
                try_module(&engine, &flipped(module, code.clone(), 1, &mut random), &mut tally);
            }
            for damaged in damage(module, number as u64) {
                try_module(&engine, &damaged, &mut tally);
            }
        }
        tally
    });
    println!("{tally:?}");
    assert!(tally.compiled > 5_000 && tally.threw > 50, "{tally:?}");
}

#[test]
fn damaged_scripts_are_read_or_refused() {
    with_stack(|| {
        let (mut read, mut refused, mut malformed) = (0, 0, 0);
        for (number, script) in embedded("spec").iter().enumerate() {
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

/// An engine that checks what it compiles and whose stores may use little.
fn engine(config: Config) -> Engine {
    let limits =
        StoreLimits { memory_bytes: 64 << 20, table_elements: 1 << 20, instances: 16, heap_bytes: 16 << 20 };
    Engine::new(&config.verifier(true).limits(limits)).unwrap()
}

fn embedded(suite: &str) -> Vec<Script> {
    catalogue::find(suite).unwrap().scripts()
}

/// The modules that scripts define, as bytes.
fn modules(scripts: Vec<Script>) -> Vec<Vec<u8>> {
    scripts.iter().flat_map(|script| modules_of(script.name(), &script.read().unwrap())).collect()
}

fn modules_of(name: &str, text: &str) -> Vec<Vec<u8>> {
    let directives = parse(Source::new(name, text)).unwrap().directives;
    let module = |directive: Directive| match directive.command {
        Command::Module(Definition {
            form: ModuleForm::Text(Ok(bytes)) | ModuleForm::Binary(bytes), ..
        }) => Some(bytes),
        _ => None,
    };
    directives.into_iter().filter_map(module).collect()
}

/// The one module that a text holds.
fn bytes(text: &str) -> Vec<u8> {
    match &mut modules_of("seed", text)[..] {
        [module] => std::mem::take(module),
        modules => panic!("one module, not {}", modules.len()),
    }
}

/// Where the functions' code lies in a module; all of it behind the header where there is none, or
/// where it cannot be read.
fn code_section(module: &[u8]) -> Range<usize> {
    const CODE: u8 = 10;
    let mut payloads = wasmparser::Parser::new(0).parse_all(module).map_while(Result::ok);
    let code = payloads.find_map(|payload| payload.as_section().filter(|(id, _)| *id == CODE));
    let code = code.map(|(_, range)| range.start as usize..range.end as usize);
    code.unwrap_or(8..module.len())
}

/// A copy of a module in which up to that many bits within a range are flipped.
fn flipped(module: &[u8], range: Range<usize>, most: usize, random: &mut Random) -> Vec<u8> {
    let mut copy = module.to_vec();
    for _ in 0..1 + random.below(most) {
        let at = range.start + random.below(range.len());
        if let Some(byte) = copy.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    copy
}

/// Copies of a module with its end cut off, and copies with a few bits flipped.
fn damage(module: &[u8], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::new(seed);
    (0..TRUNCATIONS + FLIPS).map(move |kind| {
        if kind < TRUNCATIONS {
            module[..random.below(module.len())].to_vec()
        } else {
            // The header is spared: without it every module is the same to the decoder.
            flipped(module, 8.min(module.len())..module.len(), 3, &mut random)
        }
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
        let ty = func.ty(store);
        for round in 0..3 {
            let args: Option<Vec<Val>> = ty.params().iter().map(|ty| argument(store, *ty, round)).collect();
            let Some(args) = args else { continue };
            match func.invoke(store, &args) {
                Ok(_) => tally.ran += 1,
                Err(error) => count(&error, tally),
            }
        }
    }
}

/// A value of a type, where the host can make one: the default first, then a small one, then one at
/// the edge.
fn argument(store: &mut Store, ty: ValType, round: usize) -> Option<Val> {
    let (small, edge) = (round == 1, round == 2);
    Some(match ty {
        ValType::I32 if small => Val::I32(5),
        ValType::I32 if edge => Val::I32(-1),
        ValType::I64 if small => Val::I64(5),
        ValType::I64 if edge => Val::I64(0xffff_ffff_0000_0001_u64 as i64),
        ValType::F64 if edge => Val::F64(f64::NAN.to_bits()),
        ValType::F32 if edge => Val::F32(f32::NEG_INFINITY.to_bits()),
        ValType::Ref(ty) if small || !ty.nullable => match ty.heap {
            HeapType::Any | HeapType::Eq | HeapType::I31 => Val::Ref(Ref::I31(I31::wrapping(77))),
            HeapType::Extern => Val::Ref(Ref::Extern(ExternRef::new(store, 7u32).ok()?)),
            _ => return Val::default_of(ValType::Ref(ty)),
        },
        _ => return Val::default_of(ty),
    })
}

fn count(error: &wassay_engine::Error, tally: &mut Tally) {
    match error.kind() {
        ErrorKind::Trap(_) => tally.trapped += 1,
        ErrorKind::Exhaustion => tally.exhausted += 1,
        ErrorKind::Exception => tally.threw += 1,
        ErrorKind::Suspension => tally.suspended += 1,
        ErrorKind::Interrupted => tally.interrupted += 1,
        ErrorKind::Limit | ErrorKind::Unsupported => tally.limited += 1,
        ErrorKind::Unlinkable => tally.unlinkable += 1,
        kind => panic!("running ended in {kind:?}: {error}"),
    }
}

/// Something of the type that a module wants, where the host can make it.
fn import(store: &mut Store, ty: &ExternType) -> Option<Extern> {
    Some(match ty {
        ExternType::Func(func) => {
            Extern::Func(Func::alloc(store, (*func.ty).clone(), |_, _, _| Ok(())).ok()?)
        }
        ExternType::Memory(ty) => Extern::Memory(Memory::alloc(store, *ty).ok()?),
        ExternType::Table(ty) => Extern::Table(Table::alloc(store, *ty, Ref::Null(ty.element.heap)).ok()?),
        ExternType::Global(ty) => {
            Extern::Global(Global::alloc(store, *ty, Val::default_of(ty.content)?).ok()?)
        }
        // The host cannot ask what a tag carries.
        _ => return None,
    })
}

/// A small generator: the same modules on every run.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
