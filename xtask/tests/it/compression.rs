//! The images that engines take from an index that has every image in gzip and in zstd: the table in docs/compression.md.
//!
//! The two images of the test differ in one file, which says which of them it is.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use oci::image::Step;
use oci::spec::{Annotations, Descriptor, Execution};
use oci::{Entry, Frame, FrameWriter, Image, ImageSpec, IndexBuilder, Layer, LayerWriter, Level, Member};
use publish::credentials::Credentials;
use publish::layout::{Layout, LayoutWriter};
use publish::registry::{Access, Mode, Options, Push, Silent};
use testbed::{Engine, Package, Packages, skopeo};

use crate::ship::{packages, registry, sandbox};

const FILE: &str = "form";

/// Runs what goes into both layers.
fn program(packages: &Packages) -> Vec<u8> {
    let tree = packages.tree("busybox", &[Package::native("bookworm", "busybox-static")]).unwrap();
    fs::read(tree.path().join("usr/bin/busybox")).unwrap()
}

fn gzip(layout: &LayoutWriter, program: &[u8]) -> Layer {
    let mut layer = LayerWriter::new(layout.blob_writer().unwrap());
    for (path, content) in [("busybox", program), (FILE, b"gzip")] {
        let entry = Entry::file(path, content.len() as u64, 0o755, 0).unwrap();
        layer.file(&entry, content, &Member::content(content, Level::FAST)).unwrap();
    }
    let (blob, layer) = layer.finish().unwrap();
    blob.commit(&layer.descriptor.media_type).unwrap();
    layer
}

fn zstd(layout: &LayoutWriter, program: &[u8]) -> Layer {
    let mut layer = FrameWriter::new(layout.blob_writer().unwrap(), Frame::Long).unwrap();
    for (path, content) in [("busybox", program), (FILE, b"zstd")] {
        let entry = Entry::file(path, content.len() as u64, 0o755, 0).unwrap();
        layer.file(&entry, content).unwrap();
    }
    let (blob, layer) = layer.finish().unwrap();
    blob.commit(&layer.descriptor.media_type).unwrap();
    layer
}

fn image(layout: &LayoutWriter, layer: Layer) -> Image {
    let host = arch::Host::native().unwrap();
    let image = Image::build(ImageSpec {
        platform: host.platform().into(),
        created: Timestamp::from_second(1_700_000_000).unwrap(),
        config: Execution { entrypoint: vec!["/busybox".to_owned()], ..Execution::default() },
        annotations: Annotations::new(),
        steps: vec![Step { layer, created_by: "test".to_owned() }],
    });
    layout.put(&image.config).unwrap();
    layout.put(&image.manifest).unwrap();
    image
}

/// The tags `both` and `zstd`, as `--compression both` makes them.
fn write(path: &Path, program: &[u8]) -> Vec<(String, Descriptor)> {
    let writer = LayoutWriter::create(path).unwrap();
    let images = [image(&writer, gzip(&writer, program)), image(&writer, zstd(&writer, program))];
    let index = |images: &[Image]| {
        let mut index = IndexBuilder::default();
        for image in images {
            index.add(image).unwrap();
        }
        let index = index.build();
        writer.put(&index).unwrap();
        index.descriptor().clone()
    };
    let refs = vec![("both".to_owned(), index(&images)), ("zstd".to_owned(), index(&images[1..]))];
    writer.finish("docker.io/test/compression", &refs).unwrap();
    refs
}

fn push(layout: &Path, refs: &[(String, Descriptor)], repository: &str) {
    let layout = Layout::open(layout).unwrap();
    let plan: Vec<Push> = refs
        .iter()
        .map(|(tag, descriptor)| Push {
            tag: Some(tag.clone()),
            descriptor: descriptor.clone(),
            fixed: false,
        })
        .collect();
    let runtime = base::runtime().unwrap();
    runtime.block_on(async {
        let (name, anonymous) = (repository.parse().unwrap(), Credentials::Anonymous);
        let registry =
            publish::registry::Registry::connect(name, Access::Push, anonymous, Options::default())
                .await
                .unwrap();
        publish::registry::push(&layout, &plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
    });
}

/// The image that an engine takes for `both` and for `zstd`; `None`: it cannot pull that.
fn check(engine: Engine, expected: [Option<&str>; 2]) {
    let Some(packages) = packages(engine.name()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let refs = write(dir.path(), &program(&packages));
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = sandbox(&packages, vec![tree]);
    let (registry, repository) = registry(&sandbox);
    push(dir.path(), &refs, &repository);
    // podman needs an option where there is no TLS.
    let insecure = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.address());
    sandbox.write("/etc/containers/registries.conf", insecure).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let names = ["both", "zstd"].map(|tag| format!("{repository}:{tag}"));
    // All pulls come before the first container, which can leave dockerd without a network in here.
    let pulled = names.each_ref().map(|name| running.client(&["pull", "--quiet", name]));
    let taken: Vec<Option<String>> = names
        .iter()
        .zip(&pulled)
        .map(|(name, pulled)| {
            pulled.as_ref().ok()?;
            let output = running.run(&[name, "cat", &format!("/{FILE}")]).unwrap();
            assert!(output.status.success(), "{name}: {output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        })
        .collect();
    let taken: Vec<Option<&str>> = taken.iter().map(Option::as_deref).collect();
    assert_eq!(taken, expected, "{engine}: {pulled:?}");
}

#[test]
fn docker20_takes_gzip_and_reads_no_zstd() {
    check(Engine::Docker20, [Some("gzip"), None]);
}

#[test]
fn docker28_takes_gzip_and_reads_zstd() {
    check(Engine::Docker28 { containerd_store: false }, [Some("gzip"), Some("zstd")]);
}

#[test]
fn docker28_with_the_containerd_store_takes_gzip_and_reads_zstd() {
    check(Engine::Docker28 { containerd_store: true }, [Some("gzip"), Some("zstd")]);
}

#[test]
fn podman_reads_zstd() {
    check(Engine::Podman, [Some("gzip"), Some("zstd")]);
}

/// A copy by other tools has the same digests: skopeo writes an index anew unless its images in zstd say that they are.
#[test]
fn skopeo_copies_both_unchanged() {
    let Some(packages) = packages("skopeo_copies_both_unchanged") else { return };
    let dir = tempfile::tempdir().unwrap();
    let refs = write(dir.path(), &program(&packages));
    let sandbox = sandbox(&packages, vec![packages.tree("skopeo", &skopeo::packages()).unwrap()]);
    let (_registry, repository) = registry(&sandbox);
    push(dir.path(), &refs, &repository);
    for (tag, descriptor) in refs {
        let (from, to) =
            (format!("docker://{repository}:{tag}"), format!("docker://{repository}-copy:{tag}"));
        let copy = ["skopeo", "copy", "--all", "--insecure-policy", "--src-tls-verify=false"];
        sandbox.run(&[&copy[..], &["--dest-tls-verify=false", &from, &to]].concat()).unwrap();
        let raw = sandbox.run(&["skopeo", "inspect", "--raw", "--tls-verify=false", &to]).unwrap();
        assert_eq!(sha256::Digest::of(raw.as_bytes()), descriptor.digest, "{tag}: {raw}");
    }
}
