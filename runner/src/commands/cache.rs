//! `wassay cache`: the cache for machine code.

use clap::Subcommand;
use wassay_drive::quantity::written;
use wassay_reports::terminal::Text;

use super::{Error, Exit, plural, show};
use crate::cache::{CodeCache, Usage};
use crate::config;

/// Show and clear the cache for machine code
#[derive(Debug, clap::Args)]
#[command(after_help = "The folder and the maximum size are settings: see `wassay config show`.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show its folder, how much it contains, and its maximum size
    Stats,
    /// Remove all machine code from it
    Clear,
}

pub(crate) fn run(args: Args) -> Result<Exit, Error> {
    let (config, _) = config::load().map_err(|error| Error::Usage(error.to_string()))?;
    let config = config.cache;
    let folder = config.folder().ok_or_else(|| {
        Error::Usage("cannot find the home folder for the cache; set XDG_CACHE_HOME".to_owned())
    })?;
    let cache = CodeCache::existing(&folder, config.max_size)
        .map_err(|error| Error::Usage(format!("the code cache is not used: {error}")))?;
    let failed = |error| Error::System { what: format!("{}", folder.display()), error };
    let size = |usage: Usage| format!("{}, {}", plural(usage.modules, "module"), written(usage.bytes));
    let mut text = Text::new(false);
    match args.command {
        Command::Stats => {
            let usage = cache.map(|cache| cache.usage()).transpose().map_err(failed)?;
            text.line(format_args!("folder    {}", folder.display()));
            text.line(format_args!("contents  {}", size(usage.unwrap_or_default())));
            text.line(format_args!("maximum   {}", written(config.max_size)));
            text.line(format_args!("enabled   {}", if config.enabled { "yes" } else { "no" }));
        }
        Command::Clear => {
            let removed = cache.map(|cache| cache.clear()).transpose().map_err(failed)?;
            text.line(format_args!("removed {}", size(removed.unwrap_or_default())));
        }
    }
    show(&text)?;
    Ok(Exit::Success)
}
