//! The way from before qus: a shell script, a Docker engine and a registry, for one host.
//!
//! Engine and registry are started anew for each run, in a sandbox, since a second push to the same registry would find
//! everything there. Only the script is timed.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use debian::lock::Package as Locked;
use testbed::registry::Options as RegistryOptions;
use testbed::sandbox::{Options, SHARED};
use testbed::{Engine, Package, Packages, Registry, Sandbox};

use crate::child::{self, Run};

/// The programs that the script calls, and their libraries.
const TOOLS: &str = "
    coreutils dpkg gzip libacl1 libattr1 libbz2-1.0 libgmp10 liblzma5 libmd0 libssl3 libzstd1 tar zlib1g";

const ENGINE: Engine = Engine::Docker28 { containerd_store: false };

/// Builds and pushes the images of amd64: `qemu` is its package in `cache`, `register` the program.
pub(crate) fn run(packages: &Packages, qemu: &Locked, cache: &Path, register: &Path) -> anyhow::Result<Run> {
    let trees = [
        packages.tree("flow-tools", &Package::natives("bookworm", TOOLS))?,
        packages.tree(ENGINE.tree_name(), &ENGINE.packages())?,
        packages.tree("registry", &Registry::packages())?,
    ];
    let sandbox = Sandbox::start(packages, &Options { trees: trees.iter().collect(), ..Options::default() })?;
    let engine = ENGINE.start(&sandbox)?;
    let registry = Registry::start(&sandbox, &RegistryOptions::default())?;

    // The image that `register` goes on top of.
    let busybox = packages.tree("busybox-amd64", &[Package::native("bookworm", "busybox-static")])?;
    let rootfs = sandbox.shared().join("busybox.tar");
    busybox.tar(&rootfs)?;
    engine.import(&rootfs, qemu.host.platform(), "busybox:latest")?;

    let deb = cache.join("sha256").join(qemu.digest.hex());
    for (from, name) in [(deb.as_path(), "qemu.deb"), (register, "register")] {
        let to = sandbox.shared().join(name);
        fs::copy(from, &to).with_context(|| format!("cannot copy {} into a sandbox", from.display()))?;
    }
    sandbox.write("/root/flow.sh", include_str!("flow.sh"))?;
    let mut script = sandbox.command("sh");
    script.arg("/root/flow.sh").arg(format!("{SHARED}/qemu.deb")).arg(format!("{SHARED}/register"));
    script.arg(format!("{}/qus", registry.address()));
    child::run(&mut script, "sh flow.sh")
}
