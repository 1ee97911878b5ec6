//! A folder of interpreters, and `register` run with it.
//!
//! The interpreters are programs of this machine that do what a target's program does: wait for a byte, and exit as they
//! should. To the kernel and to `register` that is a QEMU that works.

// Only the tests whose expected texts name the machine use it.
#![cfg(target_arch = "x86_64")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use qus_register::machine::Machine;
use qus_register::program;
use tempfile::TempDir;

use crate::private;

/// The ELF header and the one program header in front of a program's instructions on a 64-bit machine.
pub(crate) const HEADERS: usize = 64 + 56;

/// The note where a binfmt_misc is not the machine's.
pub(crate) const LIFETIME: &str = "note: this is a user namespace with a binfmt_misc of its own: the entries hold inside it, and \
     vanish with it\n";

/// The first 20 bytes of an arm program.
const ARM: &str = "\\x7fELF\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00";

/// root of its own user namespace, and without any capability.
pub(crate) const POWERLESS: [&str; 4] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"];

pub(crate) struct Place {
    dir: TempDir,
}

/// The output of `register` and its exit status.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// As a failed test shows them.
    arguments: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// With an interpreter of QEMU 11.1.3 for each of `targets`.
    pub(crate) fn with(targets: &[&str]) -> Place {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        place.folder("interpreters");
        for target in targets {
            place.put(target, "11.1.3");
        }
        place
    }

    /// The same for the test of this name, and the path of a binfmt_misc of its own; `None` outside of that.
    pub(crate) fn alone(test: &str, targets: &[&str]) -> Option<(&'static Path, Place)> {
        Some((private::enter(test)?, Place::with(targets)))
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.path().join("interpreters")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new folder beside that of the interpreters.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        path
    }

    /// An interpreter's path.
    pub(crate) fn qemu(&self, target: &str) -> PathBuf {
        self.bin().join(format!("qemu-{target}-static"))
    }

    /// Puts an interpreter in place, as another file than the one that may have been there.
    pub(crate) fn put(&self, target: &str, version: &str) {
        self.put_as(&format!("qemu-{target}-static"), target, version);
    }

    /// The same under a name of one's own.
    pub(crate) fn put_as(&self, name: &str, target: &str, version: &str) -> PathBuf {
        let own = Machine::here().natives()[0];
        let text = format!("\0qemu-{target} version {version}\0");
        self.put_file(name, &[program::elf(own).unwrap(), text.into_bytes()].concat())
    }

    /// An interpreter that a CPU model can be given to: with a note, as Debian's have.
    pub(crate) fn put_with_note(&self, target: &str, version: &str) {
        let program = program::elf(Machine::here().natives()[0]).unwrap();
        let (header, code) = (&program[..HEADERS], &program[HEADERS..]);
        let mut file = header.to_vec();
        // One program header more: the entry, the number of headers, and the sizes in the file and in memory.
        for (at, more) in [(24, 56), (56, 1), (64 + 32, 56), (64 + 40, 56)] {
            file[at] += more;
        }
        file.extend([4, 0, 0, 0]);
        file.resize(HEADERS + 56, 0);
        file.extend_from_slice(code);
        file.extend(format!("\0qemu-{target} version {version}\0").into_bytes());
        self.put_bytes(target, &file);
    }

    pub(crate) fn put_bytes(&self, target: &str, bytes: &[u8]) {
        self.put_file(&format!("qemu-{target}-static"), bytes);
    }

    /// Puts an interpreter of QEMU 11.1.3 in place that runs programs when it is called with one, and not when the kernel
    /// calls it, which with `P` adds an argument: then it waits for a second and fails.
    pub(crate) fn put_one_that_the_kernel_cannot_use(&self, target: &str) {
        let mut program = program::elf(Machine::here().natives()[0]).unwrap();
        program.truncate(HEADERS);
        program.extend([
            0x8b, 0x1c, 0x24, // mov (%rsp),%ebx
            0x83, 0xfb, 0x02, // cmp $2,%ebx
            0x74, 0x10, // je 1f
            0x31, 0xff, // xor %edi,%edi
            0x31, 0xf6, // xor %esi,%esi
            0xba, 0xe8, 0x03, 0x00, 0x00, // mov $1000,%edx
            0xb8, 0x07, 0x00, 0x00, 0x00, // mov $7,%eax
            0x0f, 0x05, // syscall: poll(NULL, 0, 1000)
            0x8d, 0x7b, 0x28, // 1: lea 40(%rbx),%edi
            0xb8, 0x3c, 0x00, 0x00, 0x00, // mov $60,%eax
            0x0f, 0x05, // syscall: exit(arguments + 40)
        ]);
        program.extend(format!("\0qemu-{target} version 11.1.3\0").into_bytes());
        self.put_bytes(target, &program);
    }

    fn put_file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (new, path) = (self.path("new"), self.bin().join(name));
        fs::write(&new, bytes).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, &path).unwrap();
        path
    }

    /// `register` with these arguments, separated by spaces.
    pub(crate) fn register(&self, arguments: &str) -> Printed {
        self.run(&[env!("CARGO_BIN_EXE_register")], arguments)
    }

    /// The same with more variables.
    pub(crate) fn register_with(&self, variables: &[(&str, &str)], arguments: &str) -> Printed {
        let mut command = self.command(&[env!("CARGO_BIN_EXE_register")]);
        self.printed(command.args(arguments.split_whitespace()).envs(variables.to_vec()).output().unwrap())
    }

    /// The same without room for its data.
    pub(crate) fn register_to_a_full_disk(&self, arguments: &[&str]) -> Printed {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = self.command(&[env!("CARGO_BIN_EXE_register")]);
        self.printed(command.args(arguments).stdout(full).output().unwrap())
    }

    /// `register` under another name.
    pub(crate) fn called(&self, name: &str, arguments: &str) -> Printed {
        let link = self.path(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_register"), &link).unwrap();
        self.run(&[link.to_str().unwrap()], arguments)
    }

    /// `register` without any right.
    pub(crate) fn powerless(&self, arguments: &str) -> Printed {
        self.run(&[&POWERLESS[..], &[env!("CARGO_BIN_EXE_register")]].concat(), arguments)
    }

    pub(crate) fn run(&self, command: &[&str], arguments: &str) -> Printed {
        let output = self.command(command).args(arguments.split_whitespace()).output().unwrap();
        Printed { arguments: arguments.to_owned(), ..self.printed(output) }
    }

    pub(crate) fn command(&self, command: &[&str]) -> Command {
        let mut started = Command::new(command[0]);
        started.args(&command[1..]).env_clear().env("QEMU_BIN_DIR", self.bin());
        started.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        started
    }

    /// Paths of this place are written as BIN and DIR.
    pub(crate) fn printed(&self, output: Output) -> Printed {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(self.bin().to_str().unwrap(), "BIN")
                .replace(self.dir.path().to_str().unwrap(), "DIR")
        };
        let (out, err) = (text(output.stdout), text(output.stderr));
        Printed { arguments: String::new(), code: output.status.code(), out, err }
    }
}

impl Printed {
    #[track_caller]
    pub(crate) fn check(&self, code: i32, out: &str, err: &str) {
        assert_eq!((self.code, self.out.as_str(), self.err.as_str()), (Some(code), out, err), "{self:?}");
    }

    /// Success, with data and no message.
    #[track_caller]
    pub(crate) fn prints(&self, out: &str) {
        self.check(0, out, "");
    }

    /// Failure, with messages and no data.
    #[track_caller]
    pub(crate) fn fails(&self, err: &str) {
        self.check(1, "", err);
    }

    /// The exit status and all messages; the data is another matter.
    #[track_caller]
    pub(crate) fn ends(self, code: i32, err: &str) -> Printed {
        assert_eq!((self.code, self.err.as_str()), (Some(code), err), "{self:?}");
        self
    }

    /// The exit status and a part of the messages.
    #[track_caller]
    pub(crate) fn reports(self, code: i32, part: &str) -> Printed {
        assert!(self.code == Some(code) && self.err.contains(part), "{code} {part}: {self:?}");
        self
    }
}

/// Registers an interpreter for arm's programs by hand, with these flags.
pub(crate) fn enter(misc: &Path, name: &str, interpreter: &Path, flags: &str) {
    let line = format!(":{name}:M::{ARM}::{}:{flags}", interpreter.display());
    fs::write(misc.join("register"), line).unwrap();
}

/// The entries in a binfmt_misc: names and inodes, which change when an entry is written anew.
pub(crate) fn entries(misc: &Path) -> Vec<(String, u64)> {
    use std::os::unix::fs::DirEntryExt;
    let files = fs::read_dir(misc).unwrap().map(Result::unwrap);
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.ino()));
    let mut entries: Vec<_> = named.filter(|(name, _)| name != "register" && name != "status").collect();
    entries.sort();
    entries
}

pub(crate) fn names(misc: &Path) -> Vec<String> {
    entries(misc).into_iter().map(|(name, _)| name).collect()
}

#[track_caller]
pub(crate) fn system(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(status.success(), "{command}");
}
