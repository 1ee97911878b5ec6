//! Images of several series of QEMU in one layout.

use std::collections::BTreeMap;

use arch::{Class, Host, Target};
use debian::testing::small::busybox;
use debian::testing::{Archive, Deb, Suite, elf};
use oci::spec::Index;

use qus_builder::testing::{Build, Workshop};

fn qemu(version: &str, host: &str, has: impl Fn(Target) -> bool) -> Deb {
    let host: Host = host.parse().unwrap();
    let targets = Target::current().filter(|target| has(*target));
    targets.fold(Deb::new("qemu-user", version, host.debian()).gzip(), |deb, target| {
        let content = format!("{target} {version} for {host}");
        deb.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), content.as_bytes()))
    })
}

/// As Debian has it: the newest lacks 64-bit targets on i386 and all on mipsel, and an older suite has everything.
fn archive() -> Archive {
    let narrow = |target: Target| target.elf().class == Class::Bits32;
    let sid = Suite::new("unstable", "sid")
        .package(qemu("1:11.1.3+ds-1", "amd64", |_| true))
        .package(busybox("amd64".parse().unwrap()))
        .package(qemu("1:10.2.2+ds-1", "i386", narrow))
        .package(busybox("i386".parse().unwrap()));
    let bookworm = Suite::new("oldstable", "bookworm")
        .package(qemu("1:7.2+dfsg-7", "amd64", |_| true))
        .package(qemu("1:7.2+dfsg-7", "i386", |_| true))
        .package(qemu("1:7.2+dfsg-7", "mipsel", |_| true))
        .package(busybox("mipsel".parse().unwrap()));
    Archive::new(1).suite(sid).suite(bookworm)
}

/// The hosts of each index, by tag, and of each host's image itself.
fn listed(workshop: &Workshop, output: &str) -> BTreeMap<String, Vec<String>> {
    let (layout, tags) = workshop.layout(output);
    let platforms = |index: Index| {
        let images = index.manifests.into_iter().filter(|image| !image.is_attestation());
        images.map(|image| image.platform.unwrap().to_string()).collect()
    };
    let one = |(tag, root)| (tag, layout.json::<Index>(&root).map_or_else(|_| Vec::new(), platforms));
    tags.into_iter().map(one).collect()
}

#[test]
fn a_tag_with_a_version_has_it_in_every_image() {
    let workshop =
        Workshop::with_series(&["amd64", "i386", "mipsel"], &archive(), &["sid", "bookworm"], &["bookworm"]);
    workshop.build(Build { series: &["all"], output: "all", ..Build::default() });
    let (amd64, i386, mipsel) = ("linux/amd64", "linux/386", "linux/mipsle");
    let expected = [
        ("amd64-d11.1-pkg", vec![]),
        ("amd64-d7.2-pkg", vec![]),
        ("d10.2-pkg", vec![i386]),
        ("d11.1-pkg", vec![amd64]),
        ("d7.2-pkg", vec![amd64, i386, mipsel]),
        ("i386-d10.2-newest-pkg", vec![]),
        ("i386-d10.2-pkg", vec![]),
        ("i386-d7.2-pkg", vec![]),
        ("mips-d7.2-pkg", vec![]),
        ("mips-pkg", vec![]),
        ("pkg", vec![amd64, i386, mipsel]),
    ];
    let expected: BTreeMap<String, Vec<String>> =
        expected.map(|(tag, hosts)| (tag.to_owned(), hosts.into_iter().map(str::to_owned).collect())).into();
    assert_eq!(listed(&workshop, "all"), expected);
    assert!(workshop.is_whole("all"));

    // One after the other, in any order and host by host, they are the same.
    for builds in [&["newest", "bookworm"][..], &["bookworm", "newest"], &["all"]] {
        let output = &*builds.join("-");
        for host in ["mipsel", "i386", "amd64"] {
            for series in builds {
                workshop.build(Build { series: &[series], hosts: &[host], output, ..Build::default() });
            }
        }
        assert_eq!(listed(&workshop, output), expected, "{builds:?}");
        assert_eq!(workshop.content(output), workshop.content("all"), "{builds:?}");
    }
    let newest = workshop.build(Build { hosts: &["mipsel"], output: "all", ..Build::default() });
    assert!(!newest.changed);
}

#[test]
fn a_build_of_the_newest_leaves_other_series_and_nothing_old() {
    let with = |sid: &str| {
        let sid = Suite::new("unstable", "sid").package(qemu(sid, "mipsel", |_| true));
        let bookworm = Suite::new("oldstable", "bookworm").package(qemu("1:7.2+dfsg-7", "mipsel", |_| true));
        Archive::new(1).suite(sid.package(busybox("mipsel".parse().unwrap()))).suite(bookworm)
    };
    let suites = ["sid", "bookworm"];
    let mut workshop = Workshop::with_series(&["mipsel"], &with("1:11.1.3+ds-1"), &suites, &suites);
    // It needs no `register`, and so this is everything.
    let newest = Build { kinds: &[], ..Build::default() };
    workshop.build(newest);
    assert_eq!(workshop.tags("images"), ["mips-d11.1-pkg", "mips-pkg", "pkg"]);
    workshop.build(Build { series: &["bookworm"], ..newest });
    let both = ["d7.2-pkg", "mips-d11.1-pkg", "mips-d7.2-pkg", "mips-pkg", "pkg"];
    assert_eq!(workshop.tags("images"), both);
    let before = workshop.content("images");
    let path = workshop.path("images").display().to_string();
    assert_eq!(workshop.going(newest), format!("\nwould keep the other 2 tags in {path}\n"));
    assert!(!workshop.build(newest).changed);
    assert_eq!(workshop.content("images"), before);

    workshop.relock(&with("1:11.2.0+ds-1"));
    workshop.build(newest);
    assert_eq!(workshop.tags("images"), both.map(|tag| tag.replace("d11.1", "d11.2")));
    assert!(workshop.is_whole("images"));
    workshop.build(Build { prune: true, ..newest });
    assert_eq!(workshop.tags("images"), ["mips-d11.2-pkg", "mips-pkg", "pkg"]);
}
