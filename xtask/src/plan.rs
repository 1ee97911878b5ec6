//! What to build: which images over which layers, under which tags. Pure: a lock and a selection in, a plan out.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Status, Target};
use debian::lock::Lock;

use crate::error::Hinted;
use crate::kind::Kind;
use crate::packing::{Compression, Form};

/// What the user asked for; empty lists stand for everything.
#[derive(Debug, Default, Clone)]
pub(crate) struct Selection {
    pub(crate) hosts: Vec<Host>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) targets: Vec<Target>,
    pub(crate) compression: Compression,
}

/// What an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// Everything that its kind holds.
    Kind(Kind),
    /// `full` with one target's binary.
    Single(Target),
}

impl Content {
    /// Whether it holds `register`.
    pub(crate) fn has_register(self) -> bool {
        match self {
            Content::Kind(kind) => kind.has_register(),
            Content::Single(_) => true,
        }
    }
}

/// One image of one host.
#[derive(Debug, Clone)]
pub(crate) struct ImagePlan {
    pub(crate) host: Host,
    pub(crate) content: Content,
    /// What its layers are compressed with.
    pub(crate) form: Form,
    /// The tags that name this image alone.
    pub(crate) tags: Vec<String>,
    /// QEMU's version, as in tags.
    pub(crate) version: String,
}

/// One index over hosts.
#[derive(Debug, Clone)]
pub(crate) struct IndexPlan {
    pub(crate) content: Content,
    /// The forms of the images that it lists, in its order.
    pub(crate) forms: &'static [Form],
    /// The tag that always means the newest, and the one that names the version.
    pub(crate) tags: [String; 2],
    pub(crate) version: String,
}

impl IndexPlan {
    /// Whether `image`, which is in `form`, is in this index.
    pub(crate) fn lists(&self, image: &ImagePlan, form: Form) -> bool {
        image.content == self.content && image.form == form && self.forms.contains(&form)
    }

    pub(crate) fn moving_tag(&self) -> &str {
        &self.tags[0]
    }

    pub(crate) fn version_tag(&self) -> &str {
        &self.tags[1]
    }
}

/// Everything that a run builds. Images come host by host; an index covers the images that have its content.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) images: Vec<ImagePlan>,
    pub(crate) indexes: Vec<IndexPlan>,
    /// The version in the tags of each host's images that hold everything.
    pub(crate) versions: BTreeMap<Host, String>,
}

impl Plan {
    /// Resolves `selection` against the hosts that are configured and the cells that are locked.
    ///
    /// `--kind` chooses images that hold everything, `--target` images with one target; either alone leaves the
    /// other out, neither means all of both. So a tag such as `latest` never means something partial.
    pub(crate) fn new(configured: &[Host], selection: &Selection, lock: &Lock) -> Result<Plan, Hinted> {
        let hosts = hosts(configured, &selection.hosts)?;
        let forms = selection.compression.forms();
        let mut images = Vec::new();
        let mut versions = BTreeMap::new();
        for &host in &hosts {
            let version =
                newest(lock, &[host], None).ok_or_else(|| not_locked(&format!("the host `{host}`")))?;
            versions.insert(host, version.clone());
            for kind in kinds(selection) {
                if host.triple().is_none() && kind.has_register() {
                    continue;
                }
                for &form in forms {
                    let tags = kind_tags(host, kind, &version).map(|tag| tag + suffix(form, forms));
                    let (content, version) = (Content::Kind(kind), version.clone());
                    images.push(ImagePlan { host, content, form, tags: tags.collect(), version });
                }
            }
            for target in targets(selection) {
                if host.triple().is_none() {
                    continue;
                }
                let Some(version) = newest(lock, &[host], Some(target)) else {
                    // QEMU had dropped it before Debian had the host.
                    if target.status() == Status::Retired {
                        continue;
                    }
                    return Err(unlocked(target, &format!("the host `{host}`")));
                };
                for &form in forms {
                    let (content, version) = (Content::Single(target), version.clone());
                    images.push(ImagePlan { host, content, form, tags: Vec::new(), version });
                }
            }
        }
        let built = |target| images.iter().any(|image: &ImagePlan| image.content == Content::Single(target));
        let retired = |target: &Target| target.status() == Status::Retired;
        if let Some(target) = selection.targets.iter().copied().filter(retired).find(|target| !built(*target))
        {
            return Err(unlocked(target, "any of the hosts"));
        }
        if images.is_empty() {
            return Err(Hinted::new(
                "nothing to build: the selected hosts have `pkg` images only",
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
            .map(|(content, listed)| {
                let (version, tags) = match content {
                    Content::Kind(kind) => {
                        let version = newest(lock, &hosts, None).unwrap_or_default();
                        let tags = [kind.moving_tag().to_owned(), format!("d{version}{}", kind.suffix())];
                        (version, tags)
                    }
                    Content::Single(target) => {
                        let version = newest(lock, &hosts, Some(target)).unwrap_or_default();
                        let tags = [target.name().to_owned(), format!("d{version}-{target}")];
                        (version, tags)
                    }
                };
                let tags = tags.map(|tag| if listed == forms { tag } else { tag + ZSTD });
                IndexPlan { content, forms: listed, tags, version }
            })
            .collect();
        Ok(Plan { images, indexes, versions })
    }

    /// The forms that images are in.
    pub(crate) fn forms(&self) -> BTreeSet<Form> {
        self.images.iter().map(|image| image.form).collect()
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
        (_, false) => selection
            .targets
            .iter()
            .map(|target| target.binary())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
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

/// What the tags of an image in zstd end with, where there is one in gzip too.
const ZSTD: &str = "-zstd";

fn suffix(form: Form, forms: &[Form]) -> &'static str {
    if form == Form::Zstd && forms.len() > 1 { ZSTD } else { "" }
}

fn kind_tags(host: Host, kind: Kind, version: &str) -> impl Iterator<Item = String> {
    let mut tags = vec![format!("{}-d{version}{}", host.tag(), kind.suffix())];
    if host.triple().is_none() {
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
mod tests {
    use super::*;
    use debian::lock::{Package, Role, Suite};
    use digest::Digest;

    const HOSTS: [&str; 3] = ["amd64", "i386", "mipsel"];

    fn lock() -> Lock {
        let suite = |name: &str, date| Suite {
            name: name.to_owned(),
            codename: name.to_owned(),
            date,
            inrelease: Digest::of(name.as_bytes()),
            allow_expired: false,
            without: BTreeSet::new(),
        };
        let package = |host: &str, suite: &str, version: &str, wide: bool| Package {
            name: "qemu-user".to_owned(),
            host: host.parse().unwrap(),
            suite: suite.to_owned(),
            version: version.to_owned(),
            path: format!("pool/{host}-{suite}.deb"),
            size: 1,
            digest: Digest::of(host.as_bytes()),
            role: Role::Qemu(
                Target::current()
                    .filter(|target| (target.elf().class == arch::Class::Bits64) == wide)
                    .collect(),
            ),
        };
        let packages = vec![
            package("amd64", "sid", "1:11.1.3+ds-1", false),
            package("amd64", "bookworm", "1:11.1.3+ds-1", true),
            package("i386", "sid", "1:10.2.2+ds-1", false),
            package("i386", "bookworm", "1:7.2+dfsg-7", true),
            package("mipsel", "sid", "1:9.2", false),
            package("mipsel", "bookworm", "1:7.2+dfsg-7", true),
        ];
        Lock::new(vec![suite("sid", 2), suite("bookworm", 1)], packages).unwrap()
    }

    fn plan(hosts: &[&str], kinds: &[&str], targets: &[&str]) -> Result<Plan, String> {
        let selection = Selection {
            hosts: hosts.iter().map(|name| name.parse().unwrap()).collect(),
            kinds: kinds.iter().map(|name| name.parse().unwrap()).collect(),
            targets: targets.iter().map(|name| name.parse().unwrap()).collect(),
            compression: Compression::Gzip,
        };
        resolve(&selection)
    }

    fn resolve(selection: &Selection) -> Result<Plan, String> {
        let configured = HOSTS.map(|name| name.parse().unwrap());
        Plan::new(&configured, selection, &lock()).map_err(|error| error.to_string())
    }

    fn tags(plan: &Plan) -> Vec<String> {
        let images = plan.images.iter().flat_map(|image| image.tags.clone());
        images.chain(plan.indexes.iter().flat_map(|index| index.tags.clone())).collect()
    }

    #[test]
    fn everything_is_built_unless_something_is_selected() {
        let plan = plan(&[], &[], &[]).unwrap();
        // Two hosts with four kinds and 33 targets, and one with `pkg` alone.
        assert_eq!(plan.images.len(), 2 * (4 + 33) + 1);
        assert_eq!(plan.indexes.len(), 4 + 33);
    }

    #[test]
    fn tags_name_each_hosts_own_version() {
        let plan = plan(&[], &["pkg", "register", "full", "binfmt"], &[]).unwrap();
        let expected = [
            "amd64-d11.1-pkg",
            "amd64-d11.1-register",
            "amd64-d11.1",
            "amd64-d11.1-binfmt",
            "i386-d10.2-pkg",
            "i386-d10.2-register",
            "i386-d10.2",
            "i386-d10.2-binfmt",
            "mips-d9.2-pkg",
            "mips-pkg",
            "pkg",
            "d11.1-pkg",
            "register",
            "d11.1-register",
            "latest",
            "d11.1",
            "binfmt",
            "d11.1-binfmt",
        ];
        assert_eq!(tags(&plan), expected);
    }

    #[test]
    fn both_forms_have_tags_of_their_own_and_share_an_index() {
        let selection = Selection {
            hosts: vec!["amd64".parse().unwrap(), "mipsel".parse().unwrap()],
            kinds: vec!["pkg".parse().unwrap()],
            compression: Compression::Both,
            ..Selection::default()
        };
        let plan = resolve(&selection).unwrap();
        let expected = [
            "amd64-d11.1-pkg",
            "amd64-d11.1-pkg-zstd",
            "mips-d9.2-pkg",
            "mips-pkg",
            "mips-d9.2-pkg-zstd",
            "mips-pkg-zstd",
            "pkg",
            "d11.1-pkg",
            "pkg-zstd",
            "d11.1-pkg-zstd",
        ];
        assert_eq!(tags(&plan), expected);
        let forms: Vec<_> = plan.indexes.iter().map(|index| index.forms).collect();
        assert_eq!(forms, [&[Form::Gzip, Form::Zstd][..], &[Form::Zstd]]);

        // Alone, zstd is what the usual tags mean.
        let plan = resolve(&Selection { compression: Compression::Zstd, ..selection }).unwrap();
        assert_eq!(plan.indexes[0].tags, ["pkg", "d11.1-pkg"]);
        assert_eq!(plan.indexes[0].forms, [Form::Zstd]);
    }

    #[test]
    fn a_single_target_has_the_version_of_its_own_cells() {
        let plan = plan(&["i386"], &[], &["arm64", "arm"]).unwrap();
        assert_eq!(tags(&plan), ["aarch64", "d7.2-aarch64", "arm", "d10.2-arm"]);
    }

    #[test]
    fn what_cannot_be_built_is_said() {
        let check = |hosts: &[&str], kinds: &[&str], targets: &[&str], expected: &str| {
            assert_eq!(plan(hosts, kinds, targets).unwrap_err(), expected);
        };
        check(&["s390x"], &[], &[], "the host `s390x` is not built here");
        check(&["mipsel"], &["full"], &[], "nothing to build: the selected hosts have `pkg` images only");
        check(&[], &[], &["cris"], "images/debian.lock has no package with `cris` for any of the hosts");
    }
}
