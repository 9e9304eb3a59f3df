//! Compares the output and files of a guest with the expected ones.
//!
//! Only a window around the first difference is compared in detail, and a failure quotes a few
//! kilobytes of it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Read, SeekFrom};
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;
use wassay_reports::Failure;
use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::Tree;
use wassay_testsuite::wasi::tree::{Content, Entry};

use super::excerpt::{beginning, cut, escaped, text};

/// `Ok` if the result was as expected.
pub(super) type Judged = Result<(), Box<Failure>>;

/// The maximum size of a diff in a failure, in bytes.
const DIFF: usize = 8 << 10;

/// The number of bytes of each side that are compared line by line.
const WINDOW: usize = 64 << 10;

/// The maximum number of these before the first difference.
const BEFORE: u64 = 4 << 10;

/// The time limit for finding a minimal diff.
const SEARCH: Duration = Duration::from_millis(200);

/// A failure with only a message.
pub(super) fn failed(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.to_owned(), message: message.into(), ..Failure::default() }
}

/// Compares the data from an output or a connection.
pub(super) fn compare(name: &str, expected: &[u8], actual: &[u8]) -> Judged {
    let Some(diff) = difference(expected, actual) else { return Ok(()) };
    // A connection may have any name.
    let kind =
        if matches!(name, "stdout" | "stderr") { format!("wrong-{name}") } else { "wrong-reply".to_owned() };
    Err(Box::new(Failure {
        diff: Some(diff),
        expected: Some(beginning(expected)),
        actual: Some(beginning(actual)),
        ..failed(&kind, format!("{name} differs from what was expected"))
    }))
}

/// Compares the contents of a guest's folders. Permissions are not compared.
///
/// The error says that something cannot be read, or that the time limit was reached.
pub(super) fn compare_trees(expected: &Tree, actual: &Tree, budget: &Budget) -> io::Result<Judged> {
    let mut diff = difference(listing(expected).as_bytes(), listing(actual).as_bytes()).unwrap_or_default();
    for (path, entry) in expected.iter() {
        let (Entry::File(before), Some(Entry::File(after))) = (entry, actual.get(path)) else { continue };
        let Some(at) = before.first_difference(after, budget)? else { continue };
        if diff.len() >= DIFF {
            diff.push_str("… other files differ too\n");
            break;
        }
        let name = |side: &str| Path::new(side).join(path).display().to_string();
        let sides = [Side::of_file(before, at)?, Side::of_file(after, at)?];
        diff.push_str(&unified(&sides, &name("expected"), &name("actual")));
    }
    if diff.is_empty() {
        return Ok(Ok(()));
    }
    let message = "the files that the guest left differ from what was expected";
    Ok(Err(Box::new(Failure { diff: Some(diff), ..failed("wrong-files", message) })))
}

/// Lists a tree with one line per entry.
fn listing(tree: &Tree) -> String {
    let mut text = String::new();
    for (path, entry) in tree.iter() {
        let path = path.display();
        // Writing to a string cannot fail.
        let _ = match entry {
            Entry::Folder => writeln!(text, "{path}/"),
            Entry::File(_) => writeln!(text, "{path}"),
            Entry::Link { target } => writeln!(text, "{path} -> {}", target.display()),
        };
    }
    text
}

/// The difference of two texts, if any.
fn difference(expected: &[u8], actual: &[u8]) -> Option<String> {
    if expected == actual {
        return None;
    }
    let same = expected.iter().zip(actual).take_while(|(expected, actual)| expected == actual).count() as u64;
    let sides = [Side::of_bytes(expected, same), Side::of_bytes(actual, same)];
    Some(unified(&sides, "expected", "actual"))
}

/// The window of one of two texts around their first difference.
struct Side {
    bytes: Vec<u8>,
    /// The number of bytes before and after it.
    before: u64,
    after: u64,
}

impl Side {
    fn of_bytes(bytes: &[u8], first_difference: u64) -> Side {
        let begin = usize::try_from(begin_of(first_difference)).unwrap_or(usize::MAX);
        let rest = bytes.get(begin..).unwrap_or_default();
        let window = rest.get(..WINDOW).unwrap_or(rest);
        Side::new(window.to_vec(), begin as u64, bytes.len() as u64, first_difference)
    }

    fn of_file(content: &Content, first_difference: u64) -> io::Result<Side> {
        let (mut file, begin) = (content.open()?, begin_of(first_difference));
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.take(WINDOW as u64).read_to_end(&mut bytes)?;
        Ok(Side::new(bytes, begin, length, first_difference))
    }

    /// Creates a window that begins with a line if possible; both sides are equal before their
    /// first difference.
    fn new(mut bytes: Vec<u8>, begin: u64, length: u64, first_difference: u64) -> Side {
        let after = length.saturating_sub(begin + bytes.len() as u64);
        let same = usize::try_from(first_difference - begin).unwrap_or(0).min(bytes.len());
        let line = bytes.get(..same).and_then(|same| same.iter().position(|byte| *byte == b'\n'));
        let skipped = match (begin, line) {
            (0, _) => 0,
            (_, Some(end)) => end + 1,
            // Without a line break, begin at a character boundary.
            (_, None) => bytes.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count(),
        };
        bytes.drain(..skipped);
        Side { bytes, before: begin + skipped as u64, after }
    }
}

/// The start of the window.
fn begin_of(first_difference: u64) -> u64 {
    first_difference.saturating_sub(BEFORE)
}

/// A unified diff of both, with a line about omitted parts.
fn unified([expected, actual]: &[Side; 2], expected_name: &str, actual_name: &str) -> String {
    let sides = (text(&expected.bytes, expected.after > 0), text(&actual.bytes, actual.after > 0));
    let (before, after): (Cow<'_, str>, Cow<'_, str>) = match sides {
        (Some(expected), Some(actual)) => (expected.into(), actual.into()),
        // Escape both if one of them is not text.
        _ => (escaped(&expected.bytes).into(), escaped(&actual.bytes).into()),
    };
    let diff = TextDiff::configure().timeout(SEARCH).diff_lines(&*before, &*after);
    let mut diff = cut(diff.unified_diff().header(expected_name, actual_name).to_string(), DIFF);
    if expected.before + expected.after + actual.after > 0 {
        if !diff.ends_with('\n') {
            diff.push('\n');
        }
        let _ = writeln!(
            diff,
            "… {} bytes before this are the same; {} expected and {} actual bytes after it are left out",
            expected.before, expected.after, actual.after
        );
    }
    diff
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use wassay_testsuite::access::Root;

    use super::*;

    fn diff(judged: Judged) -> String {
        judged.unwrap_err().diff.unwrap()
    }

    #[test]
    fn a_difference_is_a_unified_diff() {
        assert_eq!(compare("stdout", b"a\nb\nc\n", b"a\nb\nc\n"), Ok(()));
        let failure = compare("stdout", b"a\nb\nc\n", b"a\nx\nc\n").unwrap_err();
        assert_eq!(failure.kind, "wrong-stdout");
        assert_eq!(failure.diff.unwrap(), "--- expected\n+++ actual\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        assert_eq!(
            (failure.expected.unwrap(), failure.actual.unwrap()),
            ("a\nb\nc\n".into(), "a\nx\nc\n".into())
        );
        assert!(diff(compare("stdout", b"a\n", b"a")).contains("\\ No newline at end of file"));
        assert_eq!(compare("server", b"a", b"").unwrap_err().kind, "wrong-reply");
    }

    #[test]
    fn binary_output_is_escaped() {
        let shown = diff(compare("stdout", b"a\n\xff\0\n", b"a\n\xfe\0\n"));
        assert!(shown.contains("-\\xff\\x00\n+\\xfe\\x00\n"), "{shown}");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = "é".repeat(100_000);
        let failure = compare("stdout", b"", long.as_bytes()).unwrap_err();
        assert!(failure.actual.unwrap().ends_with("é\n… 4096 of 200000 bytes"));
        assert!(failure.diff.unwrap().len() < 2 * DIFF);
    }

    #[test]
    fn the_diff_is_around_the_first_difference() {
        let lines = |at: usize| {
            let lines =
                (0..100_000).map(|line| if line == at { "other\n".into() } else { format!("{line}\n") });
            lines.collect::<String>()
        };
        let shown = diff(compare("stdout", lines(usize::MAX).as_bytes(), lines(60_000).as_bytes()));
        assert!(shown.contains("\n-60000\n+other\n 60001\n"), "{shown}");
        assert!(shown.contains("\n… 34") && shown.contains(" bytes before this are the same; 17"), "{shown}");
        // Within a long line, and within a character.
        let (one, two) = ("é".repeat(100_000), "é".repeat(50_000) + "è" + &"é".repeat(40_000));
        let shown = diff(compare("stdout", one.as_bytes(), two.as_bytes()));
        assert!(shown.contains("-éé") && !shown.contains("\\x") && shown.len() < DIFF + 300, "{shown}");
        assert!(shown.contains(" bytes before this are the same; "), "{shown}");
    }

    #[test]
    fn trees_differ_by_names_kinds_targets_and_contents_and_not_by_modes() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let path = |side: usize, name: &str| folders[side].path().join(name);
        let compared = || {
            let [before, after] = [0, 1].map(|side: usize| {
                let root = std::sync::Arc::new(Root::open(folders[side].path()).unwrap());
                Tree::read(&root, &mut Budget::default()).unwrap()
            });
            let budget = Budget::default();
            let judged = compare_trees(&before, &after, &budget).unwrap();
            assert_eq!(judged.is_ok(), before.has_same_contents(&after, &budget).unwrap());
            judged
        };
        for side in [0, 1] {
            fs::create_dir(path(side, "dir")).unwrap();
            fs::write(path(side, "dir/file"), "one\ntwo\n").unwrap();
            symlink("dir/file", path(side, "link")).unwrap();
        }
        assert_eq!(compared(), Ok(()));
        fs::set_permissions(path(1, "dir/file"), PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(compared(), Ok(()));
        fs::write(path(1, "dir/file"), "one\n2\n").unwrap();
        let shown = diff(compared());
        assert_eq!(shown, "--- expected/dir/file\n+++ actual/dir/file\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
        fs::write(path(1, "dir/file"), "one\ntwo\n").unwrap();
        fs::remove_file(path(1, "link")).unwrap();
        symlink("nowhere", path(1, "link")).unwrap();
        fs::create_dir(path(1, "empty")).unwrap();
        let shown = diff(compared());
        assert!(shown.contains("-link -> dir/file\n+empty/\n+link -> nowhere\n"), "{shown}");
    }
}
