//! The place where a job happens: a sandbox with what the job needs, and an engine.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;
use builder::Site;
use flate2::read::MultiGzDecoder;
use oci::spec::{Descriptor, Index, Manifest, Platform};
use publish::archive::{self, Named};
use publish::layout::Layout;
use testbed::sandbox::Options;
use testbed::{Engine, Packages, Running, Sandbox, Tree, copy_program};

use crate::hosts::FILES;
use crate::job::{Image, Job, Needs, Root};
use crate::shop::{QUS, WORK};

/// The store that all jobs take from. All workers share it.
pub(super) struct Fixtures<'a> {
    pub(super) packages: Packages,
    /// The layout with qus's images.
    pub(super) layout: &'a Path,
    /// The folder with the release assets.
    pub(super) assets: &'a Path,
    /// Words the error that a job failed with.
    pub(super) explain: fn(&anyhow::Error) -> String,
}

impl Fixtures<'_> {
    /// The sandbox for `job`, with its working directory.
    pub(super) fn sandbox(&self, job: &Job, engine: Option<Engine>) -> anyhow::Result<Sandbox> {
        let mut trees: Vec<Tree> = Vec::new();
        if let [first, ..] = job.needs.installed.as_slice() {
            // Jobs that have the same packages share the tree.
            trees.push(self.packages.tree(&format!("e2e-{}", first.name), &job.needs.installed)?);
        }
        if let Some(engine) = engine {
            trees.push(self.packages.tree(engine.tree_name(), &engine.packages())?);
        }
        let options = Options { trees: trees.iter().collect(), ..Options::default() };
        let sandbox = Sandbox::start(&self.packages, &options)?;
        let work = work(&sandbox)?;
        self.fill(&job.needs, &work)?;
        if let Some(image) = job.needs.unpacked {
            unpack(&Layout::open(self.layout)?, image, &work.join(FILES))?;
        }
        Ok(sandbox)
    }

    /// Puts assets and files into the working directory.
    fn fill(&self, needs: &Needs, work: &Path) -> anyhow::Result<()> {
        for name in &needs.assets {
            let from = self.assets.join(name);
            copy_program(&from, &work.join(name))
                .with_context(|| format!("cannot copy {}", from.display()))?;
        }
        for file in &needs.files {
            let name = format!("e2e-{}-{}", file.package.name, file.package.architecture);
            let tree = self.packages.tree(&name, std::slice::from_ref(&file.package))?;
            let from = tree.path().join(file.path);
            copy_program(&from, &work.join(file.name))
                .with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(())
    }

    /// Gives the engine the images that the job needs, as pulls would.
    pub(super) fn load(&self, needs: &Needs, running: &Running<'_>) -> anyhow::Result<()> {
        let shared = running.sandbox().shared();
        for image in &needs.images {
            let path = shared.join("image.tar");
            self.write_image(*image, &path)?;
            running.load(&path)?;
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        for root in &needs.roots {
            let path = shared.join("root.tar");
            self.write_root(root, &path)?;
            running.import(&path, root.host.platform(), &format!("{}:latest", root.name))?;
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn write_image(&self, image: Image, path: &Path) -> anyhow::Result<()> {
        let layout = Layout::open(self.layout)?;
        let descriptor = descriptor(&layout, image)?;
        let repository = format!("docker.io/{QUS}");
        let named = Named { repository, tag: image.tag.to_owned(), descriptor };
        let mut file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        archive::write(&layout, &[named], &image.host.platform().into(), &mut file)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn write_root(&self, root: &Root, path: &Path) -> anyhow::Result<()> {
        let name = root.name.replace('/', "-");
        let tree = self.packages.tree(&format!("root-{name}"), &root.packages)?;
        let mut builder = tar::Builder::new(
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?,
        );
        tree.append(&mut builder)?;
        let context = || format!("cannot write {}", path.display());
        for command in COMMANDS {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            builder
                .append_link(&mut header, format!("usr/bin/{command}"), "busybox")
                .with_context(context)?;
        }
        builder.into_inner().map(drop).with_context(context)
    }
}

/// The packages for sandboxes, from where `site` has its own.
pub(super) fn packages(site: &Site) -> anyhow::Result<Packages> {
    let keyrings = site.workspace.join("images/keyrings");
    Ok(Packages::chosen(site.fetch.clone(), site.mirror.clone(), &site.cache_dir, &keyrings)?)
}

/// Unpacks the layers of an image into a new folder, one over the other.
pub(super) fn unpack(layout: &Layout, image: Image, to: &Path) -> anyhow::Result<()> {
    let manifest: Manifest = layout.json(&descriptor(layout, image)?)?;
    fs::create_dir(to).with_context(|| format!("cannot create {}", to.display()))?;
    for layer in &manifest.layers {
        let context = || format!("cannot unpack {} of {}", layer.digest, image.tag);
        let blob = layout.blob(layer).with_context(context)?;
        tar::Archive::new(MultiGzDecoder::new(blob)).unpack(to).with_context(context)?;
    }
    Ok(())
}

/// The commands of busybox that jobs type.
const COMMANDS: [&str; 8] = ["cat", "chmod", "echo", "id", "sed", "sh", "test", "uname"];

/// The working directory as the machine sees it, made if need be.
fn work(sandbox: &Sandbox) -> anyhow::Result<std::path::PathBuf> {
    let name = Path::new(WORK).strip_prefix(testbed::sandbox::SHARED)?;
    let work = sandbox.shared().join(name);
    fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    Ok(work)
}

/// The manifest that an index has for one host.
pub(super) fn descriptor(layout: &Layout, image: Image) -> anyhow::Result<Descriptor> {
    let missing = || format!("there is no image `{}` for {}", image.tag, image.host);
    let refs = layout.refs();
    let (_, index) = refs.into_iter().find(|(name, _)| name == image.tag).with_context(missing)?;
    let index: Index = layout.json(&index)?;
    let platform: Platform = image.host.platform().into();
    index
        .manifests
        .into_iter()
        .find(|descriptor| descriptor.platform.as_ref() == Some(&platform))
        .with_context(missing)
}
