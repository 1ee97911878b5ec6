//! The statements about images, as they are asked for. Whether they are true is tested in the crate `builder`.

use attest::statement::{PROVENANCE, SPDX};
use oci::spec::{Descriptor, Index, Manifest, annotation};
use publish::layout::Layout;
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
    Attested { image: image.clone(), statements, layout }
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
