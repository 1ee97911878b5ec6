//! The tags that never move, as a registry was seen to have them. Another push that finds nothing to do need not ask for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use publish::registry::Push;
use sha256::Digest;

use crate::build::memo::{Key, Memo};

/// The time for which what was seen counts, in seconds: somebody may have removed a tag since, or moved it all the same.
const FRESH: u64 = 24 * 60 * 60;

/// The tags of one repository.
pub struct Seen {
    memo: Memo,
    key: Key,
    /// The digest of each, and the moment.
    tags: BTreeMap<String, (Digest, u64)>,
    now: u64,
}

impl Seen {
    /// Those that the cache knows of `repository`, and that are fresh `now`.
    pub fn open(cache_dir: &Path, repository: &str, now: SystemTime) -> anyhow::Result<Seen> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (memo, key) = (Memo::open(cache_dir)?, Key::new(["tags that never move", repository]));
        let mut tags: BTreeMap<String, (Digest, u64)> = memo.note(&key).unwrap_or_default();
        tags.retain(|_, (_, seen)| now.checked_sub(*seen).is_some_and(|age| age < FRESH));
        Ok(Seen { memo, key, tags, now })
    }

    /// The digest of each.
    pub fn tags(&self) -> BTreeMap<String, Digest> {
        self.tags.iter().map(|(tag, (digest, _))| (tag.clone(), *digest)).collect()
    }

    /// Adds those of a push that is done. One that was known keeps its moment, since it may not have been asked for.
    pub fn add(&mut self, pushed: &[Push]) {
        let before = self.tags.clone();
        for push in pushed.iter().filter(|push| push.fixed) {
            let Some(tag) = &push.tag else { continue };
            let digest = push.descriptor.digest;
            if self.tags.get(tag).is_none_or(|(known, _)| *known != digest) {
                self.tags.insert(tag.clone(), (digest, self.now));
            }
        }
        if self.tags != before {
            // Not to remember costs only time.
            drop(self.memo.put_note(&self.key, &self.tags));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oci::spec::{Descriptor, media_type};

    use super::*;

    #[test]
    fn a_tag_counts_for_a_day_after_it_was_seen() {
        let cache = tempfile::tempdir().unwrap();
        let at = |hours: u64, repository: &str| {
            let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000 + hours * 60 * 60);
            Seen::open(cache.path(), repository, now).unwrap()
        };
        let push = |tag: &str, text: &str, fixed| {
            let descriptor = Descriptor::new(media_type::INDEX, Digest::of(text.as_bytes()), 1);
            Push { tag: Some(tag.to_owned()), fixed, descriptor }
        };
        let tags = |hours, repository| {
            at(hours, repository).tags().into_iter().map(|(tag, digest)| (tag, digest == Digest::of(b"a")))
        };
        let check = |hours, expected: &[(&str, bool)]| {
            let expected = expected.iter().map(|(tag, is_a)| ((*tag).to_owned(), *is_a));
            assert!(tags(hours, "r.io/x").eq(expected), "{hours}");
            assert_eq!(tags(hours, "r.io/y").count(), 0);
        };
        check(0, &[]);
        at(0, "r.io/x").add(&[push("1.0.0", "a", true), push("latest", "a", false)]);
        check(0, &[("1.0.0", true)]);
        // Seen again, but maybe not asked for.
        at(1, "r.io/x").add(&[push("1.0.0", "a", true), push("1.0.1", "a", true)]);
        check(23, &[("1.0.0", true), ("1.0.1", true)]);
        check(24, &[("1.0.1", true)]);
        check(25, &[]);
        // A registry that was begun anew; and a clock that was ahead.
        at(2, "r.io/x").add(&[push("1.0.0", "b", true)]);
        check(25, &[("1.0.0", false)]);
        check(1, &[("1.0.1", true)]);
    }
}
