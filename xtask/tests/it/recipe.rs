//! Pages of recipes, taken apart.

pub(crate) mod ci;
pub(crate) mod kubernetes;
pub(crate) mod machine;
pub(crate) mod reader;

use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// A block of code in a page.
pub(crate) struct Block {
    /// The heading of the second level above it.
    pub(crate) section: String,
    pub(crate) kind: Kind,
}

/// The meaning of the mark before a block.
pub(crate) enum Kind {
    /// `file: NAME`, which commands or other programs read.
    File { name: String, text: String },
    /// `run: ENGINE…`, `then: ENGINE…` or `boot: ENGINE…`: commands.
    Run { engines: Vec<String>, begin: Begin, steps: Vec<Step> },
    /// `not run`.
    NotRun,
    /// None.
    Unmarked { text: String },
}

/// The way that commands find the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With nothing registered.
    Fresh,
    /// As the commands before have left it.
    Then,
    /// The same, but booted again.
    Boot,
}

/// A command, and the lines that it prints on standard output.
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) expected: Vec<String>,
}

/// The blocks of a page, in its order.
pub(crate) fn blocks(path: &Path) -> Vec<Block> {
    parse(&fs::read_to_string(path).unwrap())
}

fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut mark, mut code, mut heading, mut section) = (None, None, None, String::new());
    for event in Parser::new(text) {
        match event {
            Event::Html(html) => {
                let inner = html.trim().strip_prefix("<!--").and_then(|html| html.strip_suffix("-->"));
                mark = inner.map(|inner| inner.trim().to_owned());
            }
            Event::Start(Tag::CodeBlock(_)) => code = Some(String::new()),
            Event::Text(text) => {
                if let Some(code) = &mut code {
                    code.push_str(&text);
                } else if let Some(heading) = &mut heading {
                    *heading += &*text;
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let kind = Kind::marked(mark.take().as_deref(), code.take().unwrap());
                blocks.push(Block { section: section.clone(), kind });
            }
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                (mark, heading) = (None, Some(String::new()));
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => section = heading.take().unwrap(),
            Event::Start(Tag::Paragraph | Tag::Heading { .. }) => mark = None,
            _ => {}
        }
    }
    blocks
}

impl Kind {
    fn marked(mark: Option<&str>, code: String) -> Kind {
        let Some(mark) = mark else { return Kind::Unmarked { text: code } };
        if mark == "not run" {
            return Kind::NotRun;
        }
        match mark.split_once(": ") {
            Some(("file", name)) => Kind::File { name: name.to_owned(), text: code },
            Some(("run", engines)) => Kind::run(engines, Begin::Fresh, &code),
            Some(("then", engines)) => Kind::run(engines, Begin::Then, &code),
            Some(("boot", engines)) => Kind::run(engines, Begin::Boot, &code),
            _ => Kind::Unmarked { text: code },
        }
    }

    fn run(engines: &str, begin: Begin, code: &str) -> Kind {
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
        Kind::Run { engines: engines.split(' ').map(str::to_owned).collect(), begin, steps }
    }
}

impl Step {
    /// True if `printed` is what is expected. `…` alone is any number of lines, and in a line any text.
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
