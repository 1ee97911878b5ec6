//! A .deb, well formed unless it is to be otherwise.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use liblzma::stream::MtStreamBuilder;
use liblzma::write::XzEncoder;

/// A member of `data.tar`.
#[derive(Debug, Clone)]
enum Part {
    /// A file: path and contents.
    File(String, Vec<u8>),
    /// A symbolic link: path and where it leads.
    Link(String, String),
    /// So many zero bytes under a path.
    Zeros(String, u64),
}

/// A package under construction. Equal calls give equal bytes.
#[derive(Debug, Clone, Default)]
pub struct Deb {
    /// `Package`
    pub name: String,
    /// `Version`
    pub version: String,
    /// `Architecture`
    pub architecture: String,
    fields: Vec<String>,
    parts: Vec<Part>,
    gzip: bool,
    blocks: bool,
}

impl Deb {
    /// An empty package.
    pub fn new(name: &str, version: &str, architecture: &str) -> Deb {
        let [name, version, architecture] = [name, version, architecture].map(str::to_owned);
        Deb { name, version, architecture, ..Deb::default() }
    }

    /// With one more line in its `control`.
    #[must_use]
    pub fn field(mut self, line: &str) -> Deb {
        self.fields.push(line.to_owned());
        self
    }

    /// With a file at `path`, which is written into the tar as it is.
    #[must_use]
    pub fn file(mut self, path: &str, contents: &[u8]) -> Deb {
        self.parts.push(Part::File(path.to_owned(), contents.to_vec()));
        self
    }

    /// With a symbolic link.
    #[must_use]
    pub fn link(mut self, path: &str, to: &str) -> Deb {
        self.parts.push(Part::Link(path.to_owned(), to.to_owned()));
        self
    }

    /// With a file of zeros, which compresses to nothing.
    #[must_use]
    pub fn zeros(mut self, path: &str, size: u64) -> Deb {
        self.parts.push(Part::Zeros(path.to_owned(), size));
        self
    }

    /// With its `data.tar` in blocks that have their sizes, as dpkg-deb's threads write large ones.
    #[must_use]
    pub fn in_blocks(mut self) -> Deb {
        self.blocks = true;
        self
    }

    /// With its `data.tar` in gzip rather than xz.
    #[must_use]
    pub fn gzip(mut self) -> Deb {
        self.gzip = true;
        self
    }

    /// Its path in a pool.
    pub fn path(&self) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        format!("pool/main/{}_{version}_{}.deb", self.name, self.architecture)
    }

    /// Its file `control`.
    pub(super) fn control(&self) -> String {
        let Deb { name, version, architecture, .. } = self;
        let head = format!("Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n");
        self.fields.iter().fold(head, |text, line| text + line + "\n")
    }

    /// The package's bytes.
    pub fn build(&self) -> Vec<u8> {
        let control = self.control();
        let mut control_tar = XzEncoder::new(Vec::new(), 1);
        tar(&[Part::File("./control".to_owned(), control.into_bytes())], &mut control_tar);
        let (data_name, data_tar) = if self.gzip {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            tar(&self.parts, &mut gzip);
            ("data.tar.gz", gzip.finish().expect("writing to memory"))
        } else {
            let mut xz = match self.blocks {
                true => {
                    let stream = MtStreamBuilder::new().preset(1).block_size(4096).encoder();
                    XzEncoder::new_stream(Vec::new(), stream.expect("these options are good"))
                }
                false => XzEncoder::new(Vec::new(), 1),
            };
            tar(&self.parts, &mut xz);
            ("data.tar.xz", xz.finish().expect("writing to memory"))
        };
        let parts = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.xz", control_tar.finish().expect("writing to memory")),
            (data_name, data_tar),
        ];
        archive(&parts)
    }
}

/// A package with this `data.tar`, as it is.
pub fn around(data_tar: &[u8]) -> Vec<u8> {
    let control = entry(b'0', "control", b"Package: q\nVersion: 1\nArchitecture: amd64\n");
    let version = b"2.0\n".to_vec();
    archive(&[("debian-binary", version), ("control.tar", control), ("data.tar", data_tar.to_vec())])
}

/// An entry of a tar: the byte of its type, its path, and its contents.
pub fn entry(kind: u8, path: &str, contents: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(contents.len() as u64);
    header.set_path(path).expect("a short path");
    header.set_cksum();
    let padding = contents.len().next_multiple_of(512) - contents.len();
    [header.as_bytes().as_slice(), contents, &vec![0; padding]].concat()
}

/// The `ar` archive of a package out of its members.
fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in parts {
        let size = bytes.len();
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 0).bytes());
        out.extend_from_slice(bytes);
        out.extend(b"\n".repeat(size % 2));
    }
    out
}

fn tar(parts: &[Part], out: &mut dyn Write) {
    for part in parts {
        let (path, size, kind) = match part {
            Part::File(path, contents) => (path, contents.len() as u64, tar::EntryType::Regular),
            Part::Link(path, _) => (path, 0, tar::EntryType::Symlink),
            Part::Zeros(path, size) => (path, *size, tar::EntryType::Regular),
        };
        let mut header = tar::Header::new_ustar();
        // Past the library's own checks: hostile paths are the point.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(size);
        header.set_mtime(0);
        if let Part::Link(_, to) = part {
            header.set_link_name(to).expect("a short link");
        }
        header.set_cksum();
        out.write_all(header.as_bytes()).expect("writing to memory");
        match part {
            Part::File(_, contents) => out.write_all(contents).expect("writing to memory"),
            Part::Link(..) => {}
            Part::Zeros(_, size) => {
                let block = vec![0; 1 << 20];
                for _ in 0..size / (1 << 20) {
                    out.write_all(&block).expect("writing to memory");
                }
            }
        }
        let padding = usize::try_from(size.next_multiple_of(512) - size).expect("less than a block");
        out.write_all(&vec![0; padding]).expect("writing to memory");
    }
    out.write_all(&[0; 1024]).expect("writing to memory");
}
