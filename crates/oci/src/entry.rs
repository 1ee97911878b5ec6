//! One tar entry's header: 512 bytes that depend on the arguments alone.
//!
//! The format is POSIX ustar without extensions (pax, GNU): user and group 0 without names, so that no machine
//! leaves its mark. What does not fit is an error.

use tar::{EntryType, Header};

/// Tar's unit: headers are one block, contents are padded to whole blocks.
pub const BLOCK: usize = 512;

/// The mark of the end of an archive: two blocks of zeros.
pub const END_OF_ARCHIVE: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

// A ustar header gives 12 octal digits to a size, the last of which is a terminator.
const SIZE_LIMIT: u64 = 0o77_777_777_777;
// "linkname", POSIX.1-2017, pax, "ustar Interchange Format".
const LINK_LIMIT: usize = 100;

/// One tar entry's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    path: String,
    size: u64,
    header: [u8; BLOCK],
}

impl Entry {
    /// A directory. `mtime` is in seconds since 1970, here and below.
    pub fn directory(path: &str, mode: u32, mtime: u64) -> Result<Entry, EntryError> {
        build(path, EntryType::Directory, None, 0, mode, mtime)
    }

    /// A regular file of `size` bytes.
    pub fn file(path: &str, size: u64, mode: u32, mtime: u64) -> Result<Entry, EntryError> {
        build(path, EntryType::Regular, None, size, mode, mtime)
    }

    /// A symbolic link to `target`, which is kept to the letter.
    pub fn symlink(path: &str, target: &str, mtime: u64) -> Result<Entry, EntryError> {
        // The mode that Linux shows for every symbolic link.
        build(path, EntryType::Symlink, Some(target), 0, 0o777, mtime)
    }

    /// The path inside the archive, without a slash at either end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The number of bytes of content that follow the header; 0 unless the entry is a file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The header's bytes.
    pub fn header(&self) -> &[u8; BLOCK] {
        &self.header
    }
}

/// The zeros that follow `size` bytes of content, up to a whole block.
pub fn padding(size: u64) -> &'static [u8] {
    let beyond = (size % BLOCK as u64) as usize;
    &END_OF_ARCHIVE[..(BLOCK - beyond) % BLOCK]
}

fn build(
    path: &str,
    kind: EntryType,
    link: Option<&str>,
    size: u64,
    mode: u32,
    mtime: u64,
) -> Result<Entry, EntryError> {
    let fail = |reason| EntryError { path: path.to_owned(), reason };
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    if !path.split('/').all(plain) || path.contains('\0') {
        return Err(fail(Reason::Path));
    }
    if size > SIZE_LIMIT {
        return Err(fail(Reason::Size));
    }
    let mut header = Header::new_ustar();
    let slash = if kind == EntryType::Directory { "/" } else { "" };
    // The only thing left that it can refuse is the length.
    header.set_path(format!("{path}{slash}")).map_err(|_| fail(Reason::LongPath))?;
    if let Some(target) = link {
        if target.is_empty() || target.contains('\0') {
            return Err(fail(Reason::Link));
        }
        if target.len() > LINK_LIMIT {
            return Err(fail(Reason::LongLink));
        }
        header.set_link_name_literal(target).map_err(|_| fail(Reason::LongLink))?;
    }
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    // Some readers take the empty fields that these would otherwise be for damage.
    header.set_device_major(0).map_err(|_| fail(Reason::Path))?;
    header.set_device_minor(0).map_err(|_| fail(Reason::Path))?;
    header.set_cksum();
    Ok(Entry { path: path.to_owned(), size, header: *header.as_bytes() })
}

/// An error about what does not fit into a tar entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot make a tar entry for `{path}`: {reason}")]
pub struct EntryError {
    path: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("the path must be relative, without empty, `.` or `..` parts")]
    Path,
    #[error("the path is too long for a ustar header")]
    LongPath,
    #[error("the link's target is empty or holds a zero byte")]
    Link,
    #[error("the link's target is longer than {LINK_LIMIT} bytes")]
    LongLink,
    #[error("the file is larger than 8 GiB")]
    Size,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(entry: &Entry) -> Header {
        Header::from_byte_slice(entry.header()).clone()
    }

    #[test]
    fn headers_hold_what_was_asked_for_and_nothing_of_the_machine() {
        let directory = Entry::directory("usr/bin", 0o755, 7).unwrap();
        let file = Entry::file("usr/bin/qemu-arm-static", 600, 0o755, 7).unwrap();
        let link = Entry::symlink("qus/bin/qemu-arm-static", "/usr/bin/qemu-arm-static", 7).unwrap();
        for (entry, path, kind, size, mode) in [
            (&directory, "usr/bin/", EntryType::Directory, 0, 0o755),
            (&file, "usr/bin/qemu-arm-static", EntryType::Regular, 600, 0o755),
            (&link, "qus/bin/qemu-arm-static", EntryType::Symlink, 0, 0o777),
        ] {
            let header = read_back(entry);
            assert_eq!(header.path_bytes(), path.as_bytes());
            assert_eq!(header.entry_type(), kind);
            assert_eq!(header.size().unwrap(), size);
            assert_eq!(entry.size(), size);
            assert_eq!(header.mode().unwrap(), mode);
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (7, 0, 0));
            assert_eq!((header.username(), header.groupname()), (Ok(Some("")), Ok(Some(""))));
        }
        assert_eq!(read_back(&link).link_name_bytes().unwrap(), &b"/usr/bin/qemu-arm-static"[..]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let shape = "the path must be relative, without empty, `.` or `..` parts";
        let long = "a".repeat(256);
        for (path, target, reason) in [
            ("", "t", shape),
            ("/usr", "t", shape),
            ("usr/", "t", shape),
            ("usr/../etc", "t", shape),
            ("./usr", "t", shape),
            ("us\0r", "t", shape),
            (&*long, "t", "the path is too long for a ustar header"),
            ("link", &*long, "the link's target is longer than 100 bytes"),
            ("link", "", "the link's target is empty or holds a zero byte"),
        ] {
            let error = Entry::symlink(path, target, 0).unwrap_err().to_string();
            assert_eq!(error, format!("cannot make a tar entry for `{path}`: {reason}"));
        }
        let error = Entry::file("big", 8 << 30, 0o644, 0).unwrap_err().to_string();
        assert_eq!(error, "cannot make a tar entry for `big`: the file is larger than 8 GiB");
    }

    #[test]
    fn a_path_over_100_bytes_is_split_as_ustar_allows() {
        let path = format!("{}/{}", "d".repeat(90), "f".repeat(90));
        let entry = Entry::file(&path, 0, 0o644, 0).unwrap();
        assert_eq!(read_back(&entry).path_bytes(), path.as_bytes());
    }

    #[test]
    fn padding_completes_a_block() {
        for (size, expected) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (u64::from(u32::MAX), 1)] {
            assert_eq!(padding(size).len(), expected, "{size}");
        }
    }
}
