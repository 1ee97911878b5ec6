//! The workloads: real programs of Debian, each with exactly what it has to print.

use std::time::Duration;

use arch::UnknownName;

/// The packages that every root has: those that Debian takes for granted.
pub(super) const BASE: [&str; 15] = [
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "perl-base",
    "sed",
    "tar",
    "util-linux",
];

/// A script, and what comes of it where nothing is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The packages that it needs over those of every root.
    pub(super) packages: &'static [&'static str],
    /// A program with `#!`.
    pub(super) script: &'static str,
    /// All of its stdout.
    pub(super) expected: &'static str,
    /// The time that it may take under emulation, on a machine with other things to do.
    pub(super) limit: Duration,
    /// True if the quick part of the tests has it.
    pub(super) is_quick: bool,
    /// True if programs keep their credentials under QEMU (binfmt_misc's flag C).
    pub(super) has_credentials: bool,
}

/// A workload whose script and expectation are files.
macro_rules! workload {
    ($name:literal, $file:literal, $packages:expr, $about:literal) => {
        Workload {
            name: $name,
            about: $about,
            packages: &$packages,
            script: include_str!(concat!("workloads/", $file)),
            expected: include_str!(concat!("workloads/", $name, ".out")),
            limit: Duration::from_secs(300),
            is_quick: false,
            has_credentials: false,
        }
    };
}

#[rustfmt::skip]
const WORKLOADS: [Workload; 11] = [
    Workload { is_quick: true, ..workload!("bash", "bash.sh", [], "arrays, pipes, a coprocess, jobs, signals") },
    Workload { is_quick: true, ..workload!("perl", "perl.pl", ["perl"], "numbers, regular expressions, digests, fork, alarm") },
    Workload { is_quick: true, ..workload!("python3", "python3.py", ["python3"], "numbers, digests, sockets, an event loop") },
    Workload { is_quick: true, ..workload!("python3-threads", "python3-threads.py", ["python3"], "locks, queues, barriers, a pool of threads") },
    Workload { is_quick: true, ..workload!("python3-processes", "python3-processes.py", ["python3"], "subprocess, posix_spawn, multiprocessing") },
    Workload { is_quick: true, ..workload!("openssl", "openssl.sh", ["openssl"], "known answers, keys, a handshake on loopback") },
    Workload { is_quick: true, ..workload!("compressors", "compressors.sh", ["xz-utils", "zstd"], "xz -T0, zstd -T0, gzip") },
    Workload { is_quick: true, ..workload!("sqlite", "sqlite.sh", ["sqlite3"], "queries, an index, a write-ahead log with two writers") },
    Workload { is_quick: true, ..workload!("git", "git.sh", ["git"], "commits, a merge, gc, a clone, fsck") },
    Workload { is_quick: true, ..workload!("ldconfig", "ldconfig.sh", ["zlib1g"], "the cache of shared libraries") },
    workload!("gcc", "gcc.sh", ["gcc", "libc6-dev"], "compiles a program with threads, and runs it"),
];

/// The workloads with these names; without any, all, or the quick ones.
pub(super) fn select(names: &[String], is_quick: bool) -> Result<Vec<Workload>, UnknownName> {
    if names.is_empty() {
        return Ok(WORKLOADS.into_iter().filter(|workload| workload.is_quick || !is_quick).collect());
    }
    let find = |name: &String| {
        let found = WORKLOADS.into_iter().find(|workload| workload.name == name);
        found.ok_or_else(|| UnknownName::new("workload", name, WORKLOADS.map(|workload| workload.name)))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_script_that_prints_something() {
        for workload in WORKLOADS {
            assert!(workload.script.starts_with("#!/"), "{}", workload.name);
            assert!(workload.expected.ends_with('\n'), "{}", workload.name);
        }
    }

    #[test]
    fn ten_are_quick() {
        assert_eq!(select(&[], true).unwrap().len(), 10);
        assert_eq!(select(&["gcc".to_owned()], true).unwrap()[0].name, "gcc");
        let error = select(&["gc".to_owned()], false).unwrap_err().to_string();
        assert!(error.starts_with("unknown workload `gc`"), "{error}");
    }
}
