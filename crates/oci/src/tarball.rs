//! A tarball with one file, made from the compressed piece that a layer holds of it: nothing is compressed again.
//!
//! Layers are what [`crate::LayerWriter`] writes: a member of headers, then the member with a file's content, and so
//! on; the end of the archive goes with the last headers.

use std::io::{self, BufRead, Read as _};

use flate2::bufread::GzDecoder;

use crate::entry::{BLOCK, END_OF_ARCHIVE, Entry, EntryError};
use crate::member::{Level, MAGIC, Member, SHORTEST, is_member_of};

/// A file's content as a layer holds it, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed<'a> {
    path: String,
    size: u64,
    member: &'a [u8],
}

/// A tar in gzip, in pieces that belong one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball<'a> {
    header: Member,
    content: &'a [u8],
    end: Member,
}

impl Tarball<'_> {
    /// The pieces.
    pub fn pieces(&self) -> [&[u8]; 3] {
        [self.header.bytes(), self.content, self.end.bytes()]
    }
}

// Contents are not decompressed here: the caller vouches for the layer's digest, and for its being one of ours.
impl<'a> Packed<'a> {
    /// The file of a layer that holds one.
    pub fn only(layer: &'a [u8]) -> Result<Packed<'a>, TarballError> {
        let mut rest = layer;
        let File { path, size } = headers(&mut rest)?.ok_or(TarballError::Shape("it holds no file"))?;
        let end = Member::compress(&END_OF_ARCHIVE, Level::BEST);
        let member = rest
            .strip_suffix(end.bytes())
            .ok_or(TarballError::Shape("it does not end after its first file"))?;
        match is_member_of(member, size) {
            true => Ok(Packed { path, size, member }),
            false => Err(TarballError::Shape("a file's content has not the size in its header")),
        }
    }

    /// The path in the layer.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The size of the content, uncompressed, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The content with its padding, and the member that holds it: a piece for another layer.
    pub fn unpack(&self) -> Result<(Vec<u8>, Member), TarballError> {
        let damaged = TarballError::Shape("a file's content is not what its member's sums say");
        Member::unpack(self.member, self.size).map(|(member, content)| (content, member)).ok_or(damaged)
    }

    /// A tar in gzip with the file as its one entry, called `name`, of mode 0755 and time 0.
    pub fn tarball(&self, name: &str) -> Result<Tarball<'a>, EntryError> {
        let entry = Entry::file(name, self.size, 0o755, 0)?;
        let [header, end] =
            [&entry.header()[..], &END_OF_ARCHIVE].map(|bytes| Member::compress(bytes, Level::BEST));
        Ok(Tarball { header, content: self.member, end })
    }
}

/// Calls `visit` for every file of a layer, one after the other, each with its content as it was found. Reads the layer
/// to its end, and holds one content at a time.
pub fn each<R: io::Read, E: From<TarballError>>(
    layer: R,
    mut visit: impl FnMut(Packed<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut layer = Pieces { inner: layer, buffer: Vec::new(), start: 0 };
    while let Some(File { path, size }) = headers(&mut layer)? {
        let end = layer.find_end(size)?;
        visit(Packed { path, size, member: &layer.buffer[..end] })?;
        layer.start = end;
    }
    // The reader that verifies the digest does so at the end.
    io::copy(&mut layer.inner, &mut io::sink()).map_err(TarballError::Io)?;
    Ok(())
}

/// The first file of a layer in zstd: its path and its content. Reads the layer to its end.
pub fn first_of_frame(layer: impl io::Read) -> Result<(String, Vec<u8>), TarballError> {
    let frame = zstd::stream::read::Decoder::new(layer).map_err(TarballError::Io)?;
    let mut archive = tar::Archive::new(frame);
    let found = first_file(&mut archive)?;
    // Whoever verifies the digest does so at the end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(TarballError::Io)?;
    found.ok_or(TarballError::Shape("it holds no file"))
}

fn first_file(archive: &mut tar::Archive<impl io::Read>) -> Result<Option<(String, Vec<u8>)>, TarballError> {
    for entry in archive.entries().map_err(TarballError::Io)? {
        let mut entry = entry.map_err(TarballError::Io)?;
        if entry.header().entry_type().is_file() {
            let path = String::from_utf8(entry.path_bytes().into_owned())
                .map_err(|_| TarballError::Shape("a file's path is not UTF-8"))?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(TarballError::Io)?;
            return Ok(Some((path, content)));
        }
    }
    Ok(None)
}

/// The statements of a header about the content behind it.
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

/// The number of bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// A layer as it is read, with as much of it in memory as the piece that is looked at needs.
struct Pieces<R> {
    inner: R,
    buffer: Vec<u8>,
    /// The position in the buffer where the piece begins.
    start: usize,
}

impl<R: io::Read> Pieces<R> {
    /// The position in the buffer where the member ends that comes next and holds a content of `size` bytes; it is at the
    /// buffer's beginning then. Behind it the next one begins, and before that is this one's size. (What looks like both and is
    /// neither would have twelve bytes by chance.)
    fn find_end(&mut self, size: u64) -> Result<usize, TarballError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let mut from = SHORTEST;
        loop {
            let unseen = self.buffer.get(from..).unwrap_or_default();
            match memchr::memmem::find(unseen, &MAGIC).map(|at| from + at) {
                Some(end) if is_member_of(&self.buffer[..end], size) => return Ok(end),
                Some(end) => from = end + 1,
                None => {
                    // The beginning of the next one may be there already.
                    from = from.max(self.buffer.len().saturating_sub(MAGIC.len() - 1));
                    if self.read_more()? == 0 {
                        return Err(TarballError::Shape("a file's content has not the size in its header"));
                    }
                }
            }
        }
    }

    fn read_more(&mut self) -> Result<usize, TarballError> {
        let taken = (&mut self.inner).take(CHUNK as u64).read_to_end(&mut self.buffer);
        taken.map_err(TarballError::Io)
    }
}

impl<R: io::Read> io::Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: io::Read> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            (&mut self.inner).take(CHUNK as u64).read_to_end(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..])
    }

    fn consume(&mut self, n: usize) {
        self.start += n;
    }
}

/// The reason why a layer gives no tarball.
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
    use crate::{LayerWriter, Piece};

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

    /// A file as it was found: path, size, member.
    type Found = (String, u64, Vec<u8>);

    fn found(packed: &Packed<'_>) -> Found {
        (packed.path.clone(), packed.size, packed.member.to_vec())
    }

    fn each(layer: &[u8]) -> Result<Vec<Found>, TarballError> {
        let mut all = Vec::new();
        super::each(layer, |packed| -> Result<(), TarballError> {
            all.push(found(&packed));
            Ok(())
        })?;
        Ok(all)
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
            assert_eq!(packed.member, member.bytes());
            assert_eq!(each(&bytes).unwrap(), [found(&packed)]);
            let expected = ("b".to_owned(), 0o755, 0, content.to_vec());
            assert_eq!(unpack(&packed.tarball("b").unwrap().pieces().concat()), [expected]);
        }
    }

    #[test]
    fn a_file_of_pieces_is_one_file() {
        let (first, middle, last) = (noise(1024), noise(700), b"the end");
        let small = layer(&[("usr/bin/middle", &middle)]);
        let packed = Packed::only(&small).unwrap();
        let (padded, member) = packed.unpack().unwrap();
        assert_eq!((&padded[..700], &padded[700..]), (&middle[..], &[0; 324][..]));
        assert!(small.windows(member.bytes().len()).any(|window| window == member.bytes()));

        let members = [&first[..], last].map(|content| Member::content(content, Level::DEFAULT));
        let pieces = [
            Piece { content: &first, member: &members[0] },
            Piece { content: &padded, member: &member },
            Piece { content: last, member: &members[1] },
        ];
        let whole = [&first[..], &padded, last].concat();
        let entry = Entry::file("qus/run", whole.len() as u64, 0o755, 0).unwrap();
        let mut writer = LayerWriter::new(Vec::new());
        writer.file_of(&entry, &pieces).unwrap();
        let (bytes, written) = writer.finish().unwrap();
        assert_eq!(unpack(&bytes), [("qus/run".to_owned(), 0o755, 0, whole.clone())]);
        // The tar is the one that the whole content makes.
        let mut plain = LayerWriter::new(Vec::new());
        plain.file(&entry, &whole, &Member::content(&whole, Level::DEFAULT)).unwrap();
        assert_eq!(plain.finish().unwrap().1.diff_id, written.diff_id);

        let error = LayerWriter::new(Vec::new()).file_of(&entry, &[pieces[2], pieces[0], pieces[1]]);
        let message = "cannot add `qus/run` to a layer: its compressed form holds another content";
        assert_eq!(error.unwrap_err().to_string(), message);
    }

    #[test]
    fn a_file_is_taken_out_of_a_frame() {
        let mut layer = crate::FrameWriter::new(Vec::new(), crate::Frame::Quick).unwrap();
        layer.entry(&Entry::directory("usr", 0o755, 0).unwrap()).unwrap();
        let nothing = layer.finish().unwrap().0;
        let error = first_of_frame(&nothing[..]).unwrap_err().to_string();
        assert_eq!(error, "cannot take a file out of a layer: it holds no file");

        let mut layer = crate::FrameWriter::new(Vec::new(), crate::Frame::Quick).unwrap();
        layer.file(&Entry::file("usr/a", 3, 0o755, 0).unwrap(), b"abc").unwrap();
        let bytes = layer.finish().unwrap().0;
        assert_eq!(first_of_frame(&bytes[..]).unwrap(), ("usr/a".to_owned(), b"abc".to_vec()));
    }

    /// Bytes that do not become fewer by compressing.
    fn noise(size: usize) -> Vec<u8> {
        let step = |n: &mut u32| {
            *n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*n >> 24) as u8)
        };
        std::iter::repeat_n((), size).scan(1, |n, ()| step(n)).collect()
    }

    #[test]
    fn every_file_of_a_layer_is_found() {
        // Members that end before, at and behind the borders of what is read at once, wherever the headers' begin.
        for size in [CHUNK - 200, CHUNK - 100, CHUNK - 20, 3 * CHUNK] {
            for more in 0..60 {
                let (first, second) = (noise(size + more), noise(300));
                let files: [(&str, &[u8]); 3] = [("usr/a", &first), ("usr/b", &second), ("usr/c", b"three")];
                let expected = files.map(|(path, content)| {
                    let member = Member::content(content, Level::DEFAULT);
                    (path.to_owned(), content.len() as u64, member.bytes().to_vec())
                });
                assert_eq!(each(&layer(&files)).unwrap(), expected, "{size} + {more}");
            }
        }
    }

    #[test]
    fn a_member_inside_a_content_is_no_end() {
        // Stored as it is, for it cannot be compressed: the beginning of a member, behind a size.
        let mut content = noise(2000);
        content.splice(1000..1000, [&2048_u32.to_le_bytes()[..], &MAGIC].concat());
        content.splice(500..500, MAGIC);
        let bytes = layer(&[("usr/a", &content), ("usr/b", b"two")]);
        assert!(memchr::memmem::find_iter(&bytes, &MAGIC).count() > 5, "the content was compressed");
        // Only what also has the size of the whole content before it is taken for the end, and then nothing fits any more.
        let error = each(&bytes).unwrap_err().to_string();
        assert_eq!(error, "cannot read a layer: corrupt deflate stream");
        let content = [noise(500), MAGIC.to_vec(), noise(500)].concat();
        let files: [(&str, &[u8]); 2] = [("usr/a", &content), ("usr/b", b"two")];
        assert_eq!(each(&layer(&files)).unwrap().len(), 2);
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
        let error = each(&two[..two.len() - 50]).unwrap_err().to_string();
        assert_eq!(error, format!("{shape}a file's content has not the size in its header"));
        assert_eq!(each(b"plain text").unwrap_err().to_string(), "cannot read a layer: invalid gzip header");
    }
}
