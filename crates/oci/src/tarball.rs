//! A tarball with one file, made from the compressed piece that a layer holds of it: nothing is compressed again.
//!
//! Layers are what [`crate::LayerWriter`] writes: a member of headers, then the member with a file's content, and so
//! on; the end of the archive goes with the last headers.

use std::io::{self, BufRead, Read as _};

use flate2::bufread::GzDecoder;

use crate::entry::{BLOCK, END_OF_ARCHIVE, Entry, EntryError};
use crate::member::{Level, Member};

/// A file's content as a layer holds it, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    path: String,
    size: u64,
    member: Member,
}

impl Packed {
    /// The file of a layer that holds one. Its content is not decompressed: the caller vouches for the layer's digest,
    /// and for its holding only that file.
    pub fn only(layer: &[u8]) -> Result<Packed, TarballError> {
        let mut rest = layer;
        let File { path, size } = headers(&mut rest)?.ok_or(TarballError::Shape("it holds no file"))?;
        let end = Member::compress(&END_OF_ARCHIVE, Level::BEST);
        let content = rest
            .strip_suffix(end.bytes())
            .ok_or(TarballError::Shape("it does not end after its first file"))?;
        Packed::new(path, size, content.to_vec())
    }

    /// Every file of a layer, one after the other, each with its content as it was found. Decompresses all of it to
    /// find where the pieces end, and holds one piece at a time.
    pub fn each<R: BufRead, E: From<TarballError>>(
        layer: R,
        mut visit: impl FnMut(Packed) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut layer = Recorder { inner: layer, taken: Vec::new() };
        while let Some(File { path, size }) = headers(&mut layer)? {
            layer.taken.clear();
            io::copy(&mut GzDecoder::new(&mut layer), &mut io::sink()).map_err(TarballError::Io)?;
            visit(Packed::new(path, size, layer.taken.clone())?)?;
        }
        // Whoever verifies the digest does so at the end.
        io::copy(&mut layer, &mut io::sink()).map_err(TarballError::Io)?;
        Ok(())
    }

    fn new(path: String, size: u64, member: Vec<u8>) -> Result<Packed, TarballError> {
        let member =
            Member::found(member).ok_or(TarballError::Shape("a file's content is no gzip member"))?;
        if !member.has_size_of(size) {
            return Err(TarballError::Shape("a file's content has not the size in its header"));
        }
        Ok(Packed { path, size, member })
    }

    /// The path in the layer.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The size of the content, uncompressed, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A tar in gzip with the file as its one entry, called `name`, of mode 0755 and time 0.
    pub fn tarball(&self, name: &str) -> Result<Vec<u8>, EntryError> {
        let entry = Entry::file(name, self.size, 0o755, 0)?;
        let [header, end] =
            [&entry.header()[..], &END_OF_ARCHIVE].map(|bytes| Member::compress(bytes, Level::BEST));
        Ok([header.bytes(), self.member.bytes(), end.bytes()].concat())
    }
}

/// What a header says of the content behind it.
struct File {
    path: String,
    size: u64,
}

/// Reads one member of headers; gives the file whose content comes next, or `None` at the end of the archive.
fn headers<R: BufRead>(layer: &mut R) -> Result<Option<File>, TarballError> {
    let mut bytes = Vec::new();
    GzDecoder::new(layer).read_to_end(&mut bytes).map_err(TarballError::Io)?;
    if bytes.ends_with(&END_OF_ARCHIVE) {
        return Ok(None);
    }
    let (_, block) = bytes.split_last_chunk::<BLOCK>().ok_or(TarballError::Shape("a header is cut off"))?;
    let header = tar::Header::from_byte_slice(block);
    if !header.entry_type().is_file() {
        return Err(TarballError::Shape("headers end without a file"));
    }
    let path = String::from_utf8(header.path_bytes().into_owned())
        .map_err(|_| TarballError::Shape("a file's path is not UTF-8"))?;
    Ok(Some(File { path, size: header.size().map_err(TarballError::Io)? }))
}

/// Keeps what was taken from the reader under it.
struct Recorder<R> {
    inner: R,
    taken: Vec<u8>,
}

impl<R: BufRead> io::Read for Recorder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Recorder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        // What was shown is still there: `consume` is only called after `fill_buf`.
        if let Ok(shown) = self.inner.fill_buf() {
            self.taken.extend_from_slice(&shown[..n]);
        }
        self.inner.consume(n);
    }
}

/// Why a layer gives no tarball.
#[derive(Debug, thiserror::Error)]
pub enum TarballError {
    /// It cannot be read or decompressed.
    #[error("cannot read a layer: {0}")]
    Io(#[source] io::Error),
    /// It is no layer of ours.
    #[error("cannot take a file out of a layer: {0}")]
    Shape(&'static str),
}

#[cfg(test)]
mod tests {
    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::LayerWriter;

    fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut layer = LayerWriter::new(Vec::new());
        layer.entry(&Entry::directory("usr", 0o755, 0).unwrap()).unwrap();
        for (path, content) in files {
            let entry = Entry::file(path, content.len() as u64, 0o755, 0).unwrap();
            layer.file(&entry, content, &Member::content(content, Level::DEFAULT)).unwrap();
        }
        layer.finish().unwrap().0
    }

    /// The entries of a tarball: name, mode, time, content.
    fn unpack(tarball: &[u8]) -> Vec<(String, u32, u64, Vec<u8>)> {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(tarball));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            let name = String::from_utf8(header.path_bytes().into_owned()).unwrap();
            (name, header.mode().unwrap(), header.mtime().unwrap(), content)
        });
        entries.collect()
    }

    fn each(layer: &[u8]) -> Result<Vec<Packed>, TarballError> {
        let mut found = Vec::new();
        // A small buffer, so that members cross its borders.
        let layer = io::BufReader::with_capacity(7, layer);
        Packed::each(layer, |packed| -> Result<(), TarballError> {
            found.push(packed);
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn a_file_is_taken_as_it_lies_in_its_layer() {
        let contents: [&[u8]; 4] = [b"", b"a", &[7; 512], &[9; 100_000]];
        for content in contents {
            let bytes = layer(&[("usr/a", content)]);
            let packed = Packed::only(&bytes).unwrap();
            assert_eq!((packed.path(), packed.size()), ("usr/a", content.len() as u64));
            let member = Member::content(content, Level::DEFAULT);
            assert!(bytes.windows(member.bytes().len()).any(|window| window == member.bytes()));
            assert_eq!(packed.member, member);
            assert_eq!(each(&bytes).unwrap().as_slice(), std::slice::from_ref(&packed));
            let expected = ("b".to_owned(), 0o755, 0, content.to_vec());
            assert_eq!(unpack(&packed.tarball("b").unwrap()), [expected]);
        }
    }

    #[test]
    fn every_file_of_a_layer_is_found() {
        let files: [(&str, &[u8]); 3] = [("usr/a", b"one"), ("usr/b", &[1; 3000]), ("usr/c", b"three")];
        let found = each(&layer(&files)).unwrap();
        let expected = files.map(|(path, content)| Packed {
            path: path.to_owned(),
            size: content.len() as u64,
            member: Member::content(content, Level::DEFAULT),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_layer_of_ours_is_refused() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(Packed::only(bytes).unwrap_err().to_string(), expected);
        };
        let shape = "cannot take a file out of a layer: ";
        let two = layer(&[("usr/a", b"one"), ("usr/b", &[2; 600])]);
        check(&two, &format!("{shape}a file's content has not the size in its header"));
        check(&two[..two.len() - 1], &format!("{shape}it does not end after its first file"));
        check(&layer(&[]), &format!("{shape}it holds no file"));
        check(b"plain text, longer than a header", "cannot read a layer: invalid gzip header");
        let directory = Member::compress(Entry::directory("usr", 0o755, 0).unwrap().header(), Level::BEST);
        check(directory.bytes(), &format!("{shape}headers end without a file"));
        let mut flipped = layer(&[("usr/a", &[1; 3000])]);
        let at = flipped.len() / 2;
        flipped[at] ^= 1;
        assert!(each(&flipped).is_err());
    }
}
