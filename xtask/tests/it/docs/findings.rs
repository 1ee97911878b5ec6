//! Every finding of `lock --check` has a row in docs/maintaining.md, and every row is a finding.

use std::collections::BTreeSet;

use debian::resolve::Kind;

use super::page::Page;
use super::root;

#[test]
fn every_finding_has_a_row() {
    let page = Page::read(&root().join("docs/maintaining.md"));
    let rows = page.terms.iter().filter(|term| term.column == "finding").map(|term| term.text.as_str());
    let rows: Vec<&str> = rows.collect();
    let names: BTreeSet<&str> = Kind::NAMES.iter().copied().collect();
    assert_eq!(names.len(), Kind::NAMES.len(), "two kinds have one name: {:?}", Kind::NAMES);
    assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), names);
    assert_eq!(rows.len(), names.len(), "a finding has two rows: {rows:?}");
}
