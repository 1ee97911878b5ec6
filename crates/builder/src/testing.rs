//! For tests: a place to build at, which is a small archive, its lock, a cache and folders for layouts.
//!
//! Only in builds with the feature `testing`. Failures here are bugs in a test, so that it panics where the rest of the crate
//! returns errors.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::build::Built;
use crate::images::{self, BuildContext, Others};
use crate::packing::{Compression, Level};
use crate::plan::{Plan, Selection};
use crate::trace::Trace;
use crate::{Kind, Site, Statements};
use arch::{Host, Target};
use debian::fetch::{Fetcher, Options};
use debian::lock::Lock;
use debian::progress::{Progress, Silent, Task};
use debian::resolve::{self, Request};
use debian::testing::small::archive;
use debian::testing::{Archive, NOW, Server};
use debian::{Cache, Keyring, Mirror};
use oci::spec::Descriptor;
use publish::layout::Layout;
use publish::verify::verify;

/// The place.
pub struct Workshop {
    dir: tempfile::TempDir,
    /// Its hosts.
    pub hosts: Vec<Host>,
    /// The suites of an archive, and those of them that are series.
    suites: [Vec<String>; 2],
    /// The lock of its archive.
    pub lock: Lock,
    /// The archive; `None` once it is closed.
    pub server: Option<Server>,
}

/// The options of a build; the default is that of the images `pkg` of every host, in place of what the layout has.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    /// None stand for all.
    pub hosts: &'a [&'a str],
    /// None stand for all.
    pub kinds: &'a [Kind],
    /// None stand for the newest.
    pub series: &'a [&'a str],
    /// That of layers.
    pub compression: Compression,
    /// That of binaries.
    pub level: Level,
    /// Those about images.
    pub statements: Statements,
    /// Leaves nothing else in the layout.
    pub prune: bool,
    /// The number of binaries that are compressed at the same time.
    pub jobs: usize,
    /// The name of the images.
    pub repository: &'a str,
    /// The layout's folder.
    pub output: &'a str,
}

impl Default for Build<'_> {
    fn default() -> Self {
        Build {
            hosts: &[],
            kinds: &[Kind::Pkg],
            series: &[],
            compression: Compression::Gzip,
            level: Level::Quick,
            statements: Statements::All,
            prune: false,
            jobs: 2,
            repository: "docker.io/aptman/qus",
            output: "images",
        }
    }
}

/// A build that was done.
#[derive(Debug)]
pub struct Done {
    /// The images and indexes.
    pub built: Built,
    /// True if the layout is another than before.
    pub changed: bool,
    /// The hosts whose binaries were compressed.
    pub compressed: Vec<String>,
    /// The lines for its user.
    pub notes: Vec<String>,
}

impl Done {
    /// The digest of the first index.
    pub fn index(&self) -> String {
        self.built.indexes[0].descriptor().digest.to_string()
    }
}

/// Keeps what is reported.
#[derive(Default)]
struct Reports {
    steps: Mutex<Vec<String>>,
    notes: Mutex<Vec<String>>,
}

impl Progress for Reports {
    fn start(&self, _name: &str, _size: u64) -> Box<dyn Task> {
        Box::new(Silent)
    }

    fn step(&self, what: &str) -> Box<dyn Task> {
        base::lock(&self.steps).push(what.to_owned());
        Box::new(Silent)
    }

    fn note(&self, message: &str) {
        base::lock(&self.notes).push(message.to_owned());
    }
}

impl Workshop {
    /// Locks `hosts` out of `archive`, whose one suite is sid.
    pub fn new(hosts: &[&str], archive: &Archive) -> Workshop {
        Workshop::with_series(hosts, archive, &["sid"], &[])
    }

    /// The same of a small archive with one version of QEMU.
    pub fn small(hosts: &[&str]) -> Workshop {
        Workshop::new(hosts, &archive("1:11.1.3+ds-1", hosts))
    }

    /// Locks `hosts` out of suites of `archive`, some of which are series.
    pub fn with_series(hosts: &[&str], archive: &Archive, suites: &[&str], series: &[&str]) -> Workshop {
        let mut workshop = Workshop {
            dir: tempfile::tempdir().unwrap(),
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            suites: [suites, series].map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            lock: Lock::new(Vec::new(), Vec::new()).unwrap(),
            server: None,
        };
        workshop.relock(archive);
        workshop
    }

    /// Serves `archive` from now on, and locks anew.
    pub fn relock(&mut self, archive: &Archive) {
        let archive = archive.build();
        self.server = Some(Server::start(archive.files).unwrap());
        let Site { fetch, mirror, .. } = self.site();
        let keyring = Keyring::parse(&archive.keyring).unwrap();
        let [suites, series] = self.suites.clone();
        let request = Request {
            suites,
            series,
            hosts: self.hosts.iter().copied().collect(),
            targets: Target::current().collect(),
            sources: true,
            now: NOW,
            ..Request::default()
        };
        let resolved = resolve::resolve(&fetch, &mirror, &keyring, &request, &Silent);
        self.lock = base::runtime().unwrap().block_on(resolved).unwrap();
    }

    /// The place of one run, which has the cache open.
    pub fn site(&self) -> Site {
        let cache_dir = self.path("cache");
        let options = Options { offline: self.server.is_none(), ..Options::default() };
        let fetch = Fetcher::new(Cache::open(&cache_dir).unwrap(), options);
        let url = self.server.as_ref().map(|server| server.url().to_owned());
        let mirror = Mirror::choose(url.as_deref(), None, None, &[]).unwrap();
        Site { workspace: self.path(""), cache_dir, fetch, mirror, offline: self.server.is_none() }
    }

    /// The path of something in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Builds what has to succeed.
    #[track_caller]
    pub fn build(&self, build: Build<'_>) -> Done {
        self.try_build(build).unwrap()
    }

    /// Builds, and collects what was reported.
    pub fn try_build(&self, build: Build<'_>) -> anyhow::Result<Done> {
        self.with(build, |plan, context, others| {
            let reports = Arc::new(Reports::default());
            let progress: Arc<dyn Progress> = Arc::clone(&reports) as _;
            let (built, changed) = images::build(plan, context, others, &progress)?;
            let steps = base::lock(&reports.steps);
            let host = |step: &String| Some(step.split_once(": compressing ")?.0.to_owned());
            let mut compressed: Vec<String> = steps.iter().filter_map(host).collect();
            compressed.sort();
            let notes = base::lock(&reports.notes).clone();
            Ok(Done { built, changed, compressed, notes })
        })
    }

    /// The part of the layout that a build would remove, in words.
    pub fn going(&self, build: Build<'_>) -> String {
        self.with(build, |plan, context, others| images::going(plan, others, context.output).unwrap())
    }

    /// Runs `run` with the plan and the context of a build.
    pub fn with<T>(
        &self,
        build: Build<'_>,
        run: impl FnOnce(&Plan, &BuildContext<'_>, &Others<'_>) -> T,
    ) -> T {
        let selection = Selection {
            hosts: build.hosts.iter().map(|host| host.parse().unwrap()).collect(),
            kinds: build.kinds.to_vec(),
            series: build.series.iter().map(|name| (*name).to_owned()).collect(),
            compression: build.compression,
            ..Selection::default()
        };
        let plan = Plan::new(&self.hosts, &selection, &self.lock).unwrap();
        let others = Others::of(&selection, &self.hosts, &self.lock, build.prune);
        let context = BuildContext {
            site: &self.site(),
            lock: &self.lock,
            repository: build.repository,
            output: &self.path(build.output),
            jobs: NonZero::new(build.jobs),
            level: build.level,
            statements: build.statements,
            trace: Trace::default(),
            leave: &crate::always,
        };
        run(&plan, &context, &others)
    }

    /// Makes the next build make every layer, from what was downloaded.
    pub fn forget_layers(&self) {
        let memos = self.path("cache/layers");
        if memos.exists() {
            fs::remove_dir_all(memos).unwrap();
        }
    }

    /// A layout, and its tags.
    pub fn layout(&self, output: &str) -> (Layout, BTreeMap<String, Descriptor>) {
        let layout = Layout::open(&self.path(output)).unwrap();
        let refs = layout.refs().into_iter().collect();
        (layout, refs)
    }

    /// The names of a layout's tags.
    pub fn tags(&self, output: &str) -> Vec<String> {
        self.layout(output).1.into_keys().collect()
    }

    /// Everything that is in a layout: `index.json`, and the names of the blobs.
    pub fn content(&self, output: &str) -> (String, BTreeSet<PathBuf>) {
        let blobs = fs::read_dir(self.path(output).join("blobs/sha256")).unwrap();
        let blobs = blobs.map(|entry| entry.unwrap().file_name().into()).collect();
        (fs::read_to_string(self.path(output).join("index.json")).unwrap(), blobs)
    }

    /// True if all in a layout is as it should be.
    pub fn is_whole(&self, output: &str) -> bool {
        verify(&self.path(output), 2, &mut |_, _, _| Ok(())).unwrap().problems.is_empty()
    }

    /// The files of a folder, sorted.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

/// Flips a bit in the middle of a file.
pub fn flip(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (mut byte, middle) = ([0], file.metadata().unwrap().len() / 2);
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}
