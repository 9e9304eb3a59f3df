//! Checks the layers of the crates: a module imports only modules below it. ARCHITECTURE.md has the
//! same table.

#![allow(clippy::unwrap_used)]

mod imports;

use std::collections::BTreeSet;
use std::path::Path;

use imports::{Imports, Module, circles, imports};

/// The rules for a crate.
struct Rules {
    /// The crate's folder, relative to that of the workspace.
    folder: &'static str,
    /// The top-level modules of the crate, from the lowest layer to the highest. Modules of the
    /// same layer do not import each other. The root, `lib`, is above all layers.
    layers: &'static [&'static [&'static str]],
    /// Whether every module of the crate must be in a layer; otherwise only those listed are
    /// checked.
    complete: bool,
    /// The files that import each other in a circle, with the reason. Circles are checked only in
    /// complete crates.
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
                "types/mod.rs declares the types and re-exports items of its files",
                &["types", "types/canon", "types/convert", "types/external", "types/held", "types/layout"],
            ),
            (
                "running code needs the record of a store, whose code calls its owner",
                &["vm/call", "vm/host", "vm/instance", "vm/store", "vm/unwind"],
            ),
            (
                "the families of operators are methods of one translator, which has their state",
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
                "a store owns all runtime objects, and handles are resolved in their store",
                &[
                    "runtime",
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

/// The top-level module that contains a module.
fn top(module: &Module) -> &str {
    module.first().map_or("lib", String::as_str)
}

fn path(module: &Module) -> String {
    module.join("/")
}

/// The violations of a crate's rules.
fn faults(rules: &Rules, imports: &Imports) -> Vec<String> {
    let place = |name: &str| rules.layers.iter().position(|layer| layer.contains(&name));
    let mut faults = Vec::new();
    for (module, targets) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(own) = place(top(module)) else {
            if rules.complete {
                faults.push(format!("`{}` is not in a layer", path(module)));
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
            faults.push(format!("import circle without a reason: {}", names.join(", ")));
        }
        if found.len() < rules.circles.len() {
            faults.push("stale circle: remove it from the table".to_owned());
        }
    }
    faults
}

#[test]
fn a_module_imports_only_what_is_below_it() {
    for rules in &RULES {
        let imports = read(rules.folder);
        assert!(imports.len() >= 4, "{}: too few files found", rules.folder);
        let faults = faults(rules, &imports);
        assert!(faults.is_empty(), "{}:\n{}", rules.folder, faults.join("\n"));
    }
}

#[test]
fn the_documentation_has_the_same_table() {
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
fn paths_are_found_everywhere() {
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
