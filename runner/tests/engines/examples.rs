//! The examples of `docs/protocol.md`, as adapters answer them.

use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use super::common::clean;
use super::common::trials::trial;
use super::{node, own};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("examples::wassay_answers_as_documented", || answers_as_documented(&own(), exactly)),
        trial("examples::the_page_for_engines_holds", the_page_for_engines),
        trial("examples::node_answers_as_documented", || {
            // It does not say why a module is refused.
            node().map(|node| answers_as_documented(&node, coarsely))
        }),
    ]
}

fn exactly(class: &str) -> &str {
    class
}

fn coarsely(class: &str) -> &str {
    if matches!(class, "malformed" | "invalid") { "compile" } else { class }
}

/// The plan in `docs/engines.md`, which adapters are tried with by hand, and the descriptions
/// there.
fn the_page_for_engines() {
    let page = include_str!("../../../docs/engines.md");
    let block = |after: &str, begins: &str| {
        let rest = page.split_once(after).unwrap().1;
        let blocks = rest.split("```text\n").skip(1).filter_map(|block| block.split("```").next());
        blocks.into_iter().find(|block| block.starts_with(begins)).unwrap().to_owned()
    };
    let plan = block("Try it by hand", "hello wap/1");
    let documented = block("Try it by hand", "ok engine=");
    let mut adapter = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let mut adapter =
        clean(adapter.arg("adapter")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut adapter.stdin.take().unwrap(), plan.as_bytes()).unwrap();
    let answers = String::from_utf8(adapter.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(answers.lines().count(), documented.lines().count(), "{answers}");
    for (answer, documented) in answers.lines().zip(documented.lines()) {
        let words = documented.split("  ").next().unwrap();
        let expected = words.trim_end_matches('…');
        let said = documented.split_once('(').map(|(_, said)| said.trim_end_matches(')'));
        // Ours says why a module is refused.
        let exact = said.map(|said| format!("E {said}"));
        let fits = answer.starts_with(expected) || exact.is_some_and(|exact| answer.starts_with(&exact));
        assert!(fits, "{answer}, and not {documented}");
    }
    let blocks = page.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let descriptions: Vec<&str> = blocks.filter(|block| block.starts_with("name = ")).collect();
    assert!(!descriptions.is_empty());
    for text in descriptions {
        let parsed = wassay_drive::description::Description::parse("docs/engines.md", text);
        parsed.unwrap_or_else(|error| panic!("{error}"));
    }
    // Each key of the format has its row.
    for key in [
        "name",
        "install",
        "package",
        "program",
        "version",
        "expectations",
        "protocol.command",
        "protocol.env",
    ] {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
    // Each engine that is built in has its name in the table of adapters.
    for searched in wassay::engines::all() {
        let named = searched.name == "wassay" || page.contains(&format!("`{}`", searched.name));
        assert!(named, "{}", searched.name);
    }
}

/// Requests and answers of the examples.
fn examples() -> Vec<(String, String)> {
    let text = include_str!("../../../docs/protocol.md");
    let blocks = text.split("```wap\n").skip(1).filter_map(|block| block.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(lines.len().is_multiple_of(2) && lines.len() > 20, "{} lines", lines.len());
    let line = |line: &str, sign: &str| line.strip_prefix(sign).unwrap().to_owned();
    lines.chunks(2).map(|pair| (line(pair[0], "< "), line(pair[1], "> "))).collect()
}

fn answers_as_documented(command: &str, class: fn(&str) -> &str) {
    let examples = examples();
    let requests: String = examples.iter().map(|(request, _)| format!("# a remark\n\n{request}\n")).collect();
    let command = wassay_drive::Command::read(command).unwrap();
    let (program, arguments) = command.words().split_first().unwrap();
    let mut command = Command::new(program);
    let mut adapter =
        clean(command.args(arguments)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut adapter.stdin.take().unwrap(), requests.as_bytes()).unwrap();
    let output = adapter.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), examples.len(), "{answers}");
    for ((request, documented), answer) in examples.iter().zip(answers.lines()) {
        if request.starts_with("hello ") {
            assert!(answer.starts_with("ok engine="), "{request}: {answer}");
            continue;
        }
        match documented.strip_prefix("E ") {
            Some(documented) => {
                let expected = format!("E {}", class(documented));
                let is_same = answer == expected || answer.starts_with(&format!("{expected} "));
                assert!(is_same, "{request}: {answer}, and not {expected}");
            }
            None => assert_eq!(answer, documented, "{request}"),
        }
    }
}
