//! Whose an entry is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use arch::Target;
use binfmt::{BinfmtMisc, Entry};

use crate::want::entry_name;

/// Whose an entry is, as far as its name and its interpreter tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// `qemu-TARGET` with an interpreter in the images' folder.
    Qus,
    /// `qemu-TARGET` with an interpreter `qemu-TARGET`, perhaps `-static`, anywhere: what this program registers on a
    /// host, and what QEMU's script, Debian and tonistiigi/binfmt register too.
    Qemu,
    /// Anything else.
    Other,
}

impl Owner {
    /// For people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Owner::Qus => "qus",
            Owner::Qemu => "qemu",
            Owner::Other => "other",
        }
    }

    /// True if this program made it or could have.
    pub fn is_ours(self) -> bool {
        self != Owner::Other
    }
}

/// The target of an entry by its name, and its owner by its interpreter.
///
/// `suffix` is one more that interpreters may have, beside none and `-static`.
pub fn of(entry: &Entry, suffix: &OsStr) -> (Option<Target>, Owner) {
    let Some(target) = target_of(entry.name()) else { return (None, Owner::Other) };
    let interpreter = entry.interpreter();
    let file = interpreter.file_name().unwrap_or_default().as_bytes();
    let rest = file.strip_prefix(entry_name(target.binary()).as_bytes());
    let owner = match rest {
        Some(rest) if matches!(rest, b"" | b"-static") || rest == suffix.as_bytes() => {
            if interpreter.starts_with(Path::new("/qus")) { Owner::Qus } else { Owner::Qemu }
        }
        _ => Owner::Other,
    };
    (Some(target), owner)
}

/// The target whose entry has this name, or will have when its replacement is finished.
fn target_of(name: &str) -> Option<Target> {
    Target::all().find(|target| {
        let own = entry_name(*target);
        name == own || name == BinfmtMisc::leftover_of(&own)
    })
}

#[cfg(test)]
mod tests {
    use binfmt::Flags;

    use super::*;

    #[test]
    fn names_and_interpreters_tell_owners() {
        for (name, interpreter, target, owner) in [
            ("qemu-arm", "/qus/bin/qemu-arm-static", Some("arm"), Owner::Qus),
            ("qemu-arm", "/usr/bin/qemu-arm-static", Some("arm"), Owner::Qemu),
            ("qemu-arm", "/usr/bin/qemu-arm", Some("arm"), Owner::Qemu),
            ("qemu-arm.qus-new", "/usr/bin/qemu-arm", Some("arm"), Owner::Qemu),
            ("qemu-i486", "/usr/bin/qemu-i386", Some("i486"), Owner::Qemu),
            ("qemu-i486", "/usr/bin/qemu-i486", Some("i486"), Owner::Other),
            ("qemu-arm", "/usr/bin/qemu-arm-mine", Some("arm"), Owner::Qemu),
            ("qemu-arm", "/usr/bin/qemu-armeb", Some("arm"), Owner::Other),
            ("qemu-arm", "/usr/libexec/qemu-binfmt/arm-binfmt-P", Some("arm"), Owner::Other),
            ("qemu-vax", "/usr/bin/qemu-vax", None, Owner::Other),
            ("WSLInterop", "/init", None, Owner::Other),
            ("python3.11", "/usr/bin/python3.11", None, Owner::Other),
        ] {
            let entry = Entry::new(name, (b"\x7f", b"\xff"), Path::new(interpreter), Flags::NONE).unwrap();
            let (found, found_owner) = of(&entry, OsStr::new("-mine"));
            assert_eq!((found.map(Target::name), found_owner), (target, owner), "{name} {interpreter}");
        }
        // A suffix is any bytes.
        let path = Path::new(OsStr::from_bytes(b"/usr/bin/qemu-arm-\xff"));
        let entry = Entry::new("qemu-arm", (b"\x7f", b"\xff"), path, Flags::NONE).unwrap();
        for (suffix, owner) in [(b"-\xff", Owner::Qemu), (b"-\xfe", Owner::Other)] {
            assert_eq!(of(&entry, OsStr::from_bytes(suffix)).1, owner);
        }
    }
}
