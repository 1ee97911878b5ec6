//! A layout, a registry, a push: what most tests here begin with.

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;

use super::guard::Guard;
use super::server::{Rule, Server};
use crate::fixture::{self, Fixture};
use crate::publish::credentials::Credentials;
use crate::publish::layout::Layout;
use crate::publish::registry::{
    Access, Mode, Options, Push, Registry, RegistryError, Report, Repository, Silent, push,
};

pub(crate) struct Setup {
    pub(crate) home: TempDir,
    pub(crate) layout: Layout,
    pub(crate) plan: Vec<Push>,
}

impl Setup {
    /// The fixture's layout, with `latest` to be pushed last.
    pub(crate) fn new() -> Setup {
        let Fixture { home, layout, mut refs } = Fixture::new();
        refs.rotate_left(1);
        Setup { home, layout, plan: fixture::plan(&refs) }
    }

    pub(crate) async fn push(&self, server: &Server) -> Result<Report, RegistryError> {
        self.push_as(Credentials::Anonymous, server).await
    }

    pub(crate) async fn push_as(
        &self,
        credentials: Credentials,
        server: &Server,
    ) -> Result<Report, RegistryError> {
        self.push_to(&connect(server.address, credentials, options()).await?, Mode::Push).await
    }

    pub(crate) async fn push_to(&self, registry: &Registry, mode: Mode) -> Result<Report, RegistryError> {
        push(&self.layout, &self.plan, &[], registry, mode, &Silent).await
    }

    /// Everything is at the registry, once, and every tag points to the right thing.
    pub(crate) fn assert_complete(&self, server: &Server, name: &str) {
        let state = server.state();
        let blobs = std::fs::read_dir(self.home.path().join("blobs/sha256")).unwrap().count();
        assert_eq!(state.blobs.len() + state.manifests.len(), blobs, "{name}");
        for (digest, bytes) in &state.blobs {
            assert_eq!(sha256::Digest::of(bytes).to_string(), *digest, "{name}");
        }
        for push in &self.plan {
            assert_eq!(state.tags[push.tag.as_ref().unwrap()], push.descriptor.digest.to_string(), "{name}");
        }
    }
}

/// A registry with these faults that has got all of a layout.
pub(crate) async fn pushed(rules: Vec<Rule>) -> (Setup, Server) {
    let (setup, server) = (Setup::new(), Server::start(Guard::Open, rules));
    setup.push(&server).await.unwrap();
    (setup, server)
}

pub(crate) fn repository(address: SocketAddr) -> Repository {
    format!("{address}/aptman/qus").parse().unwrap()
}

/// Impatient where something fails, though not where a busy machine is slow; and with pieces small enough that the fixture's layers need several.
pub(crate) fn options() -> Options {
    let http = ::http::Options {
        connect: Duration::from_secs(60),
        stall: Duration::from_secs(60),
        attempts: 3,
        pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(5),
        longest_wait: Duration::from_secs(4),
        ..::http::Options::default()
    };
    Options { http, piece: 3000, ..Options::default() }
}

pub(crate) async fn connect(
    address: SocketAddr,
    credentials: Credentials,
    options: Options,
) -> Result<Registry, RegistryError> {
    Registry::connect(repository(address), Access::Push, credentials, options).await
}

/// Without credentials, at a registry that answers.
pub(crate) async fn connected(server: &Server) -> Registry {
    connect(server.address, Credentials::Anonymous, options()).await.unwrap()
}
