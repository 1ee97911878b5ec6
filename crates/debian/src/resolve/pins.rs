//! The descriptions of the sources that packages are built from, by digest.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};

use super::archive::Archive;
use super::{AT_ONCE, Error};
use crate::about::Source;
use crate::lock::{Dsc, Inconsistent, Lock};

/// The descriptions of the sources that are `wanted` of each suite.
///
/// An archive keeps the sources of its packages and of their `Built-Using`, and need not keep those of `Static-Built-Using`: what a
/// suite no longer has, the lock before may still know, since a version never becomes another source. What neither has is left out,
/// with a warning.
pub(super) async fn of(
    archive: &Archive<'_>,
    wanted: BTreeMap<String, BTreeSet<Source>>,
    previous: Option<&Lock>,
) -> Result<BTreeMap<Source, Dsc>, Error> {
    let read = |(suite, wanted): (String, BTreeSet<Source>)| async move {
        archive.sources(&suite, wanted.clone()).await.map(|found| (suite, wanted, found))
    };
    let mut read =
        stream::iter(wanted.into_iter().filter(|(_, wanted)| !wanted.is_empty())).map(read).buffered(AT_ONCE);
    let mut pinned: BTreeMap<Source, Dsc> = BTreeMap::new();
    while let Some(result) = read.next().await {
        let (suite, wanted, found) = result?;
        let has_list = found.is_some();
        let mut found = found.unwrap_or_default();
        let mut lacking = Vec::new();
        for source in wanted {
            let dsc = found.remove(&source);
            match dsc.or_else(|| previous?.sources().get(&source).cloned()) {
                None => lacking.push(format!("`{}` {}", source.name, source.version)),
                Some(dsc) if pinned.get(&source).is_some_and(|other| *other != dsc) => {
                    return Err(Inconsistent::SourceTwice(source).into());
                }
                Some(dsc) => drop(pinned.insert(source, dsc)),
            }
        }
        if !lacking.is_empty() {
            let what = if has_list { "`Sources` has no" } else { "InRelease lists no `Sources`, and so no" };
            let lacking = lacking.join(", ");
            archive
                .progress
                .warn(&format!("warning: `{suite}`: its {what} {lacking}: the lock has no digest of that"));
        }
    }
    Ok(pinned)
}
