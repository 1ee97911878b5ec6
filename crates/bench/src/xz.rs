//! Debian's own `xz -dc` as the decoder of packages: a process for each, whose pipe is read.
//!
//! It runs from a tree of packages that is installed nowhere, by the tree's own loader and libraries, with nothing around
//! it that would take time.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use testbed::{Package, Packages, Tree};

/// More than stands before a package's `data.tar`.
const HEAD: u64 = 16 << 20;

/// The program, and what starts it.
#[derive(Debug)]
pub(crate) struct Xz {
    loader: PathBuf,
    libraries: PathBuf,
    program: PathBuf,
}

/// The packages with `xz` and all that it is linked with.
pub(crate) fn tree(packages: &Packages) -> anyhow::Result<Tree> {
    let names = ["xz-utils", "liblzma5", "libc6"].map(|name| Package::native("sid", name));
    Ok(packages.tree("xz", &names)?)
}

impl Xz {
    /// Looks for it in a tree.
    pub(crate) fn find(tree: &Path) -> anyhow::Result<Xz> {
        let libraries = child_of(&tree.join("usr/lib"), |path| path.join("liblzma.so.5").exists())?;
        let loader = child_of(&libraries, |path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.starts_with(b"ld-linux") || name.starts_with(b"ld64.so")
        })?;
        Ok(Xz { loader, libraries, program: tree.join("usr/bin/xz") })
    }

    /// Gives `read` what `xz -dc` makes of a package's `data.tar.xz`. It counts only if this returns `Ok`.
    pub(crate) fn decode(
        &self,
        deb: &Path,
        read: impl FnOnce(&mut dyn Read) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let file = File::open(deb)?;
        // The process reads the file itself, from there.
        (&file).seek(SeekFrom::Start(data_start(&file)?))?;
        let mut command = Command::new(&self.loader);
        command.arg("--library-path").arg(&self.libraries).arg(&self.program).args(["-T1", "-dc"]);
        command.env_clear().stdin(file).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot run `xz -dc`")?;
        let mut pipe = child.stdout.take().context("a piped stdout is there")?;
        let result = read(&mut pipe).and_then(|()| Ok(io::copy(&mut pipe, &mut io::sink())?));
        // It ends when nobody reads from it any more.
        drop(pipe);
        let status = child.wait().context("cannot wait for `xz -dc`")?;
        result?;
        if !status.success() {
            bail!("`xz -dc` failed ({status})");
        }
        Ok(())
    }
}

/// The position of `data.tar.xz`, which has the rest of the package.
fn data_start(deb: &File) -> anyhow::Result<u64> {
    // No more is read than stands before it, whatever `ar` would do with the rest.
    let mut archive = ar::Archive::new(deb.take(HEAD));
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        if name == "data.tar.xz" {
            let mut deb = deb;
            let start = deb.stream_position()?;
            let (end, size) = (start + entry.header().size(), deb.metadata()?.len());
            if end != size {
                bail!("`data.tar.xz` ends at {end}, and the package has {size} bytes");
            }
            return Ok(start);
        }
        io::copy(&mut entry, &mut io::sink())?;
    }
    bail!("it has no `data.tar.xz`")
}

/// The first in a folder, by name, that is what is looked for.
fn child_of(folder: &Path, is_it: impl Fn(&Path) -> bool) -> anyhow::Result<PathBuf> {
    let context = || format!("cannot find `xz` with its libraries in {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(context)? {
        paths.push(entry?.path());
    }
    paths.sort();
    paths.into_iter().find(|path| is_it(path)).with_context(context)
}

#[cfg(test)]
mod tests {
    use debian::testing::Deb;

    use super::*;

    fn package(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn the_data_of_a_package_is_found() {
        let deb = Deb::new("qemu-user", "1", "amd64").file("./usr/bin/qemu-arm", b"a program").build();
        let mut file = package(&deb);
        let start = data_start(&file).unwrap();
        let mut rest = Vec::new();
        file.seek(SeekFrom::Start(start)).unwrap();
        file.read_to_end(&mut rest).unwrap();
        // The xz file format, sections 2.1.1.1 and 2.1.2.4.
        assert!(rest.starts_with(b"\xfd7zXZ\0") && rest.ends_with(b"YZ"), "at {start}");
    }

    #[test]
    fn packages_of_other_forms_are_refused() {
        let deb = || Deb::new("qemu-user", "1", "amd64").file("./usr/bin/qemu-arm", b"a program");
        let whole = deb().build();
        for (bytes, expected) in [
            (deb().gzip().build(), "it has no `data.tar.xz`".to_owned()),
            (
                [whole.as_slice(), b"more"].concat(),
                format!(
                    "`data.tar.xz` ends at {}, and the package has {} bytes",
                    whole.len(),
                    whole.len() + 4
                ),
            ),
        ] {
            assert_eq!(data_start(&package(&bytes)).unwrap_err().to_string(), expected);
        }
    }
}
