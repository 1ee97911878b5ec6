//! The systems that are put together: a machine, and the suite of Debian that is installed for it.

use std::str::FromStr as _;

use arch::{Host, Target, UnknownName};

use crate::job::Image;

/// A system of Debian's for another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) host: &'static str,
    pub(super) suite: &'static str,
    /// The image that has `run` with the QEMU for it.
    tag: &'static str,
}

/// The first suite that has it, of those that are still maintained: bookworm has no riscv64.
#[rustfmt::skip]
pub(super) const ROWS: [Row; 5] = [
    Row { host: "arm64v8", suite: "bookworm", tag: "run-aarch64" },
    Row { host: "arm32v7", suite: "bookworm", tag: "run-arm" },
    Row { host: "riscv64", suite: "trixie", tag: "run-riscv64" },
    Row { host: "s390x", suite: "bookworm", tag: "run-s390x" },
    Row { host: "ppc64le", suite: "bookworm", tag: "run-ppc64le" },
];

impl Row {
    /// The machine, as a host: what is native there.
    pub(super) fn host(self) -> Host {
        self.host.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The target that QEMU runs its programs as.
    pub(super) fn target(self) -> Target {
        self.host().target()
    }

    /// The image with `run` for `native`, which has the QEMU for this system inside.
    pub(super) fn image(self, native: Host) -> Image {
        Image { tag: self.tag, host: native }
    }
}

/// The rows of these targets, by any of their names; all of them if there are none.
pub(super) fn select(names: &[String]) -> Result<Vec<Row>, UnknownName> {
    if names.is_empty() {
        return Ok(ROWS.to_vec());
    }
    let row = |name: &String| {
        let target = Target::from_str(name).ok();
        let found = ROWS.into_iter().find(|row| Some(row.target()) == target);
        let known = ROWS.map(|row| row.target().name());
        found.ok_or_else(|| UnknownName::new("target", name, known))
    };
    names.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_image_of_its_target() {
        for row in ROWS {
            assert_eq!(row.tag, format!("run-{}", row.target()));
        }
    }

    #[test]
    fn targets_have_names_at_debian_too() {
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            select(&names).map(|rows| rows.into_iter().map(|row| row.target().name()).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["aarch64", "arm", "riscv64", "s390x", "ppc64le"]);
        assert_eq!(names(&["ppc64el", "armhf"]).unwrap(), ["ppc64le", "arm"]);
        let error = names(&["sparc64"]).unwrap_err().to_string();
        assert!(error.starts_with("unknown target `sparc64`"), "{error}");
    }
}
