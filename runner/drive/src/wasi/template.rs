//! Commands from templates.

use super::task::{Need, Task, word_of};
use crate::template::{self, Placeholder};

/// A template for the command of a guest. Paths of this machine are filled in when a description is
/// started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The command.
    pub command: template::Template,
    /// The words for a folder; `None` if the engine does not support folders.
    pub dir: Option<template::Template>,
    /// The words for a read-only folder.
    pub dir_read_only: Option<template::Template>,
    /// The words for an environment variable.
    pub env: Option<template::Template>,
    /// Environment variables of the engine's process.
    pub own_env: Vec<(String, String)>,
    /// The values of the other placeholders.
    pub places: Vec<(Placeholder, Vec<String>)>,
}

impl Template {
    /// Whether it does not support a need of a guest.
    pub(super) fn cannot(&self, need: Need) -> bool {
        let takes = |placeholder| self.command.placeholders().any(|other| other == placeholder);
        let dir_takes = |placeholder| {
            let dir = self.dir.iter().flat_map(template::Template::placeholders);
            takes(Placeholder::Dirs) && dir.into_iter().any(|other| other == placeholder)
        };
        match need {
            Need::Args => !takes(Placeholder::Args),
            Need::Env => !takes(Placeholder::Env) || self.env.is_none(),
            Need::Folders => !dir_takes(Placeholder::Host),
            Need::NamedFolders => !dir_takes(Placeholder::Guest),
            Need::ReadOnly => self.dir_read_only.is_none(),
            // Listening sockets cannot be passed to a process.
            Need::Sockets => true,
            Need::Stdin | Need::Preview0 => false,
        }
    }

    pub(super) fn words(&self, task: &Task<'_>) -> Vec<String> {
        let folders = task.folders.iter().flat_map(|folder| {
            let template = if folder.read_only { self.dir_read_only.as_ref() } else { self.dir.as_ref() };
            let values = |placeholder| match placeholder {
                Placeholder::Host => vec![word_of(folder.host)],
                Placeholder::Guest => vec![folder.guest.to_owned()],
                other => self.place(other),
            };
            template.map(|template| template.fill(&values)).unwrap_or_default()
        });
        let folders: Vec<String> = folders.collect();
        let variables = task.env.iter().flat_map(|(name, value)| {
            let values = |placeholder| match placeholder {
                Placeholder::Name => vec![name.clone()],
                Placeholder::Value => vec![value.clone()],
                other => self.place(other),
            };
            self.env.as_ref().map(|template| template.fill(&values)).unwrap_or_default()
        });
        let variables: Vec<String> = variables.collect();
        self.command.fill(&|placeholder| match placeholder {
            Placeholder::Module => vec![word_of(task.module)],
            Placeholder::Args => task.args.to_vec(),
            Placeholder::Dirs => folders.clone(),
            Placeholder::Env => variables.clone(),
            other => self.place(other),
        })
    }

    pub(super) fn env(&self) -> Vec<(String, String)> {
        self.own_env.clone()
    }

    fn place(&self, placeholder: Placeholder) -> Vec<String> {
        let known = self.places.iter().find(|(known, _)| *known == placeholder);
        known.map(|(_, values)| values.clone()).unwrap_or_default()
    }
}
