//! One .deb into a directory.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use sha256::VerifyReader;
use tar::EntryType;

use super::Deb;
use super::skeleton::MERGED;

/// Unpacks the files of `deb` into `root`, which has the skeleton's links.
///
/// Owners are the caller's, modes the archive's (setuid bits, too). Devices are refused: no package has any.
pub(super) fn unpack(deb: &Deb, root: &Path) -> io::Result<()> {
    let verified = VerifyReader::new(File::open(&deb.path)?, deb.size, deb.digest);
    debian::deb::data(verified, |tar| entries(tar, root))
}

fn entries(tar: impl Read, root: &Path) -> io::Result<()> {
    let root = root.canonicalize()?;
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(relative) = merged(&entry.path()?)? else { continue };
        let path = root.join(&relative);
        let parent = path.parent().unwrap_or(&root);
        fs::create_dir_all(parent)?;
        // A link of an earlier entry must not lead out of the root.
        if !parent.canonicalize()?.starts_with(&root) {
            return Err(refused(&relative, "leads out of the package"));
        }
        let mode = Permissions::from_mode(entry.header().mode()? & 0o7777);
        match entry.header().entry_type() {
            // A directory that is there already, perhaps as one of the skeleton's links, stays.
            EntryType::Directory if path.is_dir() => {}
            EntryType::Directory => {
                fs::create_dir(&path)?;
                fs::set_permissions(&path, mode)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                remove(&path)?;
                let mut file = fs::File::create_new(&path)?;
                io::copy(&mut entry, &mut file)?;
                fs::set_permissions(&path, mode)?;
            }
            EntryType::Symlink => {
                remove(&path)?;
                let target = entry.link_name()?.ok_or_else(|| refused(&relative, "is a link to nothing"))?;
                symlink(target, &path)?;
            }
            EntryType::Link => {
                remove(&path)?;
                let target = entry.link_name()?.ok_or_else(|| refused(&relative, "is a link to nothing"))?;
                let target = merged(&target)?.ok_or_else(|| refused(&relative, "is a link to the root"))?;
                fs::hard_link(root.join(target), &path)?;
            }
            kind => return Err(refused(&relative, &format!("is of a kind ({kind:?}) that is not unpacked"))),
        }
    }
    Ok(())
}

/// The place of `path` below a root with a merged `/usr`; `None` for the root itself.
fn merged(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir | Component::RootDir => {}
            Component::Normal(name) => clean.push(name),
            Component::ParentDir | Component::Prefix(_) => {
                return Err(refused(path, "leads out of the package"));
            }
        }
    }
    let first = clean.components().next().map(|first| first.as_os_str().to_owned());
    // The bare names are the skeleton's links.
    if first.is_some_and(|first| MERGED.iter().any(|name| first == *name)) && clean.components().count() > 1 {
        clean = Path::new("usr").join(clean);
    }
    Ok((!clean.as_os_str().is_empty()).then_some(clean))
}

/// Packages that come later win, as they do with dpkg's `--force-overwrite`.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unpacks a tar of `(path, kind, link or contents)` and returns the root.
    fn check(members: &[(&str, EntryType, &str)]) -> Result<tempfile::TempDir, String> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, text) in members {
            let mut header = tar::Header::new_gnu();
            // Not `set_path`, which refuses `..` by itself.
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(if kind.is_dir() { 0o755 } else { 0o4711 });
            let mut contents = text.as_bytes();
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name_literal(text).unwrap();
                contents = &[];
            }
            header.set_size(contents.len() as u64);
            header.set_cksum();
            builder.append(&header, contents).unwrap();
        }
        let tar = builder.into_inner().unwrap();
        let root = tempfile::tempdir().unwrap();
        super::super::skeleton::write(root.path()).unwrap();
        entries(&tar[..], root.path()).map_err(|error| error.to_string()).map(|()| root)
    }

    #[test]
    fn usr_is_merged() {
        let root = check(&[
            ("./", EntryType::Directory, ""),
            ("./bin/", EntryType::Directory, ""),
            ("./bin/a", EntryType::Regular, "A"),
            ("./usr/bin/b", EntryType::Regular, "B"),
            ("./lib/x/c", EntryType::Symlink, "/lib/y"),
            ("./sbin/d", EntryType::Link, "./bin/a"),
            ("./bin/a2", EntryType::Regular, "A"),
            ("./binder", EntryType::Regular, "not merged"),
        ])
        .unwrap();
        let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
        assert_eq!(
            (read("usr/bin/a"), read("bin/b"), read("usr/sbin/d")),
            ("A".into(), "B".into(), "A".into())
        );
        assert_eq!(read("binder"), "not merged");
        assert_eq!(fs::read_link(root.path().join("usr/lib/x/c")).unwrap(), Path::new("/lib/y"));
        let mode = root.path().join("bin/a").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o4711, "setuid bits are kept");
    }

    #[test]
    fn nothing_leaves_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().to_str().unwrap();
        for (members, expected) in [
            (&[("../x", EntryType::Regular, "")][..], "../x leads out of the package"),
            (
                &[("./l", EntryType::Symlink, target), ("./l/x", EntryType::Regular, "")],
                "l/x leads out of the package",
            ),
            (&[("./h", EntryType::Link, "../../etc/passwd")], "../../etc/passwd leads out of the package"),
            (&[("./dev/sda", EntryType::Block, "")], "dev/sda is of a kind (Block) that is not unpacked"),
        ] {
            assert_eq!(check(members).map(drop), Err(expected.to_owned()));
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
