//! The editions of images: the same contents, made from other packages.
//!
//! The newest has, for each host and target, what the newest suite has, or what was chosen over it, and so more than one version on
//! some hosts; those get the part that is of one version as a further edition, with what was passed over. A series has what one
//! suite has.

use std::collections::BTreeSet;

use arch::{Host, Status, Target};
use base::Hinted;
use debian::lock::{Lock, NEWEST, Package};
use debian::{FullVersion, QemuVersion};

use super::{ALL, ImagePlan, Selection, suffix};
use crate::content::Content;
use crate::kind::Kind;

/// A set of packages that images are made from.
#[derive(Debug, Clone)]
pub struct Edition {
    /// Its series: `newest`, or a suite.
    pub series: String,
    /// The one version that it is restricted to.
    version: Option<QemuVersion>,
    /// The packages: all that the images are made from, and no others.
    pub lock: Lock,
}

/// A series beside the newest.
struct Series {
    name: String,
    lock: Lock,
    versions: BTreeSet<QemuVersion>,
}

/// The editions of a plan, and what tells which tags belong to which.
pub(super) struct Editions {
    editions: Vec<Edition>,
    /// The newest, whether it is selected or not.
    newest: Lock,
    /// All, whether they are selected or not.
    series: Vec<Series>,
}

impl Editions {
    /// Those that `selection` asks for.
    pub(super) fn new(selection: &Selection, lock: &Lock) -> Result<Editions, Hinted> {
        let series = |name: &str| {
            let lock = lock.of_series(name);
            let versions = lock.packages().iter().filter_map(Package::qemu_version).collect();
            Series { name: name.to_owned(), lock, versions }
        };
        let series: Vec<Series> = lock.series().map(series).collect();
        let names = || [NEWEST, ALL].into_iter().chain(series.iter().map(|series| series.name.as_str()));
        if let Some(unknown) = selection.series.iter().find(|name| !names().any(|known| known == *name)) {
            let known: Vec<&str> = names().filter(|name| *name != ALL).collect();
            return Err(Hinted::new(
                format!("images/debian.lock has no series `{unknown}`"),
                format!(
                    "it has {}; `series` in images/images.toml and `cargo xtask lock` add others",
                    known.join(", ")
                ),
            ));
        }
        let newest = lock.newest();
        let mut found = Editions { editions: Vec::new(), newest, series };
        if selection.has(NEWEST) {
            found.push(NEWEST, None, found.newest.clone());
            let parts: BTreeSet<QemuVersion> =
                found.newest.hosts().into_iter().filter_map(|host| found.part(host)).collect();
            for version in parts.into_iter().rev() {
                found.push(NEWEST, Some(version), found.newest.of_version(version));
            }
        }
        for place in 0..found.series.len() {
            if selection.has(&found.series[place].name) {
                let (name, lock) = (found.series[place].name.clone(), found.series[place].lock.clone());
                found.push(&name, None, lock);
            }
        }
        Ok(found)
    }

    fn push(&mut self, series: &str, version: Option<QemuVersion>, lock: Lock) {
        self.editions.push(Edition { series: series.to_owned(), version, lock });
    }

    pub(super) fn len(&self) -> usize {
        self.editions.len()
    }

    pub(super) fn into_inner(self) -> Vec<Edition> {
        self.editions
    }

    /// The series beside the newest that tags with `version` belong to.
    fn owner(&self, version: QemuVersion) -> Option<&Series> {
        self.series.iter().find(|series| series.versions.contains(&version))
    }

    /// True if the newest has for the host what the series has, and so makes the same images.
    fn is_same(&self, series: &Series, host: Host) -> bool {
        self.newest.qemu(host).eq(series.lock.qemu(host))
    }

    /// True if all that the newest has for the host is of one version.
    fn is_uniform(&self, host: Host) -> bool {
        let versions: BTreeSet<_> = self.newest.qemu(host).filter_map(current_version).collect();
        versions.len() == 1
    }

    /// The version that a host gets images of alone, out of the newest, which has several there.
    fn part(&self, host: Host) -> Option<QemuVersion> {
        let version = newest(&self.newest, host, None)?;
        (!self.is_uniform(host) && self.owner(version).is_none()).then_some(version)
    }

    /// True if a tag that names nothing but `version` may stand for what the newest has for the host.
    fn is_plain(&self, host: Host, version: QemuVersion) -> bool {
        self.owner(version).is_none_or(|series| self.is_same(series, host))
    }

    /// True if an index of `version` over what this plan has lists what the newest has for the host.
    fn is_versioned(&self, host: Host, version: QemuVersion) -> bool {
        self.owner(version).is_none_or(|series| self.is_same(series, host) && self.is_selected(&series.name))
    }

    fn is_selected(&self, series: &str) -> bool {
        self.editions.iter().any(|edition| edition.series == series)
    }

    /// The images of one edition for one host.
    pub(super) fn images(
        &self,
        place: usize,
        host: Host,
        selection: &Selection,
    ) -> Result<Vec<ImagePlan>, Hinted> {
        let Edition { series, version: only, lock } = &self.editions[place];
        let is_newest = series == NEWEST && only.is_none();
        let Some(version) = newest(lock, host, None) else {
            // Who asked for the host alone is answered when all editions are known.
            return if is_newest { Err(not_locked(&format!("the host `{host}`"))) } else { Ok(Vec::new()) };
        };
        let is_made = match (only, self.series.iter().find(|other| other.name == *series)) {
            (Some(only), _) => self.part(host) == Some(*only),
            // The newest makes them, under the same tags.
            (None, Some(series)) => !(self.is_selected(NEWEST) && self.is_same(series, host)),
            (None, None) => true,
        };
        if !is_made {
            return Ok(Vec::new());
        }
        let forms = selection.compression.forms();
        let mut images = Vec::new();
        for kind in kinds(selection).into_iter().filter(|kind| kind.is_for(host)) {
            let content = Content::everything(kind);
            // What holds no QEMU is no other in a part.
            if only.is_some() && !content.has_qemu() {
                continue;
            }
            let is_plain = !is_newest
                || (self.is_plain(host, version) && (self.is_uniform(host) || !content.has_qemu()));
            let label = label(version, is_plain);
            for &form in forms {
                let tags = kind_tags(host, kind, &label, is_newest).map(|tag| tag + suffix(form, forms));
                images.push(ImagePlan {
                    host,
                    content,
                    form,
                    edition: place,
                    label: label.clone(),
                    tags: tags.collect(),
                    version,
                    moving: is_newest,
                    versioned: !is_newest || (is_plain && self.is_versioned(host, version)),
                    full_version: full_version(lock, host, Some(version).filter(|_| !content.has_qemu())),
                });
            }
        }
        let is_plain = !is_newest || (self.is_plain(host, version) && self.is_uniform(host));
        let label = label(version, is_plain);
        // Of a part, images of one target are those of what was passed over: the others are the newest's.
        let is_single =
            |target: &Target| only.is_none_or(|only| newest(&self.newest, host, Some(*target)) != Some(only));
        for target in targets(selection).into_iter().filter(is_single) {
            let contents: Vec<Content> =
                Content::singles(target).filter(|content| content.is_for(host)).collect();
            if contents.is_empty() {
                continue;
            }
            let Some(version) = newest(lock, host, Some(target)) else {
                // QEMU had dropped it before Debian had the host; and a series has what its suite has.
                if target.status() == Status::Retired || !is_newest {
                    continue;
                }
                return Err(unlocked(target, &format!("the host `{host}`")));
            };
            let versioned = !is_newest || self.is_versioned(host, version);
            let full_version = lock.cell(host, target).and_then(Package::full_version);
            for content in contents {
                images.extend(forms.iter().map(|&form| ImagePlan {
                    host,
                    content,
                    form,
                    edition: place,
                    label: label.clone(),
                    tags: Vec::new(),
                    version,
                    moving: is_newest,
                    versioned,
                    full_version,
                }));
            }
        }
        Ok(images)
    }

    /// Fails if a host that was asked for has nothing in any of the series that were.
    pub(super) fn check_hosts(
        &self,
        hosts: &[Host],
        selection: &Selection,
        images: &[ImagePlan],
    ) -> Result<(), Hinted> {
        let has_qemu =
            |host: Host| self.editions.iter().any(|edition| newest(&edition.lock, host, None).is_some());
        let lacking = hosts.iter().find(|host| selection.hosts.contains(host) && !has_qemu(**host));
        match lacking {
            Some(host) if !images.iter().any(|image| image.host == *host) => {
                Err(self.absent(&format!("the host `{host}`"), |lock| newest(lock, *host, None)))
            }
            _ => Ok(()),
        }
    }

    /// Fails if a target that was asked for is in no image.
    pub(super) fn check_targets(&self, selection: &Selection, images: &[ImagePlan]) -> Result<(), Hinted> {
        let built = |target: Target| images.iter().any(|image| image.content.target() == Some(target));
        let targets = selection.targets.iter().map(|target| target.binary());
        let Some(target) = targets.filter(|target| !built(*target)).find(|target| {
            // Of the newest, all that is current is there, on hosts that have images of one target at all.
            target.status() == Status::Retired || !self.is_selected(NEWEST)
        }) else {
            return Ok(());
        };
        match self.is_selected(NEWEST) {
            true => Err(unlocked(target, "any of the hosts")),
            false => Err(self.absent(&format!("`{target}`"), |lock| {
                lock.hosts().into_iter().find_map(|host| newest(lock, host, Some(target)))
            })),
        }
    }

    /// The error that no selected series has `what`, and the tags of those that have it.
    fn absent(&self, what: &str, version: impl Fn(&Lock) -> Option<QemuVersion>) -> Hinted {
        let names: BTreeSet<&str> = self.editions.iter().map(|edition| edition.series.as_str()).collect();
        let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let others = [(NEWEST, &self.newest)].into_iter();
        let others = others.chain(self.series.iter().map(|series| (series.name.as_str(), &series.lock)));
        let has = others.filter_map(|(name, lock)| Some(format!("`{name}` (QEMU {})", version(lock)?)));
        let has: Vec<String> = has.collect();
        let hint = match has.as_slice() {
            [] => "no series has it".to_owned(),
            has => format!("these have it: {}", has.join(", ")),
        };
        Hinted::new(format!("the series {} has no QEMU for {what}", names.join(", ")), hint)
    }
}

/// Every lock that images may be made from: the newest of `lock`, the part of it that is of one version, and its series.
pub fn locks(lock: &Lock) -> Vec<Lock> {
    let newest = lock.newest();
    let versions: BTreeSet<QemuVersion> =
        newest.packages().iter().filter_map(Package::qemu_version).collect();
    let parts: Vec<Lock> = versions.into_iter().map(|version| newest.of_version(version)).collect();
    let series = lock.series().map(|name| lock.of_series(name));
    [newest].into_iter().chain(parts).chain(series).collect()
}

/// The newest version that the lock has for the target, or for all current ones, on the host.
pub(super) fn newest(lock: &Lock, host: Host, target: Option<Target>) -> Option<QemuVersion> {
    match target {
        Some(target) => lock.cell(host, target)?.qemu_version(),
        None => lock.qemu(host).filter_map(current_version).max(),
    }
}

/// The whole version of all current targets on the host, or of those with `minor`, if that is one.
fn full_version(lock: &Lock, host: Host, minor: Option<QemuVersion>) -> Option<FullVersion> {
    let counts = |package: &&Package| match (current_version(package), minor) {
        (version, Some(_)) => version == minor,
        (version, None) => version.is_some(),
    };
    let packages = lock.qemu(host).filter(counts);
    let versions: BTreeSet<Option<FullVersion>> = packages.map(Package::full_version).collect();
    versions.first().copied().flatten().filter(|_| versions.len() == 1)
}

/// The version of a package that has a current target.
fn current_version(package: &Package) -> Option<QemuVersion> {
    package.qemu_version().filter(|_| package.targets().any(|target| target.status() == Status::Current))
}

/// The name of an edition in a host's tags: that of its version, if they may stand for nothing else.
fn label(version: QemuVersion, is_plain: bool) -> String {
    if is_plain { format!("d{version}") } else { format!("d{version}-{NEWEST}") }
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
        (_, false) => {
            let targets = selection.targets.iter().map(|target| target.binary());
            targets.collect::<BTreeSet<_>>().into_iter().collect()
        }
    }
}

fn kind_tags(host: Host, kind: Kind, label: &str, is_newest: bool) -> impl Iterator<Item = String> {
    let mut tags = vec![format!("{}-{label}{}", host.tag(), kind.suffix())];
    if is_newest && !host.has_register() {
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
