//! A workspace of its own for `xtask`, beside an archive of the test's own.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;

use debian::testing::{Built, Server};

use debian::testing::small::archive;

/// A folder with `images/` in it, and the server of its archive.
pub(crate) struct Line {
    dir: tempfile::TempDir,
    server: RefCell<Option<Server>>,
}

/// The output of a run, and its exit status.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    code: Option<i32>,
}

/// The sources that `register` is built from.
pub(crate) const SOURCES: [&str; 5] =
    ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml", "crates", "xtask/src"];

/// Gives the workspace `to` what the repository has under these names.
pub(crate) fn link(to: &Path, names: &[&str]) {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    for name in names {
        std::os::unix::fs::symlink(ours.join(name), to.join(name)).unwrap();
    }
}

/// Gives `outer` the environment and the folder of `inner`.
pub(crate) fn dress(outer: &mut Command, inner: &Command) {
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer.current_dir(inner.get_current_dir().unwrap());
}

impl Line {
    pub(crate) fn new(hosts: &[&str], archive: &Built) -> Line {
        let line = Line { dir: tempfile::tempdir().unwrap(), server: RefCell::new(None) };
        let config =
            format!("repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\"]\nhosts = {hosts:?}\n");
        line.write("images/images.toml", &config);
        line.write("xtask/Cargo.toml", "");
        line.serve(archive);
        line
    }

    /// The workspace of an archive with one version of QEMU for each of `hosts`, locked.
    pub(crate) fn locked(hosts: &[&str]) -> Line {
        let line = Line::new(hosts, &archive("1:11.1.3+ds-1", hosts).build());
        line.run(&["lock"]).success();
        line
    }

    /// Serves `archive` from now on, and trusts its key.
    pub(crate) fn serve(&self, archive: &Built) {
        fs::create_dir_all(self.path("images/keyrings")).unwrap();
        fs::write(self.path("images/keyrings/test.asc"), &archive.keyring).unwrap();
        *self.server.borrow_mut() = Some(Server::start(archive.files.clone()).unwrap());
    }

    /// Lets the archive's server misbehave at every request for `path`.
    pub(crate) fn misbehave(&self, path: &str, fault: debian::testing::Fault) {
        self.server.borrow().as_ref().unwrap().always(path, fault);
    }

    /// Gives the workspace what `register` is built from, and the cache what `cargo xtask test` built of it, so that
    /// nothing is compiled; `false` where there is nothing to give.
    pub(crate) fn reuse_register(&self) -> bool {
        let Some(built) = std::env::var_os("QUS_TEST_REGISTER_DIR") else { return false };
        link(self.dir.path(), &SOURCES);
        link(self.dir.path(), &["images/libc.lock"]);
        fs::create_dir_all(self.path("cache")).unwrap();
        std::os::unix::fs::symlink(Path::new(&built).parent().unwrap(), self.path("cache/register")).unwrap();
        true
    }

    /// The address of the archive.
    pub(crate) fn url(&self) -> String {
        self.server.borrow().as_ref().unwrap().url().to_owned()
    }

    /// Stops serving.
    pub(crate) fn close(&self) {
        *self.server.borrow_mut() = None;
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    /// Runs with environment variables.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let output = self.command(args, variables).output().unwrap();
        Output {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    /// The command of [`Line::run_with`], for tests that do something meanwhile.
    pub(crate) fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("CARGO_MANIFEST_DIR", self.path("xtask"))
            .env("QUS_CACHE_DIR", self.path("cache"))
            .env_remove("QUS_MIRROR")
            .env_remove("QUS_CACHE_SIZE")
            // The user's own login is none of the test's business.
            .env("DOCKER_CONFIG", self.path("docker"));
        if let Some(server) = &*self.server.borrow() {
            command.env("QUS_MIRROR", server.url());
        }
        command.envs(variables.iter().copied());
        command
    }

    /// Makes the next build make every layer, from what was downloaded.
    pub(crate) fn forget_layers(&self) {
        let memos = self.path("cache/layers");
        if memos.exists() {
            fs::remove_dir_all(memos).unwrap();
        }
    }

    pub(crate) fn root(&self) -> String {
        self.dir.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(Path::new(path))
    }
}

impl Output {
    #[track_caller]
    pub(crate) fn success(self) -> Output {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> Output {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }
}
