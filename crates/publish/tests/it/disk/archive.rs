//! The archive's bytes, as a tar reader and as an image layout.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use tempfile::TempDir;

use crate::fixture;
use crate::publish::archive::{self, Named};
use crate::publish::verify::verify;

fn named(refs: &[(String, oci::spec::Descriptor)]) -> Vec<Named> {
    let name = |(tag, descriptor): &(String, _)| Named {
        repository: fixture::REPOSITORY.to_owned(),
        tag: tag.clone(),
        descriptor: Clone::clone(descriptor),
    };
    refs.iter().map(name).collect()
}

fn write(home: &TempDir, images: &[Named]) -> Vec<u8> {
    let mut out = Vec::new();
    archive::write(&fixture::open(home.path()), images, &fixture::platform("amd64"), &mut out).unwrap();
    out
}

#[test]
fn holds_a_layout_and_the_table_of_the_classic_store() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let mut images = named(&refs);
    let bytes = write(&home, &images);
    images.reverse();
    assert_eq!(write(&home, &images), bytes, "the order of the arguments must not matter");

    let mut files = BTreeMap::new();
    let mut tar = tar::Archive::new(&*bytes);
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, content);
    }
    let rows: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
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
            assert!(files.contains_key(path.as_str().unwrap()), "{path}");
        }
    }

    let unpacked = TempDir::new().unwrap();
    tar::Archive::new(&*bytes).unpack(unpacked.path()).unwrap();
    fs::remove_file(unpacked.path().join("manifest.json")).unwrap();
    let report = verify(unpacked.path(), 2, &mut |_, _, _| Ok(())).unwrap();
    assert_eq!((report.problems, report.blobs), (Vec::new(), 11));
    assert_eq!(fixture::open(unpacked.path()).refs(), fixture::open(home.path()).refs());
}

/// Old engines read an archive through `manifest.json`, and no zstd.
#[test]
fn gzip_alone_is_in_the_table_of_the_classic_store() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write_both(home.path(), "amd64", ("file", b"content"), "form");
    let bytes = write(&home, &named(&refs));
    let mut tar = tar::Archive::new(&*bytes);
    let mut entries = tar.entries().unwrap().map(Result::unwrap);
    let table = entries.find(|entry| entry.path().unwrap().ends_with("manifest.json")).unwrap();
    let rows: serde_json::Value = serde_json::from_reader(table).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["RepoTags"], serde_json::json!(["docker.io/aptman/qus:both"]));
}

#[test]
fn only_what_is_asked_for_is_in_it() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let bytes = write(&home, &named(&refs[1..2]));
    let unpacked = TempDir::new().unwrap();
    tar::Archive::new(&*bytes).unpack(unpacked.path()).unwrap();
    let report = verify(unpacked.path(), 2, &mut |_, _, _| Ok(())).unwrap();
    // An index, a manifest, a config, a layer.
    assert_eq!((report.problems, report.blobs), (Vec::new(), 4));
}

#[test]
fn a_spoilt_blob_and_a_full_disk_are_told_apart() {
    let home = TempDir::new().unwrap();
    let refs = fixture::write(home.path());
    let layout = fixture::open(home.path());
    let images = named(&refs);
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
