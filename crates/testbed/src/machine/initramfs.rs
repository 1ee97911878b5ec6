//! An initramfs: a cpio archive in the form "newc" (Documentation/driver-api/early-userspace/buffer-format.rst in Linux).
//!
//! It is not compressed: an emulated processor takes longer to decompress than QEMU to read.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

/// `S_IFDIR`, `S_IFREG` and `S_IFLNK` (inode(7)).
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// An initramfs that is being written.
#[derive(Debug)]
pub struct Initramfs<W> {
    out: W,
    /// The number of bytes so far.
    position: u64,
    /// The number of the last entry, which the kernel takes for its inode.
    number: u32,
    folders: BTreeSet<String>,
}

impl<W: Write> Initramfs<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Initramfs<W> {
        Initramfs { out, position: 0, number: 0, folders: BTreeSet::new() }
    }

    /// A folder, with those that it is in.
    pub fn folder(&mut self, path: &str) -> io::Result<()> {
        let path = path.trim_matches('/');
        if path.is_empty() || self.folders.contains(path) {
            return Ok(());
        }
        self.parents(path)?;
        self.folders.insert(path.to_owned());
        self.entry(path, FOLDER | 0o755, 0, &mut io::empty())
    }

    /// A file of `size` bytes with these permissions. It takes the place of an earlier one of this name.
    ///
    /// # Errors
    /// Fails too if `contents` has another number of bytes.
    pub fn file(&mut self, path: &str, permissions: u32, size: u64, contents: impl Read) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, FILE | permissions & 0o7777, size, contents)
    }

    /// A file that holds `text`.
    pub fn text(&mut self, path: &str, permissions: u32, text: &str) -> io::Result<()> {
        self.file(path, permissions, text.len() as u64, text.as_bytes())
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, LINK | 0o777, target.len() as u64, target.as_bytes())
    }

    /// Writes the end.
    pub fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, 0, io::empty())?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// The kernel makes no folder that is not in the archive.
    fn parents(&mut self, path: &str) -> io::Result<()> {
        match path.trim_matches('/').rsplit_once('/') {
            Some((parent, _)) => self.folder(parent),
            None => Ok(()),
        }
    }

    fn entry(&mut self, path: &str, mode: u32, size: u64, contents: impl Read) -> io::Result<()> {
        let large = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{path} is too large"));
        let size = u32::try_from(size).map_err(large)?;
        let name = path.trim_matches('/');
        let name_size = u32::try_from(name.len() + 1).map_err(large)?;
        self.number += 1;
        // inode, mode, user, group, links, time, size, device (two), device itself (two), size of the name, checksum
        let fields = [self.number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        let mut header = String::from("070701");
        header.extend(fields.iter().map(|field| format!("{field:08x}")));
        self.write(header.as_bytes())?;
        self.write(name.as_bytes())?;
        self.write(b"\0")?;
        self.pad()?;
        let copied = io::copy(&mut contents.take(u64::from(size) + 1), &mut self.out)?;
        if copied != u64::from(size) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} has not {size} bytes")));
        }
        self.position += copied;
        self.pad()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Up to the next multiple of four.
    fn pad(&mut self) -> io::Result<()> {
        let missing = self.position.wrapping_neg() % 4;
        self.write(&[0; 3][..usize::try_from(missing).unwrap_or(0)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names, modes and contents of an archive, read as the kernel reads it.
    fn entries(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let field =
            |at: usize| usize::from_str_radix(std::str::from_utf8(&bytes[at..at + 8]).unwrap(), 16).unwrap();
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            assert_eq!((&bytes[at..at + 6], at % 4), (&b"070701"[..], 0));
            let mode = u32::try_from(field(at + 6 + 8)).unwrap();
            let (size, name_size) = (field(at + 6 + 6 * 8), field(at + 6 + 11 * 8));
            let name = &bytes[at + 110..at + 110 + name_size];
            let contents = (at + 110 + name_size).next_multiple_of(4);
            let name = std::str::from_utf8(name.strip_suffix(b"\0").unwrap()).unwrap().to_owned();
            at = (contents + size).next_multiple_of(4);
            if name == "TRAILER!!!" {
                assert_eq!(at, bytes.len());
                return found;
            }
            found.push((name, mode, bytes[contents..contents + size].to_vec()));
        }
    }

    #[test]
    fn what_goes_in_comes_out_with_its_folders() {
        let mut initramfs = Initramfs::new(Vec::new());
        initramfs.text("init", 0o755, "#!/bin/sh\n").unwrap();
        initramfs.file("/usr/bin/a", 0o4711, 3, &b"abc"[..]).unwrap();
        initramfs.link("usr/bin/b", "a").unwrap();
        initramfs.folder("usr/").unwrap();
        let entry = |name: &str, mode, contents: &str| (name.to_owned(), mode, contents.as_bytes().to_vec());
        let expected = [
            entry("init", 0o100_755, "#!/bin/sh\n"),
            entry("usr", 0o040_755, ""),
            entry("usr/bin", 0o040_755, ""),
            entry("usr/bin/a", 0o104_711, "abc"),
            entry("usr/bin/b", 0o120_777, "a"),
        ];
        assert_eq!(entries(&initramfs.finish().unwrap()), expected);
    }

    #[test]
    fn a_size_that_is_not_the_contents_is_an_error() {
        for contents in ["ab", "abcd"] {
            let error = Initramfs::new(Vec::new()).file("a", 0o644, 3, contents.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "a has not 3 bytes");
        }
    }
}
