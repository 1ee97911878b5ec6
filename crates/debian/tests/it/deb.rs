//! Packages, good and hostile ones.

use std::collections::BTreeSet;
use std::io::Read;

use arch::{Host, Target};
use qus_debian::limits;
use qus_debian::qemu::{self, Error};
use qus_debian::testing::{Deb, around, dynamic_elf, elf, entry};
use sha256::{Digest, VerifyReader};

use crate::setup::chain;

fn amd64() -> Host {
    "amd64".parse().unwrap()
}

fn deb() -> Deb {
    Deb::new("qemu-user", "1:11.1.3+ds-1", "amd64").in_blocks()
}

fn program(contents: &[u8]) -> Vec<u8> {
    elf(amd64().elf(), contents)
}

/// Taken from the package for `arm` and `aarch64`, in order, or the message and those of its causes: the same on one
/// thread and on several.
fn take<R: Read>(reader: impl Fn() -> R) -> Result<Vec<String>, String> {
    let [one, several] = [1, 3].map(|threads| take_on(threads, reader()));
    assert_eq!(one, several);
    one
}

fn take_on(threads: u32, reader: impl Read) -> Result<Vec<String>, String> {
    let wanted: BTreeSet<Target> = ["arm", "aarch64"].map(|name| name.parse().unwrap()).into();
    let mut taken = Vec::new();
    let result = qemu::binaries::<_, Error>(reader, amd64(), &wanted, threads, &mut |target, bytes| {
        taken.push(format!("{target} {}", bytes.len()));
        Ok(())
    });
    result.map(|_| taken).map_err(|error| chain(&error))
}

fn check(bytes: &[u8], expected: Result<&[&str], &str>) {
    let expected = expected.map(|all| all.iter().map(|s| (*s).to_owned()).collect()).map_err(str::to_owned);
    assert_eq!(take(|| bytes), expected);
}

fn full() -> Deb {
    deb()
        .file("./usr/bin/qemu-arm", &program(b"arm"))
        .file("./usr/bin/qemu-arm64-wrapper", b"#!/bin/sh")
        .link("./usr/bin/qemu-arm64", "qemu-aarch64")
        .file("./usr/bin/qemu-aarch64-static", &program(b"aarch64"))
        .file("./usr/bin/qemu-mips", &program(b"not wanted"))
}

#[test]
fn programs_come_in_the_packages_order_under_either_name() {
    check(&full().build(), Ok(&["arm 123", "aarch64 127"]));
    check(&full().gzip().build(), Ok(&["arm 123", "aarch64 127"]));
}

#[test]
fn a_list_holds_what_could_be_taken() {
    let deb = full()
        .file("./usr/bin/qemu-ppc", &dynamic_elf(amd64().elf(), b"x"))
        .file("./usr/bin/qemu-s390x", b"#!/bin/sh\n")
        .link("./usr/bin/qemu-hppa", "qemu-arm");
    let qemu::Listing { held, rejected, unknown } = qemu::list(deb.build().as_slice(), amd64()).unwrap();
    let names: Vec<&str> = held.keys().map(|target| target.name()).collect();
    assert_eq!(names, ["aarch64", "arm", "mips"]);
    let reasons: Vec<String> = rejected.iter().map(|(target, error)| format!("{target} {error}")).collect();
    let expected = ["ppc is not static: it asks for the loader /lib/ld.so", "s390x is not an ELF file"];
    assert_eq!(reasons, expected);
    assert_eq!(unknown, [].into());
}

#[test]
fn static_programs_of_unknown_targets_are_listed() {
    let deb = full()
        .file("./usr/bin/qemu-foo", &program(b"foo"))
        .file("./usr/bin/qemu-bar32_be-static", &program(b"bar"))
        // Known under another name, retired, or no emulator.
        .file("./usr/bin/qemu-ppc64el", &program(b"alias"))
        .file("./usr/bin/qemu-i486", &program(b"shared"))
        .file("./usr/bin/qemu-cris", &program(b"retired"))
        .file("./usr/bin/qemu-debootstrap-static", b"#!/bin/sh\n")
        .file("./usr/bin/qemu-img", &dynamic_elf(amd64().elf(), b"x"))
        .file("./usr/bin/qemu-system-x", &program(b"no target has a name like this"))
        .file("./usr/bin/qemu-s390", &elf("s390x".parse::<Host>().unwrap().elf(), b"firmware"))
        .file("./usr/lib/qemu-baz", &program(b"elsewhere"))
        .zeros("./usr/bin/qemu-huge", 65 << 20)
        .link("./usr/bin/qemu-qux", "qemu-foo");
    let unknown = qemu::list(deb.build().as_slice(), amd64()).unwrap().unknown;
    assert_eq!(unknown, ["bar32_be", "foo"].map(str::to_owned).into());
}

#[test]
fn a_wanted_target_that_cannot_be_taken_is_an_error() {
    const PACKAGE: &str = "package `qemu-user` 1:11.1.3+ds-1 for host `amd64`";
    let arm = || deb().file("./usr/bin/qemu-arm", &program(b"arm"));
    check(&arm().build(), Err(&format!("{PACKAGE} has no `aarch64`")));
    check(
        &arm().link("./usr/bin/qemu-aarch64", "qemu-arm").build(),
        Err(&format!("{PACKAGE} has no `aarch64`: only a symbolic link")),
    );
    check(
        &arm().file("./usr/bin/qemu-aarch64", b"#!/bin/sh\n").build(),
        Err(&format!("{PACKAGE}: `usr/bin/qemu-aarch64` is not an ELF file")),
    );
    check(
        &arm().file("./usr/bin/qemu-aarch64", &dynamic_elf(amd64().elf(), b"")).build(),
        Err(&format!("{PACKAGE}: `usr/bin/qemu-aarch64` is not static: it asks for the loader /lib/ld.so")),
    );
    let other = elf("i386".parse::<Host>().unwrap().elf(), b"");
    check(
        &arm().file("./usr/bin/qemu-aarch64", &other).build(),
        Err(&format!(
            "{PACKAGE}: `usr/bin/qemu-aarch64` is for another machine: 32-bit little-endian e_machine 3 \
             (wanted 64-bit little-endian e_machine 62)"
        )),
    );
    check(
        &arm().file("./usr/bin/qemu-arm-static", &program(b"again")).build(),
        Err(&format!("{PACKAGE} has `arm` twice")),
    );
    let foreign = Deb::new("qemu-user", "1", "arm64").file("./usr/bin/qemu-arm", &program(b"arm"));
    check(&foreign.build(), Err("package `qemu-user` for host `amd64` is for Debian's `arm64`, not `amd64`"));
}

#[test]
fn hostile_packages_are_refused() {
    const CANNOT: &str = "cannot read a package for host `amd64`";
    let escape = full().file("./../../etc/passwd", b"root");
    check(&escape.build(), Err(&format!("{CANNOT}: the package holds the unsafe path `./../../etc/passwd`")));
    let absolute = full().link("/etc/passwd", "x");
    check(&absolute.build(), Err(&format!("{CANNOT}: the package holds the unsafe path `/etc/passwd`")));
    let huge = deb().zeros("./usr/bin/qemu-arm", 65 << 20);
    check(
        &huge.build(),
        Err(&format!(
            "{CANNOT}: `usr/bin/qemu-arm` has 68157440 bytes, more than the 67108864 that are allowed"
        )),
    );
    let bomb = full().zeros("./usr/share/zeros", 1100 << 20).gzip();
    check(&bomb.build(), Err(&format!("{CANNOT}: the package unpacks to more than 1073741824 bytes")));
    check(b"", Err(&format!("{CANNOT}: the package is truncated")));
    check(
        b"not an ar archive",
        Err(&format!("{CANNOT}: not a Debian package: no ar archive, or a damaged one")),
    );
    check(
        b"!<arch>\nother           0           0     0     644     4         `\n2.0\n",
        Err(&format!("{CANNOT}: not a Debian package: it does not begin with `debian-binary` 2.0")),
    );
}

/// `qemu-arm` and `qemu-aarch64`, the latter's path as a long name of so many bytes, the NUL at its end included.
fn with_long_name(length: usize) -> Vec<u8> {
    let name = format!("./{}usr/bin/qemu-aarch64\0", "/".repeat(length - 23));
    let arm = entry(b'0', "usr/bin/qemu-arm", &program(b"arm"));
    let long = entry(b'L', "././@LongLink", name.as_bytes());
    [arm, long, entry(b'0', "cut", &program(b"aarch64"))].concat()
}

#[test]
fn long_names_are_read_up_to_a_limit() {
    check(&around(&with_long_name(101)), Ok(&["arm 123", "aarch64 127"]));
    check(&around(&with_long_name(4096)), Ok(&["arm 123", "aarch64 127"]));
    const NOT: &str = "cannot read a package for host `amd64`: not a Debian package";
    check(
        &around(&with_long_name(4097)),
        Err(&format!("{NOT}: a path in it has 4097 bytes, more than 4096")),
    );
    // One of a gigabyte is not read, and neither is what a tar of another kind hides its names in.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    check(
        &around(header.as_bytes()),
        Err(&format!("{NOT}: a path in it has 1073741824 bytes, more than 4096")),
    );
    for kind in [tar::EntryType::XHeader, tar::EntryType::XGlobalHeader] {
        header.set_entry_type(kind);
        header.set_cksum();
        check(&around(header.as_bytes()), Err(&format!("{NOT}: its tar has pax headers")));
    }
}

#[test]
fn a_header_that_promises_gigabytes_costs_nothing() {
    // 160 bytes: a table of long names, as other `ar` archives have it.
    let table = format!("!<arch>\n{:<48}{:<10}`\n", "//", 9_999_999_999_u64);
    check(table.as_bytes(), Err("cannot read a package for host `amd64`: the package is truncated"));
    let mut bytes = entry(b'0', "usr/bin/qemu-arm", b"");
    let mut header = tar::Header::from_byte_slice(&bytes[..512]).clone();
    for (size, expected) in [
        (limits::PROGRAM, "the package is truncated".to_owned()),
        (
            limits::PROGRAM + 1,
            "`usr/bin/qemu-arm` has 67108865 bytes, more than the 67108864 that are allowed".to_owned(),
        ),
        (u64::MAX, "cannot read the package: size overflow".to_owned()),
    ] {
        header.set_size(size);
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        check(&around(&bytes), Err(&format!("cannot read a package for host `amd64`: {expected}")));
    }
}

#[test]
fn entries_are_counted() {
    let program = |name: &str| entry(b'0', &format!("usr/bin/qemu-{name}"), &program(name.as_bytes()));
    let tar = |count: usize| {
        [program("arm"), program("aarch64"), entry(b'5', "usr/", b"").repeat(count - 2)].concat()
    };
    check(&around(&tar(limits::ENTRIES)), Ok(&["arm 123", "aarch64 127"]));
    let expected = "cannot read a package for host `amd64`: the package holds more than 100000 files";
    check(&around(&tar(limits::ENTRIES + 1)), Err(expected));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = full().build();
    for length in (0..bytes.len()).step_by(7) {
        let error = take(|| &bytes[..length]).unwrap_err();
        assert!(error.starts_with("cannot read a package for host `amd64`: "), "{length}: {error}");
    }
    check(&bytes[..bytes.len() / 2], Err("cannot read a package for host `amd64`: the package is truncated"));
}

#[test]
fn a_package_that_was_not_pinned_is_found_out_first() {
    let bytes = full().build();
    let (size, digest) = (bytes.len() as u64, Digest::of(&bytes));
    let pinned = |bytes: Vec<u8>| VerifyReader::new(std::io::Cursor::new(bytes), size, digest);
    assert!(take(|| pinned(bytes.clone())).is_ok());
    let prefix = "cannot read a package for host `amd64`: the package is not the one that was pinned: ";
    for position in [0, 9, 70, 200, 400, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1;
        let got = Digest::of(&flipped);
        let expected = format!("{prefix}expected {}, got {got}", Digest::of(&bytes));
        assert_eq!(take(|| pinned(flipped.clone())).unwrap_err(), expected, "{position}");
    }
    // Also where the deb format itself has an end before the file's.
    let longer = [bytes.clone(), b"\n".to_vec()].concat();
    let expected = format!("{prefix}expected {} bytes, got more", bytes.len());
    assert_eq!(take(|| pinned(longer.clone())).unwrap_err(), expected);
    let shorter = bytes[..bytes.len() - 10].to_vec();
    let expected = format!("{prefix}expected {} bytes, got only {}", bytes.len(), shorter.len());
    assert_eq!(take(|| pinned(shorter.clone())).unwrap_err(), expected);
}

#[test]
fn a_callers_own_error_comes_back_as_it_is() {
    #[derive(Debug, PartialEq)]
    struct Full;
    impl From<Error> for Full {
        fn from(error: Error) -> Full {
            panic!("{error}")
        }
    }
    let wanted = BTreeSet::from(["arm".parse::<Target>().unwrap()]);
    let result = qemu::binaries(full().build().as_slice(), amd64(), &wanted, 1, &mut |_, _| Err(Full));
    assert_eq!(result.map(drop), Err(Full));
}

#[test]
fn busybox_is_found_in_either_place() {
    let busybox = |path: &str, bytes: &[u8]| {
        let deb = Deb::new("busybox-static", "1:1.38", "amd64").file(path, bytes).build();
        qemu::busybox(deb.as_slice(), amd64()).map(|(program, _)| program).map_err(|error| chain(&error))
    };
    let good = program(b"busybox");
    assert_eq!(busybox("./bin/busybox", &good).as_ref(), Ok(&good));
    assert_eq!(busybox("./usr/bin/busybox", &good).as_ref(), Ok(&good));
    let package = "package `busybox-static` 1:1.38 for host `amd64`";
    assert_eq!(busybox("./sbin/busybox", &good), Err(format!("{package} has no `busybox`")));
    assert_eq!(busybox("./bin/busybox", b"#!"), Err(format!("{package}: `bin/busybox` is not an ELF file")));
}

/// The whole `data.tar` of the full package through a reader that expects `size` bytes with `digest`: how many bytes
/// it has, or the message.
fn whole(bytes: &[u8], size: usize, digest: Digest) -> Result<usize, String> {
    let reader = VerifyReader::new(bytes, size as u64, digest);
    let read = |tar: &mut dyn Read| {
        let mut contents = Vec::new();
        tar.read_to_end(&mut contents)
    };
    qus_debian::deb::data(reader, read).map_err(|error| error.to_string())
}

#[test]
fn the_whole_of_a_package_counts_only_when_all_of_it_was_checked() {
    for bytes in [full().build(), full().gzip().build()] {
        let (size, digest) = (bytes.len(), Digest::of(&bytes));
        // Five members of a header and one or two blocks each (the links have none), and the end of a tar.
        assert_eq!(whole(&bytes, size, digest), Ok(512 * (5 + 4) + 1024));
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let expected = format!("expected {digest}, got {}", Digest::of(&flipped));
        assert_eq!(whole(&flipped, size, digest), Err(expected));
        assert_eq!(
            whole(&bytes[..100], 100, Digest::of(&bytes[..100])),
            Err("the package is truncated".to_owned())
        );
    }
}

#[test]
fn facts_come_with_programs() {
    let copyright = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2\n";
    let deb = |name: &str| {
        let deb = Deb::new(name, "1:1.38-3+b1", "amd64").field("Source: busybox (1:1.38-3)");
        deb.file("./usr/share/doc/other/copyright", b"not this")
            .file(&format!("./usr/share/doc/{name}/copyright"), copyright)
    };
    let licenses = || Some(std::collections::BTreeSet::from(["GPL-2".to_owned()]));
    let source = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    let found = |about: &qus_debian::About| (about.source.name.clone(), about.source.version.clone());

    let bytes = deb("busybox-static").file("./bin/busybox", &program(b"busybox")).build();
    let (_, about) = qemu::busybox(bytes.as_slice(), amd64()).unwrap();
    assert_eq!((found(&about), about.licenses), (source("busybox", "1:1.38-3"), licenses()));

    // Also where no program is wanted.
    let bytes = deb("qemu-user").build();
    let about =
        qemu::binaries::<_, Error>(bytes.as_slice(), amd64(), &BTreeSet::new(), 1, &mut |_, _| Ok(()))
            .unwrap();
    assert_eq!((found(&about), about.licenses), (source("busybox", "1:1.38-3"), licenses()));
}
