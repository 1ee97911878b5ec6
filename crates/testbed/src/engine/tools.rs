//! The Debian packages that each engine consists of: what `ldd` and running them say, not what they depend on by
//! name (that would bring systemd and perl).

use super::Engine;
use crate::packages::Package;

/// Libraries of `dockerd` and `runc`.
const LIBRARIES: &str = "
    libcap2 libdevmapper1.02.1 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libseccomp2 libsystemd0 libudev1
    libzstd1";

const DOCKER20: &str = "containerd docker.io runc";

const DOCKER28: &str = "containerd docker-cli docker.io";

const PODMAN: &str = "
    catatonit conmon crun golang-github-containers-common golang-github-containers-image libassuan0 libaudit1
    libbz2-1.0 libcap-ng0 libdevmapper1.02.1 libgcc-s1 libglib2.0-0 libgpgme11 libpcre2-8-0 libselinux1
    libsemanage2 libsepol2 libsubid4 libyajl2 libpam0g libcrypt1 libffi8 libmount1 libblkid1 podman";

pub(super) fn packages(engine: Engine) -> Vec<Package> {
    let of = Package::natives;
    let own = match engine {
        Engine::Docker20 => of("bookworm", DOCKER20),
        Engine::Docker28 { .. } => [of("bookworm", "runc"), of("sid", DOCKER28)].concat(),
        Engine::Podman => of("bookworm", PODMAN),
    };
    [of("bookworm", LIBRARIES), own].concat()
}
