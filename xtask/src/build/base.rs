//! The two layers under `register` and `full`: busybox, and `register` itself.

use anyhow::Context as _;
use arch::Host;
use oci::spec::media_type;
use oci::{Entry, Layer, LayerWriter, Level, Member};
use publish::layout::LayoutWriter;

use super::busybox;

/// All tar entries carry the same time: a layer's digest changes only with what is in it.
pub(super) const MTIME: u64 = 0;

/// Where `register` looks for QEMU's binaries in the images; a link to where `pkg` has them.
pub(super) const BIN_DIR: &str = "/qus/bin";

/// busybox with a link for each applet.
pub(super) fn busybox_layer(host: Host, program: &[u8], layout: &LayoutWriter) -> anyhow::Result<Layer> {
    let applets = busybox::applets(program)
        .with_context(|| format!("cannot find the names of the applets in busybox for {host}"))?;
    let mut layer = LayerWriter::new(layout.blob_writer()?);
    layer.entry(&Entry::directory("bin", 0o755, MTIME)?)?;
    file(&mut layer, "bin/busybox", program)?;
    for applet in applets {
        layer.entry(&Entry::symlink(&format!("bin/{applet}"), "busybox", MTIME)?)?;
    }
    layer.entry(&Entry::directory("tmp", 0o1777, MTIME)?)?;
    let (blob, layer) = layer.finish()?;
    blob.commit(media_type::LAYER_GZIP)?;
    Ok(layer)
}

/// `/qus/register`, its other name `/qus/binfmt`, and `/qus/bin`.
pub(super) fn register_layer(program: &[u8], layout: &LayoutWriter) -> anyhow::Result<Layer> {
    let mut layer = LayerWriter::new(layout.blob_writer()?);
    layer.entry(&Entry::directory("qus", 0o755, MTIME)?)?;
    layer.entry(&Entry::symlink("qus/bin", "../usr/bin", MTIME)?)?;
    layer.entry(&Entry::symlink("qus/binfmt", "register", MTIME)?)?;
    file(&mut layer, "qus/register", program)?;
    // The link must lead somewhere in a `register` image too: users mount binaries below it.
    layer.entry(&Entry::directory("usr", 0o755, MTIME)?)?;
    layer.entry(&Entry::directory("usr/bin", 0o755, MTIME)?)?;
    let (blob, layer) = layer.finish()?;
    blob.commit(media_type::LAYER_GZIP)?;
    Ok(layer)
}

fn file<W: std::io::Write>(layer: &mut LayerWriter<W>, path: &str, content: &[u8]) -> anyhow::Result<()> {
    let entry = Entry::file(path, content.len() as u64, 0o755, MTIME)?;
    layer.file(&entry, content, &Member::content(content, Level::BEST))?;
    Ok(())
}
