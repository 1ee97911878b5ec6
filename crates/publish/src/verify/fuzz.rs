//! Layers, for fuzzers.

use std::io::{self, Cursor, Read};
use std::sync::Mutex;

use flate2::Compression;
use flate2::read::GzEncoder;
use oci::spec::{Platform, media_type};
use sha256::Digest;

use super::Visitor;
use super::layer::walk;

/// Walks through a layer; what is shown of it has a path inside the image, unless there is something to say.
fn look(compressed: Vec<u8>, media_type: &str) -> io::Result<Digest> {
    let platform = Platform { architecture: "arm".to_owned(), os: "linux".to_owned(), variant: None };
    let mut outside = 0;
    let mut visit = |_: &Platform, path: &str, _: &[u8]| {
        outside += usize::from(path.starts_with('/') || path.split('/').any(|part| part == ".."));
        Ok(())
    };
    let visit: &mut Visitor<'_> = &mut visit;
    let mut reasons = Vec::new();
    let walked = walk(
        Cursor::new(compressed),
        media_type,
        &[platform].into(),
        &Mutex::new(visit),
        (&mut |_, _| (), &mut reasons),
    );
    assert!(outside <= reasons.len(), "{reasons:?}");
    walked
}

/// A layer's tar, and the same bytes as what a layer is compressed to.
pub fn layer(bytes: &[u8]) {
    let _ = look(bytes.to_vec(), media_type::LAYER_GZIP);
    let _ = look(bytes.to_vec(), media_type::LAYER_ZSTD);
    let mut gzip = Vec::new();
    GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut gzip).expect("memory is no device");
    if let Ok(digest) = look(gzip, media_type::LAYER_GZIP) {
        assert_eq!(digest, Digest::of(bytes), "the digest of all of it, whatever the tar makes of it");
    }
}

fn entry(kind: u8, path: &str, contents: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(contents.len() as u64);
    header.set_path(path).expect("a short path");
    header.set_cksum();
    let padding = contents.len().next_multiple_of(512) - contents.len();
    [header.as_bytes().as_slice(), contents, &vec![0; padding]].concat()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let file = entry(b'0', "usr/bin/qemu-arm", b"program");
    let long = entry(b'L', "././@LongLink", b"usr/bin/../qemu-aarch64\0");
    let [pax, link] = [entry(b'x', "pax", b"18 path=/etc/passwd\n"), entry(b'2', "usr/bin/qemu-mips", b"")];
    let tar = [long, file.clone(), link].concat();
    let mut gzip = Vec::new();
    GzEncoder::new(&*tar, Compression::fast()).read_to_end(&mut gzip).expect("memory is no device");
    let zstd = zstd::encode_all(&*tar, 1).expect("memory is no device");
    vec![tar, [pax, file].concat(), gzip, zstd]
}
