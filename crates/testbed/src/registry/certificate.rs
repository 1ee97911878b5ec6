//! A certificate for a registry's address, and the authority that vouches for it.

use std::io;
use std::net::IpAddr;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use crate::Error;

/// Everything in PEM.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The authority's certificate: what clients must trust.
    pub(super) authority: String,
    pub(super) pem: String,
    pub(super) key: String,
}

impl Certificate {
    /// One for `address`, made now: it is as new as the registry, so no test depends on a date.
    pub(super) fn new(address: IpAddr) -> Result<Certificate, Error> {
        make(address).map_err(|error| Error::File {
            operation: "make",
            path: "certificate.pem".into(),
            cause: io::Error::other(error),
        })
    }
}

/// Two certificates rather than one that signs itself: rustls takes no authority for a server (RFC 5280, 4.2.1.9).
fn make(address: IpAddr) -> Result<Certificate, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "testbed authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?;
    let issuer = Issuer::new(params, key);

    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(address)];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Certificate { authority: authority.pem(), pem: certificate.pem(), key: key.serialize_pem() })
}
