//! The statements about images and the records in them: they are true of them.

use std::collections::BTreeMap;
use std::io::Read as _;

use attest::spdx::Document;
use attest::statement::{PROVENANCE, SPDX};
use debian::lock::Lock;
use debian::testing::small::{COPYRIGHT, archive};
use oci::spec::{Descriptor, Index, Manifest, annotation, media_type};
use oci::{Attestation, Blob, IndexBuilder};
use publish::layout::{Layout, LayoutWriter};
use qus_builder::{Statements, verify};
use serde_json::Value;

use qus_builder::testing::{Build, Workshop};

const HOSTS: [&str; 1] = ["amd64"];

fn built() -> Workshop {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    workshop
}

/// The image of the index `pkg`, and the statements about it, each with its predicate's type.
struct Attested {
    layout: Layout,
    index: Index,
    image: Descriptor,
    statements: Vec<(String, Descriptor)>,
}

impl Attested {
    fn of(workshop: &Workshop) -> Attested {
        let (layout, tags) = workshop.layout("images");
        let index: Index = layout.json(&tags["pkg"]).unwrap();
        let [image, attestation] = index.manifests.as_slice() else { panic!("{index:?}") };
        assert_eq!(attestation.attests(), Some(image.digest));
        assert_eq!(attestation.platform.as_ref().unwrap().to_string(), "unknown/unknown");
        let manifest: Manifest = layout.json(attestation).unwrap();
        let statement = |layer: Descriptor| (layer.annotations[annotation::PREDICATE].clone(), layer);
        let statements = manifest.layers.into_iter().map(statement).collect();
        Attested { image: image.clone(), statements, layout, index }
    }

    fn kinds(&self) -> Vec<&str> {
        self.statements.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    fn json(&self, predicate: &str) -> Value {
        let (_, layer) = self.statements.iter().find(|(kind, _)| kind == predicate).unwrap();
        serde_json::from_slice(&self.layout.read(layer).unwrap()).unwrap()
    }

    fn document(&self) -> Document {
        serde_json::from_value(self.json(SPDX)["predicate"].clone()).unwrap()
    }

    /// The files of the image's upper layer, which scanners and people read.
    fn records(&self) -> BTreeMap<String, String> {
        let manifest: Manifest = self.layout.json(&self.image).unwrap();
        let [_, records] = manifest.layers.as_slice() else { panic!("{manifest:?}") };
        let gzip = flate2::read::MultiGzDecoder::new(self.layout.blob(records).unwrap());
        let mut archive = tar::Archive::new(gzip);
        let mut found = BTreeMap::new();
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
}

/// The descriptions of the sources that the package names.
const DSCS: [(&str, &str); 2] =
    [("qemu", "pool/main/q/qemu/qemu_11.1.3+ds-1.dsc"), ("glibc", "pool/main/g/glibc/glibc_2.43-7.dsc")];

/// The address of the archive as it was.
fn snapshot(lock: &Lock) -> String {
    let file = lock.snapshot(lock.suite("sid").unwrap(), "x");
    file.strip_suffix("/x").unwrap().to_owned()
}

#[test]
fn an_index_says_what_is_in_its_images_and_how_they_were_built() {
    let workshop = built();
    let attested = Attested::of(&workshop);
    assert_eq!(attested.kinds(), [SPDX, PROVENANCE]);
    for kind in attested.kinds() {
        let statement = attested.json(kind);
        assert_eq!(statement["predicateType"], kind);
        assert_eq!(statement["subject"][0]["digest"]["sha256"], attested.image.digest.hex());
    }
    let document = attested.document();
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
        assert_eq!(source.download_location, format!("{}/{path}", snapshot(&workshop.lock)), "{name}");
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
    let workshop = built();
    for (statements, expected) in [(Statements::Sbom, &[SPDX][..]), (Statements::Provenance, &[PROVENANCE])] {
        workshop.build(Build { statements, ..Build::default() });
        assert_eq!(Attested::of(&workshop).kinds(), expected);
        assert!(workshop.is_whole("images"));
    }
}

/// The text about the package's sources, with what stands below the address of each.
fn notice(lock: &Lock, below: impl Fn(&str) -> String) -> String {
    let snapshot = snapshot(lock);
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
    let workshop = built();
    let archived = archive("1:11.1.3+ds-1", &HOSTS).build().files;
    let notice = notice(&workshop.lock, |path| format!("    {}\n", sha256::Digest::of(&archived[path])));
    let control = "Package: qemu-user\nVersion: 1:11.1.3+ds-1\nArchitecture: amd64\nSource: qemu\n\
                   Built-Using: glibc (= 2.43-7)\n";
    let expected = [
        ("usr/share/doc/qemu-user/NOTICE", notice.as_str()),
        ("usr/share/doc/qemu-user/copyright", COPYRIGHT),
        ("var/lib/dpkg/status.d/qemu-user", control),
    ];
    let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    assert_eq!(Attested::of(&workshop).records(), expected);
}

/// Locks of before there were sources in them.
#[test]
fn a_lock_without_sources_gives_their_addresses_alone() {
    let mut workshop = built();
    let with = Attested::of(&workshop).records();
    let whole = workshop.lock.to_string();
    let (old, _) = whole.split_once("\n[[source]]").unwrap();
    let whole = std::mem::replace(&mut workshop.lock, Lock::parse(old).unwrap());
    workshop.build(Build::default());
    let attested = Attested::of(&workshop);
    let path = "usr/share/doc/qemu-user/NOTICE";
    assert_eq!(attested.records()[path], notice(&workshop.lock, |_| String::new()));
    let document = attested.document();
    for (name, _) in DSCS {
        let source = document.packages.iter().find(|package| package.name == name).unwrap();
        assert_eq!((source.checksums.len(), source.download_location.as_str()), (0, "NOASSERTION"));
    }
    assert!(workshop.is_whole("images"));
    // A lock with them gives them again.
    workshop.lock = whole;
    workshop.build(Build::default());
    assert_eq!(Attested::of(&workshop).records(), with);
}

/// Puts other statements in the place of those that are there, and makes everything above fit.
fn replace(workshop: &Workshop, edit: &dyn Fn(&str, String) -> (String, String)) {
    let Attested { layout, index, image, statements } = Attested::of(workshop);
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
    let workshop = built();
    let attested = Attested::of(&workshop);
    let document = attested.document();
    let path = "usr/bin/qemu-arm-static";
    let sum = document.sums()[path].unwrap().to_owned();
    let image = attested.image.digest;
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
        workshop.build(Build { prune: true, ..Build::default() });
        let problems = || verify(&workshop.path("images"), 2, Some(&workshop.lock)).unwrap().problems;
        assert_eq!(problems(), [""; 0]);
        replace(&workshop, edit);
        let problems = problems();
        let place = |problem: &String| {
            let (_, problem) = problem.strip_prefix("blobs/sha256/").unwrap().split_once(": ").unwrap();
            problem.to_owned()
        };
        let problems: Vec<String> = problems.iter().map(place).collect();
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
