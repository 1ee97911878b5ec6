//! Every message of `register` and every error of `cargo xtask` has an entry in docs/troubleshooting.md, and every entry is a
//! message.
//!
//! A message in the source is a text with holes. In an entry one word stands for a hole, or another message does: so
//! "cannot register TARGET: PATH is not executable" is an entry for two of them.

use std::collections::BTreeSet;

use super::page::{Page, Term};
use super::root;
use super::source::{self, Found};

/// The programs, by their section of the page, and their crates; all other sections are `register`'s.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("", &["crates/register", "crates/binfmt", "crates/arch"]),
    ("run", &["crates/run", "crates/exec", "crates/watch"]),
    (
        "cargo xtask",
        &[
            "xtask",
            "crates/arch",
            "crates/builder",
            "crates/debian",
            "crates/e2e",
            "crates/http",
            "crates/oci",
            "crates/publish",
            "crates/release",
            "crates/report",
            "crates/sha256",
            "crates/ship",
            "crates/sign",
            "crates/suite",
            "crates/ui",
        ],
    ),
];

/// Sources of errors without entries: those that only maintainers meet (measurements, how cargo starts tests, archives made by
/// tests), and of parts of others', with which they are explained.
const ELSEWHERE: [&str; 8] = [
    "xtask/src/bench.rs",
    "crates/suite/src/binary.rs",
    "crates/debian/src/testing",
    "crates/arch",
    "crates/http",
    "crates/oci",
    "crates/sha256",
    "crates/sign",
];

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

/// The words of a text without quotes: people search without them.
fn words(text: &str) -> Vec<String> {
    text.replace('`', "").split_whitespace().map(str::to_owned).collect()
}

/// The text in the hole of a message's word, if this can be that word; the text is empty where the word has no hole.
fn hole<'a>(word: &str, text: &'a str) -> Option<&'a str> {
    match (word.split_once('{'), word.rsplit_once('}')) {
        (Some((before, _)), Some((_, after))) => text.strip_prefix(before)?.strip_suffix(after),
        _ => (word == text).then_some(""),
    }
}

/// The messages that an entry is made of; none if it is none. A hole stands for a word, or for a whole message: a replacement
/// fails since a registration fails for a reason.
fn made_of(entry: &[String], messages: &[Vec<String>]) -> BTreeSet<usize> {
    let fill = |(number, message): (usize, &Vec<String>)| {
        // Most are ruled out by a word that is not there.
        let mut rest = entry.iter();
        let mut fixed = message.iter().filter(|word| !word.contains('{'));
        let is_possible = fixed.all(|word| rest.any(|other| other == word));
        let mut used = is_possible.then(|| fill(message, entry, messages))??;
        used.insert(number);
        Some(used)
    };
    messages.iter().enumerate().filter_map(fill).flatten().collect()
}

/// The messages in the holes of this one if it is the entry.
fn fill(message: &[String], entry: &[String], messages: &[Vec<String>]) -> Option<BTreeSet<usize>> {
    let Some((word, others)) = message.split_first() else { return entry.is_empty().then(BTreeSet::new) };
    let longest = if word.contains('{') { entry.len() } else { 1 };
    let filled = (1..=longest.min(entry.len())).filter_map(|size| {
        let (text, rest) = entry.split_at(size);
        let text = words(hole(word, &text.join(" "))?);
        let mut used = fill(others, rest, messages)?;
        if size > 1 {
            let inner = made_of(&text, messages);
            if inner.is_empty() {
                return None;
            }
            used.extend(inner);
        }
        Some(used)
    });
    filled.reduce(|one, other| &one | &other)
}

/// True if anything of a message is not in its holes.
fn says_something(message: &str) -> bool {
    message.split(['{', '}']).step_by(2).any(|fixed| fixed.contains(char::is_alphabetic))
}

/// The messages of a program, and the entries of its section.
fn of(program: &str) -> (Vec<Found>, Vec<Term>) {
    let (_, crates) = PROGRAMS.into_iter().find(|(section, _)| *section == program).unwrap();
    let found = crates.iter().flat_map(|name| source::messages(&root().join(name).join("src")));
    let found = found.filter(|found| says_something(&found.text)).collect();
    let page = Page::read(&root().join("docs/troubleshooting.md"));
    let is_entry = |term: &Term| term.column.is_empty() || COLUMNS.contains(&term.column.as_str());
    let own =
        |term: &Term| PROGRAMS.iter().find(|(section, _)| *section == term.section).map_or("", |own| own.0);
    (found, page.terms.into_iter().filter(|term| is_entry(term) && own(term) == program).collect())
}

/// Fails for each of these messages that no entry explains.
fn assert_explained(found: &[Found], entries: &[Term]) {
    let messages: Vec<_> = found.iter().map(|found| words(&found.text)).collect();
    let explained: BTreeSet<usize> =
        entries.iter().flat_map(|entry| made_of(&words(&entry.text), &messages)).collect();
    let missing = found.iter().enumerate().filter(|(number, _)| !explained.contains(number));
    let missing = missing.map(|(_, found)| {
        format!("{}: {:?} is not explained", found.file.strip_prefix(root()).unwrap().display(), found.text)
    });
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_message_of_registers_is_explained() {
    let (mut found, entries) = of("");
    for text in NO_MESSAGES {
        assert!(found.iter().any(|found| found.text == text), "{text:?} is in the source no more");
    }
    found.retain(|found| !NO_MESSAGES.contains(&found.text.as_str()));
    assert_explained(&found, &entries);
}

#[test]
fn every_error_of_xtask_is_explained() {
    let (mut found, entries) = of("cargo xtask");
    let is_elsewhere = |found: &Found| ELSEWHERE.iter().any(|path| found.file.starts_with(root().join(path)));
    found.retain(|found| found.is_error && !is_elsewhere(found));
    assert_explained(&found, &entries);
}

/// That every message of `run` has an entry is not held: many are one system call's.
#[test]
fn what_is_explained_is_said() {
    let mut wrong = Vec::new();
    for (program, _) in PROGRAMS {
        let (mut found, entries) = of(program);
        found.retain(|found| !NO_MESSAGES.contains(&found.text.as_str()));
        let messages: Vec<_> = found.iter().map(|found| words(&found.text)).collect();
        assert!(entries.len() > 5, "{entries:?}");
        wrong.extend(entries.into_iter().filter(|entry| made_of(&words(&entry.text), &messages).is_empty()));
    }
    let wrong: Vec<&str> = wrong.iter().map(|entry| entry.text.as_str()).collect();
    assert!(wrong.is_empty(), "docs/troubleshooting.md explains what nothing says:\n{}", wrong.join("\n"));
}

#[test]
fn a_hole_is_one_word_or_a_whole_message() {
    let messages = ["cannot {} {name}: {error}", "`{0}` is bad", "stop", "denied{}{}"].map(words);
    for (text, expected) in [
        ("cannot read PATH: REASON", &[0][..]),
        ("cannot read PATH: NAME is bad", &[0, 1]),
        ("cannot read PATH: NAME is good", &[]),
        ("cannot read PATH", &[]),
        ("NAME is bad", &[1]),
        ("NAME is bad!", &[]),
        ("stop", &[2]),
        ("denied", &[3]),
        ("", &[]),
    ] {
        assert_eq!(made_of(&words(text), &messages), expected.iter().copied().collect(), "{text}");
    }
}

#[test]
fn errors_are_told_from_other_texts_by_their_place() {
    let source = r#"
        fn make() -> Hinted {
            ui.note("not an error");
            let message = format!("cannot make {}", it);
            let text = "no error either";
            Hinted::new("no such {thing}", "make a new one")
        }
        #[error("denied{}")]
        struct Denied;
        fn read() { file.with_context(|| format!("cannot read {path}")).map_err(|_| anyhow::anyhow!("it broke")) }
        #[cfg(test)]
        mod tests { fn f() { bail!("in a test") } }
    "#;
    let found = source::literals(source);
    let found: Vec<_> = found.iter().map(|(text, is_error)| (text.as_str(), *is_error)).collect();
    assert_eq!(
        found,
        [
            ("not an error", false),
            ("cannot make {}", true),
            ("no error either", false),
            ("no such {thing}", true),
            ("make a new one", false),
            ("denied{}", true),
            ("cannot read {path}", true),
            ("it broke", true),
        ]
    );
}
