//! What the user can do about an error of this crate.

use std::error::Error;

use crate::archive::ArchiveError;
use crate::credentials::CredentialsError;
#[cfg(feature = "engine")]
use crate::engine::{EngineError, ShipError};
use crate::layout::LayoutError;
use crate::registry::RegistryError;

/// The hint that belongs to an error of this crate, or to one of its causes.
pub fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let found = if let Some(error) = error.downcast_ref::<LayoutError>() {
            error.hint().map(str::to_owned)
        } else if let Some(ArchiveError::Layout(error)) = error.downcast_ref() {
            error.hint().map(str::to_owned)
        } else if let Some(error) = error.downcast_ref::<CredentialsError>() {
            error.hint()
        } else if let Some(error) = error.downcast_ref::<RegistryError>() {
            error.hint()
        } else {
            engine_hint(error)
        };
        if found.is_some() {
            return found;
        }
        cause = error.source();
    }
    None
}

#[cfg(feature = "engine")]
fn engine_hint(error: &(dyn Error + 'static)) -> Option<String> {
    match error.downcast_ref::<EngineError>() {
        Some(error) => error.hint(),
        None => error.downcast_ref::<ShipError>().and_then(ShipError::hint),
    }
}

#[cfg(not(feature = "engine"))]
fn engine_hint(_: &(dyn Error + 'static)) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_asked_too() {
        let path = std::path::PathBuf::from("images");
        let inner = || LayoutError::Occupied { path: path.clone() };
        let expected = inner().hint().map(str::to_owned);
        assert!(expected.is_some());
        for error in [&inner() as &(dyn Error + 'static), &ArchiveError::Layout(inner())] {
            assert_eq!(hint(error), expected);
        }
        assert_eq!(hint(&std::io::Error::other("x")), None);
    }
}
