//! The QEMUs that are compared: Debian's of several suites, and files that somebody brings.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arch::{Host, Target, UnknownName};
use base::Hinted;
use debian::lock::Lock;
use debian::{Progress, QemuVersion, elf};
use exec::cpu::Wanted;
use testbed::packages::Deb;
use testbed::sandbox::{Options, SHARED};
use testbed::{Packages, Sandbox, Tree};

/// The QEMU of a series that the lock has, or the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) name: String,
    /// Its first numbers on this machine: `10.0`.
    pub(super) version: Option<String>,
}

/// The name of the series that images have unless another is asked for.
pub(super) const NEWEST: &str = "newest";

/// Every series that has QEMU for a machine like `native`, from the oldest to the newest, with its version there.
pub(super) fn series(lock: &Lock, native: Host) -> Vec<Series> {
    let version = |lock: &Lock| lock.qemu(native).next()?.qemu_version().map(|version| version.to_string());
    let mut names: Vec<&str> = lock.series().collect();
    // Suites are in the order of preference.
    names.reverse();
    let of = |name: &str| Series { name: name.to_owned(), version: version(&lock.of_series(name)) };
    let newest = Series { name: NEWEST.to_owned(), version: version(lock) };
    names.into_iter().map(of).chain([newest]).filter(|series| series.version.is_some()).collect()
}

/// The series of `all` with these names or versions.
pub(super) fn select(all: &[Series], names: &[String]) -> Result<Vec<Series>, UnknownName> {
    let find = |name: &String| {
        let found = all.iter().find(|series| series.name == *name || series.version.as_ref() == Some(name));
        let known = || all.iter().map(|series| series.name.as_str());
        found.cloned().ok_or_else(|| UnknownName::new("series", name, known()))
    };
    names.iter().map(find).collect()
}

/// The program of a QEMU, as sandboxes get it.
#[derive(Debug, Clone)]
pub(super) enum Program {
    /// In an unpacked package, which is kept from being pruned: its absolute path, and the same inside.
    Packaged { path: PathBuf, _tree: Tree },
    /// The bytes of somebody's file. Each sandbox has a copy of its own, which goes with it, also after a run that was killed; of the
    /// folder that the file is in, none has anything.
    Given(Arc<[u8]>),
}

impl Program {
    /// Starts a sandbox with `binds` and this program. Returns its path inside, too.
    pub(super) fn start(
        &self,
        packages: &Packages,
        mut binds: Vec<PathBuf>,
    ) -> anyhow::Result<(Sandbox, PathBuf)> {
        if let Program::Packaged { path, .. } = self {
            binds.extend(path.parent().map(Path::to_owned));
        }
        let sandbox = Sandbox::start(packages, &Options { binds, ..Options::default() })?;
        let path = match self {
            Program::Packaged { path, .. } => path.clone(),
            Program::Given(bytes) => {
                let path = sandbox.shared().join("qemu");
                testbed::write_program(&path, bytes)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Path::new(SHARED).join("qemu")
            }
        };
        Ok((sandbox, path))
    }
}

/// A QEMU for one target.
#[derive(Debug, Clone)]
pub(super) struct Qemu {
    /// The series, or the file.
    pub(super) name: String,
    /// As it prints it: `10.0.13`. `None` of one that does not.
    pub(super) version: Option<String>,
    /// The version of Debian's package, of a series.
    pub(super) package: Option<String>,
    /// The CPU model that it is to take, unless that is its own default.
    pub(super) cpu: Option<String>,
}

impl Qemu {
    /// The name in tables: `newest (11.1.3, neoverse-n1)`.
    pub(super) fn label(&self) -> String {
        let more: Vec<&str> = [&self.version, &self.cpu].into_iter().flatten().map(String::as_str).collect();
        if more.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, more.join(", ")) }
    }

    /// The same with a CPU model of `target`.
    pub(super) fn with_cpu(self, wanted: &Wanted, target: Target) -> Qemu {
        let cpu = model(wanted, target, self.version.as_deref());
        Qemu { cpu, ..self }
    }
}

/// The model of `target` for a QEMU of this version, as `register --cpu` and `run` choose it; `None` is QEMU's own default.
fn model(wanted: &Wanted, target: Target, version: Option<&str>) -> Option<String> {
    match wanted {
        Wanted::Default => None,
        Wanted::Model(model) => Some(model.clone()),
        Wanted::Auto => {
            let release = QemuVersion::of_package(version?)?.release();
            let preferred = target.preferred_cpu().filter(|model| model.is_known_to(release));
            preferred.map(|model| model.name.to_owned())
        }
    }
}

/// A file that is to be QEMU, with the target that it says it is for.
pub(super) struct Given {
    pub(super) qemu: (Qemu, Program),
    pub(super) target: Option<Target>,
}

/// The place that Debian's packages of QEMU come from.
pub(super) struct Source<'a> {
    pub(super) packages: &'a Packages,
    pub(super) site: &'a builder::Site,
    pub(super) lock: &'a Lock,
    pub(super) native: Host,
    pub(super) progress: &'a dyn Progress,
}

impl Source<'_> {
    /// The QEMU of a series for `target` on this machine; `None` if it has none.
    pub(super) fn of_series(
        &self,
        series: &Series,
        target: Target,
    ) -> anyhow::Result<Option<(Qemu, Program)>> {
        let _task = self.progress.step(&format!("QEMU of {} for {target}", series.name));
        let lock = if series.name == NEWEST { self.lock.newest() } else { self.lock.of_series(&series.name) };
        let Some(package) = lock.cell(self.native, target) else { return Ok(None) };
        let urls = lock.urls(&self.site.mirror, package);
        let fetched = self.site.fetch.verified(&urls, package.size, package.digest, self.progress);
        let path = base::runtime()?.block_on(fetched)?;
        let deb = Deb { path, size: package.size, digest: package.digest };
        let tree = self.packages.tree_of(&format!("conformance-qemu-{}", package.suite), &[deb])?;
        // Bookworm's names end so.
        let paths = ["", "-static"].map(|end| tree.path().join(format!("usr/bin/qemu-{target}{end}")));
        let Some(path) = paths.into_iter().find(|path| path.is_file()) else { return Ok(None) };
        let program = Program::Packaged { path, _tree: tree };
        let (version, _) = ask(self.packages, &program)?;
        let (name, package) = (series.name.clone(), Some(package.version.clone()));
        Ok(Some((Qemu { name, version, package, cpu: None }, program)))
    }

    /// A file that somebody brings.
    pub(super) fn given(&self, file: &Path) -> anyhow::Result<Given> {
        let bytes = read(file).with_context(|| format!("cannot read {}", file.display()))?;
        elf::check(&bytes, self.native.elf()).map_err(|error| {
            Hinted::new(
                format!("cannot test {}: it {error}", file.display()),
                format!("programs in another root find a static QEMU for {} alone", self.native),
            )
        })?;
        let program = Program::Given(bytes.into());
        let (version, target) = ask(self.packages, &program)?;
        let qemu = Qemu { name: file.display().to_string(), version, package: None, cpu: None };
        Ok(Given { qemu: (qemu, program), target })
    }
}

/// Reads a regular file: a device may have no end, and a FIFO no beginning.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a FIFO waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    fs::read(path)
}

/// The version and the target that a QEMU says it has.
fn ask(packages: &Packages, program: &Program) -> anyhow::Result<(Option<String>, Option<Target>)> {
    let (sandbox, path) = program.start(packages, Vec::new())?;
    let argv = [&path.display().to_string(), "--version"];
    // One that does not answer is tried all the same: that it does not work is what comes of it.
    let output = sandbox.output(&argv, Duration::from_secs(30));
    Ok(output.map_or((None, None), |output| answer(&String::from_utf8_lossy(&output.stdout))))
}

/// The version and the target in `qemu-aarch64 version 10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)`.
fn answer(text: &str) -> (Option<String>, Option<Target>) {
    let Some((program, rest)) = text.lines().next().unwrap_or_default().split_once(" version ") else {
        return (None, None);
    };
    let version = rest.split(' ').next().filter(|version| !version.is_empty()).map(str::to_owned);
    (version, program.strip_prefix("qemu-").and_then(|name| name.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qemu_says_what_it_is() {
        let check = |text: &str, version: Option<&str>, target: Option<&str>| {
            let (actual, found) = answer(text);
            assert_eq!((actual.as_deref(), found.map(Target::name)), (version, target), "{text}");
        };
        check("qemu-aarch64 version 10.0.13 (Debian 1:10)\nCopyright", Some("10.0.13"), Some("aarch64"));
        check("qemu-arm version 7.2.22", Some("7.2.22"), Some("arm"));
        check("qemu-vax version 1", Some("1"), None);
        check("hello", None, None);
        check("", None, None);
    }

    #[test]
    fn a_model_is_chosen_by_target_and_version() {
        let check = |wanted: &str, target: &str, version: Option<&str>, expected: Option<&str>| {
            let target = target.parse().unwrap();
            let actual = model(&Wanted::parse(wanted), target, version);
            assert_eq!(actual.as_deref(), expected, "{wanted} {target} {version:?}");
        };
        check("auto", "riscv64", Some("11.1.3"), Some("max,ztso=off"));
        check("auto", "riscv64", Some("7.2.22"), None);
        check("auto", "riscv64", None, None);
        check("auto", "aarch64", Some("7.2.22"), Some("neoverse-n1"));
        check("auto", "s390x", Some("11.1.3"), None);
        check("qemu", "aarch64", Some("11.1.3"), None);
        check("max", "arm", None, Some("max"));
        let label = |name: &str, version: Option<&str>, cpu: Option<&str>| {
            let [version, cpu] = [version, cpu].map(|text| text.map(str::to_owned));
            Qemu { name: name.to_owned(), version, package: None, cpu }.label()
        };
        assert_eq!(label("newest", Some("11.1.3"), Some("max")), "newest (11.1.3, max)");
        assert_eq!(label("./qemu", None, None), "./qemu");
    }

    #[test]
    fn series_have_the_names_of_suites_and_versions() {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/debian.lock");
        let lock = Lock::load(&lock).unwrap();
        let of = |host: &str| series(&lock, host.parse().unwrap());
        let shown = |host: &str| of(host).into_iter().map(|series| series.name).collect::<Vec<_>>();
        assert_eq!(shown("amd64"), ["bookworm", "trixie", "newest"]);
        // Nothing would run under one that there is not, and nothing fail.
        assert_eq!(shown("loong64"), ["newest"]);
        let all = of("amd64");
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            select(&all, &names)
                .map(|series| series.into_iter().map(|series| series.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["newest", "7.2", "trixie"]).unwrap(), ["newest", "bookworm", "trixie"]);
        let error = names(&["8.0"]).unwrap_err().to_string();
        assert!(error.starts_with("unknown series `8.0`"), "{error}");
    }
}
