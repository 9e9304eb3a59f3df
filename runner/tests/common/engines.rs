//! Reports of the same run for several engines, with some failures.

use wassay_reports::{Counts, Engine, Failure, Needs, Outcome, Report, json};

use super::{Folder, PASSES, wassay};

/// A script with a module that needs garbage collection, and what is to be refused.
const OBJECTS: &str = "(module (type (struct)) (func (export \"f\") (result i32) (i32.const 1)))
(assert_return (invoke \"f\") (i32.const 1))
(assert_invalid (module (type (struct)) (func (result i32))) \"type mismatch\")
";

/// A folder with the reports `a.json`, `b.json`, `c.json` and `d.json`, of runs of the same
/// scripts: `a` does everything right, `b` fails one directive, `c` lacks garbage collection, and
/// `d` is `b` in another configuration.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new(&[("s/good.wast", PASSES), ("s/objects.wast", OBJECTS)]);
    let file = folder.arg("a.json");
    let ran = wassay(&["test", &folder.arg("s"), "--report", &format!("json={file}")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = json::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let write = |name: &str, report: &Report| {
        std::fs::write(folder.file(&format!("{name}.json")), json::render(report)).unwrap();
    };
    let named = |name: &str| Report { engine: Engine::new(name, "1.0"), ..report.clone() };
    write("a", &named("alpha"));
    let mut wrong = named("beta");
    fails(&mut wrong, "good.wast", 1, "(assert_return (invoke \"</style><img src=x onerror=alert(1)>\"))");
    write("b", &wrong);
    let mut lacks = named("gamma");
    fails(&mut lacks, "objects.wast", 0, "(module (type (struct)))");
    fails(&mut lacks, "objects.wast", 1, "(assert_return (invoke \"f\") (i32.const 1))");
    let case = lacks.suites[0].cases.iter_mut().find(|case| case.name == "objects.wast").unwrap();
    case.needs[0].modules = Counts { failed: 1, ..Counts::default() };
    write("c", &lacks);
    wrong.engine.configuration = Some("all-on".to_owned());
    wrong.engine.flags = vec!["--everything".to_owned()];
    write("d", &wrong);
    folder
}

/// Makes a directive fail, by its index in the script.
fn fails(report: &mut Report, script: &str, number: usize, source: &str) {
    let case = report.suites[0].cases.iter_mut().find(|case| case.name == script).unwrap();
    let key = case.keys[number];
    let worse = |counts: &mut Counts| (counts.passed, counts.failed) = (counts.passed - 1, counts.failed + 1);
    worse(&mut case.directives);
    case.outcome = Outcome::Failed;
    let Needs { directives, not_passed, .. } = &mut case.needs[0];
    worse(directives);
    not_passed.push(key);
    case.failures.push(Failure {
        line: u32::try_from(number).unwrap() + 1,
        column: 1,
        kind: "wrong-value".to_owned(),
        message: "result 0 has the wrong value".to_owned(),
        expected: Some("i32 7".to_owned()),
        actual: Some("i32 8".to_owned()),
        source: source.to_owned(),
        key: Some(key),
        ..Failure::default()
    });
}
