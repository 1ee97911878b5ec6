//! Signing keys that grow from a seed, good and bad ones.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedKeyDetails, SignedPublicKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, SecretKey, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::types::{Duration, Fingerprint, KeyDetails as _, Password, SignedUser, Tag, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::NOW;

/// When the keys were made: a year before [`NOW`].
const CREATED: i64 = NOW - 365 * 24 * 3600;

/// A key and what its certificate says about it.
#[derive(Debug, Clone)]
pub struct Key {
    secret: SecretKey,
    lifetime: Option<u32>,
    may_sign: bool,
    revoked: bool,
    /// Goes into its certificate and each of its signatures.
    demand: Option<Subpacket>,
    hash: HashAlgorithm,
}

fn user_id() -> UserId {
    UserId::from_str(Default::default(), "Test Archive <test@example.org>").expect("a user id")
}

fn seconds(time: i64) -> Timestamp {
    Timestamp::from_secs(u32::try_from(time).expect("a date before 2106"))
}

impl Key {
    /// A good key. Equal seeds give equal keys.
    pub fn new(seed: u64) -> Key {
        Key::of_type(seed, KeyType::Ed25519)
    }

    /// An RSA key of so many bits.
    pub fn rsa(seed: u64, bits: u32) -> Key {
        Key::of_type(seed, KeyType::Rsa(bits))
    }

    fn of_type(seed: u64, sort: KeyType) -> Key {
        let mut params = SecretKeyParamsBuilder::default();
        params.key_type(sort).can_certify(true).can_sign(true).created_at(seconds(CREATED));
        params.primary_user_id("Test Archive <test@example.org>".to_owned());
        let params = params.build().expect("complete parameters");
        let secret = params.generate(ChaCha8Rng::seed_from_u64(seed)).expect("a key").primary_key;
        Key {
            secret,
            lifetime: None,
            may_sign: true,
            revoked: false,
            demand: None,
            hash: HashAlgorithm::Sha512,
        }
    }

    /// That ended so many seconds before [`NOW`].
    #[must_use]
    pub fn expired(mut self, before: i64) -> Key {
        self.lifetime = Some(u32::try_from(NOW - before - CREATED).expect("within its first year"));
        self
    }

    /// Whose certificate does not let it sign.
    #[must_use]
    pub fn not_for_signing(mut self) -> Key {
        self.may_sign = false;
        self
    }

    /// Revoked.
    #[must_use]
    pub fn revoked(mut self) -> Key {
        self.revoked = true;
        self
    }

    /// Whose certificate and signatures have one more subpacket.
    #[must_use]
    pub fn demanding(mut self, demand: Subpacket) -> Key {
        self.demand = Some(demand);
        self
    }

    /// That hashes with SHA-224, which is weaker than what is accepted.
    #[must_use]
    pub fn with_weak_hash(mut self) -> Key {
        self.hash = HashAlgorithm::Sha224;
        self
    }

    /// Uppercase hexadecimal.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.secret.fingerprint())
    }

    /// The same as the library has it.
    pub fn pgp_fingerprint(&self) -> Fingerprint {
        self.secret.fingerprint()
    }

    fn config(&self, sort: SignatureType, hash: HashAlgorithm, made: i64) -> SignatureConfig {
        let mut config = SignatureConfig::v4(sort, self.secret.algorithm(), hash);
        let parts = [
            SubpacketData::SignatureCreationTime(seconds(made)),
            SubpacketData::IssuerFingerprint(self.secret.fingerprint()),
        ];
        config.hashed_subpackets = parts.map(|part| Subpacket::regular(part).expect("a short part")).to_vec();
        config.hashed_subpackets.extend(self.demand.clone());
        config
    }

    /// Its packet under another one's self-signature: what a forger can put together.
    pub fn certificate_signed_by(&self, other: &Key) -> Vec<u8> {
        let id = user_id();
        self.armoured(SignedUser::new(id.clone(), vec![other.certification(&id)]))
    }

    fn certification(&self, id: &UserId) -> Signature {
        let mut config = self.config(SignatureType::CertPositive, HashAlgorithm::Sha512, CREATED);
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(self.may_sign);
        let mut parts = vec![SubpacketData::KeyFlags(flags)];
        parts.extend(self.lifetime.map(|s| SubpacketData::KeyExpirationTime(Duration::from_secs(s))));
        for part in parts {
            config.hashed_subpackets.push(Subpacket::regular(part).expect("a short part"));
        }
        let public = self.secret.public_key();
        let signed = config.sign_certification(&self.secret, public, &Password::empty(), Tag::UserId, id);
        signed.expect("a certification")
    }

    /// Its certificate, armoured.
    pub fn certificate(&self) -> Vec<u8> {
        let id = user_id();
        self.armoured(SignedUser::new(id.clone(), vec![self.certification(&id)]))
    }

    fn armoured(&self, user: SignedUser) -> Vec<u8> {
        let public = self.secret.public_key();
        let revocation = self.revoked.then(|| {
            let config = self.config(SignatureType::KeyRevocation, HashAlgorithm::Sha512, CREATED);
            config.sign_key(&self.secret, &Password::empty(), public).expect("a revocation")
        });
        let revocations = revocation.into_iter().collect();
        let details = SignedKeyDetails::new(revocations, Vec::new(), vec![user], Vec::new());
        let certificate = SignedPublicKey::new(public.clone(), details, Vec::new());
        certificate.to_armored_bytes(ArmorOptions::default()).expect("writing to memory")
    }

    /// Clear-signs `text` at the moment `made`.
    pub fn sign(&self, text: &str, made: i64) -> String {
        let config = self.config(SignatureType::Text, self.hash, made);
        let message = CleartextSignedMessage::new(text, config, &self.secret, &Password::empty());
        let message = message.expect("a signature");
        message.to_armored_string(ArmorOptions::default()).expect("writing to memory")
    }

    /// Clear-signs `text` so many times in one message.
    pub fn sign_often(&self, text: &str, made: i64, count: usize) -> String {
        let sign = |text: &str| {
            let config = self.config(SignatureType::Text, self.hash, made);
            config.sign(&self.secret, &Password::empty(), text.as_bytes())
        };
        let message = CleartextSignedMessage::new_many(text, |text| (0..count).map(|_| sign(text)).collect());
        let message = message.expect("signatures");
        message.to_armored_string(ArmorOptions::default()).expect("writing to memory")
    }
}
