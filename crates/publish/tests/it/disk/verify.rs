//! The findings of verification when something is wrong, to the letter.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::fixture::{self, Fixture};
use crate::publish::layout::{Layout, LayoutWriter};
use crate::publish::verify::{Report, verify};
use oci::spec::{Descriptor, ImageConfig, Index, Manifest, Platform, media_type};
use oci::{Blob, Level, Member};

fn problems(home: &Path) -> Vec<String> {
    report(home).problems.iter().map(ToString::to_string).collect()
}

fn report(home: &Path) -> Report {
    verify(home, 2, &mut |_, _, _| Ok(())).unwrap()
}

/// The amd64 layer with the binary, which all three tags have.
struct Victim {
    home: TempDir,
    layer: Descriptor,
    path: PathBuf,
    place: String,
}

const USERS: &str = "(used by `amd64-d1.0`, `latest` linux/amd64, `pkg` linux/amd64)";

fn victim() -> Victim {
    let Fixture { home, layout, refs } = Fixture::new();
    let manifest: Manifest = layout.json(&refs[2].1).unwrap();
    let layer = manifest.layers[1].clone();
    let path = layout.blob_path(layer.digest);
    let place = format!("blobs/sha256/{}", layer.digest.hex());
    Victim { home, layer, path, place }
}

#[test]
fn a_good_layout_has_no_problems_and_shows_each_file_once() {
    let home = Fixture::new().home;
    for jobs in [1, 2, 16] {
        let mut seen = Vec::new();
        let report = verify(home.path(), jobs, &mut |platform: &Platform, path: &str, content: &[u8]| {
            seen.push((platform.to_string(), path.to_owned(), content.len()));
            Ok(())
        })
        .unwrap();
        assert_eq!(report.problems, []);
        // Two indexes, three images with a config each, three layers.
        assert_eq!((report.tags, report.images, report.blobs), (3, 3, 11));
        seen.sort();
        // The shared layer belongs to both platforms.
        let expected = [
            ("linux/amd64", "etc/shared", 16),
            ("linux/amd64", "usr/bin/qemu-arm-static", 8000),
            ("linux/arm", "etc/shared", 16),
            ("linux/arm", "usr/bin/qemu-x86_64-static", 8000),
        ]
        .map(|(platform, path, size)| (platform.to_owned(), path.to_owned(), size));
        assert_eq!(seen, expected);
    }
}

#[test]
fn layers_in_zstd_are_looked_into() {
    let home = TempDir::new().unwrap();
    let mut writer = LayoutWriter::create(home.path()).unwrap();
    let layer = fixture::zstd_layer(&writer, "usr/bin/qemu-arm-static", b"\x7fELF");
    let image = fixture::image(&writer, "amd64", vec![layer.clone()]);
    assert!(image.descriptor().is_zstd());
    let mut finish = |image: &oci::Image| {
        writer.finish(fixture::REPOSITORY, &[("zstd".to_owned(), image.descriptor())]).unwrap();
        writer.prune().unwrap();
    };
    finish(&image);
    let mut seen = Vec::new();
    let report = verify(home.path(), 2, &mut |_, path: &str, content: &[u8]| {
        seen.push((path.to_owned(), content.to_vec()));
        Ok(())
    });
    assert_eq!(report.unwrap().problems, []);
    assert_eq!(seen, [("usr/bin/qemu-arm-static".to_owned(), b"\x7fELF".to_vec())]);

    // Another tar than the config's, and no zstd at all.
    let other = layer.clone();
    let wrong =
        fixture::image(&writer, "amd64", vec![oci::Layer { diff_id: other.descriptor.digest, ..other }]);
    let text = Blob::new(media_type::LAYER_ZSTD, b"no zstd at all".to_vec());
    writer.put(&text).unwrap();
    let text = oci::Layer { descriptor: text.descriptor().clone(), ..layer.clone() };
    let text = fixture::image(&writer, "amd64", vec![text]);
    let refs = [("wrong".to_owned(), wrong.descriptor()), ("text".to_owned(), text.descriptor())];
    writer.finish(fixture::REPOSITORY, &refs).unwrap();
    writer.prune().unwrap();
    let found = problems(home.path()).join("\n");
    let (expected, got) = (layer.descriptor.digest, layer.diff_id);
    assert!(found.contains(&format!("the tar inside: the config expects {expected}, got {got}")), "{found}");
    assert!(found.contains("not a tar in zstd: "), "{found}");
}

#[test]
fn what_the_visitor_says_is_a_problem_of_the_layer() {
    let Victim { home, place, .. } = victim();
    let report = verify(home.path(), 2, &mut |_, path, _| match path {
        "usr/bin/qemu-arm-static" => Err("not static".to_owned()),
        _ => Ok(()),
    })
    .unwrap();
    let texts: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [format!("{place}: `usr/bin/qemu-arm-static`: not static {USERS}")]);
}

#[test]
fn one_flipped_byte_is_found_wherever_it_is() {
    let Victim { home, layer, path, place } = victim();
    let good = fs::read(&path).unwrap();
    // The magic, the time in the header, the compressed data, the sums at the end.
    for at in [0, 5, good.len() / 2, good.len() - 3] {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        fs::write(&path, &bad).unwrap();
        let actual = sha256::Digest::of(&bad);
        assert_eq!(
            problems(home.path()),
            [format!("{place}: expected {}, got {actual} {USERS}", layer.digest)],
            "byte {at}"
        );
    }
}

#[test]
fn truncated_lengthened_and_missing_blobs_are_told_apart() {
    let Victim { home, layer, path, place } = victim();
    let good = fs::read(&path).unwrap();
    let size = layer.size;
    fs::write(&path, &good[..100]).unwrap();
    assert_eq!(problems(home.path()), [format!("{place}: expected {size} bytes, got only 100 {USERS}")]);
    fs::write(&path, [&*good, b"x"].concat()).unwrap();
    assert_eq!(problems(home.path()), [format!("{place}: expected {size} bytes, got more {USERS}")]);
    fs::remove_file(&path).unwrap();
    assert_eq!(problems(home.path()), [format!("{place}: missing {USERS}")]);
}

#[test]
fn files_that_belong_to_nothing_are_found() {
    let Victim { home, .. } = victim();
    let stray = Blob::new("text/plain", b"stray".to_vec());
    let blobs = home.path().join("blobs/sha256");
    fs::write(blobs.join(stray.digest().hex()), "stray").unwrap();
    fs::write(blobs.join("README"), "").unwrap();
    fs::write(blobs.join(".tmp-running"), "").unwrap();
    assert_eq!(
        problems(home.path()),
        [
            "blobs/sha256/README: not the name of a blob".to_owned(),
            format!("blobs/sha256/{}: nothing refers to it", stray.digest().hex()),
        ]
    );
}

#[test]
fn all_problems_are_collected() {
    let Victim { home, path, .. } = victim();
    fs::remove_file(path).unwrap();
    fs::write(home.path().join("blobs/sha256/README"), "").unwrap();
    let layout = fixture::open(home.path());
    let latest = layout.refs().into_iter().find(|(tag, _)| tag == "latest").unwrap().1;
    let index: Index = layout.json(&latest).unwrap();
    fs::write(layout.blob_path(index.manifests[1].digest), "{}").unwrap();
    let found = problems(home.path());
    // With the arm image's manifest gone, nothing leads to its config and its binary.
    assert_eq!(found.len(), 5, "{found:#?}");
}

/// Writes a layout of one tag, whose documents `change` has spoilt.
fn spoilt(change: impl Fn(&mut Index, &mut Manifest, &mut ImageConfig)) -> (TempDir, Vec<String>) {
    let (home, mut writer, image) = fixture::single();
    let mut config: ImageConfig = serde_json::from_slice(image.config.bytes()).unwrap();
    let mut manifest: Manifest = serde_json::from_slice(image.manifest.bytes()).unwrap();
    let mut index = Index { media_type: None, ..Index::new(vec![image.descriptor()]) };
    change(&mut index, &mut manifest, &mut config);
    let put = |blob: Blob| {
        writer.put(&blob).unwrap();
        blob.descriptor().clone()
    };
    manifest.config = put(Blob::json(media_type::CONFIG, &config));
    let platform = index.manifests[0].platform.clone();
    index.manifests[0] = Descriptor { platform, ..put(Blob::json(media_type::MANIFEST, &manifest)) };
    let root = put(Blob::json(media_type::INDEX, &index));
    writer.finish(fixture::REPOSITORY, &[("t".to_owned(), root)]).unwrap();
    // Fails where a document leads to what is not there, and is not needed there.
    drop(writer.prune());
    let found = report(home.path()).problems;
    (home, found.iter().map(|problem| format!("{} {:?}", problem.reason, problem.users)).collect())
}

#[test]
fn documents_that_disagree_are_found() {
    let user = r#"["`t` linux/amd64"]"#;
    let other = sha256::Digest::of(b"other");
    let (_home, found) = spoilt(|_, _, config| config.architecture = "arm".to_owned());
    assert_eq!(found[..1], [format!("it says linux/arm, but the index says linux/amd64 {user}")]);

    let (home, found) = spoilt(|_, _, config| config.rootfs.diff_ids = vec![other]);
    let layout = fixture::open(home.path());
    let index: Index = layout.json(&layout.roots()[0]).unwrap();
    let manifest: Manifest = layout.json(&index.manifests[0]).unwrap();
    let mut tar = Vec::new();
    let layer = layout.blob(&manifest.layers[0]).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(layer), &mut tar).unwrap();
    let actual = sha256::Digest::of(&tar);
    assert!(
        found.contains(&format!("the tar inside: the config expects {other}, got {actual} {user}")),
        "{found:?}"
    );

    let nested = Descriptor::new(media_type::INDEX, other, 1);
    let check = |change: &dyn Fn(&mut Index, &mut Manifest, &mut ImageConfig), expected: String| {
        let (_home, found) = spoilt(change);
        assert!(found.contains(&expected), "{expected}: {found:?}");
    };
    check(
        &|_, _, config| config.rootfs.diff_ids.push(other),
        format!("its diff_ids are 2, the manifest's layers 1 {user}"),
    );
    check(
        &|_, _, config| config.history.push(Default::default()),
        format!("its history's layers are 2, the manifest's 1 {user}"),
    );
    check(
        &|_, manifest, _| manifest.layers[0].media_type = "x/tar+zstd".to_owned(),
        format!("a layer of type `x/tar+zstd` cannot be looked into {user}"),
    );
    check(
        &|index, _, _| index.manifests.push(nested.clone()),
        format!("its entry {other} is not an image, but `{}` [\"`t`\"]", media_type::INDEX),
    );
}

#[test]
fn a_layer_that_is_no_tar_is_found() {
    let home = TempDir::new().unwrap();
    // Right digest and size, wrong inside.
    let layer = Member::compress(b"no tar at all", Level::FAST).bytes().to_vec();
    let blob = fixture::layer_of(home.path(), media_type::LAYER_GZIP, layer);
    let found = problems(home.path());
    assert_eq!(
        found[0],
        format!(
            "blobs/sha256/{}: not a tar in gzip: failed to read entire block (used by `t`)",
            blob.digest().hex()
        )
    );
}

#[test]
fn index_json_itself_is_checked() {
    let Victim { home, .. } = victim();
    let path = home.path().join("index.json");
    let mut index: Index = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index.manifests.push(index.manifests[1].clone());
    let mut odd = index.manifests[1].clone();
    odd.media_type = "text/plain".to_owned();
    odd.annotations.clear();
    index.manifests.push(odd);
    fs::write(&path, serde_json::to_vec(&index).unwrap()).unwrap();
    assert_eq!(
        problems(home.path()),
        [
            "index.json: entry 4 is neither an index nor an image, but `text/plain`",
            "index.json: two images are called `latest`",
        ]
    );
    fs::write(&path, "{").unwrap();
    let error = Layout::open(home.path()).unwrap_err().to_string();
    let root = home.path().display();
    assert_eq!(
        error,
        format!("{root} is not an image layout: index.json: EOF while parsing an object at line 1 column 1")
    );
}
