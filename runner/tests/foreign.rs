//! Tests of another engine with the command line and the harness: which results it is credited
//! with. This binary acts as both; its engine is ours under another name, rejects everything, or
//! ignores deadlines.

// A harness of its own: its arguments and its output are those of a developer.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

mod common;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use common::{FAILS, Folder, PASSES, Ran, run};
use libtest_mimic::{Arguments, Trial};
use wassay::batch::embedder;
use wassay::script::embed::{Begun, EmbedError, ErrorKind, Identity, Results};
use wassay::script::value::Value;
use wassay::script::{Embedder, EngineEmbedder};
use wassay::{Features, catalogue, cli, harness};
use wassay_reports::{Case, Outcome, Report, json};

/// The role of this process if it does not run the tests: the command line, or the harness of a
/// suite.
const ROLE: &str = "WASSAY_TEST_ROLE";

/// How the engine is out of order: `null` refuses every module, `hang` knows no deadline.
const FAULT: &str = "WASSAY_TEST_FAULT";

/// Our engine under another name.
struct Other {
    inner: EngineEmbedder,
    fault: String,
}

impl Other {
    fn new() -> Other {
        Other { inner: embedder(), fault: std::env::var(FAULT).unwrap_or_default() }
    }
}

impl Embedder for Other {
    type Module = <EngineEmbedder as Embedder>::Module;
    type Instance = <EngineEmbedder as Embedder>::Instance;
    type Thread = EngineEmbedder;

    fn identity(&self) -> Identity {
        Identity::new("other", "9.8")
    }

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.inner.begin(features, deadline.filter(|_| self.fault != "hang"))
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Self::Module, EmbedError> {
        match self.fault.as_str() {
            "null" => Err(EmbedError::new(ErrorKind::Unsupported, "nothing is supported")),
            _ => self.inner.compile(bytes),
        }
    }

    fn check_custom_sections(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        self.inner.check_custom_sections(bytes)
    }

    fn instantiate(&mut self, module: &Self::Module) -> Result<Self::Instance, EmbedError> {
        self.inner.instantiate(module)
    }

    fn register(&mut self, name: &str, instance: Option<&Self::Instance>) -> Result<(), EmbedError> {
        self.inner.register(name, instance)
    }

    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        self.inner.invoke(instance, export, arguments)
    }

    fn global(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, EmbedError> {
        self.inner.global(instance, export)
    }

    fn begin_thread(&mut self, shared: &[Self::Instance]) -> Result<Begun<EngineEmbedder>, EmbedError> {
        self.inner.begin_thread(shared)
    }
}

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("cli") => return cli::main_with(Other::new),
        Ok(suite) => return harness::run_with(vec![catalogue::resolve(suite).unwrap()], Other::new),
        Err(_) => {}
    }
    let tests: [(&str, fn()); 6] = [
        ("the_engine_is_named_by_who_ran", the_engine_is_named_by_who_ran),
        ("wasi_cases_are_not_run_on_our_engine", wasi_cases_are_not_run_on_our_engine),
        ("a_run_of_nothing_but_what_is_not_run_fails", a_run_of_nothing_but_what_is_not_run_fails),
        ("a_harness_ignores_wasi_cases_of_another_engine", a_harness_ignores_wasi_cases_of_another_engine),
        ("an_engine_that_does_nothing_is_seen_to", an_engine_that_does_nothing_is_seen_to),
        ("an_engine_that_knows_no_deadline_hangs_nothing", an_engine_that_knows_no_deadline_hangs_nothing),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// This binary in another role.
fn process(role: &str, fault: &str, args: &[&str]) -> Ran {
    let mut command = Command::new(std::env::current_exe().unwrap());
    run(command.env(ROLE, role).env(FAULT, fault).args(args))
}

/// The command line with another engine.
fn other(fault: &str, args: &[&str]) -> Ran {
    process("cli", fault, args)
}

fn read(folder: &Folder, name: &str) -> Report {
    json::parse(&std::fs::read_to_string(folder.file(name)).unwrap()).unwrap()
}

fn case<'a>(report: &'a Report, name: &str) -> &'a Case {
    report.suites.iter().flat_map(|suite| &suite.cases).find(|case| case.name == name).unwrap()
}

fn the_engine_is_named_by_who_ran() {
    let folder = Folder::new(&[("s/a.wast", PASSES)]);
    let files = [
        ("json", "r.json"),
        ("junit", "r.xml"),
        ("markdown", "r.md"),
        ("html", "r.html"),
        ("badge", "r.svg"),
    ];
    let suite = folder.arg("s");
    let reports = files.map(|(format, file)| format!("--report={format}={}", folder.arg(file)));
    let args: Vec<&str> = ["test", &suite].into_iter().chain(reports.iter().map(String::as_str)).collect();
    assert_eq!(other("", &args).code, 0);
    let report = read(&folder, "r.json");
    assert_eq!(report.engine, Identity::new("other", "9.8"));
    assert_eq!(report.harness.unwrap().name, "wassay");
    for (_, file) in files {
        let text = std::fs::read_to_string(folder.file(file)).unwrap();
        assert!(text.contains("other"), "{file}: {text}");
        let named = text.contains("other 9.8") || file == "r.json" || file == "r.svg";
        assert!(named && !text.contains(concat!("wassay ", env!("CARGO_PKG_VERSION"), "</h1>")), "{file}");
    }
    let version = other("", &["--version"]);
    assert_eq!(
        (version.code, version.out),
        (0, concat!("wassay ", env!("CARGO_PKG_VERSION"), ", driving other 9.8\n").to_owned())
    );
    // A comparison with ours names both.
    let ours = folder.arg("ours.json");
    assert_eq!(common::wassay(&["test", &suite, "--report", &format!("json={ours}")]).code, 0);
    let ran = common::wassay(&["report", "diff", &ours, &folder.arg("r.json")]);
    let both = format!("two engines are compared: wassay {} and other 9.8\n", env!("CARGO_PKG_VERSION"));
    assert!(ran.code == 0 && ran.out.contains(&both), "{}", ran.out);
}

fn wasi_cases_are_not_run_on_our_engine() {
    let folder = Folder::new(&[("s/a.wast", PASSES)]);
    let (suite, file) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
    for more in [&[][..], &["--isolate"]] {
        let ran =
            other("", &[&["test", "wasi", "wasi@no-openat2", &suite, "--report", &file], more].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let report = read(&folder, "r.json");
        for suite in &report.suites[..2] {
            assert!(suite.cases.len() > 20, "{}", suite.name);
            for case in &suite.cases {
                assert_eq!((case.outcome, case.directives.passed), (Outcome::Skipped, 0), "{}", case.name);
                assert!(case.notes[0].reason.contains("wassay's own engine"), "{:?}", case.notes);
            }
        }
        assert_eq!(report.suites[2].directives().passed, 4);
        assert!(ran.out.contains(": not run: WASI cases run on wassay's own engine"), "{}", ran.out);
    }
    let ran = other("", &["run", "a.wasm"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("this command drives other 9.8"), "{}", ran.err);
}

fn a_run_of_nothing_but_what_is_not_run_fails() {
    let ran = other("", &["test", "wasi"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("nothing was judged in ") && ran.err.contains("nothing was judged"), "{ran:?}");
}

fn a_harness_ignores_wasi_cases_of_another_engine() {
    let ran = process("wasi", "", &[]);
    assert!(
        ran.out.contains("test result: ok. 0 passed; 0 failed; ") && !ran.out.contains("; 0 ignored"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("WASI cases run on wassay's own engine"), "{}", ran.out);
}

fn an_engine_that_does_nothing_is_seen_to() {
    // Two that the parser alone judges, and two that need the engine.
    let script = format!(
        "(assert_malformed (module quote \"(func\") \"unexpected token\")\n\
         (assert_malformed (module quote \"(memory 1 0x)\") \"unknown operator\")\n{FAILS}"
    );
    let folder = Folder::new(&[("s/a.wast", &script), ("t/a.wast", &script.replace(FAILS, ""))]);
    let (suite, file) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
    let markdown = format!("markdown={}", folder.arg("r.md"));
    let ran = other("null", &["test", &suite, "--report", &file, "--report", &markdown]);
    assert_eq!(ran.code, 1);
    let report = read(&folder, "r.json");
    let totals = report.totals();
    assert_eq!((totals.directives.passed, totals.reader_only), (2, 2));
    assert_eq!((report.suites[0].reader_only(), case(&report, "a.wast").reader_only), (2, 2));
    let said = "all passed directives were judged by the parser alone";
    assert!(
        ran.out.contains(said) && ran.out.contains("2 directives passed by the parser alone"),
        "{}",
        ran.out
    );
    assert!(std::fs::read_to_string(folder.file("r.md")).unwrap().contains(said));
    // A pass by the parser alone is not green.
    let ran = other("null", &["test", &folder.arg("t"), "--report", &markdown]);
    assert!(ran.out.contains(said), "{}", ran.out);
    let text = std::fs::read_to_string(folder.file("r.md")).unwrap();
    assert!(!text.contains('\u{2705}') && text.contains("by the parser alone"), "{text}");
    // For a complete suite, all passes of such an engine are by the parser alone.
    other("null", &["test", "spec-v2", "--report", &file]);
    let totals = read(&folder, "r.json").totals();
    assert!(totals.reader_only > 100 && totals.by_engine().passed == 0, "{totals:?}");
}

const LOOPS: &str = "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n(module)\n";

fn an_engine_that_knows_no_deadline_hangs_nothing() {
    let folder = Folder::new(&[("s/loop.wast", LOOPS), ("s/z.wast", PASSES), ("s/zz.wast", PASSES)]);
    let (suite, file) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
    let begun = Instant::now();
    // One thread: the others have to run on the one that takes its place.
    let args = ["test", &suite, "--jobs", "1", "--timeout", "200ms", "--report", &file];
    let ran = other("hang", &args);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(ran.code, 1, "{}", ran.err);
    let report = read(&folder, "r.json");
    let told = case(&report, "loop.wast");
    let kinds: Vec<_> = told.failures.iter().map(|failure| (failure.line, failure.kind.as_str())).collect();
    assert_eq!((told.outcome, told.directives.passed), (Outcome::Timeout, 1));
    assert_eq!(kinds, [(2, "timeout"), (3, "not-run")]);
    assert_eq!(case(&report, "z.wast").outcome, Outcome::Passed);
    assert_eq!(case(&report, "zz.wast").outcome, Outcome::Passed);
    assert!(
        ran.err.contains("warning: ")
            && ran.err.contains("loop.wast: the engine kept running after its deadline"),
        "{}",
        ran.err
    );
}
