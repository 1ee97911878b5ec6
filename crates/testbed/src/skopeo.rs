//! skopeo, as an independent reader and copier of layouts, archives and registries.

use crate::packages::Package;

/// skopeo and the libraries that `ldd` says it loads. Debian's newest, since it is the one to get along with.
const PACKAGES: &str = "skopeo libc6 libassuan9 libgpg-error0 libgpgme45 libsqlite3-0";

/// The packages that a sandbox must have to run `skopeo`: a list for [`crate::Packages::tree`].
///
/// There is no policy of trust inside, so copies want `--insecure-policy`.
pub fn packages() -> Vec<Package> {
    Package::natives("sid", PACKAGES)
}
