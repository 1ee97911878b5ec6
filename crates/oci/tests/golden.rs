//! Exact bytes and digests of a small image, and what independent readers make of them.

// The lint's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};

use jiff::Timestamp;
use qus_oci::image::Step;
use qus_oci::spec::{Annotations, Descriptor, Execution, ImageConfig, Index, Platform};
use qus_oci::{Entry, Image, ImageSpec, IndexBuilder, Layer, LayerWriter, Level, Member};
use sha256::Digest;

const MTIME: u64 = 1_700_000_000;

/// Every file's size is a different number of bytes away from a whole block.
fn files() -> [(&'static str, Vec<u8>); 4] {
    [
        ("usr/bin/empty", Vec::new()),
        ("usr/bin/one", b"x".to_vec()),
        ("usr/bin/block", vec![7; 512]),
        ("usr/bin/long", (0u32..3000).flat_map(u32::to_le_bytes).collect()),
    ]
}

fn write_layer<W: Write>(out: W, members: &[Member]) -> (W, Layer) {
    let mut writer = LayerWriter::new(out);
    for path in ["usr", "usr/bin"] {
        writer.entry(&Entry::directory(path, 0o755, MTIME).unwrap()).unwrap();
    }
    writer.entry(&Entry::symlink("usr/bin/link", "/usr/bin/one", MTIME).unwrap()).unwrap();
    for ((path, content), member) in files().iter().zip(members) {
        let entry = Entry::file(path, content.len() as u64, 0o755, MTIME).unwrap();
        writer.file(&entry, content, member).unwrap();
    }
    writer.finish().unwrap()
}

fn members() -> Vec<Member> {
    files().iter().map(|(_, content)| Member::content(content, Level::BEST)).collect()
}

fn layer() -> (Vec<u8>, Layer) {
    write_layer(Vec::new(), &members())
}

fn image(architecture: &str, variant: Option<&str>) -> Image {
    let label = |key: &str, value: &str| Annotations::from([(key.to_owned(), value.to_owned())]);
    Image::build(ImageSpec {
        platform: Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            variant: variant.map(str::to_owned),
        },
        created: Timestamp::from_second(MTIME as i64).unwrap(),
        config: Execution {
            env: vec!["QEMU_BIN_DIR=/usr/bin".to_owned()],
            entrypoint: vec!["/qus/register".to_owned()],
            labels: label("org.opencontainers.image.title", "qus"),
            ..Execution::default()
        },
        annotations: label("org.opencontainers.image.version", "11.1"),
        steps: vec![Step { layer: layer().1, created_by: "qus: test files".to_owned() }],
    })
}

#[test]
fn tar_and_gzip_read_the_layer_back() {
    let (bytes, layer) = layer();
    assert_eq!(layer.descriptor.digest, Digest::of(&bytes));
    assert_eq!(layer.descriptor.size, bytes.len() as u64);

    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut unpacked).unwrap();
    assert_eq!(layer.diff_id, Digest::of(&unpacked));
    assert_eq!(layer.unpacked_size, unpacked.len() as u64);

    let mut archive = tar::Archive::new(&*unpacked);
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        seen.push((path, content));
    }
    let bare = ["usr/", "usr/bin/", "usr/bin/link"].map(|path| (path.to_owned(), Vec::new()));
    let expected: Vec<_> =
        bare.into_iter().chain(files().map(|(path, content)| (path.to_owned(), content))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn bytes_do_not_depend_on_threads_or_sizes_of_writes() {
    /// Accepts `limit` bytes at a time, as a pipe may.
    struct Short {
        limit: usize,
        bytes: Vec<u8>,
    }
    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(self.limit);
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let expected = layer();
    for limit in [1, 3, 512, usize::MAX] {
        let (out, layer) = write_layer(Short { limit, bytes: Vec::new() }, &members());
        assert_eq!((out.bytes, layer), expected, "{limit}");
    }
    let parallel: Vec<Member> = std::thread::scope(|scope| {
        let threads: Vec<_> = files()
            .map(|(_, content)| scope.spawn(move || Member::content(&content, Level::BEST)))
            .into_iter()
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(write_layer(Vec::new(), &parallel), expected);
}

#[test]
fn golden_layer() {
    let (_, layer) = layer();
    assert_eq!(
        layer.diff_id.to_string(),
        "sha256:543985c30d26558a8fcd1bab5665e7c2e94300dcb5387485cafe8dc158cd8b4e"
    );
    assert_eq!(
        layer.descriptor.digest.to_string(),
        "sha256:ff91c94b5189f4b34682cbf866f44979aae0981a75734a9f134f52dececbb1ff"
    );
}

#[test]
fn golden_image() {
    let image = image("arm", Some("v7"));
    let (_, layer) = layer();
    let config = format!(
        concat!(
            r#"{{"created":"2023-11-14T22:13:20Z","architecture":"arm","variant":"v7","os":"linux","#,
            r#""config":{{"Env":["QEMU_BIN_DIR=/usr/bin"],"Entrypoint":["/qus/register"],"#,
            r#""Labels":{{"org.opencontainers.image.title":"qus"}}}},"#,
            r#""rootfs":{{"type":"layers","diff_ids":["{diff}"]}},"#,
            r#""history":[{{"created":"2023-11-14T22:13:20Z","created_by":"qus: test files"}}]}}"#
        ),
        diff = layer.diff_id
    );
    assert_eq!(std::str::from_utf8(image.config.bytes()).unwrap(), config);
    let manifest = format!(
        concat!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            r#""config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"#,
            r#""layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":{}}}],"#,
            r#""annotations":{{"org.opencontainers.image.version":"11.1"}}}}"#
        ),
        Digest::of(config.as_bytes()),
        config.len(),
        layer.descriptor.digest,
        layer.descriptor.size
    );
    assert_eq!(std::str::from_utf8(image.manifest.bytes()).unwrap(), manifest);
}

#[test]
fn golden_index() {
    let mut index = IndexBuilder::new(Annotations::new());
    index.add(&image("amd64", None)).unwrap();
    index.add(&image("arm", Some("v7"))).unwrap();
    let error = index.add(&image("amd64", None)).unwrap_err();
    assert_eq!(error.to_string(), "cannot add an image to an index: it has one for linux/amd64 already");
    assert_eq!(
        index.build().digest().to_string(),
        "sha256:6244d92fbf9e035ebaf4e3006c26a8c48dc4732e136b4c3b5ed081feec61442d"
    );
}

#[test]
fn another_implementation_reads_the_documents() {
    let image = image("arm64", Some("v8"));
    let manifest = oci_spec::image::ImageManifest::from_reader(image.manifest.bytes()).unwrap();
    assert_eq!(manifest.config().digest().to_string(), image.config.digest().to_string());
    assert_eq!(manifest.layers()[0].size(), layer().1.descriptor.size);
    assert_eq!(manifest.layers()[0].media_type(), &oci_spec::image::MediaType::ImageLayerGzip);

    let config = oci_spec::image::ImageConfiguration::from_reader(image.config.bytes()).unwrap();
    assert_eq!(config.architecture(), &oci_spec::image::Arch::ARM64);
    assert_eq!(config.rootfs().diff_ids(), &[layer().1.diff_id.to_string()]);
    let execution = config.config().as_ref().unwrap();
    assert_eq!(execution.entrypoint(), &Some(vec!["/qus/register".to_owned()]));
    assert_eq!(execution.labels().as_ref().unwrap()["org.opencontainers.image.title"], "qus");

    let mut builder = IndexBuilder::new(Annotations::new());
    builder.add(&image).unwrap();
    let index = oci_spec::image::ImageIndex::from_reader(builder.build().bytes()).unwrap();
    let platform = index.manifests()[0].platform().as_ref().unwrap();
    assert_eq!(platform.variant(), &Some("v8".to_owned()));
}

#[test]
fn documents_of_other_tools_are_read() {
    let config = r#"{"architecture":"arm","variant":"v7","os":"linux","docker_version":"28.5","config":{
        "Env":null,"Cmd":null,"Entrypoint":["/x"],"Labels":null,"ExposedPorts":{"80/tcp":{}}},
        "rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config: ImageConfig = serde_json::from_str(config).unwrap();
    assert_eq!(config.platform().to_string(), "linux/arm/v7");
    assert_eq!((config.config.env.len(), config.config.entrypoint), (0, vec!["/x".to_owned()]));

    let error = serde_json::from_str::<Index>(r#"{"schemaVersion":1,"manifests":[]}"#).unwrap_err();
    assert_eq!(error.to_string(), "schemaVersion 1 is not 2 at line 1 column 18");
    let error = serde_json::from_str::<Descriptor>(r#"{"mediaType":"x","digest":"sha256:0","size":1}"#);
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("`sha256:0` is not a SHA-256 digest"), "{text}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let entry = Entry::file("a", 3, 0o644, 0).unwrap();
    let abc = Member::content(b"abc", Level::FAST);
    let mut writer = LayerWriter::new(Vec::new());
    for (result, expected) in [
        (
            writer.file(&entry, b"ab", &abc),
            "cannot add `a` to a layer: its header says 3 bytes, its content has 2",
        ),
        (writer.entry(&entry), "cannot add `a` to a layer: its header says 3 bytes, its content has 0"),
        (
            writer.file(&entry, b"abd", &abc),
            "cannot add `a` to a layer: its compressed form holds another content",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    writer.file(&entry, b"abc", &abc).unwrap();
    let error = writer.file(&entry, b"abc", &abc).unwrap_err();
    assert_eq!(error.to_string(), "cannot add `a` to a layer: it is there already");
}
