//! The parsers of foreign bytes, each as a function that any bytes may be given to, with inputs to begin from.
//!
//! `fuzz/` runs them under libFuzzer, and this crate's test `fuzz` on mutations of the seeds. They panic where something is taken
//! that must not be.

use std::collections::BTreeSet;
use std::io;
use std::sync::LazyLock;

use arch::{Elf, Host};
use fuzzing::Target;

use super::{Archive, Deb, Key, NOW, Suite, around, dynamic_elf, elf, entry};
use crate::about::Source;
use crate::keyring::Keyring;
use crate::lock::Lock;
use crate::mirror::{Mirror, in_lines, in_stanzas};
use crate::pool::is_pool_path;
use crate::release::{self, Policy, Release};
use crate::{deb, packages, qemu, sources as lists};

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "debian_apt_sources", run: apt_sources, seeds: apt_sources_seeds },
    Target { name: "debian_deb", run: deb, seeds: deb_seeds },
    Target { name: "debian_elf", run: check_elf, seeds: elf_seeds },
    Target { name: "debian_inrelease", run: inrelease, seeds: inrelease_seeds },
    Target { name: "debian_keyring", run: keyring, seeds: keyring_seeds },
    Target { name: "debian_lock", run: lock, seeds: lock_seeds },
    Target { name: "debian_packages", run: list, seeds: list_seeds },
    Target { name: "debian_sources", run: sources, seeds: sources_seeds },
    Target { name: "debian_tar", run: tar, seeds: tar_seeds },
];

fn host(name: &str) -> Host {
    name.parse().expect("a host")
}

/// A package as it is fetched: `ar`, decoders, tar, `control`, programs.
pub fn deb(bytes: &[u8]) {
    drop(qemu::list(bytes, host("amd64")));
    drop(qemu::busybox(bytes, host("amd64")));
    let walked = deb::walk::<_, deb::Error>(bytes, &mut |_, member| {
        let path = &member.path;
        assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."), "{path}");
        Ok(())
    });
    let whole = deb::data(bytes, |tar| io::copy(tar, &mut io::sink()));
    // What can be walked can be unpacked as a whole.
    assert!(walked.is_err() || whole.is_ok(), "{whole:?}");
}

fn program(contents: &[u8]) -> Vec<u8> {
    elf(host("amd64").elf(), contents)
}

fn small() -> Deb {
    Deb::new("qemu-user", "1:11.1.3+ds-1", "amd64")
        .file("./usr/bin/qemu-arm", &program(b"arm"))
        .link("./usr/bin/qemu-arm64", "qemu-aarch64")
        .file("./usr/bin/qemu-foo-static", &program(b"foo"))
        .file("./bin/busybox", &program(b"busybox"))
}

fn deb_seeds() -> Vec<Vec<u8>> {
    let plain = tar_seeds().into_iter().map(|tar| around(&tar));
    plain.chain([small().build(), small().gzip().build(), small().in_blocks().build()]).collect()
}

/// A package's `data.tar`, decoded.
pub fn tar(bytes: &[u8]) {
    deb(&around(bytes));
}

fn tar_seeds() -> Vec<Vec<u8>> {
    let file = entry(b'0', "usr/bin/qemu-arm", &program(b"arm"));
    let long = entry(b'L', "././@LongLink", b"./usr/bin/qemu-aarch64\0");
    let [pax, link] = [entry(b'x', "pax", b"18 path=/etc/passwd\n"), entry(b'2', "usr/bin/qemu-mips", b"")];
    vec![file.clone(), [long, file.clone(), link].concat(), [pax, file].concat()]
}

/// A program, for each of the machines that there are images for.
pub fn check_elf(bytes: &[u8]) {
    for host in Host::all() {
        if crate::elf::check(bytes, host.elf()).is_ok() {
            assert_eq!(Elf::parse(bytes), Some(host.elf()));
        }
    }
}

fn elf_seeds() -> Vec<Vec<u8>> {
    // Two hosts with the same machine have one seed.
    let programs = Host::all().flat_map(|host| [elf(host.elf(), b"x"), dynamic_elf(host.elf(), b"x")]);
    programs.collect::<BTreeSet<_>>().into_iter().collect()
}

fn key() -> Key {
    Key::new(1)
}

fn verify(bytes: &[u8]) -> Result<Release, release::Error> {
    static KEYRING: LazyLock<Keyring> =
        LazyLock::new(|| Keyring::parse(&key().certificate()).expect("a certificate"));
    release::verify(bytes, &KEYRING, "sid", NOW, &Policy::default())
}

/// An `InRelease`: whatever is added around what was signed, nothing else is ever read out of it.
pub fn inrelease(bytes: &[u8]) {
    let Ok(release) = verify(bytes) else { return };
    static SIGNED: LazyLock<Release> =
        LazyLock::new(|| verify(&inrelease_seeds()[0]).expect("the first seed is good"));
    assert_eq!(release.packages("amd64"), SIGNED.packages("amd64"));
    assert_eq!(release.sources(), SIGNED.sources());
    assert_eq!((&release.codename, release.date), (&SIGNED.codename, SIGNED.date));
    assert_eq!((release.valid_until, &release.signed_by), (SIGNED.valid_until, &SIGNED.signed_by));
}

fn inrelease_seeds() -> Vec<Vec<u8>> {
    let suite = Suite::new("unstable", "sid").architecture("amd64");
    let built = Archive::signed_by(key()).suite(suite).build();
    let good = built.files["dists/sid/InRelease"].clone();
    let other = Key::new(2).sign_often("Suite: unstable\n- x\n", NOW, 2).into_bytes();
    let text = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- -\n-----BEGIN PGP SIGNATURE-----\n\n=aaaa\n-----END PGP SIGNATURE-----\n";
    vec![good, other, text.to_vec()]
}

/// A file of certificates, armoured or not.
pub fn keyring(bytes: &[u8]) {
    drop(Keyring::parse(bytes));
}

fn keyring_seeds() -> Vec<Vec<u8>> {
    vec![key().certificate(), key().expired(5).revoked().certificate()]
}

/// A lock: what is understood has one form, which is understood alike.
pub fn lock(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(lock) = Lock::parse(text) {
        assert_eq!(Lock::parse(&lock.to_string()), Ok(lock.clone()));
        let by_age = lock.without_choices();
        assert_eq!(Lock::parse(&by_age.to_string()), Ok(by_age));
        let mirror = Mirror::choose(Some("http://mirror.example/debian"), None, None, &[]).expect("a mirror");
        for package in lock.packages() {
            for address in lock.urls(&mirror, package) {
                // It stays below its base, and a parser finds nothing in the path to put right.
                let path = address.url().path();
                let base = path.strip_suffix(&format!("/{}", package.path)).expect("the path at the end");
                assert!(base == "/debian" || base.starts_with("/archive/debian/2"), "{address}");
            }
        }
    }
}

fn lock_seeds() -> Vec<Vec<u8>> {
    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let suite = format!(
        "[[suite]]\nname = \"sid\"\ncodename = \"sid\"\ndate = \"2026-01-01T00:00:00Z\"\n\
         snapshot = \"20260101T000000Z\"\ninrelease = \"sha256:{HEX}\"\n"
    );
    let package = |rest: &str| {
        format!(
            "[[package]]\nhost = \"amd64\"\nversion = \"1:1\"\narchitecture = \"amd64\"\nsuite = \"sid\"\nsize = 5\n\
             path = \"pool/q.deb\"\ndigest = \"sha256:{HEX}\"\n{rest}\n"
        )
    };
    let qemu = package("name = \"qemu-user\"\ntargets = [\"arm\", \"mips\"]");
    let busybox = package("name = \"busybox-static\"");
    let source = format!(
        "[[source]]\nname = \"qemu\"\nversion = \"1:1\"\npath = \"pool/q.dsc\"\ndigest = \"sha256:{HEX}\"\n"
    );
    let all = format!(
        "version = 1\n{suite}allow-expired = true\nallow-older = true\nwithout = [\"i386\"]\n{qemu}{busybox}{source}"
    );
    let older = [&suite, &package("name = \"qemu-user-static\"\ntargets = [\"arm\"]\nseries = [\"arm\"]")];
    let older = older.map(|text| text.replace("\"sid\"", "\"trixie\"")).concat();
    let chosen = package("name = \"qemu-user\"\ntargets = [\"mips\"]\npassed-over = [\"arm\"]");
    let chosen = format!("version = 1\n{suite}{older}{chosen}");
    let plain = format!("version = 1\n{suite}{qemu}");
    [all, chosen, plain, "version = 1\n".to_owned()].map(String::into_bytes).into()
}

/// A list of packages, decoded, and as it is fetched.
pub fn list(bytes: &[u8]) {
    let names = ["qemu-user", "busybox-static"];
    for entries in [packages::newest_in(bytes, &names), packages::newest(bytes, &names)].into_iter().flatten()
    {
        for entry in entries.values() {
            assert!(names.contains(&entry.name.as_str()) && is_pool_path(&entry.path), "{entry:?}");
        }
    }
}

fn list_seeds() -> Vec<Vec<u8>> {
    let suite =
        Suite::new("unstable", "sid").package(small()).package(Deb::new("busybox-static", "1", "amd64"));
    index_seeds(suite, "dists/sid/main/binary-amd64/Packages.xz")
}

/// An index of a suite, decoded and as it is.
fn index_seeds(suite: Suite, path: &str) -> Vec<Vec<u8>> {
    let built = Archive::signed_by(key()).suite(suite).build();
    let packed = built.files[path].clone();
    let mut text = Vec::new();
    let mut decoder = deb::xz(packed.as_slice(), 1).expect("a decoder");
    io::copy(&mut decoder, &mut text).expect("a list");
    vec![text, packed]
}

/// A list of source packages, decoded, and as it is fetched.
pub fn sources(bytes: &[u8]) {
    let source = |name: &str, version: &str| Source { name: name.to_owned(), version: version.to_owned() };
    let wanted = BTreeSet::from([source("qemu", "1:11.1.3+ds-1"), source("glibc", "2.43-7")]);
    for found in [lists::find_in(bytes, &wanted), lists::find(bytes, &wanted)].into_iter().flatten() {
        for (source, dsc) in found {
            let is_description = dsc.path.ends_with(".dsc") && is_pool_path(&dsc.path);
            assert!(wanted.contains(&source) && is_description, "{source:?} {dsc:?}");
        }
    }
}

fn sources_seeds() -> Vec<Vec<u8>> {
    let deb = small().field("Source: qemu").field("Built-Using: glibc (= 2.43-7)");
    index_seeds(Suite::new("unstable", "sid").package(deb), "dists/sid/main/source/Sources.xz")
}

/// A file of apt's sources in either form, and a mirror out of it.
pub fn apt_sources(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for uris in [in_lines(&text), in_stanzas(&text)] {
        let mirror = Mirror::choose(None, None, None, &uris).expect("what apt has is never an error");
        assert!(mirror.url("x").url().path().ends_with("/debian/x"), "{mirror}");
    }
}

fn apt_sources_seeds() -> Vec<Vec<u8>> {
    let line = b"deb [ arch=amd64 ] http://x/debian bookworm main # c\ndeb \"http://y/debian\" sid main\n";
    let stanza = b"Types: deb\nURIs: http://x/debian\n http://y/debian\nSuites: sid\n# c\nComponents: main\nEnabled: yes\n\n";
    vec![line.to_vec(), stanza.to_vec()]
}
