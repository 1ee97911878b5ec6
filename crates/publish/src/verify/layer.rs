//! One layer: its digest, the tar inside, the files inside that.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use digest::{Digest, Hasher, VerifyReader};
use flate2::read::MultiGzDecoder;
use oci::spec::media_type;

use super::Visitor;
use super::graph::{Kind, Node, reason};
use crate::layout::Layout;

/// The most that one file may have to be shown to the visitor: each job holds one file in memory. The largest
/// QEMU binary has 18 MB.
const FILE_LIMIT: u64 = 64 << 20;

/// Everything that is wrong with one blob.
pub(super) fn check(
    layout: &Layout,
    digest: Digest,
    node: &Node,
    visit: &Mutex<&mut Visitor<'_>>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let Kind::Layer { diff_ids, .. } = &node.kind else {
        return drain(layout, digest, node.size).map_err(|error| reason(&error)).err().into_iter().collect();
    };
    if !matches!(&*node.media_type, media_type::LAYER_GZIP | media_type::LAYER_ZSTD) {
        reasons.push(format!("a layer of type `{}` cannot be looked into", node.media_type));
        reasons.extend(drain(layout, digest, node.size).err().map(|error| reason(&error)));
        return reasons;
    }
    match unpack(layout, digest, node, visit, &mut reasons) {
        Ok(actual) => {
            let others = diff_ids.iter().filter(|expected| **expected != actual);
            reasons.extend(
                others.map(|expected| format!("the tar inside: the config expects {expected}, got {actual}")),
            );
        }
        // If the bytes are not those expected, that is the reason why they do not unpack.
        Err(error) => {
            reasons = vec![match drain(layout, digest, node.size) {
                Err(error) => reason(&error),
                Ok(()) => {
                    let compression = if node.media_type == media_type::LAYER_ZSTD { "zstd" } else { "gzip" };
                    format!("not a tar in {compression}: {error}")
                }
            }];
        }
    }
    reasons
}

pub(super) fn open(layout: &Layout, digest: Digest, size: u64) -> io::Result<VerifyReader<File>> {
    Ok(VerifyReader::new(File::open(layout.blob_path(digest))?, size, digest))
}

/// A job that panicked has its panic reported by the scope; what it held is still good for the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drain(layout: &Layout, digest: Digest, size: u64) -> io::Result<()> {
    io::copy(&mut open(layout, digest, size)?, &mut io::sink()).map(drop)
}

/// Shows every file to the visitor; gives the digest of the tar.
fn unpack(
    layout: &Layout,
    digest: Digest,
    node: &Node,
    visit: &Mutex<&mut Visitor<'_>>,
    reasons: &mut Vec<String>,
) -> io::Result<Digest> {
    let Kind::Layer { platforms, .. } = &node.kind else { return Ok(digest) };
    let compressed = open(layout, digest, node.size)?;
    let inner: Box<dyn Read> = match &*node.media_type {
        // Windows of more than 128 MiB are refused, as engines do.
        media_type::LAYER_ZSTD => Box::new(zstd::stream::read::Decoder::new(compressed)?),
        _ => Box::new(MultiGzDecoder::new(compressed)),
    };
    let mut tar = tar::Archive::new(Hashing { inner, hasher: Hasher::new() });
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if path.split('/').any(|part| part == "..") || path.starts_with('/') {
            reasons.push(format!("`{path}` leads out of the image"));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.size() > FILE_LIMIT {
            reasons.push(format!("`{path}` has {} bytes, which is too many to look into", entry.size()));
            continue;
        }
        let mut content = Vec::with_capacity(entry.size() as usize);
        entry.read_to_end(&mut content)?;
        for platform in platforms {
            if let Err(error) = lock(visit)(platform, &path, &content) {
                reasons.push(format!("`{path}`: {error}"));
            }
        }
    }
    // The archive ends before the file does: hash the rest, and let every reader reach its end.
    let mut rest = tar.into_inner();
    io::copy(&mut rest, &mut io::sink())?;
    Ok(rest.hasher.finish())
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}
