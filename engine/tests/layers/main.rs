//! Checks the layers of the crates: a module imports only modules below it. ARCHITECTURE.md has the
//! same tables.

#![allow(clippy::unwrap_used)]

mod imports;
mod rules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imports::{Imports, Module, circles, imports};
use rules::{RULES, Rules};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn architecture() -> String {
    std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap()
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
    let layer = |name: &str| rules.layers.iter().position(|layer| layer.contains(&name));
    let mut faults = Vec::new();
    for (module, targets) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(own) = layer(top(module)) else {
            faults.push(format!("`{}` is in no layer", path(module)));
            continue;
        };
        for target in targets.iter().filter(|target| top(target) != top(module)) {
            match layer(top(target)) {
                Some(other) if other < own => {}
                Some(_) => faults.push(format!(
                    "`{}` imports `{}`, which is not below it",
                    path(module),
                    path(target)
                )),
                None if target.is_empty() => faults.push(format!(
                    "`{}` imports from the root of the crate; name the module that defines it",
                    path(module)
                )),
                None => faults.push(format!(
                    "`{}` imports `{}`, which is in no layer",
                    path(module),
                    path(target)
                )),
            }
        }
    }
    let missing = rules
        .layers
        .iter()
        .copied()
        .flatten()
        .filter(|name| !imports.contains_key(&vec![(**name).to_owned()]));
    faults.extend(missing.map(|name| format!("there is no module `{name}`: remove it from its layer")));
    faults.extend(faults_of_circles(rules, imports));
    faults
}

/// Errors about import circles between the files of a crate.
fn faults_of_circles(rules: &Rules, imports: &Imports) -> Vec<String> {
    let known = |circle: &BTreeSet<Module>| {
        let names: BTreeSet<String> = circle.iter().map(path).collect();
        let is_same =
            |files: &[&str]| names == files.iter().map(|file| (*file).to_owned()).collect::<BTreeSet<_>>();
        rules.circles.iter().any(|(_, files)| is_same(files))
    };
    let found = circles(imports);
    let unknown = found.iter().filter(|circle| !known(circle)).map(|circle| {
        let names: Vec<String> = circle.iter().map(path).collect();
        format!("a circle without a reason: {}", names.join(", "))
    });
    let mut faults: Vec<String> = unknown.collect();
    if found.len() < rules.circles.len() {
        faults.push("a circle with a reason is gone: remove it from the table".to_owned());
    }
    faults
}

#[test]
fn a_module_imports_only_what_is_below_it() {
    for rules in &RULES {
        let imports = imports(&workspace().join(rules.folder));
        assert!(imports.len() >= 4, "{}: the files are found", rules.folder);
        let faults = faults(rules, &imports);
        assert!(faults.is_empty(), "{}:\n{}", rules.folder, faults.join("\n"));
    }
}

/// The layers of a row `| folder | lowest < … < highest |`.
fn layers_of_row(row: &str) -> Option<(&str, Vec<BTreeSet<&str>>)> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [_, folder, layers, _] = cells[..] else { return None };
    let folder = folder.strip_prefix('`')?.strip_suffix("/`")?;
    let layers =
        layers.split(" < ").map(|layer| layer.split(", ").map(|name| name.trim_matches('`')).collect());
    Some((folder, layers.collect()))
}

#[test]
fn the_tables_in_the_documentation_are_the_same() {
    let text = architecture();
    // The engine has a table of its own, with a row for each layer or a part of it.
    let mut engine: Vec<BTreeSet<&str>> = Vec::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, number, modules, ..] = cells[..] else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        engine.resize(engine.len().max(number), BTreeSet::new());
        engine[number - 1].extend(modules.split(", ").map(|module| module.trim_matches('`')));
    }
    assert_eq!(engine.pop(), Some(BTreeSet::from(["lib"])));
    for rules in &RULES {
        let asserted: Vec<BTreeSet<&str>> =
            rules.layers.iter().map(|layer| layer.iter().copied().collect()).collect();
        let documented = match rules.folder {
            "engine" => engine.clone(),
            folder => {
                let rows = text.lines().filter_map(layers_of_row).filter(|(name, _)| *name == folder);
                let layers: Vec<_> = rows.map(|(_, layers)| layers).collect();
                assert_eq!(layers.len(), 1, "ARCHITECTURE.md has one row with the layers of {folder}");
                layers.into_iter().next().unwrap_or_default()
            }
        };
        assert_eq!(documented, asserted, "{}", rules.folder);
    }
}

/// The packages of the workspace that a crate depends on, without the prefix of their names.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml")).unwrap();
    let section =
        manifest.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap_or_default();
    let packages = section.lines().filter_map(|line| line.strip_prefix("wassay-"));
    packages.filter_map(|line| Some(line.split(['.', ' ']).next()?.to_owned())).collect()
}

#[test]
fn a_crate_depends_on_the_crates_that_the_documentation_names() {
    let text = architecture();
    let mut checked = 0;
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, folder, package, _, may_import, _] = cells[..] else { continue };
        if !package.starts_with("wassay") {
            continue;
        }
        let folder = folder.trim_matches('`').trim_end_matches('/');
        let found = dependencies(folder);
        let named: BTreeSet<String> = match may_import {
            "no sibling" => BTreeSet::new(),
            "all" => continue,
            names => names.split(", ").map(str::to_owned).collect(),
        };
        assert_eq!(found, named, "{folder}");
        checked += 1;
    }
    assert_eq!(checked, RULES.len() - 1, "every crate but the runner has its row");
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
