//! No circles: of the modules that lie side by side in a crate, none leads back to itself through the others.
//!
//! A module and those inside it are one thing, and may use each other as they like. What a module takes through a re-export
//! of its parent counts as taken from where it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::docs::files;
use crate::docs::source::{ends_item, is_punct};

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
        let reached = |from: &Module| {
            let mut reached = BTreeSet::new();
            let mut next = vec![from];
            while let Some(module) = next.pop() {
                for to in arrows.get(module).into_iter().flatten() {
                    if reached.insert(to) {
                        next.push(to);
                    }
                }
            }
            reached
        };
        let reach: BTreeMap<&Module, BTreeSet<&Module>> =
            arrows.keys().map(|module| (module, reached(module))).collect();
        let mut circles = BTreeSet::new();
        for (module, others) in &reach {
            let back = |other: &&&Module| reach.get(*other).is_some_and(|back| back.contains(*module));
            let circle: BTreeSet<String> = others.iter().filter(back).map(|other| other.join("::")).collect();
            if !circle.is_empty() {
                circles.insert(circle.into_iter().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// The module that the thing called `path` is in, at most `depth` re-exports away.
    fn home(&self, path: &[String], depth: usize) -> Module {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            module.push(name.clone());
            if self.modules.contains_key(&module) {
                continue;
            }
            module.pop();
            let import = self.modules.get(&module).and_then(|names| names.imported.get(name));
            return match import.filter(|_| depth > 0) {
                Some(import) => {
                    let mut path = self.absolute_import(&module, import, &path[at + 1..]);
                    // An external crate's name leads nowhere here.
                    if path.is_empty() {
                        path.clone_from(&module);
                    }
                    let home = self.home(&path, depth - 1);
                    if home.is_empty() { module } else { home }
                }
                None => module,
            };
        }
        module
    }

    /// The module that an import of `module` leads to. A bare first name is a module inside, or else an external crate.
    fn absolute_import(&self, module: &Module, import: &[String], rest: &[String]) -> Vec<String> {
        let path: Vec<String> = import.iter().chain(rest).cloned().collect();
        if matches!(path[0].as_str(), "crate" | "super" | "self") {
            return absolute(module, &path);
        }
        let inner: Vec<String> = module.iter().chain(&path).cloned().collect();
        match self.modules.contains_key(&inner[..=module.len()]) {
            true => inner,
            false => Vec::new(),
        }
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
        let mut names = Names::default();
        names.walk(&tokens.into_iter().collect::<Vec<_>>(), true);
        names
    }

    fn walk(&mut self, tokens: &[TokenTree], top: bool) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(tokens.get(at + 1)) => {
                    // The item that it is about ends with a block or a semicolon.
                    while at < tokens.len() && !ends_item(tokens.get(at)) {
                        at += 1;
                    }
                    at += 1;
                }
                TokenTree::Ident(ident) if ident == "use" => {
                    let mut leaves = Vec::new();
                    at = paths(tokens, at + 1, &mut Vec::new(), &mut leaves);
                    for (name, path) in leaves {
                        if matches!(path[0].as_str(), "crate" | "super" | "self") {
                            self.used.push(path.clone());
                        }
                        if top {
                            self.imported.insert(name, path);
                        }
                    }
                }
                TokenTree::Ident(ident)
                    if (ident == "crate" || ident == "super" || ident == "self")
                        && is_punct(tokens.get(at + 1), ':') =>
                {
                    let mut leaves = Vec::new();
                    at = paths(tokens, at, &mut Vec::new(), &mut leaves);
                    self.used.extend(leaves.into_iter().map(|(_, path)| path));
                }
                TokenTree::Group(group) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), false);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }
}

/// True for `[cfg(test)]`.
fn is_for_tests(token: Option<&TokenTree>) -> bool {
    let text = token.map(ToString::to_string).unwrap_or_default();
    text.split_whitespace().collect::<String>() == "[cfg(test)]"
}

/// Reads the path or the tree of paths at `at`, below `prefix`, and returns where it ends. Each leaf comes with its name.
fn paths(
    tokens: &[TokenTree],
    mut at: usize,
    prefix: &mut Vec<String>,
    leaves: &mut Vec<(String, Vec<String>)>,
) -> usize {
    let depth = prefix.len();
    let mut name = None;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) if ident == "as" => {
                name = tokens.get(at + 1).map(ToString::to_string);
                at += 2;
                break;
            }
            Some(TokenTree::Ident(ident)) => {
                // `{self, X}`: what the braces are of.
                if ident != "self" || prefix.is_empty() {
                    prefix.push(ident.to_string());
                }
                at += 1;
            }
            Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::Brace && depth < prefix.len() =>
            {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut next = 0;
                while next < inner.len() {
                    let end = paths(&inner, next, prefix, leaves);
                    // A comma lies between two.
                    next = end.max(next) + 1;
                }
                prefix.truncate(depth);
                return at + 1;
            }
            _ => break,
        }
        match (tokens.get(at), is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            (_, true) => at += 2,
            (Some(TokenTree::Ident(ident)), _) if ident == "as" => {}
            _ => break,
        }
    }
    if let Some(last) = prefix.last().cloned() {
        leaves.push((name.unwrap_or(last), prefix.clone()));
    }
    prefix.truncate(depth);
    at.max(1)
}
