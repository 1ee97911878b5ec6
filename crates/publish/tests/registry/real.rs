//! Debian's docker-registry, as a registry that nobody here has written; skopeo as a reader of it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Access, Mode, Options, Registry, Silent, push};
use crate::setup::{Setup, connect, options, repository};

/// A docker-registry on a port of its own, stopped when dropped.
struct Real {
    child: Child,
    address: SocketAddr,
    home: TempDir,
}

/// `None` when the program is not installed, which in CI is a failure.
fn installed(program: &str) -> Option<()> {
    match Command::new(program).arg("--version").output() {
        Ok(_) => Some(()),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{program} is needed in CI: {error}");
            eprintln!("skipped: {program} cannot be run: {error}");
            None
        }
    }
}

impl Real {
    /// `extra` goes into the configuration's `http` section and after it; `HOME` stands for the registry's directory.
    fn start(home: TempDir, tls: &str, auth: &str) -> Option<Real> {
        installed("docker-registry")?;
        // Between here and the registry's own bind, somebody else could take the port; then the wait below fails.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: HOME/data}}}}\n\
             http:\n  addr: {address}\n{tls}{auth}"
        );
        let path = home.path().join("config.yml");
        fs::write(&path, config.replace("HOME", home.path().to_str().unwrap())).unwrap();
        let log = fs::File::create(home.path().join("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let real = Real { child, address, home };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let log = || fs::read_to_string(real.home.path().join("log"));
            assert!(began.elapsed() < Duration::from_secs(20), "docker-registry did not start: {:?}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(real)
    }

    fn plain() -> Option<Real> {
        Real::start(TempDir::new().unwrap(), "", "")
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Patient enough for a real server on a busy machine.
fn patient() -> Options {
    Options { stall: Duration::from_secs(20), ..options() }
}

#[tokio::test]
async fn takes_a_push_and_gives_every_byte_back() {
    let Some(real) = Real::plain() else { return };
    let setup = Setup::new();
    let registry = connect(real.address, Credentials::Anonymous, patient()).await.unwrap();
    let report = push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
    assert_eq!((report.uploaded.len(), report.manifests.len(), report.tags.len()), (6, 5, 3));
    for item in &setup.plan {
        let name = item.tag.as_ref().unwrap();
        let fetched = registry.manifest(name).await.unwrap().unwrap();
        assert_eq!(fetched.bytes, setup.layout.read(&item.descriptor).unwrap());
        assert_eq!(fetched.descriptor.media_type, item.descriptor.media_type);
        if installed("skopeo").is_some() {
            let source = format!("docker://{}:{name}", repository(real.address));
            let run = Command::new("skopeo")
                .args(["inspect", "--tls-verify=false", "--raw", &source])
                .output()
                .unwrap();
            assert_eq!(run.stdout, fetched.bytes, "{}", String::from_utf8_lossy(&run.stderr));
        }
    }
    let again = push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
    assert!(again.unchanged());
}

#[tokio::test]
async fn mounts_from_another_repository() {
    let Some(real) = Real::plain() else { return };
    let setup = Setup::new();
    let first = connect(real.address, Credentials::Anonymous, patient()).await.unwrap();
    push(&setup.layout, &setup.plan, &[], &first, Mode::Push, &Silent).await.unwrap();
    let other = repository(real.address).sibling("other/name").unwrap();
    let second = Registry::connect(other, Access::Push, Credentials::Anonymous, patient()).await.unwrap();
    let from = ["aptman/qus".to_owned()];
    let report = push(&setup.layout, &setup.plan, &from, &second, Mode::Push, &Silent).await.unwrap();
    assert_eq!((report.mounted.len(), report.uploaded.len()), (6, 0));
}

#[tokio::test]
async fn an_upload_in_pieces_survives_a_cut_in_any_of_them() {
    let Some(real) = Real::plain() else { return };
    let setup = Setup::new();
    // In front of the registry, a proxy that cuts each of the first connections after some kilobytes.
    let proxy = cutting_proxy(real.address, [900, 2_500, 4_000, 7_000, 9_000]);
    let options = Options { attempts: 8, ..patient() };
    let registry = connect(proxy, Credentials::Anonymous, options).await.unwrap();
    push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
    let direct = connect(real.address, Credentials::Anonymous, patient()).await.unwrap();
    assert!(push(&setup.layout, &setup.plan, &[], &direct, Mode::Push, &Silent).await.unwrap().unchanged());
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

#[tokio::test]
async fn htpasswd_lets_in_only_who_is_known() {
    let home = TempDir::new().unwrap();
    // "ada", "enigma".
    fs::write(home.path().join("htpasswd"), HTPASSWD).unwrap();
    let auth = "auth:\n  htpasswd:\n    realm: test\n    path: HOME/htpasswd\n";
    let Some(real) = Real::start(home, "", auth) else { return };
    let setup = Setup::new();
    let attempt = async |password: &str| {
        let credentials = Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password) };
        let registry = connect(real.address, credentials, patient()).await.unwrap();
        push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await
    };
    let error = attempt("wrong").await.unwrap_err().to_string();
    assert!(error.contains(": unauthorized: the credentials were refused"), "{error}");
    assert_eq!(attempt("enigma").await.unwrap().tags.len(), 3);
}

#[tokio::test]
async fn a_certificate_must_be_trusted() {
    let home = TempDir::new().unwrap();
    if installed("openssl").is_none() {
        return;
    }
    certificate(home.path());
    let authority = fs::read(home.path().join("ca.pem")).unwrap();
    let tls = "  tls:\n    certificate: HOME/server.pem\n    key: HOME/server.key\n";
    let Some(real) = Real::start(home, tls, "") else { return };
    let setup = Setup::new();
    let error = setup.push(real.address, Credentials::Anonymous, Mode::Push).await.unwrap_err();
    let expected = "its certificate is not trusted: invalid peer certificate: UnknownIssuer";
    assert_eq!(error.to_string(), format!("cannot reach {}: {expected}", real.address));
    assert_eq!(error.hint().as_deref(), Some("give the authority's certificate with --registry-ca FILE"));

    let options = Options { authorities: vec![authority], ..patient() };
    let registry = connect(real.address, Credentials::Anonymous, options).await.unwrap();
    push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await.unwrap();

    let options = Options { authorities: vec![b"no certificate".to_vec()], ..patient() };
    let error = connect(real.address, Credentials::Anonymous, options).await.err().unwrap().to_string();
    assert!(error.ends_with("the given authority holds no certificate in PEM"), "{error}");
}

/// An authority and a server's certificate for 127.0.0.1, valid for a day.
fn certificate(home: &Path) {
    let script = r#"
        set -e
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 1 \
            -subj /CN=test-authority -addext basicConstraints=critical,CA:true
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
            -subj /CN=127.0.0.1
        printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:false\n' > ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 1 -extfile ext
    "#;
    let run = Command::new("sh").args(["-c", script]).current_dir(home).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// A bcrypt hash, made once.
const HTPASSWD: &str = "ada:$2y$05$abcdefghijklmnopqrstuu.Qlm8JiWQ0Fz4IfGnPxx4mblZbF8YJ2\n";
