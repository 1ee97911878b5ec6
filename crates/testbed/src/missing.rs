//! The check for what a machine lacks to run a sandbox.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cgroup;

/// The thing that this machine lacks to run a [`crate::Sandbox`], as a sentence with a hint; `None` if everything is there.
pub fn missing() -> Option<String> {
    // A map of (nearly) all ids can only be written by root.
    if !rustix::process::geteuid().is_root() {
        return Some(NOT_ROOT.to_owned());
    }
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    if !recent(&release) {
        return Some(old(&release));
    }
    let namespaces = fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    if namespaces.trim().parse::<u64>().unwrap_or(0) == 0 {
        return Some("user namespaces are turned off\nhint: sysctl user.max_user_namespaces=1000".to_owned());
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    for name in ["overlay", "binfmt_misc"] {
        if !known.lines().any(|line| line.split_whitespace().next_back() == Some(name)) {
            return Some(format!("the kernel has no {name}\nhint: modprobe {name}"));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    // A container's runtime has covered parts of `/proc`, and the kernel then refuses a new one (`mount_too_revealing`).
    if let Some(path) = covered(&mounts) {
        return Some(format!(
            "{path} is covered, so that no new /proc can be mounted\nhint: run it on the machine itself, or in a container with --privileged"
        ));
    }
    cgroup::root().is_none().then(|| cgroup::MISSING.to_owned())
}

const NOT_ROOT: &str = "not root, so a user namespace gets too few ids\nhint: run it with sudo";

/// binfmt_misc per user namespace came with Linux 6.7 (commit 21ca59b365c0).
fn old(release: &str) -> String {
    format!(
        "Linux {release} has one binfmt_misc for the whole machine\nhint: Linux 6.7 and newer have one per user namespace"
    )
}

fn recent(release: &str) -> bool {
    let mut numbers = release.split(['.', '-']).map(|part| part.parse().unwrap_or(0u32));
    (numbers.next(), numbers.next()) >= (Some(6), Some(7))
}

/// The first place in `/proc` that something is mounted on, other than the one that is there for it.
fn covered(mounts: &str) -> Option<&str> {
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    places.filter(|path| path.starts_with("/proc/")).find(|path| *path != "/proc/sys/fs/binfmt_misc")
}

/// True if `test` can use a [`crate::Sandbox`]. If not, stderr says that it is skipped, and why.
///
/// # Panics
///
/// If not, and the environment has `CI`: there a skip is a failure.
pub fn ready(test: &str) -> bool {
    let missing = missing();
    if let Some(reason) = &missing {
        skip(test, reason);
    }
    missing.is_none()
}

/// Reports that `test` does not run: on stderr, and to `cargo xtask test`, which lists it at its end.
///
/// # Panics
///
/// If the environment has `CI`: there a skip is a failure.
pub fn skip(test: &str, reason: &str) {
    let list = std::env::var_os("QUS_TEST_SKIPPED").map(PathBuf::from);
    report(test, reason, list.as_deref(), std::env::var_os("CI").is_some());
}

fn report(test: &str, reason: &str, list: Option<&Path>, ci: bool) {
    let message = format!("{test} is skipped: {reason}");
    assert!(!ci, "{message}");
    if let Some(list) = list {
        let line = format!("{test}: {}\n", reason.replace('\n', "; "));
        let file = fs::OpenOptions::new().append(true).open(list);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("cannot write {}: {error}", list.display()));
    }
    // Not `eprintln!`: the test harness would keep it to itself. A closed stderr is no reason to fail.
    let _ = writeln!(io::stderr(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_compared_by_number() {
        for (release, expected) in [
            ("6.7.0", true),
            ("6.18.44-fc", true),
            ("7.0-rc1", true),
            ("6.6.99", false),
            ("5.15.0-1", false),
            ("", false),
        ] {
            assert_eq!(recent(release), expected, "{release}");
        }
    }

    #[test]
    fn a_container_covers_what_is_in_proc() {
        let machine = "proc /proc proc rw 0 0\nbinfmt_misc /proc/sys/fs/binfmt_misc binfmt_misc rw 0 0\n";
        assert_eq!(covered(machine), None);
        assert_eq!(covered(&format!("{machine}tmpfs /proc/kcore tmpfs ro 0 0\n")), Some("/proc/kcore"));
    }

    #[test]
    fn a_reason_says_what_to_do() {
        assert_eq!(
            old("5.15.0"),
            "Linux 5.15.0 has one binfmt_misc for the whole machine\nhint: Linux 6.7 and newer have one per user namespace"
        );
    }

    #[test]
    #[should_panic(expected = "a is skipped: not root")]
    fn in_ci_a_skip_is_a_failure() {
        report("a", NOT_ROOT, None, true);
    }

    #[test]
    fn a_skip_is_a_line_of_the_list() {
        let list = tempfile::NamedTempFile::new().unwrap();
        report("m::a", NOT_ROOT, Some(list.path()), false);
        report("m::b", "no kernel", Some(list.path()), false);
        assert_eq!(
            fs::read_to_string(list.path()).unwrap(),
            "m::a: not root, so a user namespace gets too few ids; hint: run it with sudo\nm::b: no kernel\n"
        );
    }
}
