//! The static programs that a package holds: QEMU's user-mode emulators, and busybox.
//!
//! Suites disagree about names (`qemu-arm` or `qemu-arm-static`), and packages also hold symbolic links, scripts and,
//! in some suites, dynamic programs under the same names. A target is taken only if its file is a static program
//! for the host.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use arch::{Host, Status, Target};

use crate::about::About;
use crate::deb::{self, Control, Kind, Member};
use crate::{elf, limits};

/// The reason why the wanted programs cannot be taken from a package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The package cannot be read.
    #[error("cannot read a package for host `{host}`")]
    Deb {
        /// The host it is for.
        host: Host,
        /// The reason.
        #[source]
        error: deb::Error,
    },
    /// The package is for another architecture than the host's.
    #[error("package `{package}` for host `{host}` is for Debian's `{actual}`, not `{}`", host.debian())]
    Architecture {
        /// The package's name.
        package: String,
        /// The host it was to be for.
        host: Host,
        /// Debian's architecture in the package.
        actual: String,
    },
    /// A wanted target is not in the package.
    #[error("package `{package}` {version} for host `{host}` has no `{what}`{}", because(.links_only))]
    Missing {
        /// The package's name.
        package: String,
        /// Its version.
        version: String,
        /// The host it is for.
        host: Host,
        /// The target, or `busybox`.
        what: String,
        /// There is a link under that name, and no file.
        links_only: bool,
    },
    /// A wanted target is in the package twice.
    #[error("package `{package}` {version} for host `{host}` has `{what}` twice")]
    Twice {
        /// The package's name.
        package: String,
        /// Its version.
        version: String,
        /// The host it is for.
        host: Host,
        /// The target.
        what: String,
    },
    /// A wanted target's file is not a static program for the host.
    #[error("package `{package}` {version} for host `{host}`: `{path}` {error}")]
    Program {
        /// The package's name.
        package: String,
        /// Its version.
        version: String,
        /// The host it is for.
        host: Host,
        /// The file.
        path: String,
        /// The kind that it has instead.
        error: elf::Error,
    },
}

fn because(links_only: &bool) -> &'static str {
    if *links_only { ": only a symbolic link" } else { "" }
}

/// Calls `each` with every wanted target's program, in the package's order, one in memory at a time; returns the facts about the
/// package.
///
/// The package is read to its end, so that a `VerifyReader` around it gives its verdict: what `each` got counts
/// only once this returns `Ok`. `threads` decode.
pub fn binaries<R: Read, E: From<Error>>(
    deb: R,
    host: Host,
    wanted: &BTreeSet<Target>,
    threads: u32,
    each: &mut dyn FnMut(Target, Vec<u8>) -> Result<(), E>,
) -> Result<About, E> {
    let mut found = BTreeSet::new();
    let mut links = BTreeSet::new();
    let mut copyright = None;
    let control = walk(threads, deb, host, &mut |control, member| {
        if is_copyright(control, member) {
            copyright = Some(text(host, member)?);
        }
        let Some(target) = target_of(&member.path).filter(|target| wanted.contains(target)) else {
            return Ok(());
        };
        if member.kind == Kind::Link {
            links.insert(target);
        }
        if member.kind != Kind::File {
            return Ok(());
        }
        let bytes = program(control, host, member)?;
        if !found.insert(target) {
            let Control { package, version, .. } = control.clone();
            return Err(Error::Twice { package, version, host, what: target.to_string() }.into());
        }
        each(target, bytes)
    })?;
    match wanted.iter().find(|target| !found.contains(target)) {
        None => Ok(about(host, &control, copyright.as_deref())?),
        Some(target) => Err(missing(control, host, target.name(), links.contains(target)).into()),
    }
}

fn about(host: Host, control: &Control, copyright: Option<&str>) -> Result<About, Error> {
    About::new(control, copyright).map_err(|error| Error::Deb { host, error })
}

/// True of the file that says who may do what with a package (Debian Policy 12.5).
fn is_copyright(control: &Control, member: &Member<'_>) -> bool {
    member.kind == Kind::File && member.path == format!("usr/share/doc/{}/copyright", control.package)
}

fn text(host: Host, member: &mut Member<'_>) -> Result<String, Error> {
    let bytes = member.read(limits::COPYRIGHT).map_err(|error| Error::Deb { host, error })?;
    // It goes into images as it is, so nothing in it may be replaced (Debian Policy 10.10: documents are in UTF-8).
    String::from_utf8(bytes).map_err(|_| {
        let error = deb::Error::Format("its copyright file is not in UTF-8".to_owned());
        Error::Deb { host, error }
    })
}

/// The files of a package under the names of QEMU's emulators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The targets whose static programs it holds, with each program's size in bytes.
    pub held: BTreeMap<Target, u64>,
    /// The targets whose files are no static programs for the host, and why.
    pub rejected: BTreeMap<Target, elf::Error>,
    /// Static programs under the names of emulators, by the names of targets that no table knows.
    pub unknown: BTreeSet<String>,
}

/// Lists what could be taken from a package; files that are no static programs for the host are no errors here.
pub fn list<R: Read>(deb: R, host: Host) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    walk(1, deb, host, &mut |control, member| {
        if member.kind != Kind::File {
            return Ok(());
        }
        if let Some(target) = target_of(&member.path) {
            match program(control, host, member) {
                Ok(bytes) => drop(listing.held.insert(target, bytes.len() as u64)),
                Err(Error::Program { error, .. }) => drop(listing.rejected.insert(target, error)),
                Err(error) => return Err(error),
            }
        } else if let Some(name) = unknown_of(&member.path).map(str::to_owned) {
            match program(control, host, member) {
                Ok(_) => drop(listing.unknown.insert(name)),
                // No program of this kind, whatever else it is.
                Err(Error::Program { .. } | Error::Deb { error: deb::Error::MemberTooLarge { .. }, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    listing.rejected.retain(|target, _| !listing.held.contains_key(target));
    Ok(listing)
}

/// `busybox` from `busybox-static`: `bin/busybox`, or `usr/bin/busybox` where /usr is merged; and the facts about the package.
pub fn busybox<R: Read>(deb: R, host: Host) -> Result<(Vec<u8>, About), Error> {
    let mut found = None;
    let mut link = false;
    let mut copyright = None;
    let control = walk(1, deb, host, &mut |control, member| {
        if matches!(member.path.as_str(), "bin/busybox" | "usr/bin/busybox") {
            match member.kind {
                Kind::File => found = Some(program(control, host, member)?),
                Kind::Link => link = true,
                Kind::Other => {}
            }
        } else if is_copyright(control, member) {
            copyright = Some(text(host, member)?);
        }
        Ok::<(), Error>(())
    })?;
    let about = about(host, &control, copyright.as_deref())?;
    Ok((found.ok_or_else(|| missing(control, host, "busybox", link))?, about))
}

fn missing(control: Control, host: Host, what: &str, links_only: bool) -> Error {
    let Control { package, version, .. } = control;
    Error::Missing { package, version, host, what: what.to_owned(), links_only }
}

/// An [`Error`] or the caller's own, on its way through [`deb::walk`].
enum Step<E> {
    Deb(deb::Error),
    Each(E),
}

impl<E> From<deb::Error> for Step<E> {
    fn from(error: deb::Error) -> Step<E> {
        Step::Deb(error)
    }
}

fn walk<R: Read, E: From<Error>>(
    threads: u32,
    deb: R,
    host: Host,
    each: &mut dyn FnMut(&Control, &mut Member<'_>) -> Result<(), E>,
) -> Result<Control, E> {
    let result = deb::walk_on(threads, deb, &mut |control, member| {
        check_architecture(control, host).map_err(|error| Step::Each(error.into()))?;
        each(control, member).map_err(Step::Each)
    });
    match result {
        Ok(control) => check_architecture(&control, host).map(|()| control).map_err(E::from),
        Err(Step::Each(error)) => Err(error),
        Err(Step::Deb(error)) => Err(Error::Deb { host, error }.into()),
    }
}

fn check_architecture(control: &Control, host: Host) -> Result<(), Error> {
    if control.architecture == host.debian() {
        return Ok(());
    }
    let Control { package, architecture, .. } = control.clone();
    Err(Error::Architecture { package, host, actual: architecture })
}

fn program(control: &Control, host: Host, member: &mut Member<'_>) -> Result<Vec<u8>, Error> {
    let bytes = member.read(limits::PROGRAM).map_err(|error| Error::Deb { host, error })?;
    match elf::check(&bytes, host.elf()) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            let Control { package, version, .. } = control.clone();
            Err(Error::Program { package, version, host, path: member.path.clone(), error })
        }
    }
}

/// The target that a file is the emulator of, by QEMU's own name for it.
fn target_of(path: &str) -> Option<Target> {
    let name = name_of(path)?;
    Target::all().find(|target| target.name() == name && target.status() != Status::Shared)
}

/// The name in a file's path, if it is of the form that QEMU gives to its targets, and no target answers to it.
fn unknown_of(path: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name_of(path).filter(|name| name.chars().all(plain) && name.parse::<Target>().is_err())
}

/// `T` of `usr/bin/qemu-T` and of `usr/bin/qemu-T-static`.
fn name_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("usr/bin/qemu-")?;
    Some(name.strip_suffix("-static").unwrap_or(name)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_name_the_same_targets() {
        for (path, expected) in [
            ("usr/bin/qemu-aarch64", Some("aarch64")),
            ("usr/bin/qemu-aarch64-static", Some("aarch64")),
            ("usr/bin/qemu-cris-static", Some("cris")),
            ("usr/bin/qemu-arm64", None),
            ("usr/bin/qemu-i486", None),
            ("usr/bin/qemu-debootstrap-static", None),
            ("usr/share/qemu-arm", None),
            ("usr/bin/qemu-", None),
        ] {
            assert_eq!(target_of(path).map(Target::name), expected, "{path}");
        }
    }
}
