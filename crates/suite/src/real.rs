//! The real images and release files, as tests and end-to-end jobs want them.

use std::path::{Path, PathBuf};

use arch::{Host, Target};
use builder::images::{self, BuildContext};
use builder::{Config, Level, Plan, Selection, Site, Trace};
use debian::fetch::{self, Address, Reason};
use debian::keyring::Keyring;
use debian::lock::Lock;
use debian::mirror::SNAPSHOT;
use debian::resolve::{self, Purpose};
use ui::Ui;

/// The things that [`real`] makes.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Every image.
    pub images: bool,
    /// The things that are released for this machine.
    pub assets: bool,
    /// A new lock, if the archive does not have a locked package any more.
    pub relock: bool,
}

/// From what it is made, and where to.
pub struct Place<'a> {
    /// The images to build.
    pub config: &'a Config,
    /// The place where they are built.
    pub site: &'a Site,
    /// The lock's file.
    pub lock: PathBuf,
    /// The layout for the images.
    pub layout: &'a Path,
    /// The folder for what is released.
    pub assets: &'a Path,
    /// The extras that are released beside programs.
    pub extras: Vec<(String, Vec<u8>)>,
    /// The moment that a new lock is made at, in unix seconds.
    pub now: i64,
}

/// Makes what is `wanted`; returns the lock that it was made from, and where that is.
pub fn real(wanted: Wanted, place: Place<'_>, ui: &Ui) -> anyhow::Result<(Lock, PathBuf)> {
    let lock = Lock::load(&place.lock)?;
    match build(wanted, &place, &lock, ui) {
        Ok(()) => Ok((lock, place.lock)),
        Err(error) if wanted.relock && is_gone(&error) => {
            ui.say(format!("warning: {error:#}"));
            ui.say(
                "the archive has moved on from the lock: the tests go on with a lock of their own, made now",
            );
            let lock = relock(&place, ui)?;
            build(wanted, &place, &lock, ui)?;
            let path = place.site.workspace.join("target/test.lock");
            lock.write(&path)?;
            Ok((lock, path))
        }
        Err(error) => Err(error),
    }
}

fn build(wanted: Wanted, place: &Place<'_>, lock: &Lock, ui: &Ui) -> anyhow::Result<()> {
    let Place { config, site, layout, assets, extras, .. } = place;
    let build = BuildContext {
        site,
        lock,
        repository: &config.repository,
        output: layout,
        jobs: None,
        level: Level::Quick,
        statements: config.attest,
        trace: Trace::default(),
        leave: &builder::always,
    };
    if wanted.images {
        let selection = Selection::default();
        let plan = Plan::new(&config.hosts, &selection, lock)?;
        let others = images::Others::of(&selection, &config.hosts, lock, true);
        images::build(&plan, &build, &others, &ui.shared())?;
    }
    if !wanted.assets {
        return Ok(());
    }
    let release = release::ReleaseContext {
        images: &build,
        configured: &config.hosts,
        hosts: Host::native().into_iter().collect(),
        targets: Vec::new(),
        output: assets.to_path_buf(),
        extras: extras.clone(),
    };
    release::write(&release, &ui.shared()).map(drop)
}

/// True if a build failed because the archive does not have a package any more. Whatever else there is to a download
/// (no network, other bytes, no cache) fails the tests: with other packages, they would hide it.
///
/// The snapshot archive, which keeps everything, is beyond the reach of many machines that have a mirror of their own. That
/// it cannot be reached says nothing about the mirror, which has to say by itself that the package is gone.
fn is_gone(error: &anyhow::Error) -> bool {
    let fetched = error.chain().find_map(|cause| cause.downcast_ref::<fetch::Error>());
    let Some(fetch::Error::Failed { failures, .. }) = fetched else { return false };
    let unreachable =
        |url: &Address, reason: &Reason| url.url().as_str().starts_with(SNAPSHOT) && reason.is_unreachable();
    failures.iter().any(|(_, reason)| reason.is_gone())
        && failures.iter().all(|(url, reason)| reason.is_gone() || unreachable(url, reason))
}

/// A lock from the archive as it is, with every concession that it takes: it is for tests, and goes nowhere.
fn relock(place: &Place<'_>, ui: &Ui) -> anyhow::Result<Lock> {
    let Place { config, site: Site { workspace, fetch, mirror, .. }, now, .. } = place;
    let keyring = Keyring::load(&workspace.join("images/keyrings"))?;
    let runtime = base::runtime()?;
    let mut request = config.request(Purpose::Images, *now);
    request.allow_expired = config.suites.iter().cloned().collect();
    // Tests run on the newest.
    request.series.clear();
    request.targets = Target::current().collect();
    loop {
        match runtime.block_on(resolve::resolve(fetch, mirror, &keyring, &request, ui)) {
            // Each round passes over at least one more, so this ends.
            Err(resolve::Error::Skewed { suite, hosts, .. }) => {
                request.without.extend(hosts.into_iter().map(|host| (suite.clone(), host)));
            }
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use debian::fetch::Cause;

    use super::*;

    /// The message of a build when the mirror and the snapshot archive fail like this.
    fn failed(mirror: Reason, snapshot: Reason) -> anyhow::Error {
        let failures = vec![
            ("http://mirror.example/debian/a.deb".parse().unwrap(), mirror),
            (format!("{SNAPSHOT}/20260101T000000Z/a.deb").parse().unwrap(), snapshot),
        ];
        let error = fetch::Error::Failed { name: "a.deb".to_owned(), failures };
        anyhow::Error::new(error).context("cannot get a 1 for amd64 (sid)")
    }

    #[test]
    fn only_an_archive_that_moved_on_makes_a_new_lock() {
        let status = |status: u16| Reason::Http(Cause::Status(status.try_into().unwrap()));
        let gone = || status(404);
        let unreachable = || Reason::Http(Cause::Transport("no route".to_owned()));
        let wrong = || Reason::Size { expected: 1, actual: 2 };
        for (mirror, snapshot, expected) in [
            (gone(), gone(), true),
            (gone(), status(410), true),
            (gone(), unreachable(), true),
            (gone(), wrong(), false),
            (gone(), status(503), false),
            (unreachable(), gone(), false),
            (unreachable(), unreachable(), false),
            (wrong(), gone(), false),
            (status(403), gone(), false),
        ] {
            let error = failed(mirror, snapshot);
            assert_eq!(is_gone(&error), expected, "{error:#}");
        }
        let offline = fetch::Error::Offline { name: "a.deb".to_owned() };
        assert!(!is_gone(&anyhow::Error::new(offline)));
        assert!(!is_gone(&anyhow::anyhow!("no space left")));
    }
}
