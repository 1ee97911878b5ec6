//! No circles: of the modules that lie side by side in a crate, none leads back to itself through the others.
//!
//! A module and those inside it are one thing, and may use each other as they like. What a module takes through a re-export
//! of its parent counts as taken from where it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::docs::files;
use crate::docs::source::{is_test, without};

/// A module's place in its crate: `["registry", "push"]`; the root's is empty.
type Module = Vec<String>;

/// The sources of a crate.
#[derive(Default)]
struct Sources {
    modules: BTreeMap<Module, Names>,
}

/// The names that a file takes from elsewhere.
#[derive(Default)]
struct Names {
    /// Every path that begins with `crate`, `super` or `self`.
    used: Vec<Vec<String>>,
    /// The names that its own `use` items bring in, by the name that it has there.
    imported: BTreeMap<String, Vec<String>>,
}

#[test]
fn no_module_leads_back_to_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut crates: Vec<PathBuf> =
        fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    crates.push(root.join("xtask"));
    crates.sort();
    let mut found = Vec::new();
    for path in crates {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let circles = Sources::read(&path.join("src")).circles();
        found.extend(circles.into_iter().map(|circle| (name.clone(), circle)));
    }
    assert_eq!(found, []);
}

#[test]
fn circles_are_found_through_imports_and_reexports() {
    for (files, expected) in [
        // One way.
        (&[("a", "use crate::b::B;"), ("b", "struct B;")][..], &[][..]),
        // Both ways, in whichever form.
        (&[("a", "use crate::b::B;"), ("b", "fn f() { super::a::g() }")], &[&["a", "b"][..]]),
        (&[("a", "use crate::{b::{B, C}, d};"), ("b", "use crate::a;"), ("d", "")], &[&["a", "b"]]),
        // Through a third.
        (&[("a", "use super::b;"), ("b", "use super::c;"), ("c", "use super::a;")], &[&["a", "b", "c"]]),
        // Through a name that the root re-exports.
        (&[("", "pub use b::B;"), ("a", "use crate::B;"), ("b", "use crate::a;")], &[&["a", "b"]]),
        // What is inside counts for what it is in.
        (&[("a", ""), ("a/x", "use crate::b;"), ("b", "use crate::a::x;")], &[&["a", "b"]]),
        (&[("a", ""), ("a/x", "use super::y;"), ("a/y", "use super::x;")], &[&["a::x", "a::y"]]),
        // A parent and its children are one thing, and tests may use anything.
        (&[("a", "use x::X;"), ("a/x", "use super::f;")], &[]),
        (&[("a", "#[cfg(test)] mod tests { use crate::b::B; }"), ("b", "use crate::a;")], &[]),
    ] {
        let mut sources = Sources::default();
        for (path, text) in files {
            let module = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            sources.modules.insert(module, Names::of(text.parse().unwrap()));
        }
        sources.modules.entry(Module::new()).or_default();
        assert_eq!(sources.circles(), expected, "{files:?}");
    }
}

impl Sources {
    /// Every module below `src`, but for those with tests only.
    fn read(src: &Path) -> Sources {
        let mut sources = Sources::default();
        for path in files(src, "rs") {
            let inner = path.strip_prefix(src).unwrap().with_extension("");
            let mut module: Module = inner.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            let stem = module.last().unwrap();
            if stem.ends_with("tests") {
                continue;
            }
            if matches!(stem.as_str(), "lib" | "main" | "mod") {
                module.pop();
            }
            let names = Names::of(fs::read_to_string(&path).unwrap().parse().unwrap());
            let known = sources.modules.entry(module).or_default();
            known.used.extend(names.used);
            known.imported.extend(names.imported);
        }
        sources
    }

    /// The circles, each with its modules in order.
    fn circles(&self) -> Vec<Vec<String>> {
        let mut arrows: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, names) in &self.modules {
            for path in &names.used {
                let to = self.home(&absolute(from, path), 8);
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if common < from.len() && common < to.len() {
                    arrows.entry(from[..=common].to_vec()).or_default().insert(to[..=common].to_vec());
                }
            }
        }
        // Whatever is reached through others counts as well.
        loop {
            let further = |to: &BTreeSet<Module>| {
                to.iter().filter_map(|to| arrows.get(to)).flatten().chain(to).cloned().collect()
            };
            let longer: BTreeMap<_, _> =
                arrows.iter().map(|(from, to)| (from.clone(), further(to))).collect();
            if longer == arrows {
                break;
            }
            arrows = longer;
        }
        let circle = |(module, others): (&Module, &BTreeSet<Module>)| {
            let back = |other: &&Module| arrows.get(*other).is_some_and(|back| back.contains(module));
            others.iter().filter(back).map(|other| other.join("::")).collect::<Vec<_>>()
        };
        let circles: BTreeSet<_> = arrows.iter().map(circle).filter(|circle| !circle.is_empty()).collect();
        circles.into_iter().collect()
    }

    /// The module that the thing called `path` is in, at most `depth` re-exports away.
    fn home(&self, path: &[String], depth: usize) -> Module {
        let is_module = |end: &usize| self.modules.contains_key(&path[..*end]);
        let (module, rest) = path.split_at((0..=path.len()).take_while(is_module).last().unwrap_or_default());
        let imported = &self.modules[module].imported;
        let Some(import) = rest.first().and_then(|name| imported.get(name)).filter(|_| depth > 0) else {
            return module.to_vec();
        };
        // A bare first name is a module inside, or an external crate, whose name leads nowhere here.
        let import = match is_own(&import[0]) {
            true => absolute(&module.to_vec(), import),
            false => [module, import].concat(),
        };
        let home = self.home(&[&import, &rest[1..]].concat(), depth - 1);
        if home.is_empty() { module.to_vec() } else { home }
    }
}

/// A path without `crate`, `self` and `super`, from the root.
fn absolute(module: &Module, path: &[String]) -> Vec<String> {
    let mut from = module.clone();
    for (at, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => {
                from.pop();
            }
            _ => {
                from.extend_from_slice(&path[at..]);
                break;
            }
        }
    }
    from
}

impl Names {
    fn of(tokens: TokenStream) -> Names {
        let mut words = Vec::new();
        flatten(tokens, &mut words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut names = Names::default();
        for at in 0..words.len() {
            let is_import = words[at] == "use";
            if !(is_import || is_own(words[at]) && words[at + 1..].starts_with(&[":", ":"])) {
                continue;
            }
            let mut leaves = Vec::new();
            tree(&words[at + usize::from(is_import)..], Vec::new(), &mut leaves);
            for (name, path) in leaves {
                if is_own(&path[0]) {
                    names.used.push(path.clone());
                }
                if is_import {
                    names.imported.insert(name, path);
                }
            }
        }
        names
    }
}

/// True for the beginnings of paths that stay in the crate.
fn is_own(name: &str) -> bool {
    ["crate", "super", "self"].contains(&name)
}

/// Collects the names and signs of everything that is not for tests.
fn flatten(tokens: TokenStream, words: &mut Vec<String>) {
    for token in without(tokens, is_test) {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                words.push("{".to_owned());
                flatten(group.stream(), words);
                words.push("}".to_owned());
            }
            TokenTree::Group(group) => flatten(group.stream(), words),
            TokenTree::Ident(_) | TokenTree::Punct(_) => words.push(token.to_string()),
            TokenTree::Literal(_) => words.push(String::new()),
        }
    }
}

/// Collects the paths of a tree that begins with these words, below `path`, each with the name that it has here; returns what
/// follows the tree.
fn tree<'a>(
    words: &'a [&'a str],
    mut path: Vec<String>,
    leaves: &mut Vec<(String, Vec<String>)>,
) -> &'a [&'a str] {
    let (name, rest) = words.split_first().unwrap_or((&"", &[]));
    if *name == "{" {
        let mut rest = rest;
        while !rest.starts_with(&["}"]) {
            rest = tree(rest, path.clone(), leaves);
            rest = rest.strip_prefix(&[","]).unwrap_or(rest);
        }
        return &rest[1..];
    }
    // `self` in braces is what these are of.
    if name.starts_with(|c: char| c.is_alphabetic() || c == '_') && (*name != "self" || path.is_empty()) {
        path.push((*name).to_owned());
    }
    match rest {
        [":", ":", rest @ ..] => tree(rest, path, leaves),
        ["as", other, rest @ ..] => {
            leaves.push(((*other).to_owned(), path));
            rest
        }
        rest => {
            leaves.extend(path.last().cloned().map(|name| (name, path)));
            rest
        }
    }
}
