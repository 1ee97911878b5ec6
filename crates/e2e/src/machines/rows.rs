//! The matrix: hosts by kernels, and why a cell has no machine.

use arch::Host;

/// The kernels, from the oldest on, with the suite of Debian that has each. The newest one has another number every few months.
pub(super) const KERNELS: [(&str, &str); 5] =
    [("4.19", "buster"), ("5.10", "bullseye"), ("6.1", "bookworm"), ("6.12", "trixie"), ("newest", "sid")];

/// A host as a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subject {
    host: &'static str,
    /// The lasting name of its kernel's package.
    kernel: &'static str,
    /// The targets of its family that its processor runs.
    runs: &'static [&'static str],
}

#[rustfmt::skip]
const HOSTS: [Subject; 8] = [
    Subject { host: "amd64", kernel: "linux-image-cloud-amd64", runs: &["i386", "i486"] },
    Subject { host: "i386", kernel: "linux-image-686", runs: &["i486"] },
    Subject { host: "arm64v8", kernel: "linux-image-cloud-arm64", runs: &["arm"] },
    Subject { host: "arm32v7", kernel: "linux-image-armmp", runs: &[] },
    Subject { host: "s390x", kernel: "linux-image-s390x", runs: &[] },
    Subject { host: "ppc64le", kernel: "linux-image-powerpc64le", runs: &[] },
    Subject { host: "riscv64", kernel: "linux-image-riscv64", runs: &[] },
    Subject { host: "loong64", kernel: "linux-image-loong64", runs: &[] },
];

/// A machine with another processor than its host's others: `a64fx` has no 32-bit mode.
const OTHER_PROCESSORS: [(&str, &str, &[&str]); 1] = [("arm64v8-6.1", "a64fx", &[])];

/// Kernels that are not from their column's suite. A mirror that was behind listed trixie's packages for these hosts and did
/// not have them (404); the backport is of the same series.
const OTHER_SUITES: [(&str, &str); 2] =
    [("s390x-6.12", "bookworm-backports"), ("ppc64le-6.12", "bookworm-backports")];

/// The hosts (none means every one) and the kernels that have no machine together, with what was seen.
type Without = (&'static [&'static str], &'static [&'static str], &'static str);

const WITHOUT: [Without; 5] = [
    (&[], &["4.19"], "Debian's mirrors have neither buster nor stretch any more (404 for their InRelease)"),
    (
        &["s390x", "ppc64le", "riscv64", "loong64"],
        &["5.10"],
        "the InRelease of bullseye lists no packages for it",
    ),
    (&["riscv64", "loong64"], &["6.1"], "the InRelease of bookworm lists no packages for it"),
    (&["loong64"], &["6.12"], "the InRelease of trixie lists no packages for it"),
    (&["i386"], &["6.12", "newest"], "the suite has no kernel among its packages for i386"),
];

/// The machine to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Host and kernel: `amd64-6.1`.
    pub(super) name: String,
    pub(super) suite: &'static str,
    /// The lasting name of the kernel's package.
    pub(super) kernel: &'static str,
    /// Another processor than the usual one.
    pub(super) processor: Option<&'static str>,
    pub(super) host: Host,
    /// The targets of its host's family that its processor runs.
    pub(super) runs: &'static [&'static str],
}

/// A cell of the matrix: a machine, or the reason for there being none.
pub(super) type Cell = Result<Row, &'static str>;

/// Every cell, by host and then by kernel.
pub(super) fn cells() -> Vec<(String, Cell)> {
    let of = |subject: Subject| {
        KERNELS.map(|(linux, suite)| {
            let name = format!("{}-{linux}", subject.host);
            (name.clone(), cell(subject, name, linux, suite))
        })
    };
    HOSTS.into_iter().flat_map(of).collect()
}

fn cell(subject: Subject, name: String, linux: &str, suite: &'static str) -> Cell {
    let missing = |(hosts, kernels, _): &&Without| {
        kernels.contains(&linux) && (hosts.is_empty() || hosts.contains(&subject.host))
    };
    if let Some((.., reason)) = WITHOUT.iter().find(missing) {
        return Err(reason);
    }
    let Subject { host, kernel, runs } = subject;
    let host = host.parse().unwrap_or_else(|error| panic!("{error}"));
    let suite = OTHER_SUITES.into_iter().find(|(row, _)| *row == name).map_or(suite, |(_, suite)| suite);
    let other = OTHER_PROCESSORS.into_iter().find(|(row, ..)| *row == name);
    let runs = other.map_or(runs, |(.., runs)| runs);
    Ok(Row { name, suite, kernel, processor: other.map(|(_, processor, _)| processor), host, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_a_machine_or_has_a_reason() {
        let cells = cells();
        assert_eq!(cells.len(), HOSTS.len() * KERNELS.len());
        let machines: Vec<&str> =
            cells.iter().filter(|(_, cell)| cell.is_ok()).map(|(name, _)| name.as_str()).collect();
        let expected = "amd64-5.10 amd64-6.1 amd64-6.12 amd64-newest i386-5.10 i386-6.1 arm64v8-5.10 arm64v8-6.1 \
            arm64v8-6.12 arm64v8-newest arm32v7-5.10 arm32v7-6.1 arm32v7-6.12 arm32v7-newest s390x-6.1 s390x-6.12 \
            s390x-newest ppc64le-6.1 ppc64le-6.12 ppc64le-newest riscv64-6.12 riscv64-newest loong64-newest";
        assert_eq!(machines.join(" "), expected);
    }

    #[test]
    fn reasons_processors_and_suites_are_those_of_cells() {
        let names: Vec<String> = cells().into_iter().map(|(name, _)| name).collect();
        for (hosts, kernels, _) in WITHOUT {
            for linux in kernels {
                assert!(KERNELS.iter().any(|(other, _)| other == linux), "{linux}");
                for host in hosts {
                    assert!(names.contains(&format!("{host}-{linux}")), "{host}-{linux}");
                }
            }
        }
        for (row, processor, _) in OTHER_PROCESSORS {
            let found = cells().into_iter().find(|(name, _)| name == row).unwrap().1.unwrap();
            assert_eq!(found.processor, Some(processor));
        }
        for (row, suite) in OTHER_SUITES {
            let found = cells().into_iter().find(|(name, _)| name == row).unwrap().1.unwrap();
            assert_eq!(found.suite, suite);
        }
    }
}
