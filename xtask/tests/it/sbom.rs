//! `cargo xtask sbom`: what is in an image, in three forms, out of a layout and a registry.

use attest::spdx::Document;
use serde_json::Value;

use crate::line::Line;
use crate::ship::{packages, registry, sandbox};

const HOSTS: [&str; 1] = ["amd64"];
const SBOM: [&str; 6] = ["sbom", "target/images", "--tag", "pkg", "--host", "amd64"];

fn built(options: &[&str]) -> Line {
    let line = Line::locked(&HOSTS);
    line.run(&[&["images", "--kind", "pkg"], options].concat()).success();
    line
}

const TABLE: &str = "\
TYPE    NAME       VERSION        LICENSE
oci     qus        11.1           -
deb     qemu-user  1:11.1.3+ds-1  GPL-2.0-only
source  qemu       1:11.1.3+ds-1  -
source  glibc      2.43-7         -
";

#[test]
fn what_is_in_an_image_is_printed_in_three_forms() {
    let line = built(&[]);
    let printed = line.run(&SBOM).success();
    assert_eq!(printed.stdout, TABLE);
    let last = printed.stderr.lines().last().unwrap();
    assert!(last.starts_with("qus@sha256:") && last.ends_with(": 4 packages, 36 files"), "{last}");

    let spdx = line.run(&[&SBOM[..], &["--format", "spdx", "-q"]].concat()).success();
    assert_eq!(spdx.stderr, "");
    let document: Document = serde_json::from_str(&spdx.stdout).unwrap();
    assert_eq!((document.packages.len(), document.files.len()), (4, 36));
    assert_eq!(spdx.stdout, serde_json::to_string_pretty(&document).unwrap() + "\n");

    let cyclonedx = line.run(&[&SBOM[..], &["--format", "cyclonedx"]].concat()).success();
    let bom: Value = serde_json::from_str(&cyclonedx.stdout).unwrap();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let names: Vec<&str> =
        bom["components"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["qemu-user", "qemu", "glibc"]);
    assert_eq!(names.len(), 3 + 36);
    assert_eq!(bom["metadata"]["component"]["name"], "qus");
}

#[test]
fn what_is_not_there_is_named() {
    let line = built(&["--attest", "provenance"]);
    let check = |args: &[&str], expected: &str| {
        let refused = line.run(args).failure(1);
        assert_eq!((refused.stdout.as_str(), refused.stderr.as_str()), ("", expected));
    };
    check(
        &SBOM,
        "error: `pkg` of target/images has no SBOM of its image for amd64\n\
         hint: it was built without: `cargo xtask images --attest sbom` makes one\n",
    );
    check(
        &["sbom", "target/images", "--tag", "pkg", "--host", "s390x"],
        "error: `pkg` of target/images has no image for s390x\nhint: `--host` names another: linux/amd64\n",
    );
    check(
        &["sbom", "target/images"],
        "error: there is no tag `latest` in target/images\n\
         hint: `--tag` names one of those that are there: amd64-d11.1-pkg, d11.1-pkg, pkg\n",
    );
    check(
        &["sbom", "aptman/qus:latest", "--tag", "pkg"],
        "error: `--tag` is for layouts\nhint: name it with the image: docker.io/aptman/qus:TAG\n",
    );
}

/// Only documents are read: the layers stay where they are.
#[test]
fn a_registry_is_asked_for_documents_alone() {
    let Some(packages) = packages("a_registry_is_asked_for_documents_alone") else { return };
    let sandbox = sandbox(&packages, Vec::new());
    let (_registry, repository) = registry(&sandbox);
    let line = built(&["--push", "--push-via", "registry", "--repository", &repository]);

    let printed = line.run(&["sbom", &format!("{repository}:pkg"), "--host", "amd64"]).success();
    assert_eq!(printed.stdout, TABLE);
    let single = format!("{repository}:amd64-d11.1-pkg");
    let refused = line.run(&["sbom", &single, "--host", "amd64", "-q"]).failure(1);
    let expected = format!(
        "error: {single} is one image, without statements\n\
         hint: what is in it is in an index that lists it, such as `latest`: name that, and `--host`\n"
    );
    assert_eq!(refused.stderr, expected);
    let missing = format!("{repository}:nothing");
    let refused = line.run(&["sbom", &missing, "--host", "amd64"]).failure(1);
    assert!(refused.stderr.contains(&format!("cannot read nothing of {repository}")), "{}", refused.stderr);
}
