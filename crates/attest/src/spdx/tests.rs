use std::collections::BTreeSet;

use super::*;
use crate::checksums::Checksums;
use crate::inventory::{Dsc, File as Found, Image, Suite, Toolchain};
use crate::provenance::{Dependency, Provenance};

fn deb(name: &str, architecture: &str) -> Deb {
    let source = |name: &str, version: &str| Source {
        name: name.to_owned(),
        version: version.to_owned(),
        // Not every archive keeps the last of these.
        dsc: (name != "zlib").then(|| Dsc {
            digest: Digest::of(format!("{name}.dsc").as_bytes()),
            location: format!("https://snapshot.debian.org/archive/debian/1/pool/{name}.dsc"),
        }),
    };
    Deb {
        name: name.to_owned(),
        version: "1:2.0+ds-1".to_owned(),
        architecture: architecture.to_owned(),
        distro: "sid".to_owned(),
        digest: Digest::of(name.as_bytes()),
        location: format!("http://ftp.debian.org/debian/pool/{name}.deb"),
        snapshot: format!("https://snapshot.debian.org/archive/debian/1/pool/{name}.deb"),
        source: Some(source("qemu", "1:2.0+ds-1")),
        built_using: vec![source("glibc", "2.43-7")],
        static_built_using: vec![source("zlib", "1")],
        license: License::of_debian(["GPL-2"]).filter(|_| name != "qemu-user"),
        license_names: vec!["GPL-2".to_owned(), "odd".to_owned()],
    }
}

fn part(name: &str, is_ours: bool) -> Crate {
    Crate {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        checksum: (!is_ours).then(|| Digest::of(name.as_bytes())),
        license: License::of_crate("MIT"),
    }
}

pub(crate) fn inventory() -> Inventory {
    let program = |name, own| Program {
        name,
        linked: Linked {
            crates: vec![part(own, true), part("rustix", false)],
            toolchain: Toolchain { release: "1.95.0".to_owned(), commit: "5".repeat(40) },
            libc: deb("musl-dev", "amd64"),
        },
    };
    let file = |path: &str, package: Option<&str>, program| Found {
        path: path.to_owned(),
        sums: Checksums::of([path.as_bytes()]),
        package: package.map(|name| Digest::of(name.as_bytes())),
        program,
        is_text: false,
    };
    Inventory {
        image: Image {
            digest: Digest::of(b"image"),
            name: "qus".to_owned(),
            version: "2.0".to_owned(),
            architecture: "amd64".to_owned(),
            description: "All of it".to_owned(),
            created: "2026-10-30T08:08:01Z".to_owned(),
            parameters: vec![("kind", "full".to_owned()), ("host", "amd64".to_owned())],
            suites: vec![Suite { location: "https://x/InRelease".to_owned(), inrelease: Digest::of(b"sid") }],
        },
        files: vec![
            file("qus/register", None, Some("register")),
            file("qus/run", Some("qemu-user"), Some("run")),
            file("usr/bin/qemu-arm-static", Some("qemu-user"), None),
        ],
        packages: vec![deb("qemu-user", "amd64")],
        programs: vec![program("register", "qus-register"), program("run", "qus-run")],
    }
}

#[test]
fn everything_is_there_once_and_belongs_somewhere() {
    let document = Document::of(&inventory());
    let names: Vec<&str> = document.packages.iter().map(|package| package.name.as_str()).collect();
    let expected = [
        "qus",
        "qemu-user",
        "qemu",
        "glibc",
        "zlib",
        "qus-register",
        "rustix",
        "rust-std",
        "musl-dev",
        "qus-run",
    ];
    assert_eq!(names, expected);
    let named: BTreeMap<&str, &str> = document
        .packages
        .iter()
        .map(|package| (package.spdx_id.as_str(), package.name.as_str()))
        .chain(document.files.iter().map(|file| (file.spdx_id.as_str(), file.file_name.as_str())))
        .chain([(DOCUMENT, "document")])
        .collect();
    assert_eq!(named.len(), document.packages.len() + document.files.len() + 1);
    let of_ids = |id: &str| named.get(id).copied().unwrap_or_else(|| panic!("{id} is not there"));
    let lines: BTreeSet<String> = document
        .relationships
        .iter()
        .map(|one| {
            let (from, to) = (of_ids(&one.spdx_element_id), of_ids(&one.related_spdx_element));
            format!("{from} {} {to}", one.relationship_type)
        })
        .collect();
    let expected = [
        "./qus/register GENERATED_FROM qus-register",
        "./qus/run GENERATED_FROM qus-run",
        "./qus/run STATIC_LINK qemu-user",
        "./usr/bin/qemu-arm-static EXPANDED_FROM_ARCHIVE qemu-user",
        "document DESCRIBES qus",
        "musl-dev GENERATED_FROM glibc",
        "musl-dev GENERATED_FROM qemu",
        "musl-dev STATIC_LINK zlib",
        "qemu-user GENERATED_FROM glibc",
        "qemu-user GENERATED_FROM qemu",
        "qemu-user STATIC_LINK zlib",
        "qus CONTAINS ./qus/register",
        "qus CONTAINS ./qus/run",
        "qus CONTAINS ./usr/bin/qemu-arm-static",
        "qus-register STATIC_LINK musl-dev",
        "qus-register STATIC_LINK rust-std",
        "qus-register STATIC_LINK rustix",
        "qus-run STATIC_LINK musl-dev",
        "qus-run STATIC_LINK rust-std",
        "qus-run STATIC_LINK rustix",
    ];
    assert_eq!(lines.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// The rules of the specification that its JSON schema and its readers hold a document against.
#[test]
fn the_specification_holds() {
    let document = Document::of(&inventory());
    let is_id = |id: &str| {
        let rest = id.strip_prefix("SPDXRef-").unwrap_or_default();
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
    };
    for package in &document.packages {
        assert!(is_id(&package.spdx_id), "{}", package.spdx_id);
        // Clause 7.9: the code is there exactly if the files are.
        assert_eq!(package.package_verification_code.is_some(), package.files_analyzed);
    }
    for file in &document.files {
        assert!(is_id(&file.spdx_id) && file.file_name.starts_with("./"), "{}", file.spdx_id);
        let algorithms: Vec<&str> = file.checksums.iter().map(|sum| sum.algorithm.as_str()).collect();
        assert_eq!(algorithms, ["SHA1", "SHA256"]);
    }
    let license = |name: &str| {
        let package = document.packages.iter().find(|package| package.name == name).unwrap();
        (package.license_declared.as_str(), package.license_comments.as_deref())
    };
    let odd = Some("the package's copyright file names: GPL-2, odd");
    assert_eq!(license("qemu-user"), (NO_ASSERTION, odd));
    assert_eq!(license("musl-dev"), ("GPL-2.0-only", None));
    let source = |name: &str| {
        let package = document.packages.iter().find(|package| package.name == name).unwrap();
        let sums = package.checksums.iter().map(|sum| format!("{} {}", sum.algorithm, sum.checksum_value));
        (package.download_location.clone(), sums.collect::<Vec<_>>())
    };
    let address = "https://snapshot.debian.org/archive/debian/1/pool/glibc.dsc".to_owned();
    assert_eq!(source("glibc"), (address, vec![format!("SHA256 {}", Digest::of(b"glibc.dsc").hex())]));
    assert_eq!(source("zlib"), (NO_ASSERTION.to_owned(), vec![]));
    // The SHA-1 of the sorted SHA-1s of the three files.
    let code = document.packages[0].package_verification_code.as_ref().unwrap();
    assert_eq!(code.package_verification_code_value, "21971c96b8e9f3f89b6674a65d47c9b03e170b0d");
    let read: Document = serde_json::from_slice(&serde_json::to_vec(&document).unwrap()).unwrap();
    assert_eq!(read, document);
    let path = "usr/bin/qemu-arm-static";
    assert_eq!(document.sums()[path], Some(&*Digest::of(path.as_bytes()).hex()));
}

/// The bytes are part of digests of indexes.
#[test]
fn bytes_are_pinned() {
    let (inventory, digest) = (inventory(), Digest::of(b"image"));
    let sbom = crate::statement::write(digest, crate::statement::SPDX, &Document::of(&inventory));
    let provenance = Provenance::of(&inventory);
    let provenance = crate::statement::write(digest, crate::statement::PROVENANCE, &provenance);
    let digests = [sbom, provenance].map(|bytes| Digest::of(&bytes).hex()[..16].to_owned());
    assert_eq!(digests, ["424856a33c3f276f", "74ecbee4f1d06a82"]);
}

#[test]
fn every_input_is_a_dependency_once() {
    let provenance = Provenance::of(&inventory());
    let parameters = &provenance.build_definition.external_parameters;
    assert_eq!(
        parameters.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
        ["host=amd64", "kind=full"]
    );
    let line = |dependency: &Dependency| {
        let digests: Vec<String> =
            dependency.digest.iter().map(|(kind, hex)| format!("{kind}:{}", &hex[..6])).collect();
        format!("{} {}", dependency.uri, digests.join(","))
    };
    let found: Vec<String> = provenance.build_definition.resolved_dependencies.iter().map(line).collect();
    let of = |name: &str| Digest::of(name.as_bytes()).hex()[..6].to_owned();
    let expected = [
        "git+https://github.com/rust-lang/rust gitCommit:555555".to_owned(),
        format!("https://x/InRelease sha256:{}", of("sid")),
        format!("pkg:cargo/rustix@1.0.0 sha256:{}", of("rustix")),
        format!("pkg:deb/debian/musl-dev@1:2.0%2Bds-1?arch=amd64&distro=sid sha256:{}", of("musl-dev")),
        format!("pkg:deb/debian/qemu-user@1:2.0%2Bds-1?arch=amd64&distro=sid sha256:{}", of("qemu-user")),
    ];
    assert_eq!(found, expected);
}
