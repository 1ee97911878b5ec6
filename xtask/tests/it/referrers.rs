//! `cargo xtask images --push --referrers`: statements that are found at a registry by the digest of the image.

use attest::statement::{PROVENANCE, SPDX};
use oci::Blob;
use oci::spec::{Descriptor, Index, Manifest, annotation, media_type};
use publish::credentials::Credentials;
use publish::registry::{self, Access, Options};

use crate::attest::attested;
use crate::line::Line;
use crate::ship::{packages, registry, sandbox};

/// Debian's registry keeps no lists by itself.
#[test]
fn statements_are_listed_under_a_tag_beside_those_of_others() {
    let Some(packages) = packages("statements_are_listed_under_a_tag_beside_those_of_others") else { return };
    let sandbox = sandbox(&packages, Vec::new());
    let (_registry, repository) = registry(&sandbox);
    let line = Line::locked(&["amd64"]);
    let push = |options: &[&str]| {
        let push = ["images", "--kind", "pkg", "--push", "--referrers", "--repository", &repository];
        line.run(&[&push[..], options].concat()).success().stderr
    };
    let says = |stderr: &str, rest: &str| {
        let expected = format!("2 statements refer to 1 image: {rest}\n");
        assert!(stderr.contains(&expected), "{stderr}");
    };
    let dry = push(&["--dry-run"]);
    says(&dry, "1 would be listed under tags `sha256-…`");
    says(&push(&[]), "1 listed under tags `sha256-…`");
    let again = push(&[]);
    says(&again, "all of them are listed under tags `sha256-…`");
    assert!(again.contains("has everything already: nothing is uploaded, no tag moves"), "{again}");
    // The layout does not keep them.
    line.run(&["verify", "target/images"]).success();

    let attested = attested(&line);
    let tag = format!("sha256-{}", attested.image.digest.hex());
    let runtime = base::runtime().unwrap();
    let name = repository.parse().unwrap();
    let client = registry::Registry::connect(name, Access::Push, Credentials::Anonymous, Options::default());
    let client = runtime.block_on(client).unwrap();
    let list = || {
        let fetched = runtime.block_on(client.manifest(&tag)).unwrap().unwrap();
        assert_eq!(fetched.descriptor.media_type, media_type::INDEX);
        oci::spec::parse::<Index>(media_type::INDEX, &fetched.bytes).unwrap()
    };
    let ours = list();
    assert_eq!(ours.manifests.len(), 2);
    for (listed, (kind, statement)) in ours.manifests.iter().zip(&attested.statements) {
        assert_eq!(listed.artifact_type.as_deref(), Some(media_type::IN_TOTO));
        assert_eq!(&listed.annotations[annotation::PREDICATE], kind);
        let manifest: Manifest = runtime.block_on(client.json(listed)).unwrap();
        assert_eq!(manifest.subject.unwrap().digest, attested.image.digest);
        assert_eq!(manifest.artifact_type.as_deref(), Some(media_type::IN_TOTO));
        assert_eq!((manifest.layers.len(), manifest.layers[0].digest), (1, statement.digest));
    }
    let kinds: Vec<&String> = attested.statements.iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [SPDX, PROVENANCE]);

    // Something of somebody else's, in a list that lacks one of ours.
    let other = Descriptor { artifact_type: Some("text/other".to_owned()), ..ours.manifests[0].clone() };
    let other = Descriptor { digest: attested.image.digest, size: attested.image.size, ..other };
    let mixed = Index { manifests: vec![other.clone(), ours.manifests[1].clone()], ..ours.clone() };
    let mixed = Blob::json(media_type::INDEX, &mixed);
    let put = client.put_manifest(&tag, mixed.descriptor(), mixed.bytes().to_vec());
    runtime.block_on(put).unwrap();
    says(&push(&[]), "1 listed under tags `sha256-…`");
    let expected = vec![other, ours.manifests[1].clone(), ours.manifests[0].clone()];
    assert_eq!(list().manifests, expected);
}

#[test]
fn what_cannot_be_pushed_so_is_refused_first() {
    let line = Line::locked(&["amd64"]);
    for (options, expected) in [
        (
            ["--push-via", "engine", "--referrers"],
            "error: `--referrers` pushes to the registry itself\n\
             hint: an engine pushes images and indexes alone: leave `--push-via engine` out\n",
        ),
        (
            ["--push-via", "engine", "--repair"],
            "error: `--repair` pushes to the registry itself\n\
             hint: an engine pushes images and indexes alone: leave `--push-via engine` out\n",
        ),
        (
            ["--attest", "none", "--referrers"],
            "error: `--referrers` has no statements to push\n\
             hint: `--attest none`, or `attest` in images.toml, leaves them out\n",
        ),
    ] {
        let push = ["images", "--kind", "pkg", "--push", "--repository", "127.0.0.1:1/qus"];
        assert_eq!(line.run(&[&push[..], &options].concat()).failure(1).stderr, expected);
    }
}
