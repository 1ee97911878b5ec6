//! Debian's docker-registry, as a registry that nobody here has written; skopeo as a reader of it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use base::Hint as _;
use oci::spec::Descriptor;
use testbed::registry::{PASSWORD, USER};
use testbed::sandbox::{Network, Sandbox};
use testbed::{Packages, Shared, skopeo};

use super::setup::{Setup, connect, options, repository};
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Access, Mode, Options, Registry, Silent, push};

static SANDBOX: Shared<Sandbox> = Shared::new();

/// On the machine's network, so that the registries in it can be reached from here.
fn sandbox(test: &str) -> Option<Sandbox> {
    let packages = Packages::for_test(test)?;
    let registry = packages.tree("registry", &testbed::Registry::packages()).unwrap();
    let skopeo = packages.tree("skopeo", &skopeo::packages()).unwrap();
    let trees = vec![&skopeo, &registry];
    let options = testbed::sandbox::Options { trees, network: Network::Host, ..Default::default() };
    Some(Sandbox::start(&packages, &options).unwrap())
}

/// Runs `body` with a registry of the test's own.
fn with(test: &str, options: &testbed::registry::Options, body: impl AsyncFnOnce(&testbed::Registry<'_>)) {
    let Some(sandbox) = SANDBOX.get(|| sandbox(test)) else { return };
    let real = testbed::Registry::start(&sandbox, options).unwrap();
    base::runtime().unwrap().block_on(body(&real));
}

fn plain() -> testbed::registry::Options {
    testbed::registry::Options::default()
}

/// Without credentials.
async fn open(real: &testbed::Registry<'_>, options: Options) -> Registry {
    connect(real.address(), Credentials::Anonymous, options).await.unwrap()
}

#[test]
fn takes_a_push_and_gives_every_byte_back() {
    with("takes_a_push_and_gives_every_byte_back", &plain(), async |real| {
        let setup = Setup::new();
        let registry = open(real, options()).await;
        let report = setup.push_to(&registry, Mode::Push).await.unwrap();
        assert_eq!((report.uploaded.len(), report.manifests.len(), report.tags.len()), (6, 5, 3));
        for item in &setup.plan {
            let name = item.tag.as_ref().unwrap();
            let fetched = registry.manifest(name).await.unwrap().unwrap();
            assert_eq!(fetched.bytes, setup.layout.read(&item.descriptor).unwrap());
            assert_eq!(fetched.descriptor.media_type, item.descriptor.media_type);
            let source = format!("docker://{}:{name}", repository(real.address()));
            let inspect = ["skopeo", "inspect", "--tls-verify=false", "--raw", &source];
            assert_eq!(real.sandbox().run(&inspect).unwrap().as_bytes(), fetched.bytes);
        }
        assert!(setup.push_to(&registry, Mode::Push).await.unwrap().unchanged());
    });
}

#[test]
fn what_was_deleted_below_a_tag_is_repaired() {
    with("what_was_deleted_below_a_tag_is_repaired", &plain(), async |real| {
        let setup = Setup::new();
        let push = async |repair| {
            let registry = open(real, Options { repair, ..options() }).await;
            setup.push_to(&registry, Mode::Push).await.unwrap()
        };
        let report = push(false).await;
        let is_tagged =
            |one: &&Descriptor| setup.plan.iter().any(|push| push.descriptor.digest == one.digest);
        let lost = report.manifests.iter().find(|one| !is_tagged(one)).unwrap();
        let name = format!("docker://{}@{}", repository(real.address()), lost.digest);
        real.sandbox().run(&["skopeo", "delete", "--tls-verify=false", &name]).unwrap();
        assert!(push(false).await.unchanged());
        let repaired = push(true).await;
        assert_eq!((repaired.manifests, repaired.uploaded), (vec![lost.clone()], vec![]));
        assert!(push(true).await.unchanged());
    });
}

#[test]
fn mounts_from_another_repository() {
    with("mounts_from_another_repository", &plain(), async |real| {
        let setup = Setup::new();
        let first = open(real, options()).await;
        setup.push_to(&first, Mode::Push).await.unwrap();
        let other = format!("{}/other/name", real.address()).parse().unwrap();
        let second = Registry::connect(other, Access::Push, Credentials::Anonymous, options()).await.unwrap();
        let from = ["aptman/qus".to_owned()];
        let report = push(&setup.layout, &setup.plan, &from, &second, Mode::Push, &Silent).await.unwrap();
        assert_eq!((report.mounted.len(), report.uploaded.len()), (6, 0));
    });
}

#[test]
fn an_upload_in_pieces_survives_a_cut_in_any_of_them() {
    with("an_upload_in_pieces_survives_a_cut_in_any_of_them", &plain(), async |real| {
        let setup = Setup::new();
        // In front of the registry, a proxy that cuts each of the first connections after some kilobytes.
        let direct = open(real, options()).await;
        let proxy = cutting_proxy(real.address(), [900, 2_500, 4_000, 7_000, 9_000]);
        let mut options = options();
        options.http.attempts = 8;
        let registry = connect(proxy, Credentials::Anonymous, options).await.unwrap();
        setup.push_to(&registry, Mode::Push).await.unwrap();
        assert!(setup.push_to(&direct, Mode::Push).await.unwrap().unchanged());
    });
}

/// Passes bytes on to `target`; the first connections are cut after so many bytes from the client.
fn cutting_proxy(target: SocketAddr, cuts: impl IntoIterator<Item = u64> + Send + 'static) -> SocketAddr {
    use std::io::{Read, copy};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut cuts: Vec<u64> = cuts.into_iter().collect();
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(target).unwrap());
            let limit = if cuts.is_empty() { u64::MAX } else { cuts.remove(0) };
            let (mut up, mut down) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                drop(copy(&mut Read::take(&client, limit), &mut up));
                drop((client.shutdown(std::net::Shutdown::Both), up.shutdown(std::net::Shutdown::Both)));
            });
            std::thread::spawn(move || {
                drop(copy(&mut &server, &mut down));
                drop(down.shutdown(std::net::Shutdown::Both));
            });
        }
    });
    address
}

#[test]
fn htpasswd_lets_in_only_who_is_known() {
    let kind = testbed::registry::Options { password: true, ..plain() };
    with("htpasswd_lets_in_only_who_is_known", &kind, async |real| {
        let setup = Setup::new();
        let attempt = async |password: &str| {
            let credentials = Credentials::Basic { user: USER.to_owned(), password: Secret::new(password) };
            let registry = connect(real.address(), credentials, options()).await.unwrap();
            setup.push_to(&registry, Mode::Push).await
        };
        let error = attempt("wrong").await.unwrap_err().to_string();
        assert!(error.contains(": unauthorized: the credentials were refused"), "{error}");
        assert_eq!(attempt(PASSWORD).await.unwrap().tags.len(), 3);
    });
}

#[test]
fn a_certificate_must_be_trusted() {
    let kind = testbed::registry::Options { tls: true, ..plain() };
    with("a_certificate_must_be_trusted", &kind, async |real| {
        let setup = Setup::new();
        let error = connect(real.address(), Credentials::Anonymous, options()).await.err().unwrap();
        let expected = "its certificate is not trusted: invalid peer certificate: UnknownIssuer";
        assert_eq!(error.to_string(), format!("cannot reach {}: {expected}", real.address()));
        assert_eq!(error.hint().as_deref(), Some("give the authority's certificate with --registry-ca FILE"));

        let authorities = vec![real.authority().unwrap().as_bytes().to_vec()];
        let registry = open(real, Options { authorities, ..options() }).await;
        setup.push_to(&registry, Mode::Push).await.unwrap();

        let options = Options { authorities: vec![b"no certificate".to_vec()], ..options() };
        let error = connect(real.address(), Credentials::Anonymous, options).await.err().unwrap().to_string();
        assert!(error.ends_with("the given authority holds no certificate in PEM"), "{error}");
    });
}

#[test]
fn a_registry_that_forgets_its_encryption_is_found_out_at_once() {
    let kind = testbed::registry::Options { tls: true, unaware: true, ..plain() };
    with("a_registry_that_forgets_its_encryption_is_found_out_at_once", &kind, async |real| {
        let setup = Setup::new();
        let authorities = vec![real.authority().unwrap().as_bytes().to_vec()];
        let registry = open(real, Options { authorities, ..options() }).await;
        let began = std::time::Instant::now();
        let error = setup.push_to(&registry, Mode::Push).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        let text = error.to_string();
        let (_, reason) = text.split_once(&format!(" to {}/aptman/qus: ", real.address())).unwrap();
        let start = format!(
            "the registry is reached over https, and sends on to http://{}/v2/aptman/qus/blobs/uploads/",
            real.address()
        );
        assert!(reason.starts_with(&start) && reason.ends_with("?*** without it"), "{text}");
        assert!(error.hint().unwrap().contains("X-Forwarded-Proto"), "{:?}", error.hint());
    });
}
