//! Making layers: headers, compression, and putting both together.
//!
//! Contents are this program's own bytes over and over: machine code, as what is in the real layers.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::io;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use qus_oci::{Entry, Frame, FrameWriter, LayerWriter, Level, Member};

/// The size of one of QEMU's binaries, about.
const PROGRAM: usize = 16 << 20;

fn main() {
    divan::main();
}

/// Bytes that compress as code does.
fn program() -> Vec<u8> {
    let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    code.into_iter().cycle().take(PROGRAM).collect()
}

/// One file's header.
#[divan::bench]
fn tar_entry(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| {
        Entry::file(divan::black_box("usr/bin/qemu-aarch64-static"), PROGRAM as u64, 0o755, 0).unwrap()
    });
}

/// One binary into a gzip member, at the levels that builds use: quick, best, and what is small.
#[divan::bench(args = [6, 10, 12], sample_count = 5)]
fn compress(bencher: Bencher<'_, '_>, level: u8) {
    let (program, level) = (program(), Level::new(level).unwrap());
    bencher.counter(BytesCount::of_slice(&program)).bench(|| Member::compress(&program, level));
}

/// A compressed binary into a layer: both forms hashed, and the sums of the member compared.
#[divan::bench(sample_count = 20)]
fn layer_file(bencher: Bencher<'_, '_>) {
    let program = program();
    let member = Member::content(&program, Level::FAST);
    let entry = Entry::file("usr/bin/qemu-aarch64-static", PROGRAM as u64, 0o755, 0).unwrap();
    bencher.counter(BytesCount::of_slice(&program)).bench(|| {
        let mut layer = LayerWriter::new(io::sink());
        layer.file(&entry, &program, &member).unwrap();
        layer.finish().unwrap().1
    });
}

/// One binary into a layer that is a zstd frame, tar and hashes included.
#[divan::bench(args = Frame::ALL, sample_count = 5)]
fn frame(bencher: Bencher<'_, '_>, frame: Frame) {
    let program = program();
    let entry = Entry::file("usr/bin/qemu-aarch64-static", PROGRAM as u64, 0o755, 0).unwrap();
    bencher.counter(BytesCount::of_slice(&program)).bench(|| {
        let mut layer = FrameWriter::new(io::sink(), frame).unwrap();
        layer.file(&entry, &program).unwrap();
        layer.finish().unwrap().1
    });
}
