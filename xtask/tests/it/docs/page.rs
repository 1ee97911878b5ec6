//! A page of the documentation, as its reader sees it.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The parts of a page that tests ask for.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    /// The headings' anchors, as GitHub and mdBook make them.
    pub(crate) anchors: Vec<String>,
    /// The targets of links and images.
    pub(crate) links: Vec<String>,
    /// Code in headings of the third level, and in the first column of tables: the table's first heading with it.
    pub(crate) terms: Vec<Term>,
    pub(crate) blocks: Vec<Block>,
}

/// A block of code.
pub(crate) struct Block {
    /// The heading of the second level above it.
    pub(crate) section: String,
    /// The text of the comment right before it; empty if there is none.
    pub(crate) mark: String,
    pub(crate) text: String,
}

/// Something that the page explains.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) text: String,
    /// The heading of the second level above it.
    pub(crate) section: String,
    /// The heading of the first column of its table; empty in headings.
    pub(crate) column: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Page {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut page = Page { path: path.to_owned(), ..Page::default() };
        page.parse(&text);
        page
    }

    fn parse(&mut self, text: &str) {
        let (mut heading, mut section, mut column) = (None, String::new(), String::new());
        let (mut in_head, mut cell, mut words, mut mark) = (false, 0, String::new(), String::new());
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Html(html) => mark = html.trim().trim_matches(['<', '>', '!', '-', ' ']).to_owned(),
                Event::Start(Tag::Paragraph) => mark.clear(),
                Event::Start(Tag::CodeBlock(_)) => words.clear(),
                Event::End(TagEnd::CodeBlock) => {
                    let (mark, text) = (mem::take(&mut mark), mem::take(&mut words));
                    self.blocks.push(Block { section: section.clone(), mark, text });
                }
                Event::Start(Tag::Heading { level, .. }) => {
                    (heading, words, mark) = (Some(level), String::new(), String::new());
                }
                Event::End(TagEnd::Heading(level)) => {
                    self.anchors.push(self.anchor(&words));
                    if level == HeadingLevel::H2 {
                        section.clone_from(&words);
                    }
                    heading = None;
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    self.links.push(dest_url.into_string());
                }
                Event::Start(Tag::TableHead) => (in_head, cell, words) = (true, 0, String::new()),
                Event::Start(Tag::TableRow) => cell = 0,
                Event::End(TagEnd::TableHead) => in_head = false,
                Event::End(TagEnd::TableCell) => {
                    if in_head && cell == 0 {
                        column.clone_from(&words);
                    }
                    cell += 1;
                }
                Event::End(TagEnd::Table) => cell = usize::MAX,
                Event::Text(text) => words.push_str(&text),
                Event::Code(code) => {
                    words.push_str(&code);
                    let (text, section) = (code.trim().to_owned(), section.clone());
                    if heading == Some(HeadingLevel::H3) {
                        self.terms.push(Term { text, section, column: String::new() });
                    } else if heading.is_none() && cell == 0 && !in_head && !column.is_empty() {
                        self.terms.push(Term { text, section, column: column.clone() });
                    }
                }
                _ => {}
            }
        }
    }

    /// Lower case, spaces as dashes, without other signs; a number tells equal ones apart.
    fn anchor(&self, heading: &str) -> String {
        let kept = heading.to_lowercase().replace(' ', "-");
        let plain: String = kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let same = |anchor: &&String| {
            anchor.strip_prefix(&plain).is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok())
            })
        };
        match self.anchors.iter().filter(same).count() {
            0 => plain,
            number => format!("{plain}-{number}"),
        }
    }
}

/// Every page below `docs`, and those at the top.
pub(crate) fn all(root: &Path) -> Vec<Page> {
    let mut files = super::files(&root.join("docs"), "md");
    files.extend(["README.md", "ARCHITECTURE.md", "STYLE.md", "CHANGELOG.md"].map(|name| root.join(name)));
    files.sort();
    files.iter().map(|path| Page::read(path)).collect()
}
