//! The programs that `register --check=full` runs, one for each target that the toolchain compiles and links for.
//!
//! They take the compiler alone: no standard library, not even `core`, no C library and no cargo, and so a fraction of a second
//! each. They are built again whenever a `register` is, into one folder; what did not change there is not written.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::run;
use super::toolchain::Toolchain;

/// The source, in the workspace.
const SOURCE: &str = "crates/trial/src/program/main.rs";

/// QEMU's name of each target, the compiler's, and flags for it alone.
///
/// Of the targets that have none here, LLVM has no instructions for alpha, cris, hppa, microblaze, nios2, or1k and sh4; its linker
/// links nothing for m68k and for sparc of 32 bits; and rustc has no target with Linux for mipsn32 and xtensa.
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

/// Builds all of them into `folder`, each under its target's name.
pub(super) fn build(
    toolchain: &Toolchain,
    workspace: &Path,
    folder: &Path,
    jobs: usize,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let staging =
        tempfile::Builder::new().prefix(".trials-").tempdir_in(folder.parent().unwrap_or(folder))?;
    base::pool(jobs, TARGETS, |(target, triple, flags)| -> anyhow::Result<()> {
        let built = staging.path().join(target);
        let what = format!("the program of `--check=full` for {target}");
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
        run(&mut command).with_context(|| format!("cannot build {what}"))?;
        let path = folder.join(target);
        let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            files::write(&path, &bytes)?;
        }
        Ok(())
    })?;
    // Of a target that is built for no more.
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if !TARGETS.iter().any(|(target, ..)| entry.file_name() == *target) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arch::Target;
    use debian::progress::Silent;

    use super::*;

    /// The most bytes that one may have: `register` holds all of them.
    const LIMIT: usize = 20_000;

    #[test]
    fn every_program_is_small_and_its_targets() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let toolchain = Toolchain::ensure(&root, true, &Silent).unwrap();
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("trials");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("of-another-time"), "").unwrap();
        build(&toolchain, &root, &folder, 2).unwrap();
        let names: Vec<String> = TARGETS.iter().map(|(target, ..)| (*target).to_owned()).collect();
        assert!(names.is_sorted());
        let files =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.collect();
        files.sort();
        assert_eq!(files, names);
        for name in names {
            let bytes = fs::read(folder.join(&name)).unwrap();
            let target: Target = name.parse().unwrap();
            assert!(bytes.len() <= LIMIT, "{name}: {}", bytes.len());
            let takers: Vec<Target> = Target::all().filter(|other| other.magic().matches(&bytes)).collect();
            let same: Vec<Target> = Target::all().filter(|other| other.binary() == target).collect();
            // An i486's programs are an i386's.
            assert!(
                takers.contains(&target) && takers.iter().all(|taker| same.contains(taker)),
                "{name}: {takers:?}"
            );
            debian::elf::check(&bytes, target.elf()).unwrap();
        }
    }
}
