//! The blocks of a help text as parts of a manual page.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use usage::{Block, Flag};

/// A page called `title`, with what `help` says of the program: its line for whatis(1) is `name`.
pub(crate) fn page<O: Copy>(title: &str, name: &str, help: &[Block<O>]) -> Roff {
    let mut page = Roff::new();
    page.control("TH", [title, "1", "", concat!("qus ", env!("CARGO_PKG_VERSION")), "qus"]);
    text("NAME", name, &mut page);
    let (options, rest): (Vec<_>, Vec<_>) =
        help.iter().copied().partition(|block| matches!(block, Block::Options { .. }));
    let (usage, rest) = rest.split_at(1);
    for (title, blocks) in [("SYNOPSIS", usage), ("DESCRIPTION", rest), ("OPTIONS", &options)] {
        section(title, blocks, &mut page);
    }
    page
}

/// A section with one text.
pub(crate) fn text(title: &str, words: &str, page: &mut Roff) {
    page.control("SH", [title]);
    page.text([roman(words)]);
}

/// The section on variables.
pub(crate) fn environment(variables: &[(&str, &str)], page: &mut Roff) {
    page.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in variables {
        page.control("TP", []).text([bold(*name)]).text([roman(*meaning)]);
    }
}

/// A section with `blocks`.
pub(crate) fn section<O: Copy>(title: &str, blocks: &[Block<O>], page: &mut Roff) {
    page.control("SH", [title]);
    for (place, block) in blocks.iter().enumerate() {
        if place > 0 && matches!(block, Block::Text(_)) {
            page.control("PP", []);
        }
        paragraph(block, page);
    }
}

fn synopsis(usage: &str, page: &mut Roff) {
    let (program, rest) = usage.split_once(' ').unwrap_or((usage, ""));
    page.text([bold(program), roman(" "), roman(rest)]);
}

fn paragraph<O: Copy>(block: &Block<O>, page: &mut Roff) {
    match block {
        Block::Usage(usage) => synopsis(usage, page),
        Block::Text(text) => {
            page.text([roman(text.replace('\n', " "))]);
        }
        Block::Examples { lines, .. } => {
            for (command, what) in *lines {
                page.control("TP", []).text([bold(*command)]).text([roman(*what)]);
            }
        }
        Block::Options { title, flags, .. } => {
            if let Some(title) = title {
                page.control("SS", [*title]);
            }
            for flag in *flags {
                if flag.documented().is_empty() {
                    continue;
                }
                page.control("TP", []).text(spelling(flag)).text([roman(meaning(flag))]);
            }
        }
    }
}

/// An option's text. What the help calls "this text" is not the text that a reader of a page has in front of him.
pub(crate) fn meaning<O>(flag: &Flag<O>) -> String {
    flag.text.replacen("this text", "print a short help text", 1)
}

fn spelling<O: Copy>(flag: &Flag<O>) -> Vec<Inline> {
    let mut words = Vec::new();
    for name in flag.spellings() {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.push(bold(name));
    }
    if !flag.value.name().is_empty() {
        words.extend([roman(flag.value.separator()), italic(flag.value.name())]);
    }
    words
}
