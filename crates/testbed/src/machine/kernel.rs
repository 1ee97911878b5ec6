//! Debian's kernels.
//!
//! Their packages have names with versions, which change with each update. An empty package with a lasting name depends on
//! the newest one; the link to that one's documentation, which it holds, says which that is.

use std::fs;
use std::path::{Path, PathBuf};

use arch::Host;

use crate::Error;
use crate::packages::{Package, Packages, Tree};

/// The steps from the package with a lasting name to that with a version: since Linux 7 there is one in between.
const STEPS: usize = 3;

/// A kernel, unpacked.
#[derive(Debug, Clone)]
pub struct Kernel {
    tree: Tree,
    release: String,
}

impl Kernel {
    /// The newest kernel that `suite` has for `host` under the lasting name `package`.
    pub fn fetch(packages: &Packages, suite: &str, host: Host, package: &str) -> Result<Kernel, Error> {
        let mut name = package.to_owned();
        for _ in 0..STEPS {
            let tree =
                packages.tree(&format!("kernel-{suite}-{name}"), &[Package::new(suite, host, &name)])?;
            let link = tree.path().join("usr/share/doc").join(&name);
            let target = fs::read_link(&link).map_err(Error::file("read", &link))?;
            name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some((names, release)) = parts(&name) {
                let wanted: Vec<Package> = names.iter().map(|name| Package::new(suite, host, name)).collect();
                let tree = packages.tree(&format!("kernel-{suite}-{package}-files"), &wanted)?;
                return Ok(Kernel { tree, release });
            }
        }
        Err(Error::Setup(format!("`{package}` of {suite} leads to no kernel, but to `{name}`")))
    }

    /// Its version, as `uname -r` prints it: `6.1.0-50-cloud-amd64`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Its files, for a sandbox.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The kernel itself, from the root of the tree on.
    pub(super) fn image(&self) -> Result<PathBuf, Error> {
        let modules = Path::new("usr/lib/modules").join(&self.release);
        let in_boot = |name: &str| Path::new("boot").join(format!("{name}-{}", self.release));
        // Since Linux 7 beside the modules.
        let names =
            [in_boot("vmlinuz"), in_boot("vmlinux"), modules.join("vmlinuz"), modules.join("vmlinux")];
        let missing =
            || Error::Setup(format!("the package of Linux {} has no {}", self.release, names[0].display()));
        names.iter().find(|name| self.tree.path().join(name).exists()).cloned().ok_or_else(missing)
    }

    /// The file of a module: `fs/binfmt_misc` with `.ko`, and `.xz` where it is compressed.
    pub fn module(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.tree.path().join("usr/lib/modules").join(&self.release).join("kernel");
        let names = [format!("{name}.ko"), format!("{name}.ko.xz")].map(|name| folder.join(name));
        let missing = || Error::Setup(format!("the package of Linux {} has no module {name}", self.release));
        names.iter().find(|name| name.exists()).cloned().ok_or_else(missing)
    }
}

/// The packages with the files of the kernel that `name` is documentation of, and its release; `None` if that is another package
/// with a lasting name.
fn parts(name: &str) -> Option<(Vec<String>, String)> {
    let release = |prefix: &str| {
        name.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if let Some(release) = release("linux-image-") {
        return Some((vec![name.to_owned()], release.to_owned()));
    }
    let release = release("linux-base-")?;
    let names = ["binary", "modules"].map(|part| format!("linux-{part}-{release}"));
    Some((names.to_vec(), release.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_in_one_package_or_in_two() {
        let check = |name: &str, expected: Option<(&[&str], &str)>| {
            let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(
                parts(name),
                expected.map(|(found, release)| (names(found), release.to_owned())),
                "{name}"
            );
        };
        check("linux-image-6.1.0-50-s390x", Some((&["linux-image-6.1.0-50-s390x"], "6.1.0-50-s390x")));
        check(
            "linux-base-7.2.13+deb14-cloud-amd64",
            Some((
                &["linux-binary-7.2.13+deb14-cloud-amd64", "linux-modules-7.2.13+deb14-cloud-amd64"],
                "7.2.13+deb14-cloud-amd64",
            )),
        );
        check("linux-base-cloud-amd64", None);
        check("linux-image-s390x", None);
        check("bash", None);
    }
}
