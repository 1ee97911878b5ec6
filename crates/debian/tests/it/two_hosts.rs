//! A small signed archive: two suites with QEMU for two hosts.

use arch::{Host, Target};
use qus_debian::lock::Lock;
use qus_debian::progress::Silent;
use qus_debian::resolve::{self, Finding, Request};
use qus_debian::testing::{Deb, NOW, Suite, dynamic_elf, elf};

use crate::setup::Setup;

pub(crate) fn host(name: &str) -> Host {
    name.parse().unwrap()
}

pub(crate) fn targets() -> [Target; 3] {
    ["aarch64", "arm", "mips"].map(|name| name.parse().unwrap())
}

/// A package of QEMU with static programs for some targets, and dynamic ones for others.
pub(crate) fn qemu(name: &str, version: &str, debian: &str, fixed: &[Target], dynamic: &[Target]) -> Deb {
    let machine = host(debian).elf();
    let path = |target: &Target| format!("./usr/bin/qemu-{target}");
    // Larger than a package of dynamic programs, as in Debian.
    let contents: Vec<u8> = (0..3000_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
    let deb = fixed.iter().fold(Deb::new(name, version, debian), |deb, target| {
        deb.file(&path(target), &elf(machine, &contents))
    });
    dynamic.iter().fold(deb, |deb, target| deb.file(&path(target), &dynamic_elf(machine, b"")))
}

pub(crate) fn busybox(debian: &str) -> Deb {
    Deb::new("busybox-static", "1:1.38-3", debian).file("./bin/busybox", &elf(host(debian).elf(), b""))
}

pub(crate) fn full(name: &str, version: &str, debian: &str) -> Deb {
    qemu(name, version, debian, &targets(), &[])
}

/// A suite with these packages, and busybox for both hosts.
fn with(suite: Suite, packages: impl IntoIterator<Item = Deb>) -> Suite {
    packages.into_iter().chain(["amd64", "s390x"].map(busybox)).fold(suite, Suite::package)
}

pub(crate) fn sid_with(packages: impl IntoIterator<Item = Deb>) -> Suite {
    with(Suite::new("unstable", "sid"), packages)
}

/// The suite as it was: QEMU 11 for two hosts.
pub(crate) fn sid() -> Suite {
    sid_with(["amd64", "s390x"].map(|debian| full("qemu-user", "1:11.1+ds-1", debian)))
}

/// The suite behind it, with QEMU 7 for both.
pub(crate) fn bookworm() -> Suite {
    let qemu = ["amd64", "s390x"].map(|debian| full("qemu-user-static", "1:7.2-7", debian));
    with(Suite::new("oldstable", "bookworm"), qemu)
}

/// Each with its kind.
pub(crate) fn words(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {finding}", finding.kind.name())).collect()
}

pub(crate) fn request() -> Request {
    Request {
        suites: ["sid", "bookworm"].map(str::to_owned).to_vec(),
        hosts: [host("amd64"), host("s390x")].into(),
        targets: targets().into(),
        now: NOW,
        ..Request::default()
    }
}

impl Setup {
    pub(crate) async fn lock(&self) -> Lock {
        let (fetcher, keyring) = self.parts();
        resolve::resolve(&fetcher, &self.mirror, &keyring, &request(), &Silent).await.unwrap()
    }
}
