//! The engines of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use wassay_drive::{Command, Driven, Known, Limits, Way};
use wassay_fuzz::{Judge, Side, Turn};
use wassay_script::Judges;
use wassay_terms::Features;

use super::args::Args;
use crate::commands::Error;
use crate::commands::driven::choose;
use crate::own;
use crate::own::configurations::{self, Configuration};

/// An engine that can be started on every thread.
pub(super) struct Engine {
    /// What it is called.
    pub(super) name: String,
    /// Whether it is wassay's own.
    pub(super) is_own: bool,
    /// The cases that it runs.
    turn: Option<Turn>,
    start: Box<dyn Fn() -> Box<Judge<'static>> + Send + Sync>,
}

/// Where wassay's own engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a process for each configuration, so that a crash is a finding and not the end.
    Apart,
    /// In this process, which takes much less time.
    Here,
}

/// The memory that the process of an engine may write, in bytes.
const MEMORY: u64 = 2 << 30;

impl Engine {
    /// Starts it for a thread.
    pub(super) fn side(&self) -> Side<'static> {
        Side { name: self.name.clone(), judge: (self.start)(), turn: self.turn }
    }

    /// Whether it runs only some of the cases.
    pub(super) fn takes_turns(&self) -> bool {
        self.turn.is_some()
    }

    /// wassay's own engine, in one of its configurations.
    fn own(configuration: Configuration, ways: &Own) -> Result<Engine, Error> {
        let name = format!("wassay ({configuration})");
        let engine = match ways {
            Own::Apart(known) => {
                let known = known.started_by(adapter(configuration)?);
                Engine::driven(name, Way::Protocol(Arc::new(known)))
            }
            Own::Here => Engine::made(name, move || own::embedder_in(configuration)),
        };
        Ok(Engine { is_own: true, ..engine })
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
        Engine { name, is_own: false, turn: None, start: Box::new(start) }
    }

    /// An engine in this process.
    fn made<E: Judges + 'static>(name: String, make: impl Fn() -> E + Send + Sync + 'static) -> Engine {
        let start = move || -> Box<Judge<'static>> {
            let mut engine: E = make();
            Box::new(move |script, options| engine.judge(script, options))
        };
        Engine { name, is_own: false, turn: None, start: Box::new(start) }
    }
}

/// wassay's own engine in any configuration.
enum Own {
    Apart(Box<Known>),
    Here,
}

impl Own {
    fn at(place: Place) -> Result<Own, Error> {
        let (Place::Apart, Some(default)) = (place, configurations::all().next()) else {
            return Ok(Own::Here);
        };
        let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
        let known = Known::ask(adapter(default)?, limits);
        Ok(Own::Apart(Box::new(known.map_err(|error| Error::Usage(error.to_string()))?)))
    }
}

/// The command of the process for a configuration.
fn adapter(configuration: Configuration) -> Result<Command, Error> {
    let program = std::env::current_exe()
        .map_err(|error| Error::System { what: "cannot find wassay itself".to_owned(), error })?;
    let words = [&program.to_string_lossy(), "adapter", "--configuration", &configuration.to_string()];
    Command::new(words.map(str::to_owned).to_vec(), BTreeMap::new())
        .map_err(|error| Error::Usage(error.to_string()))
}

/// The first engine, and those that it is compared with.
pub(super) fn engines<E: Judges + 'static>(
    args: &Args,
    make: Option<impl Fn() -> E + Send + Sync + 'static>,
    place: Place,
) -> Result<(Engine, Vec<Engine>), Error> {
    let default = || {
        let error = "fuzz: this build of wassay has no built-in engine; name two with --engine and --against";
        let default = configurations::all().next().ok_or_else(|| Error::Usage(error.to_owned()))?;
        Engine::own(default, &Own::at(place)?)
    };
    let first = match (&args.engine, make.filter(|_| !E::DRIVES_WASSAY)) {
        (Some(word), _) => Engine::named(word)?,
        // The engine of a program that embeds this command line.
        (None, Some(make)) => Engine::made(make().identity().title(), make),
        (None, None) => default()?,
    };
    let others = match args.against.as_slice() {
        [] if first.is_own => in_turns(place)?,
        [] => vec![default()?],
        words => words.iter().map(|word| Engine::named(word)).collect::<Result<_, _>>()?,
    };
    Ok((first, others))
}

/// wassay's own engine in all configurations but the default, one of which runs each case: most of
/// the time of a case goes into compiling, and another module finds more than the same module in
/// another configuration.
fn in_turns(place: Place) -> Result<Vec<Engine>, Error> {
    let (own, others) = (Own::at(place)?, configurations::all().skip(1));
    let of = others.count() as u32;
    let turns = configurations::all().skip(1).zip(0..of);
    turns
        .map(|(configuration, at)| {
            Ok(Engine { turn: Some(Turn { at, of }), ..Engine::own(configuration, &own)? })
        })
        .collect()
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
