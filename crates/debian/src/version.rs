//! QEMU's version.

use std::fmt;

use serde::{Serialize, Serializer};

/// Upstream's major and minor version of a QEMU, as tags have it: `11.1`. Orders as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QemuVersion {
    major: u32,
    minor: u32,
}

impl QemuVersion {
    /// Major and minor, which name a release.
    pub fn release(self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Reads it out of a package's version: `11.1` of `1:11.1.3+ds-1`. `None` if the upstream part does not begin with
    /// two numbers.
    pub fn of_package(version: &str) -> Option<QemuVersion> {
        let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
        let mut numbers = upstream.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.split('.');
        let mut next = || numbers.next()?.parse().ok();
        Some(QemuVersion { major: next()?, minor: next()? })
    }
}

/// Upstream's whole version of a QEMU, as tags that never move have it: `11.1.3`. A package that says two numbers, as Debian's
/// bookworm does, has none for the third. Orders as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullVersion {
    version: QemuVersion,
    patch: u32,
}

impl FullVersion {
    /// Reads it out of a package's version. `None` of one before its release, such as `1:10.0~rc1+ds-1`.
    pub fn of_package(version: &str) -> Option<FullVersion> {
        let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
        let end = upstream.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(upstream.len());
        let (numbers, rest) = upstream.split_at(end);
        if rest.starts_with('~') {
            return None;
        }
        let patch = match numbers.split('.').nth(2) {
            None => 0,
            Some(patch) => patch.parse().ok()?,
        };
        Some(FullVersion { version: QemuVersion::of_package(version)?, patch })
    }
}

impl fmt::Display for FullVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.version, self.patch)
    }
}

impl fmt::Display for QemuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for QemuVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_upstreams_major_and_minor() {
        for (version, expected) in [
            ("1:11.1.3+ds-1", Some("11.1")),
            ("1:7.2+dfsg-7+deb12u18+b3", Some("7.2")),
            ("1:10.0~rc1+ds-1", Some("10.0")),
            ("9.2.4-1", Some("9.2")),
            ("1:9.2", Some("9.2")),
            ("1:9-2", None),
            ("1:9.x", None),
            ("1:", None),
            ("1:99999999999.1", None),
            ("", None),
        ] {
            let found = QemuVersion::of_package(version).map(|version| version.to_string());
            assert_eq!(found.as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn a_whole_version_has_three_numbers_and_was_released() {
        for (version, expected) in [
            ("1:11.1.3+ds-1", Some("11.1.3")),
            ("1:10.0.13+ds-0+deb13u1", Some("10.0.13")),
            ("1:7.2+dfsg-7+deb12u18+b3", Some("7.2.0")),
            ("1:10.0~rc1+ds-1", None),
            ("1:10.0.0~rc1+ds-1", None),
            ("1:9.2.x", None),
            ("1:9-2", None),
        ] {
            let found = FullVersion::of_package(version).map(|version| version.to_string());
            assert_eq!(found.as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn versions_order_as_numbers() {
        let version = |text| QemuVersion::of_package(text).unwrap();
        assert!(version("10.2") > version("9.12") && version("11.1") > version("10.2"));
        assert!(version("9.12") > version("9.2") && version("9.2.4-1") == version("1:9.2.0-7"));
    }
}
