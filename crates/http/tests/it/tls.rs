//! TLS: whom it is spoken with, and that nobody talks us out of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use qus_http::{Again, Cause, Client, ClientError, Failure, Method, Options, Request, Url};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Server, listen, ok, options, refusing};

/// A server with a certificate that nobody vouches for but the authority that comes with it, in PEM.
fn secure(answer: String) -> (SocketAddr, Vec<u8>) {
    let mut params =
        rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    params.is_ca = rcgen::IsCa::NoCa;
    let certificate = params.self_signed(&key).unwrap();
    let pem = certificate.pem().into_bytes();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let address = listen(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        // The client that does not trust it hangs up. What it asks for is not looked at.
        drop(stream.write_all(answer.as_bytes()));
        drop(std::io::copy(&mut stream, &mut std::io::sink()));
    });
    (address, pem)
}

async fn get(url: &str, authorities: Vec<Vec<u8>>) -> Result<String, Failure> {
    let client = Client::new(Options { authorities, ..options() }).unwrap();
    let url: Url = url.parse().unwrap();
    let response = client.send(&Request::new(Method::GET, url)).await?;
    Ok(String::from_utf8(response.read(1000).await?).unwrap())
}

#[tokio::test]
async fn encryption_is_not_given_up() {
    let plain = Server::start(|_| ok("in the clear"));
    let to = plain.url("y?s3cret");
    for status in [301, 302, 303, 307, 308] {
        let (address, pem) = secure(crate::server::redirect(status, to.as_str()));
        let failure = get(&format!("https://{address}/"), vec![pem]).await.unwrap_err();
        assert_eq!(failure, Failure::fatal(Cause::Downgrade { to: to.clone().into() }), "{status}");
    }
    assert_eq!(plain.heads(), [""; 0]);
}

#[tokio::test]
async fn errors_of_tls_stay_and_are_told_apart() {
    let (address, pem) = secure(ok("hello"));
    let url = format!("https://{address}/");
    assert_eq!(get(&url, vec![pem]).await, Ok("hello".to_owned()));
    let unknown = Cause::Certificate("invalid peer certificate: UnknownIssuer".to_owned());
    assert_eq!(get(&url, vec![]).await, Err(Failure::fatal(unknown)));

    let plain = Server::start(|_| ok(""));
    let failure = get(&format!("https://{}/", plain.address), vec![]).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Tls(_)), "{failure:?}");
    assert_eq!(failure.again, Again::Never);
}

#[tokio::test]
async fn errors_of_the_connection_pass() {
    let (_socket, free) = refusing();
    let failure = get(&format!("http://ada:s3cret@{free}/"), vec![]).await.unwrap_err();
    let refused = Cause::Transport("Connection refused (os error 111)".to_owned());
    assert_eq!(failure, Failure::transient(refused));

    let cut = listen(drop);
    let garbage = listen(|mut stream| drop(stream.write_all(b"220 mail.example ESMTP\r\n")));
    for url in [
        format!("http://{cut}/"),
        format!("https://{cut}/"),
        format!("http://{garbage}/"),
        "http://x.invalid/".to_owned(),
    ] {
        let failure = get(&url, vec![]).await.unwrap_err();
        assert!(
            matches!(failure, Failure { cause: Cause::Transport(_), again: Again::Later }),
            "{url} {failure:?}"
        );
    }
}

#[test]
fn an_authority_is_a_certificate() {
    let with = |pem: &[u8]| Client::new(Options { authorities: vec![pem.to_vec()], ..options() }).err();
    assert_eq!(with(b"no certificate"), Some(ClientError::NoCertificate));
    let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    assert_eq!(with(broken), Some(ClientError::NotPem));
}
