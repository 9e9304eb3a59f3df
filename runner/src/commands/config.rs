//! `wassay config`: the user's settings.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use wassay_reports::terminal::Text;

use super::{Error, Exit, destination, show as print};
use crate::config::{self, Config};

const EXAMPLES: &str = "\
Examples:
  wassay config new         write the defaults to the user's file
  wassay config new a.toml  write them to another file
  wassay config show        show the settings in use, and where they are from

The user's file is wassay/config.toml in the user's configuration (XDG_CONFIG_HOME);
WASSAY_CONFIG=FILE uses another file. docs/cache.md lists the keys.";

/// Create and show the user's settings
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a file with the default settings and comments
    New {
        /// The file to write, which must not exist [default: the user's file]
        path: Option<PathBuf>,
    },
    /// Show the settings in use
    Show,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    match args.command {
        Command::New { path } => new(path.as_deref())?,
        Command::Show => show()?,
    }
    Ok(Exit::Success)
}

fn new(path: Option<&Path>) -> Result<(), Error> {
    let user = config::file();
    let file = path.or(user.as_deref()).ok_or_else(|| {
        Error::Usage("cannot find the home folder for the user's settings; set XDG_CONFIG_HOME".to_owned())
    })?;
    if file.symlink_metadata().is_ok() {
        let file = file.display();
        return Err(Error::Usage(format!("{file}: the file exists; edit it, or name another file")));
    }
    let failed = |error| Error::System { what: format!("{}: cannot write", file.display()), error };
    // The folder of the user's file belongs to wassay; others have to exist.
    if let (None, Some(folder)) = (path, file.parent()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    destination::write(file, config::text(&Config::default()).as_bytes()).map_err(failed)?;
    let mut shown = Text::new(false);
    shown.line(format_args!("{}: written", file.display()));
    if Some(file) != user.as_deref() {
        shown.line(format_args!("{}={} uses it", config::VARIABLE, file.display()));
    }
    print(&shown)
}

fn show() -> Result<(), Error> {
    let (config, file) = config::load().map_err(|error| Error::Usage(error.to_string()))?;
    let mut shown = Text::new(false);
    let source = match (file, config::file()) {
        (Some(file), _) => file.display().to_string(),
        (None, Some(file)) => format!("defaults, since {} does not exist", file.display()),
        (None, None) => "defaults".to_owned(),
    };
    shown.line(format_args!("# {source}"));
    shown.block("", &config::text(&config), |_| anstyle::Style::new());
    print(&shown)
}
