//! The digests of images of a small archive, so that a change of any byte that ends up in one is seen.

use debian::testing::small::{self, archive_with_alias};
use debian::testing::{Archive, Suite};
use oci::spec::{Descriptor, Index, Manifest};
use qus_builder::build::fetch_packages;
use qus_builder::{Compression, Level};

use qus_builder::testing::{Build, Done, Workshop};

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];

/// The one that the same test of the command line has.
fn workshop() -> Workshop {
    Workshop::new(&HOSTS, &archive_with_alias("1:11.1.3+ds-1", &HOSTS))
}

/// The digest of the index `pkg` in each compression, quick and best. (A layer in zstd with all binaries is the same at both.)
#[rustfmt::skip]
const COMPRESSIONS: [(Compression, Level, &str); 6] = [
    (Compression::Gzip, Level::Quick, "sha256:39b2b4431083068f0da0bb007061d7377e3a2b6c480a41b84a8c0eb3f259bd8c"),
    (Compression::Gzip, Level::Best, "sha256:153c5a021e93e0a450788099400c40fd04be7fe3d2ec21e3b294146328bf8570"),
    (Compression::Zstd, Level::Quick, "sha256:b09cca3c4762b3f9082a5c10464e1bc34e82d1d1903c51b2260dac5e948faf7e"),
    (Compression::Zstd, Level::Best, "sha256:b09cca3c4762b3f9082a5c10464e1bc34e82d1d1903c51b2260dac5e948faf7e"),
    (Compression::Both, Level::Quick, "sha256:e324291481a0d1e8ac17fb417d89b742fc5cc89ea24addd33f2297ea8d907d3f"),
    (Compression::Both, Level::Best, "sha256:a2c6dd30ec5e842a865497754280800994a11af7a74c85563ca791d2bc48bea4"),
];

#[test]
fn no_compression_depends_on_the_number_of_jobs() {
    let workshop = workshop();
    for (compression, level, expected) in COMPRESSIONS {
        for jobs in [1, 2, 4] {
            workshop.forget_layers();
            let done = workshop.build(Build { compression, level, jobs, prune: true, ..Build::default() });
            let case = format!("{compression:?} {level:?} {jobs}");
            assert_eq!(done.compressed.len(), HOSTS.len(), "{case}");
            assert_eq!(done.index(), expected, "{case}");
            let images = if compression == Compression::Both { 6 } else { 3 };
            assert_eq!(done.built.images.len(), images, "{case}");
            assert!(done.built.images.iter().all(|image| image.attestation.is_some()), "{case}");
        }
        assert!(workshop.is_whole("images"), "{compression:?} {level:?}");
    }
}

#[test]
fn both_compressions_are_in_one_index_gzip_first() {
    let workshop = workshop();
    workshop.build(Build { compression: Compression::Both, ..Build::default() });
    let (layout, refs) = workshop.layout("images");
    let list = |tag: &str| -> Vec<(String, bool)> {
        let index: Index = layout.json(&refs[tag]).unwrap();
        let row = |image: &Descriptor| {
            let manifest: Manifest = layout.json(image).unwrap();
            assert_eq!(manifest.is_zstd(), image.is_zstd());
            (image.platform.as_ref().unwrap().to_string(), image.is_zstd())
        };
        index.manifests.iter().filter(|image| !image.is_attestation()).map(row).collect()
    };
    let platforms = ["linux/amd64", "linux/s390x", "linux/mipsle"];
    let form = |zstd: bool| platforms.map(|platform| (platform.to_owned(), zstd)).to_vec();
    assert_eq!(list("pkg"), [form(false), form(true)].concat());
    assert_eq!(list("d11.1-pkg-zstd"), form(true));
    // One config for both: the layers hold the same files.
    let config = |tag: &str| layout.json::<Manifest>(&refs[tag]).unwrap().config;
    assert_eq!(config("amd64-d11.1-pkg"), config("amd64-d11.1-pkg-zstd"));
}

#[test]
fn a_level_once_made_is_not_made_again() {
    let workshop = workshop();
    let build = |level| {
        let done = workshop.build(Build { level, ..Build::default() });
        (done.index(), done.compressed.len())
    };
    let (quick, best) = (build(Level::Quick), build(Level::Best));
    assert_eq!((quick.1, best.1), (HOSTS.len(), HOSTS.len()));
    assert_eq!((build(Level::Quick), build(Level::Best)), ((quick.0, 0), (best.0, 0)));
}

/// A build whose layers are there fetches nothing, and the cache may have let go of the packages.
#[test]
fn packages_that_no_build_needs_are_fetched_by_who_does() {
    let workshop = workshop();
    workshop.build(Build::default());
    let package = workshop.lock.qemu("amd64".parse().unwrap()).next().unwrap();
    let cached = || workshop.site().fetch.cache().get(package.size, &package.digest).unwrap();
    std::fs::remove_file(cached().unwrap()).unwrap();
    assert_eq!(workshop.build(Build::default()).compressed, [""; 0]);
    assert_eq!(cached(), None);
    for _ in 0..2 {
        let packages = [package].into_iter();
        fetch_packages(&workshop.site(), &workshop.lock, packages, &debian::progress::Silent).unwrap();
        assert!(cached().is_some());
    }
}

#[test]
fn one_changed_package_is_one_hosts_work() {
    let hosts = ["amd64", "s390x"];
    let archive = |versions: [&str; 2]| {
        let of_host = |sid: Suite, (host, version): (&str, &str)| {
            let host = host.parse().unwrap();
            let qemu = small::qemu(version, host, |target| target.name().into());
            sid.package(qemu).package(small::busybox(host))
        };
        let sid = Suite::new("unstable", "sid");
        Archive::new(1).suite(hosts.into_iter().zip(versions).fold(sid, of_host))
    };
    let mut workshop = Workshop::new(&hosts, &archive(["1:11.1.3+ds-1"; 2]));
    let first = workshop.build(Build::default());
    assert_eq!(first.compressed, hosts);
    assert_eq!(workshop.build(Build::default()).compressed, [""; 0]);
    workshop.relock(&archive(["1:11.1.4+ds-1", "1:11.1.3+ds-1"]));
    let second = workshop.build(Build::default());
    assert_eq!(second.compressed, ["amd64"]);
    let digests =
        |done: &Done| done.built.images.iter().map(|image| image.descriptor.digest).collect::<Vec<_>>();
    let (first, second) = (digests(&first), digests(&second));
    assert!(first[0] != second[0] && first[1] == second[1]);
}
