//! What the tests on real engines share.

use std::path::Path;

use qus_testbed::Packages;

/// Whether the machine can run sandboxes; says so if not.
pub(crate) fn ready(test: &str) -> bool {
    let missing = qus_testbed::missing();
    if let Some(reason) = &missing {
        qus_testbed::skip(test, reason, std::env::var_os("CI").is_some());
    }
    missing.is_none()
}

/// Packages from Debian's archive.
pub(crate) fn packages() -> Packages {
    let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/keyrings");
    Packages::of_the_machine(&keyrings).unwrap()
}
