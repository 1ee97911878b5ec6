//! `run` and one QEMU in one file: for who can take a single program only.
//!
//! The file is `run`, QEMU's binary, and a trailer that says where that lies ([`exec::Trailer`]). The first two are padded
//! with zeros to whole blocks of a tar: so the member that QEMU was compressed into for its own layer is a part of this one,
//! too.

use std::fs::File;
use std::io::Read as _;

use anyhow::Context as _;
use arch::Target;
use exec::Trailer;
use oci::{Entry, Layer, Member, Packed, entry, tarball};
use publish::layout::LayoutWriter;
use sha256::VerifyReader;

use super::layers::{MTIME, Made, Writer};
use crate::packing::{Form, Packing};

/// A program in whole blocks, and in gzip as a member of its own, ready to be a part of a file.
pub(super) struct Padded {
    bytes: Vec<u8>,
    member: Option<Member>,
}

impl Padded {
    /// `run`, which is put before a QEMU.
    pub(super) fn runner(program: &[u8], form: Form) -> Padded {
        let bytes = [program, entry::padding(program.len() as u64)].concat();
        let member = (form == Form::Gzip).then(|| Member::compress(&bytes, oci::Level::BEST));
        Padded { bytes, member }
    }

    /// A QEMU out of the layer that has it alone.
    fn qemu(layer: &Layer, form: Form, layout: &LayoutWriter) -> anyhow::Result<Padded> {
        let descriptor = &layer.descriptor;
        let path = layout.blob_path(descriptor.digest);
        let context = || format!("cannot take QEMU out of {}", path.display());
        let file = File::open(&path).with_context(context)?;
        let mut blob = VerifyReader::new(file, descriptor.size, descriptor.digest);
        match form {
            Form::Gzip => {
                let mut layer = Vec::new();
                blob.read_to_end(&mut layer).with_context(context)?;
                let packed = Packed::only(&layer).with_context(context)?;
                let (bytes, member) = packed.unpack().with_context(context)?;
                Ok(Padded { bytes, member: Some(member) })
            }
            Form::Zstd => {
                let (_, mut bytes) = tarball::first_of_frame(blob).with_context(context)?;
                bytes.extend_from_slice(entry::padding(bytes.len() as u64));
                Ok(Padded { bytes, member: None })
            }
        }
    }
}

/// The layer with `/qus/run` for one target. `qemu` is the layer that has QEMU alone.
pub(super) fn run_layer(
    runner: &Padded,
    (target, qemu): (Target, &Layer),
    packing: Packing,
    layout: &LayoutWriter,
) -> anyhow::Result<Made> {
    let mut layer = Writer::new(packing, layout)?;
    layer.entry(&Entry::directory("qus", 0o755, MTIME)?)?;
    add(&mut layer, "qus/run", runner, target, &Padded::qemu(qemu, packing.form, layout)?)?;
    layer.finish()?.commit()
}

/// The layer with the same under BuildKit's names, which it looks for in the folders of `PATH` (moby/buildkit,
/// solver/llbsolver/ops/exec_binfmt.go).
pub(super) fn buildkit_layer(
    runner: &Padded,
    qemus: &[(Target, Layer)],
    packing: Packing,
    layout: &LayoutWriter,
) -> anyhow::Result<Made> {
    let mut layer = Writer::new(packing, layout)?;
    for (target, qemu) in qemus {
        let path = format!("buildkit-qemu-{target}");
        add(&mut layer, &path, runner, *target, &Padded::qemu(qemu, packing.form, layout)?)?;
    }
    layer.finish()?.commit()
}

fn add(layer: &mut Writer, path: &str, runner: &Padded, target: Target, qemu: &Padded) -> anyhow::Result<()> {
    let (offset, length) = (runner.bytes.len() as u64, qemu.bytes.len() as u64);
    let trailer = Trailer { offset, length, target }.to_bytes();
    let pieces = [
        (runner.bytes.as_slice(), runner.member.as_ref()),
        (&qemu.bytes, qemu.member.as_ref()),
        (&trailer, None),
    ];
    layer.joined(path, &pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::{Level, Payload};

    const RUN: &[u8] = b"\x7fELF run";

    fn packing(form: Form) -> Packing {
        Packing { form, level: Level::Quick, payload: Payload::One }
    }

    /// The layer that has a QEMU alone.
    fn qemu(content: &[u8], form: Form, layout: &LayoutWriter) -> Layer {
        let mut layer = Writer::new(packing(form), layout).unwrap();
        layer.entry(&Entry::directory("usr", 0o755, MTIME).unwrap()).unwrap();
        layer.program("usr/bin/qemu-arm-static", content, attest::Checksums::of([content]), None).unwrap();
        layer.finish().unwrap().commit().unwrap().layer
    }

    fn target(name: &str) -> Target {
        name.parse().unwrap()
    }

    /// The bytes of these layers are a part of digests of images, as those of others are.
    #[test]
    fn layers_are_pinned_and_hold_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let layout = LayoutWriter::create(folder.path()).unwrap();
        let content: Vec<u8> = (0_u32..5000).flat_map(|n| (n * n).to_le_bytes()).collect();
        let mut diff_ids = Vec::new();
        let mut digests = Vec::new();
        for form in [Form::Gzip, Form::Zstd] {
            let runner = Padded::runner(RUN, form);
            let qemu = qemu(&content, form, &layout);
            let run = run_layer(&runner, (target("arm"), &qemu), packing(form), &layout).unwrap().layer;
            let qemus = [(target("arm"), qemu.clone()), (target("s390x"), qemu)];
            let buildkit = buildkit_layer(&runner, &qemus, packing(form), &layout).unwrap().layer;
            digests.extend([&run, &buildkit].map(|layer| layer.descriptor.digest.hex()[..16].to_owned()));
            diff_ids.push([run.diff_id, buildkit.diff_id]);
            if form == Form::Zstd {
                let blob = File::open(layout.blob_path(run.descriptor.digest)).unwrap();
                let (path, program) = tarball::first_of_frame(blob).unwrap();
                let trailer = Trailer { offset: 512, length: 20_480, target: target("arm") };
                let end = program.len() - Trailer::SIZE;
                let found = Trailer::parse(program[end..].try_into().unwrap(), program.len() as u64);
                assert_eq!((path.as_str(), found), ("qus/run", Ok(Some(trailer))));
                assert_eq!((&program[..RUN.len()], &program[512..20_512]), (RUN, content.as_slice()));
                // What is between them is zeros.
                assert!(program[RUN.len()..512].iter().chain(&program[20_512..end]).all(|byte| *byte == 0));
            }
        }
        // Whatever compresses it, the tar is the same.
        assert_eq!(diff_ids[0], diff_ids[1]);
        let pinned = ["f994248b4f957177", "60023e82b5460698", "85cc341576508204", "d0f4a66beb412dfb"];
        assert_eq!(digests, pinned);
    }
}
