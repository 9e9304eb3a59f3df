//! Compares what a guest wrote and left behind with what it is to.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;
use std::str;
use std::time::Duration;

use similar::TextDiff;
use wassay_reports::Failure;
use wassay_testsuite::wasi::Tree;
use wassay_testsuite::wasi::tree::Entry;

/// Nothing where it came as expected.
pub(super) type Judged = Result<(), Box<Failure>>;

/// How many bytes of a text a failure has at most; its diff has more.
const TEXT: usize = 4 << 10;

/// How many bytes of a diff a failure has at most.
const DIFF: usize = 64 << 10;

/// How long a smallest diff is looked for; afterwards, any will do.
const SEARCH: Duration = Duration::from_secs(1);

/// A failure of which there is no more to say than a line.
pub(super) fn failed(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.to_owned(), message: message.into(), ..Failure::default() }
}

/// Compares what came from an output or a connection of this name.
pub(super) fn compare(name: &str, expected: &[u8], actual: &[u8]) -> Judged {
    if actual == expected {
        return Ok(());
    }
    // A connection may be called anything.
    let kind =
        if matches!(name, "stdout" | "stderr") { format!("wrong-{name}") } else { "wrong-reply".to_owned() };
    let (before, after) = texts(expected, actual);
    Err(Box::new(Failure {
        diff: Some(cut(unified(&before, &after, "expected", "actual"), DIFF)),
        expected: Some(cut(before.into_owned(), TEXT)),
        actual: Some(cut(after.into_owned(), TEXT)),
        ..failed(&kind, format!("what came from {name} is not what was expected"))
    }))
}

/// Compares what is in a guest's folders. Who may do what with a file is not compared.
pub(super) fn compare_trees(expected: &Tree, actual: &Tree) -> Judged {
    let mut diff = String::new();
    let (before, after) = (listing(expected), listing(actual));
    if before != after {
        diff.push_str(&unified(&before, &after, "expected", "actual"));
    }
    for (path, entry) in expected.iter() {
        let (Entry::File { bytes: before, .. }, Some(Entry::File { bytes: after, .. })) =
            (entry, actual.get(path))
        else {
            continue;
        };
        if before != after {
            let (before, after) = texts(before, after);
            let name = |side: &str| Path::new(side).join(path).display().to_string();
            diff.push_str(&unified(&before, &after, &name("expected"), &name("actual")));
        }
    }
    if diff.is_empty() {
        return Ok(());
    }
    let message = "what the guest left in its folder is not what was expected";
    Err(Box::new(Failure { diff: Some(cut(diff, DIFF)), ..failed("wrong-files", message) }))
}

/// A line an entry.
fn listing(tree: &Tree) -> String {
    let mut text = String::new();
    for (path, entry) in tree.iter() {
        let path = path.display();
        // Writing to a string cannot fail.
        let _ = match entry {
            Entry::Folder => writeln!(text, "{path}/"),
            Entry::File { .. } => writeln!(text, "{path}"),
            Entry::Link { target } => writeln!(text, "{path} -> {}", target.display()),
        };
    }
    text
}

/// Both as texts: as they are where both are, else with what is none written out.
fn texts<'a>(expected: &'a [u8], actual: &'a [u8]) -> (Cow<'a, str>, Cow<'a, str>) {
    match (str::from_utf8(expected), str::from_utf8(actual)) {
        (Ok(expected), Ok(actual)) => (expected.into(), actual.into()),
        _ => (escaped(expected).into(), escaped(actual).into()),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, ""), |line| (line, "\n"));
        let _ = write!(text, "{}{end}", line.escape_ascii());
    }
    text
}

fn unified(before: &str, after: &str, before_name: &str, after_name: &str) -> String {
    let diff = TextDiff::configure().timeout(SEARCH).diff_lines(before, after);
    diff.unified_diff().header(before_name, after_name).to_string()
}

/// The begin of a text that is too long, with a line that says so.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let length = text.len();
        text.truncate(text.floor_char_boundary(most));
        let _ = write!(text, "\n… {} of {length} bytes", text.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

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
        let read = || Tree::read(folder.path()).unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("dir")).unwrap();
        fs::write(path("dir/file"), "one\ntwo\n").unwrap();
        symlink("dir/file", path("link")).unwrap();
        let before = read();
        assert_eq!(compare_trees(&before, &before), Ok(()));
        fs::set_permissions(
            path("dir/file"),
            fs::Permissions::from(std::os::unix::fs::PermissionsExt::from_mode(0o600)),
        )
        .unwrap();
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
