//! A .deb as a stream: `ar`, then `control.tar`, then `data.tar`, each member in archive order.
//!
//! Nothing is written to disk and no path in a package is ever opened, yet a path that would leave the root is an
//! error: a package that holds one is not a package to take anything from. What a package may unpack to is bounded.

use std::error::Error as StdError;
use std::io::{self, Read};

use liblzma::stream::{MtStreamBuilder, Stream};
use sha256::VerifyError;

use crate::limits::{self, Bounded};

mod ar;

/// The reason why a package cannot be read.
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
    /// More entries than any real package has.
    #[error("the package holds more than {0} files")]
    TooMany(usize),
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
        if let Some(limits::TooLarge(limit)) = find::<limits::TooLarge>(&error) {
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

/// The fields of a package about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `Package`
    pub package: String,
    /// `Version`
    pub version: String,
    /// `Architecture`, Debian's name.
    pub architecture: String,
    /// Everything that it says.
    fields: Vec<(String, String)>,
    text: String,
}

impl Control {
    /// Parses the file `control`.
    pub(crate) fn parse(text: &str) -> Result<Control, Error> {
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
            fields: paragraph.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            text: text.to_owned(),
        })
    }

    /// The file, as it is.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value of another field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The kind of a member of `data.tar`.
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
    /// Its kind.
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

/// Reads the package to its end, so that a [`sha256::VerifyReader`] under it gives its verdict, and calls `each` for
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
    check_version(&mut archive.next()?)?;
    let control = read_control(archive.next()?)?;
    let reader = decoder(archive.next()?, "data.tar", limits::DATA, threads)?;
    let mut rest = entries(reader, |path, entry| {
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
            tar::EntryType::Symlink | tar::EntryType::Link => Kind::Link,
            _ => Kind::Other,
        };
        let size = entry.size();
        each(&control, &mut Member { path, kind, size, reader: entry })
    })?;
    // The tar ends before its compressed form does, and a truncated end is a truncated package.
    io::copy(&mut rest, &mut io::sink()).map_err(Error::from)?;
    Ok(control)
}

/// Calls `each` for every entry of a tar with the entry's path from the root, and returns what follows the tar. The formats are
/// those of deb(5): extended headers are none of them, and long names are bounded.
fn entries<R: Read, E: From<Error>>(
    reader: R,
    mut each: impl FnMut(String, &mut tar::Entry<'_, R>) -> Result<(), E>,
) -> Result<R, E> {
    let mut tar = tar::Archive::new(reader);
    let mut long_name = None;
    // Raw, because `tar` reads long names and extended headers into memory, as long as they are.
    for (count, entry) in tar.entries().map_err(Error::from)?.raw(true).enumerate() {
        let mut entry = entry.map_err(Error::from)?;
        if count == limits::ENTRIES {
            return Err(Error::TooMany(limits::ENTRIES).into());
        }
        match entry.header().entry_type() {
            tar::EntryType::GNULongName => long_name = Some(read_long_name(&mut entry)?),
            tar::EntryType::GNULongLink => {}
            tar::EntryType::XHeader | tar::EntryType::XGlobalHeader => {
                return Err(Error::Format("its tar has pax headers".to_owned()).into());
            }
            _ => {
                let path = match long_name.take() {
                    Some(name) => safe_path(&name)?,
                    None => safe_path(&entry.path_bytes())?,
                };
                each(path, &mut entry)?;
            }
        }
    }
    Ok(tar.into_inner())
}

/// The name of the next entry, with a NUL at its end (tar(5), "GNU tar archives").
fn read_long_name<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, Error> {
    if entry.size() > limits::PATH {
        let message = format!("a path in it has {} bytes, more than {}", entry.size(), limits::PATH);
        return Err(Error::Format(message));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name)?;
    name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
    Ok(name)
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
    check_version(&mut archive.next().map_err(io::Error::other)?).map_err(io::Error::other)?;
    archive.next().map_err(io::Error::other)?;
    let data = archive.next().map_err(io::Error::other)?;
    read(&mut decoder(data, "data.tar", limits::DATA, 1).map_err(io::Error::other)?)
}

fn check_version<R: Read>(part: &mut ar::Part<'_, R>) -> Result<(), Error> {
    let mut version = Vec::new();
    part.take(16).read_to_end(&mut version)?;
    // deb(5): later minor versions stay readable.
    if part.name == "debian-binary" && version.starts_with(b"2.") {
        return Ok(());
    }
    Err(Error::Format("it does not begin with `debian-binary` 2.0".to_owned()))
}

fn read_control<R: Read>(part: ar::Part<'_, R>) -> Result<Control, Error> {
    let mut control = None;
    entries(decoder(part, "control.tar", limits::CONTROL, 1)?, |path, entry| -> Result<(), Error> {
        if path == "control" && control.is_none() {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            control = Some(Control::parse(&text)?);
        }
        Ok(())
    })?;
    control.ok_or_else(|| Error::Format("it has no `control`".to_owned()))
}

/// Decodes a member by its name's suffix. Debian's own packages use xz; gzip is dpkg's other old choice.
fn decoder<'a, R: Read>(
    part: ar::Part<'a, R>,
    stem: &str,
    limit: u64,
    threads: u32,
) -> Result<Box<dyn Read + 'a>, Error> {
    let name = part.name.clone();
    let inner: Box<dyn Read + 'a> = match name.strip_prefix(stem) {
        Some(".xz") => Box::new(xz(part, threads)?),
        Some(".gz") => Box::new(flate2::read::GzDecoder::new(part)),
        Some("") => Box::new(part),
        Some(suffix) => return Err(Error::Format(format!("`{stem}{suffix}` is in an unknown compression"))),
        None => return Err(Error::Format(format!("`{name}` stands where `{stem}` should"))),
    };
    Ok(Box::new(Bounded::new(inner, limit)))
}

/// An xz decoder of bounded memory. With one thread it is the caller's, and holds no blocks.
pub(crate) fn xz<R: Read>(inner: R, threads: u32) -> Result<liblzma::read::XzDecoder<R>, Error> {
    let stream = match threads {
        0 | 1 => Stream::new_stream_decoder(limits::XZ_MEMORY, 0),
        threads => MtStreamBuilder::new()
            .threads(threads)
            // Fewer threads before more memory.
            .memlimit_threading(u64::from(threads) * limits::XZ_MEMORY)
            .memlimit_stop(limits::XZ_MEMORY)
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
