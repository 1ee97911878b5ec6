//! Layouts that somebody made to keep their reader busy.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use oci::spec::{Descriptor, Index, Manifest, media_type};
use oci::{Blob, Entry};
use tempfile::TempDir;

use crate::fixture::{self, Fixture};
use crate::publish::archive;
use crate::publish::layout::{Layout, LayoutWriter};
use crate::publish::limits;
use crate::publish::verify::verify;

/// Runs `action`, which must not wait for ever.
fn soon<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(action()));
    receiver.recv_timeout(Duration::from_secs(60)).expect("it is still waiting")
}

fn fifo(path: &Path) {
    drop(fs::remove_file(path));
    rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o644.into()).unwrap();
}

fn problems(home: &Path) -> Vec<String> {
    let home = home.to_owned();
    let report = soon(move || verify(&home, 2, &mut |_, _, _| Ok(())).unwrap());
    report.problems.iter().map(ToString::to_string).collect()
}

fn open(home: &Path) -> Result<Layout, String> {
    let home = home.to_owned();
    soon(move || Layout::open(&home).map_err(|error| error.to_string()))
}

fn index(manifests: Vec<Descriptor>) -> Blob {
    Blob::json(media_type::INDEX, &Index::new(manifests))
}

/// Writes an archive of `root` to nowhere.
fn archived(home: &Path, root: &Descriptor) -> Result<(), String> {
    let layout = open(home)?;
    let images = fixture::named(fixture::REPOSITORY, &[("t".to_owned(), root.clone())]);
    soon(move || {
        let platform = fixture::platform("amd64");
        archive::write(&layout, &images, &platform, &mut std::io::sink()).map_err(|error| error.to_string())
    })
}

fn pruned(home: &Path) -> Result<(), String> {
    let home = home.to_owned();
    soon(move || LayoutWriter::create(&home).unwrap().prune().map(drop).map_err(|error| error.to_string()))
}

#[test]
fn a_blob_is_a_regular_file() {
    let Fixture { home, layout, refs } = Fixture::new();
    let manifest: Manifest = layout.json(&refs[2].1).unwrap();
    let layer = manifest.layers[1].clone();
    let path = layout.blob_path(layer.digest);
    let name = path.strip_prefix(home.path()).unwrap().display().to_string();
    let users = "(used by `amd64-d1.0`, `latest` linux/amd64, `pkg` linux/amd64)";
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();

    let check = |expected: &str| {
        assert_eq!(problems(home.path()), [format!("{name}: {expected} {users}")]);
        let error = archived(home.path(), &refs[2].1).unwrap_err();
        assert_eq!(error, format!("cannot open {}: {expected}", path.display()));
        let (writer, layer) = (LayoutWriter::create(home.path()).unwrap(), layer.clone());
        let error = soon(move || writer.holds(&layer).unwrap_err().to_string());
        assert_eq!(error, format!("cannot open {}: {expected}", path.display()));
    };
    fifo(&path);
    check("not a regular file");
    fs::remove_file(&path).unwrap();
    symlink("/dev/zero", &path).unwrap();
    check("not a regular file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check("not a regular file");
    fs::remove_dir(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    check("No such device or address (os error 6)");
    fs::remove_file(&path).unwrap();
    // A link to a file is as good as the file: other tools make layouts of links.
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(problems(home.path()), [""; 0]);
    assert_eq!(archived(home.path(), &refs[2].1), Ok(()));
}

#[test]
fn a_document_is_a_regular_file() {
    let Fixture { home, layout, refs } = Fixture::new();
    let path = layout.blob_path(refs[2].1.digest);
    fifo(&path);
    assert_eq!(pruned(home.path()), Err(format!("cannot open {}: not a regular file", path.display())));
    for name in ["index.json", "oci-layout"] {
        let home = Fixture::new().home;
        let path = home.path().join(name);
        let expected =
            format!("{} is not an image layout: {name}: not a regular file", home.path().display());
        fifo(&path);
        assert_eq!(open(home.path()).unwrap_err(), expected);
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        assert_eq!(open(home.path()).unwrap_err(), expected);
    }
}

#[test]
fn a_build_over_a_fifo_replaces_it() {
    let Fixture { home, layout, refs } = Fixture::new();
    let document = layout.blob_path(refs[2].1.digest);
    fifo(&document);
    fifo(&home.path().join("index.json"));
    let path = home.path().to_owned();
    soon(move || fixture::write(&path));
    assert_eq!(problems(home.path()), [""; 0]);
}

#[test]
fn documents_have_a_largest_size() {
    let home = Fixture::new().home;
    let path = home.path().join("index.json");
    let mut text = fs::read(&path).unwrap();
    text.resize(limits::DOCUMENT as usize, b' ');
    fs::write(&path, &text).unwrap();
    assert_eq!(problems(home.path()), [""; 0]);
    text.push(b' ');
    fs::write(&path, &text).unwrap();
    let expected =
        format!("{} is not an image layout: index.json: more than 4194304 bytes", home.path().display());
    assert_eq!(open(home.path()).unwrap_err(), expected);

    let home = TempDir::new().unwrap();
    let mut writer = LayoutWriter::create(home.path()).unwrap();
    let mut text = index(Vec::new()).bytes().to_vec();
    text.resize(limits::DOCUMENT as usize, b' ');
    let (at, above) =
        (Blob::new(media_type::INDEX, text.clone()), Blob::new(media_type::INDEX, [&*text, b" "].concat()));
    writer.put(&at).unwrap();
    writer.put(&above).unwrap();
    writer.finish(fixture::REPOSITORY, &[("at".to_owned(), at.descriptor().clone())]).unwrap();
    writer.prune().unwrap();
    assert_eq!(problems(home.path()), [""; 0]);
    writer.put(&above).unwrap();
    writer.finish(fixture::REPOSITORY, &[("above".to_owned(), above.descriptor().clone())]).unwrap();
    drop(writer);
    let path = format!("blobs/sha256/{}", above.digest().hex());
    let reason = "4194305 bytes are too many for a document";
    assert_eq!(problems(home.path())[0], format!("{path}: {reason} (used by `above`)"));
    let error =
        format!("cannot read {}/{path}: {reason} of type `{}`", home.path().display(), media_type::INDEX);
    assert_eq!(pruned(home.path()), Err(error.clone()));
    assert_eq!(archived(home.path(), above.descriptor()), Err(error));
}

#[test]
fn indexes_have_a_greatest_depth() {
    let (home, mut writer, image) = fixture::single();
    // The image, and indexes over it up to the limit; then one more.
    let mut roots = vec![image.descriptor()];
    for _ in 0..limits::DEPTH {
        let over = index(vec![roots.last().unwrap().clone()]);
        writer.put(&over).unwrap();
        roots.push(over.descriptor().clone());
    }
    let (at, above) = (roots[limits::DEPTH - 1].clone(), roots[limits::DEPTH].clone());
    let lowest = fixture_path(home.path(), &roots[0]);
    writer.finish(fixture::REPOSITORY, &[("t".to_owned(), at.clone())]).unwrap();
    assert_eq!(archived(home.path(), &at), Ok(()));
    writer.finish(fixture::REPOSITORY, &[("t".to_owned(), above.clone())]).unwrap();
    let error = format!("cannot read {lowest}: it is under 16 others, which is the limit");
    assert_eq!(archived(home.path(), &above), Err(error.clone()));
    assert_eq!(writer.prune().unwrap_err().to_string(), error);
    // What is under the limit from another root is not too deep.
    writer.finish(fixture::REPOSITORY, &[("a".to_owned(), at), ("b".to_owned(), above)]).unwrap();
    assert_eq!(writer.prune().map_err(|error| error.to_string()).map(drop), Ok(()));
}

fn fixture_path(home: &Path, descriptor: &Descriptor) -> String {
    home.join("blobs/sha256").join(descriptor.digest.hex()).display().to_string()
}

/// More than a recursion has room for.
#[test]
fn no_depth_overflows_the_stack() {
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let mut root = index(Vec::new());
    for _ in 0..5_000 {
        fs::write(writer.blob_path(root.digest()), root.bytes()).unwrap();
        root = index(vec![root.descriptor().clone()]);
    }
    writer.put(&root).unwrap();
    writer.finish(fixture::REPOSITORY, &[("t".to_owned(), root.descriptor().clone())]).unwrap();
    drop(writer);
    let end = "it is under 16 others, which is the limit";
    assert!(archived(home.path(), root.descriptor()).unwrap_err().ends_with(end));
    assert!(pruned(home.path()).unwrap_err().ends_with(end));
}

#[test]
fn references_have_a_greatest_number() {
    let (home, writer, image) = fixture::single();
    let mut manifest: Manifest = serde_json::from_slice(image.manifest.bytes()).unwrap();
    manifest.layers = vec![manifest.layers[0].clone(); 20_000];
    let manifest = Blob::json(media_type::MANIFEST, &manifest);
    writer.put(&manifest).unwrap();
    let tag = |n: usize| manifest.descriptor().clone().named(fixture::REPOSITORY, &format!("t{n}"));
    fs::write(home.path().join("index.json"), index((0..60).map(tag).collect()).bytes()).unwrap();
    let found = problems(home.path());
    let expected = "index.json: it leads to more than 1048576 references; the rest is not checked";
    assert!(found.contains(&expected.to_owned()), "{found:?}");
}

/// A layer of some kilobytes that unpacks to this header, and so many MiB behind it.
fn bomb(header: &[u8], size: u64) -> Vec<u8> {
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    bomb.write_all(header).unwrap();
    let part = vec![b'a'; 1 << 20];
    for _ in 0..size {
        bomb.write_all(&part).unwrap();
    }
    bomb.finish().unwrap()
}

#[test]
fn layers_have_a_largest_unpacked_size() {
    let file = Entry::file("large", limits::LAYER, 0o644, 0).unwrap();
    let bomb = bomb(file.header(), limits::LAYER >> 20);
    assert!(bomb.len() < 1 << 20);
    refused(bomb, "it unpacks to more than 2147483648 bytes");
}

/// Verifies an image whose layer is these bytes, in zstd.
fn refused(layer: Vec<u8>, reason: &str) {
    let home = TempDir::new().unwrap();
    let blob = fixture::layer_of(home.path(), media_type::LAYER_ZSTD, layer);
    let found = problems(home.path());
    let expected = format!("blobs/sha256/{}: {reason} (used by `t`)", blob.digest().hex());
    assert!(found.contains(&expected), "{found:?}");
}

/// A name that would be 1 GB in memory.
#[test]
fn names_in_layers_have_a_largest_size() {
    let mut header = tar::Header::new_gnu();
    header.set_path("././@LongLink").unwrap();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    refused(bomb(header.as_bytes(), 1 << 10), "it has a name or header of more than 65536 bytes");
}

/// Long names are shown to the visitor as they are.
#[test]
fn long_names_are_looked_into() {
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let long = format!("usr/{}/file", "d".repeat(180));
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    tar.append_data(&mut header.clone(), &long, &b"gnu\n"[..]).unwrap();
    tar.append_pax_extensions([("path", long.as_bytes()), ("mtime", b"1.5")]).unwrap();
    header.set_path("short").unwrap();
    header.set_cksum();
    tar.append(&header, &b"pax\n"[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    let blob = Blob::new(media_type::LAYER_ZSTD, zstd::encode_all(&*tar, 1).unwrap());
    writer.put(&blob).unwrap();
    let layer = oci::Layer {
        descriptor: blob.descriptor().clone(),
        diff_id: sha256::Digest::of(&tar),
        unpacked_size: tar.len() as u64,
    };
    let image = fixture::image(&writer, "amd64", vec![layer]);
    writer.finish(fixture::REPOSITORY, &[("t".to_owned(), image.descriptor())]).unwrap();
    let mut seen = Vec::new();
    let report = verify(home.path(), 1, &mut |_, path, content| {
        seen.push((path.to_owned(), content.to_vec()));
        Ok(())
    });
    assert_eq!(report.unwrap().problems, []);
    assert_eq!(seen, [(long.clone(), b"gnu\n".to_vec()), (long, b"pax\n".to_vec())]);
}

/// The text of an image's config, which docker would read in another way.
#[test]
fn documents_are_read_in_one_way() {
    let check = |config: fn(String) -> String, manifest: fn(String) -> String, expected: &str| {
        let (home, writer, image) = fixture::single();
        let text = |blob: &Blob| String::from_utf8(blob.bytes().to_vec()).unwrap();
        let config = Blob::new(media_type::CONFIG, config(text(&image.config)).into_bytes());
        let mut document: Manifest = serde_json::from_slice(image.manifest.bytes()).unwrap();
        document.config = config.descriptor().clone();
        let document = text(&Blob::json(media_type::MANIFEST, &document));
        let document = Blob::new(media_type::MANIFEST, manifest(document).into_bytes());
        writer.put(&config).unwrap();
        writer.put(&document).unwrap();
        writer.finish(fixture::REPOSITORY, &[("t".to_owned(), document.descriptor().clone())]).unwrap();
        let found = problems(home.path());
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected}: {found:#?}");
    };
    let same = |text: String| text;
    check(
        |text| text.replacen('{', r#"{"Config":{"Entrypoint":["/bin/sh"]},"#, 1),
        same,
        "not a document of type `application/vnd.oci.image.config.v1+json`: the member `Config` is not spelled `config`",
    );
    check(
        |text| text.replacen(r#""Entrypoint""#, r#""Entrypoint":["/bin/sh"],"Entrypoint""#, 1),
        same,
        "the member `Entrypoint` is there twice, in whatever case",
    );
    check(
        |text| text.replacen(r#""Entrypoint""#, r#""entrypoint":["/bin/sh"],"Entrypoint""#, 1),
        same,
        "the member `entrypoint` is not spelled `Entrypoint`",
    );
    check(
        same,
        |text| text.replacen('{', r#"{"Layers":[],"#, 1),
        "the member `Layers` is not spelled `layers`",
    );
    check(same, |text| text.replacen('{', r#"{"manifests":[],"#, 1), "it is an image and an index at once");
    check(
        same,
        |text| text.replacen(media_type::MANIFEST, media_type::INDEX, 1),
        "its mediaType is `application/vnd.oci.image.index.v1+json`",
    );
}
