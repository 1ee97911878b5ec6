//! One tar for `docker load` and `podman load`.

use std::io::Write;

use anyhow::Context as _;
use arch::Host;
use builder::build::Built;
use oci::spec::Platform;
use publish::archive::{self, Named};
use publish::layout::Layout;

/// Writes every index that was built into `layout`, named in `repository`, with one image for engines that can hold one only.
pub fn archive(built: &Built, layout: &Layout, repository: &str, to: &mut dyn Write) -> anyhow::Result<()> {
    let mut named = Vec::new();
    for index in &built.indexes {
        named.extend(index.plan.tags().map(|tag| Named {
            repository: repository.to_owned(),
            tag: tag.clone(),
            descriptor: index.descriptor().clone(),
        }));
    }
    Ok(archive::write(layout, &named, &classic_platform(built)?, to)?)
}

/// The platform that a classic Docker store gets: this machine's if it was built, or else the first that was.
fn classic_platform(built: &Built) -> anyhow::Result<Platform> {
    let hosts: Vec<Host> = built.images.iter().map(|image| image.plan.host).collect();
    let native = Host::native().ok();
    let host = native.filter(|host| hosts.contains(host)).or(hosts.first().copied());
    Ok(host.context("an archive has at least one image")?.platform().into())
}
