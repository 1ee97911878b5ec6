//! The statements about images, as they are asked for, and `verify`, which refuses those that are not true.

use attest::spdx::Document;
use attest::statement::{PROVENANCE, SPDX};
use oci::spec::{Descriptor, Index, Manifest, annotation, media_type};
use oci::{Attestation, Blob, IndexBuilder};
use publish::layout::{Layout, LayoutWriter};
use serde_json::Value;

use crate::line::Line;

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

/// Without an option, images.toml's word counts.
#[test]
fn who_wants_less_said_gets_less() {
    let line = built();
    let config = line.read("images/images.toml") + "attest = \"sbom\"\n";
    line.write("images/images.toml", &config);
    for (options, expected) in [(&[][..], SPDX), (&["--attest", "provenance"], PROVENANCE)] {
        line.run(&[&["images", "--kind", "pkg"][..], options].concat()).success();
        let kinds: Vec<String> = attested(&line).statements.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [expected]);
    }
}

/// Locks of before there were sources in them.
#[test]
fn a_lock_without_sources_is_as_good_as_the_archive_and_the_next_one_has_them() {
    let line = built();
    let whole = line.read("images/debian.lock");
    let (old, _) = whole.split_once("\n[[source]]").unwrap();
    line.write("images/debian.lock", old);
    line.run(&["images", "--kind", "pkg"]).success();
    line.run(&["verify", "target/images"]).success();
    let checked = line.run(&["lock", "--check"]).success();
    assert_eq!(checked.stdout, "the archive has nothing newer\n");
    line.run(&["lock"]).success();
    assert_eq!(line.read("images/debian.lock"), whole);
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
