//! The things that a machine lacks, recognised by what the programs that need it print.
//!
//! cargo, rustc and rustup each have their own words for a missing compiler, a full disk or no network, most of them many
//! lines long. Here they become one error that names the thing, with a hint at how to get it.

use base::Hinted;

/// The thing whose lack `output` reports, with the line that does.
///
/// A full disk comes first: it makes programs fail in many other ways.
pub(super) fn find(output: &str) -> Option<Hinted> {
    let line = |said: &[&str]| {
        output.lines().find(|line| said.iter().any(|said| line.contains(said))).map(str::trim)
    };
    if let Some(line) = line(&["No space left on device", "Disk quota exceeded"]) {
        return Some(Hinted::new(
            format!("the disk is full: {line}"),
            "make room (`cargo xtask cache` shows what the cache takes, `cargo clean` removes `target`); \
             what is finished stays, and the next run goes on",
        ));
    }
    // rustc, as it links a build script or a macro; the crate `cc`.
    if let Some(line) = line(&["error: linker `cc` not found", "failed to find tool \"cc\""]) {
        return Some(Hinted::new(
            format!("there is no C compiler: {line}"),
            "install one: gcc and libc6-dev on Debian and Ubuntu, gcc on Fedora, gcc and musl-dev on Alpine",
        ));
    }
    if let Some(line) = line(&["cannot run `rustup`: No such file", "cannot run `rustc`: No such file"]) {
        return Some(Hinted::new(
            format!("there is no rustup: {line}"),
            "install it: https://rustup.rs; it brings the Rust that rust-toolchain.toml names",
        ));
    }
    // rustup: a version or a component that no server has; a version that it was not allowed to install by itself.
    if let Some(line) = line(&[
        "could not download nonexistent rust version",
        "is unavailable for download",
        "' is not installed",
    ]) {
        return Some(Hinted::new(
            format!("rustup does not have the Rust that rust-toolchain.toml names: {line}"),
            "`rustup toolchain install` gets it; if RUSTUP_DIST_SERVER names a mirror, that has to have it",
        ));
    }
    let unreachable = [
        "Could not resolve host",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Network is unreachable",
        "Connection refused",
        "Connection timed out",
        "could not download file from",
        "error downloading file",
    ];
    line(&unreachable).map(|line| {
        Hinted::new(
            format!("the network does not lead there: {line}"),
            "connect the machine, or name what stands in: HTTPS_PROXY, RUSTUP_DIST_SERVER, cargo's source replacement",
        )
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
                "error: toolchain '1.95.0-x86_64-unknown-linux-gnu' is not installed\n\
                 help: run `rustup toolchain install` to install it\n",
                "rustup does not have the Rust that rust-toolchain.toml names: \
                 error: toolchain '1.95.0-x86_64-unknown-linux-gnu' is not installed",
            ),
            (
                "info: syncing channel updates for 1.95.0-x86_64-unknown-linux-gnu\n\
                 error: could not download file from 'https://x/channel.sha256' to '/x/tmp': error sending request\n",
                "the network does not lead there: \
                 error: could not download file from 'https://x/channel.sha256' to '/x/tmp': error sending request",
            ),
            (
                "warning: spurious network error (1 try remaining): [6] Could not resolve hostname (Could not resolve host: x)\n",
                "the network does not lead there: \
                 warning: spurious network error (1 try remaining): [6] Could not resolve hostname (Could not resolve host: x)",
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
