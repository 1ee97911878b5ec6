//! What a machine lacks, recognised by what the programs that need it print.
//!
//! cargo, rustup and pip each have their own words for a missing compiler, a full disk or no network, most of them many
//! lines long. Here they become one error that names the thing, with a hint at how to get it.

use base::Hinted;

/// A thing that may be missing.
struct Thing {
    /// What programs print; the first thing that has one of these in the output is the one.
    said: &'static [&'static str],
    error: &'static str,
    hint: &'static str,
}

/// In the order in which they are looked for: a full disk makes other programs fail in other ways, and for want of a network
/// pip also says that there is no such package.
const THINGS: [Thing; 8] = [
    Thing {
        said: &["No space left on device", "Disk quota exceeded"],
        error: "the disk is full",
        hint: "make room (`cargo xtask cache` shows what the cache takes, `cargo clean` removes `target`); \
               what is finished stays, and the next run goes on",
    },
    Thing {
        // rustc, as it links a build script or a macro; the crate `cc`.
        said: &["error: linker `cc` not found", "failed to find tool \"cc\""],
        error: "there is no C compiler",
        hint: "install one: gcc and libc6-dev on Debian and Ubuntu, gcc on Fedora, gcc and musl-dev on Alpine",
    },
    Thing {
        said: &["cannot run `python3`: No such file or directory"],
        error: "there is no Python 3",
        hint: "install it with pip: python3-pip on Debian, Ubuntu and Fedora, py3-pip on Alpine",
    },
    Thing {
        said: &["No module named pip"],
        error: "Python has no pip",
        hint: "install it: python3-pip on Debian, Ubuntu and Fedora, py3-pip on Alpine",
    },
    Thing {
        said: &[
            "cannot run `rustup`: No such file or directory",
            "cannot run `rustc`: No such file or directory",
        ],
        error: "there is no rustup",
        hint: "install it: https://rustup.rs; it brings the Rust that rust-toolchain.toml names",
    },
    Thing {
        // rustup: a version or a component that no server has; a version that it was not allowed to install by itself.
        said: &[
            "could not download nonexistent rust version",
            "is unavailable for download",
            "' is not installed",
        ],
        error: "rustup does not have the Rust that rust-toolchain.toml names",
        hint: "`rustup toolchain install` gets it; if RUSTUP_DIST_SERVER names a mirror, that has to have it",
    },
    Thing {
        said: &[
            "Could not resolve host",
            "Temporary failure in name resolution",
            "Name or service not known",
            "Failed to establish a new connection",
            "Network is unreachable",
            "Connection refused",
            "Connection timed out",
            "could not download file from",
            "error downloading file",
        ],
        error: "the network does not lead there",
        hint: "connect the machine, or name what stands in: HTTPS_PROXY, RUSTUP_DIST_SERVER, PIP_INDEX_URL, \
               cargo's source replacement",
    },
    Thing {
        said: &["No matching distribution found"],
        error: "the package index does not have it",
        hint: "PIP_INDEX_URL, or pip's own settings, may name another index",
    },
];

/// The thing whose lack `output` tells of, and the line that does.
pub(super) fn find(output: &str) -> Option<Hinted> {
    THINGS.iter().find_map(|thing| {
        let line = output.lines().find(|line| thing.said.iter().any(|said| line.contains(said)))?;
        Some(Hinted::new(format!("{}: {}", thing.error, line.trim()), thing.hint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        for (output, expected) in [
            (
                "   Compiling proc-macro2 v1.0.107\nerror: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)\n\n\
                 error: could not compile `proc-macro2` (build script) due to 1 previous error\n",
                "there is no C compiler: error: linker `cc` not found",
            ),
            (
                "  error occurred in cc-rs: failed to find tool \"cc\": No such file or directory (os error 2)\n",
                "there is no C compiler: error occurred in cc-rs: failed to find tool \"cc\": No such file or directory (os error 2)",
            ),
            (
                "/usr/bin/python3: No module named pip\n",
                "Python has no pip: /usr/bin/python3: No module named pip",
            ),
            (
                "error: toolchain '1.95.0-x86_64-unknown-linux-gnu' is not installed\n\
                 help: run `rustup toolchain install` to install it\n",
                "rustup does not have the Rust that rust-toolchain.toml names: \
                 error: toolchain '1.95.0-x86_64-unknown-linux-gnu' is not installed",
            ),
            (
                "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('Failed to establish a new \
                 connection: [Errno -3] Temporary failure in name resolution')': /simple/ziglang/\n\
                 ERROR: No matching distribution found for ziglang==0.17.0\n",
                "the network does not lead there: WARNING: Retrying (Retry(total=0)) after connection broken by \
                 'NewConnectionError('Failed to establish a new connection: [Errno -3] Temporary failure in name \
                 resolution')': /simple/ziglang/",
            ),
            (
                "error: failed to write /x/target/a.rmeta: No space left on device (os error 28)\n\
                 error: linker `cc` not found\n",
                "the disk is full: error: failed to write /x/target/a.rmeta: No space left on device (os error 28)",
            ),
        ] {
            assert_eq!(find(output).map(|found| found.to_string()).as_deref(), Some(expected));
        }
        assert!(find("error[E0425]: cannot find value `x` in this scope\n").is_none());
    }
}
