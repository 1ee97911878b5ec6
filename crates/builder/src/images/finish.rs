//! The end of a build: which tags the layout has then, and which blobs go.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use arch::Host;
use base::{Hinted, count, size};
use debian::lock::Lock;
use debian::progress::Progress;
use oci::spec::Descriptor;
use publish::layout::{Layout, LayoutWriter, Pruned};
use sha256::Digest;

use super::BuildContext;
use crate::build::{Built, Union, widen};
use crate::plan::{Plan, Selection};

/// The tags of a layout that a build does not set.
pub enum Others<'a> {
    /// They go: the layout becomes what was built, and what it has of the series that were not.
    Remove {
        /// The tags of these series.
        but: BTreeSet<String>,
    },
    /// They stay, and so do images of other hosts in the indexes over hosts.
    Keep {
        /// The images and indexes that were built.
        selection: &'a Selection,
        /// The hosts that a build of everything is for.
        configured: &'a [Host],
    },
}

impl<'a> Others<'a> {
    /// A build of a part leaves the rest alone; one of everything is everything, and the tags of series that `lock` has and that
    /// it did not build are not its to remove. With `prune`, nothing else stays.
    pub fn of(selection: &'a Selection, configured: &'a [Host], lock: &Lock, prune: bool) -> Others<'a> {
        if prune {
            return Others::Remove { but: BTreeSet::new() };
        }
        if !selection.is_everything() {
            return Others::Keep { selection, configured };
        }
        let others = lock.series().filter(|name| !selection.has(name));
        let others = Selection { series: others.map(str::to_owned).collect(), ..selection.clone() };
        if others.series.is_empty() {
            return Others::Remove { but: BTreeSet::new() };
        }
        // What of them cannot be planned has no tags either.
        let plan = Plan::new(configured, &others, lock);
        let tags = plan.iter().flat_map(Plan::tags);
        let but = tags.map(str::to_owned).collect();
        Others::Remove { but }
    }

    /// The roots of a layout that stay beside what a build of `plan` puts there.
    fn staying(&self, before: &Layout, set: &BTreeSet<&str>) -> Vec<Descriptor> {
        let mut stay = untouched(before, set);
        if let Others::Remove { but } = self {
            stay.retain(|root| root.tag().is_some_and(|tag| but.contains(tag)));
            // Together, what they share is looked at once.
            if before.closure(&stay).is_err() {
                stay.retain(|root| before.closure([root]).is_ok());
            }
        }
        stay
    }
}

/// Makes the tags of `built` what the layout has, besides `others`; true if that changed anything.
pub(super) fn finish(
    plan: &Plan,
    built: &mut Built,
    others: &Others<'_>,
    context: &BuildContext<'_>,
    layout: &mut LayoutWriter,
    progress: &dyn Progress,
) -> anyhow::Result<bool> {
    let tags = layout.tags()?;
    let (changed, turn) = match others {
        Others::Remove { .. } => {
            built.listed.clone_from(&built.indexes);
            put(built, layout)?;
            let refs = built.refs();
            let set: BTreeSet<&str> = refs.iter().map(|(tag, _)| tag.as_str()).collect();
            let kept = tags.current()?.map(|before| others.staying(&before, &set)).unwrap_or_default();
            tags.write(context.repository, &refs, &kept)?
        }
        Others::Keep { selection, configured } => {
            let before = tags.current()?;
            let there = (&*layout, before.as_ref());
            let Union { indexes, narrow } = {
                let from = (context.lock, context.statements);
                widen(plan, built, selection, configured, from, there)?
            };
            built.listed = indexes;
            put(built, layout)?;
            let refs = built.refs();
            let set: BTreeSet<&str> = refs.iter().map(|(tag, _)| tag.as_str()).collect();
            let kept = before.as_ref().map(|before| others.staying(before, &set)).unwrap_or_default();
            let written = tags.write(context.repository, &refs, &kept)?;
            if let Some(line) = narrow_line(&narrow, selection) {
                progress.warn(&line);
            }
            written
        }
    };
    if let Pruned::Removed { blobs, bytes } = layout.prune_beyond(turn, &built.blobs(), &HashSet::new())?
        && blobs > 0
    {
        progress.note(&format!(
            "removed {} that no tag leads to any more ({})",
            count(blobs, "blob", "blobs"),
            size(bytes)
        ));
    }
    Ok(changed)
}

/// Removes from the layout what no tag leads to, such as the indexes of `built` that left without a tag in it.
pub fn clear(built: &Built, layout: &mut LayoutWriter) -> anyhow::Result<()> {
    let tags = layout.tags()?;
    let pairs = |refs: Vec<(String, Descriptor)>| -> BTreeSet<(String, Digest)> {
        refs.into_iter().map(|(tag, to)| (tag, to.digest)).collect()
    };
    // Another build may have changed them since this one wrote them.
    let is_built = tags.current()?.is_some_and(|now| pairs(now.refs()) == pairs(built.refs()));
    let (known, loose) = if is_built { (built.blobs(), built.loose()) } else { Default::default() };
    let turn = tags.leave();
    layout.prune_beyond(turn, &known, &loose)?;
    Ok(())
}

fn put(built: &Built, layout: &LayoutWriter) -> anyhow::Result<()> {
    for index in built.listed.iter().filter(|index| index.plan.tags().next().is_some()) {
        layout.put(&index.blob)?;
    }
    Ok(())
}

/// The roots of a layout without those whose tags are in `set`.
fn untouched(layout: &Layout, set: &BTreeSet<&str>) -> Vec<Descriptor> {
    let stays = |root: &&Descriptor| root.tag().is_none_or(|tag| !set.contains(tag));
    layout.roots().iter().filter(stays).cloned().collect()
}

/// Fails if anything is missing of what a build of `plan` keeps, before the build has begun: only its own part would be
/// made again.
pub(super) fn check_kept(plan: &Plan, layout: &LayoutWriter) -> anyhow::Result<()> {
    let Some(before) = layout.tags()?.current()? else { return Ok(()) };
    for root in untouched(&before, &plan.tags()) {
        let problem = match before.closure([&root]) {
            Err(error) => error.to_string(),
            Ok(blobs) => match blobs.iter().find(|blob| !layout.contains(blob)) {
                None => continue,
                Some(missing) => format!("its blob {} is missing, or has another size", missing.digest),
            },
        };
        let name = root.tag().map_or_else(|| root.digest.to_string(), |tag| format!("`{tag}`"));
        let hint =
            "`cargo xtask images` makes everything again; with --prune, the layout becomes what is built now";
        let error = anyhow::Error::new(Hinted::new(problem, hint));
        return Err(error.context(format!("cannot keep {name} in {}", layout.path().display())));
    }
    Ok(())
}

/// One line about the indexes that lack hosts: what they hold, and how to get the rest.
fn narrow_line(narrow: &[(String, Vec<Host>)], selection: &Selection) -> Option<String> {
    let mut groups: Vec<(&[Host], Vec<&str>)> = Vec::new();
    for (tag, hosts) in narrow {
        match groups.iter_mut().find(|(other, _)| other == hosts) {
            Some((_, tags)) => tags.push(tag),
            None => groups.push((hosts, vec![tag])),
        }
    }
    let text = |(hosts, tags): &(&[Host], Vec<&str>)| {
        let hosts: Vec<&str> = hosts.iter().map(|host| host.name()).collect();
        let (first, hosts) = (tags.first().copied().unwrap_or_default(), hosts.join(", "));
        match tags.len() {
            1 => format!("`{first}` holds only {hosts}"),
            2 => format!("`{first}` and `{}` hold only {hosts}", tags[1]),
            count => format!("`{first}` and {} more hold only {hosts}", count - 1),
        }
    };
    let groups: Vec<String> = groups.iter().map(text).collect();
    (!groups.is_empty()).then(|| {
        format!(
            "{}: the other hosts' images are not there, or from another lock; for all hosts: cargo xtask images{}",
            groups.join("; "),
            options(selection)
        )
    })
}

/// The options that make the same selection for every host.
fn options(selection: &Selection) -> String {
    let kinds = selection.kinds.iter().map(|kind| format!(" --kind {kind}"));
    let targets = selection.targets.iter().map(|target| format!(" --target {target}"));
    let series = selection.series.iter().map(|series| format!(" --series {series}"));
    kinds.chain(targets).chain(series).collect()
}

/// The part that would go from the layout at the end of a build: the tags, with the blobs that only they lead to.
pub fn going(plan: &Plan, others: &Others<'_>, path: &Path) -> anyhow::Result<String> {
    if !path.join("index.json").exists() {
        return Ok(String::new());
    }
    let layout = Layout::open(path)?;
    let set = plan.tags();
    let staying = others.staying(&layout, &set);
    let mut untouched = untouched(&layout, &set);
    untouched.retain(|root| !staying.contains(root));
    let path = path.display();
    let kept = match staying.len() {
        0 => String::new(),
        kept => format!("\nwould keep the other {} in {path}\n", count(kept, "tag", "tags")),
    };
    if untouched.is_empty() {
        return Ok(kept);
    }
    let reached = |roots: &[&Descriptor]| -> anyhow::Result<BTreeSet<(Digest, u64)>> {
        let blobs = layout.closure(roots.iter().copied())?;
        Ok(blobs.into_iter().map(|blob| (blob.digest, blob.size)).collect())
    };
    let set: Vec<&Descriptor> =
        layout.roots().iter().filter(|root| root.tag().is_some_and(|tag| set.contains(tag))).collect();
    let stay = reached(&set.into_iter().chain(&staying).collect::<Vec<_>>())?;
    let go = reached(&untouched.iter().collect::<Vec<_>>())?;
    let gone: Vec<u64> = go.difference(&stay).map(|(_, size)| *size).collect();
    let tags: Vec<&str> = untouched.iter().filter_map(Descriptor::tag).collect();
    Ok(format!(
        "{kept}\nwould remove from {path}:\n  {}\n  and what only they lead to: {} ({})\n",
        tags.join(", "),
        count(gone.len(), "blob", "blobs"),
        size(gone.iter().sum()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_narrow_indexes_hold_and_how_to_get_the_rest() {
        let hosts = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<Host>>();
        let selection = Selection {
            kinds: vec![crate::Kind::Pkg],
            targets: vec!["arm".parse().unwrap()],
            ..Selection::default()
        };
        let line = |narrow: &[(&str, &[&str])], selection: &Selection| {
            let narrow: Vec<_> =
                narrow.iter().map(|(tag, names)| ((*tag).to_owned(), hosts(names))).collect();
            narrow_line(&narrow, selection)
        };
        let rest = ": the other hosts' images are not there, or from another lock; for all hosts: ";
        let all = Selection::default();
        assert_eq!(line(&[], &all), None);
        for (narrow, selection, expected) in [
            (&[("pkg", &["amd64"][..])][..], &all, "`pkg` holds only amd64|cargo xtask images"),
            (
                &[("pkg", &["amd64", "s390x"]), ("latest", &["amd64", "s390x"])],
                &selection,
                "`pkg` and `latest` hold only amd64, s390x|cargo xtask images --kind pkg --target arm",
            ),
            (
                &[("pkg", &["amd64"]), ("arm", &["s390x"]), ("avr", &["amd64"]), ("sh4", &["amd64"])],
                &all,
                "`pkg` and 2 more hold only amd64; `arm` holds only s390x|cargo xtask images",
            ),
        ] {
            assert_eq!(line(narrow, selection), Some(expected.replace('|', rest)));
        }
    }
}
