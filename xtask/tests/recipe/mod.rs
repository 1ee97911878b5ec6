//! A page of recipes, taken apart.

use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// A marked block of a page.
pub(crate) enum Block {
    /// A file that commands use.
    File { name: String, text: String },
    /// Commands, and the engines that they are for.
    Run {
        engines: Vec<String>,
        /// Whether it goes on where the block before has ended, and does not begin with nothing registered.
        goes_on: bool,
        steps: Vec<Step>,
    },
}

/// A command, and the lines that it prints on standard output.
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) expected: Vec<String>,
}

/// The marked blocks of a page, in its order.
pub(crate) fn blocks(path: &Path) -> Vec<Block> {
    let text = fs::read_to_string(path).unwrap();
    let mut blocks = Vec::new();
    let (mut mark, mut code) = (None, None);
    for event in Parser::new(&text) {
        match event {
            Event::Html(html) => {
                let inner = html.trim().strip_prefix("<!--").and_then(|html| html.strip_suffix("-->"));
                mark = inner.map(|inner| inner.trim().to_owned());
            }
            Event::Start(Tag::CodeBlock(_)) => code = Some(String::new()),
            Event::Text(text) => {
                if let Some(code) = &mut code {
                    code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let code = code.take().unwrap();
                blocks.extend(mark.take().and_then(|mark| Block::marked(&mark, code)));
            }
            Event::Start(Tag::Paragraph | Tag::Heading { .. }) => mark = None,
            _ => {}
        }
    }
    blocks
}

impl Block {
    fn marked(mark: &str, code: String) -> Option<Block> {
        if let Some(name) = mark.strip_prefix("file: ") {
            return Some(Block::File { name: name.to_owned(), text: code });
        }
        let (kind, engines) = mark.split_once(": ")?;
        let goes_on = match kind {
            "run" => false,
            "then" => true,
            _ => return None,
        };
        let engines = engines.split(' ').map(str::to_owned).collect();
        let mut steps: Vec<Step> = Vec::new();
        for line in code.lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { command: command.to_owned(), expected: Vec::new() });
                }
                (None, Some(step)) => step.expected.push(line.to_owned()),
                (None, None) => panic!("`{line}` comes before any command"),
            }
        }
        Some(Block::Run { engines, goes_on, steps })
    }
}

impl Step {
    /// Whether `printed` is what is expected. `…` alone is any number of lines, and in a line any text.
    pub(crate) fn expects(&self, printed: &str) -> bool {
        let lines: Vec<&str> = printed.lines().collect();
        fits(&self.expected, &lines)
    }
}

fn fits(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => (0..=lines.len()).any(|skip| fits(rest, &lines[skip..])),
        Some((first, rest)) => lines.split_first().is_some_and(|(line, others)| {
            let same = match first.split_once('…') {
                Some((before, after)) => line.starts_with(before) && line.ends_with(after),
                None => first == line,
            };
            same && fits(rest, others)
        }),
    }
}
