//! A layout, compared with what its images should hold: texts and programs for their host, from what the lock has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use arch::{Host, Target};
use base::{count, size};
use debian::lock::Lock;
use exec::{BadTrailer, Trailer};
use oci::spec::{Descriptor, Index, Platform, media_type};
use publish::layout::Layout;
use publish::verify::{Built, Problem, Report, Sources};

use crate::build::{self, records};
use crate::content::Content;
use crate::plan;

/// The findings about a layout.
pub struct Verified {
    report: Report,
    programs: usize,
    /// The problems of its blobs, and of images that are not from what the lock has.
    pub problems: Vec<String>,
    /// The platforms that tags with a version of QEMU have no image for, and that the newest has: a line for tags that lack the same.
    pub absent: Vec<String>,
}

impl Verified {
    /// The numbers of what was read: `3 tags, 33 images, …`.
    pub fn counts(&self) -> String {
        let Report { tags, images, blobs, bytes, statements, .. } = self.report;
        format!(
            "{}, {}, {}, {} ({}), {}",
            count(tags, "tag", "tags"),
            count(images, "image", "images"),
            count(statements, "statement about them", "statements about them"),
            count(blobs, "blob", "blobs"),
            size(bytes),
            count(self.programs, "program", "programs"),
        )
    }
}

/// Reads everything in the layout at `path`, with `jobs` blobs at the same time. Images say what they were built from, which is
/// compared with `lock` where there is one.
pub fn verify(path: &Path, jobs: usize, lock: Option<&Lock>) -> anyhow::Result<Verified> {
    let mut programs = 0;
    let mut check = |platform: &Platform, path: &str, content: &[u8]| match records::is_record(path) {
        true => check_text(path, content),
        false => {
            programs += 1;
            check_file(platform, path, content)
        }
    };
    let report = publish::verify::verify(path, jobs, &mut check)?;
    let mut problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    if let Some(lock) = lock {
        let locks = plan::locks(lock);
        problems.extend(report.built.iter().filter_map(|built| other_inputs(built, &locks)));
        problems.extend(report.sources.iter().flat_map(|sources| other_sources(sources, lock)));
    }
    let absent = absent(&Layout::open(path)?)?;
    Ok(Verified { report, programs, problems, absent })
}

fn absent(layout: &Layout) -> anyhow::Result<Vec<String>> {
    let indexes = layout.refs().into_iter().filter(|(_, root)| root.media_type == media_type::INDEX);
    let mut platforms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (tag, root) in indexes {
        let of_image = |image: Descriptor| match image.is_attestation() {
            true => None,
            false => image.platform.map(|platform| platform.to_string()),
        };
        platforms
            .insert(tag, layout.json::<Index>(&root)?.manifests.into_iter().filter_map(of_image).collect());
    }
    let mut lacking: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for (tag, has) in &platforms {
        let Some((version, content)) = Content::of_version_tag(tag) else { continue };
        let Some(newest) = platforms.get(&content.moving_tag()).filter(|_| content.target().is_none()) else {
            continue;
        };
        let missing: Vec<&str> = newest.difference(has).map(String::as_str).collect();
        if !missing.is_empty() {
            lacking.entry((version, missing.join(", "))).or_default().push(tag);
        }
    }
    let line = |((version, missing), tags): ((&str, String), Vec<&str>)| {
        format!(
            "QEMU {version} has no image for {missing} ({}); tags without a version have one",
            tags.join(", ")
        )
    };
    Ok(lacking.into_iter().map(line).collect())
}

/// The problem of an image that says that it was built from what one of the locks has for its host, and names another package.
fn other_inputs(built: &Built, locks: &[Lock]) -> Option<String> {
    let definition = &built.provenance.build_definition;
    let parameter = |name: &str| definition.external_parameters.get(name);
    let host: Host = parameter("host")?.parse().ok()?;
    let inputs = parameter("inputs")?;
    let lock = locks.iter().find(|lock| *inputs == build::inputs(host, lock).to_string())?;
    let locked: BTreeSet<String> =
        lock.qemu(host).chain(lock.busybox(host)).map(|package| package.digest.hex()).collect();
    let is_other = |input: &&attest::provenance::Dependency| {
        // The C library is in a lock of its own.
        let is_package = input.uri.starts_with("pkg:deb/debian/") && !input.uri.contains("/musl-dev@");
        is_package && !input.digest.get("sha256").is_some_and(|digest| locked.contains(digest))
    };
    let other = definition.resolved_dependencies.iter().find(is_other)?;
    let reason = format!("it was built from {}, which the lock does not have for {host}", other.uri);
    let (place, users) = (built.place.clone(), built.users.clone());
    Some(Problem { place, reason, users }.to_string())
}

/// The problems of a bill of materials with sources that the lock has, and has other descriptions of.
fn other_sources(listed: &Sources, lock: &Lock) -> Vec<String> {
    let problem = |source: &publish::verify::Source| {
        let (name, version) = (source.name.clone(), source.version.clone());
        let locked = lock.sources().get(&debian::about::Source { name, version })?.digest;
        let reason = format!(
            "it says that the source {} {} is sha256:{}, but the lock has {locked}",
            source.name, source.version, source.sha256
        );
        let (place, users) = (listed.place.clone(), listed.users.clone());
        (locked.hex() != source.sha256).then(|| Problem { place, reason, users }.to_string())
    };
    listed.sources.iter().filter_map(problem).collect()
}

/// The records of a package are texts.
fn check_text(path: &str, content: &[u8]) -> Result<(), String> {
    let is_text = std::str::from_utf8(content).is_ok_and(|text| !text.contains('\0'));
    if is_text { Ok(()) } else { Err(format!("{path}: not a text")) }
}

/// Every other file in an image is a program, static, for the image's host; and so is what is inside of it.
fn check_file(platform: &Platform, path: &str, content: &[u8]) -> Result<(), String> {
    let host = host_of(platform).map_err(|error| format!("{error:#}"))?;
    let check = |content: &[u8], what: &str| {
        debian::elf::check(content, host.elf()).map_err(|error| format!("{what}: {error}"))
    };
    check(content, path)?;
    let Some((target, qemu)) = inside(content).map_err(|error| format!("{path}: {error}"))? else {
        return Ok(());
    };
    check(qemu, &format!("{path}: QEMU for {target} inside"))?;
    // `run` of an image with one target says nothing of it in its name.
    match path.rsplit('/').next().and_then(|name| name.strip_prefix("buildkit-qemu-")) {
        Some(name) if name != target.name() => Err(format!("{path}: QEMU inside is for {target}")),
        _ => Ok(()),
    }
}

/// The QEMU that a program has inside of it.
fn inside(program: &[u8]) -> Result<Option<(Target, &[u8])>, BadTrailer> {
    let Some(end) = program.last_chunk() else { return Ok(None) };
    let found = Trailer::parse(end, program.len() as u64)?;
    // Both are within the file, or there is no trailer.
    let range = |trailer: &Trailer| trailer.offset as usize..(trailer.offset + trailer.length) as usize;
    Ok(found.map(|trailer| (trailer.target, &program[range(&trailer)])))
}

fn host_of(platform: &Platform) -> anyhow::Result<Host> {
    let name = platform.to_string();
    name.parse().with_context(|| format!("no host has the platform {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qemu_inside_of_a_program_is_looked_at() {
        let (amd64, arm): (Host, Host) = ("amd64".parse().unwrap(), "arm64v8".parse().unwrap());
        let elf = |host: Host| debian::testing::elf(host.elf(), b"");
        let file = |qemu: &[u8], length: u64| {
            let run = elf(amd64);
            let target = "arm".parse().unwrap();
            let trailer = Trailer { offset: run.len() as u64, length, target };
            [&run, qemu, &trailer.to_bytes()].concat()
        };
        let check = |path: &str, content: &[u8]| check_file(&amd64.platform().into(), path, content);
        let right = file(&elf(amd64), elf(amd64).len() as u64);
        assert_eq!(check("qus/run", &right), Ok(()));
        assert_eq!(check("buildkit-qemu-arm", &right), Ok(()));
        let other = elf(arm);
        for (path, content, expected) in [
            ("buildkit-qemu-armeb", &right, "buildkit-qemu-armeb: QEMU inside is for arm"),
            ("qus/run", &file(&other, other.len() as u64), "qus/run: QEMU for arm inside: MACHINE"),
            ("qus/run", &file(&other, 7), "qus/run: OUTSIDE"),
        ] {
            let machine = debian::elf::check(&other, amd64.elf()).unwrap_err().to_string();
            let outside = BadTrailer::Outside { offset: elf(amd64).len() as u64, length: 7 }.to_string();
            let expected = expected.replace("MACHINE", &machine).replace("OUTSIDE", &outside);
            assert_eq!(check(path, content), Err(expected));
        }
    }

    #[test]
    fn records_hold_no_program() {
        let path = "usr/share/doc/qemu-user/copyright";
        assert_eq!(check_text(path, "© Debian\n".as_bytes()), Ok(()));
        let elf = debian::testing::elf("amd64".parse::<Host>().unwrap().elf(), b"");
        for content in [&elf[..], b"\xff", b"a\0"] {
            assert_eq!(check_text(path, content), Err(format!("{path}: not a text")));
        }
    }
}
