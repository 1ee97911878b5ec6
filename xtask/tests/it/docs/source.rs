//! The messages in a program's source: every string literal of several words that is not something else.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

use super::files;

/// Calls whose literals are data, what to do, or for developers: not messages.
const OTHERS: [&str; 10] = [
    "hint",
    "line",
    "text",
    "expect",
    "assert",
    "assert_eq",
    "debug_assert",
    "unreachable",
    "panic",
    "cfg_attr",
];

/// Functions that give what to do.
const HINTS: [&str; 2] = ["hint", "elsewhere"];

/// Calls whose literals are errors, or say what was tried when one came.
const ERRORS: [&str; 5] = ["anyhow", "bail", "ensure", "context", "with_context"];

/// The error of xtask whose first argument is the message, and the second what to do.
const HINTED: &str = "Hinted";

/// A literal, and where it is.
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) file: PathBuf,
    /// True if it is an error, as far as its place shows.
    pub(crate) is_error: bool,
}

/// The literals below `dir`, without tests.
pub(crate) fn messages(dir: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let is_for_tests = |name: &str| name.ends_with("_tests.rs") || name == "tests.rs";
    for file in files(dir, "rs") {
        if is_for_tests(file.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut literals = Vec::new();
        walk(tokens, false, &mut literals);
        let with_file = |(text, is_error)| Found { text, file: file.clone(), is_error };
        found.extend(literals.into_iter().map(with_file));
    }
    found
}

/// Collects literals, each with whether it is an error; `in_error`: whether all here are.
fn walk(tokens: TokenStream, in_error: bool, found: &mut Vec<(String, bool)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let ident = |place: usize| match tokens.get(place) {
        Some(TokenTree::Ident(ident)) => ident.to_string(),
        _ => String::new(),
    };
    let (mut place, mut in_message) = (0, false);
    while let Some(token) = tokens.get(place) {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                // An attribute: of these only thiserror's has messages, and only tests are left out by one.
                let at = place + 1 + usize::from(is_punct(tokens.get(place + 1), '!'));
                if let Some(TokenTree::Group(group)) = tokens.get(at) {
                    let attribute = group.stream().to_string();
                    if attribute.starts_with("error") {
                        walk(group.stream(), true, found);
                    } else if attribute == "cfg (test)" {
                        // Up to the end of what it is on.
                        while !ends_item(tokens.get(at.max(place))) && place < tokens.len() {
                            place += 1;
                        }
                    }
                }
                place = place.max(at);
            }
            TokenTree::Ident(name) if name == "fn" && HINTS.contains(&ident(place + 1).as_str()) => {
                while !matches!(tokens.get(place), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
                {
                    place += 1;
                }
            }
            // `const` and `static` (not `'static`): tables, and texts that are printed as they are.
            TokenTree::Ident(name)
                if (name == "const" || name == "static")
                    && ident(place + 1) != "fn"
                    && !is_punct(place.checked_sub(1).and_then(|before| tokens.get(before)), '\'') =>
            {
                while place < tokens.len() && !is_punct(tokens.get(place), ';') {
                    place += 1;
                }
            }
            // `let message = …;`
            TokenTree::Ident(name) if name == "message" && is_punct(tokens.get(place + 1), '=') => {
                in_message = true;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => in_message = false,
            TokenTree::Group(group) => {
                let before = place.checked_sub(1).map(|before| {
                    if is_punct(tokens.get(before), '!') { before.saturating_sub(1) } else { before }
                });
                let called = before.map(ident).unwrap_or_default();
                let of = place.checked_sub(4).map(ident).unwrap_or_default();
                let is_error = in_error || in_message || ERRORS.contains(&called.as_str());
                if called == "new" && of == HINTED {
                    let (message, hint) = arguments(group.stream());
                    walk(message, true, found);
                    walk(hint, false, found);
                } else if !OTHERS.contains(&called.as_str()) {
                    walk(group.stream(), is_error, found);
                }
            }
            TokenTree::Literal(literal) => {
                let is_error = in_error || in_message;
                found.extend(message(literal, is_error).map(|text| (text, is_error)));
            }
            _ => {}
        }
        place += 1;
    }
}

/// The first of several arguments, and the others.
fn arguments(all: TokenStream) -> (TokenStream, TokenStream) {
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for token in all {
        let is_later = !others.is_empty() || is_punct(Some(&token), ',');
        if is_later { &mut others } else { &mut first }.push(token);
    }
    (first.into_iter().collect(), others.into_iter().collect())
}

pub(crate) fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

pub(crate) fn ends_item(token: Option<&TokenTree>) -> bool {
    is_punct(token, ';')
        || matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
}

/// A literal that is a string of several words, or an error with holes, with its escapes undone.
fn message(literal: &Literal, is_error: bool) -> Option<String> {
    let text = literal.to_string();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut rest = inner.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, if letter == '\\' { rest.next() } else { None }) {
            ('\\', Some('\n')) => while rest.next_if(|next| next.is_whitespace()).is_some() {},
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(escaped)) => plain.push(escaped),
            (letter, _) => plain.push(letter),
        }
    }
    let is_word = |word: &&str| word.starts_with('{') || word.chars().any(char::is_alphabetic);
    let own = plain.split_whitespace().any(|word| !word.contains('{') && is_word(&word));
    (is_error && plain.contains('{') || own && plain.split_whitespace().filter(is_word).count() >= 2)
        .then_some(plain)
}
