//! Runs the jobs of a pipeline for GitLab: each has a checkout, and the artifacts of the stages
//! before its own.

use std::fs;
use std::path::Path;

use walkdir::WalkDir;
use yaml_rust2::Yaml;

use super::{World, copy_file, left_out, needs};

/// The result of a pipeline.
pub(crate) struct Ran {
    /// Whether every job ended well.
    pub(crate) is_success: bool,
    /// The output of the jobs.
    pub(crate) log: String,
    /// The report of the last job.
    pub(crate) report: String,
}

/// Runs the jobs stage by stage. `baseline` is a report that the network would give.
pub(crate) fn run(pipeline: &Yaml, world: &World, baseline: Option<&str>) -> Ran {
    let artifacts = world.fresh("artifacts");
    let mut ran = Ran { is_success: true, log: String::new(), report: String::new() };
    for stage in pipeline["stages"].as_vec().unwrap() {
        let jobs = pipeline.as_hash().unwrap().iter().filter(|(_, job)| job["stage"] == *stage);
        let before = ran.is_success;
        for (name, job) in jobs {
            let name = name.as_str().unwrap();
            if !before && job["when"].as_str() != Some("always") {
                continue;
            }
            let count = job["parallel"].as_i64().unwrap_or(1);
            for number in 1..=count {
                let folder = world.fresh(&format!("job {name} {number}"));
                world.check_out(&folder);
                copy_all(&artifacts, &folder);
                if name == "build" {
                    // Caches between runs, so that nothing is installed.
                    fs::create_dir_all(folder.join("bin")).unwrap();
                    copy_file(world.program(), &folder.join("bin/wassay"), true);
                }
                let script = script(name, job, &folder, baseline);
                let variables = [("CI_NODE_INDEX", number), ("CI_NODE_TOTAL", count)];
                let variables = variables.map(|(name, value)| (name.to_owned(), value.to_string()));
                let (ended_well, printed) = world.shell(&folder, &script, &variables);
                ran.is_success &= ended_well;
                ran.log.push_str(&format!("== {name} {number}: {script}\n{printed}"));
                if ended_well || job["artifacts"]["when"].as_str() == Some("always") {
                    keep(&job["artifacts"]["paths"], &folder, &artifacts);
                }
            }
        }
    }
    ran.report = fs::read_to_string(artifacts.join("report.json")).unwrap_or_default();
    ran
}

/// The commands of a job, but for those that need the network.
fn script(name: &str, job: &Yaml, folder: &Path, baseline: Option<&str>) -> String {
    let mut script = String::new();
    for line in job["script"].as_vec().unwrap().iter().map(|line| line.as_str().unwrap()) {
        match needs(line) {
            // Only where the program is not there.
            Some(_) if line.starts_with("test -x") => {}
            Some(why) => {
                left_out(name, line, why);
                if let Some(report) = baseline {
                    fs::create_dir_all(folder.join("baseline")).unwrap();
                    fs::write(folder.join("baseline/report.json"), report).unwrap();
                }
                continue;
            }
            None => {}
        }
        script.push_str(line);
        script.push('\n');
    }
    script
}

/// Keeps what a job leaves: files, folders, and `NAME-*.json`.
fn keep(paths: &Yaml, folder: &Path, artifacts: &Path) {
    for path in paths.as_vec().unwrap().iter().map(|path| path.as_str().unwrap()) {
        let (begin, end) = path.split_once('*').unwrap_or((path, ""));
        for entry in WalkDir::new(folder).into_iter().filter_map(Result::ok) {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let is_meant = if path.contains('*') {
                name.starts_with(begin) && name.ends_with(end)
            } else {
                name == path || name.starts_with(&format!("{path}/"))
            };
            if is_meant && entry.file_type().is_file() {
                copy(entry.path(), &artifacts.join(name));
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    copy_file(from, to, true);
}

fn copy_all(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            copy(entry.path(), &to.join(entry.path().strip_prefix(from).unwrap()));
        }
    }
}
