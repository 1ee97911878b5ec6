//! What cross-building needs beside cargo: the standard library's sources, and zig as the linker.
//!
//! Both are brought by this program and told to the user. zig and cargo-zigbuild come from PyPI into the cache
//! directory, by hash; nothing on the machine is changed but for rustup's own component `rust-src`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use base::Hinted;
use debian::progress::Progress;

use super::run;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Where the cross tools were installed.
pub(super) struct Toolchain {
    root: PathBuf,
}

impl Toolchain {
    /// Finds or installs everything.
    pub(super) fn ensure(
        cache: &Path,
        workspace: &Path,
        offline: bool,
        progress: &dyn Progress,
    ) -> anyhow::Result<Toolchain> {
        rust_src(workspace, offline, progress)?;
        // Other requirements, other folder: a new pin never meets an old install.
        let name = &digest::Digest::of(REQUIREMENTS.as_bytes()).hex()[..16];
        let root = cache.join("cross").join(name);
        if !root.exists() {
            install(&root, offline, progress)?;
        }
        debian::cache::touch(&root);
        Ok(Toolchain { root })
    }

    /// A `cargo zigbuild` that finds what it needs in `self`.
    pub(super) fn zigbuild(&self) -> anyhow::Result<Command> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.root.join("bin")).chain(std::env::split_paths(&path));
        let path: OsString = std::env::join_paths(paths).context("cannot extend PATH")?;
        let mut command = Command::new("cargo");
        command
            .arg("zigbuild")
            .env("PATH", path)
            .env("PYTHONPATH", &self.root)
            .env("CARGO_ZIGBUILD_ZIG_PATH", self.root.join("ziglang").join("zig"))
            .env("CARGO_ZIGBUILD_CACHE_DIR", self.root.join("wrappers"))
            .env("ZIG_GLOBAL_CACHE_DIR", self.root.join("zig-cache"))
            .env("ZIG_LOCAL_CACHE_DIR", self.root.join("zig-cache"));
        Ok(command)
    }
}

/// Most hosts have no prebuilt standard library to install; it is built from its sources for all of them alike.
fn rust_src(workspace: &Path, offline: bool, progress: &dyn Progress) -> anyhow::Result<()> {
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock");
    if library.exists() {
        return Ok(());
    }
    if offline {
        return Err(Hinted::new(
            "the standard library's sources are not installed, and --offline forbids to fetch them",
            "run `rustup component add rust-src`, or `cargo xtask images` without --offline once",
        )
        .into());
    }
    progress.note("installing the standard library's sources (rustup component add rust-src)");
    run(Command::new("rustup").args(["component", "add", "rust-src"]).current_dir(workspace))
        .context("cannot install the standard library's sources")
        .map(drop)
}

fn install(root: &Path, offline: bool, progress: &dyn Progress) -> anyhow::Result<()> {
    if offline {
        return Err(Hinted::new(
            "the cross linker is not installed, and --offline forbids to fetch it",
            "run `cargo xtask images` without --offline once",
        )
        .into());
    }
    let parent = root.parent().context("the cache directory has no parent")?;
    std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let staging = tempfile::Builder::new()
        .prefix(".install-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write to {}", parent.display()))?;
    let requirements = staging.path().join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS)
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    progress.note("installing the cross linker from PyPI (ziglang, cargo-zigbuild; about 100 MB)");
    let target = staging.path().join("tools");
    run(Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(&requirements)
        .arg("--target")
        .arg(&target)
        .env("PIP_ROOT_USER_ACTION", "ignore"))
    .context("cannot install the cross linker")?;
    match std::fs::rename(&target, root) {
        // Another run was faster, with the same files.
        Err(_) if root.exists() => Ok(()),
        renamed => renamed.with_context(|| format!("cannot create {}", root.display())),
    }
}
