//! HTTP over TLS to an engine, by docker's rules (docker/cli, `cli/context/docker`; docker/go-connections, `tlsconfig`).
//!
//! bollard's own connection needs all three files and trusts the machine's authorities beside the given one; docker's
//! contexts may have any of the files, and a given authority is the only one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::error::Reason;
use crate::configuration;

/// The certificates for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    engine: Check,
    /// The user's certificate and key.
    user: Option<(PathBuf, PathBuf)>,
}

/// The authorities that may vouch for the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    /// The ones in a file, and no others.
    Authority(PathBuf),
    /// The machine's.
    Machine,
    /// None is needed.
    Skip,
}

impl Tls {
    /// Reads `DOCKER_CERT_PATH` as docker does: a check needs `ca.pem`; the user's own files may be missing.
    pub(super) fn in_environment(directory: &Path, verify: bool) -> Tls {
        let engine = if verify { Check::Authority(directory.join("ca.pem")) } else { Check::Skip };
        Tls { engine, user: user(directory) }
    }

    /// Reads a context's folder, of which each file may be missing. Returns `None` if the context has no TLS.
    pub(super) fn in_context(directory: &Path, verify: bool) -> io::Result<Option<Tls>> {
        let authority = directory.join("ca.pem");
        let (authority, user) = (authority.try_exists()?.then_some(authority), user(directory));
        if verify && authority.is_none() && user.is_none() {
            return Ok(None);
        }
        let engine = match authority {
            _ if !verify => Check::Skip,
            Some(authority) => Check::Authority(authority),
            None => Check::Machine,
        };
        Ok(Some(Tls { engine, user }))
    }
}

fn user(directory: &Path) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    (certificate.exists() && key.exists()).then_some((certificate, key))
}

/// A client for the engine at `address`. Fails if a file cannot be read, or is not what its name says.
pub(super) fn connect(address: &str, tls: &Tls, seconds: u64) -> Result<Docker, Reason> {
    let connector = HttpsConnectorBuilder::new().with_tls_config(config(tls)?).https_only().enable_http1();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector.build());
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(bollard::errors::Error::from) }
    };
    let address = format!("https://{address}");
    Docker::connect_with_custom_transport(transport, Some(address), seconds, API_DEFAULT_VERSION)
        .map_err(|error| Reason::Reported(error.to_string()))
}

fn config(tls: &Tls) -> Result<ClientConfig, Reason> {
    let setup = |error: rustls::Error| Reason::Reported(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
    let builder = match &tls.engine {
        Check::Authority(path) => builder.with_root_certificates(authority(path)?),
        Check::Machine => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots)
        }
        Check::Skip => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    let Some((certificate, key)) = &tls.user else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    let secret =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| wrong(key, "not a private key in PEM"))?;
    builder
        .with_client_auth_cert(chain, secret)
        .map_err(|error| wrong(certificate, format!("does not go with {}: {error}", key.display())))
}

fn authority(path: &Path) -> Result<RootCertStore, Reason> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| wrong(path, error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Reason> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(path, "not a certificate in PEM"))?;
    if found.is_empty() { Err(wrong(path, "not a certificate in PEM")) } else { Ok(found) }
}

fn read(path: &Path) -> Result<Vec<u8>, Reason> {
    configuration::read(path).map_err(|error| wrong(path, error))
}

fn wrong(path: &Path, reason: impl fmt::Display) -> Reason {
    Reason::Certificate { path: path.to_owned(), reason: reason.to_string() }
}

/// Takes any certificate, as the user's context says (`SkipTLSVerify`). The connection is still the one with the server that holds
/// its key.
struct Anybody(Arc<CryptoProvider>);

impl fmt::Debug for Anybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anybody")
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
