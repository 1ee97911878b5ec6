//! `cargo xtask images` on a small archive: builds of a part, outputs of every kind, and what is printed meanwhile.

mod messages;
mod outputs;
mod pace;
mod partial;
mod workspace;

use crate::line::Line;
use debian::testing::{Archive, Built, Deb, Suite, elf};

/// An archive with `version` of every current target for each of `hosts`.
fn archive(version: &str, hosts: &[&str]) -> Built {
    let mut sid = Suite::new("unstable", "sid");
    for name in hosts {
        let host: arch::Host = name.parse().unwrap();
        let mut qemu = Deb::new("qemu-user", version, host.debian());
        for target in arch::Target::current() {
            qemu = qemu.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), target.name().as_bytes()));
        }
        let busybox = Deb::new("busybox-static", "1:1.38.0-3", host.debian());
        sid = sid.package(qemu).package(busybox.file("usr/bin/busybox", &elf(host.elf(), b"")));
    }
    Archive::new(1).suite(sid).build()
}

/// A workspace with a lock of `hosts`.
fn locked(hosts: &[&str]) -> Line {
    let line = Line::new(hosts, &archive("1:11.1.3+ds-1", hosts));
    line.run(&["lock"]).success();
    line
}
