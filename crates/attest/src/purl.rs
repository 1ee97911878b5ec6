//! Package URLs (purl-spec, PURL-SPECIFICATION.rst).

use std::fmt;

use serde::Serialize;

/// A package's URL, in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Purl(String);

impl Purl {
    /// A package of `kind`, which may end with a namespace. Qualifiers come in the order of their keys; those without a value are
    /// left out.
    fn new(kind: &str, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> Purl {
        let mut text = format!("pkg:{kind}/{}@{}", encoded(name), encoded(version));
        let mut qualifiers: Vec<_> = qualifiers.iter().filter(|(_, value)| !value.is_empty()).collect();
        qualifiers.sort();
        for (n, (key, value)) in qualifiers.into_iter().enumerate() {
            text.push_str(if n == 0 { "?" } else { "&" });
            text.push_str(&format!("{key}={}", encoded(value)));
        }
        Purl(text)
    }

    /// A Debian package; `source` of one of its sources.
    pub fn deb(name: &str, version: &str, architecture: &str, distro: &str) -> Purl {
        Purl::new("deb/debian", name, version, &[("arch", architecture), ("distro", distro)])
    }

    /// A crate of Rust's.
    pub fn cargo(name: &str, version: &str) -> Purl {
        Purl::new("cargo", name, version, &[])
    }

    /// An image, by its digest.
    pub fn oci(name: &str, digest: &str, architecture: &str) -> Purl {
        Purl::new("oci", name, digest, &[("arch", architecture)])
    }

    /// Something that no other type is for.
    pub fn generic(name: &str, version: &str) -> Purl {
        Purl::new("generic", name, version, &[])
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Percent-encodes all but what the specification leaves as it is ("Character encoding"): letters, digits, `.-_~` and the colon.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                out.push(byte.into());
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_canonical() {
        for (purl, expected) in [
            (
                Purl::deb("qemu-user", "1:11.1.3+ds-1", "amd64", "sid"),
                "pkg:deb/debian/qemu-user@1:11.1.3%2Bds-1?arch=amd64&distro=sid",
            ),
            (Purl::deb("glibc", "2.43-7", "source", ""), "pkg:deb/debian/glibc@2.43-7?arch=source"),
            (
                Purl::deb("g++", "4:1~rc", "i386", "a b"),
                "pkg:deb/debian/g%2B%2B@4:1~rc?arch=i386&distro=a%20b",
            ),
            (Purl::cargo("linux-raw-sys", "0.12.1"), "pkg:cargo/linux-raw-sys@0.12.1"),
            (Purl::oci("qus", "sha256:00", "arm64"), "pkg:oci/qus@sha256:00?arch=arm64"),
            (Purl::generic("std", "1.95.0"), "pkg:generic/std@1.95.0"),
        ] {
            assert_eq!(purl.to_string(), expected);
        }
    }
}
