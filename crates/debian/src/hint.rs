//! What to do about an error, wherever in a chain of causes this crate's own error is.

use std::error::Error;

/// The hint of the first error in `error`'s chain that has one.
pub fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(hint) = own(error) {
            return Some(hint);
        }
        next = error.source();
    }
    None
}

fn own(error: &(dyn Error + 'static)) -> Option<String> {
    #[cfg(feature = "openpgp")]
    if let Some(error) = error.downcast_ref::<crate::resolve::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<crate::fetch::Error>() {
        return error.hint();
    }
    #[cfg(feature = "openpgp")]
    if let Some(error) = error.downcast_ref::<crate::release::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<crate::lock::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<crate::cache::Error>() {
        return Some(error.hint());
    }
    error.downcast_ref::<crate::mirror::Error>().map(crate::mirror::Error::hint)
}
