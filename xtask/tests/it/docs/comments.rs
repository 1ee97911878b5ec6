//! The words of doc comments, as STYLE.md wants them.

use std::fs;

use crate::docs::{files, root};

/// Openings of clauses, which say that something is there and not what it is.
const OPENINGS: [&str; 7] = ["What", "Whether", "How", "Where", "Why", "Who", "Which"];

/// Words that nobody uses for this any more.
const WORDS: [&str; 2] = ["shall", "whoever"];

#[test]
fn doc_comments_open_with_a_noun_phrase_or_a_verb() {
    let mut found = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        for path in files(&root().join(folder), "rs") {
            let place = path.strip_prefix(root()).unwrap().display().to_string();
            let lines = odd(&fs::read_to_string(path).unwrap());
            found.extend(lines.into_iter().map(|(number, line)| format!("{place}:{number}: {line}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_the_openings_of_comments_count() {
    for (text, expected) in [
        ("/// The digest of a file.\nfn f() {}\n", &[][..]),
        ("    /// Whether it is there.\n    a: bool,\n", &[(1, "Whether it is there.")]),
        ("//! How it is done.\n\nuse std::fs;\n", &[(1, "How it is done.")]),
        ("/// Its size,\n/// Where it has one.\n", &[]),
        ("/// Its size.\n///\n/// Where it has one, that is.\n", &[]),
        ("/// However it comes.\n", &[]),
        ("// What follows is no doc comment.\n", &[]),
        ("/// One that shall stay.\n", &[(1, "One that shall stay.")]),
        ("/// One for all,\n/// Whoever it is.\n", &[(2, "Whoever it is.")]),
        // Help of an option, which its user reads beside the option's name.
        ("/// Where results go\n#[arg(long)]\nto: PathBuf,\n", &[]),
    ] {
        let found = odd(text);
        let found: Vec<(usize, &str)> = found.iter().map(|(number, line)| (*number, line.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }
}

/// The lines that are not as they should be, with their numbers.
fn odd(text: &str) -> Vec<(usize, String)> {
    let comment = |line: &str| {
        let line = line.trim_start();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(text.trim().to_owned())
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut odd = Vec::new();
    let mut within = false;
    for (at, line) in lines.iter().enumerate() {
        let Some(words) = comment(line) else {
            within = false;
            continue;
        };
        let opening = words.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let next = lines[at..].iter().find(|line| comment(line).is_none());
        let is_help = next.is_some_and(|line| line.trim_start().starts_with("#[arg("));
        let mut each = words.split(|c: char| !c.is_alphanumeric());
        if !within && OPENINGS.contains(&opening) && !is_help
            || each.any(|word| WORDS.contains(&word.to_lowercase().as_str()))
        {
            odd.push((at + 1, words.clone()));
        }
        within = true;
    }
    odd
}
