//! Everything that was linked into a program, as cargo resolves it for a host: kept beside the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use arch::Host;
use attest::{Crate, License, Linked, Toolchain};
use debian::lock::Lock;
use sha256::Digest;

use super::program::Program;
use super::{inputs, run};
use crate::{sealed, statements};

/// Reads what is beside the program at `path`; `None` if nothing is, or not as it was kept.
pub(super) fn read(path: &Path) -> Option<Linked> {
    sealed::read(&fs::read(path.with_added_extension("linked")).ok()?)
}

/// Keeps it beside the program at `path`.
pub(super) fn write(linked: &Linked, path: &Path) -> anyhow::Result<()> {
    Ok(files::write(&path.with_added_extension("linked"), &sealed::write(linked)?)?)
}

/// Asks cargo for the programs of `host`, whose sources are in the workspace.
pub(super) fn find(host: Host, workspace: &Path) -> anyhow::Result<BTreeMap<Program, Linked>> {
    let triple = host.triple().with_context(|| format!("there is no program for {host}"))?;
    let lock = Lock::load(&super::lock_path(workspace))?;
    let package = lock.libc(host).with_context(|| format!("no C library is locked for {host}"))?;
    let libc = statements::deb(&lock, package)?;
    let toolchain = toolchain(&run(Command::new("rustc").arg("-vV").current_dir(workspace))?)?;
    let cargo_lock = workspace.join("Cargo.lock");
    let cargo_lock =
        fs::read_to_string(&cargo_lock).with_context(|| format!("cannot read {}", cargo_lock.display()))?;
    let checksums = inputs::checksums(&cargo_lock)?;
    let programs: Vec<Program> = Program::of(host).collect();
    let mut command = Command::new("cargo");
    // Together, as they are built: so they have the same features.
    command
        .current_dir(workspace)
        .args(["tree", "--locked", "--offline", "--quiet", "--target", triple])
        .args(programs.iter().flat_map(|program| ["--package", program.package()]))
        .args(["--edges", "normal,no-proc-macro", "--no-dedupe", "--prefix", "depth", "--format", " {p}|{l}"])
        .env_remove("RUSTFLAGS");
    let tree = run(&mut command)?;
    let linked = |program: Program| {
        let crates = crates(&tree, program.package(), &checksums)
            .with_context(|| format!("cannot read what cargo reports of `{program}` for {host}"))?;
        Ok((program, Linked { crates, toolchain: toolchain.clone(), libc: libc.clone() }))
    };
    programs.into_iter().map(linked).collect()
}

/// The crates of one root of a tree, each once, the root first.
fn crates(tree: &str, root: &str, checksums: &BTreeMap<(String, String), Digest>) -> Option<Vec<Crate>> {
    let mut found: Vec<Crate> = Vec::new();
    let mut is_inside = false;
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, rest) = line.split_once(' ')?;
        let (package, license) = rest.split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        if depth == "0" {
            is_inside = name == root;
        }
        if is_inside && !found.iter().any(|part| part.name == name && part.version == version) {
            let (name, version) = (name.to_owned(), version.to_owned());
            let checksum = checksums.get(&(name.clone(), version.clone())).copied();
            found.push(Crate { name, version, checksum, license: License::of_crate(license) });
        }
    }
    let (_, others) = found.split_first_mut()?;
    others.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Some(found)
}

/// Reads the output of `rustc -vV`.
fn toolchain(text: &str) -> anyhow::Result<Toolchain> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        value.map(str::to_owned).with_context(|| format!("`rustc -vV` has no `{name}`"))
    };
    Ok(Toolchain { release: field("release:")?, commit: field("commit-hash:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_its_own_crates_once() {
        let tree = "0 qus-register v0.1.0 (/a b/crates/register)|Apache-2.0\n1 rustix v1.1.6|MIT/Apache-2.0\n\
                    2 bitflags v2.1.0|MIT\n1 errno v0.3.0|MIT\n1 rustix v1.1.6|MIT/Apache-2.0\n\n\
                    0 qus-run v0.1.0 (/a b/crates/run)|Apache-2.0\n1 libc v0.2.1|MIT OR Apache-2.0\n";
        let digest = Digest::of(b"rustix");
        let checksums = BTreeMap::from([(("rustix".to_owned(), "1.1.6".to_owned()), digest)]);
        let names = |root: &str| -> Vec<String> {
            let found = crates(tree, root, &checksums).unwrap();
            let license = |part: &Crate| part.license.as_ref().unwrap().as_str().to_owned();
            found.iter().map(|part| format!("{} {} {}", part.name, part.version, license(part))).collect()
        };
        let register = [
            "qus-register 0.1.0 Apache-2.0",
            "bitflags 2.1.0 MIT",
            "errno 0.3.0 MIT",
            "rustix 1.1.6 MIT OR Apache-2.0",
        ];
        assert_eq!(names("qus-register"), register);
        assert_eq!(names("qus-run"), ["qus-run 0.1.0 Apache-2.0", "libc 0.2.1 MIT OR Apache-2.0"]);
        let found = crates(tree, "qus-register", &checksums).unwrap();
        assert_eq!(
            found.iter().map(|part| part.checksum).collect::<Vec<_>>(),
            [None, None, None, Some(digest)]
        );
        assert_eq!(crates(tree, "qus-other", &checksums), None);
        assert_eq!(crates("no tree", "qus-run", &checksums), None);
    }

    /// The real one: what ships is what cargo says, without what runs while it compiles.
    #[test]
    fn what_runs_while_compiling_is_not_linked() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found = find("amd64".parse().unwrap(), &root).unwrap();
        let names = |program: Program| -> Vec<&str> {
            found[&program].crates.iter().map(|part| part.name.as_str()).collect()
        };
        let register = names(Program::Register);
        assert_eq!(register[0], "qus-register");
        for (name, expected) in
            [("rustix", true), ("thiserror", true), ("syn", false), ("thiserror-impl", false)]
        {
            assert_eq!(register.contains(&name), expected, "{name}: {register:?}");
        }
        assert_eq!(names(Program::Run)[0], "qus-run");
        let is_published = |part: &&Crate| !part.name.starts_with("qus-");
        for linked in found.values() {
            assert!(linked.crates.iter().filter(is_published).all(|part| part.checksum.is_some()));
            assert_eq!((linked.toolchain.commit.len(), linked.libc.name.as_str()), (40, "musl-dev"));
        }
    }
}
