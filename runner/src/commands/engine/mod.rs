//! `wassay engine`: lists other engines and checks adapters.

mod add;
mod check;
mod list;

use std::path::PathBuf;

use clap::Subcommand;
use wassay_reports::terminal::Text;
use wassay_script::suggest::did_you_mean;

use super::{Error, Exit, show as print};
use crate::engines::{self, Found, Origin, choose};
use crate::scratch;

const EXAMPLES: &str = "\
Examples:
  wassay engine list
  wassay engine show node > .wassay/engines/my-node.toml
  wassay engine check ./my-adapter
  wassay engine check \"node runner/adapters/js/wap.js\"
  wassay engine add my-engine.toml

Engines are described by TOML files: .wassay/engines/NAME.toml in the current folder or one above it
in its git repository, wassay/engines/NAME.toml in the user's configuration, and those that are
built in. docs/engines.md has the format.";

/// Show, check and add other engines
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the engines with their versions, or how to get them
    List,
    /// Show the description of an engine
    Show {
        /// The name of an engine, or a FILE.toml
        name: String,
    },
    /// Run the self-test of an adapter and show what fails
    Check {
        /// An engine, as --engine names it: NAME, NAME:COLUMN, FILE.toml or COMMAND
        engine: String,
    },
    /// Add a description to the user's configuration
    Add {
        /// The description, a TOML file
        file: PathBuf,
        /// Replace the one of that name
        #[arg(long)]
        replace: bool,
    },
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    // Built-in adapters run from a temporary folder.
    scratch::signal::end_clean()
        .map_err(|error| Error::System { what: "cannot handle signals".to_owned(), error })?;
    match args.command {
        Command::List => print(&list::list())?,
        Command::Show { name } => print(&show(&name)?)?,
        Command::Check { engine } => return check::check(&engine),
        Command::Add { file, replace } => print(&add::add(&file, replace)?)?,
    }
    Ok(Exit::Success)
}

/// The text of a description, preceded by comments on the state of the engine; the result is a
/// valid description.
fn show(word: &str) -> Result<Text, Error> {
    let Found { description, text, origin } = found(word)?;
    let mut shown = Text::new(false);
    shown.line(format_args!("# {}: {}", description.name, source(&origin)));
    for name in description.columns.keys() {
        let word = match &origin {
            Origin::Named(path) => path.display().to_string(),
            _ => description.name.clone(),
        };
        match choose(&format!("{word}:{name}")) {
            Ok(chosen) => shown.line(format_args!("# column {name}: {}", chosen.shown())),
            Err(error) => shown.line(format_args!("# column {name}: {error}")),
        };
    }
    shown.end();
    text.lines().for_each(|line| {
        shown.line(line);
    });
    Ok(shown)
}

/// Finds an engine by name, or by the file that describes it.
fn found(word: &str) -> Result<Found, Error> {
    let found = match word.ends_with(".toml") {
        true => Some(engines::named(word.as_ref())?),
        false => engines::by_name(word)?,
    };
    found.ok_or_else(|| {
        let names: Vec<String> = engines::all().into_iter().map(|searched| searched.name).collect();
        let meant = did_you_mean(word, names.iter().map(String::as_str));
        Error::Usage(format!("{word}: unknown engine{meant}; `wassay engine list` lists the engines"))
    })
}

/// The origin of a description, for display.
fn source(origin: &Origin) -> String {
    match origin {
        Origin::Named(path) => path.display().to_string(),
        Origin::Project(path) => format!("{} (of the project)", path.display()),
        Origin::User(path) => format!("{} (of the user)", path.display()),
        Origin::BuiltIn => "built in".to_owned(),
    }
}
