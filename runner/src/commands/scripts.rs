//! Opens the scripts of a command line: files, pipes and standard input.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use wassay_testsuite::{Script, directory, features, wasi};

/// The name of standard input on the command line.
const DASH: &str = "-";

/// The first bytes of every binary module (core specification, section 5.5.17).
const BINARY: &[u8; 4] = b"\0asm";

/// Opens a script. Standard input (`-`), a pipe, a FIFO or a device is read completely.
///
/// # Errors
///
/// It is not a script: one line that names the file and what to do.
pub(super) fn script(path: &Path) -> Result<Script, String> {
    let shown = path.display();
    if path == Path::new(DASH) {
        let script = Script::given("<stdin>", features::DEFAULT.into(), std::io::stdin().lock());
        return script.map_err(|error| error.to_string());
    }
    let metadata = path.metadata().map_err(|error| format!("{shown}: cannot open the script: {error}"))?;
    if metadata.is_dir() {
        return Err(format!(
            "{shown}: is a folder; expected a script (`wassay test {shown}` runs all scripts below it)"
        ));
    }
    if !metadata.is_file() {
        let file = File::open(path).map_err(|error| format!("{shown}: cannot open the script: {error}"))?;
        let conditions = directory::conditions_at(path).map_err(|error| error.to_string())?;
        let script = Script::given(&shown.to_string(), conditions, file);
        return script.map_err(|error| error.to_string());
    }
    if wasi::is_module_name(path) {
        let command = if path.with_extension("json").is_file() { "test" } else { "run" };
        return Err(format!("{shown}: is a module; expected a script (`wassay {command} {shown}` runs it)"));
    }
    let mut begin = [0; BINARY.len()];
    let is_binary =
        File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *BINARY;
    if is_binary {
        return Err(format!("{shown}: expected a script, found a binary module; `wassay run` runs modules"));
    }
    directory::script(path).map_err(|error| error.to_string())
}

/// Whether a word names a file, so that reports can link to it.
pub(super) fn is_file(path: &Path) -> bool {
    path != Path::new(DASH)
}
