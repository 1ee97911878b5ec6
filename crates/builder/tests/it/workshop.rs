//! A place to build at: a small archive, its lock, a cache and folders for layouts.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arch::{Host, Target};
use debian::fetch::{Fetcher, Options};
use debian::lock::Lock;
use debian::progress::{Progress, Silent, Task};
use debian::resolve::{self, Request};
use debian::testing::{Archive, NOW, Server};
use debian::{Cache, Keyring, Mirror};
use oci::spec::Descriptor;
use publish::layout::Layout;
use qus_builder::build::Built;
use qus_builder::images::{self, BuildContext, Others};
use qus_builder::packing::{Compression, Level};
use qus_builder::plan::{Plan, Selection};
use qus_builder::trace::Trace;
use qus_builder::{Kind, Site, Statements};

/// The place.
pub(crate) struct Workshop {
    dir: tempfile::TempDir,
    pub(crate) site: Site,
    hosts: Vec<Host>,
    pub(crate) lock: Lock,
    _server: Server,
}

/// The options of a build of the images `pkg`.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    pub(crate) compression: Compression,
    pub(crate) level: Level,
    pub(crate) jobs: usize,
    /// The layout's folder.
    pub(crate) output: &'a str,
}

/// A build that was done.
pub(crate) struct Done {
    pub(crate) built: Built,
    /// The hosts whose binaries were compressed.
    pub(crate) compressed: usize,
}

/// Counts the steps in which binaries are compressed.
#[derive(Default)]
struct Steps(Mutex<usize>);

impl Progress for Steps {
    fn start(&self, _name: &str, _size: u64) -> Box<dyn Task> {
        Box::new(Silent)
    }

    fn step(&self, what: &str) -> Box<dyn Task> {
        *base::lock(&self.0) += usize::from(what.contains(": compressing "));
        Box::new(Silent)
    }

    fn note(&self, _message: &str) {}
}

impl Workshop {
    /// Locks `hosts` out of `archive`.
    pub(crate) fn new(hosts: &[&str], archive: &Archive) -> Workshop {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive.build();
        let server = Server::start(archive.files).unwrap();
        let cache_dir = dir.path().join("cache");
        let fetch = Fetcher::new(Cache::open(&cache_dir).unwrap(), Options::default());
        let mirror = Mirror::choose(Some(&server.url()), None, None, &[]).unwrap();
        let keyring = Keyring::parse(&archive.keyring).unwrap();
        let hosts: Vec<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let request = Request {
            suites: vec!["sid".to_owned()],
            hosts: hosts.iter().copied().collect(),
            targets: Target::current().collect(),
            sources: true,
            now: NOW,
            ..Request::default()
        };
        let resolved = resolve::resolve(&fetch, &mirror, &keyring, &request, &Silent);
        let lock = base::runtime().unwrap().block_on(resolved).unwrap();
        let site = Site { workspace: dir.path().to_owned(), cache_dir, fetch, mirror, offline: false };
        Workshop { dir, site, hosts, lock, _server: server }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn build(&self, build: Build<'_>) -> Done {
        let selection =
            Selection { kinds: vec![Kind::Pkg], compression: build.compression, ..Selection::default() };
        let plan = Plan::new(&self.hosts, &selection, &self.lock).unwrap();
        let context = BuildContext {
            site: &self.site,
            lock: &self.lock,
            repository: "docker.io/aptman/qus",
            output: &self.path(build.output),
            jobs: NonZero::new(build.jobs),
            level: build.level,
            statements: Statements::All,
            trace: Trace::default(),
            leave: &qus_builder::always,
        };
        let steps = Arc::new(Steps::default());
        let progress: Arc<dyn Progress> = Arc::clone(&steps) as _;
        let (built, _) =
            images::build(&plan, &context, &Others::Remove { but: BTreeSet::new() }, &progress).unwrap();
        let compressed = *base::lock(&steps.0);
        Done { built, compressed }
    }

    /// Makes the next build make every layer, from what was downloaded.
    pub(crate) fn forget_layers(&self) {
        let memos = self.path("cache/layers");
        if memos.exists() {
            std::fs::remove_dir_all(memos).unwrap();
        }
    }

    /// A layout, and its tags.
    pub(crate) fn layout(&self, output: &str) -> (Layout, BTreeMap<String, Descriptor>) {
        let layout = Layout::open(&self.path(output)).unwrap();
        let refs = layout.refs().into_iter().collect();
        (layout, refs)
    }
}
