//! Real engines: what they load, what they push, and with which digests.
//!
//! Each engine and a `docker-registry` run in a sandbox; the registry's port is the machine's, so that the test can ask
//! it what arrived.

use base::Hint as _;
use oci::spec::{Descriptor, ImageConfig, Index, Manifest};
use tempfile::TempDir;
use testbed::sandbox::{Network, Options};
use testbed::{Package, Packages, Sandbox};

use crate::fixture;
use crate::publish::archive::Named;
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::engine::{Endpoint, Engine, Store};
use crate::publish::layout::Layout;
use crate::publish::registry::{self, Access, Mode, Registry, Repository, Silent};

mod absent;
mod compression;
mod tls;

/// The fixture's layout, and where to push it.
struct Bench {
    layout: Layout,
    refs: Vec<(String, Descriptor)>,
    repository: Repository,
    _home: TempDir,
}

impl Bench {
    fn named(&self) -> Vec<Named> {
        fixture::named(&self.repository.to_string(), &self.refs)
    }
}

/// Runs `test` with a registry in a sandbox on the machine's network, beside a tree of packages.
fn sandboxed(
    name: &str,
    (tree, list): (&str, Vec<Package>),
    options: &testbed::registry::Options,
    test: impl FnOnce(&Packages, &Sandbox, &testbed::Registry<'_>),
) {
    let Some(packages) = Packages::for_test(name) else { return };
    let tree = packages.tree(tree, &list).unwrap();
    let registry = packages.tree("registry", &testbed::Registry::packages()).unwrap();
    let trees = vec![&tree, &registry];
    let in_sandbox = Options { trees, network: Network::Host, ..Options::default() };
    let sandbox = Sandbox::start(&packages, &in_sandbox).unwrap();
    let registry = testbed::Registry::start(&sandbox, options).unwrap();
    // Docker takes 127.0.0.0/8 for a place without TLS; podman needs an option.
    let insecure = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.address());
    sandbox.write("/etc/containers/registries.conf", insecure).unwrap();
    test(&packages, &sandbox, &registry);
}

/// The layout in `home`, and a place for it at `registry`.
fn bench(home: TempDir, refs: Vec<(String, Descriptor)>, registry: &testbed::Registry<'_>) -> Bench {
    let repository = format!("{}/aptman/qus", registry.address()).parse().unwrap();
    Bench { layout: fixture::open(home.path()), refs, repository, _home: home }
}

/// Starts `which`, and a registry with a password, and runs `test` with both.
fn with(which: testbed::Engine, test: impl AsyncFnOnce(Engine, Bench)) {
    let options = testbed::registry::Options { password: true, ..Default::default() };
    let tree = (which.tree_name(), which.packages());
    sandboxed(which.name(), tree, &options, |_, sandbox, registry| {
        let running = which.start(sandbox).unwrap();
        let home = TempDir::new().unwrap();
        let refs = fixture::write(home.path());
        let bench = bench(home, refs, registry);
        base::runtime().unwrap().block_on(async {
            let engine = Engine::connect(&[Endpoint::Unix(running.socket())]).await.unwrap();
            test(engine, bench).await;
        });
    });
}

fn credentials() -> Credentials {
    let password = Secret::new(testbed::registry::PASSWORD);
    Credentials::Basic { user: testbed::registry::USER.to_owned(), password }
}

async fn connect(repository: &Repository) -> Registry {
    Registry::connect(repository.clone(), Access::Push, credentials(), registry::Options::default())
        .await
        .unwrap()
}

/// The classic store takes one platform of an index and pushes it with other digests; an index is joined from them.
async fn classic(engine: Engine, bench: Bench, name: &str) {
    assert!(engine.name().starts_with(name), "{}", engine.name());
    assert_eq!(engine.store(), Store::Classic);
    engine.load(&bench.layout, &bench.named(), &|_| ()).await.unwrap();
    assert!(engine.has(&bench.repository, "latest").await);

    let registry = connect(&bench.repository).await;
    let plan = fixture::plan(&bench.refs);
    let shipped = engine.ship(&bench.layout, &plan, &registry, &credentials(), &|_| ()).await.unwrap();
    let order: Vec<&str> = shipped.tags.iter().map(|tagged| &*tagged.tag).collect();
    assert_eq!(order, ["amd64-d1.0", "latest", "pkg"]);
    assert!(shipped.tags.iter().all(|tagged| tagged.moved));
    assert!(shipped.changed.contains("amd64-d1.0") && shipped.changed.contains("latest"));
    for tagged in &shipped.tags {
        assert_eq!(registry.head_manifest(&tagged.tag).await.unwrap(), Some(tagged.digest));
        assert_eq!(registry.inspect(&tagged.tag).await.unwrap().problems, []);
    }
    let there = registry.manifest("amd64-d1.0").await.unwrap().unwrap();
    let manifest: Manifest = serde_json::from_slice(&there.bytes).unwrap();
    let local: Manifest = bench.layout.json(&bench.refs[2].1).unwrap();
    // What runs is what was built; only the compression is another.
    let pushed: ImageConfig = registry.json(&manifest.config).await.unwrap();
    let built: ImageConfig = bench.layout.json(&local.config).unwrap();
    assert_eq!(pushed.rootfs, built.rootfs);
    let index: Index =
        serde_json::from_slice(&registry.manifest("latest").await.unwrap().unwrap().bytes).unwrap();
    assert_eq!(index.manifests[0].digest, there.descriptor.digest);
    assert_eq!(index.manifests[1].platform, Some(fixture::platform("arm")));
    assert!(engine.has(&bench.repository, "latest").await, "what was there before stays");
}

#[test]
fn docker20() {
    with(testbed::Engine::Docker20, async |engine, bench| classic(engine, bench, "Docker 20.10").await);
}

#[test]
fn docker28() {
    let which = testbed::Engine::Docker28 { containerd_store: false };
    with(which, async |engine, bench| classic(engine, bench, "Docker").await);
}

#[test]
fn podman() {
    with(testbed::Engine::Podman, async |engine, bench| classic(engine, bench, "podman").await);
}

#[test]
fn containerds_store_ends_in_the_digests_of_a_direct_push() {
    let which = testbed::Engine::Docker28 { containerd_store: true };
    with(which, async |engine, bench| {
        assert_eq!(engine.store(), Store::Containerd);
        let sent = std::sync::atomic::AtomicU64::new(0);
        let hear = |bytes| sent.store(bytes, std::sync::atomic::Ordering::Relaxed);
        engine.load(&bench.layout, &bench.named(), &hear).await.unwrap();
        assert!(sent.into_inner() > 16_000);
        let through_engine = connect(&bench.repository).await;
        let plan = fixture::plan(&bench.refs);
        let shipped =
            engine.ship(&bench.layout, &plan, &through_engine, &credentials(), &|_| ()).await.unwrap();
        assert!(shipped.changed.is_empty() && shipped.tags.iter().all(|tagged| tagged.moved));
        let direct = format!("{}/aptman/direct", bench.repository.registry()).parse().unwrap();
        let direct = connect(&direct).await;
        registry::push(&bench.layout, &plan, &[], &direct, Mode::Push, &Silent).await.unwrap();
        for (tag, descriptor) in &bench.refs {
            let bytes = bench.layout.read(descriptor).unwrap();
            for registry in [&through_engine, &direct] {
                let there = registry.manifest(tag).await.unwrap().unwrap();
                assert_eq!((there.descriptor.digest, &there.bytes), (descriptor.digest, &bytes), "{tag}");
                assert_eq!(registry.inspect(tag).await.unwrap().problems, []);
            }
        }
        let again =
            registry::push(&bench.layout, &plan, &[], &through_engine, Mode::Push, &Silent).await.unwrap();
        assert!(again.unchanged());
        let index: Index = bench.layout.json(&bench.refs[0].1).unwrap();
        assert_eq!(index.manifests.len(), 2);
    });
}

#[test]
fn refusals_are_passed_on() {
    let which = testbed::Engine::Docker28 { containerd_store: true };
    with(which, async |engine, bench| {
        let images = bench.named().split_off(2);
        let name = format!("{}:amd64-d1.0", bench.repository);
        let error = engine.push(&bench.repository, "amd64-d1.0", &credentials()).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot push {name} through Docker")), "{error}");

        engine.load(&bench.layout, &images, &|_| ()).await.unwrap();
        // Passwords whose base64 differs between the two alphabets: `?` and `~` at every position.
        for password in ["wrong", "???~~~", "a???~~~", "ab???~~~"] {
            let wrong = Credentials::Basic { user: "qus".to_owned(), password: Secret::new(password) };
            let error = engine.push(&bench.repository, "amd64-d1.0", &wrong).await.unwrap_err();
            assert!(error.hint().unwrap_or_default().starts_with("log in"), "{error}");
            assert!(!format!("{error} {error:?}").contains(password), "{error}");
        }
        let spoilt = bench.layout.json::<Manifest>(&bench.refs[2].1).unwrap().layers.remove(1);
        let path = bench.layout.blob_path(spoilt.digest);
        std::fs::write(&path, "short").unwrap();
        let error = engine.load(&bench.layout, &images, &|_| ()).await.unwrap_err().to_string();
        let expected = format!("cannot read {}: expected {} bytes, got only 5", path.display(), spoilt.size);
        assert_eq!(error, format!("cannot load images into {}: {expected}", engine.name()));
    });
}
