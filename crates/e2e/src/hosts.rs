//! Host by target: every program of every host's image, run under the emulator that this machine registers for it.

use arch::{Host, Status};
use debian::lock::Lock;

use crate::job::{Expect, Job, NOT_A_SCRIPT, Needs, Step};
use crate::shop::{self, image};

/// The folder where a job has the files of the image.
pub(super) const FILES: &str = "image";

/// A job for each host of the lock.
pub(super) fn jobs(native: Host, lock: &Lock) -> Vec<Job> {
    lock.hosts().into_iter().map(|host| job(native, host, lock)).collect()
}

fn job(native: Host, host: Host, lock: &Lock) -> Job {
    // Hosts without `register` have an image of QEMU's binaries alone.
    let tag = if host.has_register() { "latest" } else { "pkg" };
    let mut needs = Needs { unpacked: Some(image(tag, host)), ..Needs::default() };
    let mut steps = Vec::new();

    let target = host.target();
    let register = format!("register_{native}");
    let tarball = format!("qemu-{target}-static_{native}.tgz");
    let foreign = !runs_here(native, host);
    if foreign {
        shop::assets(&mut needs, &mut steps, &[register.clone(), tarball.clone()]);
        steps.push(Step::succeeds(format!("tar -xzf {tarball}")));
        steps.push(Step::fails(format!("{FILES}/usr/bin/qemu-{target}-static --version"), NOT_A_SCRIPT));
        let line = format!("QEMU_BIN_DIR=$(pwd) ./{register} -s -- -p {target}");
        steps.push(Step::contains(line, "1 of 1 proved by running"));
    }
    let programs: Vec<_> = lock
        .qemu(host)
        .filter_map(|package| Some((package, package.qemu_version()?)))
        .flat_map(|(package, version)| package.targets().map(move |target| (target, version)))
        .filter(|(target, _)| target.status() == Status::Current)
        .collect();
    let cells = programs.iter().map(|(target, _)| (host, *target)).collect();
    let versions: Vec<String> =
        programs.iter().map(|(target, version)| format!("qemu-{target} version {version}.")).collect();
    let about = format!("{host}'s image on {native}: {} programs say their versions", versions.len());
    steps.push(Step::new(
        format!("for qemu in {FILES}/usr/bin/qemu-*-static; do $qemu --version | head -n 1; done"),
        Expect::Begins(versions),
    ));
    if host.has_register() {
        steps.push(Step::contains(format!("{FILES}/qus/register --help"), "Usage: register"));
        let list = format!("{FILES}/qus/register --list");
        steps.push(match foreign {
            true => Step::contains(list, &format!("qemu-{target}")),
            false => Step::says(list, "nothing is registered"),
        });
        steps.push(Step::contains(format!("{FILES}/bin/busybox uname -s"), "Linux"));
    }
    Job { name: format!("host-{host}"), about, engines_differ: false, cells, needs, steps }
}

/// True if the machine runs the host's programs by itself.
fn runs_here(native: Host, host: Host) -> bool {
    native == host || (native.name(), host.name()) == ("amd64", "i386")
}
