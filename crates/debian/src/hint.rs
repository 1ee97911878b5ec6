//! The errors of this crate that have hints.

base::hints![
    crate::cache::Error,
    crate::fetch::Error,
    crate::lock::Error,
    crate::mirror::Error,
    #[cfg(feature = "openpgp")]
    crate::release::Error,
    #[cfg(feature = "openpgp")]
    crate::resolve::Error,
];
