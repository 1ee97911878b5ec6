//! The cache: what is in it, how large it may be, and whether it is whole.
//!
//! An [`Entry`] is what is made, used and removed as a whole. What was not used for the longest time goes first.

mod bound;
mod check;
mod entries;
mod limit;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use base::{Hinted, count, size};
use debian::{Cache, Progress};
use serde::Serialize;
use sha256::Digest;

use bound::Bound;
use entries::{Entry, Folder};
pub use limit::{Limit, NoSize};

/// One folder, as `--json` prints it.
#[derive(Debug, Serialize)]
struct FolderJson {
    folder: &'static str,
    entries: usize,
    bytes: u64,
    /// When the entry that was not used for the longest time was used.
    oldest_use: Option<String>,
}

#[derive(Debug, Serialize)]
struct ListJson {
    cache: String,
    /// Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    bytes: u64,
    folders: Vec<FolderJson>,
}

#[derive(Debug, Serialize)]
struct PruneJson {
    entries: usize,
    bytes: u64,
    left: u64,
}

#[derive(Debug, Serialize)]
struct VerifyJson {
    checked: usize,
    unchecked: usize,
    removed: Vec<String>,
}

/// Makes room again after a run that began at `since` and has put something into the cache, and says so if anything had to go.
/// Without a limit of the user's, the default holds.
pub fn bound(
    cache: &Cache,
    limit: Option<Limit>,
    since: SystemTime,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    if let Bound::Removed { entries, bytes, .. } = bound::bound(cache, limit.unwrap_or_default(), since)?
        && entries > 0
    {
        let entries = count(entries, "least recently used entry", "least recently used entries");
        progress.note(&format!("removed {entries} from the cache ({})", size(bytes)));
    }
    Ok(())
}

/// The contents of each folder of the cache `dir`, as a table or as JSON.
pub fn list(dir: &Path, limit: Limit, as_json: bool) -> anyhow::Result<String> {
    let entries = entries::list(dir)?;
    let bytes = entries.iter().map(|entry| entry.bytes).sum();
    let folders: Vec<FolderJson> = Folder::ALL.iter().map(|folder| summary(*folder, &entries)).collect();
    if as_json {
        let limit = (limit != Limit::NONE).then(|| limit.bytes());
        return json(&ListJson { cache: dir.display().to_string(), limit, bytes, folders });
    }
    let mut rows = vec![["FOLDER", "ENTRIES", "SIZE", "OLDEST USE"].map(str::to_owned)];
    rows.extend(folders.into_iter().map(|folder| {
        let used = folder.oldest_use.unwrap_or_else(|| "-".to_owned());
        [folder.folder.to_owned(), folder.entries.to_string(), size(folder.bytes), used]
    }));
    Ok(format!("{}\n{}: {} of {limit}\n", base::table(&rows), dir.display(), size(bytes)))
}

fn summary(folder: Folder, entries: &[Entry]) -> FolderJson {
    let there = || entries.iter().filter(|entry| entry.folder == folder);
    let oldest = there().map(|entry| entry.used).min();
    let second = |time: SystemTime| {
        let round = jiff::TimestampRound::new().smallest(jiff::Unit::Second);
        jiff::Timestamp::try_from(time).and_then(|time| time.round(round)).ok()
    };
    FolderJson {
        folder: folder.name(),
        entries: there().count(),
        bytes: there().map(|entry| entry.bytes).sum(),
        oldest_use: oldest.and_then(second).map(|time| time.to_string()),
    }
}

/// Makes room in the cache `dir`; reports what went, and what is left. Fails if another process uses it.
pub fn prune(dir: &Path, limit: Limit, as_json: bool) -> anyhow::Result<String> {
    let cache = Cache::open(dir)?;
    match bound::bound(&cache, limit, SystemTime::now())? {
        Bound::InUse => Err(in_use(&cache)),
        Bound::Removed { entries, bytes, left } if as_json => json(&PruneJson { entries, bytes, left }),
        Bound::Removed { entries, bytes, left } => {
            let over = match left > limit.bytes() {
                true => "; what is over the limit is locked by other processes",
                false => "",
            };
            let entries = count(entries, "entry", "entries");
            Ok(format!("removed {entries} ({}); {} of {limit} left{over}\n", size(bytes), size(left)))
        }
    }
}

/// Hashes all that has a digest in the cache `dir`, and removes what is damaged; reports what was checked.
pub fn verify(dir: &Path, as_json: bool, progress: &dyn Progress) -> anyhow::Result<String> {
    let cache = Cache::open(dir)?;
    let Some(_alone) = cache.alone()? else { return Err(in_use(&cache)) };
    let (mut checked, mut unchecked, mut removed) = (0, 0, Vec::new());
    let entries = entries::list(dir)?;
    let done = progress.count(&format!("verifying {}", dir.display()), entries.len() as u64);
    let memos = entries::memos(&entries);
    for entry in &entries {
        done.advance(1);
        let path = entry.path.display();
        match check::is_sound(entry).with_context(|| format!("cannot read {path}"))? {
            None => unchecked += 1,
            Some(true) => checked += 1,
            Some(false) => {
                checked += 1;
                // The layout may have the same damage, which the memo of a layer would hide from the next build.
                for memo in layer_memos(entry, &memos) {
                    bound::remove(memo).with_context(|| format!("cannot remove {}", memo.path.display()))?;
                }
                bound::remove(entry).with_context(|| format!("cannot remove {path}"))?;
                progress.warn(&format!("removed {path}: it has changed since it was made"));
                removed.push(path.to_string());
            }
        }
    }
    drop(done);
    if as_json {
        return json(&VerifyJson { checked, unchecked, removed });
    }
    Ok(verified(checked, removed.len(), unchecked))
}

/// The last line of `verify`.
fn verified(checked: usize, removed: usize, unchecked: usize) -> String {
    let checked = count(checked, "entry", "entries");
    let have = count(unchecked, "has", "have");
    format!("{checked} checked, {removed} of them damaged and removed; {have} no digest to check\n")
}

/// The memos of the layer that a blob is.
fn layer_memos<'a>(entry: &Entry, memos: &BTreeMap<Digest, Vec<&'a Entry>>) -> Vec<&'a Entry> {
    match entry.folder {
        Folder::Blobs => entries::digest(&entry.path).and_then(|digest| memos.get(&digest)).cloned(),
        _ => None,
    }
    .unwrap_or_default()
}

fn json<T: Serialize>(value: &T) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn in_use(cache: &Cache) -> anyhow::Error {
    let message = format!("another process is using the cache {}", cache.dir().display());
    Hinted::new(message, "wait until it has ended; a build makes room by itself when it ends").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_is_no_entries() {
        for (numbers, expected) in [
            ([1, 0, 1], "1 entry checked, 0 of them damaged and removed; 1 has no digest to check\n"),
            ([2, 1, 0], "2 entries checked, 1 of them damaged and removed; 0 have no digest to check\n"),
        ] {
            let [checked, removed, unchecked] = numbers;
            assert_eq!(verified(checked, removed, unchecked), expected);
        }
    }
}
