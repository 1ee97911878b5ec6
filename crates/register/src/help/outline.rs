//! A help text taken apart again: the text is the only list of options, and everything else that lists them is made
//! from it.
//!
//! Blocks are separated by empty lines. Options begin with two spaces and a dash, or stand under a longer name with six
//! spaces; two spaces end their spelling. Other lines with two spaces are examples.

/// A paragraph of a help text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The command line, after `Usage: `.
    Usage(&'static str),
    /// Sentences.
    Text(String),
    /// Command lines, each with what it does.
    Examples(Vec<(&'static str, &'static str)>),
    /// Options that belong together.
    Options {
        /// The heading above them, without its colon.
        title: Option<&'static str>,
        /// In the order of the text.
        options: Vec<Opt>,
    },
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opt {
    /// Its spellings, each with its dashes.
    pub names: Vec<&'static str>,
    /// The value after it: `DIR`, `[yes|no]`.
    pub value: Option<&'static str>,
    /// Its effect.
    pub text: String,
}

/// The blocks of a help text, in its order.
pub fn blocks(help: &'static str) -> Vec<Block> {
    help.trim_end().split("\n\n").map(block).collect()
}

fn block(text: &'static str) -> Block {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(usage) = text.strip_prefix("Usage: ") {
        return Block::Usage(usage);
    }
    if is_option(first) {
        return Block::Options { title: None, options: options(text) };
    }
    match first.strip_suffix(':') {
        Some(title) if rest.lines().next().is_some_and(is_option) => {
            Block::Options { title: Some(title), options: options(rest) }
        }
        _ if text.lines().all(|line| line.starts_with("  ")) => {
            Block::Examples(text.lines().map(|line| columns(line.trim_start())).collect())
        }
        _ => Block::Text(text.replace('\n', " ")),
    }
}

fn is_option(line: &str) -> bool {
    line.starts_with("  ") && line.trim_start().starts_with('-')
}

fn options(text: &'static str) -> Vec<Opt> {
    let mut options: Vec<Opt> = Vec::new();
    for line in text.lines() {
        let line_text = match options.last_mut() {
            Some(option) if !is_option(line) => {
                if !option.text.is_empty() {
                    option.text.push(' ');
                }
                option.text.push_str(line.trim());
                continue;
            }
            _ => line.trim_start(),
        };
        let (spelling, text) = columns(line_text);
        let mut names = Vec::new();
        let mut value = spelling;
        while value.starts_with('-') {
            let (name, rest) = value.split_once(' ').unwrap_or((value, ""));
            names.push(name.trim_end_matches(','));
            value = rest;
        }
        options.push(Opt {
            names,
            value: Some(value).filter(|value| !value.is_empty()),
            text: text.to_owned(),
        });
    }
    options
}

/// The texts left and right of the first gap of two spaces or more.
fn columns(line: &'static str) -> (&'static str, &'static str) {
    line.split_once("  ").map_or((line, ""), |(left, right)| (left, right.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_apart_into_its_blocks() {
        let text = "Usage: x [OPTIONS]\n\nDoes\nthings.\n\n  x -a  all\n  x     none\n\nFirst:\n  -a, --all [yes|no]  all\n      \
             --json          data\n  -i, --into [A [B]]\n                      there\n                      and back\n\n  \
             --last LIST|all  the last\n\nThe end.\n";
        let opt = |names: &[&'static str], value, text: &str| Opt {
            names: names.to_vec(),
            value,
            text: text.to_owned(),
        };
        assert_eq!(
            blocks(text),
            [
                Block::Usage("x [OPTIONS]"),
                Block::Text("Does things.".to_owned()),
                Block::Examples(vec![("x -a", "all"), ("x", "none")]),
                Block::Options {
                    title: Some("First"),
                    options: vec![
                        opt(&["-a", "--all"], Some("[yes|no]"), "all"),
                        opt(&["--json"], None, "data"),
                        opt(&["-i", "--into"], Some("[A [B]]"), "there and back"),
                    ]
                },
                Block::Options { title: None, options: vec![opt(&["--last"], Some("LIST|all"), "the last")] },
                Block::Text("The end.".to_owned()),
            ]
        );
    }

    #[test]
    fn the_real_texts_have_nothing_that_is_left_over() {
        for help in [crate::help::REGISTER, crate::help::BINFMT] {
            let found = blocks(help);
            let options = found.iter().filter_map(|block| match block {
                Block::Options { options, .. } => Some(options),
                _ => None,
            });
            for option in options.flatten() {
                assert!(!option.names.is_empty() && !option.text.is_empty(), "{option:?}");
            }
            // Each word of the text is in a block.
            let shown = format!("{found:?}");
            for word in help.split_whitespace() {
                let word = word.trim_end_matches([',', ':']);
                assert!(shown.contains(&format!("{word:?}")[1..=word.len()]), "{word}: {shown}");
            }
        }
    }
}
