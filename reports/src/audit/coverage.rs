//! What suites cover, as JSON, Markdown and a page.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use crate::html::{Page as Template, STYLE};
use crate::json::document;
use crate::markdown::{Page, code, in_table};
use crate::millis;
use crate::model::Engine;

const PAGE: &str = include_str!("coverage.html");

/// What suites cover.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// The engine on which the scripts ran.
    pub engine: Engine,
    /// The program that measured.
    pub harness: Engine,
    /// The start time, in RFC 3339 format.
    pub started: String,
    /// The elapsed time in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// Whether it was interrupted, so that some scripts did not count.
    pub interrupted: bool,
    /// The names of the suites.
    pub suites: Vec<String>,
    /// What can be covered.
    pub items: Vec<Covered>,
}

/// One thing that can be covered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// `instruction`, `construct` or `rule`.
    pub kind: String,
    /// The proposal of an instruction; else empty.
    pub group: String,
    /// Its name.
    pub name: String,
    /// The number of modules in which it occurs, or which violate the rule.
    pub modules: u64,
    /// The number of scripts that execute it.
    pub executed: u64,
    /// The number of scripts that assert a trap of it.
    pub trapped: u64,
    /// The number of scripts with an assertion that depends on it.
    pub asserted: u64,
}

/// How many items of a group are covered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The kind and, for instructions, the proposal.
    pub name: String,
    /// The number of items.
    pub items: u64,
    /// How many occur in a module.
    pub occurring: u64,
    /// How many are executed; 0 for what is not executed.
    pub executed: u64,
    /// How many trap in an assertion.
    pub trapped: u64,
    /// How many an assertion depends on.
    pub asserted: u64,
}

impl Covered {
    /// The name of its group.
    fn group_name(&self) -> String {
        match self.kind.as_str() {
            "instruction" => format!("instructions: {}", self.group.replace('_', "-")),
            kind => format!("{kind}s"),
        }
    }

    /// Whether no test would notice if it were wrong: for an instruction, no assertion depends on
    /// it, and for what is not executed, it does not occur.
    pub fn is_missed(&self) -> bool {
        if self.kind == "instruction" { self.asserted == 0 } else { self.modules == 0 }
    }
}

impl Coverage {
    /// The groups, in order of their names.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for item in &self.items {
            let name = item.group_name();
            let group = groups.entry(name.clone()).or_insert(Group { name, ..Group::default() });
            group.items += 1;
            group.occurring += u64::from(item.modules > 0);
            group.executed += u64::from(item.executed > 0);
            group.trapped += u64::from(item.trapped > 0);
            group.asserted += u64::from(item.asserted > 0);
        }
        groups.into_values().collect()
    }

    /// The items that the suites miss, of the groups that they do not miss altogether.
    pub fn missed(&self) -> impl Iterator<Item = &Covered> {
        let touched: Vec<String> =
            self.groups().into_iter().filter(|group| group.occurring > 0).map(|group| group.name).collect();
        self.items.iter().filter(move |item| item.is_missed() && touched.contains(&item.group_name()))
    }

    /// Renders it as indented JSON with a trailing newline.
    pub fn json(&self) -> String {
        document(self)
    }

    /// Renders the groups and what is missed as Markdown.
    pub fn markdown(&self) -> String {
        let mut page = Page::new();
        page.push(&format!("## Coverage of {}\n\n", code(&self.suites.join(", "))));
        page.push(
            "| group | items | in modules | executed | trapping | asserted |\n|:--|--:|--:|--:|--:|--:|\n",
        );
        for Group { name, items, occurring, executed, trapped, asserted } in self.groups() {
            let name = in_table(&name);
            page.fits(&format!("| {name} | {items} | {occurring} | {executed} | {trapped} | {asserted} |\n"));
        }
        page.push("\n### Missed\n\n");
        let missed: Vec<&Covered> = self.missed().collect();
        page.list(&missed, MOST, "more item", |item| {
            format!("- {}: {}\n", code(&item.group_name()), code(&item.name))
        });
        page.finish()
    }

    /// Renders it as one self-contained HTML document without JavaScript.
    pub fn html(&self) -> String {
        let view = View {
            title: self.suites.join(", "),
            engine: self.engine.title(),
            interrupted: self.interrupted,
            groups: self.groups(),
            missed: self.missed().take(MOST).collect(),
            items: &self.items,
        };
        let title = format!("Coverage of {}", view.title);
        let page = Template { title: &title, style: STYLE, script_hash: None, body: PAGE };
        page.fill(context! { ..minijinja::Value::from(Serde(view)) })
    }
}

/// The values that the template uses.
#[derive(Serialize)]
struct View<'a> {
    title: String,
    engine: String,
    interrupted: bool,
    groups: Vec<Group>,
    missed: Vec<&'a Covered>,
    items: &'a [Covered],
}

/// How many missed items are listed.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage() -> Coverage {
        let item = |group: &str, name: &str, modules, asserted| Covered {
            kind: "instruction".to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            modules,
            executed: modules,
            trapped: 0,
            asserted,
        };
        let rule =
            Covered { kind: "rule".to_owned(), name: "type <mismatch>".to_owned(), ..Covered::default() };
        Coverage {
            engine: Engine::new("e", "1"),
            harness: Engine::new("h", "1"),
            started: "2026-01-01T00:00:00Z".to_owned(),
            duration: Duration::from_secs(1),
            interrupted: false,
            suites: vec!["s".to_owned()],
            items: vec![
                item("mvp", "i32.add", 3, 1),
                item("mvp", "i32.sub", 1, 0),
                item("gc", "i31.get_u", 0, 0),
                rule,
            ],
        }
    }

    #[test]
    fn groups_count_and_what_is_missed_is_listed() {
        let coverage = coverage();
        let groups = coverage.groups();
        assert_eq!(groups[1].name, "instructions: mvp");
        assert_eq!((groups[1].items, groups[1].occurring, groups[1].asserted), (2, 2, 1));
        // A group that the suites do not touch is not missed item by item.
        let missed: Vec<&str> = coverage.missed().map(|item| item.name.as_str()).collect();
        assert_eq!(missed, ["i32.sub"]);
        assert!(coverage.markdown().contains(" | 2 | 2 | 2 | 0 | 1 |"));
        let json: serde_json::Value = serde_json::from_str(&coverage.json()).unwrap();
        assert_eq!(json["items"][0]["name"], "i32.add");
        let html = coverage.html();
        assert!(html.contains("i32.sub") && html.contains("type &lt;mismatch&gt;"), "{html}");
    }
}
