//! The Debian packages that each engine consists of: what `ldd` and running them say, not what they depend on by
//! name (that would bring systemd and perl).

use super::Engine;
use crate::packages::Package;

/// Libraries of `dockerd` and `runc`.
const LIBRARIES: [&str; 10] = [
    "libcap2",
    "libdevmapper1.02.1",
    "libgcrypt20",
    "libgpg-error0",
    "liblz4-1",
    "liblzma5",
    "libseccomp2",
    "libsystemd0",
    "libudev1",
    "libzstd1",
];

const DOCKER20: [&str; 3] = ["containerd", "docker.io", "runc"];

const DOCKER28: [&str; 3] = ["containerd", "docker-cli", "docker.io"];

const PODMAN: [&str; 25] = [
    "catatonit",
    "conmon",
    "crun",
    "golang-github-containers-common",
    "golang-github-containers-image",
    "libassuan0",
    "libaudit1",
    "libbz2-1.0",
    "libcap-ng0",
    "libdevmapper1.02.1",
    "libgcc-s1",
    "libglib2.0-0",
    "libgpgme11",
    "libpcre2-8-0",
    "libselinux1",
    "libsemanage2",
    "libsepol2",
    "libsubid4",
    "libyajl2",
    "libpam0g",
    "libcrypt1",
    "libffi8",
    "libmount1",
    "libblkid1",
    "podman",
];

pub(super) fn packages(engine: Engine) -> Vec<Package> {
    let bookworm = |name: &&str| Package::native("bookworm", name);
    let sid = |name: &&str| Package::native("sid", name);
    match engine {
        Engine::Docker20 => LIBRARIES.iter().chain(&DOCKER20).map(bookworm).collect(),
        Engine::Docker28 { .. } => {
            LIBRARIES.iter().chain(&["runc"]).map(bookworm).chain(DOCKER28.iter().map(sid)).collect()
        }
        Engine::Podman => LIBRARIES.iter().chain(&PODMAN).map(bookworm).collect(),
    }
}
