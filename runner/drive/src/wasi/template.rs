//! Commands by templates.

use super::task::{Need, Task, word_of};
use crate::template::{self, Placeholder};

/// The command of a guest as a template. What stands for the places of this machine is filled in
/// when a description is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The command.
    pub command: template::Template,
    /// The words for one folder; none where the engine gives guests no folders.
    pub dir: Option<template::Template>,
    /// The words for one in which nothing can be changed.
    pub dir_read_only: Option<template::Template>,
    /// The words for one variable of the environment.
    pub env: Option<template::Template>,
    /// Variables of the environment of the engine's own process.
    pub own_env: Vec<(String, String)>,
    /// What the other placeholders stand for.
    pub places: Vec<(Placeholder, Vec<String>)>,
}

impl Template {
    /// Whether it has no place for what a guest may need.
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
            // A process is given no sockets that listen.
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
