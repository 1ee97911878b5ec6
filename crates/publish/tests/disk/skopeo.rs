//! What an independent reader makes of a layout and an archive.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::fixture;
use crate::publish::archive::{self, Named};
use oci::spec::Manifest;

/// Runs skopeo; `None` when it is not installed, which in CI is a failure.
fn skopeo(arguments: &[&str]) -> Option<Vec<u8>> {
    let run = match Command::new("skopeo").args(arguments).output() {
        Ok(run) => run,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "skopeo is needed in CI: {error}");
            eprintln!("skipped: skopeo cannot be run: {error}");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "skopeo {arguments:?}: {errors}");
    Some(run.stdout)
}

fn place(transport: &str, path: &Path, rest: &str) -> String {
    format!("{transport}:{}{rest}", path.display())
}

#[test]
fn reads_every_tag_byte_for_byte() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    for (tag, descriptor) in &refs {
        let source = place("oci", home.path(), &format!(":{tag}"));
        let Some(raw) = skopeo(&["inspect", "--raw", &source]) else { return };
        assert_eq!(raw, layout.read(descriptor).unwrap(), "{tag}");
    }
}

#[test]
fn copies_an_image_with_its_digests() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    let copy = home.path().join("copy");
    let source = place("oci", home.path(), ":amd64-d1.0");
    if skopeo(&["--insecure-policy", "copy", &source, &place("dir", &copy, "")]).is_none() {
        return;
    }
    let (_, image) = &refs[2];
    assert_eq!(fs::read(copy.join("manifest.json")).unwrap(), layout.read(image).unwrap());
    let manifest: Manifest = layout.json(image).unwrap();
    for layer in &manifest.layers {
        let bytes = fs::read(copy.join(layer.digest.hex())).unwrap();
        assert_eq!(digest::Digest::of(&bytes), layer.digest);
    }
    let docker = place("docker-archive", &home.path().join("docker.tar"), ":aptman/qus:latest");
    let latest = place("oci", home.path(), ":latest");
    let arguments = ["--insecure-policy", "--override-arch", "arm", "copy", &latest, &docker];
    skopeo(&arguments).unwrap();
    let config = skopeo(&[
        "inspect",
        "--config",
        "--raw",
        &place("docker-archive", &home.path().join("docker.tar"), ""),
    ]);
    let config: serde_json::Value = serde_json::from_slice(&config.unwrap()).unwrap();
    assert_eq!(config["architecture"], "arm");
}

#[test]
fn reads_the_archive_both_ways() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    let named = |(tag, descriptor): &(String, _)| Named {
        repository: fixture::REPOSITORY.to_owned(),
        tag: tag.clone(),
        descriptor: Clone::clone(descriptor),
    };
    let images: Vec<Named> = refs.iter().map(named).collect();
    let path = home.path().join("images.tar");
    let mut file = fs::File::create(&path).unwrap();
    archive::write(&layout, &images, &fixture::platform("amd64"), &mut file).unwrap();
    let Some(raw) = skopeo(&["inspect", "--raw", &place("oci-archive", &path, ":latest")]) else { return };
    assert_eq!(raw, layout.read(&refs[0].1).unwrap());
    let classic = place("docker-archive", &path, ":docker.io/aptman/qus:pkg");
    let config = skopeo(&["inspect", "--config", "--raw", &classic]).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["architecture"], "amd64");
}
