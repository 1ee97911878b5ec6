//! Failures that are known: with the version of QEMU that has them, and where they are described.

use arch::Target;
use results::Outcome as Kind;
use serde::Deserialize;

/// A failure that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// Without one, every workload.
    pub(super) workload: Option<String>,
    /// As QEMU names it; without one, every target.
    target: Option<String>,
    /// The first numbers of the version: `7.2`. Without them, every version.
    qemu: Option<String>,
    kind: Kind,
    /// The reason, in a few words of Markdown.
    pub(super) about: String,
    /// The public place where it is described.
    pub(super) reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Known>,
}

/// All of them.
pub(super) fn all() -> Result<Vec<Known>, toml::de::Error> {
    parse(include_str!("known.toml"))
}

pub(super) fn parse(text: &str) -> Result<Vec<Known>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.known)
}

impl Known {
    /// True of this workload for this target under a QEMU of this version.
    pub(super) fn is_of(&self, workload: &str, target: Target, version: Option<&str>) -> bool {
        let is_version = |qemu: &String| {
            let rest = version.and_then(|version| version.strip_prefix(qemu.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.workload.as_ref().is_none_or(|name| name == workload)
            && self.target.as_ref().is_none_or(|name| name == target.name())
            && self.qemu.as_ref().is_none_or(is_version)
    }

    /// True of a failure of this kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kind == kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::workloads;

    #[test]
    fn each_is_of_something_that_is_tried() {
        for known in all().unwrap() {
            assert!(known.workload.is_some() || known.target.is_some(), "{known:?}");
            assert!(workloads::select(known.workload.as_slice(), false).is_ok(), "{known:?}");
            let is_target = |name: &String| name.parse::<Target>().is_ok_and(|target| target.name() == name);
            assert!(known.target.as_ref().is_none_or(is_target), "{known:?}");
            assert!(known.kind.is_failure() && known.reference.starts_with("https://"), "{known:?}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        let text = "[[known]]\nworkload = \"git\"\ntarget = \"arm\"\nqemu = \"7.2\"\nkind = \"hang\"\n\
                    about = \"a\"\nreference = \"https://example.org\"\n";
        let known = parse(text).unwrap().remove(0);
        let arm: Target = "arm".parse().unwrap();
        for (workload, target, version, expected) in [
            ("git", "arm", Some("7.2"), true),
            ("git", "arm", Some("7.2.22"), true),
            ("git", "arm", Some("7.20"), false),
            ("git", "arm", None, false),
            ("git", "aarch64", Some("7.2"), false),
            ("perl", "arm", Some("7.2"), false),
        ] {
            assert_eq!(
                known.is_of(workload, target.parse().unwrap(), version),
                expected,
                "{workload} {target} {version:?}"
            );
        }
        assert!(known.is_of("git", arm, Some("7.2.1")) && known.has(Kind::Hang) && !known.has(Kind::Crash));
        assert!(parse("[[known]]\nworkload = \"git\"\n").is_err());
        let all = "[[known]]\nworkload = \"git\"\nkind = \"wrong\"\nabout = \"a\"\nreference = \"https://example.org\"\n";
        assert!(parse(all).unwrap()[0].is_of("git", arm, None));
    }
}
