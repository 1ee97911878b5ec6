//! A small archive with what images are made of: a QEMU and a busybox for each host.

use super::{Archive, Deb, Suite, elf};
use arch::{Host, Target};

/// The names of busybox's applets, as the program has them in it.
pub const APPLETS: &[u8] = b"\0[\0[[\0ash\0busybox\0cat\0sh\0\0";

/// The copyright file of each package.
pub const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2\n";

/// An archive whose one suite has `version` of QEMU, and busybox, for each of `hosts`.
pub fn archive(version: &str, hosts: &[&str]) -> Archive {
    of_hosts(hosts, |host| qemu(version, host, |target| target.name().into()))
}

/// The same, with a second name of a program, as Debian's packages have it.
pub fn archive_with_alias(version: &str, hosts: &[&str]) -> Archive {
    let qemu = |host| qemu(version, host, |target| target.name().into());
    of_hosts(hosts, |host| qemu(host).link("usr/bin/qemu-arm64", "qemu-aarch64"))
}

fn of_hosts(hosts: &[&str], qemu: impl Fn(Host) -> Deb) -> Archive {
    let of_host = |sid: Suite, host: &&str| {
        let host = host.parse().expect("a host");
        sid.package(qemu(host)).package(busybox(host))
    };
    Archive::new(1).suite(hosts.iter().fold(Suite::new("unstable", "sid"), of_host))
}

/// `qemu-user` with a program for every current target, which has `content` behind its header.
pub fn qemu(version: &str, host: Host, content: impl Fn(Target) -> Vec<u8>) -> Deb {
    let package = Deb::new("qemu-user", version, host.debian())
        .field("Source: qemu")
        .field("Built-Using: glibc (= 2.43-7)")
        .file("usr/share/doc/qemu-user/copyright", COPYRIGHT.as_bytes());
    Target::current().fold(package, |package, target| {
        package.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), &content(target)))
    })
}

/// `busybox-static` with [`APPLETS`].
pub fn busybox(host: Host) -> Deb {
    let package = Deb::new("busybox-static", "1:1.38.0-3", host.debian());
    package
        .file("usr/share/doc/busybox-static/copyright", COPYRIGHT.as_bytes())
        .file("usr/bin/busybox", &elf(host.elf(), APPLETS))
}
