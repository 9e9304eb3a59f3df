//! `wassay fuzz` finds what engines do differently, and reduces it.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used)]

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, wassay, with_stack};
use rustix::process::{Pid, Signal, kill_process_group};
use smallvec::SmallVec;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{Instruction, Module};
use wassay::script::embed::{Begun, EmbedError, ErrorKind, Results};
use wassay::script::reading::Reading;
use wassay::script::value::Value;
use wassay::script::{Embedder, EngineEmbedder, Judges, Options, run_script};
use wassay::{Features, classify};
use wassay_fuzz::{Class, Finding, Session, Side, Turn, Uses};

mod common;

/// wassay's engine with one fault.
struct Faulty {
    engine: EngineEmbedder,
    fault: Fault,
    deadline: Option<Instant>,
}

/// What it gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// A few operators are executed as others. Observers do not have these.
    Operator,
    /// Some traps are not noticed.
    Trap,
    /// Traps are exceptions.
    Kind,
    /// Modules with a table are refused.
    Refused,
    /// Malformed modules are accepted.
    Accepted,
    /// A call that traps with some traps does not end before the deadline.
    Hang,
    /// A script with less time than this times out.
    Slow(Duration),
    /// A script takes at least this time.
    Busy(Duration),
}

/// Rewrites functions as an engine with the fault would understand them.
struct Rewrite(Fault);

impl Reencode for Rewrite {
    type Error = std::convert::Infallible;

    fn instruction<'a>(
        &mut self,
        operator: wasmparser::Operator<'a>,
    ) -> Result<Instruction<'a>, Error<Self::Error>> {
        let instruction = wasm_encoder::reencode::utils::instruction(self, operator)?;
        Ok(match (self.0, instruction) {
            (Fault::Operator, Instruction::I32Xor) => Instruction::I32Or,
            (Fault::Operator, Instruction::I32ShrS) => Instruction::I32ShrU,
            (Fault::Operator, Instruction::I32Rotl) => Instruction::I32Rotr,
            (Fault::Operator, Instruction::I32Clz) => Instruction::I32Ctz,
            (_, same) => same,
        })
    }
}

impl Embedder for Faulty {
    type Module = <EngineEmbedder as Embedder>::Module;
    type Instance = <EngineEmbedder as Embedder>::Instance;
    type Thread = EngineEmbedder;

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.deadline = deadline;
        if let Fault::Busy(time) = self.fault {
            std::thread::sleep(time);
        }
        if let (Fault::Slow(time), Some(deadline)) = (self.fault, deadline)
            && deadline < Instant::now() + time
        {
            return Err(EmbedError::new(ErrorKind::Timeout, "timed out"));
        }
        self.engine.begin(features, deadline)
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Self::Module, EmbedError> {
        let has_table = || {
            let payloads = wasmparser::Parser::new(0).parse_all(bytes);
            payloads
                .map_while(Result::ok)
                .any(|payload| matches!(payload, wasmparser::Payload::TableSection(_)))
        };
        match self.fault {
            Fault::Operator => {
                let mut module = Module::new();
                let rewritten =
                    Rewrite(self.fault).parse_core_module(&mut module, wasmparser::Parser::new(0), bytes);
                match rewritten {
                    Ok(()) => self.engine.compile(&module.finish()),
                    Err(_) => self.engine.compile(bytes),
                }
            }
            Fault::Refused if has_table() => {
                self.engine.compile(bytes)?;
                Err(EmbedError::new(ErrorKind::Invalid, "a table"))
            }
            Fault::Accepted => match self.engine.compile(bytes) {
                Err(error) if error.kind == ErrorKind::Malformed => self.engine.compile(b"\0asm\x01\0\0\0"),
                compiled => compiled,
            },
            _ => self.engine.compile(bytes),
        }
    }

    fn instantiate(&mut self, module: &Self::Module) -> Result<Self::Instance, EmbedError> {
        self.engine.instantiate(module)
    }

    fn register(&mut self, name: &str, instance: Option<&Self::Instance>) -> Result<(), EmbedError> {
        self.engine.register(name, instance)
    }

    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        match self.engine.invoke(instance, export, arguments) {
            Err(error) if error.kind == ErrorKind::Trap && error.message.contains("divide") => {
                match self.fault {
                    Fault::Trap => Ok(SmallVec::from_elem(Value::I32(0), 1)),
                    Fault::Hang => {
                        let now = Instant::now();
                        std::thread::sleep(self.deadline.map_or(Duration::MAX, |end| end - now));
                        Err(EmbedError::new(ErrorKind::Timeout, "timed out"))
                    }
                    _ => Err(error),
                }
            }
            Err(error) if error.kind == ErrorKind::Trap && self.fault == Fault::Kind => {
                Err(EmbedError { kind: ErrorKind::Exception, ..error })
            }
            done => done,
        }
    }

    fn global(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, EmbedError> {
        self.engine.global(instance, export)
    }

    fn begin_thread(&mut self, shared: &[Self::Instance]) -> Result<Begun<Self::Thread>, EmbedError> {
        self.engine.begin_thread(shared)
    }
}

fn side(name: &str, fault: Fault) -> Side<'static> {
    let mut engine = Faulty { engine: EngineEmbedder::default(), fault, deadline: None };
    let judge = Box::new(move |reading: &Reading<'_, '_>, options: &Options| {
        Judges::judge(&mut engine, reading, options)
    });
    Side { name: name.to_owned(), judge, turn: None }
}

/// A session that compares an engine without a fault with one that has this fault.
fn session(fault: Fault) -> Session<'static> {
    Session {
        first: side("right", Fault::None),
        others: vec![side("wrong", fault)],
        classify: Some(classify),
        time: Duration::from_secs(20),
        reduction: Duration::from_secs(60),
    }
}

/// The first finding of a session among these cases.
fn found(mut session: Session<'_>, features: &str, cases: u64) -> Option<Finding> {
    let features: Features = features.parse().unwrap();
    (0..cases).find_map(|number| {
        let case = wassay_fuzz::case(5, number, features)?;
        session.run(&case, "a test", &mut |_| false).findings.pop()
    })
}

/// Runs the script of a finding; says how many directives fail.
fn failing(script: &str, fault: Fault) -> usize {
    let features = script.lines().next().unwrap().strip_prefix(";;! features = \"").unwrap();
    let features = features.strip_suffix('"').unwrap().parse().unwrap();
    let options = Options { features, ..Options::default() };
    let mut engine = Faulty { engine: EngineEmbedder::default(), fault, deadline: None };
    let result = run_script("finding.wast", script, &options, &mut engine).unwrap();
    result.counts().failed as usize
}

#[test]
fn a_fault_becomes_a_small_script_that_only_the_other_engine_fails() {
    with_stack(|| {
        let expected = [
            (Fault::Operator, Class::Values),
            (Fault::Trap, Class::Ended { first: true, kind: "trap" }),
            (Fault::Kind, Class::Kinds("trap", "exception")),
            (Fault::Refused, Class::Ended { first: false, kind: "invalid" }),
            (Fault::Accepted, Class::Ended { first: true, kind: "malformed" }),
        ];
        for (fault, class) in expected {
            let finding = found(session(fault), "2.0,-simd", 3000);
            let finding = finding.unwrap_or_else(|| panic!("{fault:?} is not found"));
            let script = &finding.script;
            assert_eq!(finding.class, class, "{fault:?}: {script}");
            assert!(script.lines().count() <= 15, "{fault:?}: {script}");
            assert_eq!((failing(script, Fault::None), failing(script, fault)), (0, 1), "{fault:?}: {script}");
            assert!(script.contains("right: ") && script.contains("wrong: "), "{script}");
        }
    });
}

#[test]
fn a_hang_is_reduced_as_far_although_each_candidate_that_hangs_takes_its_time() {
    with_stack(|| {
        // As long as in the command, in proportion.
        let time = Duration::from_secs(2);
        let session = Session { time, reduction: time * 7, ..session(Fault::Hang) };
        let finding = found(session, "1.0", 3000).unwrap();
        assert_eq!(finding.class, Class::Hang { first: false }, "{}", finding.script);
        assert!(finding.script.lines().count() <= 15, "{}", finding.script);
    });
}

#[test]
fn an_engine_that_is_slow_is_no_finding() {
    with_stack(|| {
        // It ends in the time that a hang is confirmed with, and in no shorter one.
        let time = Duration::from_secs(20);
        let session = Session { reduction: Duration::from_secs(1), ..session(Fault::Slow(time * 2)) };
        assert!(found(session, "2.0,-simd", 4).is_none());
        // Where the other engine takes long as well, the machine is busy.
        let (time, reduction) = (Duration::from_secs(1), Duration::from_secs(1));
        let (busy, slow) = (Fault::Busy(Duration::from_millis(50)), Fault::Slow(time * 6));
        let (first, others) = (side("right", busy), vec![side("wrong", slow)]);
        let session = Session { first, others, time, reduction, classify: None };
        assert!(found(session, "2.0,-simd", 4).is_none());
    });
}

#[test]
fn engines_that_take_turns_run_each_case_once() {
    with_stack(|| {
        let turn = |at| Side { turn: Some(Turn { at, of: 3 }), ..side("wrong", Fault::Kind) };
        let session = |others| Session { others, ..session(Fault::None) };
        let mut every = session((0..3).map(turn).collect());
        let mut single = [0, 1, 2].map(|at| session(vec![turn(at)]));
        let mut findings = [0; 3];
        for number in 0..120 {
            let Some(case) = wassay_fuzz::case(9, number, Features::V2) else { continue };
            let differs = |session: &mut Session<'_>| {
                session.screen(&case, "a test", &mut |_| false).difference.is_some()
            };
            let differ = single.each_mut().map(|session| usize::from(differs(session)));
            assert_eq!(usize::from(differs(&mut every)), differ.iter().sum::<usize>(), "{number}");
            findings.iter_mut().zip(differ).for_each(|(all, one)| *all += one);
        }
        assert!(findings.iter().all(|count| *count > 2), "{findings:?}");
    });
}

#[test]
fn an_engine_does_not_differ_from_itself() {
    with_stack(|| {
        let mut session = session(Fault::None);
        let mut uses = Uses::default();
        let (mut compared, mut scripts) = (0, 0);
        for number in 0..250 {
            let Some(case) = wassay_fuzz::case(9, number, Features::DEFAULT) else { continue };
            let outcome = session.run(&case, "a test", &mut |new| uses.add(new.clone()));
            assert!(outcome.findings.is_empty(), "{number}: {:?}", outcome.findings);
            compared += outcome.compared;
            if let Some(script) = outcome.script {
                assert_eq!(failing(&script, Fault::None), 0, "{script}");
                scripts += 1;
            }
        }
        assert!(compared > 1000 && scripts > 30, "{compared} {scripts}");
        assert!(uses.len() > 200, "{}", uses.len());
    });
}

/// An adapter of wassay's engine whose answers pass a filter.
fn filtered(filter: &str) -> String {
    format!("sh -c '\"{}\" adapter | ({filter})'", env!("CARGO_BIN_EXE_wassay"))
}

#[test]
fn a_crash_or_a_hang_is_a_finding_and_does_not_end_the_run() {
    for (filter, what, time) in [
        ("sed -u \"/^E trap/Q\"; kill -KILL $$", "the second engine crashes", "20s"),
        ("sed -u \"/^E trap/Q\"; exec sleep 600", "the second engine hangs", "1s"),
    ] {
        let folder = Folder::new::<&str>(&[]);
        let arguments =
            ["fuzz", "--seed", "3", "--modules", "8", "--jobs", "1", "--timeout", time, "--features", "1.0"];
        let (engine, output) = (filtered(filter), folder.arg("out"));
        let ran = wassay(&[&arguments[..], &["--against", &engine, "-o", &output]].concat());
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains(what), "{ran:?}");
        // The other cases were run.
        assert!(ran.out.contains("8 cases in ") || ran.out.contains("7 cases in "), "{ran:?}");
        let scripts: Vec<_> = std::fs::read_dir(folder.file("out/findings")).unwrap().collect();
        assert!(!scripts.is_empty(), "{ran:?}");
        for script in scripts {
            let script = std::fs::read_to_string(script.unwrap().path()).unwrap();
            assert!(script.lines().count() <= 15, "{script}");
        }
    }
}

#[test]
fn an_interrupt_ends_the_run_without_a_finding() {
    let folder = Folder::new::<&str>(&[]);
    let output = folder.arg("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["fuzz", "--seed", "3", "--time", "5m", "--features", "1.0", "-o", &output]);
    let mut process = command.stderr(Stdio::null()).stdout(Stdio::null()).process_group(0).spawn().unwrap();
    let kept = || std::fs::read_dir(folder.file("out/corpus")).is_ok_and(|mut files| files.next().is_some());
    while !kept() {
        assert!(process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    // As the terminal does, to all processes of the group.
    kill_process_group(Pid::from_child(&process), Signal::INT).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(130));
    let findings = std::fs::read_dir(folder.file("out/findings"));
    assert_eq!(findings.map_or(0, Iterator::count), 0);
}

#[test]
fn the_same_seed_gives_the_same_cases_and_a_corpus_that_passes() {
    let folder = Folder::new::<&str>(&[]);
    let fuzz = |output: &str, jobs: &str| {
        let arguments = ["fuzz", "--seed", "4", "--modules", "40", "--features", "2.0"];
        let ran = wassay(&[&arguments[..], &["--jobs", jobs, "-o", &folder.arg(output)]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let mut names: Vec<String> = std::fs::read_dir(folder.file(output).join("corpus"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let compared = ran.out.split(": ").last().unwrap().split(" compared").next().unwrap().to_owned();
        (names, compared)
    };
    let (first, compared) = fuzz("a", "1");
    assert!(first.len() > 5, "{first:?}");
    assert_eq!(fuzz("b", "1"), (first.clone(), compared.clone()));
    assert_eq!(fuzz("c", "2").1, compared);
    // What is in the corpus is not new again.
    assert_eq!(fuzz("a", "1"), (first, compared));
    let ran = wassay(&["test", &folder.arg("a/corpus")]);
    assert_eq!(ran.code, 0, "{ran:?}");
}
