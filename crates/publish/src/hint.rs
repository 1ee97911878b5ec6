//! The errors of this crate that have hints.

base::hints![
    crate::archive::ArchiveError,
    crate::credentials::CredentialsError,
    #[cfg(feature = "engine")]
    crate::engine::EngineError,
    #[cfg(feature = "engine")]
    crate::engine::ShipError,
    crate::layout::LayoutError,
    crate::registry::RegistryError,
];

#[cfg(test)]
mod tests {
    use std::error::Error;

    use base::Hint as _;

    use super::*;
    use crate::archive::ArchiveError;
    use crate::layout::LayoutError;

    #[test]
    fn causes_are_asked_too() {
        let path = std::path::PathBuf::from("images");
        let inner = || LayoutError::Occupied { path: path.clone() };
        let expected = inner().hint();
        assert!(expected.is_some());
        for error in [&inner() as &(dyn Error + 'static), &ArchiveError::Layout(inner())] {
            assert_eq!(hint(error), expected);
        }
        assert_eq!(hint(&std::io::Error::other("x")), None);
    }
}
