//! Reading what Debian's archive has: xz, packages, lists of packages, and the lock.
//!
//! Contents are this program's own bytes over and over: machine code, as what is in the real packages.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Cursor};

use arch::{Host, Target};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use qus_debian::lock::Lock;
use qus_debian::testing::{Deb, elf};
use qus_debian::{deb, packages, qemu};

/// The size of one of QEMU's binaries, about.
const PROGRAM: usize = 16 << 20;

fn main() {
    divan::main();
}

fn host() -> Host {
    "amd64".parse().unwrap()
}

/// A program for `host` that compresses as code does.
fn program() -> Vec<u8> {
    let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    elf(host().elf(), &code.into_iter().cycle().take(PROGRAM).collect::<Vec<_>>())
}

fn package() -> Vec<u8> {
    let mut package = Deb::new("qemu-user", "1:11.1.3+ds-1", "amd64");
    for target in ["arm", "aarch64"] {
        package = package.file(&format!("./usr/bin/qemu-{target}"), &program());
    }
    package.build()
}

/// Everything that is in a package, decoded.
#[divan::bench(sample_count = 10)]
fn xz_decode(bencher: Bencher<'_, '_>) {
    let package = package();
    bencher
        .counter(BytesCount::new(2 * PROGRAM))
        .bench(|| deb::data(Cursor::new(&package), |tar| io::copy(tar, &mut io::sink())).unwrap());
}

/// The same, with the programs taken out and looked at.
#[divan::bench(sample_count = 10)]
fn deb_read(bencher: Bencher<'_, '_>) {
    let package = package();
    let wanted: BTreeSet<Target> = ["arm", "aarch64"].map(|name| name.parse().unwrap()).into();
    bencher.counter(BytesCount::new(2 * PROGRAM)).bench(|| {
        let mut found = 0;
        qemu::binaries(Cursor::new(&package), host(), &wanted, 1, &mut |_, program| {
            found += program.len();
            Ok::<_, qemu::Error>(())
        })
        .unwrap();
        found
    });
}

/// A list of as many packages as a suite has.
#[divan::bench(sample_count = 10)]
fn packages_parse(bencher: Bencher<'_, '_>) {
    const COUNT: usize = 60_000;
    let mut text = String::new();
    for number in 0..COUNT {
        let name = if number == COUNT / 2 { "qemu-user".to_owned() } else { format!("package-{number}") };
        write!(
            text,
            "Package: {name}\nSource: source-{number}\nVersion: 1:{number}.2+ds-3\nArchitecture: amd64\n\
             Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.0), zlib1g (>= 1:1.1.4)\nDescription: a package\n\
             Section: misc\nPriority: optional\nFilename: pool/main/p/{name}_{number}_amd64.deb\n\
             Size: {number}\nSHA256: {number:064x}\n\n"
        )
        .unwrap();
    }
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| packages::newest_in(Cursor::new(&text), &["qemu-user", "busybox-static"]).unwrap());
}

/// The repository's own lock.
#[divan::bench]
fn lock_parse(bencher: Bencher<'_, '_>) {
    let text = include_str!("../../../images/debian.lock");
    let count = Lock::parse(text).unwrap().packages().len();
    bencher.counter(ItemsCount::new(count)).bench(|| Lock::parse(divan::black_box(text)).unwrap());
}
