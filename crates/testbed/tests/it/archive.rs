//! Packages from a small signed archive, on a server that can be changed: no network, no privileges.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use debian::fetch::Options;
use debian::testing::{Archive as Signed, Deb, NOW, Server, Suite};
use debian::{Cache, Fetcher, Keyring, Mirror};
use qus_testbed::packages::Archive;
use qus_testbed::{Package, Packages, Tree};

struct Setup {
    dir: tempfile::TempDir,
    server: Server,
    keyring: Vec<u8>,
}

/// A suite with a tool of some version, and its library.
fn archive(version: &str) -> Signed {
    let tool = Deb::new("tool", version, "amd64").file("./bin/tool", version.as_bytes());
    let library = Deb::new("library", "1", "amd64").file("./usr/lib/library", b"library");
    Signed::new(1).suite(Suite::new("unstable", "sid").package(tool).package(library).architecture("arm64"))
}

impl Setup {
    fn new() -> Setup {
        let built = archive("1").build();
        let server = Server::start(built.files).unwrap();
        Setup { dir: tempfile::tempdir().unwrap(), server, keyring: built.keyring }
    }

    /// Serves another version instead.
    fn replace(&self, version: &str) {
        for path in archive("1").build().files.keys() {
            self.server.remove(path);
        }
        for (path, bytes) in archive(version).build().files {
            self.server.put(&path, bytes);
        }
    }

    /// As a process would be that starts at `now`.
    fn packages(&self, now: i64) -> Packages {
        Packages::new(&self.trees(), self.archive(now)).unwrap()
    }

    fn archive(&self, now: i64) -> Archive {
        let cache = Cache::open(&self.dir.path().join("cache")).unwrap();
        let mut options = Options::default();
        options.http.attempts = 1;
        let fetcher = Fetcher::new(cache, options);
        let mirror = Mirror::choose(Some(&self.server.url()), None, None, &[]).unwrap();
        let keyring = Keyring::parse(&self.keyring).unwrap();
        let memo = self.trees().join("packages.json");
        Archive::new(fetcher, mirror, keyring, &memo, now).unwrap()
    }

    fn trees(&self) -> PathBuf {
        self.dir.path().join("trees")
    }

    fn tree(&self, now: i64) -> Tree {
        let host = "amd64".parse().unwrap();
        let packages = ["tool", "library"].map(|name| Package::new("sid", host, name));
        self.packages(now).tree("tool", &packages).unwrap()
    }
}

fn version(tree: &Path) -> String {
    fs::read_to_string(tree.join("usr/bin/tool")).unwrap()
}

#[test]
fn a_tree_is_made_once() {
    let setup = Setup::new();
    let tree = setup.tree(NOW);
    assert_eq!(version(tree.path()), "1");
    assert_eq!(fs::read_to_string(tree.path().join("lib/library")).unwrap(), "library");
    let requests = setup.server.requests().len();
    assert_eq!(setup.tree(NOW + 60).path(), tree.path());
    assert_eq!(setup.server.requests().len(), requests, "what is there and fresh needs no request");
}

#[test]
fn a_day_later_the_archive_is_asked_again_and_an_unused_tree_goes() {
    let setup = Setup::new();
    let old = setup.tree(NOW);
    let old_path = old.path().to_owned();
    setup.replace("2");
    assert_eq!(setup.tree(NOW + 60).path(), old_path, "still fresh");
    let new = setup.tree(NOW + 25 * 60 * 60);
    assert_eq!(version(new.path()), "2");
    assert_eq!(version(&old_path), "1", "somebody still uses it");
    drop((old, new));
    setup.replace("3");
    assert_eq!(version(setup.tree(NOW + 50 * 60 * 60).path()), "3");
    assert!(!old_path.exists());
}

#[test]
fn a_package_that_was_replaced_in_the_meantime_is_looked_for_anew() {
    let setup = Setup::new();
    drop(setup.tree(NOW));
    // Known but no longer there: neither in the pool nor in the cache.
    fs::remove_dir_all(setup.dir.path().join("cache")).unwrap();
    setup.replace("2");
    assert_eq!(version(setup.tree(NOW + 60).path()), "2");
}

#[test]
fn what_is_not_there_is_named() {
    let setup = Setup::new();
    for (name, suite, architecture, expected) in [
        ("nothing", "sid", "amd64", "`sid` has no package `nothing` for `amd64`"),
        ("tool", "sid", "arm64", "`sid` has no package `tool` for `arm64`"),
        ("tool", "sid", "s390x", "`sid` has no package `tool` for `s390x`"),
    ] {
        let package = Package::new(suite, architecture.parse().unwrap(), name);
        let error = setup.packages(NOW).tree("x", &[package]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot get packages: {expected}"));
    }
}

/// The files below `dir`, with their contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

#[test]
fn a_part_of_the_archive_is_a_mirror() {
    let setup = Setup::new();
    let served = archive("1").build().files;
    let amd64 = "amd64".parse().unwrap();
    let mirror = setup.dir.path().join("mirror");
    let lists = |path: &str| path.ends_with("/InRelease") || path.contains("/binary-amd64/");
    let check = |names: &[&str], is_there: &dyn Fn(&str) -> bool| {
        setup.packages(NOW).mirror("sid", amd64, names, &mirror).unwrap();
        let expected: BTreeMap<_, _> = served
            .iter()
            .filter(|(path, _)| is_there(path))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect();
        let found = files(&mirror);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(found == expected, "the contents differ");
    };
    check(&[], &lists);
    check(&["tool"], &|path| lists(path) || path == "pool/main/tool_1_amd64.deb");
    let error = setup.packages(NOW).mirror("sid", amd64, &["nothing"], &mirror).unwrap_err();
    assert_eq!(error.to_string(), "cannot get packages: `sid` has no package `nothing` for `amd64`");
}

#[test]
fn an_archive_that_somebody_else_signed_is_refused() {
    let mut setup = Setup::new();
    setup.keyring = Signed::new(2).build().keyring;
    let package = Package::new("sid", "amd64".parse().unwrap(), "tool");
    let error = setup.packages(NOW).tree("x", &[package]).unwrap_err().to_string();
    assert!(error.starts_with("cannot get packages: "), "{error}");
    assert!(error.contains("\nhint: Debian's new archive keys go into images/keyrings"), "{error}");
    assert_eq!(fs::read_dir(setup.trees()).unwrap().count(), 0, "nothing is unpacked");
}

#[test]
fn a_cache_that_overlayfs_cannot_name_is_refused() {
    let setup = Setup::new();
    let path = setup.dir.path().join("a:b");
    let error = Packages::new(&path, setup.archive(NOW)).err().unwrap().to_string();
    let path = path.canonicalize().unwrap();
    let expected =
        format!("cannot use {} as a layer of a sandbox: it contains `:`, `,` or `\\`", path.display());
    assert_eq!(error, expected);
}
