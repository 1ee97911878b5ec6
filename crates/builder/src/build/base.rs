//! The layers of small programs: busybox, `register` and `run`.

use anyhow::Context as _;
use arch::Host;
use attest::Checksums;
use oci::Entry;
use publish::layout::LayoutWriter;

use super::busybox;
use super::layers::{MTIME, Made, Writer};
use crate::packing::{Form, Level, Packing, Payload};

/// The folder where `register` looks for QEMU's binaries in the images; a link to where `pkg` has them.
pub(super) const BIN_DIR: &str = "/qus/bin";

/// busybox with a link for each applet.
pub(super) fn busybox_layer(
    host: Host,
    program: &[u8],
    form: Form,
    layout: &LayoutWriter,
) -> anyhow::Result<Made> {
    let applets = busybox::applets(program)
        .with_context(|| format!("cannot find the names of the applets in busybox for {host}"))?;
    let mut layer = Writer::new(packing(form), layout)?;
    layer.entry(&Entry::directory("bin", 0o755, MTIME)?)?;
    layer.program("bin/busybox", program, Checksums::of([program]), None)?;
    for applet in applets {
        layer.entry(&Entry::symlink(&format!("bin/{applet}"), "busybox", MTIME)?)?;
    }
    layer.entry(&Entry::directory("tmp", 0o1777, MTIME)?)?;
    layer.finish()?.commit()
}

/// `/qus/register`, its other name `/qus/binfmt`, and `/qus/bin`.
pub(super) fn register_layer(program: &[u8], form: Form, layout: &LayoutWriter) -> anyhow::Result<Made> {
    let mut layer = Writer::new(packing(form), layout)?;
    layer.entry(&Entry::directory("qus", 0o755, MTIME)?)?;
    layer.entry(&Entry::symlink("qus/bin", "../usr/bin", MTIME)?)?;
    layer.entry(&Entry::symlink("qus/binfmt", "register", MTIME)?)?;
    layer.program("qus/register", program, Checksums::of([program]), None)?;
    // The link must lead somewhere in a `register` image too: users mount binaries below it.
    layer.entry(&Entry::directory("usr", 0o755, MTIME)?)?;
    layer.entry(&Entry::directory("usr/bin", 0o755, MTIME)?)?;
    layer.finish()?.commit()
}

/// `/qus/run`, and `/qus/bin`, where it looks for QEMU.
pub(super) fn run_layer(program: &[u8], form: Form, layout: &LayoutWriter) -> anyhow::Result<Made> {
    let mut layer = Writer::new(packing(form), layout)?;
    layer.entry(&Entry::directory("qus", 0o755, MTIME)?)?;
    layer.entry(&Entry::symlink("qus/bin", "../usr/bin", MTIME)?)?;
    layer.program("qus/run", program, Checksums::of([program]), None)?;
    layer.finish()?.commit()
}

/// The compression of these layers, at either level.
pub(super) fn packing(form: Form) -> Packing {
    Packing { form, level: Level::Best, payload: Payload::Base }
}
