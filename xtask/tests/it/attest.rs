//! The statements about images: they are true of them, and `verify` refuses those that are not.

use std::io::Read as _;

use attest::spdx::Document;
use attest::statement::{PROVENANCE, SPDX};
use oci::spec::{Descriptor, Index, Manifest, annotation, media_type};
use oci::{Attestation, Blob, IndexBuilder};
use publish::layout::{Layout, LayoutWriter};
use serde_json::Value;

use crate::line::Line;
use debian::testing::small::{COPYRIGHT, archive};

const HOSTS: [&str; 1] = ["amd64"];

fn built() -> Line {
    let line = Line::locked(&HOSTS);
    line.run(&["images", "--kind", "pkg"]).success();
    line
}

/// The image of the index `pkg`, and the statements about it, each with its predicate's type.
pub(crate) struct Attested {
    layout: Layout,
    index: Index,
    pub(crate) image: Descriptor,
    pub(crate) statements: Vec<(String, Descriptor)>,
}

pub(crate) fn attested(line: &Line) -> Attested {
    let layout = Layout::open(&line.path("target/images")).unwrap();
    let (_, index) = layout.refs().into_iter().find(|(tag, _)| tag == "pkg").unwrap();
    let index: Index = layout.json(&index).unwrap();
    let [image, attestation] = index.manifests.as_slice() else { panic!("{index:?}") };
    assert_eq!(attestation.attests(), Some(image.digest));
    assert_eq!(attestation.platform.as_ref().unwrap().to_string(), "unknown/unknown");
    let manifest: Manifest = layout.json(attestation).unwrap();
    let statement = |layer: Descriptor| (layer.annotations[annotation::PREDICATE].clone(), layer);
    let statements = manifest.layers.into_iter().map(statement).collect();
    Attested { image: image.clone(), statements, layout, index }
}

impl Attested {
    pub(crate) fn json(&self, predicate: &str) -> Value {
        let (_, layer) = self.statements.iter().find(|(kind, _)| kind == predicate).unwrap();
        serde_json::from_slice(&self.layout.read(layer).unwrap()).unwrap()
    }
}

#[test]
fn an_index_says_what_is_in_its_images_and_how_they_were_built() {
    let line = built();
    let attested = attested(&line);
    let kinds: Vec<&str> = attested.statements.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, [SPDX, PROVENANCE]);
    for kind in kinds {
        let statement = attested.json(kind);
        assert_eq!(statement["predicateType"], kind);
        assert_eq!(statement["subject"][0]["digest"]["sha256"], attested.image.digest.hex());
    }
    let document: Document = serde_json::from_value(attested.json(SPDX)["predicate"].clone()).unwrap();
    let texts: Vec<&str> = document
        .files
        .iter()
        .filter(|file| file.file_types == ["TEXT"])
        .map(|file| file.file_name.as_str())
        .collect();
    let records = [
        "./usr/share/doc/qemu-user/NOTICE",
        "./usr/share/doc/qemu-user/copyright",
        "./var/lib/dpkg/status.d/qemu-user",
    ];
    assert_eq!((document.files.len(), texts.as_slice()), (36, &records[..]));
    let package = document.packages.iter().find(|package| package.name == "qemu-user").unwrap();
    let purl = "pkg:deb/debian/qemu-user@1:11.1.3%2Bds-1?arch=amd64&distro=sid";
    assert_eq!(package.external_refs[0].reference_locator, purl);
    let pool = "http://ftp.debian.org/debian/pool/main/qemu-user_11.1.3+ds-1_amd64.deb";
    assert_eq!(package.download_location, pool);
    // What has address and checksum of a source is its description.
    let archived = archive("1:11.1.3+ds-1", &HOSTS).build().files;
    for (name, path) in DSCS {
        let source = document.packages.iter().find(|package| package.name == name).unwrap();
        let sums: Vec<&str> = source.checksums.iter().map(|sum| sum.checksum_value.as_str()).collect();
        assert_eq!(sums, [sha256::Digest::of(&archived[path]).hex()], "{name}");
        assert_eq!(source.download_location, format!("{}/{path}", snapshot(&line)), "{name}");
    }
    let definition = &attested.json(PROVENANCE)["predicate"]["buildDefinition"];
    let parameters = &definition["externalParameters"];
    assert_eq!((&parameters["kind"], &parameters["host"]), (&"pkg".into(), &"amd64".into()));
    let uris: Vec<&str> = definition["resolvedDependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| dependency["uri"].as_str().unwrap())
        .collect();
    assert!(uris[0].ends_with("/dists/sid/InRelease"), "{uris:?}");
    assert_eq!(uris[1..], [purl]);
}

#[test]
fn who_wants_less_said_gets_less() {
    let line = built();
    for (choice, expected) in [("sbom", &[SPDX][..]), ("provenance", &[PROVENANCE])] {
        line.run(&["images", "--kind", "pkg", "--attest", choice]).success();
        let kinds: Vec<String> = attested(&line).statements.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, expected);
        line.run(&["verify", "target/images"]).success();
    }
    // What images.toml says counts where no option does.
    let config = line.read("images/images.toml") + "attest = \"sbom\"\n";
    line.write("images/images.toml", &config);
    line.run(&["images", "--kind", "pkg"]).success();
    assert_eq!(attested(&line).statements.len(), 1);
}

/// The descriptions of the sources that the package names.
const DSCS: [(&str, &str); 2] =
    [("qemu", "pool/main/q/qemu/qemu_11.1.3+ds-1.dsc"), ("glibc", "pool/main/g/glibc/glibc_2.43-7.dsc")];

fn lock(line: &Line) -> debian::lock::Lock {
    debian::lock::Lock::load(&line.path("images/debian.lock")).unwrap()
}

/// The address of the archive as it was.
fn snapshot(line: &Line) -> String {
    let lock = lock(line);
    let file = lock.snapshot(lock.suite("sid").unwrap(), "x");
    file.strip_suffix("/x").unwrap().to_owned()
}

/// The files of an image's upper layer, which scanners and people read.
fn records(line: &Line) -> std::collections::BTreeMap<String, String> {
    let Attested { layout, image, .. } = attested(line);
    let manifest: Manifest = layout.json(&image).unwrap();
    let [_, records] = manifest.layers.as_slice() else { panic!("{manifest:?}") };
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(layout.blob(records).unwrap()));
    let mut found = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            assert_eq!(entry.header().mode().unwrap(), 0o644);
            let (path, mut text) = (entry.path().unwrap().display().to_string(), String::new());
            entry.read_to_string(&mut text).unwrap();
            found.insert(path, text);
        }
    }
    found
}

/// The text about the package's sources, with what stands below the address of each.
fn notice(line: &Line, below: impl Fn(&str) -> String) -> String {
    let (lock, snapshot) = (lock(line), snapshot(line));
    let digest = lock.qemu(HOSTS[0].parse().unwrap()).next().unwrap().digest;
    let [qemu, glibc] = DSCS.map(|(_, path)| format!("    {snapshot}/{path}\n{}", below(path)));
    format!(
        "Programs in this image are from Debian's package qemu-user 1:11.1.3+ds-1 (amd64):\n\n    \
         {snapshot}/pool/main/qemu-user_11.1.3+ds-1_amd64.deb\n    {digest}\n\n\
         Who may do what with them is in the file copyright beside this one. Their source, a description that names\n\
         each file beside it by SHA-256:\n\n{qemu}\n\
         The sources of what was built into them:\n\n{glibc}"
    )
}

#[test]
fn an_image_holds_the_records_of_its_packages() {
    let line = built();
    let found = records(&line);
    let archived = archive("1:11.1.3+ds-1", &HOSTS).build().files;
    let notice = notice(&line, |path| format!("    {}\n", sha256::Digest::of(&archived[path])));
    let control = "Package: qemu-user\nVersion: 1:11.1.3+ds-1\nArchitecture: amd64\nSource: qemu\n\
                   Built-Using: glibc (= 2.43-7)\n";
    let expected = [
        ("usr/share/doc/qemu-user/NOTICE", notice.as_str()),
        ("usr/share/doc/qemu-user/copyright", COPYRIGHT),
        ("var/lib/dpkg/status.d/qemu-user", control),
    ];
    assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
}

/// Locks of before there were sources in them.
#[test]
fn a_lock_without_sources_gives_their_addresses_alone() {
    let line = built();
    let (whole, with) = (line.read("images/debian.lock"), records(&line));
    let (old, _) = whole.split_once("\n[[source]]").unwrap();
    line.write("images/debian.lock", old);
    line.run(&["images", "--kind", "pkg"]).success();
    let path = "usr/share/doc/qemu-user/NOTICE";
    assert_eq!(records(&line)[path], notice(&line, |_| String::new()));
    let document: Document = serde_json::from_value(attested(&line).json(SPDX)["predicate"].clone()).unwrap();
    for (name, _) in DSCS {
        let source = document.packages.iter().find(|package| package.name == name).unwrap();
        assert_eq!((source.checksums.len(), source.download_location.as_str()), (0, "NOASSERTION"));
    }
    line.run(&["verify", "target/images"]).success();
    // It is as good as the archive, and the next one has them.
    let checked = line.run(&["lock", "--check"]).success();
    assert_eq!(checked.stdout, "the archive has nothing newer\n");
    line.run(&["lock"]).success();
    assert_eq!(line.read("images/debian.lock"), whole);
    line.run(&["images", "--kind", "pkg"]).success();
    assert_eq!(records(&line), with);
}

/// Puts other statements in the place of those that are there, and makes everything above fit.
fn replace(line: &Line, edit: &dyn Fn(&str, String) -> (String, String)) {
    let Attested { layout, index, image, statements } = attested(line);
    let mut writer = LayoutWriter::create(layout.path()).unwrap();
    let edited = statements.iter().map(|(kind, layer)| {
        let text = String::from_utf8(layout.read(layer).unwrap()).unwrap();
        let (kind, text) = edit(kind, text);
        (kind, Blob::new(media_type::IN_TOTO, text.into_bytes()))
    });
    let edited: Vec<(String, Blob)> = edited.collect();
    let borrowed: Vec<(&str, &Blob)> = edited.iter().map(|(kind, blob)| (kind.as_str(), blob)).collect();
    let attestation = Attestation::build(image.digest, &borrowed);
    let mut builder = IndexBuilder::new(index.annotations);
    builder.add_descriptor(image).unwrap();
    builder.add_descriptor(attestation.descriptor()).unwrap();
    let index = builder.build();
    let documents = [&attestation.manifest, &attestation.config, &index];
    for blob in edited.iter().map(|(_, blob)| blob).chain(documents) {
        writer.put(blob).unwrap();
    }
    writer.finish("docker.io/aptman/qus", &[("pkg".to_owned(), index.descriptor().clone())]).unwrap();
    writer.prune().unwrap();
}

#[test]
fn what_is_not_true_is_refused() {
    let line = built();
    let document: Document = serde_json::from_value(attested(&line).json(SPDX)["predicate"].clone()).unwrap();
    let path = "usr/bin/qemu-arm-static";
    let sum = document.sums()[path].unwrap().to_owned();
    let image = attested(&line).image.digest;
    let zeros = "0".repeat(64);
    let package = document.packages.iter().find(|package| package.name == "qemu-user").unwrap();
    let deb = package.checksums[0].checksum_value.clone();
    let purl = &package.external_refs[0].reference_locator;
    let of = |kind: &'static str, from: String, to: String| {
        move |found: &str, text: String| {
            let text = if found == kind { text.replace(&from, &to) } else { text };
            (found.to_owned(), text)
        }
    };
    let check = |edit: &dyn Fn(&str, String) -> (String, String), expected: &[&str]| {
        line.run(&["images", "--kind", "pkg", "--prune"]).success();
        line.run(&["verify", "target/images"]).success();
        replace(&line, edit);
        let refused = line.run(&["verify", "target/images"]).failure(1);
        let problems: Vec<&str> = refused
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("blobs/sha256/")?.split_once(": "))
            .map(|(_, problem)| problem)
            .collect();
        let user = |reason: &&str| format!("{reason} (used by the attestation of `pkg` linux/amd64)");
        let expected: Vec<String> = expected.iter().map(user).collect();
        assert_eq!(problems, expected);
    };
    check(
        &of(SPDX, sum.clone(), zeros.clone()),
        &[&format!("it says that `{path}` is sha256:{zeros}, but it is sha256:{sum}")],
    );
    check(
        &of(SPDX, format!("./{path}"), "./usr/bin/other".to_owned()),
        &[&format!("it does not list `{path}`"), "it lists `usr/bin/other`, which the image does not have"],
    );
    check(
        &of(SPDX, image.hex(), zeros.clone()),
        &[&format!("a statement about {image}: it is about sha256:{zeros}")],
    );
    check(
        &|kind, text| (kind.replace("spdx.dev", "spdx.example"), text),
        &[&format!("a statement about {image}: its predicate `https://spdx.example/Document` is not known")],
    );
    check(
        &|kind, text| if kind == SPDX { (kind.to_owned(), "{".to_owned()) } else { (kind.to_owned(), text) },
        &[&format!(
            "a statement about {image}: it is no statement: EOF while parsing an object at line 1 column 1"
        )],
    );
    let source = document.packages.iter().find(|package| package.name == "glibc").unwrap();
    let dsc = source.checksums[0].checksum_value.clone();
    check(
        &of(SPDX, dsc.clone(), zeros.clone()),
        &[&format!("it says that the source glibc 2.43-7 is sha256:{zeros}, but the lock has sha256:{dsc}")],
    );
    check(
        &of(PROVENANCE, deb, zeros.clone()),
        &[&format!("it was built from {purl}, which the lock does not have for amd64")],
    );
}
