//! Runs the steps of a composite action for GitHub Actions (`action.yml`), and of the job template
//! for GitLab.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use yaml_rust2::Yaml;

use super::{World, copy_file, left_out, load, needs, root, text};

/// The result of an action.
pub(crate) struct Ran {
    /// Whether every step ended well.
    pub(crate) is_success: bool,
    /// The output of the steps.
    pub(crate) log: String,
    /// Their summary.
    pub(crate) summary: String,
    /// The value of the action's output `report`.
    pub(crate) report: String,
    /// The files of the artifact that exist.
    pub(crate) artifact: Vec<PathBuf>,
}

/// The environment of an action: paths, and the values of expressions.
struct Context {
    values: BTreeMap<String, String>,
    /// Whether every step so far ended well.
    is_success: bool,
}

impl Context {
    /// A text with the values of its expressions.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("an expression ends");
            filled.push_str(before);
            filled.push_str(&self.value(expression.trim()));
            rest = after;
        }
        filled + rest
    }

    /// The value of an expression.
    fn value(&self, expression: &str) -> String {
        if let Some((one, other)) = expression.split_once(" || ") {
            return Some(self.value(one)).filter(|one| !one.is_empty()).unwrap_or_else(|| self.value(other));
        }
        for (operator, wants_equal) in [(" != ", false), (" == ", true)] {
            if let Some((one, other)) = expression.split_once(operator) {
                return ((self.value(one) == self.value(other)) == wants_equal).to_string();
            }
        }
        match expression.strip_prefix('\'').and_then(|literal| literal.strip_suffix('\'')) {
            Some(literal) => literal.to_owned(),
            None if expression == "!cancelled()" => "true".to_owned(),
            None => {
                self.values.get(expression).unwrap_or_else(|| panic!("{expression}: not known here")).clone()
            }
        }
    }

    /// Whether a step runs: after one that failed only those that ask for it do.
    fn runs(&self, step: &Yaml) -> bool {
        let condition = text(step, "if").trim_start_matches("${{").trim_end_matches("}}").trim();
        match condition {
            "" => self.is_success,
            condition if condition.contains("cancelled()") => self.value(condition) == "true",
            condition => self.is_success && self.value(condition) == "true",
        }
    }
}

/// Runs the action of this repository with these inputs in the checkout of a world, after a script
/// of the job that uses it.
pub(crate) fn run(world: &World, prepare: &str, inputs: &[(&str, &str)]) -> Ran {
    let action = load(&fs::read_to_string(root().join("action.yml")).unwrap());
    let (job, temporary) = (world.fresh("job"), world.fresh("temporary files"));
    world.check_out(&job);
    assert!(world.shell(&job, prepare, &[]).0, "{prepare}");
    let mut values: BTreeMap<String, String> = [
        ("runner.temp", temporary.to_str().unwrap()),
        ("runner.os", "Linux"),
        ("runner.arch", "X64"),
        ("github.action_path", root().to_str().unwrap()),
        ("github.action_ref", ""),
        ("github.sha", "0123"),
        ("steps.cache.outputs.cache-hit", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, input) in action["inputs"].as_hash().unwrap() {
        let name = name.as_str().unwrap();
        let given = inputs.iter().find(|(input, _)| *input == name).map(|(_, value)| *value);
        values.insert(format!("inputs.{name}"), given.unwrap_or(text(input, "default")).to_owned());
    }
    for (input, _) in inputs {
        assert!(values.contains_key(&format!("inputs.{input}")), "{input}: the action has no such input");
    }
    let mut context = Context { values, is_success: true };
    let summary = world.path("summary.md");
    fs::write(&summary, "").unwrap();
    let (mut log, mut artifact) = (String::new(), Vec::new());
    assert_eq!(text(&action["runs"], "using"), "composite");
    for step in action["runs"]["steps"].as_vec().unwrap() {
        if !context.runs(step) {
            continue;
        }
        let name = text(step, "name");
        match text(step, "uses").split('@').next().unwrap() {
            "" => {}
            "actions/cache" => assert!(context.filled(text(&step["with"], "key")).ends_with("-0123-true")),
            "actions/upload-artifact" => {
                let paths = context.filled(text(&step["with"], "path"));
                artifact = paths.lines().map(PathBuf::from).filter(|path| path.is_file()).collect();
            }
            other => panic!("{other}: not known to this test"),
        }
        let Some(script) = step["run"].as_str() else { continue };
        assert!(!script.contains("${{"), "{name}: what a user gives comes in variables, never in the script");
        assert_eq!(text(step, "shell"), "bash", "{name}: a composite action has no default shell");
        let output = world.path("output");
        fs::write(&output, "").unwrap();
        let mut variables: Vec<(String, String)> = Vec::new();
        for (name, value) in step["env"].as_hash().into_iter().flatten() {
            variables.push((name.as_str().unwrap().to_owned(), context.filled(value.as_str().unwrap())));
        }
        if let Some(why) = needs(script) {
            left_out("action", name, why);
            build_stands_in(script, &variables, world);
            continue;
        }
        variables.push(("GITHUB_OUTPUT".to_owned(), output.to_str().unwrap().to_owned()));
        variables.push(("GITHUB_STEP_SUMMARY".to_owned(), summary.to_str().unwrap().to_owned()));
        let (ended_well, printed) = world.shell(&job, script, &variables);
        context.is_success &= ended_well;
        log.push_str(&format!("== {name}\n{printed}"));
        for (output, value) in
            fs::read_to_string(&output).unwrap().lines().filter_map(|line| line.split_once('='))
        {
            context.values.insert(format!("steps.{}.outputs.{output}", text(step, "id")), value.to_owned());
        }
    }
    let report = context.filled(text(&action["outputs"]["report"], "value"));
    let summary = fs::read_to_string(&summary).unwrap();
    Ran { is_success: context.is_success, log, summary, report, artifact }
}

/// Puts the program where the build would put it, which builds it without an engine for the engine
/// of a user.
fn build_stands_in(script: &str, variables: &[(String, String)], world: &World) {
    let value =
        |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let source = Path::new(value("SOURCE").unwrap()).join("runner/Cargo.toml");
    assert!(source.is_file(), "{}: the build takes the program from there", source.display());
    assert!(
        script.contains("--path \"$SOURCE/runner\"") && script.contains("--no-default-features"),
        "{script}"
    );
    let bin = Path::new(value("ROOT").unwrap()).join("bin");
    fs::create_dir_all(&bin).unwrap();
    copy_file(world.program(), &bin.join("wassay"), true);
}

/// Runs the job that extends the template for GitLab as a pipeline does that includes it; `job` is
/// the job as the page has it.
pub(crate) fn run_template(world: &World, job: &Yaml, variables: &[(&str, &str)]) -> (bool, String) {
    let template = load(&fs::read_to_string(root().join(".gitlab-template.yml")).unwrap());
    let extended = text(job, "extends");
    let template = &template[extended];
    assert!(!template.is_badvalue(), "{extended}: the template has no such job");
    let folder = world.fresh("job");
    world.check_out(&folder);
    fs::create_dir_all(folder.join(".wassay/bin")).unwrap();
    copy_file(world.program(), &folder.join(".wassay/bin/wassay"), true);
    let mut set: BTreeMap<String, String> = BTreeMap::new();
    for from in [&template["variables"], &job["variables"]] {
        for (name, value) in from.as_hash().into_iter().flatten() {
            set.insert(name.as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned());
        }
    }
    set.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let lines = template["script"].as_vec().unwrap().iter().map(|line| line.as_str().unwrap());
    let script: Vec<&str> = lines.collect();
    let (ended_well, printed) =
        world.shell(&folder, &script.join("\n"), &set.into_iter().collect::<Vec<_>>());
    for path in template["artifacts"]["paths"].as_vec().unwrap() {
        let path = folder.join(path.as_str().unwrap());
        assert!(path.is_file(), "{}: {printed}", path.display());
    }
    (ended_well, printed)
}
