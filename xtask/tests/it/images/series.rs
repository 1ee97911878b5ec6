//! The output for several series of QEMU in one layout. Their images are tested in builder.

use arch::Host;
use debian::testing::small::{busybox, qemu};
use debian::testing::{Archive, Suite};

use crate::line::Line;

#[test]
fn platforms_that_a_version_lacks_are_named() {
    let suites =
        [("unstable", "sid", "1:11.1.3+ds-1", "amd64"), ("oldstable", "bookworm", "1:7.2+dfsg-7", "mipsel")];
    let archive = suites.into_iter().fold(Archive::new(1), |archive, (name, codename, version, host)| {
        let host: Host = host.parse().unwrap();
        let qemu = qemu(version, host, |target| target.name().into());
        archive.suite(Suite::new(name, codename).package(qemu).package(busybox(host)))
    });
    let hosts = ["amd64", "mipsel"];
    let line = Line::new(&hosts, &archive.build());
    let config =
        "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"bookworm\"]\nseries = [\"bookworm\"]\n";
    line.write("images/images.toml", &format!("{config}hosts = {hosts:?}\n"));
    line.run(&["lock"]).success();
    let all = ["images", "--kind", "pkg", "--series"];
    line.run(&[&all[..], &["newest"]].concat()).success();
    let verified = line.run(&["verify", "target/images"]).success();
    let said = "QEMU 11.1 has no image for linux/mipsle (d11.1-pkg); tags without a version have one\n";
    assert!(verified.stderr.ends_with(said), "{}", verified.stderr);
}
