//! What to build: which images over which layers, under which tags. Pure: a lock and a selection in, a plan out.

use std::collections::BTreeSet;

use arch::{Host, Target};
use debian::lock::Lock;

use crate::error::Hinted;
use crate::kind::Kind;

/// What the user asked for; empty lists stand for everything.
#[derive(Debug, Default, Clone)]
pub(crate) struct Selection {
    pub(crate) hosts: Vec<Host>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) targets: Vec<Target>,
}

/// What an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// Everything that its kind holds.
    Kind(Kind),
    /// `full` with one target's binary.
    Single(Target),
}

/// One image of one host.
#[derive(Debug, Clone)]
pub(crate) struct ImagePlan {
    pub(crate) host: Host,
    pub(crate) content: Content,
    /// The tags that name this image alone.
    pub(crate) tags: Vec<String>,
    /// QEMU's version, as in tags.
    pub(crate) version: String,
}

/// One index over hosts.
#[derive(Debug, Clone)]
pub(crate) struct IndexPlan {
    pub(crate) content: Content,
    pub(crate) tags: Vec<String>,
    pub(crate) version: String,
}

/// Everything that a run builds. Images come host by host; an index covers the images that have its content.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) images: Vec<ImagePlan>,
    pub(crate) indexes: Vec<IndexPlan>,
}

impl Plan {
    /// Resolves `selection` against the hosts that are configured and the cells that are locked.
    ///
    /// `--kind` chooses images that hold everything, `--target` images with one target; either alone leaves the
    /// other out, neither means all of both. So a tag such as `latest` never means something partial.
    pub(crate) fn new(configured: &[Host], selection: &Selection, lock: &Lock) -> Result<Plan, Hinted> {
        let hosts = hosts(configured, &selection.hosts)?;
        let mut images = Vec::new();
        for &host in &hosts {
            let version = newest(lock, &[host], None).ok_or_else(|| not_locked(&format!("the host `{host}`")))?;
            for kind in kinds(selection) {
                if host.triple().is_none() && kind != Kind::Pkg {
                    continue;
                }
                let tags = kind_tags(host, kind, &version);
                images.push(ImagePlan { host, content: Content::Kind(kind), tags, version: version.clone() });
            }
            for target in targets(selection) {
                if host.triple().is_none() {
                    continue;
                }
                let version = newest(lock, &[host], Some(target)).ok_or_else(|| unlocked_cell(host, target))?;
                images.push(ImagePlan { host, content: Content::Single(target), tags: Vec::new(), version });
            }
        }
        if images.is_empty() {
            return Err(Hinted::new(
                "nothing to build: the selected hosts have `pkg` images only",
                "leave out --kind and --target, or select other hosts",
            ));
        }
        let contents: BTreeSet<Content> = images.iter().map(|image| image.content).collect();
        let indexes = contents
            .into_iter()
            .map(|content| {
                let (version, tags) = match content {
                    Content::Kind(kind) => {
                        let version = newest(lock, &hosts, None).unwrap_or_default();
                        let tags = vec![kind.moving_tag().to_owned(), format!("d{version}{}", kind.suffix())];
                        (version, tags)
                    }
                    Content::Single(target) => {
                        let version = newest(lock, &hosts, Some(target)).unwrap_or_default();
                        let tags = vec![target.name().to_owned(), format!("d{version}-{target}")];
                        (version, tags)
                    }
                };
                IndexPlan { content, tags, version }
            })
            .collect();
        Ok(Plan { images, indexes })
    }

    /// The hosts of the plan, in order, each once.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let mut hosts: Vec<Host> = self.images.iter().map(|image| image.host).collect();
        hosts.dedup();
        hosts
    }
}

fn hosts(configured: &[Host], selected: &[Host]) -> Result<Vec<Host>, Hinted> {
    if let Some(host) = selected.iter().find(|host| !configured.contains(host)) {
        return Err(Hinted::new(
            format!("the host `{host}` is not built here"),
            "add it to `hosts` in images/images.toml and run `cargo xtask lock`",
        ));
    }
    Ok(configured.iter().copied().filter(|host| selected.is_empty() || selected.contains(host)).collect())
}

fn kinds(selection: &Selection) -> Vec<Kind> {
    match (selection.kinds.is_empty(), selection.targets.is_empty()) {
        (true, true) => Kind::ALL.to_vec(),
        (true, false) => Vec::new(),
        (false, _) => Kind::ALL.into_iter().filter(|kind| selection.kinds.contains(kind)).collect(),
    }
}

fn targets(selection: &Selection) -> Vec<Target> {
    match (selection.kinds.is_empty(), selection.targets.is_empty()) {
        (true, true) => Target::current().collect(),
        (false, true) => Vec::new(),
        (_, false) => {
            selection.targets.iter().map(|target| target.binary()).collect::<BTreeSet<_>>().into_iter().collect()
        }
    }
}

/// The newest version that the lock has for the target, or for all current ones, on any of the hosts.
fn newest(lock: &Lock, hosts: &[Host], target: Option<Target>) -> Option<String> {
    let targets: Vec<Target> = target.map_or_else(|| Target::current().collect(), |target| vec![target]);
    hosts
        .iter()
        .flat_map(|&host| targets.iter().filter_map(move |&target| lock.cell(host, target)))
        .map(debian::lock::Package::qemu_version)
        .max_by_key(|version| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>())
}

fn kind_tags(host: Host, kind: Kind, version: &str) -> Vec<String> {
    let mut tags = vec![format!("{}-d{version}{}", host.tag(), kind.suffix())];
    if host.triple().is_none() {
        // `mips-pkg` and `mips64el-pkg`, which have no index to be found under.
        tags.push(format!("{}{}", host.tag(), kind.suffix()));
    }
    tags
}

fn not_locked(what: &str) -> Hinted {
    Hinted::new(format!("images/debian.lock has no packages for {what}"), "run `cargo xtask lock`")
}

fn unlocked_cell(host: Host, target: Target) -> Hinted {
    let hint = match target.status() {
        arch::Status::Retired => "add it to `retired` in images/images.toml and run `cargo xtask lock`",
        arch::Status::Current | arch::Status::Shared => "run `cargo xtask lock`",
    };
    Hinted::new(format!("images/debian.lock has no package with `{target}` for the host `{host}`"), hint)
}
