//! Help texts, made at compile time.

use crate::{Block, Flag, dashes};

/// The number of bytes that [`render`] makes of `blocks`.
pub const fn length<O>(blocks: &[Block<O>]) -> usize {
    write::<O, 0>(blocks).length
}

/// The help text of `blocks`, for `N` the [`length`] of it.
pub const fn render<O, const N: usize>(blocks: &[Block<O>]) -> [u8; N] {
    let page = write::<O, N>(blocks);
    assert!(page.length == N, "the length is that of other blocks");
    page.bytes
}

/// A rendered text as what it is.
pub const fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a text of whole texts is UTF-8"),
    }
}

/// The beginning of a text, as far as there is room, and the length of the whole.
struct Page<const N: usize> {
    bytes: [u8; N],
    length: usize,
    /// The length up to the beginning of the last line.
    line: usize,
}

impl<const N: usize> Page<N> {
    const fn put(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if self.length < N {
                self.bytes[self.length] = bytes[at];
            }
            self.length += 1;
            if bytes[at] == b'\n' {
                self.line = self.length;
            }
            at += 1;
        }
    }

    /// Goes to a column of the same line, or of the next where this one is longer.
    const fn go_to(&mut self, column: usize) {
        if self.length - self.line >= column {
            self.put("\n");
        }
        while self.length - self.line < column {
            self.put(" ");
        }
    }
}

const fn write<O, const N: usize>(blocks: &[Block<O>]) -> Page<N> {
    let mut page = Page { bytes: [0; N], length: 0, line: 0 };
    let mut at = 0;
    while at < blocks.len() {
        if at > 0 {
            page.put("\n");
        }
        block(&blocks[at], &mut page);
        at += 1;
    }
    page
}

const fn block<O, const N: usize>(block: &Block<O>, page: &mut Page<N>) {
    match block {
        Block::Usage(usage) => {
            page.put("Usage: ");
            page.put(usage);
            page.put("\n");
        }
        Block::Text(text) => {
            page.put(text);
            page.put("\n");
        }
        Block::Examples { column, lines } => {
            let mut at = 0;
            while at < lines.len() {
                let (command, effect) = lines[at];
                page.put("  ");
                page.put(command);
                page.go_to(*column);
                page.put(effect);
                page.put("\n");
                at += 1;
            }
        }
        Block::Options { title, column, flags } => {
            if let Some(title) = title {
                page.put(title);
                page.put(":\n");
            }
            options(flags, *column, page);
        }
    }
}

const fn options<O, const N: usize>(flags: &[Flag<O>], column: usize, page: &mut Page<N>) {
    // Long names stand below each other, next to the letters that some have.
    let mut has_letters = false;
    let mut at = 0;
    while at < flags.len() {
        has_letters |= is_letter(&flags[at]);
        at += 1;
    }
    let mut at = 0;
    while at < flags.len() {
        let flag = &flags[at];
        let names = flag.documented();
        at += 1;
        if names.is_empty() {
            continue;
        }
        page.put(if has_letters && !is_letter(flag) { "      " } else { "  " });
        let mut place = 0;
        while place < names.len() {
            if place > 0 {
                page.put(", ");
            }
            page.put(dashes(names[place]));
            page.put(names[place]);
            place += 1;
        }
        page.put(flag.value.separator());
        page.put(flag.value.name());
        page.go_to(column);
        page.put(flag.text);
        page.put("\n");
    }
}

/// True if an option's first name is a letter.
const fn is_letter<O>(flag: &Flag<O>) -> bool {
    matches!(flag.documented(), [first, ..] if first.len() == 1)
}

#[cfg(test)]
mod tests {
    use crate::{Block, Flag, Kind, Value, length, render, text};

    #[test]
    fn blocks_become_a_text() {
        const BLOCKS: &[Block<()>] = &[
            Block::Usage("x [OPTIONS]"),
            Block::Text("Does\nthings."),
            Block::Examples { column: 8, lines: &[("x -a", "all"), ("x", "none")] },
            Block::Options {
                title: Some("First"),
                column: 24,
                flags: &[
                    Flag::new((), &["a", "all"], "all").value(Value::YesNo),
                    Flag::new((), &["json", "xml"], "data").hidden(1),
                    Flag::new((), &["i", "into"], "there").value(Value::Rest("[COMMAND [A]]", Kind::Command)),
                    Flag::new((), &["cpu"], "model").value(Value::Attached("[=M]")),
                    Flag::new((), &["hidden"], "").hidden(1),
                ],
            },
            Block::Options {
                title: None,
                column: 20,
                flags: &[Flag::new((), &["last"], "last").value(Value::One("LIST|all", Kind::Targets))],
            },
        ];
        const BYTES: [u8; length(BLOCKS)] = render(BLOCKS);
        assert_eq!(
            text(&BYTES),
            "Usage: x [OPTIONS]\n\nDoes\nthings.\n\n  x -a  all\n  x     none\n\nFirst:\n  -a, --all [yes|no]    all\n      \
             --json            data\n  -i, --into [COMMAND [A]]\n                        there\n      \
             --cpu[=M]         model\n\n  --last LIST|all   last\n"
        );
    }
}
