//! The abilities of the running kernel, and in which namespaces this process sees it.

use std::fmt;

/// A kernel's version, of which only major and minor matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    major: u32,
    minor: u32,
}

impl Kernel {
    /// `F`: the interpreter is opened when it is registered (948b701a607f, "binfmt_misc: add persistent opened binary
    /// handler for containers").
    pub const FIX_BINARY: Kernel = Kernel::new(4, 8);
    /// Tells the interpreter through the auxiliary vector that `P` is set (2347961b11d4), which is how QEMU learns it.
    pub const TELLS_PRESERVE_ARGV0: Kernel = Kernel::new(5, 12);
    /// Each user namespace can mount an instance of its own (21ca59b365c0), and an instance ends with its last mount
    /// (1c5976ef0f7a); before, entries kept it alive. The latter has come to older kernels too: to Debian's 6.1, not to its
    /// 5.10.
    pub const OWN_INSTANCES: Kernel = Kernel::new(6, 7);

    /// Version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Kernel {
        Kernel { major, minor }
    }

    /// The kernel that this process runs on.
    pub fn running() -> Option<Kernel> {
        Kernel::parse(&rustix::system::uname().release().to_string_lossy())
    }

    /// Reads a release as `uname -r` prints it: `6.18.44-fc`, `5.10.0-28-amd64`.
    pub fn parse(release: &str) -> Option<Kernel> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        Some(Kernel::new(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// True if this is the machine's own user namespace; true where that cannot be seen.
pub fn in_initial_user_namespace() -> bool {
    // `PROC_USER_INIT_INO` in include/linux/proc_ns.h.
    is_namespace("/proc/self/ns/user", "user:[4026531837]")
}

/// True if this process sees all of the machine's processes, as it would not in most containers.
pub fn in_initial_pid_namespace() -> bool {
    // `PROC_PID_INIT_INO`.
    is_namespace("/proc/self/ns/pid", "pid:[4026531836]")
}

fn is_namespace(path: &str, initial: &str) -> bool {
    std::fs::read_link(path).map_or(true, |target| target.as_os_str() == initial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_uname_prints_them() {
        for (release, expected) in [
            ("6.18.44-fc-v595", Some(Kernel::new(6, 18))),
            ("5.10.0-28-amd64", Some(Kernel::new(5, 10))),
            ("4.4-microsoft", Some(Kernel::new(4, 4))),
            ("6", None),
            ("", None),
            ("next.1", None),
        ] {
            assert_eq!(Kernel::parse(release), expected, "{release}");
        }
        assert!(Kernel::new(4, 19) > Kernel::FIX_BINARY && Kernel::new(4, 4) < Kernel::FIX_BINARY);
    }
}
