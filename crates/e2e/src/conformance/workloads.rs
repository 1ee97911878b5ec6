//! The workloads: real programs of Debian, each with exactly what it has to print.

use std::time::Duration;

use arch::UnknownName;

/// The packages that every root has: those that Debian takes for granted.
pub(super) const BASE: &str = "
    base-files bash coreutils dash debianutils diffutils findutils grep gzip hostname libc-bin perl-base sed
    tar util-linux";

/// A script, and what comes of it where nothing is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The packages that it needs over those of every root.
    pub(super) packages: &'static str,
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
    /// True if the packages that its root is made of are there, too, in `/trial/packages`: it is to install them.
    pub(super) has_packages: bool,
}

/// A workload whose script and expectation are files.
macro_rules! workload {
    ($name:literal, $file:expr, $packages:expr, $about:literal) => {
        Workload {
            name: $name,
            about: $about,
            packages: $packages,
            script: include_str!(concat!("workloads/", $file)),
            expected: include_str!(concat!("workloads/", $name, ".out")),
            limit: Duration::from_secs(300),
            is_quick: false,
            has_credentials: false,
            has_packages: false,
        }
    };
}

/// A program in C, which the target's own compiler compiles first.
macro_rules! c_workload {
    ($name:literal, $about:literal) => {
        Workload {
            packages: C,
            script: concat!(
                "#!/bin/sh\nset -e\ncd /tmp\nsed '1,/^exit$/d' \"$0\" > program.c\n",
                "gcc -O1 -Wall -Werror -pthread -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -o program program.c\n",
                "./program\nexit\n",
                include_str!(concat!("workloads/", $name, ".c")),
            ),
            ..workload!($name, concat!($name, ".c"), "", $about)
        }
    };
}

/// The packages that compile C.
const C: &str = "gcc libc6-dev";

#[rustfmt::skip]
const WORKLOADS: [Workload; 31] = [
    Workload { is_quick: true, ..workload!("bash", "bash.sh", "", "arrays, pipes, a coprocess, jobs, signals") },
    Workload { is_quick: true, ..workload!("perl", "perl.pl", "perl", "numbers, regular expressions, digests, fork, alarm") },
    Workload { is_quick: true, ..workload!("python3", "python3.py", "python3", "numbers, digests, sockets, an event loop") },
    Workload { is_quick: true, ..workload!("python3-threads", "python3-threads.py", "python3", "locks, queues, barriers, a pool of threads") },
    Workload { is_quick: true, ..workload!("python3-processes", "python3-processes.py", "python3", "subprocess, posix_spawn, multiprocessing") },
    Workload { is_quick: true, ..workload!("openssl", "openssl.sh", "openssl", "known answers, keys, a handshake on loopback") },
    Workload { is_quick: true, ..workload!("compressors", "compressors.sh", "xz-utils zstd", "xz -T0, zstd -T0, gzip") },
    Workload { is_quick: true, ..workload!("sqlite", "sqlite.sh", "sqlite3", "queries, an index, a write-ahead log with two writers") },
    Workload { is_quick: true, ..workload!("git", "git.sh", "git", "commits, a merge, gc, a clone, fsck") },
    Workload { is_quick: true, ..workload!("ldconfig", "ldconfig.sh", "zlib1g", "the cache of shared libraries") },
    workload!("python3-ctypes", "python3-ctypes.py", "python3", "callbacks, structures, variable arguments"),
    workload!("gcc", "gcc.sh", C, "compiles a program with threads, and runs it"),
    c_workload!("threads", "mutexes, conditions, barriers, processes that share a mutex"),
    c_workload!("thread-cancel", "threads that are cancelled"),
    c_workload!("thread-locals", "variables of threads, while signals come"),
    c_workload!("robust-mutex", "a mutex whose owner has ended"),
    c_workload!("signals", "faults that are survived, queues, descriptors of signals"),
    c_workload!("fault-codes", "the reasons of faults: no map, or one that does not allow it"),
    c_workload!("timers", "clocks, intervals, timers, descriptors of timers, epoll"),
    c_workload!("spawn", "fork, vfork, clone, posix_spawn, also by many threads"),
    c_workload!("spawn-errors", "posix_spawn of what is not there, memory that vfork shares"),
    c_workload!("mmap", "large and fixed maps, maps that grow and are shared"),
    c_workload!("mmap-noreplace", "maps at fixed places that are free, and that are taken"),
    c_workload!("time64", "times after 2038 and files over 4 GB, also with 32 bits"),
    Workload { has_credentials: true, ..workload!("su", "su.sh", "sudo login", "su and sudo by a user, with the flag C") },
    workload!("apt", "apt.sh", "apt dpkg", "packages built, installed from an archive, and removed"),
    Workload { limit: Duration::from_secs(900), has_packages: true, ..workload!("second-stage", "second-stage.sh", SYSTEM, "dpkg installs a small Debian: scripts of packages, triggers") },
    workload!("node", "node.js", "nodejs", "compiled code, workers, a server, WebAssembly"),
    workload!("java", "java.sh", "default-jdk-headless", "compiles and runs threads, streams, a server"),
    Workload { limit: Duration::from_secs(900), ..workload!("go", "go.sh", "golang-go", "compiles and runs goroutines, a server, preemption") },
    Workload { limit: Duration::from_secs(900), ..workload!("rust", "rust.sh", "rustc", "compiles and runs threads, channels, a panic") },
];

/// The packages that are essential in Debian and not in every root, with what makes `/etc/shadow`, and apt. The first has no need of perl, as `usrmerge` in its place has.
const SYSTEM: &str = "
    usr-is-merged apt base-passwd bsdutils dpkg init-system-helpers login ncurses-base ncurses-bin passwd
    sysvinit-utils";

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
