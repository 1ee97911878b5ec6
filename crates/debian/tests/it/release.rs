//! Signatures, dates and names of a suite's `InRelease`.

use std::time::Duration;

use base::Hint as _;
use pgp::packet::{Notation, Subpacket, SubpacketData};
use qus_debian::keyring::Keyring;
use qus_debian::release::{self, Policy};
use qus_debian::testing::{Archive, Key, NOW, Suite};
use rustix::time::{ClockId, clock_gettime};

const DAY: i64 = 24 * 3600;

/// The `InRelease` of a small suite.
fn inrelease(key: &Key, suite: Suite) -> String {
    let built = Archive::signed_by(key.clone()).suite(suite.architecture("amd64")).build();
    String::from_utf8(built.files["dists/sid/InRelease"].clone()).unwrap()
}

fn sid() -> Suite {
    Suite::new("unstable", "sid")
}

fn verify(key: &Key, text: &str, suite: &str, policy: Policy) -> Result<release::Release, release::Error> {
    let keyring = Keyring::parse(&key.certificate()).unwrap();
    release::verify(text.as_bytes(), &keyring, suite, NOW, &policy)
}

/// The message, if it is not to be used.
fn outcome(key: &Key, text: &str) -> Result<(), String> {
    verify(key, text, "sid", Policy::default()).map(drop).map_err(|error| error.to_string())
}

fn check(key: &Key, text: &str, expected: Result<(), &str>) {
    assert_eq!(outcome(key, text), expected.map_err(str::to_owned));
}

/// The message about the one signature, which is not valid; KEY stands for the key.
fn invalid(key: &Key, reason: &str) -> String {
    format!("InRelease of `sid` has no valid signature: {}", reason.replace("KEY", &key.fingerprint()))
}

#[test]
fn a_good_release_is_read() {
    let key = Key::new(1);
    let text = inrelease(&key, sid().valid_until(NOW + DAY));
    let release = verify(&key, &text, "unstable", Policy::default()).unwrap();
    assert_eq!((release.name.as_str(), release.codename.as_str()), ("unstable", "sid"));
    assert_eq!((release.date, release.valid_until), (NOW, Some(NOW + DAY)));
    assert_eq!(release.digest, sha256::Digest::of(text.as_bytes()));
    assert_eq!(release.signed_by, key.fingerprint());
    let index = release.packages("amd64").unwrap();
    let hex = index.digest.hex();
    let folder = "dists/unstable/main/binary-amd64";
    assert_eq!(index.paths, [format!("{folder}/by-hash/SHA256/{hex}"), format!("{folder}/Packages.xz")]);
    assert_eq!(release.packages("armel"), None);
    let index = release.sources().unwrap();
    let (folder, hex) = ("dists/unstable/main/source", index.digest.hex());
    assert_eq!(index.paths, [format!("{folder}/by-hash/SHA256/{hex}"), format!("{folder}/Sources.xz")]);
    let text = inrelease(&key, sid().without_sources());
    assert_eq!(verify(&key, &text, "sid", Policy::default()).unwrap().sources(), None);
}

#[test]
fn only_the_signed_text_counts() {
    let key = Key::new(1);
    let good = inrelease(&key, sid());
    check(&key, &good, Ok(()));
    let bad = invalid(&key, "key KEY did not sign this text");
    check(&key, &good.replace("Codename: sid", "Codename: sib"), Err(&bad));
    check(&key, &good.replace("\nSuite: ", "\nSuite:  "), Err(&bad));
    let after = "InRelease of `sid` is not one clear-signed message: something stands after it";
    check(&key, &format!("{good}Suite: sid\n"), Err(after));
    let before = "InRelease of `sid` is not one clear-signed message: something stands before it";
    check(&key, &format!("Suite: sid\n{good}"), Err(before));
    check(&key, &format!("{good}{good}"), Err(before));
    // A second paragraph inside would be signed too, and is not a Release.
    let text = "Suite: sid\nCodename: sid\n\nDate: x\n";
    check(
        &key,
        &key.sign(text, NOW),
        Err("InRelease of `sid` is malformed: not one paragraph of `Field: value` lines"),
    );
}

#[test]
fn what_is_not_signed_is_refused() {
    let key = Key::new(1);
    let expected = "InRelease of `sid` is not one clear-signed message: its beginning or its end is missing";
    let good = inrelease(&key, sid());
    for text in ["", "Suite: sid\n", "<html>Log in</html>", &good[..good.len() - 40], &good[40..]] {
        check(&key, text, Err(expected));
    }
    // The library's words, which can be long, are cut.
    let garbled = good.replace("\n\nOrigin", "\nX: y\n\nOrigin");
    let error = verify(&key, &garbled, "sid", Policy::default()).unwrap_err().to_string();
    assert!(error.starts_with("InRelease of `sid` is not one clear-signed message: "), "{error}");
    assert!(error.len() < 200, "{error}");
}

#[test]
fn time_is_linear_in_what_is_not_signed() {
    let key = Key::new(1);
    let good = inrelease(&key, sid());
    let (head, tail) = good.split_once("\n\n").unwrap();
    let (_, signature) = tail.split_once("-----BEGIN PGP SIGNATURE-----").unwrap();
    let bad = invalid(&key, "key KEY did not sign this text");
    for line in ["\n", "a\n", "- -----\n"] {
        // Of this thread alone, since others compute at the same time.
        let cpu = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
        let time = |size: usize| {
            let text = line.repeat(size / line.len());
            let message = format!("{head}\n\n{text}-----BEGIN PGP SIGNATURE-----{signature}");
            let before = cpu();
            check(&key, &message, Err(&bad));
            cpu() - before
        };
        let (short, long) = (time(64 << 10), time(512 << 10));
        // Eight times the text; where each line cost a look at all before it, 64 times the time.
        assert!(long < short * 32, "{line:?}: {short:?}, {long:?}");
    }
}

#[test]
fn signatures_are_counted() {
    let key = Key::new(1);
    let signed = |count| key.sign_often("Suite: unstable\n", NOW, count);
    check(&key, &signed(16), Err("InRelease of `sid` is malformed: no `Codename`"));
    let many = "InRelease of `sid` is not one clear-signed message: it has more than 16 signatures";
    check(&key, &signed(17), Err(many));
}

#[test]
fn a_critical_demand_that_is_not_understood_voids_a_signature() {
    let notation = || {
        SubpacketData::Notation(Notation {
            readable: true,
            name: "rule@example.org".into(),
            value: "not for archives".into(),
        })
    };
    for (data, understood) in [
        (notation(), false),
        (SubpacketData::PolicyURI("https://example.org/policy".to_owned()), false),
        (SubpacketData::SignersUserID("somebody".into()), false),
        (SubpacketData::IntendedRecipientFingerprint(Key::new(2).pgp_fingerprint()), false),
        (SubpacketData::RegularExpression("x".into()), false),
        (SubpacketData::TrustSignature(1, 120), false),
        (SubpacketData::Experimental(101, "x".into()), false),
        (SubpacketData::SignatureExpirationTime(pgp::types::Duration::from_secs(0)), true),
        (SubpacketData::ExportableCertification(true), true),
    ] {
        let what = format!("{data:?}");
        let key = Key::new(1);
        let critical = key.clone().demanding(Subpacket::critical(data.clone()).unwrap());
        let reason = "the signature of key KEY makes a critical demand that is not understood";
        let expected = if understood { Ok(()) } else { Err(invalid(&key, reason)) };
        assert_eq!(outcome(&key, &inrelease(&critical, sid())), expected, "{what}");
        // As advice it changes nothing.
        let advice = key.clone().demanding(Subpacket::regular(data).unwrap());
        assert_eq!(outcome(&key, &inrelease(&advice, sid())), Ok(()), "{what}");
        // Nor does a certificate count that depends on it.
        let unfit = invalid(&key, "key KEY is not for signing");
        let expected = if understood { Ok(()) } else { Err(unfit) };
        assert_eq!(outcome(&critical, &inrelease(&key, sid())), expected, "{what}");
    }
}

#[test]
fn another_ones_key_is_named() {
    let (ours, theirs) = (Key::new(1), Key::new(2));
    let expected =
        format!("InRelease of `sid` is signed by no key in the keyring (signed by {})", theirs.fingerprint());
    check(&ours, &inrelease(&theirs, sid()), Err(&expected));
}

#[test]
fn keys_that_must_not_sign_do_not() {
    let check = |key: Key, reason: &str| {
        check(&key, &inrelease(&key, sid().date(NOW - 20 * DAY)), Err(&invalid(&key, reason)));
    };
    check(Key::new(1).expired(10 * DAY), "key KEY has expired");
    check(Key::new(1).expired(30 * DAY), "the signature of key KEY is dated outside the key's life");
    check(Key::new(1).revoked(), "key KEY is revoked");
    check(Key::new(1).not_for_signing(), "key KEY is not for signing");
    check(Key::rsa(1, 2048).with_weak_hash(), "hash SHA224 is too weak");
}

#[test]
fn a_certificate_that_is_not_self_signed_lets_nothing_through() {
    let key = Key::new(1);
    let text = inrelease(&key, sid());
    // The other key's certificate, with this key's packet in its place: no self-signature of its own.
    let keyring = Keyring::parse(&key.certificate_signed_by(&Key::new(2))).unwrap();
    let error = release::verify(text.as_bytes(), &keyring, "sid", NOW, &Policy::default()).unwrap_err();
    assert_eq!(error.to_string(), invalid(&key, "key KEY is not for signing"));
}

#[test]
fn dates_are_judged() {
    let key = Key::new(1);
    let expired = inrelease(&key, sid().date(NOW - 9 * DAY).valid_until(NOW - 2 * DAY));
    let error = verify(&key, &expired, "sid", Policy::default()).unwrap_err();
    assert_eq!(error.to_string(), "InRelease of `sid` has expired: it was valid until 2025-12-30T00:00:00Z");
    assert_eq!(
        error.hint().as_deref(),
        Some("the mirror may be stale: --mirror names another; --allow-expired sid takes it as it is")
    );
    assert!(verify(&key, &expired, "sid", Policy { allow_expired: true }).is_ok());

    let text = inrelease(&key, sid());
    let future = key.sign(&signed_part(&text).replace("Thu, 01 Jan 2026", "Mon, 05 Jan 2026"), NOW);
    check(&key, &future, Err("InRelease of `sid` is from the future: 2026-01-05T00:00:00Z"));
    let later = inrelease(&key, sid().date(NOW + 4 * DAY));
    let untimely = "the signature of key KEY is dated outside the key's life";
    check(&key, &later, Err(&invalid(&key, untimely)));
}

fn signed_part(inrelease: &str) -> String {
    let (_, rest) = inrelease.split_once("\n\n").unwrap();
    let (text, _) = rest.split_once("-----BEGIN PGP SIGNATURE-----").unwrap();
    text.to_owned()
}

#[test]
fn another_suites_release_is_refused() {
    let key = Key::new(1);
    let text = inrelease(&key, sid());
    let error = verify(&key, &text, "trixie", Policy::default()).unwrap_err();
    assert_eq!(error.to_string(), "InRelease of `trixie` is that of suite `unstable`, codename `sid`");
}

#[test]
fn signed_nonsense_is_refused() {
    let key = Key::new(1);
    let head = "Suite: unstable\nCodename: sid\n";
    let check = |text: &str, expected: &str| {
        let expected = format!("InRelease of `sid` is malformed: {expected}");
        check(&key, &key.sign(text, NOW), Err(&expected));
    };
    check("Suite: unstable\n", "no `Codename`");
    check(&format!("{head}Date: Thu, 01 Jan 2026 00:00:00 UTC\n"), "no `SHA256`");
    check(&format!("{head}Date: today\nSHA256:\n"), "`Date` is no date: `today`");
    for line in [
        "abc main/x",
        "abc 5 main/binary-amd64/Packages.xz",
        "abc 5 main/source/Sources.xz",
        &format!("{} 99999999999999999999 main/source/Sources.xz", "0".repeat(64)),
    ] {
        check(&format!("{head}SHA256:\n {line}\n"), &format!("`SHA256` has the line `{line}`"));
    }
}

#[test]
fn keyrings_that_hold_nothing_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let error = Keyring::load(dir.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{} holds no keys (*.asc or *.pgp)", dir.path().display()));
    assert!(Keyring::parse(b"nonsense").is_err());
    assert!(Keyring::parse(b"").is_err());
}
