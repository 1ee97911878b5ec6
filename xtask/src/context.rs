//! The surroundings of every command: the workspace, the cache, the mirror. Collected here, so that nothing else looks at
//! the environment.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arch::Host;
use debian::cache::Cache;
use debian::fetch::{Fetcher, Options};
use debian::lock::Lock;
use debian::mirror::{self, Mirror};

use crate::cli::Sources;
use base::Hinted;
use builder::Config;
use builder::cache::Limit;
use builder::trace::Trace;
use ui::Ui;

/// The workspace that this run works on: the one whose `xtask` cargo runs, or else the one around the current directory.
/// Never the one that the program was compiled in: a checkout that was copied, with its target folder, works on itself.
pub(crate) fn workspace() -> anyhow::Result<PathBuf> {
    // Set by `cargo run` to the folder of the package that it runs (the Cargo book, "Environment Variables").
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let current = std::env::current_dir().context("cannot find the current directory")?;
    let found = manifest.iter().chain([&current]).find_map(|from| root_around(from));
    Ok(found.ok_or_else(|| {
        Hinted::new(
            format!("{} is not in qus's workspace", current.display()),
            "run `cargo xtask` inside a clone of the repository",
        )
    })?)
}

/// The nearest folder around `from` that is a workspace of qus.
fn root_around(from: &Path) -> Option<PathBuf> {
    let is_root =
        |folder: &&Path| folder.join("images/images.toml").is_file() && folder.join("xtask").is_dir();
    from.ancestors().find(is_root).map(Path::to_owned)
}

/// The path of the lock.
pub(crate) fn lock_path(workspace: &Path) -> PathBuf {
    workspace.join("images/debian.lock")
}

/// The cache directory, by flag or environment.
pub(crate) fn cache_dir(flag: Option<&Path>) -> anyhow::Result<PathBuf> {
    let dir = match flag {
        Some(dir) => dir.to_owned(),
        None => Cache::default_dir(|name| std::env::var(name).ok()).ok_or_else(|| {
            Hinted::new("there is no place for the cache", "set QUS_CACHE_DIR, XDG_CACHE_HOME or HOME")
        })?,
    };
    std::path::absolute(&dir).with_context(|| format!("cannot use {} as cache", dir.display()))
}

/// The limit of the cache's size, by flag or environment, if either says so.
pub(crate) fn cache_limit(flag: Option<Limit>) -> anyhow::Result<Option<Limit>> {
    match (flag, std::env::var("QUS_CACHE_SIZE")) {
        (None, Ok(text)) if !text.is_empty() => text.parse().map(Some).context("cannot use QUS_CACHE_SIZE"),
        (flag, _) => Ok(flag),
    }
}

/// The timeline that QUS_TRACE asks for.
pub(crate) fn trace() -> Trace {
    Trace::new(std::env::var_os("QUS_TRACE").filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// The things that a command works with that takes packages from Debian's archive.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) build: builder::Site,
}

impl Site {
    /// By flags, environment, images.toml and the machine's own settings, in this order.
    pub(crate) fn open(sources: &Sources) -> anyhow::Result<Site> {
        let workspace = workspace()?;
        let config = Config::load(&workspace.join("images/images.toml"))?;
        let cache_dir = cache_dir(sources.cache_dir.as_deref())?;
        let options = Options { offline: sources.offline, ..Options::default() };
        let fetch = Fetcher::new(Cache::open(&cache_dir)?, options);
        let environment = std::env::var("QUS_MIRROR").ok();
        let mirror = Mirror::choose(
            sources.mirror.as_deref(),
            environment.as_deref(),
            config.mirror.as_deref(),
            &mirror::apt_sources(Path::new("/etc/apt")),
        )?;
        let build = builder::Site { workspace, cache_dir, fetch, mirror, offline: sources.offline };
        Ok(Site { config, build })
    }

    /// The committed lock, which has packages for `hosts` (empty stands for all that are configured). Reports what else of
    /// the configuration it does not have.
    pub(crate) fn lock(&self, hosts: &[Host], ui: &Ui) -> anyhow::Result<Lock> {
        let lock = Lock::load(&lock_path(&self.build.workspace))?;
        // A host that is not configured is for the plan to refuse.
        for line in self.config.compare(&lock, hosts)? {
            ui.say(format!("warning: {line}"));
        }
        Ok(lock)
    }
}

/// Now, in unix seconds.
#[cfg(feature = "full")]
pub(crate) fn now() -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("the clock is before 1970")?;
    i64::try_from(now.as_secs()).context("the clock is far in the future")
}
