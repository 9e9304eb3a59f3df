//! The tables `[module]` and `[wasi]`: engines driven by their command line.
//!
//! ```toml
//! [module]                              # runs a module from a file
//! run = ["{program}", "{flags}", "{module}"]
//! entry = "_start"                      # the export it calls, or `start = true`
//! env = { MY_ENGINE_LOG = "0" }
//!
//! [wasi]                                # it runs a program of WASI
//! command = ["{program}", "{dirs}", "{env}", "{module}", "{args}"]
//! dir = ["--dir", "{host}::{guest}"]    # the words of a folder
//! dir-read-only = ["--dir-ro", "{host}::{guest}"]
//! env = ["--env", "{name}={value}"]     # those of a variable of the environment
//! cannot = ["sockets"]                  # what it has no way to give
//! traps = [134]                         # the exit codes of a program that trapped
//! expectations = ["linux.toml"]         # in the form of the official test suite of WASI
//! own-env = { MY_ENGINE_LOG = "0" }     # the environment of its own process
//! ```
//!
//! Instead of `command`, `dir`, `dir-read-only` and `env` there may be
//! `adapter = "{dir}/my_engine.py"`, an adapter of that suite.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;
use wassay_script::selfcheck::Entry;
use wassay_script::suggest::did_you_mean;

use super::model::{Modules, Wasi, WasiWay};
use super::words::{ANYWHERE, OF_ENGINE, Variable, command_with, only_these, word};
use crate::template::{Placeholder, Template, Word};
use crate::wasi::Need;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenModules {
    run: Spanned<Template>,
    entry: Option<Spanned<String>>,
    start: Option<bool>,
    #[serde(default)]
    env: BTreeMap<Variable, Spanned<Word>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenWasi {
    command: Option<Spanned<Template>>,
    adapter: Option<Spanned<Word>>,
    python: Option<Spanned<Word>>,
    dir: Option<Spanned<Template>>,
    dir_read_only: Option<Spanned<Template>>,
    env: Option<Spanned<Template>>,
    #[serde(default, deserialize_with = "needs")]
    cannot: Vec<Need>,
    #[serde(default)]
    traps: Vec<i32>,
    #[serde(default)]
    expectations: Vec<PathBuf>,
    #[serde(default)]
    own_env: BTreeMap<Variable, Spanned<Word>>,
}

fn needs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Need>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    let need = |word: &String| {
        let found = Need::ALL.into_iter().find(|need| need.word() == word);
        found.ok_or_else(|| {
            let known = Need::ALL.map(Need::word);
            de::Error::custom(format!(
                "unknown need `{word}`{}; expected one of {}",
                did_you_mean(word, known),
                known.join(", ")
            ))
        })
    };
    words.iter().map(need).collect()
}

/// An error with its offset.
type Wrong = (usize, String);

impl WrittenModules {
    pub(super) fn modules(self, has_program: bool) -> Result<Modules, Wrong> {
        let at = self.run.span().start;
        let allowed = [OF_ENGINE, &[Placeholder::Module]].concat();
        let run = command_with("run", self.run, &allowed, has_program)?;
        if !run.placeholders().any(|placeholder| placeholder == Placeholder::Module) {
            return Err((at, "`run` does not use the module: add the word `{module}`".to_owned()));
        }
        let entry = match (self.entry, self.start) {
            (Some(entry), Some(true)) => {
                let message = "`entry` and `start` are mutually exclusive: the engine either calls an export or only instantiates";
                return Err((entry.span().start, message.to_owned()));
            }
            (Some(entry), _) => Entry::Export(entry.into_inner()),
            (None, Some(true)) => Entry::Start,
            (None, _) => Entry::default(),
        };
        Ok(Modules { run, entry, env: variables("env", self.env)? })
    }
}

impl WrittenWasi {
    pub(super) fn wasi(self, at: usize, has_program: bool) -> Result<Wasi, Wrong> {
        let way = match (self.command, self.adapter) {
            (Some(command), None) => {
                let words = [Placeholder::Module, Placeholder::Args, Placeholder::Dirs, Placeholder::Env];
                let place = command.span().start;
                let command = command_with("command", command, &[OF_ENGINE, &words].concat(), has_program)?;
                if !command.placeholders().any(|placeholder| placeholder == Placeholder::Module) {
                    let message = "`command` does not use the module: add the word `{module}`";
                    return Err((place, message.to_owned()));
                }
                let folder = [ANYWHERE, &[Placeholder::Host, Placeholder::Guest]].concat();
                let variable = [ANYWHERE, &[Placeholder::Name, Placeholder::Value]].concat();
                WasiWay::Templates {
                    command,
                    dir: self.dir.map(|dir| part("dir", dir, &folder)).transpose()?,
                    dir_read_only: self
                        .dir_read_only
                        .map(|dir| part("dir-read-only", dir, &folder))
                        .transpose()?,
                    env: self.env.map(|env| part("env", env, &variable)).transpose()?,
                }
            }
            (None, Some(adapter)) => {
                if let Some(place) = [self.dir, self.dir_read_only, self.env].into_iter().flatten().next() {
                    let message =
                        "an adapter creates the complete command: remove `dir`, `dir-read-only` and `env`";
                    return Err((place.span().start, message.to_owned()));
                }
                WasiWay::Adapter {
                    adapter: word("adapter", adapter, ANYWHERE)?,
                    python: self.python.map(|python| word("python", python, ANYWHERE)).transpose()?,
                }
            }
            _ => {
                let message = "expected one of `command`, a command with `{module}`, or `adapter`, an adapter of the official test suite";
                return Err((at, message.to_owned()));
            }
        };
        let (cannot, traps, expectations) = (self.cannot, self.traps, self.expectations);
        Ok(Wasi { way, cannot, traps, expectations, own_env: variables("own-env", self.own_env)? })
    }
}

/// Checks the words for a folder or variable.
fn part(key: &str, template: Spanned<Template>, allowed: &[Placeholder]) -> Result<Template, Wrong> {
    let at = template.span().start;
    let template = template.into_inner();
    only_these(key, template.placeholders(), allowed).map_err(|message| (at, message))?;
    Ok(template)
}

pub(super) fn variables(
    key: &str,
    written: BTreeMap<Variable, Spanned<Word>>,
) -> Result<BTreeMap<String, Word>, Wrong> {
    written.into_iter().map(|(Variable(name), value)| Ok((name, word(key, value, ANYWHERE)?))).collect()
}
