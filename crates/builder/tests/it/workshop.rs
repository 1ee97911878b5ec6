//! A place to build at: a small archive, its lock, a cache and folders for layouts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

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
use qus_builder::build::Built;
use qus_builder::images::{self, BuildContext, Others};
use qus_builder::packing::{Compression, Level};
use qus_builder::plan::{Plan, Selection};
use qus_builder::trace::Trace;
use qus_builder::{Kind, Site, Statements};

/// The place.
pub(crate) struct Workshop {
    dir: tempfile::TempDir,
    pub(crate) hosts: Vec<Host>,
    /// The suites of an archive, and those of them that are series.
    suites: [Vec<String>; 2],
    pub(crate) lock: Lock,
    /// The archive; `None` once it is closed.
    pub(crate) server: Option<Server>,
}

/// The options of a build; the default is that of the images `pkg` of every host, in place of what the layout has.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    /// None stand for all.
    pub(crate) hosts: &'a [&'a str],
    /// None stand for all.
    pub(crate) kinds: &'a [Kind],
    pub(crate) series: &'a [&'a str],
    pub(crate) compression: Compression,
    pub(crate) level: Level,
    pub(crate) statements: Statements,
    pub(crate) prune: bool,
    pub(crate) jobs: usize,
    pub(crate) repository: &'a str,
    /// The layout's folder.
    pub(crate) output: &'a str,
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
pub(crate) struct Done {
    pub(crate) built: Built,
    /// True if the layout is another than before.
    pub(crate) changed: bool,
    /// The hosts whose binaries were compressed.
    pub(crate) compressed: Vec<String>,
    /// The lines for its user.
    pub(crate) notes: Vec<String>,
}

impl Done {
    /// The digest of the first index.
    pub(crate) fn index(&self) -> String {
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
    pub(crate) fn new(hosts: &[&str], archive: &Archive) -> Workshop {
        Workshop::with_series(hosts, archive, &["sid"], &[])
    }

    /// The same of a small archive with one version of QEMU.
    pub(crate) fn small(hosts: &[&str]) -> Workshop {
        Workshop::new(hosts, &archive("1:11.1.3+ds-1", hosts))
    }

    /// Locks `hosts` out of suites of `archive`, some of which are series.
    pub(crate) fn with_series(
        hosts: &[&str],
        archive: &Archive,
        suites: &[&str],
        series: &[&str],
    ) -> Workshop {
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
    pub(crate) fn relock(&mut self, archive: &Archive) {
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
    pub(crate) fn site(&self) -> Site {
        let cache_dir = self.path("cache");
        let options = Options { offline: self.server.is_none(), ..Options::default() };
        let fetch = Fetcher::new(Cache::open(&cache_dir).unwrap(), options);
        let url = self.server.as_ref().map(|server| server.url().to_owned());
        let mirror = Mirror::choose(url.as_deref(), None, None, &[]).unwrap();
        Site { workspace: self.path(""), cache_dir, fetch, mirror, offline: self.server.is_none() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    #[track_caller]
    pub(crate) fn build(&self, build: Build<'_>) -> Done {
        self.try_build(build).unwrap()
    }

    pub(crate) fn try_build(&self, build: Build<'_>) -> anyhow::Result<Done> {
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
    pub(crate) fn going(&self, build: Build<'_>) -> String {
        self.with(build, |plan, context, others| images::going(plan, others, context.output).unwrap())
    }

    fn with<T>(&self, build: Build<'_>, run: impl FnOnce(&Plan, &BuildContext<'_>, &Others<'_>) -> T) -> T {
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
            leave: &qus_builder::always,
        };
        run(&plan, &context, &others)
    }

    /// Makes the next build make every layer, from what was downloaded.
    pub(crate) fn forget_layers(&self) {
        let memos = self.path("cache/layers");
        if memos.exists() {
            fs::remove_dir_all(memos).unwrap();
        }
    }

    /// A layout, and its tags.
    pub(crate) fn layout(&self, output: &str) -> (Layout, BTreeMap<String, Descriptor>) {
        let layout = Layout::open(&self.path(output)).unwrap();
        let refs = layout.refs().into_iter().collect();
        (layout, refs)
    }

    /// The names of a layout's tags.
    pub(crate) fn tags(&self, output: &str) -> Vec<String> {
        self.layout(output).1.into_keys().collect()
    }

    /// Everything that is in a layout: `index.json`, and the names of the blobs.
    pub(crate) fn content(&self, output: &str) -> (String, BTreeSet<PathBuf>) {
        let blobs = fs::read_dir(self.path(output).join("blobs/sha256")).unwrap();
        let blobs = blobs.map(|entry| entry.unwrap().file_name().into()).collect();
        (fs::read_to_string(self.path(output).join("index.json")).unwrap(), blobs)
    }

    /// True if all in a layout is as it should be.
    pub(crate) fn is_whole(&self, output: &str) -> bool {
        verify(&self.path(output), 2, &mut |_, _, _| Ok(())).unwrap().problems.is_empty()
    }

    /// The files of a folder, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

/// Flips a bit in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (mut byte, middle) = ([0], file.metadata().unwrap().len() / 2);
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}
