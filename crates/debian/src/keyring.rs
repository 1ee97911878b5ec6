//! Whose signatures count: OpenPGP certificates, and which of their keys may sign.
//!
//! rPGP does the cryptography; what makes a key usable is decided here, because the library accepts more than should
//! be trusted: a key counts only through a self-signature (for a subkey, a binding with the back signature), strong
//! hashes, the flag for signing, and its own lifetime, and never once it is revoked (RFC 9580, sections 5.2.3 and 10.1).

use std::path::Path;

use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, PublicParams, SignedUser, Tag};

use crate::limits;

mod rejected;
#[cfg(test)]
mod tests;

pub use rejected::Rejected;

/// The certificates whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

/// The reason why a keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or the folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        error: std::io::Error,
    },
    /// Not an OpenPGP certificate.
    #[error("{path} holds no OpenPGP certificate: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// The library's words, cut short.
        reason: String,
    },
    /// The folder has no keys in it.
    #[error("{0} holds no keys (*.asc or *.pgp)")]
    Empty(String),
}

/// One key that may sign, if its time is right.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    packet: Packet,
    /// Uppercase hexadecimal.
    pub(crate) fingerprint: String,
    key_id: String,
    /// Unix seconds.
    created: i64,
    /// Unix seconds; `None`: never.
    expires: Option<i64>,
    pub(crate) state: State,
}

#[derive(Debug, Clone)]
enum Packet {
    Primary(Box<PublicKey>),
    Sub(Box<PublicSubkey>),
}

/// The statements of a certificate about its key, apart from time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Usable,
    Revoked,
    /// No valid self-signature gives it leave to sign.
    NotForSigning,
    /// An algorithm or size that is not trusted any more.
    Weak,
}

/// The most seconds that the clocks of signer and verifier may be apart.
pub(crate) const CLOCK_SKEW: i64 = 600;

impl Keyring {
    /// Reads every `*.asc` and `*.pgp` in `dir`, by name.
    pub fn load(dir: &Path) -> Result<Keyring, Error> {
        let read = |path: &Path| {
            let path = path.display().to_string();
            move |error| Error::Read { path, error }
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(read(dir))? {
            let path = entry.map_err(read(dir))?.path();
            if path.extension().is_some_and(|ext| ext == "asc" || ext == "pgp") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut keyring = Keyring::default();
        for path in &paths {
            let bytes = limits::read(path, limits::KEYRING).map_err(read(path))?;
            keyring
                .add(&bytes)
                .map_err(|reason| Error::Malformed { path: path.display().to_string(), reason })?;
        }
        if keyring.keys.is_empty() {
            return Err(Error::Empty(dir.display().to_string()));
        }
        Ok(keyring)
    }

    /// A keyring of the certificates in `bytes`, armoured or not.
    pub fn parse(bytes: &[u8]) -> Result<Keyring, Error> {
        let mut keyring = Keyring::default();
        match keyring.add(bytes) {
            Ok(()) => Ok(keyring),
            Err(reason) => Err(Error::Malformed { path: "the keyring".to_owned(), reason }),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let before = self.keys.len();
        let certificates: Box<dyn Iterator<Item = pgp::errors::Result<SignedPublicKey>>> =
            if bytes.trim_ascii_start().starts_with(b"-----BEGIN PGP") {
                SignedPublicKey::from_armor_many_buf(bytes).map_err(|error| short(&error))?.0
            } else {
                SignedPublicKey::from_bytes_many(bytes).map_err(|error| short(&error))?
            };
        for certificate in certificates {
            let certificate = certificate.map_err(|error| short(&error))?;
            self.keys.push(primary(&certificate));
            let owner = &self.keys[self.keys.len() - 1];
            let (revoked, end) = (owner.state == State::Revoked, owner.expires);
            let subkeys = certificate.public_subkeys.iter();
            let subkeys: Vec<Key> =
                subkeys.map(|sub| subkey(&certificate.primary_key, sub, revoked, end)).collect();
            self.keys.extend(subkeys);
        }
        if self.keys.len() == before { Err("nothing in it".to_owned()) } else { Ok(()) }
    }

    /// Checks one signature over `text` at the moment `now`; the fingerprint of the key that made it.
    pub(crate) fn check(&self, signature: &Signature, text: &[u8], now: i64) -> Result<String, Rejected> {
        let key = self.issuer(signature)?;
        let name = key.fingerprint.clone();
        match key.state {
            State::Usable => {}
            State::Revoked => return Err(Rejected::RevokedKey(name)),
            State::NotForSigning => return Err(Rejected::NotForSigning(name)),
            State::Weak => return Err(Rejected::WeakKey(name)),
        }
        if !matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary)) {
            return Err(Rejected::WrongSort(name));
        }
        if has_unknown_demands(signature) {
            return Err(Rejected::Demands(name));
        }
        if !is_strong(signature) {
            let hash = signature.hash_alg().map_or_else(|| "?".to_owned(), |hash| hash.to_string());
            return Err(Rejected::WeakHash(hash));
        }
        let verified = match &key.packet {
            Packet::Primary(packet) => signature.verify(&**packet, text),
            Packet::Sub(packet) => signature.verify(&**packet, text),
        };
        verified.map_err(|_| Rejected::Bad(name.clone()))?;
        let made = created(signature).ok_or_else(|| Rejected::Untimely(name.clone()))?;
        if made < key.created || made > now + CLOCK_SKEW || key.expires.is_some_and(|end| made >= end) {
            return Err(Rejected::Untimely(name));
        }
        if key.expires.is_some_and(|end| now >= end) {
            return Err(Rejected::ExpiredKey(name));
        }
        let lifetime = signature.signature_expiration_time().map(|d| i64::from(d.as_secs()));
        if lifetime.is_some_and(|seconds| seconds > 0 && now >= made + seconds) {
            return Err(Rejected::ExpiredSignature(name));
        }
        Ok(name)
    }

    fn issuer(&self, signature: &Signature) -> Result<&Key, Rejected> {
        let fingerprints = signature.issuer_fingerprint();
        let by_fingerprint = fingerprints.iter().map(|fingerprint| format!("{fingerprint:X}"));
        let by_id = signature.issuer_key_id().into_iter().map(|id| id.to_string().to_uppercase());
        let names: Vec<String> = by_fingerprint.chain(by_id).collect();
        self.keys
            .iter()
            .find(|key| names.iter().any(|name| *name == key.fingerprint || *name == key.key_id))
            .ok_or_else(|| Rejected::UnknownKey(names.first().cloned()))
    }
}

fn primary(certificate: &SignedPublicKey) -> Key {
    let packet = &certificate.primary_key;
    let details = &certificate.details;
    let direct = details
        .direct_signatures
        .iter()
        .filter(|sig| sig.typ() == Some(SignatureType::Key) && sig.verify_key(packet).is_ok());
    // Certifications by others fail here, and say nothing about the key.
    let own =
        |user: &SignedUser, sig: &Signature| sig.verify_certification(packet, Tag::UserId, &user.id).is_ok();
    let withdrawn = |user: &SignedUser| {
        user.signatures.iter().any(|sig| sig.typ() == Some(SignatureType::CertRevocation) && own(user, sig))
    };
    let users = details.users.iter().filter(|user| !withdrawn(user));
    let users = users.flat_map(|user| user.signatures.iter().filter(move |sig| own(user, sig)));
    let newest = newest(direct.chain(users).filter(|sig| says_what_for(sig)));
    let revoked = details
        .revocation_signatures
        .iter()
        .any(|sig| sig.typ() == Some(SignatureType::KeyRevocation) && sig.verify_key(packet).is_ok());
    let created = i64::from(packet.created_at().as_secs());
    Key {
        fingerprint: format!("{:X}", packet.fingerprint()),
        key_id: packet.legacy_key_id().to_string().to_uppercase(),
        created,
        expires: newest.and_then(|sig| expiry(created, sig)),
        state: state(revoked, newest, packet.public_params()),
        packet: Packet::Primary(Box::new(packet.clone())),
    }
}

/// A subkey lives no longer than its owner.
fn subkey(owner: &PublicKey, sub: &SignedPublicSubKey, owner_revoked: bool, owner_end: Option<i64>) -> Key {
    let packet = &sub.key;
    let valid =
        |sig: &Signature, typ| sig.typ() == Some(typ) && sig.verify_subkey_binding(owner, packet).is_ok();
    let bindings = sub.signatures.iter().filter(|sig| valid(sig, SignatureType::SubkeyBinding));
    // Without the back signature, anyone could claim another one's signing key as a subkey.
    let newest = newest(bindings).filter(|sig| {
        let back = sig.embedded_signature();
        back.is_some_and(|back| {
            is_strong(back)
                && !has_unknown_demands(back)
                && back.verify_primary_key_binding(packet, owner).is_ok()
        })
    });
    let revoked = sub.signatures.iter().any(|sig| valid(sig, SignatureType::SubkeyRevocation));
    let created = i64::from(packet.created_at().as_secs());
    let own_end = newest.and_then(|sig| expiry(created, sig));
    Key {
        fingerprint: format!("{:X}", packet.fingerprint()),
        key_id: packet.legacy_key_id().to_string().to_uppercase(),
        created,
        expires: own_end.into_iter().chain(owner_end).min(),
        state: state(revoked || owner_revoked, newest, packet.public_params()),
        packet: Packet::Sub(Box::new(packet.clone())),
    }
}

fn state(revoked: bool, self_signature: Option<&Signature>, params: &PublicParams) -> State {
    let may_sign = self_signature.is_some_and(|sig| sig.key_flags().sign());
    match (revoked, may_sign, is_trusted(params)) {
        (true, _, _) => State::Revoked,
        (_, false, _) => State::NotForSigning,
        (_, _, false) => State::Weak,
        _ => State::Usable,
    }
}

/// True if a self-signature is about the key's use. Debian's automatic keys have newer direct ones that only name who
/// else may revoke the key; taken as the last word, they would unmake its end.
fn says_what_for(signature: &Signature) -> bool {
    signature.config().is_some_and(|config| {
        config.hashed_subpackets().any(|part| matches!(part.data, SubpacketData::KeyFlags(_)))
    })
}

/// The newest of the signatures that are strong and understood: it alone says what holds.
fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.filter(|sig| is_strong(sig) && !has_unknown_demands(sig)).max_by_key(|sig| created(sig))
}

fn expiry(created: i64, signature: &Signature) -> Option<i64> {
    let seconds = i64::from(signature.key_expiration_time()?.as_secs());
    (seconds > 0).then_some(created + seconds)
}

/// The creation time from the hashed area; what is outside it is not signed.
fn created(signature: &Signature) -> Option<i64> {
    signature.config()?.hashed_subpackets().find_map(|part| match part.data {
        SubpacketData::SignatureCreationTime(time) => Some(i64::from(time.as_secs())),
        _ => None,
    })
}

/// True if a signature depends on a critical subpacket that is not acted on here: such a signature does not count (RFC 9580,
/// sections 5.2.3.7 and, of notations, 5.2.3.24).
fn has_unknown_demands(signature: &Signature) -> bool {
    signature.config().is_none_or(|config| {
        config.hashed_subpackets().any(|part| part.is_critical && !is_understood(&part.data))
    })
}

/// True of what is acted on here, and of what concerns only somebody who encrypts to the key, certifies it, or fetches it.
fn is_understood(data: &SubpacketData) -> bool {
    match data {
        SubpacketData::SignatureCreationTime(_)
        | SubpacketData::SignatureExpirationTime(_)
        | SubpacketData::KeyExpirationTime(_)
        | SubpacketData::IssuerKeyId(_)
        | SubpacketData::IssuerFingerprint(_)
        | SubpacketData::KeyFlags(_)
        | SubpacketData::EmbeddedSignature(_) => true,
        SubpacketData::PreferredSymmetricAlgorithms(_)
        | SubpacketData::PreferredHashAlgorithms(_)
        | SubpacketData::PreferredCompressionAlgorithms(_)
        | SubpacketData::PreferredEncryptionModes(_)
        | SubpacketData::PreferredAeadAlgorithms(_)
        | SubpacketData::PreferredKeyServer(_)
        | SubpacketData::KeyServerPreferences(_)
        | SubpacketData::Features(_)
        | SubpacketData::IsPrimary(_)
        | SubpacketData::Revocable(_)
        | SubpacketData::RevocationReason(..)
        | SubpacketData::ExportableCertification(_) => true,
        // A notation means what its name's owner says, a policy has to be read, nobody is asked who else may revoke the key; and
        // a signature for another recipient, on another signature, or of a user or scope alone is not over this document.
        SubpacketData::Notation(_)
        | SubpacketData::RevocationKey(_)
        | SubpacketData::PolicyURI(_)
        | SubpacketData::SignersUserID(_)
        | SubpacketData::TrustSignature(..)
        | SubpacketData::RegularExpression(_)
        | SubpacketData::IntendedRecipientFingerprint(_)
        | SubpacketData::SignatureTarget(..)
        | SubpacketData::Experimental(..)
        | SubpacketData::Other(..) => false,
    }
}

fn is_strong(signature: &Signature) -> bool {
    matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

/// RSA from 2048 bits and the curves of RFC 9580; no DSA, no ElGamal.
fn is_trusted(params: &PublicParams) -> bool {
    match params {
        // The parameters begin with the modulus: its length in bits as two bytes, then itself (section 3.2).
        PublicParams::RSA(_) => match params.to_bytes().as_deref() {
            Ok([high, low, ..]) => u16::from_be_bytes([*high, *low]) >= 2048,
            _ => false,
        },
        PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => true,
        _ => false,
    }
}

/// The library's errors can hold whole packets and backtraces: the first line, and not much of it.
pub(crate) fn short(error: &pgp::errors::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().chars().take(100).collect()
}
