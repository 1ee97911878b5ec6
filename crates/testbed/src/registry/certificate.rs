//! A certificate that signs itself, for a registry's address.

use std::io;
use std::net::IpAddr;

use rcgen::{CertificateParams, KeyPair, SanType};

use crate::Error;

#[derive(Debug)]
pub(super) struct Certificate {
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

fn make(address: IpAddr) -> Result<Certificate, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(address)];
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Certificate { pem: certificate.pem(), key: key.serialize_pem() })
}
