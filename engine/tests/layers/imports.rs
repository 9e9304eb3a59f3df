//! Finds the imports between the files of a crate, by the paths in its code.
//!
//! All paths into the crate count: those of `use` items, and qualified ones in signatures, bodies
//! and macros. Code that is compiled only for tests does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta, Token, UseTree, Visibility};

/// A module with a file, by its path in the crate; empty for the crate's root.
pub(crate) type Module = Vec<String>;

/// Maps each file to those that it imports.
pub(crate) type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Reads the files of a crate, starting with `src/lib.rs` in its folder.
pub(crate) fn imports(folder: &Path) -> Imports {
    let mut found: BTreeMap<Module, Vec<Vec<String>>> = BTreeMap::new();
    let mut waiting = vec![(Module::new(), folder.join("src/lib.rs"))];
    while let Some((module, file)) = waiting.pop() {
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader::new(module.clone());
        reader.declare(&tree.items);
        reader.visit_file(&tree);
        for child in reader.files {
            let path: PathBuf = child.iter().collect();
            let path = folder.join("src").join(path);
            let single = path.with_extension("rs");
            waiting.push((child, if single.exists() { single } else { path.join("mod.rs") }));
        }
        found.insert(module, reader.paths);
    }
    let files: BTreeSet<Module> = found.keys().cloned().collect();
    let file_of =
        |path: &Vec<String>| (0..=path.len()).rev().find_map(|end| files.get(&path[..end]).cloned());
    let resolve = |(module, paths): (Module, Vec<Vec<String>>)| {
        let targets = paths.iter().filter_map(file_of).filter(|target| *target != module).collect();
        (module, targets)
    };
    found.into_iter().map(resolve).collect()
}

/// Collects the paths in a file.
struct Reader {
    /// The current module: the file's, or one inside it.
    module: Module,
    /// The modules inside the current one.
    children: BTreeSet<String>,
    /// The modules with files of their own.
    files: Vec<Module>,
    /// The paths, from the crate's root.
    paths: Vec<Vec<String>>,
}

impl Reader {
    fn new(module: Module) -> Reader {
        Reader { module, children: BTreeSet::new(), files: Vec::new(), paths: Vec::new() }
    }

    fn declare(&mut self, items: &[Item]) {
        let modules = items.iter().filter_map(|item| match item {
            Item::Mod(module) if !is_test(&module.attrs) => Some(module.ident.to_string()),
            _ => None,
        });
        self.children = modules.collect();
    }

    /// Records a path if it leads into the crate.
    fn note(&mut self, path: Vec<String>) {
        let up = path.iter().take_while(|name| *name == "super").count();
        let resolved = match path.first().map(String::as_str) {
            // `crate` alone is a visibility in a macro.
            Some("crate") if path.len() > 1 => path[1..].to_vec(),
            Some("self") => [&self.module[..], &path[1..]].concat(),
            Some("super") => [&self.module[..self.module.len().saturating_sub(up)], &path[up..]].concat(),
            // A single name is a variable.
            Some(name) if path.len() > 1 && self.children.contains(name) => {
                [&self.module[..], &path[..]].concat()
            }
            _ => return,
        };
        self.paths.push(resolved);
    }

    fn note_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.note_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.note(with(name.ident.to_string())),
            UseTree::Rename(name) => self.note(with(name.ident.to_string())),
            UseTree::Glob(_) => self.note(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(before, tree)),
        }
    }

    /// Collects the paths in the arguments of a macro, which are not parsed: names separated by
    /// `::`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.note(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.note(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.note(path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        match item {
            Item::Use(item) => self.note_tree(&[], &item.tree),
            Item::Mod(item) => {
                let module = [&self.module[..], &[item.ident.to_string()]].concat();
                let Some((_, items)) = &item.content else { return self.files.push(module) };
                let outer = std::mem::replace(&mut self.module, module);
                let siblings = std::mem::take(&mut self.children);
                self.declare(items);
                items.iter().for_each(|item| self.visit_item(item));
                (self.module, self.children) = (outer, siblings);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(item) if is_test(&item.attrs) => {}
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.note(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.note_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    /// `pub(in crate::…)` is not an import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Whether code is compiled for tests only: `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let all = |condition: &Meta| match condition {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => list
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .is_ok_and(|conditions| conditions.iter().any(|one| one.path().is_ident("test"))),
            _ => false,
        };
        attribute.parse_args::<Meta>().is_ok_and(|condition| all(&condition))
    })
}

/// The circles among files: sets of two or more that import each other, directly or indirectly. The
/// crate's root, which re-exports, is ignored.
pub(crate) fn circles(imports: &Imports) -> Vec<BTreeSet<Module>> {
    let reach = |start: &Module| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(module) = waiting.pop() {
            for target in imports.get(&module).into_iter().flatten().filter(|target| !target.is_empty()) {
                if seen.insert(target.clone()) {
                    waiting.push(target.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().filter(|module| !module.is_empty()).map(|module| (module, reach(module))).collect();
    let mut found: Vec<BTreeSet<Module>> = Vec::new();
    for (module, targets) in &reached {
        if targets.contains(*module) && !found.iter().any(|circle| circle.contains(*module)) {
            let is_back = |target: &&Module| reached.get(*target).is_some_and(|back| back.contains(*module));
            found.push(targets.iter().filter(is_back).cloned().collect());
        }
    }
    found
}
