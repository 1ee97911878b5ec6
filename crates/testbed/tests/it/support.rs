//! The things that the tests on real engines share.

use qus_testbed::Packages;

/// Packages from Debian's archive, if the machine can run sandboxes.
pub(crate) fn packages(test: &str) -> Option<Packages> {
    Packages::for_test(test, concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/keyrings"))
}
