//! The keys of a certificate that may sign.

use pgp::composed::{
    CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedPublicSubKey,
    SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::packet::{KeyFlags, SignatureConfig, Subpacket};
use pgp::types::{Password, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::testing;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

#[test]
fn short_and_old_keys_are_weak() {
    let check = |sort: KeyType, expected: bool| {
        let (params, _) = sort.generate(rng()).unwrap();
        assert_eq!(is_trusted(&params), expected, "{sort:?}");
    };
    check(KeyType::Rsa(1024), false);
    check(KeyType::Rsa(2048), true);
    check(KeyType::Ed25519, true);
    check(KeyType::X25519, false);
}

#[test]
fn a_weak_key_is_refused_by_name() {
    let key = testing::Key::new(1);
    let mut keyring = Keyring::parse(&key.certificate()).unwrap();
    keyring.keys[0].state = State::Weak;
    let signed = key.sign("x\n", testing::NOW);
    let (message, _) = CleartextSignedMessage::from_string(&signed).unwrap();
    let text = message.signed_text();
    let checked = keyring.check(&message.signatures()[0], text.as_bytes(), testing::NOW);
    assert_eq!(checked, Err(Rejected::WeakKey(key.fingerprint())));
}

#[test]
fn debians_keys_are_usable_until_they_end() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/keyrings");
    let keyring = Keyring::load(Path::new(dir)).unwrap();
    let day = |key: &Key| crate::date::iso(key.expires.unwrap())[..10].to_owned();
    let keys: Vec<_> =
        keyring.keys.iter().map(|key| (key.fingerprint.as_str(), key.state, day(key))).collect();
    let usable = |name, end: &str| (name, State::Usable, end.to_owned());
    assert_eq!(
        keys,
        [
            usable("B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", "2031-01-19"),
            usable("4CB50190207B4758A3F73A796ED0E7B82643E131", "2031-01-19"),
            usable("4D64FEC119C2029067D6E791F8D2585B8783D481", "2031-01-21"),
            usable("04B54C3CDCA79751B16BC6B5225629DF75B188BD", "2035-03-28"),
            usable("B8E5F13176D2A7A75220028078DBA3BC47EF2265", "2035-03-28"),
            usable("41587F7DB8C774BCCF131416762F67A0B2C39DE4", "2033-03-22"),
        ]
    );
}

/// A key with one subkey that may or may not sign.
fn with_subkey(can_sign: bool) -> SignedSecretKey {
    let mut sub = SubkeyParamsBuilder::default();
    if can_sign {
        sub.key_type(KeyType::Ed25519).can_sign(true);
    } else {
        sub.key_type(KeyType::X25519).can_encrypt(EncryptionCaps::All);
    }
    let mut params = SecretKeyParamsBuilder::default();
    params.key_type(KeyType::Ed25519).can_certify(true).primary_user_id("Owner".to_owned());
    params.subkey(sub.build().unwrap());
    params.build().unwrap().generate(rng()).unwrap()
}

fn state_of(owner: &SignedSecretKey, sub: &SignedPublicSubKey, end: Option<i64>) -> (State, Option<i64>) {
    let key = subkey(owner.primary_key.public_key(), sub, false, end);
    (key.state, key.expires)
}

#[test]
fn a_subkey_signs_with_a_binding_from_both_sides_only() {
    let owner = with_subkey(true);
    let sub = owner.to_public_key().public_subkeys.remove(0);
    assert_eq!(state_of(&owner, &sub, None), (State::Usable, None));
    // It ends with its owner, and is revoked with it.
    assert_eq!(state_of(&owner, &sub, Some(5)), (State::Usable, Some(5)));
    let public = owner.primary_key.public_key();
    assert_eq!(subkey(public, &sub, true, None).state, State::Revoked);

    // Claimed by another owner.
    let other = testing::Key::new(2);
    let keyring = Keyring::parse(&other.certificate()).unwrap();
    let Packet::Primary(stranger) = &keyring.keys[0].packet else { unreachable!() };
    assert_eq!(subkey(stranger, &sub, false, None).state, State::NotForSigning);

    // The owner's side alone, with the flag for signing and no back signature.
    let mut config = SignatureConfig::v4(
        SignatureType::SubkeyBinding,
        owner.primary_key.algorithm(),
        HashAlgorithm::Sha512,
    );
    let mut flags = KeyFlags::default();
    flags.set_sign(true);
    let parts = [
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(2_000_000_000)),
        SubpacketData::IssuerFingerprint(owner.primary_key.fingerprint()),
        SubpacketData::KeyFlags(flags),
    ];
    config.hashed_subpackets = parts.map(|part| Subpacket::regular(part).unwrap()).to_vec();
    let one_sided =
        config.sign_subkey_binding(&owner.primary_key, public, &Password::empty(), &sub.key).unwrap();
    let forged = SignedPublicSubKey::new(sub.key.clone(), vec![one_sided]);
    assert_eq!(state_of(&owner, &forged, None).0, State::NotForSigning);
}

#[test]
fn a_subkey_for_encryption_does_not_sign() {
    let owner = with_subkey(false);
    let sub = owner.to_public_key().public_subkeys.remove(0);
    assert_eq!(state_of(&owner, &sub, None).0, State::NotForSigning);
}
