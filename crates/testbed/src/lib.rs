//! Real engines, registries and kernels' binfmt_misc for tests, isolated so that nothing of the machine changes.
//!
//! # How
//!
//! - [`packages`] brings Debian packages and unpacks them into a cache: [`Tree`]s, never installed anywhere.
//! - [`Sandbox`] puts trees together as the root of a small Debian machine of its own: user, mount, pid, network, IPC,
//!   UTS and cgroup namespaces, an own `/proc`, and an own instance of binfmt_misc, which exists per user namespace
//!   since Linux 6.7. Everything in it ends with the value, also when the test process is killed.
//! - [`Engine`] starts Docker or podman in a sandbox, [`Registry`] starts Debian's `docker-registry`, [`Booted`] is
//!   systemd with Docker as a service. A [`Machine`] has a kernel of its own, which QEMU emulates a processor for.
//!
//! [`missing`] says what a machine lacks to do this. A test begins with [`Packages::for_test`], which then says that it
//! did not run.
//!
//! # What an engine meets inside
//!
//! The user namespace maps every id to itself except the last one. A map of all ids looks like the machine's first
//! user namespace, and engines would then try what only that one may do (device rules in BPF, `trusted.` xattrs); with
//! one id less they see that they are in a user namespace and do without. Capabilities are whole inside, whatever the
//! bounding set of the machine: a new user namespace starts with a full one, so `--privileged` needs no help.
//! Containers have no network (`--bridge=none`) and no resource limits.

pub mod browser;
mod cgroup;
mod console;
pub mod engine;
mod error;
pub mod machine;
mod missing;
mod output;
pub mod packages;
mod programs;
pub mod registry;
pub mod sandbox;
mod shared;
pub mod skopeo;
mod systemd;

pub use engine::{Engine, Running};
pub use error::Error;
pub use machine::{Hardware, Initramfs, Kernel, Machine};
pub use missing::{missing, ready, skip};
pub use packages::{Package, Packages, Tree};
pub use programs::{copy_program, write_program};
pub use registry::Registry;
pub use sandbox::Sandbox;
pub use shared::Shared;
pub use systemd::Booted;
