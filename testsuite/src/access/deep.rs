//! Paths longer than the system allows: the limit is 4096 bytes and, without `openat2`, cap-std
//! keeps a descriptor open for each name of a path.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::Dir;

/// How many names and bytes of a path are resolved in one step.
const NAMES: usize = 32;
const BYTES: usize = 1 << 10;

/// Resolves all but the last step of a long path below a folder. Returns the folder reached, if it
/// is not `dir` itself, and the rest of the path.
///
/// A symbolic link with `..` that leads above the start of its step is refused, as if it led out of
/// the folder.
pub(super) fn descend<'p>(dir: &Dir, path: &'p Path) -> io::Result<(Option<Dir>, &'p Path)> {
    let (mut at, mut rest) = (None, path);
    while let Some((part, after)) = split(rest) {
        at = Some(at.as_ref().unwrap_or(dir).open_dir(part)?);
        rest = after;
    }
    Ok((at, rest))
}

/// Splits a path that is too long for one step into the first step and the rest.
fn split(path: &Path) -> Option<(&Path, &Path)> {
    // A path this short also has few names.
    if path.as_os_str().len() <= 2 * NAMES {
        return None;
    }
    let (mut rest, mut length) = (path.components(), 0);
    for _ in 0..NAMES {
        length += rest.next()?.as_os_str().len() + 1;
        if length > BYTES {
            break;
        }
    }
    let after = rest.as_path();
    if after.as_os_str().is_empty() {
        return None;
    }
    let bytes = path.as_os_str().as_bytes();
    let part = bytes.get(..bytes.len() - after.as_os_str().len())?;
    Some((Path::new(OsStr::from_bytes(part)), after))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_long_path_is_resolved_in_steps() {
        for path in ["", "a", "a/b/c", &"n".repeat(255), &format!("{}/a", "n".repeat(255))] {
            assert_eq!(split(Path::new(path)), None, "{path}");
        }
        for name in ["d", &"n".repeat(255)] {
            let path: PathBuf = std::iter::repeat_n(name, 100).collect();
            let (mut rest, mut all) = (path.as_path(), PathBuf::new());
            while let Some((part, after)) = split(rest) {
                assert!(part.components().count() <= NAMES && part.as_os_str().len() <= BYTES + 256);
                all.push(part);
                rest = after;
            }
            assert_eq!(all.join(rest), path);
        }
    }
}
