//! Paths of packages, from the mirror's base.

/// True of a plain relative path, which stays below a mirror's base when it is put into an address as it is. Percent signs
/// would be read once more on the way: `%2e%2e` is `..` to a URL's parser (WHATWG URL, "double-dot path segment").
pub(crate) fn is_pool_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._~/:".contains(c);
    path.chars().all(plain) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_below_the_mirror_are_plain() {
        for good in ["pool/q.deb", "pool/main/q/qemu/qemu-user_11.1~rc1+ds-1:2_amd64.deb", "...", "a/..b/.c"]
        {
            assert!(is_pool_path(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "/pool/q",
            "pool/",
            "pool//q",
            "//example.org/q",
            ".",
            "..",
            "pool/../q",
            "pool/./q",
            "pool/..",
            "pool/%2e%2e/%2e%2e/x",
            "pool/.%2e/x",
            "pool/%2fx",
            "pool/%5c..",
            "pool/%",
            "pool\\..\\x",
            "pool/q?x",
            "pool/q#x",
            "http://example.org/q",
            "pool/user@example.org",
            "pool/q x",
            "pool/q\n",
            "pool/q\t",
            "pool/q\0",
            "pööl/q",
        ] {
            assert!(!is_pool_path(bad), "{bad:?}");
        }
    }
}
