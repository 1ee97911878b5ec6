//! Engines behind TLS, as docker's contexts and variables name them: a listener that shows and asks for certificates, and
//! Docker itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base::Hint as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sha256::Digest;
use tempfile::TempDir;
use testbed::Packages;
use testbed::sandbox::{Network, Options, Sandbox};

use crate::publish::engine::{self, Engine, EngineError};
use crate::registry::http::{Connection, Response};

/// An authority, and what it has signed, in PEM.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate with its key, for an engine on this machine or for a user of it.
    fn sign(&self, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Listens with a certificate of `authority`; with `users`, lets in those whom it has signed. Sends on the first byte of each
/// connection, and answers as an engine that is too old.
fn listen(authority: &Authority, users: Option<&Authority>) -> (SocketAddr, Receiver<u8>) {
    let (certificate, key) = authority.sign(ExtendedKeyUsagePurpose::ServerAuth);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match users {
        None => builder.with_no_client_auth(),
        Some(users) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(users.pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, first) = channel();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, mut byte) = (stream.unwrap(), [0]);
            if stream.peek(&mut byte).unwrap_or(0) > 0 {
                sender.send(byte[0]).unwrap_or_default();
            }
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let old = Response::new(200).body(r#"{"Version":"17.03.0","ApiVersion":"1.26"}"#);
            Connection::new(StreamOwned::new(connection, stream)).answer(old);
        }
    });
    (address, first)
}

/// A docker configuration whose context leads to `address`, with these files for TLS.
fn context(address: SocketAddr, skip: bool, files: &[(&str, &str)]) -> TempDir {
    let home = TempDir::new().unwrap();
    let id = Digest::of(b"lab").hex();
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("config.json", r#"{"currentContext":"lab"}"#);
    let endpoint = format!(r#"{{"Host":"tcp://{address}","SkipTLSVerify":{skip}}}"#);
    write(
        &format!("contexts/meta/{id}/meta.json"),
        &format!(r#"{{"Name":"lab","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#),
    );
    for (name, text) in files {
        write(&format!("contexts/tls/{id}/docker/{name}"), text);
    }
    home
}

fn connect(variables: &[(&str, &str)]) -> Result<Engine, EngineError> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let endpoints = engine::find(|name| variables.get(name).map(OsString::from))?;
    base::runtime().unwrap().block_on(Engine::connect(&endpoints))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const TLS_HANDSHAKE: u8 = 22;

/// The listener's answer: it says that it is old.
const REACHED: &str =
    "cannot use the engine at ENGINE: its API has version 1.26, and 1.40 is the oldest supported";
const UNKNOWN: &str =
    "cannot find an engine: none answers at ENGINE (invalid peer certificate: UnknownIssuer)";

#[test]
fn a_context_with_tls_is_never_spoken_to_in_plain_text() {
    let (authority, stranger) = (Authority::new("lab"), Authority::new("stranger"));
    let (certificate, key) = authority.sign(ExtendedKeyUsagePurpose::ClientAuth);
    let (other_certificate, other_key) = stranger.sign(ExtendedKeyUsagePurpose::ClientAuth);
    let own = [("cert.pem", &*certificate), ("key.pem", &*key)];
    let others = [("cert.pem", &*other_certificate), ("key.pem", &*other_key)];
    let ca = ("ca.pem", &*authority.pem);
    let wrong_ca = ("ca.pem", &*stranger.pem);

    let check = |users: Option<&Authority>, skip, files: &[(&str, &str)], expected: &str| {
        let (address, first) = listen(&authority, users);
        let home = context(address, skip, files);
        let error = connect(&[("DOCKER_CONFIG", text(home.path()))]).err().unwrap().to_string();
        assert_eq!(error, expected.replace("ENGINE", &format!("tcp://{address}")));
        assert!(first.try_iter().all(|byte| byte == TLS_HANDSHAKE), "{expected}");
    };
    check(None, false, &[ca], REACHED);
    check(None, false, &[ca, own[0]], REACHED);
    check(Some(&authority), false, &[ca, own[0], own[1]], REACHED);
    check(None, true, &[], REACHED);
    check(None, true, &[wrong_ca], REACHED);
    check(Some(&authority), true, &own, REACHED);
    check(None, false, &[wrong_ca], UNKNOWN);
    // The machine's authorities do not know it.
    check(None, false, &own, UNKNOWN);
    check(
        Some(&authority),
        false,
        &[ca],
        "cannot find an engine: none answers at ENGINE (received fatal alert: CertificateRequired)",
    );
    check(
        Some(&authority),
        false,
        &[ca, others[0], others[1]],
        "cannot find an engine: none answers at ENGINE (received fatal alert: UnknownCA)",
    );
    // Not one of them was tried.
    let damaged = |files: &[(&str, &str)], file: &str, reason: &str| {
        let (address, first) = listen(&authority, None);
        let home = context(address, false, files);
        let error = connect(&[("DOCKER_CONFIG", text(home.path()))]).err().unwrap();
        let id = Digest::of(b"lab").hex();
        let path = home.path().join("contexts/tls").join(id).join("docker");
        let expected =
            format!("cannot use the engine at tcp://{address}: {}: {reason}", path.join(file).display());
        assert_eq!(error.to_string(), expected.replace("DIR", text(&path)));
        assert!(error.hint().unwrap().contains("docker context update"));
        assert!(first.try_recv().is_err());
    };
    damaged(&[("ca.pem", "nothing")], "ca.pem", "not a certificate in PEM");
    damaged(&[ca, ("cert.pem", ""), own[1]], "cert.pem", "not a certificate in PEM");
    damaged(&[("cert.pem", ""), own[1]], "cert.pem", "not a certificate in PEM");
    damaged(&[ca, own[0], ("key.pem", &certificate)], "key.pem", "not a private key in PEM");
    damaged(
        &[ca, own[0], others[1]],
        "cert.pem",
        "does not go with DIR/key.pem: keys may not be consistent: KeyMismatch",
    );
    // One without TLS is.
    let (address, first) = listen(&authority, None);
    let home = context(address, false, &[]);
    assert!(connect(&[("DOCKER_CONFIG", text(home.path()))]).is_err());
    assert_eq!(first.try_recv(), Ok(b'G'));
}

#[test]
fn variables_ask_for_tls() {
    let (authority, stranger) = (Authority::new("lab"), Authority::new("stranger"));
    let (certificate, key) = authority.sign(ExtendedKeyUsagePurpose::ClientAuth);
    let [ca, wrong_ca] = [&authority, &stranger].map(|ca| ("ca.pem", &*ca.pem));
    let all = [ca, ("cert.pem", &*certificate), ("key.pem", &*key)];
    let wrong = [wrong_ca, all[1], all[2]];
    let (verify, tls) = (("DOCKER_TLS_VERIFY", "1"), ("DOCKER_TLS", "1"));
    let attempt = |users, files: &[(&str, &str)], folder: &str, variables: &[(&str, &str)]| {
        let (address, first) = listen(&authority, users);
        let home = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(home.path().join(name), text).unwrap();
        }
        let host = format!("tcp://{address}");
        let places = [("DOCKER_HOST", &*host), (folder, text(home.path()))];
        let error = connect(&[&places, variables].concat()).err().unwrap().to_string();
        let spoken: Vec<u8> = first.try_iter().collect();
        (error.replace(&host, "ENGINE").replace(text(home.path()), "DIR"), spoken)
    };
    let check = |users, files: &[(&str, &str)], folder: &str, variables: &[(&str, &str)], expected: &str| {
        let (error, spoken) = attempt(users, files, folder, variables);
        assert_eq!(error, expected);
        assert!(spoken.iter().all(|byte| *byte == TLS_HANDSHAKE), "{expected}");
    };
    let path = "DOCKER_CERT_PATH";
    assert_eq!(attempt(None, &all, path, &[]).1[0], b'G');
    check(None, &[ca], path, &[verify], REACHED);
    check(None, &[], path, &[tls], REACHED);
    check(None, &[wrong_ca], path, &[verify], UNKNOWN);
    check(
        None,
        &[],
        path,
        &[verify],
        "cannot use the engine at ENGINE: DIR/ca.pem: No such file or directory (os error 2)",
    );
    check(Some(&authority), &all, path, &[verify], REACHED);
    check(Some(&authority), &wrong, path, &[tls], REACHED);
    check(Some(&authority), &all, "DOCKER_CONFIG", &[tls, verify], REACHED);
    check(Some(&authority), &wrong, "DOCKER_CONFIG", &[tls, verify], UNKNOWN);
}

/// `dockerd --tlsverify`, which lets in nobody without a certificate.
#[test]
fn docker_itself_is_reached_through_a_context() {
    let which = testbed::Engine::Docker28 { containerd_store: true };
    let Some(packages) = Packages::for_test("docker_itself_is_reached_through_a_context") else {
        return;
    };
    let tree = packages.tree(which.tree_name(), &which.packages()).unwrap();
    let options = Options { trees: vec![&tree], network: Network::Host, ..Options::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    let authority = Authority::new("lab");
    let (certificate, key) = authority.sign(ExtendedKeyUsagePurpose::ServerAuth);
    sandbox.write("/tls/ca.pem", &authority.pem).unwrap();
    sandbox.write("/tls/cert.pem", certificate).unwrap();
    sandbox.write("/tls/key.pem", key).unwrap();
    sandbox.write("/tls/daemon.json", "{}").unwrap();
    // Free a moment ago, and nobody else's soon.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut dockerd = sandbox.command("dockerd");
    dockerd.args([
        "--config-file=/tls/daemon.json",
        "--data-root=/shared/docker",
        "--pidfile=/run/docker.pid",
    ]);
    dockerd.args(["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]);
    dockerd.args([
        "--tlsverify",
        "--tlscacert=/tls/ca.pem",
        "--tlscert=/tls/cert.pem",
        "--tlskey=/tls/key.pem",
    ]);
    dockerd.arg(format!("--host=tcp://{address}")).stdin(Stdio::null());
    dockerd.stdout(Stdio::null()).stderr(Stdio::null());
    let mut dockerd = dockerd.spawn().unwrap();

    let (certificate, key) = authority.sign(ExtendedKeyUsagePurpose::ClientAuth);
    let ca = ("ca.pem", &*authority.pem);
    let home = context(address, false, &[ca, ("cert.pem", &certificate), ("key.pem", &key)]);
    let began = Instant::now();
    let engine = loop {
        match connect(&[("DOCKER_CONFIG", text(home.path()))]) {
            Ok(engine) => break engine,
            Err(error) if began.elapsed() > Duration::from_secs(60) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    };
    assert!(engine.name().starts_with("Docker "), "{}", engine.name());
    assert_eq!(engine.endpoint().to_string(), format!("tcp://{address}"));
    let nobody = context(address, false, &[ca]);
    let error = connect(&[("DOCKER_CONFIG", text(nobody.path()))]).err().unwrap().to_string();
    let expected = "(received fatal alert: CertificateRequired)";
    assert!(error.ends_with(expected), "{error}");
    dockerd.kill().unwrap();
    dockerd.wait().unwrap();
}
