//! The records of Debian's packages in an image: what each is, for scanners; who may do what with it, and where its sources are,
//! for people.
//!
//! Of each package there are its `control` as `var/lib/dpkg/status.d/PACKAGE`, where the images of Google's distroless have it and
//! scanners look, its copyright file where Debian has it, and beside that a `NOTICE` with the addresses and digests of its
//! sources (GPL-2.0, section 3). They are a layer of their own, which images with the same packages share.

use std::collections::BTreeSet;

use anyhow::Context as _;
use arch::{Host, Target};
use debian::About;
use debian::about::Source;
use debian::lock::Package;
use oci::Entry;

use super::layers::{MTIME, Made, Writer};
use super::memo::{Key, Memo};
use super::{Builder, about, base, wanted};
use crate::content::LayerName;
use crate::kind::Part;
use crate::packing::Form;
use crate::plan::Plan;

/// The folder of packages' `control`.
const STATUS: &str = "var/lib/dpkg/status.d";
/// The folder of packages' documents.
const DOC: &str = "usr/share/doc";
const COPYRIGHT: &str = "copyright";
const NOTICE: &str = "NOTICE";

/// The records of one package.
struct Record {
    /// The name of its files.
    name: String,
    about: About,
    notice: String,
}

/// True if the file of an image at `path` belongs to the records of a package, and so is a text.
pub fn is_record(path: &str) -> bool {
    name_of(path).is_some()
}

/// The name of the package whose record is at `path`.
fn name_of(path: &str) -> Option<&str> {
    let below = |folder: &str| path.strip_prefix(folder)?.strip_prefix('/');
    let name = match below(DOC) {
        Some(rest) => {
            rest.strip_suffix(COPYRIGHT).or_else(|| rest.strip_suffix(NOTICE))?.strip_suffix('/')?
        }
        None => below(STATUS)?,
    };
    Some(name).filter(|name| !name.is_empty() && !name.contains('/'))
}

impl Builder<'_> {
    /// Makes the layers with records that the layout and the cache lack. The facts about the packages are known.
    pub(super) fn make_records(&self, plan: &Plan, memo: &Memo) -> anyhow::Result<()> {
        for host in plan.hosts() {
            for form in plan.forms() {
                for name in
                    wanted(plan, host, self.lock).into_iter().filter(|name| name.part.recorded().is_some())
                {
                    let key = self.records_key(host, form, name)?;
                    if memo.get(&key, self.layout)?.is_none() {
                        memo.put(&key, &self.records_layer(host, form, name, memo)?, self.layout)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything that the layer depends on. A package's digest stands for what it says of itself.
    pub(super) fn records_key(&self, host: Host, form: Form, name: LayerName) -> anyhow::Result<Key> {
        let mut parts = vec!["records 1".to_owned(), base::packing(form).to_string()];
        for package in self.recorded(host, name)? {
            let Package { name, version, path, digest, .. } = package;
            parts.push(format!("{name} {version} {path} {digest} {}", self.archived(package, "")?));
        }
        // Which of them are the packages' is known only from the packages.
        for (Source { name, version }, dsc) in self.lock.sources() {
            parts.push(format!("source {name} {version} {} {}", dsc.path, dsc.digest));
        }
        Ok(Key::new(parts.iter().map(String::as_str)))
    }

    /// The package whose record is at `path` of a layer, unless it is something of ours about it.
    pub(super) fn recorded_at(
        &self,
        host: Host,
        name: LayerName,
        path: &str,
    ) -> anyhow::Result<Option<&Package>> {
        if path.ends_with(&format!("/{NOTICE}")) {
            return Ok(None);
        }
        let packages = self.recorded(host, name)?;
        let names = names(&packages);
        let mut found = packages.into_iter().zip(names).filter(|(_, name)| name_of(path) == Some(name));
        let found = found.next().with_context(|| format!("`{path}` of {host} is of no package"))?;
        Ok(Some(found.0))
    }

    /// The packages that a layer has the records of.
    fn recorded(&self, host: Host, name: LayerName) -> anyhow::Result<Vec<&Package>> {
        let part = name.part.recorded().context("not every layer has records")?;
        if part == Part::Busybox {
            return Ok(vec![self.busybox(host)?]);
        }
        let targets: BTreeSet<Target> = match name.target {
            Some(target) => BTreeSet::from([target]),
            None => part.targets().into_iter().collect(),
        };
        let is_used = |package: &&Package| package.targets().any(|target| targets.contains(&target));
        Ok(self.lock.qemu(host).filter(is_used).collect())
    }

    fn records_layer(&self, host: Host, form: Form, name: LayerName, memo: &Memo) -> anyhow::Result<Made> {
        let packages = self.recorded(host, name)?;
        let mut records = Vec::new();
        for (package, name) in packages.iter().zip(names(&packages)) {
            let about = about(package, memo)?;
            let notice = self.notice(package, &about)?;
            records.push(Record { name, about, notice });
        }
        let mut layer = Writer::new(base::packing(form), self.layout)?;
        for folder in ["usr", "usr/share", DOC] {
            layer.entry(&Entry::directory(folder, 0o755, MTIME)?)?;
        }
        for Record { name, about, notice } in &records {
            let folder = format!("{DOC}/{name}");
            layer.entry(&Entry::directory(&folder, 0o755, MTIME)?)?;
            layer.text(&format!("{folder}/{NOTICE}"), notice)?;
            if let Some(copyright) = &about.copyright {
                layer.text(&format!("{folder}/{COPYRIGHT}"), copyright)?;
            }
        }
        for folder in ["var", "var/lib", "var/lib/dpkg", STATUS] {
            layer.entry(&Entry::directory(folder, 0o755, MTIME)?)?;
        }
        for Record { name, about, .. } in &records {
            layer.text(&format!("{STATUS}/{name}"), &about.control)?;
        }
        layer.finish()?.commit()
    }

    /// The text about a package's sources.
    fn notice(&self, package: &Package, about: &About) -> anyhow::Result<String> {
        let Package { name, version, digest, .. } = package;
        let mut text = format!(
            "Programs in this image are from Debian's package {name} {version} ({}):\n\n    {}\n    {digest}\n\n\
             Who may do what with them is in the file copyright beside this one. Their source, a description that names\n\
             each file beside it by SHA-256:\n\n{}",
            package.host.debian(),
            self.archived(package, &package.path)?,
            self.described(package, &about.source)?,
        );
        let parts: BTreeSet<_> = about.built_using.iter().chain(&about.static_built_using).collect();
        if !parts.is_empty() {
            text.push_str("\nThe sources of what was built into them:\n\n");
        }
        for source in parts {
            text.push_str(&self.described(package, source)?);
        }
        Ok(text)
    }

    /// The address of a source's description, and its digest where the lock has that: an old lock has none, and an archive need
    /// not keep the sources of what was linked statically (Debian Policy 7.8 is about `Built-Using`).
    fn described(&self, package: &Package, source: &Source) -> anyhow::Result<String> {
        Ok(match self.lock.sources().get(source) {
            Some(dsc) => format!("    {}\n    {}\n", self.archived(package, &dsc.path)?, dsc.digest),
            None => format!("    {}\n", self.archived(package, &source.path())?),
        })
    }

    /// The address of a file of the package's suite in the archive that keeps it.
    fn archived(&self, package: &Package, path: &str) -> anyhow::Result<String> {
        let suite = self.lock.suite(&package.suite).context("every package of a lock has a suite")?;
        Ok(self.lock.snapshot(suite, path))
    }
}

/// The name of each package's files: its own, with the suite where another has the same.
fn names(packages: &[&Package]) -> Vec<String> {
    let name = |package: &&Package| {
        let is_alone = packages.iter().filter(|other| other.name == package.name).count() == 1;
        if is_alone { package.name.clone() } else { format!("{}.{}", package.name, package.suite) }
    };
    packages.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_known_by_their_paths() {
        for (path, expected) in [
            ("var/lib/dpkg/status.d/qemu-user", Some("qemu-user")),
            ("usr/share/doc/qemu-user/copyright", Some("qemu-user")),
            ("usr/share/doc/qemu-user.sid/NOTICE", Some("qemu-user.sid")),
            ("usr/share/doc/qemu-user/README", None),
            ("usr/share/doc/copyright", None),
            ("usr/share/doc//copyright", None),
            ("usr/share/doc/qemu-user/more/copyright", None),
            ("usr/share/doc/qemu-usercopyright", None),
            ("var/lib/dpkg/status.d/", None),
            ("var/lib/dpkg/status.d/a/b", None),
            ("var/lib/dpkg/status", None),
            ("usr/bin/qemu-arm-static", None),
        ] {
            assert_eq!((name_of(path), is_record(path)), (expected, expected.is_some()), "{path}");
        }
    }
}
