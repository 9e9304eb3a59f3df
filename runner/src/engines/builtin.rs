//! The built-in descriptions and adapters.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::scratch;

/// The environment variable for the folder of the adapters, `runner/adapters` of a checkout, which
/// also has those that must be built. Without it only the built-in script adapters are available.
pub const ADAPTERS: &str = "WASSAY_ADAPTERS";

macro_rules! descriptions {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../adapters/engines/", $name, ".toml")))),*]
    };
}

/// The descriptions, by name.
pub(super) const DESCRIPTIONS: &[(&str, &str)] = descriptions![
    "bun",
    "chromium",
    "d8",
    "deno",
    "firefox",
    "jsc",
    "node",
    "sm",
    "wabt",
    "wasmi",
    "wasmi-cli",
    "wasmtime",
    "wasmtime-c",
    "wasmtime-cli",
    "wasmtime-python",
    "wassay",
    "wassay-cli",
    "wazero",
];

/// The adapters that are scripts, by path.
const SCRIPTS: [(&str, &str); 3] = [
    ("js/wasi.js", include_str!("../../adapters/js/wasi.js")),
    ("js/wap.js", include_str!("../../adapters/js/wap.js")),
    ("python/adapter.py", include_str!("../../adapters/python/adapter.py")),
];

/// The folder that the scripts were written to.
static WRITTEN: Mutex<Option<scratch::Folder>> = Mutex::new(None);

/// The folder of the adapters: the one that the environment names, else a temporary one with the
/// script adapters.
pub(super) fn adapters() -> io::Result<PathBuf> {
    let named = std::env::var_os(ADAPTERS).filter(|folder: &OsString| !folder.is_empty());
    if let Some(folder) = named {
        return std::path::absolute(folder);
    }
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = &*written {
        return Ok(folder.path().to_owned());
    }
    let folder = scratch::folder()?;
    for (name, text) in SCRIPTS {
        let path = folder.path().join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    Ok(written.insert(folder).path().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wassay_drive::description::Description;

    use super::*;

    #[test]
    fn every_description_is_built_in_under_its_name() {
        for (name, text) in DESCRIPTIONS {
            let description = Description::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(description.name, *name);
            assert!(description.expectations.is_none(), "{name}: a built-in description has no folder");
            assert!(description.install.is_some() || name.starts_with("wassay"), "{name}: missing `install`");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/engines");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_unstable();
        let mut built_in: Vec<String> = DESCRIPTIONS.iter().map(|(name, _)| format!("{name}.toml")).collect();
        built_in.sort_unstable();
        assert_eq!(files, built_in);
    }
}
