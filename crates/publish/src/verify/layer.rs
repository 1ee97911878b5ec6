//! One layer: its digest, the tar inside, the files inside that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Mutex;

use base::lock;
use flate2::read::MultiGzDecoder;
use oci::spec::{Platform, media_type};
use sha256::{Digest, Hasher};

use super::Visitor;
use super::blob::{drain, open, reason};
use super::graph::{Kind, Node};
use super::name::{self, is_extension};
use crate::layout::Layout;
use crate::limits;

/// Everything that is wrong with one blob.
pub(super) fn check(
    layout: &Layout,
    digest: Digest,
    node: &mut Node,
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
    let mut found = BTreeMap::new();
    let unpacked = unpack(layout, digest, node, visit, (&mut found, &mut reasons));
    let is_whole = unpacked.is_ok();
    match unpacked {
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
                Ok(()) if error.kind() == io::ErrorKind::FileTooLarge => error.to_string(),
                Ok(()) => {
                    let compression = if node.media_type == media_type::LAYER_ZSTD { "zstd" } else { "gzip" };
                    format!("not a tar in {compression}: {error}")
                }
            }];
        }
    }
    if let Kind::Layer { files, is_listed: true, .. } = &mut node.kind
        && is_whole
    {
        *files = Some(found);
    }
    reasons
}

fn unpack(
    layout: &Layout,
    digest: Digest,
    node: &Node,
    visit: &Mutex<&mut Visitor<'_>>,
    (files, reasons): (&mut BTreeMap<String, Digest>, &mut Vec<String>),
) -> io::Result<Digest> {
    let Kind::Layer { platforms, is_listed, .. } = &node.kind else { return Ok(digest) };
    let mut note = |path: &str, content: &[u8]| {
        if *is_listed {
            files.insert(path.to_owned(), Digest::of(content));
        }
    };
    walk(open(layout, digest, node.size)?, &node.media_type, platforms, visit, (&mut note, reasons))
}

/// A function that sees each file of a layer once: its path and its content.
type Note<'a> = dyn FnMut(&str, &[u8]) + 'a;

/// Shows every file to the visitor, and to `note` once; returns the digest of the tar.
pub(super) fn walk(
    compressed: impl Read + 'static,
    media_type: &str,
    platforms: &BTreeSet<Platform>,
    visit: &Mutex<&mut Visitor<'_>>,
    (note, reasons): (&mut Note<'_>, &mut Vec<String>),
) -> io::Result<Digest> {
    let inner: Box<dyn Read> = match media_type {
        // Windows of more than 128 MiB are refused, as engines do.
        media_type::LAYER_ZSTD => Box::new(zstd::stream::read::Decoder::new(compressed)?),
        _ => Box::new(MultiGzDecoder::new(compressed)),
    };
    let mut tar = tar::Archive::new(Unpacked { inner, hasher: Hasher::new(), left: limits::LAYER });
    // Raw, since `tar` reads names of any length into memory.
    let mut long_name = None;
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if is_extension(kind) {
            long_name = name::extended(kind, &mut entry)?.or(long_name);
            continue;
        }
        let path = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let path = String::from_utf8_lossy(&path).into_owned();
        if path.split('/').any(|part| part == "..") || path.starts_with('/') {
            reasons.push(format!("`{path}` leads out of the image"));
        }
        if !kind.is_file() {
            continue;
        }
        if entry.size() > limits::FILE {
            reasons.push(format!("`{path}` has {} bytes, which is too many to look into", entry.size()));
            continue;
        }
        // Not allocated at once: the size is only what the header says.
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        note(&path, &content);
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

/// Hashes what is read through it, up to a limit.
struct Unpacked<R> {
    inner: R,
    hasher: Hasher,
    left: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            let reason = format!("it unpacks to more than {} bytes", limits::LAYER);
            io::Error::new(io::ErrorKind::FileTooLarge, reason)
        })?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_ends_at_its_limit() {
        let unpacked = |left| Unpacked { inner: &[7; 100][..], hasher: Hasher::new(), left };
        let mut at = unpacked(100);
        assert_eq!(io::copy(&mut at, &mut io::sink()).unwrap(), 100);
        assert_eq!(at.hasher.finish(), Digest::of(&[7; 100]));
        let above = io::copy(&mut unpacked(99), &mut io::sink()).unwrap_err();
        assert_eq!(above.to_string(), "it unpacks to more than 2147483648 bytes");
    }
}
