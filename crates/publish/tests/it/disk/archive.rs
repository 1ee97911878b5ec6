//! The archive's bytes, as a tar reader and as an image layout.

use std::fs;
use std::path::Path;

use oci::spec::Descriptor;
use tempfile::TempDir;

use crate::fixture::{self, Fixture};
use crate::publish::archive;
use crate::publish::verify::verify;

fn write(home: &Path, refs: &[(String, Descriptor)]) -> Vec<u8> {
    let images = fixture::named(fixture::REPOSITORY, refs);
    let mut out = Vec::new();
    archive::write(&fixture::open(home), &images, &fixture::platform("amd64"), &mut out).unwrap();
    out
}

/// Unpacked, it is a layout with so many blobs.
fn unpack(bytes: &[u8], blobs: usize) -> TempDir {
    let unpacked = TempDir::new().unwrap();
    tar::Archive::new(bytes).unpack(unpacked.path()).unwrap();
    let report = verify(unpacked.path(), 2, &mut |_, _, _| Ok(())).unwrap();
    assert_eq!((report.problems, report.blobs), (Vec::new(), blobs));
    unpacked
}

/// The rows for the classic store.
fn table(unpacked: &TempDir) -> serde_json::Value {
    serde_json::from_slice(&fs::read(unpacked.path().join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn holds_a_layout_and_the_table_of_the_classic_store() {
    let Fixture { home, layout, mut refs } = Fixture::new();
    let bytes = write(home.path(), &refs);
    refs.reverse();
    assert_eq!(write(home.path(), &refs), bytes, "the order of the arguments must not matter");

    let unpacked = unpack(&bytes, 11);
    assert_eq!(fixture::open(unpacked.path()).refs(), layout.refs());
    let rows = table(&unpacked);
    // `amd64-d1.0` is the same image as amd64's in `latest`: one row.
    assert_eq!(
        rows[0]["RepoTags"],
        serde_json::json!(["docker.io/aptman/qus:amd64-d1.0", "docker.io/aptman/qus:latest"])
    );
    assert_eq!(rows[1]["RepoTags"], serde_json::json!(["docker.io/aptman/qus:pkg"]));
    for row in rows.as_array().unwrap() {
        let paths = row["Layers"].as_array().unwrap().iter().chain([&row["Config"]]);
        assert!(paths.clone().count() > 1);
        for path in paths {
            assert!(unpacked.path().join(path.as_str().unwrap()).is_file(), "{path}");
        }
    }
}

/// Old engines read an archive through `manifest.json`, and no zstd.
#[test]
fn gzip_alone_is_in_the_table_of_the_classic_store() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write_both(home.path(), "amd64", ("file", b"content"), "form");
    let rows = table(&unpack(&write(home.path(), &refs), 10));
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["RepoTags"], serde_json::json!(["docker.io/aptman/qus:both"]));
}

#[test]
fn only_what_is_asked_for_is_in_it() {
    let Fixture { home, refs, .. } = Fixture::new();
    // An index, a manifest, a config, a layer.
    unpack(&write(home.path(), &refs[1..2]), 4);
}

#[test]
fn a_spoilt_blob_and_a_full_disk_are_told_apart() {
    let Fixture { home: _home, layout, refs } = Fixture::new();
    let images = fixture::named(fixture::REPOSITORY, &refs);
    let platform = fixture::platform("amd64");
    let mut full = fs::File::options().write(true).open("/dev/full").unwrap();
    let error = archive::write(&layout, &images, &platform, &mut full).unwrap_err();
    assert_eq!(error.to_string(), "cannot write the archive: No space left on device (os error 28)");

    let manifest: oci::spec::Manifest = layout.json(&refs[2].1).unwrap();
    let layer = &manifest.layers[1];
    let path = layout.blob_path(layer.digest);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..100]).unwrap();
    let error = archive::write(&layout, &images, &platform, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read {}: expected {} bytes, got only 100", path.display(), layer.size)
    );
}
