//! The layers of the crates: a module imports only what is below it. ARCHITECTURE.md has the same
//! table.

#![allow(clippy::unwrap_used)]

mod imports;

use std::collections::BTreeSet;
use std::path::Path;

use imports::{Imports, Module, circles, imports};

/// What is asserted of a crate.
struct Rules {
    /// The crate's folder, from that of the workspace.
    folder: &'static str,
    /// The modules at the top of the crate, from the lowest layer to the highest. Modules of the
    /// same layer do not import each other. The root, `lib`, is above all.
    layers: &'static [&'static [&'static str]],
    /// Whether every module of the crate has to be in a layer; otherwise only those listed are
    /// looked at.
    complete: bool,
    /// The files that import each other in a circle, with the reason. Of crates that are not
    /// complete, circles are not looked at.
    circles: &'static [(&'static str, &'static [&'static str])],
}

const RULES: [Rules; 5] = [
    Rules {
        folder: "engine",
        layers: &[
            &["config", "grammar", "trap"],
            &["error"],
            &["time", "types"],
            &["vm", "abi", "decode"],
            &["translate"],
            &["compile"],
            &["engine"],
            &["module"],
            &["runtime", "backtrace"],
            &["builtin"],
        ],
        complete: true,
        circles: &[
            (
                "types/mod.rs declares the types, and re-exports what its files do with them",
                &["types", "types/canon", "types/convert", "types/external", "types/held", "types/layout"],
            ),
            (
                "to run code takes the record of a store, whose code calls back into its owner",
                &["vm/call", "vm/host", "vm/instance", "vm/store", "vm/unwind"],
            ),
            (
                "the families of operators are methods of one translator, which keeps state for them",
                &[
                    "translate",
                    "translate/call",
                    "translate/control",
                    "translate/exception",
                    "translate/legacy_exception",
                    "translate/reference",
                    "translate/variable",
                ],
            ),
            (
                "a store owns everything in it, and every handle is looked up in its store",
                &[
                    "runtime",
                    "runtime/data",
                    "runtime/exception",
                    "runtime/func",
                    "runtime/gc",
                    "runtime/gc/collect",
                    "runtime/gc/heap",
                    "runtime/gc/host",
                    "runtime/gc/mark",
                    "runtime/gc/object",
                    "runtime/global",
                    "runtime/instance",
                    "runtime/linker",
                    "runtime/memory",
                    "runtime/shared",
                    "runtime/store",
                    "runtime/table",
                    "runtime/tag",
                    "runtime/typed",
                    "runtime/value",
                    "runtime/wrap",
                ],
            ),
        ],
    },
    Rules {
        folder: "engine/terms",
        layers: &[&["features", "rule", "time"], &["classification", "refusal"]],
        complete: true,
        circles: &[],
    },
    Rules {
        folder: "reports",
        layers: &[
            &["aside", "outcome", "terminal"],
            &["badge", "html", "junit", "summary"],
            &["diff", "merge"],
            &["markdown"],
            &["matrix"],
        ],
        complete: false,
        circles: &[],
    },
    Rules {
        folder: "runner/script",
        layers: &[
            &["encode", "message_table", "source", "value"],
            &["embed", "literal", "matching", "spectest", "tokens"],
            &["messages", "split", "wap"],
            &["model"],
            &["grammar", "verdict"],
            &["text"],
            &["parse"],
            &["reading"],
            &["keys"],
        ],
        complete: false,
        circles: &[],
    },
    Rules {
        folder: "runner/drive",
        layers: &[&["command"], &["child"], &["driver"]],
        complete: false,
        circles: &[],
    },
];

fn read(folder: &str) -> Imports {
    imports(&Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder))
}

/// The name of a module at the top of its crate.
fn top(module: &Module) -> &str {
    module.first().map_or("lib", String::as_str)
}

fn path(module: &Module) -> String {
    module.join("/")
}

/// What is wrong with a crate's imports.
fn faults(rules: &Rules, imports: &Imports) -> Vec<String> {
    let place = |name: &str| rules.layers.iter().position(|layer| layer.contains(&name));
    let mut faults = Vec::new();
    for (module, targets) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(own) = place(top(module)) else {
            if rules.complete {
                faults.push(format!("`{}` is in no layer", path(module)));
            }
            continue;
        };
        for target in targets.iter().filter(|target| top(target) != top(module)) {
            match place(top(target)) {
                Some(other) if other >= own => {
                    faults.push(format!(
                        "`{}` imports `{}`, which is not below it",
                        path(module),
                        path(target)
                    ));
                }
                None if rules.complete => {
                    faults.push(format!("`{}` imports `{}`", path(module), top(target)));
                }
                _ => {}
            }
        }
    }
    if rules.complete {
        let known = |circle: &BTreeSet<Module>| {
            let names: BTreeSet<String> = circle.iter().map(path).collect();
            rules
                .circles
                .iter()
                .any(|(_, files)| names == files.iter().map(|file| (*file).to_owned()).collect())
        };
        let found = circles(imports);
        for circle in found.iter().filter(|circle| !known(circle)) {
            let names: Vec<String> = circle.iter().map(path).collect();
            faults.push(format!("a circle without a reason: {}", names.join(", ")));
        }
        if found.len() < rules.circles.len() {
            faults.push("a circle with a reason is gone: remove it from the table".to_owned());
        }
    }
    faults
}

#[test]
fn a_module_imports_only_what_is_below_it() {
    for rules in &RULES {
        let imports = read(rules.folder);
        assert!(imports.len() >= 4, "{}: the files are found", rules.folder);
        let faults = faults(rules, &imports);
        assert!(faults.is_empty(), "{}:\n{}", rules.folder, faults.join("\n"));
    }
}

#[test]
fn the_table_in_the_documentation_is_the_same() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(workspace.join("ARCHITECTURE.md")).unwrap();
    let mut documented: Vec<BTreeSet<&str>> = Vec::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, number, modules, ..] = cells[..] else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        documented.resize(documented.len().max(number), BTreeSet::new());
        documented[number - 1].extend(modules.split(", ").map(|module| module.trim_matches('`')));
    }
    assert_eq!(documented.pop(), Some(BTreeSet::from(["lib"])));
    let asserted: Vec<BTreeSet<&str>> =
        RULES[0].layers.iter().map(|layer| layer.iter().copied().collect()).collect();
    assert_eq!(documented, asserted);
}

#[test]
fn paths_are_found_wherever_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layers/example");
    let imports = imports(&folder);
    let of = |name: &str| -> Vec<String> {
        let module: Module = name.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        imports[&module].iter().map(path).collect()
    };
    assert_eq!(of("uses"), ["a", "a/deep", "b"]);
    assert_eq!(of("body"), ["a", "b"]);
    assert_eq!(of("a"), ["a/deep"]);
    assert_eq!(of("a/deep"), ["b"]);
    assert_eq!(of("b"), ["a"], "a circle of three");
    let found = circles(&imports);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].iter().map(path).collect::<Vec<_>>(), ["a", "a/deep", "b"]);
}
