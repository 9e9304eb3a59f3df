//! An adapter for the engine of a web browser, using the process protocol `wap/1`.
//!
//! ```text
//! wap-browser chromium [ARGS]...
//! wap-browser firefox-esr [ARGS]...
//! wap-browser PROGRAM --profile {profile} {url}
//! ```
//!
//! It starts a headless browser on a page that it serves on the loopback interface. The page's
//! worker fetches the requests from standard input and posts the replies for standard output.

mod browser;
mod http;
mod pipes;
mod site;

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((word, command)) if word == browser::KEEPER => browser::keep(command),
        Some(_) => run(&arguments),
        None => Err(io::Error::other("expected a browser, as in `wap-browser chromium`")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wap-browser: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves the page, starts the browser on it, and returns after the last reply.
fn run(command: &[String]) -> io::Result<()> {
    let site = site::Site::open()?;
    let mut keeper = browser::start(command, &site.address())?;
    let ended = site.serve(|| keeper.has_ended());
    // Dropped before this process exits: ends the browser and removes its profile.
    keeper.stop();
    ended
}
