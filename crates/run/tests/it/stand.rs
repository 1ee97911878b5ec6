//! The things that the tests have in common: QEMU, foreign programs, and `run` started with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use arch::Host;
use tempfile::TempDir;
use testbed::{Package, Packages, Tree};

/// `run` in the mode that is tested, in a stand.
pub(crate) const TRACE: &str = "./run --mode trace";

/// A shell of the first target under it.
pub(crate) const SHELL: &str = "./run --mode trace ./busybox-aarch64 sh -c";

/// Makes what follows process 1 of a namespace.
pub(crate) const UNSHARE: &str = "unshare -r -p -f --mount-proc";

/// Targets that the tests use: one with the low byte first, and one with the high one.
pub(crate) const TARGETS: [(&str, &str); 2] = [("aarch64", "arm64v8"), ("s390x", "s390x")];

struct Parts {
    qemu: PathBuf,
    busyboxes: Vec<(&'static str, PathBuf)>,
    // Held as long as the tests run.
    _trees: Vec<Tree>,
}

fn packages() -> Packages {
    let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/keyrings");
    Packages::of_the_machine(&keyrings).unwrap()
}

/// Out of Debian's packages, unpacked in the cache.
fn parts() -> &'static Parts {
    static PARTS: OnceLock<Parts> = OnceLock::new();
    PARTS.get_or_init(|| {
        let packages = packages();
        let mut trees = Vec::new();
        let qemu = match std::env::var_os("QUS_TEST_QEMU_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => {
                let tree = packages.tree("qemu-user", &[Package::native("sid", "qemu-user")]).unwrap();
                let dir = tree.path().to_owned();
                trees.push(tree);
                dir
            }
        };
        let busyboxes = TARGETS.map(|(target, host)| {
            let host: Host = host.parse().unwrap();
            let package = Package::new("bookworm", host, "busybox-static");
            let tree = packages.tree(&format!("busybox-{}", host.debian()), &[package]).unwrap();
            let path = tree.path().join("usr/bin/busybox");
            trees.push(tree);
            (target, path)
        });
        Parts { qemu: qemu.join("usr/bin"), busyboxes: busyboxes.to_vec(), _trees: trees }
    })
}

/// A folder with `bin/qemu-TARGET-static`, and programs `busybox-TARGET`.
pub(crate) struct Stand {
    dir: TempDir,
}

/// The end of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stand {
    pub(crate) fn new() -> Stand {
        let stand = Stand::bare();
        for (target, busybox) in &parts().busyboxes {
            // As copies: users other than this one may have no way into the cache.
            stand.put(&format!("busybox-{target}"), fs::read(busybox).unwrap());
            stand.put_qemu(target);
        }
        stand
    }

    /// With `run`, and nothing to run programs with.
    pub(crate) fn bare() -> Stand {
        let dir = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o755)).tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let stand = Stand { dir };
        stand.put("run", fs::read(env!("CARGO_BIN_EXE_run")).unwrap());
        stand
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The QEMU of another target, beside those of the programs.
    pub(crate) fn put_qemu(&self, target: &str) {
        let qemu = parts().qemu.join(format!("qemu-{target}"));
        self.put(&format!("bin/qemu-{target}-static"), fs::read(qemu).unwrap());
    }

    /// The same, Debian 12's.
    pub(crate) fn put_old_qemu(&self, target: &str) {
        let packages = packages();
        let tree =
            packages.tree("qemu-user-static", &[Package::native("bookworm", "qemu-user-static")]).unwrap();
        let name = format!("qemu-{target}-static");
        self.put(&format!("bin/{name}"), fs::read(tree.path().join("usr/bin").join(&name)).unwrap());
    }

    /// An executable file.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        testbed::write_program(&path, bytes.as_ref()).unwrap();
        path
    }

    /// The target's busybox, under another name.
    pub(crate) fn put_busybox(&self, name: &str, target: &str) -> PathBuf {
        self.put(name, fs::read(self.path(&format!("busybox-{target}"))).unwrap())
    }

    /// A command in this folder, with nothing of the environment but PATH: words between spaces, and more of any form.
    pub(crate) fn command(&self, line: &str, more: &[&str]) -> Command {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(more).current_dir(self.dir.path()).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    /// The end of such a command.
    pub(crate) fn end(&self, line: &str, more: &[&str]) -> Ended {
        self.ended(&mut self.command(line, more))
    }

    /// `run`, which lies beside its QEMUs, in the mode that is tested.
    pub(crate) fn run(&self, line: &str, more: &[&str]) -> Ended {
        self.end(&format!("{TRACE} {line}"), more)
    }

    /// A shell of the first target under `run`.
    pub(crate) fn sh(&self, script: &str) -> Ended {
        self.end(SHELL, &[script])
    }

    /// The end of a command; DIR stands for this folder.
    pub(crate) fn ended(&self, command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            String::from_utf8_lossy(&bytes).replace(self.dir.path().to_str().unwrap(), "DIR")
        };
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The line that registers a target's QEMU with the kernel, as `register -p` would.
    pub(crate) fn registration(&self, target: &str) -> String {
        let magic = target.parse::<arch::Target>().unwrap().magic();
        let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
        let qemu = self.path(&format!("bin/qemu-{target}-static"));
        let (value, mask) = (escaped(magic.value()), escaped(magic.mask()));
        format!(":qemu-{target}:M::{value}:{mask}:{}:PF", qemu.display())
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn check(&self, code: i32, out: &str, err: &str) {
        assert_eq!((self.code, self.out.as_str(), self.err.as_str()), (Some(code), out, err));
    }
}
