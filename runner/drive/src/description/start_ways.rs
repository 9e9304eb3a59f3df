//! Turns the tables `[module]` and `[wasi]` into commands.

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use super::model::{Column, Description, WasiWay};
use super::start::{Places, Unstartable};
use crate::driver::Published;
use crate::modules::{Command, MODULE};
use crate::template::{Placeholder, Template, Word};
use crate::wasi::expectations::BadExpectations;
use crate::wasi::{self, Adapter, AdapterError, Expectations, Runtime, Way};

/// The default Python for adapters of the official test suite.
const PYTHON: &str = "python3";

/// Why an engine cannot run WASI programs.
#[derive(Debug, Error)]
pub enum NoRuntime {
    /// It cannot be started.
    #[error(transparent)]
    Unstartable(#[from] Unstartable),
    /// Its adapter does not answer.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A file of expectations is unusable.
    #[error(transparent)]
    Expectations(#[from] BadExpectations),
}

impl Description {
    /// The command that runs a module in a column, and its identity in reports; `None` if there is
    /// none. The version comes from another command.
    ///
    /// # Errors
    ///
    /// There is no such column, or the program is not installed.
    pub fn module_command(
        &self,
        column: &str,
        places: &Places,
    ) -> Result<Option<(Command, Published)>, Unstartable> {
        let Some(modules) = &self.modules else { return Ok(None) };
        let (column, configured) = self.column(Some(column))?;
        let values = self.values(&modules.run, configured, places)?;
        let words = modules.run.fill(&|placeholder| match placeholder {
            Placeholder::Module => vec![MODULE.to_owned()],
            other => value(&values, other),
        });
        self.find_program(&words)?;
        let published = self.published(column, configured, self.shown(&modules.run, configured));
        let command = Command {
            words,
            env: variables(&modules.env, places),
            entry: modules.entry.clone(),
            identity: published.identity(),
        };
        Ok(Some((command, published)))
    }

    /// The runtime for WASI programs in a column; `None` if there is none. The version comes from
    /// another command, unless there is an adapter.
    ///
    /// # Errors
    ///
    /// There is no such column, the program is not installed, an adapter does not answer, or a file
    /// of expectations is unusable.
    pub fn runtime(&self, column: &str, places: &Places) -> Result<Option<Runtime>, NoRuntime> {
        let Some(described) = &self.wasi else { return Ok(None) };
        let (column, configured) = self.column(Some(column))?;
        let mut expectations = Expectations::default();
        for file in &described.expectations {
            expectations.add(&wasi::place(&places.dir, file))?;
        }
        let own_env = variables(&described.own_env, places);
        let (way, published, version) = match &described.way {
            WasiWay::Templates { command, dir, dir_read_only, env } => {
                let values = self.values(command, configured, places)?;
                self.find_program(&command.fill(&|placeholder| value(&values, placeholder)))?;
                let template = wasi::Template {
                    command: command.clone(),
                    dir: dir.clone(),
                    dir_read_only: dir_read_only.clone(),
                    env: env.clone(),
                    own_env,
                    places: values,
                };
                let command = self.shown(command, configured);
                (Way::Template(template), self.published(column, configured, command), None)
            }
            WasiWay::Adapter { adapter, python } => {
                let filled = |word: &Word| word.fill(&|placeholder| places.value(placeholder)).concat();
                let python = python.as_ref().map_or_else(|| PYTHON.to_owned(), filled);
                let path = wasi::place(&places.dir, Path::new(&filled(adapter)));
                let adapter = Adapter::ask(&path, &python, own_env)?;
                let version = adapter.version().to_owned();
                let command = format!("{PYTHON} {}", adapter.file_name());
                (Way::Adapter(adapter), self.published(column, configured, command), Some(version))
            }
        };
        let mut identity = published.identity();
        identity.version = version.unwrap_or(identity.version);
        let (cannot, traps, memory) = (described.cannot.clone(), described.traps.clone(), self.max_memory);
        Ok(Some(Runtime { way, cannot, traps, memory, expectations, identity }))
    }

    /// The values of placeholders that are the same for every guest.
    fn values(
        &self,
        template: &Template,
        column: &Column,
        places: &Places,
    ) -> Result<Vec<(Placeholder, Vec<String>)>, Unstartable> {
        let fixed = [Placeholder::Adapters, Placeholder::Dir, Placeholder::Wassay];
        let mut values: Vec<_> = fixed.into_iter().map(|fixed| (fixed, places.value(fixed))).collect();
        values.push((Placeholder::Flags, column.flags.clone()));
        if template.placeholders().any(|placeholder| placeholder == Placeholder::Program) {
            values.push((Placeholder::Program, vec![self.program_on(places)?]));
        }
        Ok(values)
    }
}

fn value(values: &[(Placeholder, Vec<String>)], placeholder: Placeholder) -> Vec<String> {
    let known = values.iter().find(|(known, _)| *known == placeholder);
    known.map(|(_, values)| values.clone()).unwrap_or_default()
}

fn variables(env: &BTreeMap<String, Word>, places: &Places) -> Vec<(String, String)> {
    let filled = |word: &Word| word.fill(&|placeholder| places.value(placeholder)).concat();
    env.iter().map(|(name, word)| (name.clone(), filled(word))).collect()
}
