//! A .deb as a stream: `ar`, then `control.tar`, then `data.tar`, each member in archive order.
//!
//! Nothing is written to disk and no path in a package is ever opened, yet a path that would leave the root is an
//! error: a package that holds one is not a package to take anything from. What a package may unpack to is bounded.

use std::error::Error as StdError;
use std::io::{self, Read};

use digest::VerifyError;
use liblzma::stream::{MtStreamBuilder, Stream};

/// What a package may unpack to, in bytes. The largest real one, sid's `qemu-user`, unpacks to 484 MB.
const TOTAL_LIMIT: u64 = 1 << 30;
/// What `control.tar` may unpack to.
const CONTROL_LIMIT: u64 = 4 << 20;
/// What liblzma may hold. Debian's packages are made with dictionaries of 8 MB, and could be with up to 64 MB.
const XZ_MEMORY: u64 = 96 << 20;

/// Why a package cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The `ar` archive, or what is in it, is not Debian's binary package format 2.0 (deb(5)).
    #[error("not a Debian package: {0}")]
    Format(String),
    /// Some part of the package ends early.
    #[error("the package is truncated")]
    Truncated,
    /// A decompression bomb, or something that behaves like one.
    #[error("the package unpacks to more than {0} bytes")]
    TooLarge(u64),
    /// One member is larger than its reader allows.
    #[error("`{path}` has {size} bytes, more than the {limit} that are allowed")]
    MemberTooLarge {
        /// The member.
        path: String,
        /// Its size, from its header.
        size: u64,
        /// The size allowed.
        limit: u64,
    },
    /// An absolute path, or one with `..` in it.
    #[error("the package holds the unsafe path `{0}`")]
    UnsafePath(String),
    /// The file is not the one that was pinned.
    #[error("the package is not the one that was pinned")]
    Verify(#[source] VerifyError),
    /// Reading or decoding failed.
    #[error("cannot read the package")]
    Read(#[source] io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if let Some(verify) = find::<VerifyError>(&error) {
            return Error::Verify(*verify);
        }
        if let Some(Limit(limit)) = find::<Limit>(&error) {
            return Error::TooLarge(*limit);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated,
            _ => Error::Read(error),
        }
    }
}

/// The first `T` in an error's chain, also inside `io::Error`s, whose `source` skips what they wrap.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => find(inner),
        None => error.source().and_then(find),
    }
}

/// What a package says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `Package`
    pub package: String,
    /// `Version`
    pub version: String,
    /// `Architecture`, Debian's name.
    pub architecture: String,
}

/// What a member of `data.tar` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic or a hard link.
    Link,
    /// A directory, or anything else.
    Other,
}

/// One member of `data.tar`; its contents are gone when the next one is read.
pub struct Member<'a> {
    /// Its path from the root, without a leading `./`: `usr/bin/qemu-arm`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    size: u64,
    reader: &'a mut dyn Read,
}

impl Member<'_> {
    /// The contents, of at most `limit` bytes.
    pub fn read(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let size = self.size;
        if size > limit {
            return Err(Error::MemberTooLarge { path: self.path.clone(), size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        self.reader.take(size).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(Error::Truncated);
        }
        Ok(bytes)
    }
}

/// Reads the package to its end, so that a [`digest::VerifyReader`] under it gives its verdict, and calls `each` for
/// every member of `data.tar` in archive order. If the file is not the pinned one, that is the error, whatever else
/// went wrong on the way: wait for `Ok` before anything that `each` saw counts.
pub fn walk<R: Read, E: From<Error>>(
    deb: R,
    each: &mut dyn FnMut(&Control, &mut Member<'_>) -> Result<(), E>,
) -> Result<Control, E> {
    walk_on(1, deb, each)
}

/// [`walk`], with so many threads that decode. More than one help only if the package was compressed in blocks, as dpkg-deb
/// does with large ones, and each holds whole blocks, compressed and decoded.
pub(crate) fn walk_on<R: Read, E: From<Error>>(
    threads: u32,
    mut deb: R,
    each: &mut dyn FnMut(&Control, &mut Member<'_>) -> Result<(), E>,
) -> Result<Control, E> {
    let result = walk_members(threads, &mut deb, each);
    match io::copy(&mut deb, &mut io::sink()).map_err(Error::from) {
        Err(error @ Error::Verify(_)) => Err(error.into()),
        Err(error) if result.is_ok() => Err(error.into()),
        _ => result,
    }
}

fn walk_members<R: Read, E: From<Error>>(
    threads: u32,
    deb: &mut R,
    each: &mut dyn FnMut(&Control, &mut Member<'_>) -> Result<(), E>,
) -> Result<Control, E> {
    let mut archive = ar::Archive::new(deb);
    check_version(&mut next(&mut archive)?)?;
    let control = read_control(next(&mut archive)?)?;
    let data = next(&mut archive)?;
    let reader = decoder(data, "data.tar", TOTAL_LIMIT, threads)?;
    let mut tar = tar::Archive::new(reader);
    for entry in tar.entries().map_err(Error::from)? {
        let mut entry = entry.map_err(Error::from)?;
        let path = safe_path(&entry.path_bytes())?;
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
            tar::EntryType::Symlink | tar::EntryType::Link => Kind::Link,
            _ => Kind::Other,
        };
        let size = entry.size();
        each(&control, &mut Member { path, kind, size, reader: &mut entry })?;
    }
    // The tar ends before its compressed form does, and a truncated end is a truncated package.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(Error::from)?;
    Ok(control)
}

/// Reads the package to its end as [`walk`] does, and gives `read` the whole `data.tar`, decoded and bounded: for callers
/// that unpack a package as it is. What `read` saw counts only if this returns `Ok`.
pub fn data<R: Read, T>(mut deb: R, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
    let result = with_data(&mut deb, read);
    io::copy(&mut deb, &mut io::sink())?;
    result
}

fn with_data<R: Read, T>(deb: &mut R, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
    let mut archive = ar::Archive::new(deb);
    check_version(&mut next(&mut archive).map_err(io::Error::other)?).map_err(io::Error::other)?;
    next(&mut archive).map_err(io::Error::other)?;
    let data = next(&mut archive).map_err(io::Error::other)?;
    read(&mut decoder(data, "data.tar", TOTAL_LIMIT, 1).map_err(io::Error::other)?)
}

type Part<'a, R> = ar::Entry<'a, R>;

fn next<R: Read>(archive: &mut ar::Archive<R>) -> Result<Part<'_, R>, Error> {
    match archive.next_entry() {
        Some(Ok(entry)) => Ok(entry),
        // `ar` reports a bad magic or header as `InvalidData` in its own words.
        Some(Err(error)) if find::<VerifyError>(&error).is_none() => match error.kind() {
            io::ErrorKind::InvalidData => Err(Error::Format("no ar archive, or a damaged one".to_owned())),
            _ => Err(error.into()),
        },
        Some(Err(error)) => Err(error.into()),
        None => Err(Error::Truncated),
    }
}

fn check_version<R: Read>(part: &mut Part<'_, R>) -> Result<(), Error> {
    let mut version = Vec::new();
    part.take(16).read_to_end(&mut version)?;
    // deb(5): later minor versions stay readable.
    if part.header().identifier() == b"debian-binary" && version.starts_with(b"2.") {
        return Ok(());
    }
    Err(Error::Format("it does not begin with `debian-binary` 2.0".to_owned()))
}

fn read_control<R: Read>(part: Part<'_, R>) -> Result<Control, Error> {
    let mut tar = tar::Archive::new(decoder(part, "control.tar", CONTROL_LIMIT, 1)?);
    for entry in tar.entries()? {
        let mut entry = entry?;
        if safe_path(&entry.path_bytes())? == "control" {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return parse_control(&text);
        }
    }
    Err(Error::Format("it has no `control`".to_owned()))
}

fn parse_control(text: &str) -> Result<Control, Error> {
    let paragraph: deb822_fast::Paragraph =
        text.parse().map_err(|_| Error::Format("its `control` is malformed".to_owned()))?;
    let field = |name: &str| {
        let value = paragraph.get(name).map(str::to_owned);
        value.ok_or_else(|| Error::Format(format!("its `control` has no `{name}`")))
    };
    Ok(Control {
        package: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
    })
}

/// Decodes a member by its name's suffix. Debian's own packages use xz; gzip is dpkg's other old choice.
fn decoder<'a, R: Read>(
    part: Part<'a, R>,
    stem: &str,
    limit: u64,
    threads: u32,
) -> Result<Box<dyn Read + 'a>, Error> {
    let name = String::from_utf8_lossy(part.header().identifier()).into_owned();
    let inner: Box<dyn Read + 'a> = match name.strip_prefix(stem) {
        Some(".xz") => Box::new(xz(part, threads)?),
        Some(".gz") => Box::new(flate2::read::GzDecoder::new(part)),
        Some("") => Box::new(part),
        Some(suffix) => return Err(Error::Format(format!("`{stem}{suffix}` is in an unknown compression"))),
        None => return Err(Error::Format(format!("`{name}` stands where `{stem}` should"))),
    };
    Ok(Box::new(Limited { inner, left: limit, limit }))
}

/// An xz decoder of bounded memory. With one thread it is the caller's, and holds no blocks.
pub(crate) fn xz<R: Read>(inner: R, threads: u32) -> Result<liblzma::read::XzDecoder<R>, Error> {
    let stream = match threads {
        0 | 1 => Stream::new_stream_decoder(XZ_MEMORY, 0),
        threads => MtStreamBuilder::new()
            .threads(threads)
            // Fewer threads before more memory.
            .memlimit_threading(u64::from(threads) * XZ_MEMORY)
            .memlimit_stop(XZ_MEMORY)
            .decoder(),
    };
    let stream = stream.map_err(|error| Error::Read(error.into()))?;
    Ok(liblzma::read::XzDecoder::new_stream(inner, stream))
}

/// A path from the root, without `./`; the root itself is the empty path.
fn safe_path(bytes: &[u8]) -> Result<String, Error> {
    let path = String::from_utf8_lossy(bytes).into_owned();
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(Error::UnsafePath(path.chars().take(200).collect()));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Ok(parts.join("/"))
}

/// The reader's limit was reached.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
struct Limit(u64);

struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other(Limit(self.limit)))?;
        Ok(n)
    }
}
