//! The files that the writer leaves on disk, and its refusals.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use base::Hint as _;
use tempfile::TempDir;

use crate::fixture::{self, Fixture};
use crate::publish::layout::{Layout, LayoutWriter, Pruned};
use oci::Blob;
use oci::spec::{Annotations, Descriptor, Index, media_type};
use sha256::Digest;

/// Every file under `root` with its content.
fn snapshot(root: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let mut files = BTreeSet::new();
    let mut queue = vec![root.to_owned()];
    while let Some(directory) = queue.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => queue.push(path),
                false => {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    files.insert((name, fs::read(path).unwrap()));
                }
            }
        }
    }
    files
}

#[test]
fn tags_come_back_sorted_with_their_names() {
    let Fixture { home, layout, .. } = Fixture::new();
    let refs = layout.refs();
    assert_eq!(refs.iter().map(|(tag, _)| &**tag).collect::<Vec<_>>(), ["amd64-d1.0", "latest", "pkg"]);
    assert_eq!(
        refs[1].1.annotations,
        Annotations::from([
            ("io.containerd.image.name".to_owned(), "docker.io/aptman/qus:latest".to_owned()),
            ("org.opencontainers.image.ref.name".to_owned(), "latest".to_owned()),
        ])
    );
    let index: Index = layout.json(&refs[1].1).unwrap();
    assert_eq!(index.manifests.len(), 2);
    assert_eq!(
        fs::read_to_string(home.path().join("oci-layout")).unwrap(),
        r#"{"imageLayoutVersion":"1.0.0"}"#
    );
}

#[test]
fn a_second_build_changes_no_file() {
    let home = Fixture::new().home;
    let before = snapshot(home.path());
    let written = |path: &Path| fs::metadata(path.join("index.json")).unwrap().modified().unwrap();
    let time = written(home.path());
    fixture::write(home.path());
    assert_eq!(snapshot(home.path()), before);
    assert_eq!(written(home.path()), time);

    let elsewhere = TempDir::new().unwrap();
    fixture::write(elsewhere.path());
    assert_eq!(snapshot(elsewhere.path()), before);
}

#[test]
fn what_is_pointed_to_comes_before_what_points_to_it() {
    let Fixture { home: _home, layout, refs } = Fixture::new();
    let order = layout.closure([&refs[0].1]).unwrap();
    let place = |digest| order.iter().position(|blob| blob.digest == digest).unwrap();
    let index: Index = layout.json(&refs[0].1).unwrap();
    for image in &index.manifests {
        let manifest: oci::spec::Manifest = layout.json(image).unwrap();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            assert!(place(blob.digest) < place(image.digest));
        }
        assert!(place(image.digest) < place(refs[0].1.digest));
    }
    // Three layers (one of them shared), two configs, two manifests, one index.
    assert_eq!(order.len(), 8);
}

#[test]
fn a_directory_with_other_files_is_refused() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("thesis.tex"), "").unwrap();
    let error = LayoutWriter::create(home.path()).err().unwrap();
    let path = home.path().display();
    assert_eq!(
        error.to_string(),
        format!("cannot write an image layout to {path}: the directory holds other files")
    );
    assert_eq!(error.hint().as_deref(), Some("choose an empty directory, a new one, or an image layout"));
    assert_eq!(snapshot(home.path()).len(), 1);
    let error = Layout::open(home.path()).err().unwrap();
    let expected = "is not an image layout: oci-layout: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), format!("{path} {expected}"));

    let error = LayoutWriter::create(&home.path().join("thesis.tex/images")).err().unwrap();
    let expected = format!("cannot create {path}/thesis.tex/images: Not a directory (os error 20)");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn unfinished_blobs_vanish_and_leftovers_are_cleaned_only_when_nobody_else_writes() {
    let home = TempDir::new().unwrap();
    let blobs = home.path().join("blobs/sha256");
    let running = LayoutWriter::create(home.path()).unwrap();
    let mut unfinished = running.blob_writer().unwrap();
    unfinished.write_all(b"half").unwrap();
    unfinished.flush().unwrap();
    // What a killed run leaves: the same kind of file, without a process.
    fs::write(blobs.join(".tmp-killed"), "half").unwrap();

    let second = LayoutWriter::create(home.path()).unwrap();
    assert_eq!(fs::read_dir(&blobs).unwrap().count(), 2, "the running build's blob must stay");
    unfinished.write_all(b" and whole").unwrap();
    let descriptor = unfinished.commit("text/plain").unwrap();
    assert!(second.contains(&descriptor));
    drop(second.blob_writer().unwrap());
    drop((running, second));

    let third = LayoutWriter::create(home.path()).unwrap();
    let names: Vec<_> = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [&*descriptor.digest.hex()]);
    drop(third);
}

#[test]
fn a_killed_creation_is_no_obstacle() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join(".tmp-killed"), "{").unwrap();
    LayoutWriter::create(home.path()).unwrap();
    assert_eq!(snapshot(home.path()).len(), 1);
}

#[test]
fn prune_removes_what_no_tag_leads_to_unless_another_build_writes() {
    let Fixture { home, refs, .. } = Fixture::new();
    let before = snapshot(home.path());
    let mut writer = LayoutWriter::create(home.path()).unwrap();
    let stray = Blob::new("text/plain", b"stray".to_vec());
    writer.put(&stray).unwrap();

    let mut other = LayoutWriter::create(home.path()).unwrap();
    assert_eq!(writer.prune().unwrap(), Pruned::InUse);
    assert!(other.contains(stray.descriptor()));
    // The last of builds that end together does it for all, but for what it knows.
    let known = HashSet::from([stray.digest()]);
    let (_, turn) = other.tags().unwrap().write(fixture::REPOSITORY, &refs, &[]).unwrap();
    assert_eq!(
        other.prune_beyond(turn, &known, &HashSet::new()).unwrap(),
        Pruned::Removed { blobs: 0, bytes: 0 }
    );
    assert_eq!(other.prune().unwrap(), Pruned::Removed { blobs: 1, bytes: 5 });
    assert_eq!(snapshot(home.path()), before);

    writer.finish(fixture::REPOSITORY, &refs[2..]).unwrap();
    // Of the index over both platforms, the amd64 image stays: gone are two indexes, two images (each a manifest and
    // a config) and a layer.
    assert!(matches!(writer.prune().unwrap(), Pruned::Removed { blobs: 7, .. }));
}

#[test]
fn nothing_is_read_to_remove_what_is_known_to_be_loose() {
    let home = Fixture::new().home;
    let known = fs::read_dir(home.path().join("blobs/sha256")).unwrap();
    let known = known.map(|entry| Digest::from_hex(entry.unwrap().file_name().to_str().unwrap()).unwrap());
    let known: HashSet<Digest> = known.collect();
    // To read this fails.
    fs::write(home.path().join("index.json"), "{").unwrap();
    let [stray, other] = ["stray", "other one"].map(|text| Blob::new("text/plain", text.into()));
    let loose = HashSet::from([stray.digest()]);
    let prune = |blobs: &[&Blob]| {
        let mut writer = LayoutWriter::create(home.path()).unwrap();
        blobs.iter().for_each(|blob| writer.put(blob).unwrap());
        let turn = writer.tags().unwrap().leave();
        writer.prune_beyond(turn, &known, &loose)
    };
    assert_eq!(prune(&[&stray]).unwrap(), Pruned::Removed { blobs: 1, bytes: 5 });
    assert!(prune(&[&stray, &other]).is_err());
}

/// The knowledge of tags that a build has written is right until it has pruned.
#[test]
fn no_other_build_changes_tags_between_writing_and_pruning() {
    let Fixture { home, refs, .. } = Fixture::new();
    let mut writer = LayoutWriter::create(home.path()).unwrap();
    let (_, turn) = writer.tags().unwrap().write(fixture::REPOSITORY, &refs, &[]).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = home.path().to_owned();
    let other = std::thread::spawn(move || {
        let other = LayoutWriter::create(&path).unwrap();
        sender.send("begun").unwrap();
        other.finish(fixture::REPOSITORY, &[]).unwrap();
        sender.send("written").unwrap();
    });
    assert_eq!(receiver.recv(), Ok("begun"));
    assert!(receiver.recv_timeout(std::time::Duration::from_millis(200)).is_err());
    // There is another one, to whom it is left.
    assert_eq!(writer.prune_beyond(turn, &HashSet::new(), &HashSet::new()).unwrap(), Pruned::InUse);
    assert_eq!(receiver.recv(), Ok("written"));
    other.join().unwrap();
    assert!(fixture::open(home.path()).refs().is_empty());
}

#[test]
fn a_tag_needs_its_blob() {
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let blob = Blob::new(media_type::INDEX, b"{}".to_vec());
    let refs = [("latest".to_owned(), blob.descriptor().clone())];
    let error = writer.finish(fixture::REPOSITORY, &refs).unwrap_err();
    let (digest, path) = (blob.digest(), home.path().display());
    assert_eq!(
        error.to_string(),
        format!(
            "cannot refer to {digest} in {path}: `latest` points to it, but no such blob of 2 bytes is there"
        )
    );
    assert!(!home.path().join("index.json").exists());
}

#[test]
fn documents_are_verified_and_limited() {
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let blob = Blob::new(media_type::INDEX, br#"{"schemaVersion":1}"#.to_vec());
    writer.put(&blob).unwrap();
    writer.finish(fixture::REPOSITORY, &[]).unwrap();
    let layout = fixture::open(home.path());
    let path = layout.blob_path(blob.digest());
    let path = path.display();
    let check = |descriptor: &Descriptor, expected: String| {
        assert_eq!(layout.json::<Index>(descriptor).unwrap_err().to_string(), expected);
    };
    check(
        blob.descriptor(),
        format!(
            "cannot read {path}: not a document of type `application/vnd.oci.image.index.v1+json`: \
             schemaVersion 1 is not 2 at line 1 column 19"
        ),
    );
    let mut large = blob.descriptor().clone();
    large.size = 5 << 20;
    check(
        &large,
        format!(
            "cannot read {path}: 5242880 bytes are too many for a document of type \
             `application/vnd.oci.image.index.v1+json`"
        ),
    );
    fs::write(layout.blob_path(blob.digest()), br#"{"schemaVersion":2}"#).unwrap();
    let mut reader = layout.blob(blob.descriptor()).unwrap();
    assert!(reader.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn what_is_written_again_takes_the_place_of_what_is_damaged() {
    let home = Fixture::new().home;
    let before = snapshot(home.path());
    let blobs: Vec<_> =
        fs::read_dir(home.path().join("blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(blobs.len(), 11);
    for path in &blobs {
        // Of the same size, and of another.
        for harm in [|bytes: &mut Vec<u8>| bytes[20] ^= 1, |bytes: &mut Vec<u8>| bytes.truncate(20)] {
            let mut bytes = fs::read(path).unwrap();
            harm(&mut bytes);
            fs::write(path, bytes).unwrap();
            fixture::write(home.path());
            assert_eq!(snapshot(home.path()), before, "{}", path.display());
        }
    }
}

#[test]
fn a_blob_is_linked_to_and_from_other_places() {
    let (home, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let writer = LayoutWriter::create(home.path()).unwrap();
    let mut blob = writer.blob_writer().unwrap();
    blob.write_all(b"layer").unwrap();
    let descriptor = blob.commit("text/plain").unwrap();
    let (here, there) = (writer.blob_path(descriptor.digest), other.path().join("blob"));
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();

    assert!(writer.holds(&descriptor).unwrap());
    assert!(!writer.import(&there, &descriptor).unwrap());
    fs::write(&there, "other").unwrap();
    assert!(!writer.import(&there, &descriptor).unwrap());
    // Twice: the second time, both are names of one file already.
    for _ in 0..2 {
        assert!(writer.link_to(descriptor.digest, &there).unwrap());
        assert_eq!(inode(&here), inode(&there));
    }

    fs::remove_file(&here).unwrap();
    assert!(!writer.holds(&descriptor).unwrap());
    fs::write(&here, "loyer").unwrap();
    assert!(writer.contains(&descriptor) && !writer.holds(&descriptor).unwrap());
    for _ in 0..2 {
        assert!(writer.import(&there, &descriptor).unwrap());
        assert_eq!((inode(&here), fs::read(&here).unwrap()), (inode(&there), b"layer".to_vec()));
    }
    // No temporary names are left.
    assert_eq!(snapshot(home.path()).len(), 2);
    assert_eq!(snapshot(other.path()).len(), 1);
}

#[test]
fn a_full_disk_names_the_place_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let mount = home.path().join("small");
    fs::create_dir(&mount).unwrap();
    let script = r#"mount -t tmpfs -o size=64k none "$QUS_TEST_SMALL_DISK" && exec "$@""#;
    let mut unshare = Command::new("unshare");
    unshare.args(["-U", "-m", "-r", "sh", "-c", script, "sh"]).arg(crate::this());
    unshare.env("QUS_TEST_SMALL_DISK", &mount);
    crate::run_alone(&mut unshare, "disk::layout::fills_the_disk");
}

/// Run by the test above, on a file system of 64 kB.
#[test]
#[ignore = "needs a small disk; another test runs it with one"]
fn fills_the_disk() {
    let root = std::path::PathBuf::from(std::env::var_os("QUS_TEST_SMALL_DISK").unwrap());
    let writer = LayoutWriter::create(&root).unwrap();
    let mut blob = writer.blob_writer().unwrap();
    let error = blob.write_all(&vec![1; 1 << 20]).unwrap_err();
    let place = root.join("blobs/sha256");
    assert_eq!(
        error.to_string(),
        format!("cannot write to {}: No space left on device (os error 28)", place.display())
    );
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    drop(blob);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}
