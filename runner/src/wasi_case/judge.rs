//! Compares what a guest wrote and left behind with what it is to.
//!
//! However long both are, what is looked at closely is a window around their first difference, and a failure has a few kilobytes of it.

use std::fmt::Write as _;
use std::io::{self, Read, SeekFrom};
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;
use wassay_reports::Failure;
use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::Tree;
use wassay_testsuite::wasi::tree::{Content, Entry};

use super::excerpt::{beginning, cut, readable};

/// Nothing where it came as expected.
pub(super) type Judged = Result<(), Box<Failure>>;

/// How many bytes of a diff a failure has at most.
const DIFF: usize = 8 << 10;

/// How many bytes of each side are compared line by line.
const WINDOW: usize = 64 << 10;

/// How many bytes of that stand before the first difference at most.
const BEFORE: u64 = 4 << 10;

/// How long a smallest diff is looked for; afterwards, any will do.
const SEARCH: Duration = Duration::from_millis(200);

/// A failure of which there is no more to say than a line.
pub(super) fn failed(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.to_owned(), message: message.into(), ..Failure::default() }
}

/// Compares what came from an output or a connection of this name.
pub(super) fn compare(name: &str, expected: &[u8], actual: &[u8]) -> Judged {
    let Some(diff) = difference(expected, actual) else { return Ok(()) };
    // A connection may be called anything.
    let kind =
        if matches!(name, "stdout" | "stderr") { format!("wrong-{name}") } else { "wrong-reply".to_owned() };
    Err(Box::new(Failure {
        diff: Some(diff),
        expected: Some(beginning(expected)),
        actual: Some(beginning(actual)),
        ..failed(&kind, format!("what came from {name} is not what was expected"))
    }))
}

/// Compares what is in a guest's folders. Who may do what with a file is not compared.
///
/// An error says that something cannot be read, or that the time is over.
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
    let message = "what the guest left in its folder is not what was expected";
    Ok(Err(Box::new(Failure { diff: Some(diff), ..failed("wrong-files", message) })))
}

/// A line an entry.
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

/// How two texts differ; `None` where they do not.
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
    /// How many bytes stand before and after it.
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

    /// A window that begins with a line, if it can; both sides have the same before their first difference.
    fn new(mut bytes: Vec<u8>, begin: u64, length: u64, first_difference: u64) -> Side {
        let after = length.saturating_sub(begin + bytes.len() as u64);
        let same = usize::try_from(first_difference - begin).unwrap_or(0).min(bytes.len());
        let line = bytes.get(..same).and_then(|same| same.iter().position(|byte| *byte == b'\n'));
        let skipped = match (begin, line) {
            (0, _) => 0,
            (_, Some(end)) => end + 1,
            // Where there is no line, it does not begin amid a character.
            (_, None) => bytes.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count(),
        };
        bytes.drain(..skipped);
        Side { bytes, before: begin + skipped as u64, after }
    }
}

/// Where the window begins.
fn begin_of(first_difference: u64) -> u64 {
    first_difference.saturating_sub(BEFORE)
}

/// Both as a unified diff, with a line about what stands before and after.
fn unified([expected, actual]: &[Side; 2], expected_name: &str, actual_name: &str) -> String {
    let readable = |side: &Side| readable(&side.bytes, side.after > 0).into_owned();
    let (mut before, mut after) = (readable(expected), readable(actual));
    // Both are written out where one of them has to be.
    if std::str::from_utf8(&expected.bytes).is_ok() != std::str::from_utf8(&actual.bytes).is_ok() {
        before = super::excerpt::escaped(&expected.bytes);
        after = super::excerpt::escaped(&actual.bytes);
    }
    let diff = TextDiff::configure().timeout(SEARCH).diff_lines(before.as_str(), after.as_str());
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
    fn what_is_no_text_is_written_out() {
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
    fn trees_differ_by_names_kinds_targets_and_contents_and_not_by_modes() {
        let folder = tempfile::tempdir().unwrap();
        let read = || {
            let root = std::sync::Arc::new(Root::open(folder.path()).unwrap());
            Tree::read(&root, &mut Budget::default()).unwrap()
        };
        let compare_trees =
            |expected: &Tree, actual: &Tree| compare_trees(expected, actual, &Budget::default()).unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("dir")).unwrap();
        fs::write(path("dir/file"), "one\ntwo\n").unwrap();
        symlink("dir/file", path("link")).unwrap();
        let before = read();
        assert_eq!(compare_trees(&before, &before), Ok(()));
        fs::set_permissions(path("dir/file"), PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(compare_trees(&before, &read()), Ok(()));
        fs::write(path("dir/file"), "one\n2\n").unwrap();
        let shown = diff(compare_trees(&before, &read()));
        assert_eq!(shown, "--- expected/dir/file\n+++ actual/dir/file\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
        fs::write(path("dir/file"), "one\ntwo\n").unwrap();
        fs::remove_file(path("link")).unwrap();
        symlink("nowhere", path("link")).unwrap();
        fs::create_dir(path("empty")).unwrap();
        let shown = diff(compare_trees(&before, &read()));
        assert!(shown.contains("-link -> dir/file\n+empty/\n+link -> nowhere\n"), "{shown}");
    }
}
