//! A signed archive on a server, and what is needed to look at it.

use std::sync::Mutex;

use qus_debian::fetch::Options;
use qus_debian::progress::{Progress, Silent, Task};
use qus_debian::testing::{Archive, Built, Server, Suite};
use qus_debian::{Cache, Fetcher, Keyring, Mirror};

pub(crate) struct Setup {
    pub(crate) server: Server,
    pub(crate) built: Built,
    pub(crate) mirror: Mirror,
    pub(crate) dir: tempfile::TempDir,
}

impl Setup {
    pub(crate) fn new(suites: impl IntoIterator<Item = Suite>) -> Setup {
        let built = suites.into_iter().fold(Archive::new(7), Archive::suite).build();
        let server = Server::start(built.files.clone()).unwrap();
        let mirror = Mirror::choose(Some(&server.url()), None, None, &[]).unwrap();
        Setup { server, built, mirror, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn parts(&self) -> (Fetcher, Keyring) {
        let mut options = Options::default();
        options.http.attempts = 1;
        let fetcher = Fetcher::new(Cache::open(self.dir.path()).unwrap(), options);
        (fetcher, Keyring::parse(&self.built.keyring).unwrap())
    }
}

/// An error and its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Keeps what is reported.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    pub(crate) starts: Mutex<Vec<String>>,
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) warnings: Mutex<Vec<String>>,
    pub(crate) details: Mutex<Vec<String>>,
}

impl Progress for Reports {
    fn start(&self, name: &str, size: u64) -> Box<dyn Task> {
        self.starts.lock().unwrap().push(format!("{name} {size}"));
        Box::new(Silent)
    }

    fn note(&self, message: &str) {
        self.notes.lock().unwrap().push(message.to_owned());
    }

    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }

    fn detail(&self, message: &str) {
        self.details.lock().unwrap().push(message.to_owned());
    }
}
