//! The needs of building `register` of the toolchain beside cargo and rustc: the standard library's sources, and the linker
//! that comes with rustc.
//!
//! Nothing on the machine is changed but for rustup's own component `rust-src`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use arch::Host;
use base::Hinted;
use debian::progress::Progress;

use super::libc::Libc;
use super::run;

/// The pinned toolchain.
pub(super) struct Toolchain {
    /// `rust-lld`, which links for every machine.
    linker: PathBuf,
}

impl Toolchain {
    /// Finds everything, and installs the standard library's sources where they are missing.
    pub(super) fn ensure(
        workspace: &Path,
        offline: bool,
        progress: &dyn Progress,
    ) -> anyhow::Result<Toolchain> {
        let rustc = |args: &[&str]| run(Command::new("rustc").args(args).current_dir(workspace));
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        rust_src(&sysroot, workspace, offline, progress)?;
        let version = rustc(&["-vV"])?;
        let own =
            version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc has no host")?;
        let linker = sysroot.join("lib/rustlib").join(own).join("bin/rust-lld");
        if !linker.is_file() {
            return Err(Hinted::new(
                format!("the toolchain has no linker: {} is not there", linker.display()),
                "install the toolchain that rust-toolchain.toml names with rustup: `rustup toolchain install`",
            )
            .into());
        }
        Ok(Toolchain { linker })
    }

    /// `rust-lld`
    pub(super) fn linker_path(&self) -> &Path {
        &self.linker
    }

    /// Writes the program that links for `host` into `folder`: the toolchain's linker, with the C library's files.
    ///
    /// A program of its own rather than flags for rustc: flags would be joined with the user's own for the same target, and
    /// would bring paths into what cargo calls the build.
    pub(super) fn linker(&self, host: Host, libc: &Libc, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = folder.join(format!("link-{host}"));
        let object = |name: &str| quoted(&libc.path(name));
        // The linker takes its flavour as its first argument only, which is where rustc puts it.
        let script = format!(
            "#!/bin/sh\nflavor=$2\nshift 2\nexec {} -flavor \"$flavor\" {} {} \"$@\" -L {}{} {}\n",
            quoted(&self.linker),
            object("crt1.o"),
            object("crti.o"),
            quoted(libc.folder()),
            unwinder(host),
            object("crtn.o"),
        );
        let options = files::Options { mode: 0o755, ..files::Options::default() };
        files::write_with(&path, script.as_bytes(), options)?;
        Ok(path)
    }
}

/// With `panic = "abort"` nothing is ever unwound, and what the standard library has for it is dropped. Only ppc64le's table
/// of contents (64-bit ELF V2 ABI, 3.3) holds on to two functions of an unwinder, which nothing calls.
fn unwinder(host: Host) -> &'static str {
    match host.name() {
        "ppc64le" => " --defsym=_Unwind_GetTextRelBase=0 --defsym=_Unwind_GetDataRelBase=0",
        _ => "",
    }
}

/// A path as a word of a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Most hosts have no prebuilt standard library to install; it is built from its sources for all of them alike.
fn rust_src(sysroot: &Path, workspace: &Path, offline: bool, progress: &dyn Progress) -> anyhow::Result<()> {
    if fs::exists(sysroot.join("lib/rustlib/src/rust/library/Cargo.lock"))? {
        return Ok(());
    }
    if offline {
        return Err(Hinted::new(
            "the standard library's sources are not installed, and --offline forbids to fetch them",
            "run `rustup component add rust-src`, or `cargo xtask images` without --offline once",
        )
        .into());
    }
    let _step = progress.step("installing the standard library's sources (rustup component add rust-src)");
    run(Command::new("rustup").args(["component", "add", "rust-src"]).current_dir(workspace))
        .context("cannot install the standard library's sources")
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_words_of_a_shell() {
        for (path, expected) in [("/a b/c", "'/a b/c'"), ("/it's", r"'/it'\''s'"), ("/$x`y`", "'/$x`y`'")] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
