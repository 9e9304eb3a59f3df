//! The engines of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use wassay_drive::{Command, Driven, Known, Limits, Way};
use wassay_fuzz::{Judge, Side};
use wassay_script::Judges;
use wassay_terms::Features;

use super::Args;
use crate::commands::Error;
use crate::commands::driven::choose;
use crate::own::configurations;

/// An engine that can be started on every thread.
pub(super) struct Engine {
    /// What it is called.
    pub(super) name: String,
    /// Whether it is wassay's own.
    pub(super) is_own: bool,
    start: Box<dyn Fn() -> Box<Judge<'static>> + Send + Sync>,
}

/// The memory that the process of an engine may write, in bytes.
const MEMORY: u64 = 2 << 30;

impl Engine {
    /// Starts it for a thread.
    pub(super) fn side(&self) -> Side<'static> {
        Side { name: self.name.clone(), judge: (self.start)() }
    }

    /// wassay's own engine, in one of its configurations. It runs in processes of its own, so that
    /// a crash is a finding and not the end.
    fn own(configuration: &str) -> Result<Engine, Error> {
        let program = std::env::current_exe()
            .map_err(|error| Error::System { what: "cannot find wassay itself".to_owned(), error })?;
        let words = [&program.to_string_lossy(), "adapter", "--configuration", configuration];
        let command = Command::new(words.map(str::to_owned).to_vec(), BTreeMap::new())
            .map_err(|error| Error::Usage(error.to_string()))?;
        let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
        let known = Known::ask(command, limits).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Engine {
            is_own: true,
            ..Engine::driven(format!("wassay ({configuration})"), Way::Protocol(Arc::new(known)))
        })
    }

    /// The engine that a word names.
    fn named(word: &str) -> Result<Engine, Error> {
        let way = choose(word)?.ask(Some(MEMORY))?;
        if let Way::Neither(_) = way {
            return Err(Error::Usage(format!("--engine {word}: it runs WASI programs only")));
        }
        Ok(Engine::driven(way.identity().title(), way))
    }

    fn driven(name: String, way: Way) -> Engine {
        let start = move || -> Box<Judge<'static>> {
            let mut driver: Driven = way.driver();
            Box::new(move |script, options| driver.judge(script, options))
        };
        Engine { name, is_own: false, start: Box::new(start) }
    }

    /// The engine of a program that embeds this command line.
    fn made<E: Judges + 'static>(make: impl Fn() -> E + Send + Sync + 'static) -> Engine {
        let name = make().identity().title();
        let start = move || -> Box<Judge<'static>> {
            let mut engine: E = make();
            Box::new(move |script, options| engine.judge(script, options))
        };
        Engine { name, is_own: false, start: Box::new(start) }
    }
}

/// The first engine, and those that it is compared with.
pub(super) fn engines<E: Judges + 'static>(
    args: &Args,
    make: Option<impl Fn() -> E + Send + Sync + 'static>,
) -> Result<(Engine, Vec<Engine>), Error> {
    let mut own = configurations::ALL.iter().map(|configuration| configuration.name);
    let default = own.next();
    let needs_own = || {
        Error::Usage(
            "fuzz: this build of wassay has no built-in engine; name two with --engine and --against"
                .to_owned(),
        )
    };
    let first = match (&args.engine, make.filter(|_| !E::DRIVES_WASSAY)) {
        (Some(word), _) => Engine::named(word)?,
        (None, Some(make)) => Engine::made(make),
        (None, None) => Engine::own(default.ok_or_else(needs_own)?)?,
    };
    let others = match args.against.as_slice() {
        [] if first.is_own => own.map(Engine::own).collect::<Result<_, _>>()?,
        [] => vec![Engine::own(default.ok_or_else(needs_own)?)?],
        words => words.iter().map(|word| Engine::named(word)).collect::<Result<_, _>>()?,
    };
    Ok((first, others))
}

/// The features that modules may use by default. Relaxed vectors may have other results on every
/// engine, and custom descriptors are not yet common.
pub(super) fn features(args: &Args, first: &Engine, others: &[Engine]) -> Result<Features, Error> {
    if let Some(features) = args.features {
        return Ok(features);
    }
    let is_own = first.is_own && others.iter().all(|engine| engine.is_own);
    let words = match is_own {
        true => "3.0,threads,wide-arithmetic,custom-page-sizes,custom-descriptors",
        false => "3.0,threads,wide-arithmetic,custom-page-sizes,-relaxed-simd",
    };
    words.parse().map_err(|error: wassay_terms::UnknownFeature| Error::Usage(error.to_string()))
}
