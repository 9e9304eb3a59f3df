//! Tests of the documents: links are valid, every page is in the book, every crate has a README,
//! and quoted code is in the examples.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The pages in Markdown below a folder, by their paths in the repository.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let is_ours = |name: &str| name != "target" && (!name.starts_with('.') || name == ".github");
    let files = WalkDir::new(&root).sort_by_file_name().into_iter();
    let files =
        files.filter_entry(|entry| entry.depth() == 0 || is_ours(entry.file_name().to_str().unwrap()));
    let pages: Vec<PathBuf> = files
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.strip_prefix(&root).unwrap().to_owned())
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// The lines of a page that are no code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence = None;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let line = line.trim_start();
        let marks = line.chars().take_while(|mark| *mark == '`').count();
        match fence {
            Some(open) if marks >= open && line.trim_end().chars().all(|mark| mark == '`') => {
                fence = None;
                false
            }
            Some(_) => false,
            None if marks >= 3 => {
                fence = Some(marks);
                false
            }
            None => true,
        }
    })
}

/// A line without what is between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The targets of the links and images in a line.
fn links(line: &str) -> Vec<String> {
    let line = without_code(line);
    let mut links: Vec<String> = Vec::new();
    for rest in line.split("](").skip(1) {
        links.extend(rest.split_once(')').map(|(target, _)| target.to_owned()));
    }
    for attribute in ["src=\"", "href=\""] {
        links.extend(
            line.split(attribute).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
        );
    }
    if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        links.push(target.to_owned());
    }
    // A title may follow.
    let target = |link: String| link.split_whitespace().next().unwrap_or_default().to_owned();
    links.into_iter().map(target).collect()
}

/// The anchors of a page: of its headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' '))?
    });
    let mut anchors = BTreeSet::new();
    for heading in headings {
        // The anchor of a heading uses the text of a link.
        let heading = heading.split("](").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
        let heading: String = heading.collect::<String>().trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_insert(0);
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

#[test]
fn links_lead_somewhere() {
    let root = root();
    let (mut checked, mut wrong) = (0, Vec::new());
    for page in pages() {
        let text = fs::read_to_string(root.join(&page)).unwrap();
        for (number, line) in prose(&text) {
            for link in links(line) {
                if link.contains("://") || link.starts_with("mailto:") || link.is_empty() {
                    continue;
                }
                checked += 1;
                let (path, anchor) =
                    link.split_once('#').map_or((&*link, None), |(path, at)| (path, Some(at)));
                let target = match path {
                    "" => root.join(&page),
                    path => root.join(page.parent().unwrap()).join(path),
                };
                let place = format!("{}:{number}: {link}", page.display());
                if !target.exists() {
                    wrong.push(format!("{place}: no such file"));
                } else if let Some(anchor) = anchor
                    && !anchors(&fs::read_to_string(&target).unwrap_or_default()).contains(anchor)
                {
                    wrong.push(format!("{place}: no such heading"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 20, "{checked} links");
}

#[test]
fn links_and_anchors_are_found_as_github_finds_them() {
    assert_eq!(links("see [a](b.md#c) and ![x](y.png \"title\"), not `[d](e)`"), ["b.md#c", "y.png"]);
    assert_eq!(links("[a]: b.md"), ["b.md"]);
    assert_eq!(links("<img src=\"a.png\" alt=\"\">"), ["a.png"]);
    let page = "# A `B` & c: 1.0!\n```\n# no\n```\n## [x](y) z\n## A_b\n## A_b\n#no\n";
    let expected = ["a-b--c-10", "a_b", "a_b-1", "x-z"].map(str::to_owned);
    assert_eq!(anchors(page), expected.into());
}

#[test]
fn every_page_of_the_docs_is_in_the_book() {
    let root = root();
    let book: toml::Table = fs::read_to_string(root.join("book.toml")).unwrap().parse().unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"));
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = prose(&summary).flat_map(|(_, line)| links(line)).collect();
    let docs = pages().into_iter().filter_map(|page| {
        Some(page.strip_prefix("docs").ok()?.to_str().unwrap().to_owned()).filter(|page| page != "SUMMARY.md")
    });
    assert_eq!(listed, docs.collect());
}

#[test]
fn links_of_the_book_stay_in_it() {
    let root = root();
    let mut wrong = Vec::new();
    for page in pages().into_iter().filter(|page| page.starts_with("docs")) {
        let text = fs::read_to_string(root.join(&page)).unwrap();
        for (number, line) in prose(&text) {
            let outside = links(line).into_iter().filter(|link| link.starts_with("../"));
            wrong.extend(outside.map(|link| format!("{}:{number}: {link}", page.display())));
        }
    }
    assert!(
        wrong.is_empty(),
        "name the file without a link, which the book does not have:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_crate_has_a_readme_that_names_it() {
    let root = root();
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        let folder = root.join(member.as_str().unwrap());
        let package: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let name = package["package"]["name"].as_str().unwrap();
        let readme = fs::read_to_string(folder.join("README.md"));
        let readme = readme.unwrap_or_else(|error| panic!("{}: README.md: {error}", folder.display()));
        assert!(readme.starts_with(&format!("# {name}\n")), "{}: README.md: {readme}", folder.display());
    }
}

/// The blocks of a page in a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("\n```{language}\n");
    let blocks: Vec<&str> =
        page.split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(!blocks.is_empty(), "{language}");
    blocks
}

#[test]
fn the_page_about_engines_in_rust_shows_the_example() {
    let root = root();
    let page = fs::read_to_string(root.join("docs/your-own-engine-in-rust.md")).unwrap();
    let example = root.join("examples/wasmi");
    let text = |files: &[&str]| -> String {
        files.iter().map(|file| fs::read_to_string(example.join(file)).unwrap()).collect()
    };
    let sources = text(&["src/lib.rs", "src/main.rs", "tests/scripts.rs"]);
    for (language, files) in [("rust", sources), ("toml", text(&["Cargo.toml"]))] {
        for block in blocks(&page, language) {
            assert!(files.contains(block), "examples/wasmi has no\n{block}");
        }
    }
    let lines = fs::read_to_string(example.join("src/lib.rs")).unwrap().lines().count();
    assert!(lines < 150, "{lines} lines, and the page says under 150");
}

#[test]
fn the_page_about_embedding_shows_the_examples() {
    let root = root();
    let page = fs::read_to_string(root.join("docs/embedding.md")).unwrap();
    let programs = root.join("examples/embedding/src/bin");
    let sources: Vec<String> = fs::read_dir(programs)
        .unwrap()
        .map(|program| fs::read_to_string(program.unwrap().path()).unwrap())
        .collect();
    for block in blocks(&page, "rust") {
        assert!(sources.iter().any(|source| source.contains(block)), "examples/embedding has no\n{block}");
    }
}
