//! The plan of a build: images over layers, under which tags. Pure: a lock and a selection in, a plan out.
//!
//! A tag that names a version has that version in every image: an index over hosts with 11.1 lists no host whose newest is 10.2.
//! The moving tags have the newest of each target instead, whichever version that is. Where both are the same image, it is
//! one image.
//!
//! Tags of a whole version never move: `11.1.3` is its first build, and `11.1.3.0`, `11.1.3.1`, … are its builds. Both forms are such
//! as Renovate and Dependabot order, each among tags with as many numbers.

mod builds;
mod edition;

use std::collections::BTreeSet;

use arch::{Host, Target};
use debian::lock::{Lock, NEWEST};
use debian::{FullVersion, QemuVersion};

use crate::content::Content;
use crate::kind::Kind;
use crate::packing::{Compression, Form};
use base::Hinted;
pub use builds::Builds;
use edition::Editions;
pub use edition::{Edition, locks};

/// Stands for every series of a lock.
pub(crate) const ALL: &str = "all";

/// The user's selection; empty lists stand for everything.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// Hosts to build for.
    pub hosts: Vec<Host>,
    /// Kinds of images with everything.
    pub kinds: Vec<Kind>,
    /// Targets to build single-target images of.
    pub targets: Vec<Target>,
    /// Series of QEMU, or `all`. Here an empty list stands for the newest alone.
    pub series: Vec<String>,
    /// The forms of each image.
    pub compression: Compression,
    /// The builds of QEMU's versions.
    pub builds: Builds,
}

impl Selection {
    /// True if it leaves nothing out of the newest.
    pub fn is_everything(&self) -> bool {
        self.hosts.is_empty() && self.kinds.is_empty() && self.targets.is_empty() && self.has(NEWEST)
    }

    /// True if the series is selected.
    pub(crate) fn has(&self, series: &str) -> bool {
        match self.series.is_empty() {
            true => series == NEWEST,
            false => self.series.iter().any(|name| name == series || name == ALL),
        }
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
    /// The place in [`Plan::editions`] of what it is made from.
    pub edition: usize,
    /// The part of its host's tags that tells this edition from others: `d11.1`, `d10.2-newest`.
    pub label: String,
    /// The tags that name this image alone: one that names the version, and then those that always mean the newest.
    /// Images with one target have none.
    pub tags: Vec<String>,
    /// The newest version of QEMU in it.
    pub version: QemuVersion,
    /// True if an index of a moving tag lists it.
    pub moving: bool,
    /// True if an index of its version lists it.
    pub versioned: bool,
    /// The whole version of QEMU in it, if there is one alone.
    pub full_version: Option<FullVersion>,
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
    /// The tag that always means the newest.
    pub moving_tag: Option<String>,
    /// The tag that names the minor version.
    pub version_tag: Option<String>,
    /// The tags that name the whole version, and never move.
    pub fixed_tags: Vec<String>,
    /// The newest version of QEMU in it.
    pub version: QemuVersion,
    /// The images that it lists.
    of: Of,
}

/// The property that the images of an index share, beside their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// They have the newest of each target.
    Newest,
    /// They are of this minor version.
    Minor(QemuVersion),
    /// They are of this version.
    Full(FullVersion),
}

impl Of {
    fn has(self, image: &ImagePlan) -> bool {
        match self {
            Of::Newest => image.moving,
            Of::Minor(version) => image.versioned && image.version == version,
            Of::Full(version) => image.versioned && image.full_version == Some(version),
        }
    }
}

impl IndexPlan {
    /// True if `image`, which is in `form`, is in this index.
    pub fn lists(&self, image: &ImagePlan, form: Form) -> bool {
        self.of.has(image)
            && image.content == self.content
            && image.form == form
            && self.forms.contains(&form)
    }

    /// Its tags, the moving one first, wherever it is: in a layout, an archive, an engine or a registry. An index may have none but
    /// those that never move, which are a registry's alone.
    pub fn tags(&self) -> impl Iterator<Item = &String> {
        self.moving_tag.iter().chain(&self.version_tag)
    }

    /// The same, and those that never move. There is at least one.
    pub fn all_tags(&self) -> impl Iterator<Item = &String> {
        self.tags().chain(&self.fixed_tags)
    }
}

/// Everything that a run builds. Images come edition by edition, and in each host by host; an index covers the images that have
/// its content.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The sets of packages that images are made from.
    pub editions: Vec<Edition>,
    /// The images.
    pub images: Vec<ImagePlan>,
    /// The indexes over them.
    pub indexes: Vec<IndexPlan>,
    /// The order of hosts in indexes: the configuration's.
    pub(crate) order: Vec<Host>,
}

impl Plan {
    /// Resolves `selection` against the hosts that are configured and the cells that are locked.
    ///
    /// `--kind` chooses images that hold everything, `--target` images with one target; either alone leaves the
    /// other out, neither means all of both. So a tag such as `latest` never means something partial.
    pub fn new(configured: &[Host], selection: &Selection, lock: &Lock) -> Result<Plan, Hinted> {
        let hosts = hosts(configured, &selection.hosts)?;
        let editions = Editions::new(selection, lock)?;
        let mut images = Vec::new();
        for edition in 0..editions.len() {
            for &host in &hosts {
                images.extend(editions.images(edition, host, selection)?);
            }
        }
        editions.check_hosts(&hosts, selection, &images)?;
        editions.check_targets(selection, &images)?;
        if images.is_empty() {
            let hosts: Vec<&str> = hosts.iter().map(|host| host.name()).collect();
            return Err(Hinted::new(
                format!("nothing to build: there are no such images for {}", hosts.join(", ")),
                "leave out --kind and --target, or select other hosts",
            ));
        }
        let indexes = indexes(&images, selection.compression.forms(), &selection.builds);
        Ok(Plan { editions: editions.into_inner(), images, indexes, order: configured.to_vec() })
    }

    /// The packages that an image is made from.
    pub fn lock(&self, image: &ImagePlan) -> &Lock {
        &self.editions[image.edition].lock
    }

    /// The same with those images alone that are `wanted`, and no indexes.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&ImagePlan) -> bool) -> Plan {
        let images = self.images.iter().filter(|image| wanted(image)).cloned().collect();
        let (editions, order) = (self.editions.clone(), self.order.clone());
        Plan { editions, images, indexes: Vec::new(), order }
    }

    /// The places of the images that `index` lists, in its order: all in one form, then all in the next. An engine that does not tell
    /// them apart takes the first of its platform.
    pub(crate) fn listed(&self, index: &IndexPlan) -> Vec<usize> {
        let place = |host: Host| self.order.iter().position(|other| *other == host);
        let mut listed = Vec::new();
        for form in index.forms {
            let in_form = |(_, image): &(usize, &ImagePlan)| index.lists(image, *form);
            let mut images: Vec<(usize, &ImagePlan)> =
                self.images.iter().enumerate().filter(in_form).collect();
            images.sort_by_key(|(_, image)| place(image.host));
            listed.extend(images.into_iter().map(|(place, _)| place));
        }
        listed
    }

    /// Every tag of its images and indexes.
    pub(crate) fn tags(&self) -> BTreeSet<&str> {
        let images = self.images.iter().flat_map(|image| &image.tags);
        images.chain(self.indexes.iter().flat_map(IndexPlan::all_tags)).map(String::as_str).collect()
    }

    /// The forms that images are in.
    pub fn forms(&self) -> BTreeSet<Form> {
        self.images.iter().map(|image| image.form).collect()
    }

    /// The hosts of the plan, in order, each once.
    pub fn hosts(&self) -> Vec<Host> {
        let has_image = |host: &&Host| self.images.iter().any(|image| image.host == **host);
        self.order.iter().filter(has_image).copied().collect()
    }
}

/// The indexes over `images`, each of which is in every one of `forms`.
fn indexes(images: &[ImagePlan], forms: &'static [Form], builds: &Builds) -> Vec<IndexPlan> {
    // Where each index lists both forms, there is one more with zstd alone.
    let lists: &[&'static [Form]] = match forms {
        [Form::Gzip, Form::Zstd] => &[forms, &[Form::Zstd]],
        forms => &[forms],
    };
    let contents: BTreeSet<Content> = images.iter().map(|image| image.content).collect();
    let mut indexes: Vec<IndexPlan> = Vec::new();
    for content in contents {
        let of_content: Vec<&ImagePlan> = images.iter().filter(|image| image.content == content).collect();
        let newest = of_content.iter().filter(|image| image.moving).map(|_| Of::Newest).take(1);
        let versioned = || of_content.iter().filter(|image| image.versioned);
        let minors: BTreeSet<QemuVersion> = versioned().map(|image| image.version).collect();
        let fulls: BTreeSet<FullVersion> = versioned().filter_map(|image| image.full_version).collect();
        let minors = minors.into_iter().rev().map(Of::Minor);
        let all: Vec<Of> = newest.chain(minors).chain(fulls.into_iter().rev().map(Of::Full)).collect();
        for &listed in lists {
            let suffix = if listed == forms { "" } else { ZSTD };
            let first = indexes.len();
            for &of in &all {
                // What one tag means may be what another one does.
                let is_same =
                    |index: &IndexPlan| of_content.iter().all(|image| index.of.has(image) == of.has(image));
                let place = match indexes[first..].iter().position(is_same) {
                    Some(place) => first + place,
                    None => {
                        let members = of_content.iter().filter(|image| of.has(image));
                        let Some(version) = members.map(|image| image.version).max() else { continue };
                        let (moving_tag, version_tag, fixed_tags) = (None, None, Vec::new());
                        let forms = listed;
                        indexes.push(IndexPlan {
                            content,
                            forms,
                            moving_tag,
                            version_tag,
                            fixed_tags,
                            version,
                            of,
                        });
                        indexes.len() - 1
                    }
                };
                let index = &mut indexes[place];
                match of {
                    Of::Newest => index.moving_tag = Some(content.moving_tag() + suffix),
                    Of::Minor(version) => {
                        index.version_tag = Some(content.version_tag(&format!("d{version}")) + suffix);
                    }
                    Of::Full(version) => {
                        let names = builds.names(version);
                        // Dependabot reads no tag with a `_`.
                        let tags = names.map(|name| content.version_tag(&name).replace('_', "-") + suffix);
                        index.fixed_tags.extend(tags);
                    }
                }
            }
        }
    }
    indexes
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

/// The end of the tags of an image in zstd, where there is one in gzip too.
const ZSTD: &str = "-zstd";

fn suffix(form: Form, forms: &[Form]) -> &'static str {
    if form == Form::Zstd && forms.len() > 1 { ZSTD } else { "" }
}

#[cfg(test)]
mod tests;
