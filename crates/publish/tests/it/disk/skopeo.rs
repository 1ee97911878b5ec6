//! The view of an independent reader on a layout and an archive.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use testbed::sandbox::{Options, Sandbox};
use testbed::{Packages, Shared, skopeo};

use crate::fixture;
use crate::publish::archive;
use oci::spec::Manifest;

/// skopeo in a sandbox, and a directory that is at the same place in there.
struct Reader {
    sandbox: Sandbox,
    dir: TempDir,
}

static READER: Shared<Reader> = Shared::new();

impl Reader {
    fn find(test: &str) -> Option<Arc<Reader>> {
        READER.get(|| {
            let packages = Packages::for_test(test)?;
            let tree = packages.tree("skopeo", &skopeo::packages()).unwrap();
            let dir = TempDir::new().unwrap();
            let options =
                Options { trees: vec![&tree], binds: vec![dir.path().to_owned()], ..Options::default() };
            Some(Reader { sandbox: Sandbox::start(&packages, &options).unwrap(), dir })
        })
    }

    /// The folder where a test has what is read.
    fn home(&self) -> TempDir {
        TempDir::new_in(&self.dir).unwrap()
    }

    fn skopeo(&self, arguments: &[&str]) -> String {
        self.sandbox.run(&[&["skopeo"], arguments].concat()).unwrap()
    }
}

fn place(transport: &str, path: &Path, rest: &str) -> String {
    format!("{transport}:{}{rest}", path.display())
}

#[test]
fn reads_every_tag_byte_for_byte() {
    let Some(reader) = Reader::find("reads_every_tag_byte_for_byte") else { return };
    let home = reader.home();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    for (tag, descriptor) in &refs {
        let source = place("oci", home.path(), &format!(":{tag}"));
        let raw = reader.skopeo(&["inspect", "--raw", &source]);
        assert_eq!(raw.as_bytes(), layout.read(descriptor).unwrap(), "{tag}");
    }
}

#[test]
fn copies_an_image_with_its_digests() {
    let Some(reader) = Reader::find("copies_an_image_with_its_digests") else { return };
    let home = reader.home();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    let copy = home.path().join("copy");
    let source = place("oci", home.path(), ":amd64-d1.0");
    reader.skopeo(&["--insecure-policy", "copy", &source, &place("dir", &copy, "")]);
    let (_, image) = &refs[2];
    assert_eq!(fs::read(copy.join("manifest.json")).unwrap(), layout.read(image).unwrap());
    let manifest: Manifest = layout.json(image).unwrap();
    for layer in &manifest.layers {
        let bytes = fs::read(copy.join(layer.digest.hex())).unwrap();
        assert_eq!(sha256::Digest::of(&bytes), layer.digest);
    }
    let docker = place("docker-archive", &home.path().join("docker.tar"), ":aptman/qus:latest");
    let latest = place("oci", home.path(), ":latest");
    let arguments = ["--insecure-policy", "--override-arch", "arm", "copy", &latest, &docker];
    reader.skopeo(&arguments);
    let archive = place("docker-archive", &home.path().join("docker.tar"), "");
    let config = reader.skopeo(&["inspect", "--config", "--raw", &archive]);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["architecture"], "arm");
}

#[test]
fn reads_the_archive_both_ways() {
    let Some(reader) = Reader::find("reads_the_archive_both_ways") else { return };
    let home = reader.home();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    let images = fixture::named(fixture::REPOSITORY, &refs);
    let path = home.path().join("images.tar");
    let mut file = fs::File::create(&path).unwrap();
    archive::write(&layout, &images, &fixture::platform("amd64"), &mut file).unwrap();
    let raw = reader.skopeo(&["inspect", "--raw", &place("oci-archive", &path, ":latest")]);
    assert_eq!(raw.as_bytes(), layout.read(&refs[0].1).unwrap());
    let classic = place("docker-archive", &path, ":docker.io/aptman/qus:pkg");
    let config = reader.skopeo(&["inspect", "--config", "--raw", &classic]);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["architecture"], "amd64");
}
