//! A file on its way to its name.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;
use crate::place::Place;

/// The number of bytes that are collected before they are written.
const BUFFER: usize = 1 << 20;

/// The options of a write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The mode of the file, of which the umask takes its part, as with every other program's new files. The file that is
    /// replaced does not matter.
    pub mode: u32,
    /// True if the file must outlive a power cut right after: it is synchronised with the disk before it gets its name.
    pub durable: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { mode: 0o644, durable: false }
    }
}

/// Writes `bytes` to `path`, in a folder that is made if need be.
pub fn write(path: &Path, bytes: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Error> {
    write_with(path, bytes, Options::default())
}

/// Writes `bytes` to `path` as `options` say.
pub fn write_with(path: &Path, bytes: &(impl AsRef<[u8]> + ?Sized), options: Options) -> Result<(), Error> {
    Draft::create_with(path, options)?.finish_with(bytes.as_ref())
}

/// A file that gets its name, and takes the place of the one before, when it is whole.
///
/// Make the draft before long work: it fails then if anything stands in the way of the file.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    out: Out,
}

#[derive(Debug)]
enum Out {
    File { file: BufWriter<NamedTempFile>, to: PathBuf, durable: bool },
    Stream(BufWriter<File>),
}

impl Draft {
    /// Begins the file at `path`, in a folder that is made if need be. A FIFO is opened, which waits for its reader.
    pub fn create(path: &Path) -> Result<Draft, Error> {
        Draft::create_with(path, Options::default())
    }

    /// Begins the file at `path` as `options` say.
    pub fn create_with(path: &Path, options: Options) -> Result<Draft, Error> {
        let out = Out::open(path, options).map_err(|source| cannot_write(path, source))?;
        Ok(Draft { path: path.to_owned(), out })
    }

    /// Writes `bytes`, and gives the file its name.
    pub fn finish_with(mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes).map_err(|source| cannot_write(&self.path, source))?;
        self.finish()
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), Error> {
        let Draft { path, out } = self;
        out.finish().map_err(|source| cannot_write(&path, source))
    }
}

impl Out {
    fn open(path: &Path, options: Options) -> io::Result<Out> {
        Ok(match Place::find(path)? {
            Place::File(to) => {
                let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                fs::create_dir_all(folder)?;
                let mut temporary = tempfile::Builder::new();
                let file = temporary.permissions(Permissions::from_mode(options.mode)).tempfile_in(folder)?;
                Out::File { file: BufWriter::with_capacity(BUFFER, file), to, durable: options.durable }
            }
            // The same open file, so that what is printed there before and after keeps its place.
            Place::Stdout => stream(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
            // Nothing that is there is cut off: at the place of a link of procfs there may be a file.
            Place::Stream(path) => stream(OpenOptions::new().append(true).open(path)?),
        })
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Out::Stream(mut file) => file.flush(),
            Out::File { file, to, durable } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                if durable {
                    file.as_file().sync_all()?;
                }
                // The work may have taken minutes, in which something else may have got the name.
                if Place::find(&to)? != Place::File(to.clone()) {
                    return Err(io::Error::other("it is no regular file any more"));
                }
                file.persist(&to).map_err(|error| error.error)?;
                match to.parent().filter(|folder| durable && !folder.as_os_str().is_empty()) {
                    Some(folder) => File::open(folder)?.sync_all(),
                    None => Ok(()),
                }
            }
        }
    }
}

fn stream(file: File) -> Out {
    Out::Stream(BufWriter::with_capacity(BUFFER, file))
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::File { file, .. } => file.write(bytes),
            Out::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File { file, .. } => file.flush(),
            Out::Stream(file) => file.flush(),
        }
    }
}

fn cannot_write(path: &Path, source: io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
