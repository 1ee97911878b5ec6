//! The images that engines take from an index that has every image in gzip and in zstd: the table in docs/compression.md.
//!
//! The two images of the test differ in one file, which says which of them it is.

use std::fs;

use oci::spec::Descriptor;
use tempfile::TempDir;
use testbed::{Engine, Package, Packages, Registry, skopeo};

use super::{bench, sandboxed};
use crate::fixture;
use crate::publish::credentials::Credentials;
use crate::publish::registry::{self, Access, Mode, Silent};

const FILE: &str = "form";

/// Pushes both tags; gives the repository's name, and what was pushed.
fn push(packages: &Packages, registry: &Registry<'_>) -> (String, Vec<(String, Descriptor)>) {
    // Runs what goes into both layers.
    let tree = packages.tree("busybox", &[Package::native("bookworm", "busybox-static")]).unwrap();
    let program = fs::read(tree.path().join("usr/bin/busybox")).unwrap();
    let architecture = arch::Host::native().unwrap().platform().architecture;
    let home = TempDir::new().unwrap();
    let refs = fixture::write_both(home.path(), architecture, ("busybox", &program), FILE);
    let bench = bench(home, refs, registry);
    base::runtime().unwrap().block_on(async {
        let (name, options) = (bench.repository.clone(), registry::Options::default());
        let registry = registry::Registry::connect(name, Access::Push, Credentials::Anonymous, options);
        let registry = registry.await.unwrap();
        registry::push(&bench.layout, &fixture::plan(&bench.refs), &[], &registry, Mode::Push, &Silent)
            .await
            .unwrap();
    });
    (bench.repository.to_string(), bench.refs)
}

/// The image that an engine takes for `both` and for `zstd`; `None`: it cannot pull that.
fn check(engine: Engine, expected: [Option<&str>; 2]) {
    let tree = (engine.tree_name(), engine.packages());
    sandboxed(engine.name(), tree, &Default::default(), |packages, sandbox, registry| {
        let (repository, _) = push(packages, registry);
        let running = engine.start(sandbox).unwrap();
        let names = ["both", "zstd"].map(|tag| format!("{repository}:{tag}"));
        // All pulls come before the first container, which can leave dockerd without a network in here.
        let pulled = names.each_ref().map(|name| running.client(&["pull", "--quiet", name]));
        let taken: Vec<Option<String>> = names
            .iter()
            .zip(&pulled)
            .map(|(name, pulled)| {
                pulled.as_ref().ok()?;
                let file = format!("/{FILE}");
                let output = running.run(&["--entrypoint", "/busybox", name, "cat", &file]).unwrap();
                assert!(output.status.success(), "{name}: {output:?}");
                Some(String::from_utf8(output.stdout).unwrap())
            })
            .collect();
        let taken: Vec<Option<&str>> = taken.iter().map(Option::as_deref).collect();
        assert_eq!(taken, expected, "{engine}: {pulled:?}");
    });
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
    let (test, tree) = ("skopeo_copies_both_unchanged", ("skopeo", skopeo::packages()));
    sandboxed(test, tree, &Default::default(), |packages, sandbox, registry| {
        let (repository, refs) = push(packages, registry);
        for (tag, descriptor) in refs {
            let from = format!("docker://{repository}:{tag}");
            let to = format!("docker://{repository}-copy:{tag}");
            let copy = ["skopeo", "copy", "--all", "--insecure-policy", "--src-tls-verify=false"];
            sandbox.run(&[&copy[..], &["--dest-tls-verify=false", &from, &to]].concat()).unwrap();
            let raw = sandbox.run(&["skopeo", "inspect", "--raw", "--tls-verify=false", &to]).unwrap();
            assert_eq!(sha256::Digest::of(raw.as_bytes()), descriptor.digest, "{tag}: {raw}");
        }
    });
}
