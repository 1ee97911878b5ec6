//! From a file to the command that runs it.

use std::borrow::Cow;

use arch::Target;

use crate::cpu;
use crate::header::{self, Kind, Natives};

/// The scripts in a row that the kernel takes in front of a foreign program: it gives up at the sixth interpretation
/// (`exec_binprm` in fs/exec.c), binfmt_misc's and QEMU's own being two.
const MOST_SCRIPTS: usize = 4;

/// The way that a file is to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// By the kernel alone, which may have an error for it.
    Native,
    /// By a QEMU.
    Foreign(Plan),
    /// Not at all: too many scripts in front of a foreign program (ELOOP).
    TooDeep,
}

/// The command line that stands in for a foreign program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The target whose QEMU runs it.
    pub target: Target,
    /// The path of the program, as QEMU opens it.
    pub path: Vec<u8>,
    /// True if the program is the file that was to be executed: then it gets all of the arguments that it was given. If not, it
    /// is an interpreter, called by its own path.
    pub is_direct: bool,
    /// Between the interpreter and the arguments given, of which the first then goes: the interpreter's own argument and the
    /// script's path, for every script.
    pub inserted: Vec<Vec<u8>>,
    /// True if the program needs QEMU's own default of a CPU ([`cpu::needs_default`]).
    pub needs_default: bool,
}

/// The decision for the file at `path` that begins with `header`. `open` gives the header of an interpreter, or `None` for what
/// the caller cannot execute.
pub fn plan(
    path: &[u8],
    header: &[u8],
    natives: &Natives,
    mut open: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Decision {
    let mut header = Cow::Borrowed(header);
    let mut kind = header::kind(&header, natives);
    let mut path = path.to_vec();
    let mut inserted: Vec<Vec<u8>> = Vec::new();
    let mut scripts = 0;
    loop {
        match kind {
            Kind::Foreign(_) if scripts > MOST_SCRIPTS => return Decision::TooDeep,
            Kind::Foreign(target) => {
                let path = unmistakable(path);
                let needs_default = cpu::needs_default(target, &header);
                let is_direct = scripts == 0;
                return Decision::Foreign(Plan { target, path, is_direct, inserted, needs_default });
            }
            // The kernel gives up by itself.
            Kind::Script(_) if scripts > MOST_SCRIPTS => return Decision::Native,
            Kind::Script(script) => {
                scripts += 1;
                let before = script.argument.into_iter().chain([path]);
                inserted.splice(0..0, before);
                path = script.interpreter;
                let Some(next) = open(&path) else { return Decision::Native };
                header = Cow::Owned(next);
                kind = header::kind(&header, natives);
            }
            Kind::Unknown(_) | Kind::Other => return Decision::Native,
        }
    }
}

/// The path in a form that QEMU does not take for an option.
fn unmistakable(path: Vec<u8>) -> Vec<u8> {
    if path.starts_with(b"-") { [b"./".as_slice(), &path].concat() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0";

    fn check(path: &str, header: &[u8], files: &[(&str, &[u8])], expected: &Decision) {
        let natives = Natives::new(["x86_64".parse().unwrap()]);
        let actual = plan(path.as_bytes(), header, &natives, |wanted| {
            let found = files.iter().find(|(path, _)| path.as_bytes() == wanted);
            found.map(|(_, header)| header.to_vec())
        });
        assert_eq!(actual, *expected, "{path}");
    }

    fn foreign(path: &str, is_direct: bool, inserted: &[&str]) -> Decision {
        let inserted = inserted.iter().map(|text| text.as_bytes().to_vec()).collect();
        let target = "aarch64".parse().unwrap();
        Decision::Foreign(Plan { target, path: path.into(), is_direct, inserted, needs_default: false })
    }

    #[test]
    fn programs_and_scripts() {
        let files: &[(&str, &[u8])] = &[
            ("/foreign", FOREIGN),
            ("/native", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0"),
            ("/first", b"#!/foreign -1 x\n"),
        ];
        check("./a", FOREIGN, files, &foreign("./a", true, &[]));
        check("-a", FOREIGN, files, &foreign("./-a", true, &[]));
        check("./a", b"#!/native -e\n", files, &Decision::Native);
        check("./a", b"#!/missing\n", files, &Decision::Native);
        check("./a", b"text", files, &Decision::Native);
        check("./a", b"#!/foreign\n", files, &foreign("/foreign", false, &["./a"]));
        check("./a", b"#!/foreign -e x\n", files, &foreign("/foreign", false, &["-e x", "./a"]));
        check("./a", b"#!/first -2\n", files, &foreign("/foreign", false, &["-1 x", "/first", "-2", "./a"]));
    }

    #[test]
    fn four_scripts_in_a_row_and_not_five() {
        let files: &[(&str, &[u8])] = &[
            ("/1", b"#!/foreign\n"),
            ("/2", b"#!/1\n"),
            ("/3", b"#!/2\n"),
            ("/4", b"#!/3\n"),
            ("/foreign", FOREIGN),
            ("/circle", b"#!/circle\n"),
        ];
        check("a", b"#!/3\n", files, &foreign("/foreign", false, &["/1", "/2", "/3", "a"]));
        check("a", b"#!/4\n", files, &Decision::TooDeep);
        check("a", b"#!/circle\n", files, &Decision::Native);
    }
}
