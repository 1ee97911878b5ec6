//! The relations between the packages of a suite: what has to be unpacked with a package so that its programs run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use crate::stanzas::{self, Error};

/// The relations of every package in a `Packages`.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    /// By package, the groups of alternatives that it needs (`Pre-Depends`, `Depends`), without versions.
    needs: BTreeMap<String, Vec<Vec<String>>>,
    /// By name, the packages that provide it.
    providers: BTreeMap<String, BTreeSet<String>>,
}

/// A package that is asked for, or that another one needs, and that the suite does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no package `{name}`{}", needed_by(.by.as_deref()))]
pub struct Unsatisfied {
    /// Its name.
    pub name: String,
    /// The package that needs it.
    pub by: Option<String>,
}

fn needed_by(by: Option<&str>) -> String {
    by.map_or(String::new(), |by| format!(", which `{by}` needs"))
}

impl Relations {
    /// Reads a `Packages.xz`.
    pub fn read<R: Read>(packages_xz: R) -> Result<Relations, Error> {
        Relations::read_plain(stanzas::decoded(packages_xz)?)
    }

    fn read_plain<R: BufRead>(packages: R) -> Result<Relations, Error> {
        let mut relations = Relations::default();
        stanzas::walk(packages, None, &mut |stanza| {
            let fields = ["Pre-Depends", "Depends"].into_iter().filter_map(|field| stanza.get(field));
            let needs =
                fields.flat_map(|field| field.split(',').map(alternatives).filter(|all| !all.is_empty()));
            let needs = needs.collect();
            for name in stanza.get("Provides").unwrap_or_default().split(',').flat_map(alternatives) {
                relations.providers.entry(name).or_default().insert(stanza.name.clone());
            }
            relations.needs.insert(stanza.name, needs);
            Ok(())
        })?;
        Ok(relations)
    }

    /// True of no packages at all.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// `names` and all that they need. Of alternatives, one that is needed already, or else the first that is there; of those that
    /// provide a name, one that is needed already, or else the first by name.
    pub fn closure(&self, names: &[&str]) -> Result<BTreeSet<String>, Unsatisfied> {
        let mut closure = BTreeSet::new();
        let mut open: Vec<(String, Option<String>)> = Vec::new();
        open.extend(names.iter().rev().map(|name| ((*name).to_owned(), None)));
        while let Some((name, by)) = open.pop() {
            if closure.contains(&name) {
                continue;
            }
            let Some(needs) = self.needs.get(&name) else { return Err(Unsatisfied { name, by }) };
            for group in needs {
                let Some(choice) = self.choose(group, &closure) else {
                    return Err(Unsatisfied { name: group.join(" | "), by: Some(name) });
                };
                open.push((choice, Some(name.clone())));
            }
            closure.insert(name);
        }
        Ok(closure)
    }

    fn choose(&self, group: &[String], closure: &BTreeSet<String>) -> Option<String> {
        let needed = group.iter().find(|name| closure.contains(*name));
        let real = needed.or_else(|| group.iter().find(|name| self.needs.contains_key(*name))).cloned();
        let provided = || {
            let providers: Vec<&String> =
                group.iter().filter_map(|name| self.providers.get(name)).flatten().collect();
            let there = providers.iter().find(|name| closure.contains(**name));
            there.or(providers.first()).map(|name| (*name).clone())
        };
        real.or_else(provided)
    }
}

/// The names in `a:any (>= 1) | b`.
fn alternatives(group: &str) -> Vec<String> {
    let name = |alternative: &str| {
        let name = alternative.split([' ', '\n', '(', '[', ':']).find(|part| !part.is_empty())?;
        Some(name.to_owned())
    };
    group.split('|').filter_map(|alternative| name(alternative.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: &str = "\
Package: app
Pre-Depends: libc (>= 2.36)
Depends: gone | tool:any (>= 1), awk, api-5

Package: libc

Package: tool
Depends: libc

Package: gawk
Provides: awk

Package: mawk
Provides: awk (= 1.3)

Package: base
Provides: api-5
Depends: mawk

Package: either
Depends: gawk | mawk

Package: broken
Depends: libc, gone | away
";

    fn check(names: &[&str], expected: Result<&[&str], &str>) {
        let relations = Relations::read_plain(PACKAGES.as_bytes()).unwrap();
        let actual = relations.closure(names).map_err(|error| error.to_string());
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(actual, expected.map_err(str::to_owned), "{names:?}");
    }

    #[test]
    fn all_that_is_needed_is_found_once() {
        check(&[], Ok(&[]));
        check(&["libc", "libc"], Ok(&["libc"]));
        check(&["app"], Ok(&["app", "base", "gawk", "libc", "mawk", "tool"]));
        check(&["mawk", "app"], Ok(&["app", "base", "libc", "mawk", "tool"]));
        check(&["either"], Ok(&["either", "gawk"]));
        check(&["mawk", "either"], Ok(&["either", "mawk"]));
        check(&["gone"], Err("there is no package `gone`"));
        check(&["broken"], Err("there is no package `gone | away`, which `broken` needs"));
    }
}
