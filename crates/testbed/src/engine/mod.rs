//! Container engines, started in a sandbox.
//!
//! | engine | packages | store | daemon |
//! |---|---|---|---|
//! | `docker20` | bookworm's `docker.io` | overlay2 | `dockerd` |
//! | `docker28` | sid's `docker.io`, with bookworm's libraries and `runc` | overlay2 | `dockerd` |
//! | `docker28-containerd` | the same | containerd's | `dockerd` |
//! | `podman` | bookworm's `podman`, with `crun` | overlay | `podman system service`, for the API only |
//!
//! Sid's Docker needs nothing newer than bookworm's glibc, so only its four own packages follow sid.

mod archive;
mod daemon;
mod running;
mod tools;

use std::fmt;
use std::str::FromStr;

pub use running::Running;

use crate::Error;
use crate::packages::Package;
use crate::sandbox::Sandbox;

pub(crate) use daemon::Daemon;

/// A container engine, as Debian packages it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Docker 20.10.
    Docker20,
    /// Docker 28.
    Docker28 {
        /// Images in containerd's store instead of the classic one.
        containerd_store: bool,
    },
    /// podman 4.3.
    Podman,
}

impl Engine {
    /// Every engine, in the order of the module's table.
    pub const ALL: [Engine; 4] = [
        Engine::Docker20,
        Engine::Docker28 { containerd_store: false },
        Engine::Docker28 { containerd_store: true },
        Engine::Podman,
    ];

    /// The name that `Display` prints and `FromStr` reads.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Docker20 => "docker20",
            Engine::Docker28 { containerd_store: false } => "docker28",
            Engine::Docker28 { containerd_store: true } => "docker28-containerd",
            Engine::Podman => "podman",
        }
    }

    /// The command that users type: `docker` or `podman`.
    pub fn client(self) -> &'static str {
        if self == Engine::Podman { "podman" } else { "docker" }
    }

    /// The packages that a sandbox must have for [`Engine::start`]: a list for [`crate::Packages::tree`].
    pub fn packages(self) -> Vec<Package> {
        tools::packages(self)
    }

    /// A name for the tree of these packages; both stores of Docker 28 share it.
    pub fn tree_name(self) -> &'static str {
        match self {
            Engine::Docker28 { .. } => "docker28",
            other => other.name(),
        }
    }

    /// Starts the engine in `sandbox`, which has a tree of [`Engine::packages`], and waits until it answers.
    pub fn start(self, sandbox: &Sandbox) -> Result<Running<'_>, Error> {
        running::start(self, sandbox)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no engine has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown engine `{0}`\nhint: one of docker20, docker28, docker28-containerd, podman")]
pub struct UnknownEngine(String);

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Engine, UnknownEngine> {
        Engine::ALL
            .into_iter()
            .find(|engine| engine.name() == name)
            .ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_the_hint_has_them_all() {
        let hint = "docker".parse::<Engine>().unwrap_err().to_string();
        assert!(hint.starts_with("unknown engine `docker`\n"));
        for engine in Engine::ALL {
            assert_eq!(engine.name().parse(), Ok(engine));
            assert!(hint.contains(engine.name()), "{engine} is not in the hint");
        }
    }
}
