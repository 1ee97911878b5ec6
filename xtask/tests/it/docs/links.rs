//! Links lead somewhere, and every page is in the book's table of contents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::page::{self, Page};
use super::root;

/// The links of the book's pages to files outside of it.
const REPOSITORY: &str = "https://github.com/dbhi/qus/blob/main/";

/// The file that a link is to, and the heading in it; `None` if it is to somewhere else.
fn target<'a>(page: &Page, link: &'a str) -> Option<(PathBuf, &'a str)> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    if let Some(file) = file.strip_prefix(REPOSITORY) {
        return Some((root().join(file), anchor));
    }
    match file {
        _ if file.contains("://") || file.starts_with("mailto:") => None,
        "" => Some((page.path.clone(), anchor)),
        _ => Some((page.path.parent().unwrap().join(file), anchor)),
    }
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages: BTreeMap<PathBuf, Page> =
        page::all(&root()).into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut checked = 0;
    let mut broken = Vec::new();
    for page in pages.values() {
        let in_book = page.path.starts_with(root().join("docs"));
        for link in &page.links {
            let Some((target, anchor)) = target(page, link) else { continue };
            checked += 1;
            let Ok(target) = target.canonicalize() else {
                broken.push(format!("{}: there is no {link}", page.path.display()));
                continue;
            };
            if in_book && !link.starts_with(REPOSITORY) && !target.starts_with(root().join("docs")) {
                broken.push(format!("{}: {link} is not in the book: {REPOSITORY}…", page.path.display()));
            }
            let is_there = anchor.is_empty()
                || pages.get(&target).is_some_and(|page| page.anchors.iter().any(|found| found == anchor));
            if !is_there {
                broken.push(format!("{}: there is no heading for {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(checked > 50, "{checked} links: were the pages read?");
}

#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = Page::read(&docs.join("SUMMARY.md"));
    for page in page::all(&root()).iter().filter(|page| page.path.starts_with(&docs)) {
        let name = page.path.strip_prefix(&docs).unwrap().to_str().unwrap();
        assert!(
            name == "SUMMARY.md" || summary.links.iter().any(|link| link == name),
            "{name} is not in SUMMARY.md"
        );
    }
}
