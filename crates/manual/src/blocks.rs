//! The blocks of a help text as parts of a manual page.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use register::help::outline::{Block, Opt};

/// A section with `blocks`.
pub(crate) fn section(title: &str, blocks: &[Block], page: &mut Roff) {
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

fn paragraph(block: &Block, page: &mut Roff) {
    match block {
        Block::Usage(usage) => synopsis(usage, page),
        Block::Text(text) => {
            page.text([roman(text.as_str())]);
        }
        Block::Examples(lines) => {
            for (command, what) in lines {
                page.control("TP", []).text([bold(*command)]).text([roman(*what)]);
            }
        }
        Block::Options { title, options } => {
            if let Some(title) = title {
                page.control("SS", [*title]);
            }
            for option in options {
                page.control("TP", []).text(spelling(option)).text([roman(meaning(option))]);
            }
        }
    }
}

/// An option's text. What the help calls "this text" is not the text that a reader of a page has in front of him.
pub(crate) fn meaning(option: &Opt) -> String {
    option.text.replacen("this text", "print a short help text", 1)
}

fn spelling(option: &Opt) -> Vec<Inline> {
    let mut words = Vec::new();
    for name in &option.names {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.push(bold(*name));
    }
    if let Some(value) = option.value {
        words.push(roman(" "));
        words.push(italic(value));
    }
    words
}
