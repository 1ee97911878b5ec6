//! Every message of `register` has an entry in docs/troubleshooting.md, and every entry is a message.
//!
//! A message in the source is a text with holes. In an entry one word stands for a hole, or another message does: so
//! "cannot register TARGET: PATH is not executable" is an entry for two of them.

use std::collections::BTreeSet;

use super::page::{Page, Term};
use super::root;
use super::source::{self, Found};

/// String literals of `register` and its crates that are no messages, each with what it is.
const NO_MESSAGES: [&str; 24] = [
    // Formats of files and of what `--list` prints on standard output.
    "package {}\ninterpreter ",
    "package {name}\ninterpreter ",
    "\nmagic {value}\nmask {mask}\ncredentials {}\npreserve {}\nfix_binary {}\n",
    "shadowed by {}",
    // The versions that `--version` prints.
    "register {}\n{qemu}\n",
    "QEMU {} in {dir}",
    "no QEMU in {dir}",
    "no: {why}",
    "not tried: {why}",
    "under QEMU {}",
    "{version} -cpu {model}",
    " with -cpu {model}",
    "on this machine itself",
    "under an interpreter that is no QEMU",
    "; {} of {total} proved by running",
    "; {} of {total} proved by running, {} of them in full",
    "yes, in full",
    ", checked in full",
    ", checked by a small program alone: there is no other for it",
    ", {full} of them checked in full",
    // Looked for in `uname`.
    "Power Macintosh",
    // Words of messages.
    "machine {}",
    "look at",
    " (did you mean `{name}`?)",
];

/// Columns of tables whose first cells are messages or parts of them.
const COLUMNS: [&str; 3] = ["message", "reason", "end"];

/// A message with holes, without quotes: people search without them.
pub(crate) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    pub(crate) fn of(literal: &str) -> Pattern {
        let mut parts = vec![String::new()];
        let mut rest = literal;
        while let Some((before, after)) = rest.split_once('{') {
            let (_, after) = after.split_once('}').unwrap();
            parts.last_mut().unwrap().push_str(before);
            parts.push(String::new());
            rest = after;
        }
        parts.last_mut().unwrap().push_str(rest);
        Pattern { parts: parts.iter().map(|part| plain(part)).collect() }
    }

    /// True if `text` is this message, with anything in its holes.
    fn fits(&self, text: &str) -> bool {
        let (first, rest) = self.parts.split_first().unwrap();
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut text) =
            text.strip_prefix(first.as_str()).and_then(|text| text.strip_suffix(last.as_str()))
        else {
            return false;
        };
        for part in middle {
            let Some((_, after)) = text.split_once(part.as_str()) else { return false };
            text = after;
        }
        true
    }

    /// The same without the holes at its end that may be empty: those that follow a letter or another hole.
    pub(crate) fn without_tail(mut self) -> Pattern {
        while let [.., before, last] = self.parts.as_slice()
            && last.is_empty()
            && (before.ends_with(char::is_alphanumeric) || before.is_empty() && self.parts.len() > 2)
        {
            self.parts.pop();
        }
        self
    }

    /// True if so much of it stands in the source that it cannot fit by chance.
    pub(crate) fn says_something(&self) -> bool {
        self.parts.concat().split_whitespace().filter(|word| word.len() > 3).count() >= 1
    }
}

/// Without quotes, and on one line.
pub(crate) fn plain(text: &str) -> String {
    text.replace('`', "").replace("\n    ", " ").replace("\n  ", " ")
}

/// The depth to which messages stand in each other's holes: a replacement fails since a registration fails for a reason.
pub(crate) const DEPTH: usize = 3;

/// The patterns that `text` is made of; empty if it is none.
pub(crate) fn made_of(text: &str, patterns: &[Pattern], depth: usize) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    if depth == 0 {
        return used;
    }
    for (number, pattern) in patterns.iter().enumerate() {
        if let Some(rest) = text.strip_prefix(pattern.parts[0].as_str())
            && let Some(inner) = holes(rest, &pattern.parts[1..], patterns, depth)
        {
            used.extend(inner);
            used.insert(number);
        }
    }
    used
}

/// Matches what follows a pattern's first part; gives the patterns that stand in its holes.
fn holes(text: &str, parts: &[String], patterns: &[Pattern], depth: usize) -> Option<BTreeSet<usize>> {
    let Some((part, later)) = parts.split_first() else {
        return text.is_empty().then(BTreeSet::new);
    };
    let ends: Vec<usize> = match part.as_str() {
        "" if later.is_empty() => vec![text.len()],
        "" => text.char_indices().map(|(at, _)| at).collect(),
        part => text.match_indices(part).map(|(at, _)| at).collect(),
    };
    let mut found: Option<BTreeSet<usize>> = None;
    for end in ends.into_iter().filter(|end| *end > 0) {
        let (hole, rest) = text.split_at(end);
        let inner = if hole.contains(' ') { made_of(hole, patterns, depth - 1) } else { BTreeSet::new() };
        if (!hole.contains(' ') || !inner.is_empty())
            && let Some(others) = holes(&rest[part.len()..], later, patterns, depth)
        {
            found.get_or_insert_default().extend(inner.into_iter().chain(others));
        }
    }
    found
}

pub(crate) fn literals(crates: &[&str]) -> Vec<Found> {
    crates.iter().flat_map(|name| source::messages(&root().join(name).join("src"))).collect()
}

/// The programs whose messages have a section of the page each; all other sections are `register`'s.
const SECTIONS: [&str; 2] = ["cargo xtask", "run"];

/// The entries of the page in one of [`SECTIONS`], or in all others.
pub(crate) fn entries(section: Option<&str>) -> Vec<Term> {
    let page = Page::read(&root().join("docs/troubleshooting.md"));
    let is_entry = |term: &Term| term.column.is_empty() || COLUMNS.contains(&term.column.as_str());
    let own = |term: &Term| SECTIONS.into_iter().find(|section| *section == term.section);
    let chosen = |term: &Term| is_entry(term) && own(term) == section;
    page.terms.into_iter().filter(chosen).collect()
}

#[test]
fn every_message_of_registers_is_explained_and_nothing_else() {
    let found = literals(&["crates/register", "crates/binfmt", "crates/arch"]);
    for exempt in NO_MESSAGES {
        assert!(found.iter().any(|found| found.text == exempt), "{exempt:?} is in the source no more");
    }
    let found: Vec<_> = found.iter().filter(|found| !NO_MESSAGES.contains(&found.text.as_str())).collect();
    let patterns: Vec<_> = found.iter().map(|found| Pattern::of(&found.text)).collect();
    let mut explained = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in entries(None) {
        let used = made_of(&plain(&entry.text), &patterns, DEPTH);
        if used.is_empty() {
            wrong.push(format!("docs/troubleshooting.md explains {:?}, which nothing says", entry.text));
        }
        explained.extend(used);
    }
    for (number, found) in found.iter().enumerate().filter(|(number, _)| !explained.contains(number)) {
        let file = found.file.strip_prefix(root()).unwrap().display();
        wrong.push(format!("{file}: {:?} (message {number}) is not explained", found.text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_explained_of_xtask_is_said() {
    let found = literals(&[
        "xtask",
        "crates/builder",
        "crates/debian",
        "crates/e2e",
        "crates/publish",
        "crates/http",
        "crates/release",
        "crates/report",
        "crates/ship",
        "crates/sign",
        "crates/suite",
        "crates/ui",
        "crates/oci",
        "crates/sha256",
        "crates/arch",
    ]);
    let patterns = found.iter().map(|found| Pattern::of(&found.text));
    let patterns: Vec<_> = patterns.filter(Pattern::says_something).collect();
    let entries = entries(Some("cargo xtask"));
    assert!(entries.len() > 10, "{entries:?}");
    for entry in entries {
        let text = plain(&entry.text);
        assert!(patterns.iter().any(|pattern| pattern.fits(&text)), "nothing says {:?}", entry.text);
    }
}

/// The other way round is not held: many of its messages are one system call's.
#[test]
fn what_is_explained_of_run_is_said() {
    let found = literals(&["crates/run", "crates/exec", "crates/watch"]);
    let patterns: Vec<_> = found.iter().map(|found| Pattern::of(&found.text)).collect();
    let entries = entries(Some("run"));
    assert!(entries.len() > 5, "{entries:?}");
    for entry in entries {
        let used = made_of(&plain(&entry.text), &patterns, DEPTH);
        assert!(!used.is_empty(), "nothing says {:?}", entry.text);
    }
}

#[test]
fn a_hole_is_one_word_or_a_whole_message() {
    let patterns = ["cannot {} {name}: {error}", "`{0}` is bad", "stop"].map(Pattern::of);
    for (text, expected) in [
        ("cannot read PATH: REASON", &[0][..]),
        ("cannot read PATH: NAME is bad", &[0, 1]),
        ("cannot read PATH: NAME is good", &[]),
        ("cannot read PATH", &[]),
        ("NAME is bad", &[1]),
        ("NAME is bad!", &[]),
        ("stop", &[2]),
        ("", &[]),
    ] {
        assert_eq!(made_of(text, &patterns, DEPTH), expected.iter().copied().collect(), "{text}");
    }
}
