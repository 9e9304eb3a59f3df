//! Checks that each comment on unsafe code can be verified in place.

#![allow(clippy::unwrap_used)]

use std::path::Path;

/// The comments of a file that start with `SAFETY:`, each with its line number.
fn comments(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, line.split_once("// SAFETY:")?.1)));
    begins
        .map(|(at, first)| {
            let more = lines[at + 1..].iter().map_while(|line| line.strip_prefix("//"));
            (at + 1, more.fold(first.to_owned(), |whole, line| whole + line))
        })
        .collect()
}

fn sources() -> impl Iterator<Item = (String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vm");
    let folders = [folder.clone(), folder.join("code"), folder.join("sys")];
    folders.into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).filter_map(|entry| {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        is_source.then(|| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
    })
}

#[test]
fn no_safety_comment_refers_to_another_one() {
    let mut count = 0;
    for (file, text) in sources() {
        for (line, comment) in comments(&text) {
            count += 1;
            let comment = comment.trim().to_lowercase();
            for elsewhere in ["as above", "as for", "as in", "see above", "same as", "likewise"] {
                assert!(!comment.starts_with(elsewhere), "{file}:{line}: state the reason here: {comment}");
            }
            assert!(!comment.contains("as above"), "{file}:{line}: state the reason here: {comment}");
            assert!(comment.len() > 20, "{file}:{line}: explain why it is safe: {comment}");
        }
    }
    assert!(count > 100, "too few comments found: {count}");
}

#[test]
fn every_unsafe_function_states_its_conditions() {
    for (file, text) in sources() {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let is_function = line.contains("unsafe fn ") || line.contains("unsafe extern \"C\" fn ");
            // Except for function types.
            if !is_function || !line.ends_with('{') && !line.ends_with('(') {
                continue;
            }
            let docs =
                lines[..at].iter().rev().take_while(|line| line.starts_with("///") || line.starts_with('#'));
            assert!(
                docs.into_iter().any(|line| *line == "/// # Safety"),
                "{file}:{}: missing section `# Safety`",
                at + 1
            );
        }
    }
}
