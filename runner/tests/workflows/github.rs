//! Runs the steps of a workflow for GitHub Actions: checkouts, artifacts and `run`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;
use yaml_rust2::Yaml;

use super::{World, copy_file, left_out, needs, text};

/// The result of a workflow.
pub(crate) struct Ran {
    /// Whether every job ended well.
    pub(crate) is_success: bool,
    /// The output of the steps.
    pub(crate) log: String,
    /// Their summary.
    pub(crate) summary: String,
    /// The files of all artifacts.
    pub(crate) artifacts: Vec<PathBuf>,
}

/// Runs the jobs in their order, each in a folder of its own. `baseline` is a report that the
/// network would give; `few` changes commands.
pub(crate) fn run(
    workflow: &Yaml,
    world: &World,
    baseline: Option<&str>,
    few: &dyn Fn(&str) -> String,
) -> Ran {
    let summary = world.path("summary.md");
    fs::write(&summary, "").unwrap();
    let mut ran = Ran { is_success: true, log: String::new(), summary: String::new(), artifacts: Vec::new() };
    let mut ended: BTreeMap<String, bool> = BTreeMap::new();
    for (name, job) in workflow["jobs"].as_hash().unwrap() {
        let name = name.as_str().unwrap();
        let needed = match &job["needs"] {
            Yaml::String(one) => vec![one.clone()],
            Yaml::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
            _ => Vec::new(),
        };
        // The only condition in use besides is that of the build.
        let asked = text(job, "if");
        let runs = if asked.contains("needs.build.result") {
            ended["build"]
        } else {
            needed.iter().all(|needed| ended[needed])
        };
        let shards = match job["strategy"]["matrix"]["shard"].as_vec() {
            Some(shards) => shards.iter().map(|shard| shard.as_i64().unwrap().to_string()).collect(),
            None => vec![String::new()],
        };
        let mut is_success = runs;
        for shard in shards.iter().filter(|_| runs) {
            let folder = world.fresh(&format!("job {name} {shard}"));
            let job = Job { name, world, folder, shard, summary: &summary, baseline, few };
            is_success &= job.run(&job_steps(workflow, name), &mut ran.log);
        }
        ran.is_success &= is_success;
        ended.insert(name.to_owned(), is_success);
    }
    ran.summary = fs::read_to_string(&summary).unwrap();
    let files = WalkDir::new(world.path("artifacts")).into_iter().filter_map(Result::ok);
    ran.artifacts =
        files.filter(|file| file.file_type().is_file()).map(walkdir::DirEntry::into_path).collect();
    ran
}

fn job_steps(workflow: &Yaml, job: &str) -> Vec<Yaml> {
    workflow["jobs"][job]["steps"].as_vec().unwrap().clone()
}

struct Job<'a> {
    name: &'a str,
    world: &'a World,
    folder: PathBuf,
    shard: &'a str,
    summary: &'a Path,
    baseline: Option<&'a str>,
    few: &'a dyn Fn(&str) -> String,
}

impl Job<'_> {
    /// Runs the steps: after one that failed only those that ask for it.
    fn run(&self, steps: &[Yaml], log: &mut String) -> bool {
        let mut is_success = true;
        let mut variables: Vec<(String, String)> = vec![
            ("GITHUB_STEP_SUMMARY".to_owned(), self.summary.display().to_string()),
            ("GITHUB_ENV".to_owned(), self.world.path("environment").display().to_string()),
        ];
        for step in steps {
            let condition = text(step, "if");
            if !is_success && !condition.contains("!cancelled()") {
                continue;
            }
            if condition.contains("pull_request") {
                left_out(self.name, text(step, "name"), "it is for pull requests");
                continue;
            }
            if let Some(action) = step["uses"].as_str() {
                self.act(action, &step["with"]);
            }
            if let Some(script) = step["run"].as_str() {
                if let Some(why) = needs(script) {
                    left_out(self.name, text(step, "name"), why);
                    self.stand_in(script);
                    continue;
                }
                fs::write(self.world.path("environment"), "").unwrap();
                let script = (self.few)(&script.replace("${{ matrix.shard }}", self.shard));
                assert!(!script.contains("${{"), "an expression that nothing is put for: {script}");
                let (ended_well, printed) = self.world.shell(&self.folder, &script, &variables);
                is_success &= ended_well;
                log.push_str(&format!("== {} {}: {script}\n{printed}", self.name, self.shard));
                let environment = fs::read_to_string(self.world.path("environment")).unwrap();
                let set = environment.lines().filter_map(|line| line.split_once('='));
                variables.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
        }
        is_success
    }

    /// Leaves what a command that needs the network would leave.
    fn stand_in(&self, script: &str) {
        if let (true, Some(report)) = (script.contains("gh run download"), self.baseline) {
            fs::create_dir_all(self.folder.join("baseline")).unwrap();
            fs::write(self.folder.join("baseline/report.json"), report).unwrap();
        }
        if script.contains("cargo build") {
            fs::create_dir_all(self.folder.join("target/release")).unwrap();
            copy_file(self.world.program(), &self.folder.join("target/release/wassay"), true);
        }
    }

    fn act(&self, action: &str, with: &Yaml) {
        let artifacts = self.world.fresh("artifacts");
        match action.split('@').next().unwrap() {
            "actions/checkout" => self.world.check_out(&self.folder),
            "actions/cache" => left_out(self.name, action, "nothing is kept from run to run here"),
            "actions/upload-artifact" => {
                let with = |key: &str| text(with, key).replace("${{ matrix.shard }}", self.shard);
                let into = artifacts.join(with("name"));
                for path in with("path").lines().map(str::trim).filter(|path| !path.is_empty()) {
                    for path in matching(&self.folder, path) {
                        copy(&self.folder.join(&path), &into.join(&path));
                    }
                }
            }
            "actions/download-artifact" => {
                let begin = text(with, "pattern").trim_end_matches('*');
                let names = fs::read_dir(artifacts).unwrap().map(|entry| entry.unwrap());
                for artifact in names {
                    let name = artifact.file_name().into_string().unwrap();
                    let is_meant = match with["name"].as_str() {
                        Some(exact) => name == exact,
                        None => name.starts_with(begin),
                    };
                    if is_meant {
                        copy_all(&artifact.path(), &self.folder);
                    }
                }
            }
            "actions/attest-build-provenance" => left_out(self.name, action, "GitHub signs it"),
            other => panic!("{other}: not known to this test"),
        }
    }
}

/// The files below a folder that a path means, which may have one `*`.
fn matching(folder: &Path, path: &str) -> Vec<String> {
    let Some((begin, end)) = path.split_once('*') else { return vec![path.to_owned()] };
    let files = WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let names = files.filter_map(|file| Some(file.path().strip_prefix(folder).ok()?.to_str()?.to_owned()));
    names.filter(|name| name.starts_with(begin) && name.ends_with(end)).collect()
}

/// Copies a file if it is there. Artifacts lose the right to execute, as they do on GitHub.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        copy_file(from, to, false);
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).into_iter().map(Result::unwrap) {
        copy(entry.path(), &to.join(entry.path().strip_prefix(from).unwrap()));
    }
}
