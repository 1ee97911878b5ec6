//! The statements about images: what is in them and how they were built, made when an image is new and remembered.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use arch::{Host, Target};
use attest::provenance::Provenance;
use attest::spdx::Document;
use attest::{Deb, File, Image, Inventory, License, Linked, Source, statement};
use debian::lock::Package;
use oci::spec::{Descriptor, media_type};
use oci::{Attestation, Blob};
use serde::{Deserialize, Serialize};
use sha256::Digest;

use super::assemble::{BuiltImage, inputs, packages, timestamp};
use super::memo::{Key, Memo};
use super::{Builder, HostLayers, about, ours};
use crate::content::LayerName;
use crate::cross::{Program, Programs};
use crate::kind::Part;
use crate::packing::Form;
use crate::statements;

/// The statements about an image, as they are remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// Points to the manifest.
    descriptor: Descriptor,
    /// The blobs that it leads to.
    blobs: Vec<Descriptor>,
}

impl Builder<'_> {
    /// Puts the statements about `images` into the layout.
    pub(super) fn attest(
        &self,
        images: &mut [BuiltImage],
        layers: &BTreeMap<(Host, Form), HostLayers>,
        programs: &Programs,
        memo: &Memo,
    ) -> anyhow::Result<()> {
        if !self.statements.any() {
            return Ok(());
        }
        let linked: BTreeMap<(Program, Host), String> = programs
            .iter()
            .map(|(program, binary)| Ok((*program, serde_json::to_string(&binary.linked)?)))
            .collect::<anyhow::Result<_>>()?;
        let count = images.len();
        let made = ::base::pool(self.jobs.get(), 0..count, |n| {
            let image = &images[n];
            let layers = layers.get(&(image.plan.host, image.plan.form));
            let layers = layers.context("every host of a plan has layers")?;
            self.attestation(image, layers, programs, &linked, memo)
        })?;
        for (image, Remembered { descriptor, blobs }) in images.iter_mut().zip(made) {
            image.attestation = Some(descriptor);
            image.blobs.extend(blobs.iter().map(|blob| blob.digest));
        }
        Ok(())
    }

    fn attestation(
        &self,
        image: &BuiltImage,
        layers: &HostLayers,
        programs: &Programs,
        linked: &BTreeMap<(Program, Host), String>,
        memo: &Memo,
    ) -> anyhow::Result<Remembered> {
        let key = self.attestation_key(image, linked);
        if let Some(remembered) = memo.note::<Remembered>(&key) {
            let mut there = true;
            for blob in remembered.blobs.iter().chain([&remembered.descriptor]) {
                there = there && self.layout.holds(blob)?;
            }
            if there {
                return Ok(remembered);
            }
        }
        let inventory = self.inventory(image, layers, programs, memo)?;
        let digest = image.descriptor.digest;
        let statements: Vec<(&str, Blob)> = self
            .statements
            .predicates()
            .into_iter()
            .map(|predicate| {
                let bytes = match predicate {
                    statement::SPDX => statement::write(digest, predicate, &Document::of(&inventory)),
                    _ => statement::write(digest, predicate, &Provenance::of(&inventory)),
                };
                (predicate, Blob::new(media_type::IN_TOTO, bytes))
            })
            .collect();
        let borrowed: Vec<(&str, &Blob)> = statements.iter().map(|(kind, blob)| (*kind, blob)).collect();
        let built = Attestation::build(digest, &borrowed);
        let blobs: Vec<&Blob> = statements.iter().map(|(_, blob)| blob).chain([&built.config]).collect();
        for blob in blobs.iter().copied().chain([&built.manifest]) {
            self.layout.put(blob)?;
        }
        let blobs = blobs.iter().map(|blob| blob.descriptor().clone()).collect();
        let remembered = Remembered { descriptor: built.descriptor(), blobs };
        memo.put_note(&key, &remembered)?;
        Ok(remembered)
    }

    /// Everything that the statements depend on. An image's digest stands for its files, and those say
    /// what the lock knows of sources.
    fn attestation_key(&self, image: &BuiltImage, linked: &BTreeMap<(Program, Host), String>) -> Key {
        let host = image.plan.host;
        let mut parts = vec![
            "attestation 2".to_owned(),
            self.statements.name().to_owned(),
            image.descriptor.digest.hex(),
            image.packing.to_string(),
        ];
        for package in packages(&image.plan, self.lock) {
            let Package { name, version, suite, path, digest, .. } = package;
            parts.push(format!("{name} {version} {suite} {path} {digest}"));
            let suite = self.lock.suite(suite);
            parts.extend(suite.map(|suite| format!("{} {} {}", suite.codename, suite.date, suite.inrelease)));
        }
        let programs = image.plan.content.programs();
        parts.extend(programs.filter_map(|program| linked.get(&(program, host)).cloned()));
        Key::new(parts.iter().map(String::as_str))
    }

    fn inventory(
        &self,
        image: &BuiltImage,
        layers: &HostLayers,
        programs: &Programs,
        memo: &Memo,
    ) -> anyhow::Result<Inventory> {
        let (plan, host) = (&image.plan, image.plan.host);
        let mut files = Vec::new();
        for name in plan.content.layers() {
            let made = layers.get(&name).with_context(|| format!("no layer {name:?} for {host}"))?;
            let is_text = name.part.recorded().is_some();
            for file in &made.files {
                let (program, package) = self.origin(host, name, &file.path)?;
                let (path, program) = (file.path.clone(), program.map(Program::name));
                files.push(File { path, sums: file.sums, package, program, is_text });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let packages = packages(plan, self.lock);
        let names: BTreeSet<Program> = plan.content.programs().collect();
        let program = |name: Program| {
            let linked: Linked = ours::program(programs, name, host)?.linked.clone();
            Ok(attest::Program { name: name.name(), linked })
        };
        let used: BTreeSet<&str> = packages.iter().map(|package| package.suite.as_str()).collect();
        let suites = self.lock.suites().iter().filter(|suite| used.contains(suite.name.as_str()));
        let suite = |suite: &debian::lock::Suite| attest::Suite {
            location: self.lock.snapshot(suite, &format!("dists/{}/InRelease", suite.codename)),
            inrelease: suite.inrelease,
        };
        let created = self.lock.date(host).with_context(|| format!("the lock has no date for {host}"))?;
        let mut parameters = vec![
            ("compression", image.packing.to_string()),
            ("host", host.name().to_owned()),
            ("inputs", inputs(host, self.lock).to_string()),
            ("kind", plan.content.kind().name().to_owned()),
        ];
        parameters.extend(plan.content.target().map(|target| ("target", target.name().to_owned())));
        Ok(Inventory {
            image: Image {
                digest: image.descriptor.digest,
                name: "qus".to_owned(),
                version: plan.version.to_string(),
                architecture: host.platform().architecture.to_owned(),
                description: plan.content.description(),
                created: timestamp(created)?.to_string(),
                parameters,
                suites: suites.map(suite).collect(),
            },
            files,
            packages: packages
                .iter()
                .map(|package| self.deb(package, memo))
                .collect::<anyhow::Result<_>>()?,
            programs: names.into_iter().map(program).collect::<anyhow::Result<_>>()?,
        })
    }

    fn deb(&self, package: &Package, memo: &Memo) -> anyhow::Result<Deb> {
        let about = about(package, memo)?;
        let suite = self.lock.suite(&package.suite).context("every package of a lock has a suite")?;
        let source = |source: debian::about::Source| {
            let dsc = self.lock.sources().get(&source).map(|dsc| attest::Dsc {
                digest: dsc.digest,
                location: self.lock.snapshot(suite, &dsc.path),
            });
            Source { name: source.name, version: source.version, dsc }
        };
        let list = |sources: Vec<debian::about::Source>| sources.into_iter().map(source).collect();
        let names: Vec<String> = about.licenses.into_iter().flatten().collect();
        Ok(Deb {
            source: Some(source(about.source)),
            built_using: list(about.built_using),
            static_built_using: list(about.static_built_using),
            license: License::of_debian(names.iter().map(String::as_str)),
            license_names: names,
            ..statements::deb(self.lock, package)?
        })
    }

    /// The origin of a file of a layer: the program of ours, and the package that it, or the rest of it, is from.
    fn origin(
        &self,
        host: Host,
        name: LayerName,
        path: &str,
    ) -> anyhow::Result<(Option<Program>, Option<Digest>)> {
        let package = match name.part {
            Part::Busybox => Some(self.busybox(host)?),
            Part::Register | Part::Run => None,
            Part::Qemu | Part::RunWithQemu | Part::Buildkit => {
                let target = name.target.or_else(|| target_of(path));
                let target = target.with_context(|| format!("`{path}` of {host} is of no target"))?;
                Some(self.cell(host, target)?)
            }
            Part::BusyboxRecords | Part::QemuRecords | Part::BuildkitRecords => {
                self.recorded_at(host, name, path)?
            }
        };
        Ok((name.part.program(), package.map(|package| package.digest)))
    }
}

/// The target whose QEMU a file is, or has inside, by its name.
fn target_of(path: &str) -> Option<Target> {
    let name = path.rsplit('/').next()?;
    let name = name.strip_prefix("buildkit-").unwrap_or(name).strip_prefix("qemu-")?;
    name.strip_suffix("-static").unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_says_its_target() {
        for (path, expected) in [
            ("usr/bin/qemu-aarch64_be-static", Some("aarch64_be")),
            ("buildkit-qemu-arm", Some("arm")),
            ("qus/run", None),
            ("bin/busybox", None),
        ] {
            assert_eq!(target_of(path).map(Target::name), expected, "{path}");
        }
    }
}
