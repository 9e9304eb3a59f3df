//! An engine that crashes its process on request: ours, except for functions whose names begin with
//! `fault-`.

// Errors here fail the test. Faults end the process in every possible way.
#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use wassay::batch::embedder;
use wassay::script::embed::{Begun, EmbedError, ErrorKind, Identity, Results};
use wassay::script::value::Value;
use wassay::script::{Embedder, EngineEmbedder};
use wassay_engine::{Features, Module};

/// The environment variable with the folder in which faults leave traces.
pub(crate) const TRACES: &str = "WASSAY_TEST_TRACES";

/// The file that a case which hangs keeps locked as long as its process lives.
pub(crate) const LOCK: &str = "lock";

/// The output of a hanging case after it has locked that file.
pub(crate) const HANGS: &str = "a case hangs";

/// A case that hangs does so for this long, and leaves a file of this name if it is let.
pub(crate) const SURVIVED: (Duration, &str) = (Duration::from_secs(120), "survived");

/// Our engine, with faults.
pub(crate) struct Faulty(EngineEmbedder);

impl Faulty {
    pub(crate) fn new() -> Faulty {
        Faulty(embedder())
    }
}

impl Embedder for Faulty {
    type Module = Module;
    type Instance = <EngineEmbedder as Embedder>::Instance;
    type Thread = EngineEmbedder;

    const DRIVES_WASSAY: bool = true;

    fn identity(&self) -> Identity {
        self.0.identity()
    }

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.0.begin(features, deadline)
    }

    fn limit_memory(&mut self, bytes: Option<u64>) {
        self.0.limit_memory(bytes);
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Module, EmbedError> {
        self.0.compile(bytes)
    }

    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        self.0.check_custom_sections(bytes)
    }

    fn instantiate(&mut self, module: &Module) -> Result<Self::Instance, EmbedError> {
        self.0.instantiate(module)
    }

    fn register(&mut self, name: &str, instance: Option<&Self::Instance>) -> Result<(), EmbedError> {
        self.0.register(name, instance)
    }

    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        match export.strip_prefix("fault-") {
            Some(fault) => fail(fault),
            None => self.0.invoke(instance, export, arguments),
        }
    }

    fn global(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, EmbedError> {
        self.0.global(instance, export)
    }

    fn begin_thread(&mut self, shared: &[Self::Instance]) -> Result<Begun<EngineEmbedder>, EmbedError> {
        self.0.begin_thread(shared)
    }
}

fn fail(fault: &str) -> Result<Results, EmbedError> {
    match fault {
        "segv" => fault_for_real(),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "overflow" => {
            deeper(1);
        }
        "memory" => use_up_memory(),
        "allocation" => drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 62))),
        "panic" => panic!("the engine of the test panics"),
        "hang" => hang(),
        "wild" => make_memory_wild(),
        "once" => return once(),
        other => panic!("no fault is called {other}"),
    }
    Ok(Results::new())
}

fn trace(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(TRACES).expect("a folder for traces")).join(name)
}

/// A function whose code is about to be written over.
#[inline(never)]
fn victim() {
    std::hint::black_box(());
}

/// Reads from the address 0: an instruction that does so is written over a function's own, which
/// the file of a process's memory allows.
fn fault_for_real() {
    // xor eax, eax; mov eax, [rax]
    let code = [0x31, 0xc0, 0x8b, 0x00];
    let victim: fn() = std::hint::black_box(victim);
    let mut memory = OpenOptions::new().write(true).open("/proc/self/mem").unwrap();
    memory.seek(SeekFrom::Start(victim as usize as u64)).unwrap();
    memory.write_all(&code).unwrap();
    victim();
}

/// The start of the memory whose address is made wrong in the code.
pub(crate) const WILD: &str = "a memory that is not where code looks for it";

/// Has code look for a memory elsewhere: every word of the process that has the memory's address is
/// changed.
fn make_memory_wild() {
    /// An unmapped address.
    const ELSEWHERE: u64 = 0x0800_0000_0000;
    /// Hides the address, so that no word of the test equals it.
    const MASK: u64 = 0x5555_5555_5555_5555;
    let mut memory = OpenOptions::new().read(true).write(true).open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let ranges: Vec<(u64, u64)> = maps
        .lines()
        .filter(|line| line.contains(" rw-p "))
        .map(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap())
        })
        .filter(|(start, end)| end - start < 1 << 30)
        .collect();
    let mut begin = [0; WILD.len()];
    let masked = ranges.iter().find_map(|(start, _)| {
        memory.read_exact_at(&mut begin, *start).ok()?;
        (begin == *WILD.as_bytes()).then_some(*start ^ MASK)
    });
    let masked = masked.expect("a memory that begins so");
    for (start, end) in ranges {
        let mut bytes = vec![0; (end - start) as usize];
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for (position, word) in bytes.chunks_exact(8).enumerate() {
            if u64::from_le_bytes(word.try_into().unwrap()) ^ MASK == masked {
                memory.seek(SeekFrom::Start(start + position as u64 * 8)).unwrap();
                memory.write_all(&ELSEWHERE.to_le_bytes()).unwrap();
            }
        }
    }
}

/// Exhausts the host stack.
#[allow(unconditional_recursion)]
fn deeper(depth: usize) -> usize {
    let frame = std::hint::black_box([depth; 512]);
    deeper(depth + 1).wrapping_add(frame[depth % 512])
}

/// Exhausts memory.
fn use_up_memory() {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(std::hint::black_box(vec![1; 16 << 20]));
    }
}

/// Hangs in a way that no engine can interrupt.
fn hang() {
    let lock = File::create(trace(LOCK)).unwrap();
    lock.lock().unwrap();
    eprintln!("{HANGS}");
    std::thread::sleep(SURVIVED.0);
    File::create(trace(SURVIVED.1)).unwrap();
}

/// Fails the first time that any process comes here.
fn once() -> Result<Results, EmbedError> {
    match File::create_new(trace("once")) {
        Ok(_) => Err(EmbedError::new(ErrorKind::Trap, "the first time")),
        Err(error) if error.kind() == IoErrorKind::AlreadyExists => Ok(Results::new()),
        Err(error) => panic!("{error}"),
    }
}
