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
    let is_for_tests =
        |file: &Path| file.ends_with("tests.rs") || file.to_str().unwrap().ends_with("_tests.rs");
    for file in files(dir, "rs").into_iter().filter(|file| !is_for_tests(file)) {
        let literals = literals(&fs::read_to_string(&file).unwrap());
        found.extend(literals.into_iter().map(|(text, is_error)| Found {
            text,
            file: file.clone(),
            is_error,
        }));
    }
    found
}

/// The literals in a source, each with whether it is an error.
pub(crate) fn literals(source: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    walk(source.parse().unwrap(), false, &mut found);
    found
}

/// Collects literals, each with whether it is an error; `in_error`: whether all here are.
fn walk(tokens: TokenStream, in_error: bool, found: &mut Vec<(String, bool)>) {
    let tokens =
        without(tokens, |tokens, at| is_test(tokens, at) || is_hint(tokens, at) || is_constant(tokens, at));
    let mut is_error = in_error;
    for (at, token) in tokens.iter().enumerate() {
        let before = |count: usize| at.checked_sub(count).map_or(String::new(), |at| word(&tokens, at));
        let is_attribute = before(1) == "#" || before(1) == "!" && before(2) == "#";
        match token {
            // `let message = …;`
            TokenTree::Punct(punct) if punct.as_char() == '=' => is_error |= before(1) == "message",
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_error = in_error,
            // Of attributes only thiserror's has messages.
            TokenTree::Group(group) if is_attribute && group.stream().to_string().starts_with("error") => {
                walk(group.stream(), true, found);
            }
            TokenTree::Group(group) if !is_attribute => {
                let called = if before(1) == "!" { before(2) } else { before(1) };
                if called == "new" && before(4) == HINTED {
                    let is_first = |token: &TokenTree| token.to_string() != ",";
                    let message = group.stream().into_iter().take_while(is_first).collect();
                    let hint = group.stream().into_iter().skip_while(is_first).collect();
                    walk(message, true, found);
                    walk(hint, false, found);
                } else if !OTHERS.contains(&called.as_str()) {
                    walk(group.stream(), is_error || ERRORS.contains(&called.as_str()), found);
                }
            }
            TokenTree::Literal(literal) => {
                found.extend(message(literal, is_error).map(|text| (text, is_error)));
            }
            _ => {}
        }
    }
}

/// The tokens of one level without the items that begin where `is_left_out` says.
pub(crate) fn without(
    tokens: TokenStream,
    is_left_out: impl Fn(&[TokenTree], usize) -> bool,
) -> Vec<TokenTree> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_left_out(&tokens, at) {
            at += tokens[at..].iter().take_while(|token| !ends_item(token)).count();
        } else {
            kept.push(tokens[at].clone());
        }
        at += 1;
    }
    kept
}

fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

/// True for `#[cfg(test)]`.
pub(crate) fn is_test(tokens: &[TokenTree], at: usize) -> bool {
    word(tokens, at) == "#"
        && matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.stream().to_string() == "cfg (test)")
}

fn is_hint(tokens: &[TokenTree], at: usize) -> bool {
    word(tokens, at) == "fn" && HINTS.contains(&word(tokens, at + 1).as_str())
}

/// True for `const` and `static` (not `'static`): tables, and texts that are printed as they are.
fn is_constant(tokens: &[TokenTree], at: usize) -> bool {
    ["const", "static"].contains(&word(tokens, at).as_str())
        && word(tokens, at + 1) != "fn"
        && (at == 0 || word(tokens, at - 1) != "'")
}

/// A name or a sign; empty for anything else.
fn word(tokens: &[TokenTree], at: usize) -> String {
    match tokens.get(at) {
        Some(token @ (TokenTree::Ident(_) | TokenTree::Punct(_))) => token.to_string(),
        _ => String::new(),
    }
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
