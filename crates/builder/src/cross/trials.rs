//! The programs that `register --check=full` runs, one for each target that the toolchain compiles and links for.
//!
//! They take the compiler alone: no standard library, not even `core`, no C library and no cargo, and so a fraction of a second
//! each. They are built again whenever a `register` is, into one folder; what did not change there is not written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::run;
use super::toolchain::Toolchain;

/// The source, in the workspace.
const SOURCE: &str = "crates/trial/src/program/main.rs";

/// QEMU's name of each target, the compiler's, and flags for it alone.
///
/// Of the targets that have none here, LLVM has no instructions for alpha, cris, hppa, microblaze, nios2, or1k, sh4 and xtensa; its
/// linker links nothing for m68k and for sparc of 32 bits; and rustc has no target for mipsn32.
const TARGETS: [(&str, &str, &[&str]); 19] = [
    ("aarch64", "aarch64-unknown-linux-musl", &[]),
    ("aarch64_be", "aarch64_be-unknown-linux-musl", &[]),
    ("arm", "arm-unknown-linux-musleabi", &[]),
    ("armeb", "armeb-unknown-linux-gnueabi", &[]),
    ("hexagon", "hexagon-unknown-linux-musl", &[]),
    // The oldest that has the instruction of the shared counter, so that any CPU model runs it.
    ("i386", "i586-unknown-linux-musl", &[]),
    // QEMU 7.2 has no vector instructions for it.
    ("loongarch64", "loongarch64-unknown-linux-musl", &["-Ctarget-feature=-lsx", "-Ccode-model=small"]),
    ("mips", "mips-unknown-linux-musl", &[]),
    ("mips64", "mips64-unknown-linux-muslabi64", &[]),
    ("mips64el", "mips64el-unknown-linux-muslabi64", &[]),
    ("mipsel", "mipsel-unknown-linux-musl", &[]),
    ("ppc", "powerpc-unknown-linux-musl", &[]),
    ("ppc64", "powerpc64-unknown-linux-musl", &[]),
    ("ppc64le", "powerpc64le-unknown-linux-musl", &[]),
    ("riscv32", "riscv32gc-unknown-linux-musl", &[]),
    ("riscv64", "riscv64gc-unknown-linux-musl", &[]),
    ("s390x", "s390x-unknown-linux-musl", &[]),
    ("sparc64", "sparc64-unknown-linux-gnu", &[]),
    ("x86_64", "x86_64-unknown-linux-musl", &[]),
];

/// Flags of the compiler. Nothing may call what a library would have: functions for overflows and bounds, or for unwinding.
const FLAGS: [&str; 9] = [
    "--edition=2024",
    "--crate-name=trial",
    "-Dwarnings",
    "-Copt-level=z",
    "-Cpanic=abort",
    "-Coverflow-checks=off",
    "-Cforce-unwind-tables=no",
    "-Crelocation-model=static",
    "-Cstrip=symbols",
];

/// Flags of the linker: a program at the address of the small ones, which begins at any kernel's page, and no more in the file
/// than what is loaded.
const LINKER_FLAGS: [&str; 6] = [
    "-e_start",
    "--image-base=0x400000",
    "-zmax-page-size=0x10000",
    "-znorelro",
    "-znosectionheader",
    "--no-eh-frame-hdr",
];

/// Builds all of them, and returns their folder: each has its target's name.
pub(super) fn build(toolchain: &Toolchain, workspace: &Path, jobs: usize) -> anyhow::Result<PathBuf> {
    let folder = workspace.join("target/cross/trials");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let staging = tempfile::Builder::new().prefix(".trials-").tempdir_in(workspace.join("target/cross"))?;
    base::pool(jobs, TARGETS, |(target, triple, flags)| -> anyhow::Result<()> {
        let built = staging.path().join(target);
        let mut command = Command::new("rustc");
        command
            .current_dir(workspace)
            .env("RUSTC_BOOTSTRAP", "1")
            .arg(SOURCE)
            .args(FLAGS)
            .args(flags)
            .args(["--target", triple, "-Clinker-flavor=ld.lld", "-Clink-self-contained=no"])
            .args(LINKER_FLAGS.map(|flag| format!("-Clink-arg={flag}")))
            .arg(format!("-Clinker={}", toolchain.linker_path().display()))
            .arg("-o")
            .arg(&built);
        run(&mut command).with_context(|| format!("cannot build the program of `--check=full` for {target}"))?;
        let path = folder.join(target);
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            files::write(&path, &bytes)?;
        }
        Ok(())
    })?;
    // Of a target that is built for no more.
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if !TARGETS.iter().any(|(target, ..)| entry.file_name() == *target) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(folder)
}
