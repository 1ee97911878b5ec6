//! Links lead somewhere, and every page is in the book's table of contents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::page::{self, Page};
use crate::root;

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages: BTreeMap<PathBuf, Page> =
        page::all(&root()).into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut checked = 0;
    let mut broken = Vec::new();
    for page in pages.values() {
        for link in page.links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.path.clone(),
                file => page.path.parent().unwrap().join(file),
            };
            checked += 1;
            let Ok(target) = target.canonicalize() else {
                broken.push(format!("{}: there is no {link}", page.path.display()));
                continue;
            };
            if !target.starts_with(root()) {
                broken.push(format!("{}: {link} leads out of the repository", page.path.display()));
            }
            let is_there = anchor.is_empty()
                || pages.get(&target).is_some_and(|page| page.anchors.iter().any(|found| found == anchor));
            if !is_there {
                broken.push(format!("{}: {file} has no heading #{anchor}", page.path.display()));
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
