//! The plan of a build: images over layers, under which tags. Pure: a lock and a selection in, a plan out.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use arch::{Host, Status, Target};
use debian::QemuVersion;
use debian::lock::{Lock, Package};

use crate::content::Content;
use crate::kind::Kind;
use crate::packing::{Compression, Form};
use base::Hinted;

/// The user's selection; empty lists stand for everything.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// Hosts to build for.
    pub hosts: Vec<Host>,
    /// Kinds of images with everything.
    pub kinds: Vec<Kind>,
    /// Targets to build single-target images of.
    pub targets: Vec<Target>,
    /// The forms of each image.
    pub compression: Compression,
}

impl Selection {
    /// True if it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        self.hosts.is_empty() && self.kinds.is_empty() && self.targets.is_empty()
    }
}

/// One image of one host.
#[derive(Debug, Clone)]
pub struct ImagePlan {
    /// The host.
    pub host: Host,
    /// Its contents.
    pub content: Content,
    /// The compression of its layers.
    pub form: Form,
    /// The tags that name this image alone: one that names the version, and then those that always mean the newest.
    /// Images with one target have none.
    pub tags: Vec<String>,
    /// QEMU's version.
    pub version: QemuVersion,
}

impl ImagePlan {
    /// The tag that names the version.
    pub fn version_tag(&self) -> Option<&str> {
        self.tags.first().map(String::as_str)
    }

    /// The tags that always mean the newest.
    pub fn moving_tags(&self) -> &[String] {
        self.tags.get(1..).unwrap_or_default()
    }
}

/// One index over hosts.
#[derive(Debug, Clone)]
pub struct IndexPlan {
    /// The contents of its images.
    pub content: Content,
    /// The forms of the images that it lists, in its order.
    pub forms: &'static [Form],
    /// The tag that always means the newest, and the one that names the version.
    pub tags: [String; 2],
    /// The newest version of QEMU in it.
    pub version: QemuVersion,
}

impl IndexPlan {
    /// True if `image`, which is in `form`, is in this index.
    pub fn lists(&self, image: &ImagePlan, form: Form) -> bool {
        image.content == self.content && image.form == form && self.forms.contains(&form)
    }

    /// The tag that always means the newest.
    pub fn moving_tag(&self) -> &str {
        &self.tags[0]
    }

    /// The tag that names the version.
    pub fn version_tag(&self) -> &str {
        &self.tags[1]
    }
}

/// Everything that a run builds. Images come host by host; an index covers the images that have its content.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The images.
    pub images: Vec<ImagePlan>,
    /// The indexes over them.
    pub indexes: Vec<IndexPlan>,
    /// The version in the tags of each host's images that hold everything.
    pub versions: BTreeMap<Host, QemuVersion>,
}

impl Plan {
    /// Resolves `selection` against the hosts that are configured and the cells that are locked.
    ///
    /// `--kind` chooses images that hold everything, `--target` images with one target; either alone leaves the
    /// other out, neither means all of both. So a tag such as `latest` never means something partial.
    pub fn new(configured: &[Host], selection: &Selection, lock: &Lock) -> Result<Plan, Hinted> {
        let hosts = hosts(configured, &selection.hosts)?;
        let forms = selection.compression.forms();
        let mut images = Vec::new();
        let mut versions = BTreeMap::new();
        for &host in &hosts {
            let version =
                newest(lock, host, None).ok_or_else(|| not_locked(&format!("the host `{host}`")))?;
            versions.insert(host, version);
            for kind in kinds(selection).into_iter().filter(|kind| kind.is_for(host)) {
                for &form in forms {
                    let tags = kind_tags(host, kind, version).map(|tag| tag + suffix(form, forms));
                    let content = Content::everything(kind);
                    images.push(ImagePlan { host, content, form, tags: tags.collect(), version });
                }
            }
            for target in targets(selection) {
                let contents: Vec<Content> =
                    Content::singles(target).filter(|content| content.is_for(host)).collect();
                if contents.is_empty() {
                    continue;
                }
                let Some(version) = newest(lock, host, Some(target)) else {
                    // QEMU had dropped it before Debian had the host.
                    if target.status() == Status::Retired {
                        continue;
                    }
                    return Err(unlocked(target, &format!("the host `{host}`")));
                };
                for content in contents {
                    let image = |&form| ImagePlan { host, content, form, tags: Vec::new(), version };
                    images.extend(forms.iter().map(image));
                }
            }
        }
        let built = |target| images.iter().any(|image: &ImagePlan| image.content.target() == Some(target));
        let retired = |target: &Target| target.status() == Status::Retired;
        if let Some(target) = selection.targets.iter().copied().filter(retired).find(|target| !built(*target))
        {
            return Err(unlocked(target, "any of the hosts"));
        }
        if images.is_empty() {
            let hosts: Vec<&str> = hosts.iter().map(|host| host.name()).collect();
            return Err(Hinted::new(
                format!("nothing to build: there are no such images for {}", hosts.join(", ")),
                "leave out --kind and --target, or select other hosts",
            ));
        }
        let contents: BTreeSet<Content> = images.iter().map(|image| image.content).collect();
        // Where each index lists both forms, there is one more with zstd alone.
        let lists: &[&'static [Form]] = match forms {
            [Form::Gzip, Form::Zstd] => &[forms, &[Form::Zstd]],
            forms => &[forms],
        };
        let listed = |content| lists.iter().map(move |&listed| (content, listed));
        let indexes = contents
            .into_iter()
            .flat_map(listed)
            .filter_map(|(content, listed)| {
                let listed_in = images.iter().filter(|image| image.content == content);
                let version = listed_in.map(|image| image.version).max()?;
                let tags = [content.moving_tag(), content.version_tag(version)];
                let tags = tags.map(|tag| if listed == forms { tag } else { tag + ZSTD });
                Some(IndexPlan { content, forms: listed, tags, version })
            })
            .collect();
        Ok(Plan { images, indexes, versions })
    }

    /// Every tag of its images and indexes.
    pub(crate) fn tags(&self) -> BTreeSet<&str> {
        let images = self.images.iter().flat_map(|image| &image.tags);
        images.chain(self.indexes.iter().flat_map(|index| &index.tags)).map(String::as_str).collect()
    }

    /// The forms that images are in.
    pub fn forms(&self) -> BTreeSet<Form> {
        self.images.iter().map(|image| image.form).collect()
    }

    /// The hosts of the plan, in order, each once.
    pub fn hosts(&self) -> Vec<Host> {
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
        (true, true) => Kind::all().collect(),
        (true, false) => Vec::new(),
        (false, _) => Kind::all().filter(|kind| selection.kinds.contains(kind)).collect(),
    }
}

fn targets(selection: &Selection) -> Vec<Target> {
    match (selection.kinds.is_empty(), selection.targets.is_empty()) {
        (true, true) => Target::current().collect(),
        (false, true) => Vec::new(),
        (_, false) => selection
            .targets
            .iter()
            .map(|target| target.binary())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

/// The newest version that the lock has for the target, or for all current ones, on the host.
fn newest(lock: &Lock, host: Host, target: Option<Target>) -> Option<QemuVersion> {
    let targets: Vec<Target> = target.map_or_else(|| Target::current().collect(), |target| vec![target]);
    let packages = targets.into_iter().filter_map(|target| lock.cell(host, target));
    packages.filter_map(Package::qemu_version).max()
}

/// The end of the tags of an image in zstd, where there is one in gzip too.
const ZSTD: &str = "-zstd";

fn suffix(form: Form, forms: &[Form]) -> &'static str {
    if form == Form::Zstd && forms.len() > 1 { ZSTD } else { "" }
}

/// One of [`Plan::versions`], which have every host of the plan.
pub(crate) fn version_of(host: Host, versions: &BTreeMap<Host, QemuVersion>) -> anyhow::Result<QemuVersion> {
    versions.get(&host).copied().context("every host of a plan has a version")
}

fn kind_tags(host: Host, kind: Kind, version: QemuVersion) -> impl Iterator<Item = String> {
    let mut tags = vec![format!("{}-d{version}{}", host.tag(), kind.suffix())];
    if !host.has_register() {
        // `mips-pkg` and `mips64el-pkg`, which have no index to be found under.
        tags.push(format!("{}{}", host.tag(), kind.suffix()));
    }
    tags.into_iter()
}

fn not_locked(what: &str) -> Hinted {
    Hinted::new(format!("images/debian.lock has no packages for {what}"), "run `cargo xtask lock`")
}

fn unlocked(target: Target, whose: &str) -> Hinted {
    let hint = match target.status() {
        Status::Retired => "add it to `retired` in images/images.toml and run `cargo xtask lock`",
        Status::Current | Status::Shared => "run `cargo xtask lock`",
    };
    Hinted::new(format!("images/debian.lock has no package with `{target}` for {whose}"), hint)
}

#[cfg(test)]
mod tests;
