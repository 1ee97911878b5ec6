//! The statements about images and the records in them: they are true of them.

use std::collections::BTreeMap;
use std::io::Read as _;

use attest::spdx::Document;
use attest::statement::{PROVENANCE, SPDX};
use debian::lock::Lock;
use debian::testing::small::{COPYRIGHT, archive};
use oci::spec::{Descriptor, Index, Manifest, annotation};
use publish::layout::Layout;
use qus_builder::Statements;
use serde_json::Value;

use crate::workshop::{Build, Workshop};

const HOSTS: [&str; 1] = ["amd64"];

fn built() -> Workshop {
    let workshop = Workshop::small(&HOSTS);
    workshop.build(Build::default());
    workshop
}

/// The image of the index `pkg`, and the statements about it, each with its predicate's type.
struct Attested {
    layout: Layout,
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
        Attested { image: image.clone(), statements, layout }
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
