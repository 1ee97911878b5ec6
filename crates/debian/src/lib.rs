//! From Debian's archive to verified static QEMU binaries; the only crate that knows Debian.
//!
//! Trust runs downwards: [`keyring`] says whose signatures count, [`release`] verifies a suite's `InRelease`, that
//! names each `Packages` by digest ([`packages`]), which names each .deb by digest ([`deb`]), out of which [`qemu`] takes
//! the static programs. Beside `Packages` there is `Sources`, which names the description of each source by digest
//! ([`sources`]). [`resolve`] walks this once and writes down what it found as a [`lock`]; a build starts from the lock
//! alone, and trusts neither mirror nor network: all above it is behind the feature `openpgp`, so that a build compiles no
//! cryptography but hashes.
//!
//! This crate never reads the clock, the environment or a fixed path on its own account: `now`, folders and settings come
//! in as arguments.

pub mod about;
pub mod cache;
pub mod deb;
pub mod elf;
pub mod fetch;
mod hint;
#[cfg(feature = "openpgp")]
pub mod keyring;
pub mod limits;
pub mod lock;
pub mod mirror;
#[cfg(feature = "openpgp")]
pub mod packages;
pub mod progress;
pub mod qemu;
#[cfg(feature = "openpgp")]
pub mod relations;
#[cfg(feature = "openpgp")]
pub mod release;
#[cfg(feature = "openpgp")]
pub mod resolve;
#[cfg(feature = "openpgp")]
pub mod sources;
#[cfg(feature = "testing")]
pub mod testing;

mod date;
mod pool;
#[cfg(feature = "openpgp")]
mod stanzas;
mod suite;
mod version;

pub use about::About;
pub use cache::Cache;
pub use fetch::Fetcher;
pub use hint::hint;
#[cfg(feature = "openpgp")]
pub use keyring::Keyring;
pub use lock::Lock;
pub use mirror::Mirror;
pub use progress::Progress;
pub use suite::SUITES;
pub use version::{FullVersion, QemuVersion};
