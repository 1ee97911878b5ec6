//! Paths of packages, from the mirror's base.

/// A plain relative path, which is put into addresses as it is.
pub(crate) fn is_pool_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._~/:%".contains(c);
    !path.is_empty()
        && path.chars().all(plain)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
