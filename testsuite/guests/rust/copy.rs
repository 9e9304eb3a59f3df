//! Copies a file with the standard library. As in the WASI tutorial, it exits with 0 on errors.

use std::fs;

fn copy(from: &str, to: &str) -> Result<(), String> {
    let mut input = fs::File::open(from).map_err(|error| format!("error opening input {}: {}", from, error))?;
    let mut output = fs::File::create(to).map_err(|error| format!("error opening output {}: {}", to, error))?;
    std::io::copy(&mut input, &mut output).map_err(|error| format!("copy error: {}", error))?;
    Ok(())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1..3) {
        Some([from, to]) => {
            if let Err(error) = copy(from, to) {
                eprintln!("{}", error);
            }
        }
        _ => eprintln!("usage: {} <from> <to>", args[0]),
    }
}
