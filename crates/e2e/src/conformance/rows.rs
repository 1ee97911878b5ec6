//! The systems whose programs are tried: a machine, and the suite of Debian that they come from.

use arch::{Host, Target, UnknownName};

/// An architecture of Debian's, and the suite of it that is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    host: &'static str,
    suite: &'static str,
    /// True if the quick part of the tests has it.
    pub(super) is_quick: bool,
}

const fn row(host: &'static str, suite: &'static str) -> Row {
    Row { host, suite, is_quick: false }
}

/// Bookworm where it has the architecture: the same programs for all. Three that differ in word size and order of bytes are quick.
#[rustfmt::skip]
const ROWS: [Row; 11] = [
    Row { is_quick: true, ..row("arm64v8", "bookworm") },
    Row { is_quick: true, ..row("arm32v7", "bookworm") },
    row("arm32v6", "bookworm"),
    row("riscv64", "trixie"),
    Row { is_quick: true, ..row("s390x", "bookworm") },
    row("ppc64le", "bookworm"),
    row("i386", "bookworm"),
    row("mips64el", "bookworm"),
    row("mipsel", "bookworm"),
    row("amd64", "bookworm"),
    row("loong64", "sid"),
];

/// A row, with the suite that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct System {
    pub(super) host: Host,
    pub(super) suite: String,
}

impl System {
    /// The target that QEMU runs its programs as.
    pub(super) fn target(&self) -> Target {
        self.host.target()
    }

    /// Debian's name: `armhf`.
    pub(super) fn name(&self) -> &'static str {
        self.host.debian()
    }
}

impl Row {
    fn host(self) -> Host {
        self.host.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    /// True for Debian's, Docker's and QEMU's names; the last may be that of two.
    fn is_called(self, name: &str) -> bool {
        let host = self.host();
        let hosts = [host.debian(), host.name()];
        let names: Vec<&str> = ROWS.iter().flat_map(|row| [row.host().debian(), row.host().name()]).collect();
        if names.contains(&name) {
            hosts.contains(&name)
        } else {
            name.parse::<Target>().is_ok_and(|target| target == host.target())
        }
    }
}

/// The systems with these names; without any, all that are not `native`, or the quick ones of them. `suite` takes the place of
/// each one's own.
pub(super) fn select(
    names: &[String],
    is_quick: bool,
    suite: Option<&str>,
    native: Host,
) -> Result<Vec<System>, UnknownName> {
    let mut rows = Vec::new();
    for name in names {
        let mut called = ROWS.into_iter().filter(|row| row.is_called(name)).peekable();
        if called.peek().is_none() {
            return Err(UnknownName::new("target", name, ROWS.map(|row| row.host().debian())));
        }
        for row in called {
            if !rows.iter().any(|other: &Row| other.host() == row.host()) {
                rows.push(row);
            }
        }
    }
    if names.is_empty() {
        rows.extend(ROWS.into_iter().filter(|row| row.is_quick || !is_quick));
        rows.retain(|row| row.host().target() != native.target());
    }
    let system = |row: Row| System { host: row.host(), suite: suite.unwrap_or(row.suite).to_owned() };
    Ok(rows.into_iter().map(system).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], is_quick: bool, expected: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let systems = select(&names, is_quick, None, "amd64".parse().unwrap()).unwrap();
        let actual: Vec<String> =
            systems.iter().map(|system| format!("{}/{}", system.suite, system.name())).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn systems_have_the_names_of_hosts_and_targets() {
        check(&["armhf"], false, &["bookworm/armhf"]);
        check(&["arm32v6", "ppc64le"], false, &["bookworm/armel", "bookworm/ppc64el"]);
        check(&["arm"], false, &["bookworm/armhf", "bookworm/armel"]);
        check(&["aarch64"], false, &["bookworm/arm64"]);
        check(&["armhf", "arm", "arm32v7"], false, &["bookworm/armhf", "bookworm/armel"]);
        check(&[], true, &["bookworm/arm64", "bookworm/armhf", "bookworm/s390x"]);
        let error = select(&["vax".to_owned()], false, None, "amd64".parse().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("unknown target `vax`"), "{error}");
    }

    #[test]
    fn the_machines_own_programs_are_tried_when_asked_for() {
        let systems = select(&[], false, Some("sid"), "s390x".parse().unwrap()).unwrap();
        assert_eq!(systems.len(), ROWS.len() - 1);
        assert!(systems.iter().all(|system| system.name() != "s390x" && system.suite == "sid"));
    }
}
