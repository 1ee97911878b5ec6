//! The files of a release, beside the images.
//!
//! [`ReleaseContext`] says which; [`write`] makes them: `tarballs` takes each binary out of the images' layers, where it is
//! compressed already, and each `run` with QEMU inside; `programs` are `register`, `run` and small programs to try an
//! installation with, `folder` is where they go, and [`summary`] says what there is. What is in the folder already and right stays untouched; `SHA256SUMS` (`sums`) comes last,
//! and says what belongs to the release.
//!
//! This crate never compresses a binary by itself, and removes no file that an earlier release has not named.

mod folder;
mod programs;
pub mod summary;
mod sums;
mod tarballs;

use std::path::PathBuf;
use std::sync::Arc;

use arch::{Host, Target};
use builder::cross::{self, Program};
use builder::images;
use debian::progress::Progress;
use publish::layout::{Layout, LayoutWriter};

use folder::Folder;
pub use folder::{Asset, Assets};

/// The files to make, and their folder.
pub struct ReleaseContext<'a> {
    /// From what; its `output` is the layout.
    pub images: &'a images::BuildContext<'a>,
    /// The hosts that images.toml has.
    pub configured: &'a [Host],
    /// The hosts to make files for; empty stands for all that are configured.
    pub hosts: Vec<Host>,
    /// The targets to make files for; empty stands for all current ones.
    pub targets: Vec<Target>,
    /// The folder that they are written to.
    pub output: PathBuf,
    /// Files beside the programs, with their names: manual pages and completions.
    pub extras: Vec<(String, Vec<u8>)>,
}

/// Makes the files of `release`. Those that are there already and right are not written again.
pub fn write(release: &ReleaseContext<'_>, progress: &Arc<dyn Progress>) -> anyhow::Result<Assets> {
    let plan = tarballs::plan(release)?;
    // Both outputs are opened first: what they may refuse, they refuse before minutes of work.
    let folder = Folder::open(&release.output, progress.as_ref())?;
    let layout = LayoutWriter::create(release.images.output)?;
    let built = images::build_untagged(&plan, release.images, &layout, progress)?;
    let reader = match Layout::open(layout.path()) {
        Ok(layout) => layout,
        // Layers without a tag are no layout yet.
        Err(_) => {
            layout.finish(release.images.repository, &[])?;
            Layout::open(layout.path())?
        }
    };
    let programs = {
        let hosts: Vec<Host> = plan.hosts().into_iter().filter(|host| host.has_register()).collect();
        cross::programs(&hosts, release.images.site, release.images.leave, progress.as_ref())?
    };

    let step = progress.step(&format!("writing {}", release.output.display()));
    let span = release.images.trace.span("release", || "files".to_owned());
    tarballs::write(release, &built, &reader, &folder)?;
    for ((program, host), binary) in &programs {
        folder.put(&programs::name(*program, *host), 0o755, &[&binary.bytes])?;
    }
    for (name, program) in programs::small(&release.targets)? {
        folder.put(&name, 0o755, &[&program])?;
    }
    let (script, text) = programs::SCRIPT;
    folder.put(script, 0o755, &[text.as_bytes()])?;
    for (name, bytes) in &release.extras {
        folder.put(name, 0o644, &[bytes])?;
    }
    drop((span, step));
    folder.finish()
}

/// The names of the files of `release`, sorted, without `SHA256SUMS`.
pub fn names(release: &ReleaseContext<'_>) -> anyhow::Result<Vec<String>> {
    let plan = tarballs::plan(release)?;
    let mut names: Vec<String> =
        tarballs::cells(release, &plan).map(|(host, target)| tarballs::name(host, target)).collect();
    names.extend(tarballs::one_files(&plan).map(|(host, target)| programs::one_file_name(host, target)));
    let of_host = |host| Program::of(host).map(move |program| programs::name(program, host));
    names.extend(plan.hosts().into_iter().flat_map(of_host));
    names.extend(programs::small(&release.targets)?.into_iter().map(|(name, _)| name));
    names.push(programs::SCRIPT.0.to_owned());
    names.extend(release.extras.iter().map(|(name, _)| name.clone()));
    names.sort_unstable();
    Ok(names)
}
