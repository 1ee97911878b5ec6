//! The things that jobs have in common: names, packages, and the commands that several of them run.

use arch::Host;
use testbed::Package;

use crate::job::{Extract, Image, NOT_REGISTERED, Needs, Root, Step};

/// The working directory of every job, inside its sandbox.
pub(super) const WORK: &str = "/shared/qus";

/// The registry's name of the images, as users type it.
pub(super) const QUS: &str = "aptman/qus";

/// The foreign image of most jobs.
pub(super) const FOREIGN: &str = "arm64v8/busybox";

/// The name that an arm64 machine has for itself.
pub(super) const MACHINE: &str = "aarch64";

pub(super) const FILE: &str = "qemu-aarch64-static";

/// The distribution's way of registering: what its packages trigger when they are installed.
pub(super) const SYSTEMD_BINFMT: &str = "/usr/lib/systemd/systemd-binfmt";

/// systemd-binfmt and its libraries, from the suite whose libc the sandboxes have.
const SYSTEMD: &str = "
    systemd libacl1 libaudit1 libblkid1 libcap-ng0 libcap2 libcrypt1 libgcrypt20 libgpg-error0 libip4tc2
    libkmod2 liblz4-1 liblzma5 libmount1 libpam0g libpcre2-8-0 libseccomp2 libselinux1 libssl3
    libsystemd-shared libuuid1 libzstd1";

/// Packages of the host's distribution, with what registers them.
pub(super) fn installed(packages: Vec<Package>) -> Vec<Package> {
    [packages, Package::natives("bookworm", SYSTEMD)].concat()
}

pub(super) fn host(name: &str) -> Host {
    name.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The image that `tag` means on `host`.
pub(super) fn image(tag: &'static str, host: Host) -> Image {
    Image { tag, host }
}

/// An image of qus, and images with foreign programs.
pub(super) fn needs(image: Image, roots: Vec<Root>) -> Needs {
    Needs { images: vec![image], roots, ..Needs::default() }
}

/// An image with the busybox of `host`.
pub(super) fn busybox(host: Host) -> Root {
    Root { name: format!("{host}/busybox"), host, packages: vec![busybox_package(host)] }
}

/// sid builds for fewer hosts, but has the youngest; the other way round for bookworm.
pub(super) fn busybox_package(host: Host) -> Package {
    let old = ["arm32v6", "mipsel", "mips64el"].contains(&host.name());
    Package::new(if old { "bookworm" } else { "sid" }, host, "busybox-static")
}

/// A foreign program in the working directory: `./busybox`.
pub(super) fn program(host: Host) -> Extract {
    Extract { package: busybox_package(host), path: "usr/bin/busybox", name: "busybox" }
}

/// Fetches release assets and checks them, as the documentation says.
pub(super) fn assets(needs: &mut Needs, steps: &mut Vec<Step>, names: &[String]) {
    needs.assets.push("SHA256SUMS".to_owned());
    needs.assets.extend(names.iter().cloned());
    steps.extend(names.iter().map(|name| Step::succeeds(check(name))));
}

/// Checks one release asset. Each by itself: of several, one whose line is missing would go unnoticed.
pub(super) fn check(name: &str) -> String {
    format!("grep ' {}$' SHA256SUMS | sha256sum -c", name.replace('.', "\\."))
}

/// Writes the Dockerfile in the working directory.
pub(super) fn dockerfile(text: &str) -> Step {
    Step::succeeds(format!("cat > Dockerfile <<'EOF'\n{text}\nEOF"))
}

/// The foreign program, while nobody has registered anything.
pub(super) fn no_foreign_program() -> Step {
    Step::fails(run("linux/arm64", "", FOREIGN, "uname -m"), NOT_REGISTERED)
}

/// Builds an image by `dockerfile` in the working directory and calls it `built`.
pub(super) fn build(steps: &mut Vec<Step>, platform: &str, dockerfile: &str) {
    steps.push(self::dockerfile(dockerfile));
    steps.push(Step::succeeds(format!("docker build --network none --platform {platform} -t built .")));
}

/// `docker run` of `image`'s program `command` on `platform`.
pub(super) fn run(platform: &str, options: &str, image: &str, command: &str) -> String {
    let options = if options.is_empty() { String::new() } else { format!(" {options}") };
    format!("docker run --rm --platform {platform}{options} {image} {command}")
}
