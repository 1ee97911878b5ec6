//! Builds our programs for the hosts: static binaries, bit-identical wherever they are built.
//!
//! A host's programs are built together, in one call of cargo, always: the standard library is then compiled once for them, and
//! what they share of other crates has the same features and so gives the same bytes, whichever of them is asked for.
//!
//! The linker is the toolchain's own, which links for every machine; the C library is musl as Debian has it for each host,
//! pinned by `images/libc.lock`.
//!
//! The standard library is built along, from the toolchain's own sources, without its backtrace machinery: some
//! hosts (s390x) have no prebuilt musl library anywhere, and one way for all keeps the bytes from depending on
//! what could be downloaded. Cargo's `trim-paths` keeps the machine's paths out. Both are unstable, hence
//! `RUSTC_BOOTSTRAP`; the toolchain is pinned, so they cannot change under us.

mod cargo;
mod inputs;
mod kept;
mod lacking;
mod libc;
mod linked;
mod program;
mod toolchain;
mod trials;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use anyhow::Context as _;
use arch::Host;
use debian::progress::Progress;
use sha256::{Digest, Hasher};

use crate::{Leave, Site};
use kept::Kept;
use libc::Libc;
pub use libc::lock_path;
pub use program::{Binary, Program, Programs};
use toolchain::Toolchain;

/// The crates that end up in the programs, and the files that steer their build.
const SOURCES: [&str; 24] = [
    "rust-toolchain.toml",
    "crates/arch/Cargo.toml",
    "crates/arch/src",
    "crates/binfmt/Cargo.toml",
    "crates/binfmt/src",
    "crates/exec/Cargo.toml",
    "crates/exec/src",
    "crates/files/Cargo.toml",
    "crates/files/src",
    "crates/qemu/Cargo.toml",
    "crates/qemu/src",
    "crates/register/Cargo.toml",
    "crates/register/src",
    "crates/run/Cargo.toml",
    "crates/run/src",
    "crates/trial/Cargo.toml",
    "crates/trial/build.rs",
    "crates/trial/src",
    "crates/usage/Cargo.toml",
    "crates/usage/src",
    "crates/watch/Cargo.toml",
    "crates/watch/src",
    "crates/builder/src/cross",
    "images/libc.lock",
];

/// Static programs at fixed addresses, linked with the libraries that the linker script of `Toolchain` brings, without tables
/// for unwinding: a panic ends the program.
const FLAGS: [&str; 5] = [
    "-Clinker-flavor=ld.lld",
    "-Clink-self-contained=no",
    "-Ctarget-feature=+crt-static",
    "-Crelocation-model=static",
    "-Cforce-unwind-tables=no",
];

/// The programs of each of `hosts`, from the cache or, if `leave` is given, built now.
pub fn programs(
    hosts: &[Host],
    site: &Site,
    leave: &Leave<'_>,
    progress: &dyn Progress,
) -> anyhow::Result<Programs> {
    if hosts.is_empty() {
        return Ok(Programs::default());
    }
    let folder = folder(&site.workspace, &site.cache_dir)?;
    let path = |program: Program, host: Host| folder.join(program.file(host));
    let wanted = hosts.iter().flat_map(|&host| Program::of(host).map(move |program| (program, host)));
    let kept = |(program, host)| Some(((program, host), kept::read(&path(program, host))?));
    let mut programs: BTreeMap<(Program, Host), Kept> = wanted.filter_map(kept).collect();
    let is_missing =
        |host: &Host| Program::of(*host).any(|program| !programs.contains_key(&(program, *host)));
    let missing: Vec<Host> = hosts.iter().copied().filter(is_missing).collect();
    if !missing.is_empty() {
        leave()?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for (program, host, built) in build(&missing, site, progress)? {
            let path = path(program, host);
            kept::write(&built, &path)?;
            let binary = kept::read(&path);
            let binary = binary.with_context(|| format!("{} changed while it was in use", path.display()))?;
            programs.insert((program, host), binary);
        }
    }
    let mut linked = BTreeMap::new();
    for &(program, host) in programs.keys() {
        if let Some(found) = linked::read(&path(program, host)) {
            linked.insert((program, host), found);
        }
    }
    let is_unknown = |host: &Host| programs.keys().any(|key| key.1 == *host && !linked.contains_key(key));
    let unknown: Vec<Host> = hosts.iter().copied().filter(is_unknown).collect();
    for host in unknown {
        for (program, found) in linked::find(host, &site.workspace)? {
            linked::write(&found, &path(program, host))?;
            linked.insert((program, host), found);
        }
    }
    debian::cache::touch(&folder);
    for ((program, host), binary) in &programs {
        debian::elf::check(&binary.bytes, host.elf()).with_context(|| {
            format!("`{program}` for {host} ({}) is unusable", path(*program, *host).display())
        })?;
    }
    let whole = |(key, Kept { bytes, digest }): ((Program, Host), Kept)| {
        let linked = linked.remove(&key).with_context(|| format!("`{}` has no crates", key.0))?;
        Ok((key, Binary { bytes, digest, linked }))
    };
    programs.into_iter().map(whole).collect()
}

/// Builds the programs of `hosts`: those that have the same ones in one call of cargo, and these calls beside each other, since
/// cargo leaves cores idle while it links.
fn build(
    hosts: &[Host],
    site: &Site,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<(Program, Host, PathBuf)>> {
    let toolchain = Toolchain::ensure(&site.workspace, site.offline, progress)?;
    let mut groups: BTreeMap<Vec<Program>, Vec<Host>> = BTreeMap::new();
    for &host in hosts {
        groups.entry(Program::of(host).collect()).or_default().push(host);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // Its share of the cores, and one more for when the others have ended: a job takes up to 1 GB.
    let share = (cores.div_ceil(groups.len().max(1)) + 1).min(cores);
    let trials = site.workspace.join("target/cross/trials");
    trials::build(&toolchain, &site.workspace, &trials, cores)?;
    let build = |(programs, hosts): (Vec<Program>, Vec<Host>)| {
        build_group((&programs, &hosts), share, (&toolchain, &trials), site, progress)
    };
    Ok(base::pool(groups.len(), groups, build)?.concat())
}

/// Builds `programs` for each of `hosts`, by one call of cargo with a folder of its own, since it locks that.
fn build_group(
    (programs, hosts): (&[Program], &[Host]),
    jobs: usize,
    (toolchain, trials): (&Toolchain, &Path),
    site: &Site,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<(Program, Host, PathBuf)>> {
    let Site { workspace, offline, .. } = site;
    let names: Vec<&str> = programs.iter().map(|program| program.name()).collect();
    let target_dir = workspace.join("target/cross").join(names.join("-"));
    let triples: Vec<(Host, &str)> =
        hosts.iter().filter_map(|&host| host.triple().map(|triple| (host, triple))).collect();
    let hosts: Vec<Host> = triples.iter().map(|(host, _)| *host).collect();
    let libraries = Libc::ensure(&hosts, site, &target_dir.join("libc"), progress)?;
    let mut command = Command::new("cargo");
    command
        .current_dir(workspace)
        .args(["build", "--quiet", "--locked", "--profile", inputs::PROFILE, "--jobs", &jobs.to_string()])
        .args(programs.iter().flat_map(|program| ["--package", program.package()]))
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="])
        .args(["-Ztrim-paths", "--config", &format!("profile.{}.trim-paths=\"all\"", inputs::PROFILE)])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
        .env("CARGO_TARGET_DIR", &target_dir)
        .env("QUS_TRIALS", trials)
        .env_remove("RUSTFLAGS");
    if *offline {
        command.arg("--offline");
    }
    for ((host, triple), libc) in triples.iter().zip(&libraries) {
        let linker = toolchain.linker(*host, libc, &target_dir)?;
        let variable = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_"));
        command.args(["--target", triple]).env(variable, linker);
    }
    cargo::build(&mut command, programs, &triples, progress)
        .with_context(|| format!("cannot build {}", program::list(programs)))?;
    let built =
        |program: Program, triple: &str| target_dir.join(triple).join(inputs::PROFILE).join(program.name());
    let of_host =
        |(host, triple)| programs.iter().map(move |&program| (program, host, built(program, triple)));
    Ok(triples.into_iter().flat_map(of_host).collect())
}

/// The folder of the binaries, under the names that [`Program::file`] gives them.
pub fn folder(workspace: &Path, cache: &Path) -> anyhow::Result<PathBuf> {
    Ok(cache.join("register").join(key(workspace)?.hex()))
}

/// True if the binaries in a folder of the cache are as they were built.
pub fn is_sound(folder: &Path) -> std::io::Result<bool> {
    kept::is_sound(folder)
}

/// Everything that the bytes depend on, in one digest.
fn key(workspace: &Path) -> anyhow::Result<Digest> {
    let mut hasher = Hasher::new();
    hasher.update(run(Command::new("rustc").arg("-vV").current_dir(workspace))?.as_bytes());
    hasher.update(include_bytes!("cross.rs"));
    let read = |name: &str| {
        let path = workspace.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let manifests = SOURCES.into_iter().filter(|name| name.ends_with("/Cargo.toml")).map(read);
    let manifests: Vec<String> = manifests.collect::<anyhow::Result<_>>()?;
    let roots = [Program::Register, Program::Run].map(Program::package);
    hasher.update(inputs::packages(&read("Cargo.lock")?, &roots)?.as_bytes());
    hasher.update(inputs::workspace(&read("Cargo.toml")?, &manifests)?.as_bytes());
    for source in SOURCES {
        hash_tree(&workspace.join(source), source, &mut hasher)?;
    }
    Ok(hasher.finish())
}

/// Hashes names and contents below `path`, in the order of names.
fn hash_tree(path: &Path, name: &str, hasher: &mut Hasher) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read {}", path.display());
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = fs::read_dir(path).with_context(cannot_read)?.collect();
        let mut entries = entries.with_context(cannot_read)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            hash_tree(&entry.path(), &name, hasher)?;
        }
    } else {
        let bytes = fs::read(path).with_context(cannot_read)?;
        hasher.update(format!("{name}\0{}\0", bytes.len()).as_bytes());
        hasher.update(&bytes);
    }
    Ok(())
}

/// Runs `command` to its end and gives back its stdout.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| failure(&format!("cannot run `{program}`: {error}")))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(failure(&format!("`{program}` failed with {}:\n    {stderr}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The error that a program's first line of failure and its stderr, indented, make: what the machine lacks, or else the end
/// of it.
fn failure(text: &str) -> anyhow::Error {
    if let Some(lack) = lacking::find(text) {
        return lack.into();
    }
    let text = text.replacen("\n    ", "\n", 1);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.collect();
    let tail = &rest[rest.len().saturating_sub(20)..];
    anyhow::Error::msg([&[first], tail].concat().join("\n    "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The folders of the crates of ours that a crate is made of, and its own.
    fn crates(root: &Path, folder: &str, workspace: &toml::Table, found: &mut BTreeSet<String>) {
        if !found.insert(folder.to_owned()) {
            return;
        }
        let manifest: toml::Table =
            fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap().parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            let path = workspace.get(name).and_then(|dependency| dependency.get("path"));
            if let Some(path) = path.and_then(toml::Value::as_str) {
                crates(root, path, workspace, found);
            }
        }
    }

    #[test]
    fn all_that_the_programs_are_made_of_counts() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
        let workspace = manifest["workspace"]["dependencies"].as_table().unwrap();
        let mut expected = BTreeSet::new();
        for program in ["crates/register", "crates/run"] {
            crates(&root, program, workspace, &mut expected);
        }
        let counted = SOURCES.iter().filter_map(|source| source.strip_suffix("/Cargo.toml"));
        assert_eq!(counted.map(str::to_owned).collect::<BTreeSet<_>>(), expected);
        let sources = SOURCES.iter().filter_map(|source| source.strip_suffix("/src"));
        assert_eq!(sources.map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    }
}
